"""Everything that changes a meter from outside. A meter is its configuration, its inputs and time; nothing else.

Inputs are journaled: `to_dict` gives plain JSON values, `from_dict` reads them back. Old journals must stay
readable, so a field may be added with a default but never renamed. Values are checked when an input is
built, so a journal never holds one that cannot be applied for its values' sake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .base import Input
from .loggers import (
    ClearAnalysisLogger,
    ClearLoadProfile,
    ResetTripCounter,
    SetAnalysisLogger,
    SetDebitingInterval,
    SetLoadProfilePeriod,
    SetLoadProfileRegisters,
    StopBilling,
)
from .settings import (
    ClearEvents,
    NoteConfiguration,
    SetClock,
    SetDaylightSaving,
    SetDisplayList,
    SetEventMasks,
    SetIntegrationPeriod,
    SetPeakTariff,
    SetPowerThreshold,
    SetPulseInput,
    SetPulseInputScale,
    SetRegister,
    SetTargetDay,
    SetTariff,
    SetTariffMode,
    SetTariffTable,
    SetVerificationMode,
    SignOn,
)
from .surroundings import (
    NOMINAL_VOLTAGE_MV,
    AddPulses,
    BreakSeal,
    Phases,
    PressButton,
    ReleaseLoad,
    SetAlarmInput,
    SetCover,
    SetLoad,
    SetMagnet,
    SetRipple,
    SetSupply,
    SetTariffInputs,
    SetTerminalCover,
)
from .switching import (
    OperateBreaker,
    SetBreakerParameter,
    SetPrepaymentAlarm,
    SetPrepaymentExceptions,
    SetRelayDelay,
    SetRelayMode,
    SwitchRelay,
    TopUp,
)

__all__ = [
    "INPUT_KINDS",
    "NOMINAL_VOLTAGE_MV",
    "AddPulses",
    "BreakSeal",
    "ClearAnalysisLogger",
    "ClearEvents",
    "ClearLoadProfile",
    "Input",
    "NoteConfiguration",
    "OperateBreaker",
    "Phases",
    "PressButton",
    "ReleaseLoad",
    "ResetTripCounter",
    "SetAlarmInput",
    "SetAnalysisLogger",
    "SetBreakerParameter",
    "SetClock",
    "SetCover",
    "SetDaylightSaving",
    "SetDebitingInterval",
    "SetDisplayList",
    "SetEventMasks",
    "SetIntegrationPeriod",
    "SetLoad",
    "SetLoadProfilePeriod",
    "SetLoadProfileRegisters",
    "SetMagnet",
    "SetPeakTariff",
    "SetPowerThreshold",
    "SetPrepaymentAlarm",
    "SetPrepaymentExceptions",
    "SetPulseInput",
    "SetPulseInputScale",
    "SetRegister",
    "SetRelayDelay",
    "SetRelayMode",
    "SetRipple",
    "SetSupply",
    "SetTargetDay",
    "SetTariff",
    "SetTariffInputs",
    "SetTariffMode",
    "SetTariffTable",
    "SetTerminalCover",
    "SetVerificationMode",
    "SignOn",
    "StopBilling",
    "SwitchRelay",
    "TopUp",
    "input_from_dict",
]

INPUT_KINDS: Final[Mapping[str, type[Input]]] = {
    kind.kind: kind
    for kind in (
        SetLoad,
        ReleaseLoad,
        SetSupply,
        SetMagnet,
        SetCover,
        SetTerminalCover,
        SetAlarmInput,
        BreakSeal,
        PressButton,
        AddPulses,
        OperateBreaker,
        SetBreakerParameter,
        TopUp,
        SetPrepaymentAlarm,
        SetPrepaymentExceptions,
        SetDisplayList,
        SetRelayMode,
        SwitchRelay,
        SetRelayDelay,
        SetRegister,
        NoteConfiguration,
        SignOn,
        ClearEvents,
        SetEventMasks,
        SetClock,
        SetVerificationMode,
        SetDaylightSaving,
        SetTariff,
        SetTariffMode,
        SetTariffTable,
        SetTariffInputs,
        SetRipple,
        SetIntegrationPeriod,
        StopBilling,
        ResetTripCounter,
        SetPowerThreshold,
        SetAnalysisLogger,
        ClearAnalysisLogger,
        SetDebitingInterval,
        SetPulseInput,
        SetPulseInputScale,
        SetTargetDay,
        SetPeakTariff,
        SetLoadProfilePeriod,
        SetLoadProfileRegisters,
        ClearLoadProfile,
    )
}
"""Every kind of input by its name in a journal."""


def input_from_dict(values: Mapping[str, Any]) -> Input:
    """Read back what `Input.to_dict` gave; raises `ValueError` naming the kind or field at fault."""
    kind = INPUT_KINDS.get(values.get("kind", ""))
    if kind is None:
        raise ValueError(f"input kind is {values.get('kind')!r}; allowed: {', '.join(INPUT_KINDS)}")
    arguments = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name != "kind"
    }
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f"input {kind.kind}: {error}") from None
