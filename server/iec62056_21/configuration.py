"""How the ports of a meter speak IEC 62056-21: objects 131.0.1 to 131.0.17 (IEC 1107 description 2.1 and 6).

They stand in permanent memory and take effect at the next sign-on. Numbers 1 to 16 are also KMP registers 0x1812 to
0x1821, in the same order. What has not been written is as the device profile says. A change is an entry in the
configuration logger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from metering import Configured

from ..profile_tables import Iec62056
from ..virtual_meter import Remember, VirtualMeter

PORTS: Final = ("module", "ccc", "optical")
"""The interfaces in the order of their objects: primary module, CCC module, optical (infrared) port."""
USER_DATA: Final = 1
D0_TIME_OUT: Final = 4
D0_SPEED: Final = 7
MODE: Final = 10
"""Numbers of the first port's object of each kind."""
TA, TR, TT, TI = 13, 14, 15, 16
"""Numbers of the timers, which all ports share."""
USER_DATA_2: Final = 17
"""The number of the list; it is no number but written as data set identifications."""

NO_COMMUNICATION, MODES_A_C, MODES_A_C_D0 = 0, 1, 2
D0_STEP_S: Final = 5
SPEEDS: Final = (300, 600, 1200, 2400, 4800, 9600)
LONGEST_LIST: Final = 40
_FIRST_REGISTER: Final = 0x1812
_OCTETS: Final = 4


class Parameter(NamedTuple):
    """One of them: its name, the range, and what the profile says."""

    name: str
    low: int
    high: int
    default: Callable[[Iec62056], int]


def _parameters() -> dict[int, Parameter]:
    kinds = {
        USER_DATA: Parameter("user data select", 0, 1, lambda profile: profile.user_data - 1),
        D0_TIME_OUT: Parameter("mode D0 time-out", 0, 17_280, lambda profile: round(profile.d0_interval_s / D0_STEP_S)),
        D0_SPEED: Parameter("mode D0 baud rate", 0, 5, lambda profile: SPEEDS.index(profile.d0_speed)),
        MODE: Parameter(
            "communication mode select", 0, 2, lambda profile: MODES_A_C_D0 if "D" in profile.modes else MODES_A_C
        ),
    }
    milliseconds = {
        TA: Parameter("Ta", 1_000, 65_000, lambda profile: round(profile.ta_s * 1000)),
        TR: Parameter("Tr", 1_000, 65_000, lambda profile: round(profile.tr_s * 1000)),
        TT: Parameter("Tt", 1_000, 65_000, lambda profile: round(profile.tt_s * 1000)),
    }
    return (
        {first + port: parameter for first, parameter in kinds.items() for port in range(len(PORTS))}
        | milliseconds
        | {TI: Parameter("Ti", 5, 240, lambda profile: round(profile.ti_s))}
    )


PARAMETERS: Final[Mapping[int, Parameter]] = MappingProxyType(_parameters())
"""Objects 131.0.1 to 131.0.16 by group E."""


def number_of(register: int) -> int:
    """The object behind a KMP register; raises `KeyError`."""
    number = register - _FIRST_REGISTER + 1
    if number not in PARAMETERS:
        raise KeyError(register)
    return number


def read(meter: VirtualMeter, number: int) -> int:
    """The present value; raises `KeyError` where there is no such number, or the meter has no such objects."""
    profile = meter.profile.iec62056_21
    if not profile.configurable:
        raise KeyError(number)
    octets = meter.memory.get(_key(number))
    return PARAMETERS[number].default(profile) if octets is None else int.from_bytes(octets, "big")


def write(meter: VirtualMeter, number: int, value: int) -> None:
    """Keep a new value; raises `ValueError` for one outside the range, and as `read` does."""
    read(meter, number)
    name, low, high, _ = PARAMETERS[number]
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; allowed: {low}..{high}")
    meter.configure(Configured.LOCAL_PORT, [Remember(_key(number), value.to_bytes(_OCTETS, "big"))])


def read_list(meter: VirtualMeter) -> list[str] | None:
    """User data 2 as it was configured; `None` where it is as delivered."""
    octets = meter.memory.get(_key(USER_DATA_2))
    return None if octets is None else octets.decode("ascii").split(";")


def user_data_2(meter: VirtualMeter) -> list[str]:
    """User data 2 as it is now."""
    chosen = read_list(meter)
    if chosen is not None:
        return chosen
    return [item.id for item in next(item.items for item in meter.profile.iec62056_21.lists if item.number == 2)]


def write_list(meter: VirtualMeter, identifications: Sequence[str]) -> None:
    """Configure user data 2: 1 to 40 identifications that the meter has."""
    assert 1 <= len(identifications) <= LONGEST_LIST
    meter.configure(Configured.LOCAL_PORT, [Remember(_key(USER_DATA_2), ";".join(identifications).encode("ascii"))])


def keys_of(meter: VirtualMeter, port: int) -> tuple[bytes, ...]:
    """Where in permanent memory is written how this port speaks; empty where nothing can be written."""
    if not meter.profile.iec62056_21.configurable:
        return ()
    return tuple(map(_key, (MODE + port, D0_TIME_OUT + port, D0_SPEED + port, TA, TR, TT, TI)))


def _key(number: int) -> bytes:
    return b"131.0.%d" % number
