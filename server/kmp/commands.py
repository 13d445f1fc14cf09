"""The commands of KMP by their command identifier (CID), and what the meter does with each.

A handler takes the asker and the data behind the CID and gives the data of the answer, `ACKNOWLEDGE` for 06 alone, or
`None`: a request that the meter does not understand, or refuses, gets no answer. README.md lists the commands and
says of each what is documented and what is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from metering import Configured, Flow
from metering.inputs import ClearEvents, OperateBreaker, SetLoadProfilePeriod, SetLoadProfileRegisters, StopBilling
from metering.status import EventA

from . import log_readout
from .asker import Asker
from .registers import registers_of
from .sources import record
from .writing import put, set_clock

ACKNOWLEDGE: Final = b""
"""06 alone; an answer with data always has its CID."""

Handler = Callable[[Asker, bytes], bytes | None]

MOST_REGISTERS: Final = 8
"""Registers of one GetRegister (KMP protocol description, 5)."""
_LAST_RESULT: Final = 0xFFFF


def _unsigned(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


# --- who it is ------------------------------------------------------------------------------------


def get_type(asker: Asker, data: bytes) -> bytes | None:
    """The meter type in decimal digits, the letter of the revision counted from A = 1, its number."""
    identity = asker.meter.profile.identity
    if data or not identity.meter_types:
        return None
    meter_type = identity.meter_types[identity.type.facts.breaker]
    letter, number = identity.software_revision[0], int(identity.software_revision[1:])
    return bytes((0x01, *bytes.fromhex(f"{meter_type:04d}"), ord(letter) - ord("A") + 1, number))


def get_serial_number(asker: Asker, data: bytes) -> bytes | None:
    """Four octets."""
    return None if data else b"\x02" + asker.meter.serial_number.to_bytes(4, "big")


def reset(asker: Asker, data: bytes) -> bytes | None:
    """The meter acknowledges; what it counts and keeps is not lost by a reset."""
    return None if data else ACKNOWLEDGE


def login(asker: Asker, data: bytes) -> bytes | None:
    """Check a password of 16 bits."""
    return ACKNOWLEDGE if len(data) == 2 and asker.admits(data) else None


# --- registers and clock --------------------------------------------------------------------------


def get_register(asker: Asker, data: bytes) -> bytes | None:
    """Records in the order asked for; unknown registers are left out."""
    if not data or not 1 <= data[0] <= MOST_REGISTERS or len(data) != 1 + 2 * data[0]:
        return None
    at, known = asker.look(), registers_of(asker.generation)
    numbers = [_unsigned(data[place : place + 2]) for place in range(1, len(data), 2)]
    wanted = [known[number] for number in numbers if number in known]
    return b"\x10" + b"".join(record(register, at) for register in wanted if register.readable)


def put_register(asker: Asker, data: bytes) -> bytes | None:
    """Password of 16 bits, then a record."""
    if len(data) < 7 or not asker.admits(data[:2]):
        return None
    register = registers_of(asker.generation).get(_unsigned(data[2:4]))
    if register is None or not register.writable(asker.interface):
        return None
    put(register, data[4:], asker.look())
    return ACKNOWLEDGE


def put_clock(asker: Asker, data: bytes) -> bytes | None:
    """YYMMDD and HHMMSS as numbers of 32 bits, local time."""
    if len(data) != 8:
        return None
    set_clock(asker.look(), _unsigned(data[:4]), _unsigned(data[4:]))
    return ACKNOWLEDGE


# --- debiting, breaker, events --------------------------------------------------------------------


def stop_debiting(asker: Asker, data: bytes) -> bytes | None:
    """End the debiting period now."""
    if data:
        return None
    asker.meter.apply(StopBilling())
    return ACKNOWLEDGE


def set_cut_off_state(asker: Asker, data: bytes) -> bytes | None:
    """1 disconnects, 2 releases for the push button, 3 reconnects."""
    if len(data) != 1:
        return None
    asker.meter.apply(OperateBreaker(data[0]))
    return ACKNOWLEDGE


def get_cut_off_state(asker: Asker, data: bytes) -> bytes | None:
    """State and feedback."""
    if data:
        return None
    at = asker.look()
    return bytes((0x98, at.engine.breaker(at.now).state_now, at.engine.breaker_feedback(at.now)))


def read_event_status(asker: Asker, data: bytes) -> bytes | None:
    """Event status A, bits 0 to 7 in the first octet."""
    if data:
        return None
    at = asker.look()
    return b"\x9b" + int(at.engine.status(at.now).event_a).to_bytes(4, "little")


def clear_event_status(asker: Asker, data: bytes) -> bytes | None:
    """Forget the events of four octets as `read_event_status` gives them, without data all."""
    if len(data) not in (0, 4):
        return None
    events = int.from_bytes(data, "little") if data else 0xFFFFFFFF
    asker.meter.apply(ClearEvents(events, 0xFFFFFFFF if events & EventA.EVENT_STATUS_B else 0))
    return ACKNOWLEDGE


# --- loggers --------------------------------------------------------------------------------------


def _get_log(cid: int) -> Handler:
    def handler(asker: Asker, data: bytes) -> bytes | None:
        return log_readout.answer(cid, data, asker.lids, registers_of(asker.generation), asker.look())

    return handler


def read_logger(asker: Asker, data: bytes) -> bytes | None:
    """Logger readout with numbers of 32 bits."""
    if not asker.profile.wide_readout:
        return None
    return log_readout.readout(data, asker.lids, registers_of(asker.generation), asker.look())


def get_load_profile_configuration(asker: Asker, data: bytes) -> bytes | None:
    """Registers recorded as bits by `Flow`, interval in minutes, rows kept."""
    if data or "load_profile" not in asker.lids.values():
        return None
    at = asker.look()
    profile = at.engine.load_profile(at.now)
    recorded = sum(1 << flow for flow in profile.flows)
    return bytes((0xAA, recorded, profile.period_s // 60)) + profile.entries.to_bytes(4, "big")


def set_load_profile_configuration(asker: Asker, data: bytes) -> bytes | None:
    """Password of 16 bits, then registers and interval as `get_load_profile_configuration` begins.

    What stays as it is deletes nothing.
    """
    if len(data) != 4 or "load_profile" not in asker.lids.values() or not asker.admits(data[:2]):
        return None
    data = data[2:]
    at = asker.look()
    profile = at.engine.load_profile(at.now)
    flows = tuple(flow for flow in Flow if data[0] >> flow & 1)
    if data[0] >> len(Flow):
        return None
    registers = SetLoadProfileRegisters(tuple(flow.name for flow in flows))
    period = SetLoadProfilePeriod(data[1] * 60)
    if flows != profile.flows:
        asker.meter.configure(Configured.LOAD_PROFILE_REGISTERS, [registers])
    if period.period_s != profile.period_s:
        asker.meter.configure(Configured.LOAD_PROFILE_PERIOD, [period])
    return ACKNOWLEDGE


# --- settings -------------------------------------------------------------------------------------


def get_block(asker: Asker, data: bytes) -> bytes | None:
    """Part of a setting's text: number, offset, and how many octets."""
    if len(data) != 5:
        return None
    number, offset, count = _unsigned(data[:2]), _unsigned(data[2:4]), data[4]
    if number == _LAST_RESULT:
        text = asker.settings.last_result.encode()
        total, part = len(text), text[offset : offset + count]
    else:
        try:
            total, part = asker.settings.read_part(number, offset, count)
        except KeyError:
            return None
    return b"\xb7" + data[:4] + total.to_bytes(2, "big") + part


def put_block(asker: Asker, data: bytes) -> bytes | None:
    """Password, then number, offset, length of the whole, and a part of a setting's text."""
    if len(data) < 8 or not asker.admits(data[:2]):
        return None
    number, offset, total = (_unsigned(data[place : place + 2]) for place in (2, 4, 6))
    try:
        asker.settings.write_part(number, offset, total, data[8:])
    except KeyError:
        return None
    return ACKNOWLEDGE


COMMANDS: Final[Mapping[int, Handler]] = {
    0x01: get_type,
    0x02: get_serial_number,
    0x07: reset,
    0x09: put_clock,
    0x10: get_register,
    0x11: put_register,
    0x88: stop_debiting,
    0x92: login,
    0x97: set_cut_off_state,
    0x98: get_cut_off_state,
    0x9B: read_event_status,
    0x9C: clear_event_status,
    0x9D: clear_event_status,
    **{cid: _get_log(cid) for cid in (0xA0, 0xA1, 0xA2, 0xA3)},
    0xA9: set_load_profile_configuration,
    0xAA: get_load_profile_configuration,
    0xB6: put_block,
    0xB7: get_block,
    0xB8: read_logger,
}


def execute(asker: Asker, cid: int, data: bytes) -> bytes | None:
    """What the meter answers to a command; raises `ValueError` where it cannot do it, or not with this value."""
    handler = COMMANDS.get(cid)
    return None if handler is None else handler(asker, data)
