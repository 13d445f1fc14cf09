"""Data sets of IEC 62056-21 with names, and the loggers that the 382M's R6 reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from obis import Obis, describe
from transports.iec62056_21.meter_messages import DataSet, Value, data_sets

from .errors import ProtocolFault


class LoggerRows(NamedTuple):
    """A logger that was read: address and unit of each column, and the rows as they came."""

    columns: list[Value]
    rows: list[tuple[str, ...]]


def parsed(text: str) -> list[DataSet]:
    """The data sets of an answer or a readout; raises `ProtocolFault`."""
    found = data_sets(text)
    if found is None:
        raise ProtocolFault(f"no data sets: {text[:40]!r}")
    return found


def name_of(address: str) -> str:
    """What an address stands for, as far as it is an OBIS code of electricity; else empty."""
    try:
        return describe(Obis.parse(address))
    except ValueError:
        return ""


def logger_rows(blocks: Sequence[str], address: str) -> LoggerRows:
    """The rows of a logger that came in these blocks, each with the header before its rows; raises `ProtocolFault`.

    `99.1.0(4)(1.0.0)()(1.8.0)(kWh)`: the number of columns, then address and unit of each column (IEC 1107
    description 8.1.5).
    """
    columns: list[Value] = []
    rows: list[tuple[str, ...]] = []
    for block in blocks:
        header, *rest = parsed(block) or [DataSet("", ())]
        head = [value.text for value in header.values[1:]]
        if header.address != address or len(head) % 2:
            raise ProtocolFault(f"the header of logger {address} expected, found {block[:40]!r}")
        described = [Value(name, unit) for name, unit in zip(head[::2], head[1::2], strict=True)]
        if columns and described != columns:
            raise ProtocolFault(f"logger {address}: a block with other columns than the one before")
        columns = described
        for item in rest:
            if item.address or len(item.values) != len(columns):
                raise ProtocolFault(f"logger {address}: a row of {len(columns)} columns expected")
            rows.append(tuple(value.text for value in item.values))
    return LoggerRows(columns, rows)
