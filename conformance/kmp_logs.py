"""What KMP answers to a logger readout: some records of a logger, and whether there are more.

    LID | registers u8 | record id u16 | (register, unit, octets, siEx, value) of each register     the first record
        | record id u16 | value of each register                                                    every other one
        | last read u16 | newest u16 | info u8

as the head-end AIMIR reads it; no public document has it.
"""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

from cosem.errors import DecodeError
from cosem.reader import Reader

from .kmp_records import RegisterRecord

_TAIL_OCTETS = 5


class LogInfo(IntFlag):
    """What the meter says of the records it sent."""

    EMPTY = 0x01
    OUT_OF_RANGE = 0x04
    LENGTH_REACHED = 0x08
    END_REACHED = 0x10


class LogRecord(NamedTuple):
    """One record: its number in the logger, and its registers."""

    record_id: int
    registers: list[RegisterRecord]


class LogPage(NamedTuple):
    """The records of one answer, in the order they came."""

    records: list[LogRecord]
    last_read: int
    newest: int
    info: LogInfo


def read_log_page(reader: Reader, log: int) -> LogPage:
    """Read an answer without its command identifier; raises `DecodeError`."""
    if (answered := reader.u8()) != log:
        raise DecodeError(f"an answer of logger {answered}, asked for {log}")
    count = reader.u8()
    records: list[LogRecord] = []
    while reader.remaining > _TAIL_OCTETS:
        record_id = reader.unsigned(2)
        if not records:
            registers = [RegisterRecord.read(reader) for _ in range(count)]
        else:
            registers = [like._replace(mantissa=reader.octets(len(like.mantissa))) for like in records[0].registers]
        records.append(LogRecord(record_id, registers))
    return LogPage(records, reader.unsigned(2), reader.unsigned(2), LogInfo(reader.u8()))
