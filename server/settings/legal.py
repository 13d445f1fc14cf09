"""Legal data: what the approval rests on. Most of it is never changed, registers only with a broken seal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from metering import Configured, Energy, Meter
from metering.inputs import SetRegister

from ..virtual_meter import VirtualMeter
from .setting import Change, Legal, Plain, Setting, table, whole

_NAMES: Final = tuple(channel.name for channel in Energy)
_HIGHEST_MWS: Final = 36 * 10**15


def _fixed(number: Configured, description: str, read: Callable[[VirtualMeter], Plain]) -> Setting:
    return Setting(number, number.name.lower(), description, "nothing", read, _never, Legal.FIXED)


def _never(meter: VirtualMeter, value: Plain) -> list[Change]:
    raise ValueError("legal data: never changed")


def _registers(meter: VirtualMeter) -> Plain:
    now = meter.now()
    return {channel.name: meter.engine.energy(channel, now) for channel in Energy}


def _set_registers(meter: VirtualMeter, value: Plain) -> list[Change]:
    held = table(value, _NAMES)
    readings = {channel: whole(held[channel.name], 0, _HIGHEST_MWS) for channel in Energy}
    _check(meter.engine, readings)
    return [SetRegister(channel, reading) for channel, reading in readings.items()]


def _check(engine: Meter, readings: dict[Energy, int]) -> None:
    """What holds for registers that were counted holds for those that are set; raises `ValueError`."""
    order = engine.configuration
    for channel in order.energy_type.not_counted:
        if readings[channel]:
            raise ValueError(f"{channel.name} is {readings[channel]}; allowed: 0, the meter does not count it")
    imported, exported = (
        sum(readings[Energy(first + phase)] for phase in range(3)) for first in (Energy.A14_L1, Energy.A23_L1)
    )
    if order.summation == "individual" and readings[Energy.A14] != imported:
        raise ValueError(f"A14 is {readings[Energy.A14]}; allowed: {imported}, the sum of its phases")
    if Energy.A23 not in order.energy_type.not_counted:
        net = readings[Energy.A14] - readings[Energy.A23]
        if net != imported - exported:
            raise ValueError(f"A14 less A23 is {net}; allowed: {imported - exported}, as the phases have it")
    elif readings[Energy.A14] > imported:
        raise ValueError(f"A14 is {readings[Energy.A14]}; allowed: {imported} at most, the sum of its phases")
    for apparent, active in ((Energy.E14, Energy.A14), (Energy.E23, Energy.A23)):
        if readings[apparent] < readings[active]:
            raise ValueError(f"{apparent.name} is less than {active.name}; allowed: at least as much")


LEGAL: Final = (
    _fixed(Configured.SERIAL_NUMBER, "Serial number", lambda meter: meter.serial_number),
    _fixed(Configured.TYPE_NUMBER, "Type number of the nameplate", lambda meter: meter.type_number),
    _fixed(
        Configured.CONFIGURATION_NUMBERS,
        "Configuration numbers 1 to 5, as ordered",
        lambda meter: list(meter.profile.identity.configuration_numbers),
    ),
    _fixed(Configured.SOFTWARE_NUMBER, "Software number", lambda meter: meter.profile.identity.software_number),
    _fixed(Configured.METER_CONSTANT, "Pulses per kWh", lambda meter: meter.engine.configuration.meter_constant),
    Setting(
        Configured.ENERGY_REGISTERS,
        Configured.ENERGY_REGISTERS.name.lower(),
        "Energy registers in mWs, mvars and mVAs (3600000 are a Wh), all of them together",
        f"a table of {', '.join(_NAMES)}; sums and phases must agree",
        _registers,
        _set_registers,
        Legal.SEALED,
    ),
)
"""Everything that is legal data here."""
