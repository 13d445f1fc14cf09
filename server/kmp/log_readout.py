"""Reading loggers by KMP: requests A0 to A3 and B8, and their answers.

    A0, A3  LID, n, n register numbers, count, most octets, time (8 octets)
    A1      LID, n, n register numbers, count, most octets
    A2      LID, n, n register numbers, count, most octets, LogID (16 bits)
    B8      00, 02 or 03, LID, n, n register numbers, count (16 bits), then a time or LogID of 32 bits

A0 starts with the first row at or after the time and goes towards the present, A3 with the last one at or before it
and goes back; A1 starts with the newest and goes back; A2 starts with the LogID and goes towards the present. B8 has
the starts of A0, A3 and A2 under 00, 03 and 02, its time in seconds since 2000. The answer:

    CID, LID, n, then rows, then LastRead, Newest and Info

The first row has its LogID and each register with its unit, width and siEx; later rows only LogID and values. LogIDs
are of 16 bits, and Info of 8; for B8 of 32 and 16. `most octets` bounds rows and registers, not the octets around
them, and one row always fits. Not public, ours: registers that the logger does not hold are left out and n counts those
that are there (B8 says so in Info); B8 repeats its second octet behind the CID and gives as many rows as a frame takes;
a request that cannot be understood gets no answer, or of B8 the bit for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntFlag
from typing import Final, NamedTuple

from metering import LoggerStatus

from .log_tables import Column, LogTable, first_at_or_after, last_at_or_before, log_table
from .registers import Register
from .sources import Look
from .times import EPOCH_2000, requested_stamp


class Info8(IntFlag):
    """How an answer to A0 to A3 ended."""

    EMPTY = 0x01
    NOT_IN_RANGE = 0x04
    LENGTH_REACHED = 0x08
    END_REACHED = 0x10


class Info16(IntFlag):
    """How an answer to B8 ended."""

    EMPTY = 0x0001
    NOT_IN_RANGE = 0x0002
    INTERVAL_CHANGED = 0x0004
    UNSUPPORTED_REGISTER = 0x0008
    NOT_ALL_RETURNED = 0x0010
    FORMAT_CHANGED = 0x0020
    NEWEST_INCLUDED = 0x0040
    OLDEST_INCLUDED = 0x0080
    INVALID_REQUEST = 0x0200


class LogRequest(NamedTuple):
    """A request, understood."""

    lid: int
    registers: tuple[int, ...]
    rows: int
    most_octets: int
    operand: bytes
    """Time or LogID."""


class Selection(NamedTuple):
    """Rows of an answer: their places in the order they are sent."""

    table: LogTable
    columns: list[tuple[Register, Column]]
    rows: list[int]
    forwards: bool = True
    cut_short: bool = False
    """Whether the limit of octets kept rows back."""


MOST_COLUMNS: Final = 24
"""Registers of a request (not public: ours), so that one row of them fits a frame."""
_LONGEST_READOUT: Final = 320
"""Octets of rows in an answer to B8, so that with each of them stuffed the frame stays below 1024."""


def read_request(data: bytes, operand: int, wide: bool) -> LogRequest:
    """Take a request apart; `operand` is the length of what stands last. Raises `ValueError`."""
    if len(data) < 2:
        raise ValueError("a logger request has a LID and a number of registers")
    lid, number = data[0], data[1]
    if number > MOST_COLUMNS:
        raise ValueError(f"{number} registers, at most {MOST_COLUMNS}")
    rest = data[2 + 2 * number :]
    if len(rest) != 2 + operand:
        raise ValueError(f"{len(rest)} octets behind {number} registers, expected {2 + operand}")
    registers = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(2, 2 + 2 * number, 2))
    if wide:
        return LogRequest(lid, registers, int.from_bytes(rest[:2], "big"), _LONGEST_READOUT, rest[2:])
    return LogRequest(lid, registers, rest[0], rest[1], rest[2:])


def _start_forwards(table: LogTable, stamp: int) -> tuple[int | None, int]:
    return first_at_or_after(table, stamp), 1


def _start_backwards(table: LogTable, stamp: int) -> tuple[int | None, int]:
    return last_at_or_before(table, stamp), -1


def _start_at_id(table: LogTable, operand: bytes) -> tuple[int | None, int]:
    """The row whose number ends in these octets."""
    bits = 8 * len(operand)
    place = (int.from_bytes(operand, "big") - table.oldest) % (1 << bits)
    return (place if place < len(table.stamps) else None), 1


Start = Callable[[LogTable, bytes], tuple[int | None, int]]
"""Where to start and which way to go; `None` where there is no such row."""

_STARTS: Final[Mapping[int, tuple[int, Start]]] = {
    0xA0: (8, lambda table, operand: _start_forwards(table, requested_stamp(operand))),
    0xA1: (0, lambda table, operand: (len(table.stamps) - 1, -1)),
    0xA2: (2, _start_at_id),
    0xA3: (8, lambda table, operand: _start_backwards(table, requested_stamp(operand))),
}
"""By CID: octets of the operand, and the start."""

_WIDE_STARTS: Final[Mapping[int, tuple[int, Start]]] = {
    0x00: (4, lambda table, operand: _start_forwards(table, _kam_stamp(operand))),
    0x02: (4, _start_at_id),
    0x03: (4, lambda table, operand: _start_backwards(table, _kam_stamp(operand))),
}
"""The same by the octet behind B8."""


def _kam_stamp(operand: bytes) -> int:
    """Normal time of seconds since 2000."""
    return int.from_bytes(operand, "big") + EPOCH_2000


def _select(
    table: LogTable, registers: Mapping[int, Register], request: LogRequest, start: Start
) -> tuple[Selection, bool]:
    """The rows asked for, and whether there is a row to start with."""
    columns = [
        (register, column)
        for number in request.registers
        if (register := registers.get(number)) is not None and (column := table.column(register)) is not None
    ]
    if not len(table.stamps):
        return Selection(table, columns, []), False
    first, step = start(table, request.operand)
    if first is None:
        return Selection(table, columns, []), False
    within = len(table.stamps) - first if step > 0 else first + 1
    wanted = min(request.rows, within)
    header = sum(len(register.header) for register, _ in columns)
    row_octets = sum(register.width for register, _ in columns) + 2
    fitting = max(1, (request.most_octets - header) // row_octets)
    rows = [first + step * number for number in range(min(wanted, fitting))]
    return Selection(table, columns, rows, step > 0, fitting < wanted), True


def _rows(selection: Selection, id_octets: int) -> bytes:
    """The rows of an answer."""
    table, columns = selection.table, selection.columns
    parts = []
    for number, row in enumerate(selection.rows):
        log_id = (table.oldest + row) % (1 << 8 * id_octets)
        parts.append(log_id.to_bytes(id_octets, "big"))
        for register, column in columns:
            mantissa = register.mantissa(column(row))
            parts.append(mantissa if number else register.header + mantissa)
    return b"".join(parts)


def _last_and_newest(selection: Selection, id_octets: int) -> bytes:
    table, limit = selection.table, 1 << 8 * id_octets
    last = table.oldest + selection.rows[-1] if selection.rows else 0
    return b"".join((number % limit).to_bytes(id_octets, "big") for number in (last, table.newest))


def answer(cid: int, data: bytes, lids: Mapping[int, str], registers: Mapping[int, Register], at: Look) -> bytes | None:
    """The answer to A0 to A3; None where there is none to give."""
    octets, start = _STARTS[cid]
    try:
        request = read_request(data, octets, wide=False)
    except ValueError:
        return None
    if request.lid not in lids:
        return None
    table = log_table(lids[request.lid], at)
    try:
        selection, started = _select(table, registers, request, start)
    except ValueError:  # a time there is not
        selection, started = Selection(table, [], []), False
    head = bytes((cid, request.lid, len(selection.columns)))
    return head + _rows(selection, 2) + _last_and_newest(selection, 2) + bytes((_info_8(selection, started),))


def _info_8(selection: Selection, started: bool) -> int:
    size, rows = len(selection.table.stamps), selection.rows
    if not size:
        return Info8.EMPTY
    if not started:
        return Info8.NOT_IN_RANGE
    info = Info8.LENGTH_REACHED if selection.cut_short else Info8(0)
    if rows and rows[-1] == (size - 1 if selection.forwards else 0):
        info |= Info8.END_REACHED
    return info


def readout(data: bytes, lids: Mapping[int, str], registers: Mapping[int, Register], at: Look) -> bytes | None:
    """The answer to B8, without its CID octet checked; None where there is none to give."""
    if len(data) < 3 or data[0] not in _WIDE_STARTS or data[1] not in lids:
        return None
    octets, start = _WIDE_STARTS[data[0]]
    table = log_table(lids[data[1]], at)
    try:
        request = read_request(data[1:], octets, wide=True)
        selection, started = _select(table, registers, request, start)
        info = _info_16(selection, started, len(request.registers), request.rows)
    except ValueError:
        selection, info = Selection(table, [], []), Info16.INVALID_REQUEST
    head = bytes((0xB8, data[0], data[1], len(selection.columns)))
    return head + _rows(selection, 4) + _last_and_newest(selection, 4) + int(info).to_bytes(2, "big")


def _info_16(selection: Selection, started: bool, asked: int, count: int) -> Info16:
    table, rows = selection.table, selection.rows
    info = Info16.UNSUPPORTED_REGISTER if len(selection.columns) < asked else Info16(0)
    if not len(table.stamps):
        return info | Info16.EMPTY
    if not started:
        return info | Info16.NOT_IN_RANGE
    status = LoggerStatus(0)
    for row in rows:
        status |= LoggerStatus(table.status(row))
    if LoggerStatus.INTERVAL_CHANGED in status:
        info |= Info16.INTERVAL_CHANGED
    if LoggerStatus.RECONFIGURED in status:
        info |= Info16.FORMAT_CHANGED
    if len(rows) < count:
        info |= Info16.NOT_ALL_RETURNED
    if len(table.stamps) - 1 in rows:
        info |= Info16.NEWEST_INCLUDED
    if 0 in rows:
        info |= Info16.OLDEST_INCLUDED
    return info
