"""The load profile and the analysis logger: what their columns are on the wire (382M DLMS description 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from cosem.data_types import DOUBLE_LONG_UNSIGNED, INTEGER, LONG_UNSIGNED, DataType
from cosem.interface_class import CosemObject
from metering import Configured, EnergyType, Flow
from metering.inputs import ClearAnalysisLogger, ClearLoadProfile, SetAnalysisLogger, SetLoadProfilePeriod
from metering.stamped_rows import Rows
from obis import Obis

from .columnar import Captured, Table, columnar_object
from .selection import FLOW_NAMES, value_column

_FIRST_QUADRANT: Final = "1.1.5.8.0.255"
_FORMAT: Final = value_column(1, "1.1.134.0.1.255")
_PULSE_INPUT: Final = Obis.parse("1.1.0.128.1.255")
_CURRENTS: Final = (31, 51, 71)
_VOLTAGES: Final = (32, 52, 72)
_POWER_FACTORS: Final = (13, 33, 53, 73)


def load_profile_object(logical_name: Obis, energy_type: EnergyType, name: str) -> CosemObject:
    """The load profile: format and the readings of the energy type's flows."""
    names = dict(enumerate(FLOW_NAMES))
    if energy_type is EnergyType.IMPORT_FIRST_QUADRANT:
        names[Flow.R12] = _FIRST_QUADRANT
    readings = {flow: value_column(3, names[flow]) for flow in energy_type.flows}

    def table(context: Any) -> Table:
        profile = context.meter.engine.load_profile(context.meter.now())
        captured = [Captured(_FORMAT, INTEGER, lambda rows: context.energy_format)]
        for flow, values in zip(profile.flows, profile.energies, strict=True):
            captured.append(Captured(readings[flow], DOUBLE_LONG_UNSIGNED, values.__getitem__))
        return Table(profile.stamps, profile.status, profile.quality, captured, profile.period_s, profile.entries)

    return columnar_object(
        logical_name, name, table,
        set_period=lambda context, period: context.meter.configure(
            Configured.LOAD_PROFILE_PERIOD, [SetLoadProfilePeriod(period)]
        ),
        reset=lambda context, parameter: context.meter.apply(ClearLoadProfile()),
    )  # fmt: skip


def analysis_object(logical_name: Obis, name: str) -> CosemObject:
    """The analysis logger: the registers chosen in this meter, in the types and units of their own objects."""

    def table(context: Any) -> Table:
        logger = context.meter.engine.analysis_logger(context.meter.now())
        captured = [_register(code, values) for code, values in zip(logger.registers, logger.values, strict=True)]
        return Table(logger.stamps, logger.status, logger.quality, captured, logger.period_s, logger.entries)

    def set_period(context: Any, period: int) -> None:
        registers = context.meter.engine.analysis_logger(context.meter.now()).registers
        change = SetAnalysisLogger(period, tuple(str(code) for code in registers))
        context.meter.configure(Configured.ANALYSIS_PERIOD, [change])

    return columnar_object(
        logical_name, name, table,
        set_period=set_period,
        reset=lambda context, parameter: context.meter.apply(ClearAnalysisLogger()),
    )  # fmt: skip


def _register(code: Obis, values: Any) -> Captured:
    """A recorded register as its own object would give it: W, var, VA, V, 0.01 A, hundredths of a power factor, Wh."""
    type_: DataType = DOUBLE_LONG_UNSIGNED
    scale: Callable[[Any], Any]
    if code.d not in (7, 25):  # readings and counters
        scale = _plain
    elif code.c in _CURRENTS:
        scale = _tenths
    elif code.c in _VOLTAGES:
        type_, scale = LONG_UNSIGNED, _rounded_thousandths
    elif code.c in _POWER_FACTORS:
        type_, scale = LONG_UNSIGNED, _tenths
    else:
        scale = _thousandths
    class_id = 1 if code == _PULSE_INPUT else 3

    def column(rows: Rows) -> Any:
        return scale(values[rows])

    return Captured(value_column(class_id, str(code)), type_, column)


def _plain(values: Any) -> Any:
    return values & np.int64(0xFFFFFFFF)


def _tenths(values: Any) -> Any:
    return np.minimum(values // 10, np.int64(0xFFFFFFFF))


def _thousandths(values: Any) -> Any:
    return values // 1000


def _rounded_thousandths(values: Any) -> Any:
    return (values + 500) // 1000
