"""Replay of a measured load from a CSV file.

    timestamp,p1_w,p2_w,p3_w,q1_var,q2_var,q3_var[,u1_v,u2_v,u3_v[,f_hz,t_degc]]
    2024-01-15T12:00:00+01:00,230.5,0,-1200,0,0,0

Each row holds from its time stamp to the next. Stamps are ISO 8601 with offset or Z (without either they are
UTC), all the same number of seconds apart, and multiples of that spacing since 1970; powers are positive for
import. Before the first row its values hold, and after the last one its; with `repeat` the file goes round.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from ..inputs import NOMINAL_VOLTAGE_MV
from ..quantities import IntArray
from .model import NOMINAL_FREQUENCY_MILLIHZ, REFERENCE_TEMPERATURE_MILLIDEGC, Ambient, Load, grid_steps

_POWERS: Final = ("p1_w", "p2_w", "p3_w", "q1_var", "q2_var", "q3_var")
_VOLTAGES: Final = ("u1_v", "u2_v", "u3_v")
_AMBIENT: Final = ("f_hz", "t_degc")
HEADER: Final = ("timestamp", *_POWERS)
_LIMIT: Final = 1_000_000
"""Largest power in W or var, and voltage in V, taken for a measurement and not for a mistake."""
_RANGES: Final = dict.fromkeys(_VOLTAGES, (0, _LIMIT)) | {"f_hz": (40, 70), "t_degc": (-60, 100)}
_USUAL: Final = (*(NOMINAL_VOLTAGE_MV,) * 3, NOMINAL_FREQUENCY_MILLIHZ, REFERENCE_TEMPERATURE_MILLIDEGC)
"""What stands in for the columns that a file leaves out."""


class ReplayInstallation:
    """The load a CSV file says; `ReplayInstallation.read` makes one."""

    def __init__(self, first_s: int, grid_s: int, columns: IntArray, *, repeat: bool = False) -> None:
        """`columns` has rows p1-p3 (mW), q1-q3 (mvar), u1-u3 (mV), mHz and 0.001 degrees C, a column per grid step."""
        self._first = first_s // grid_s
        self._grid_s = grid_s
        self._columns = columns
        self._repeat = repeat
        self._digest = sha256(columns.astype("<i8").tobytes()).hexdigest()

    @property
    def grid_s(self) -> int:
        """The spacing of the rows."""
        return self._grid_s

    def load(self, start: int, stop: int) -> Load:
        """The load in every grid step touching `[start, stop)`."""
        taken = self._taken(start, stop)
        return Load(taken[0:3], taken[3:6], taken[6:9])

    def ambient(self, start: int, stop: int) -> Ambient:
        """Frequency and temperature in the same steps."""
        taken = self._taken(start, stop)
        return Ambient(taken[9], taken[10])

    def _taken(self, start: int, stop: int) -> IntArray:
        first, count = grid_steps(start, stop, self._grid_s)
        row = np.arange(first - self._first, first - self._first + count, dtype=np.int64)
        return self._columns.take(row, axis=1, mode="wrap" if self._repeat else "clip")

    def identity(self) -> dict[str, object]:
        """The kind, where it begins, and a digest of its values: not the file's name, which may change."""
        return {
            "kind": "replay",
            "first_s": self._first * self._grid_s,
            "grid_s": self._grid_s,
            "repeat": self._repeat,
            "sha256": self._digest,
        }

    @classmethod
    def read(cls, path: Path, *, repeat: bool = False) -> ReplayInstallation:
        """Read a CSV file; raises `ValueError` naming file, line and column and what is allowed there."""
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return cls.parse(lines, str(path), repeat=repeat)

    @classmethod
    def parse(cls, lines: Iterable[str], name: str, *, repeat: bool = False) -> ReplayInstallation:
        """Read CSV lines; `name` stands for the file in errors."""
        reader = csv.reader(lines)
        header = tuple(cell.strip().lower() for cell in next(reader, []))
        if header not in (HEADER, HEADER + _VOLTAGES, HEADER + _VOLTAGES + _AMBIENT):
            raise ValueError(
                f"{name}, line 1: header is {','.join(header)!r}; "
                f"allowed: {','.join(HEADER)!r}, with or without {','.join(('', *_VOLTAGES))!r}, "
                f"and with those {','.join(('', *_AMBIENT))!r}"
            )
        stamps: list[int] = []
        values: list[list[int]] = []
        for row in reader:
            if not row:
                continue
            where = f"{name}, line {reader.line_num}"
            if len(row) != len(header):
                raise ValueError(f"{where}: {len(row)} columns; allowed: {len(header)}, as in the header")
            stamps.append(_stamp(row[0], where, stamps))
            values.append([_milli(cell, column, where) for cell, column in zip(row[1:], header[1:], strict=True)])
        if not stamps:
            raise ValueError(f"{name}: no rows; allowed: at least one below the header")
        spacing = stamps[1] - stamps[0] if len(stamps) > 1 else 60
        if stamps[0] % spacing:
            raise ValueError(
                f"{name}, line 2, column timestamp: rows are {spacing} s apart; allowed: times that are multiples of it"
            )
        columns = np.array(values, dtype=np.int64).T
        usual = np.array(_USUAL[len(header) - len(HEADER) :], dtype=np.int64)[:, None]
        columns = np.concatenate((columns, np.repeat(usual, len(stamps), axis=1)))
        return cls(stamps[0], spacing, np.ascontiguousarray(columns), repeat=repeat)


def _stamp(text: str, where: str, before: list[int]) -> int:
    where = f"{where}, column timestamp"
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{where}: {text!r}; allowed: ISO 8601 such as 2024-01-15T12:00:00Z") from None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    if aware.microsecond:
        raise ValueError(f"{where}: {text!r}; allowed: whole seconds")
    stamp = int(aware.timestamp())
    if before and stamp <= before[-1]:
        raise ValueError(f"{where}: {text!r} is not after the row before; allowed: ascending times")
    if len(before) > 1 and stamp - before[-1] != before[1] - before[0]:
        raise ValueError(
            f"{where}: {text!r} is {stamp - before[-1]} s after the row before; "
            f"allowed: {before[1] - before[0]} s, the spacing of the first two rows"
        )
    return stamp


def _milli(text: str, column: str, where: str) -> int:
    low, high = _RANGES.get(column, (-_LIMIT, _LIMIT))
    try:
        value = Decimal(text.strip())
        if low <= value <= high:
            return round(value * 1000)
    except InvalidOperation:
        pass
    raise ValueError(f"{where}, column {column}: {text!r}; allowed: a number from {low} to {high}")
