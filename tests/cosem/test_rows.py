"""Profile buffers: columns against element-wise encoding, and blocks that never split a row."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import data_types as types
from cosem.data_types import Array, DataType, Structure
from cosem.date_time import DateTime
from cosem.rows import ColumnLayout, DateTimeColumn, RowBuffer

from .values import SIMPLE_VALUES, date_times

COLUMN_TYPES: list[DataType] = [
    types.BOOLEAN, types.BCD, types.INTEGER, types.UNSIGNED, types.LONG, types.LONG_UNSIGNED, types.DOUBLE_LONG,
    types.DOUBLE_LONG_UNSIGNED, types.LONG64, types.LONG64_UNSIGNED, types.ENUM, types.FLOAT32, types.FLOAT64,
]  # fmt: skip
NUMPY = {"b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "Q": "u8", "f": "f4", "d": "f8"}


def column_of(type_: DataType, values: list[Any]) -> Any:
    if type_ is types.DATE_TIME_STRING:
        return DateTimeColumn(*(np.array(field) for field in zip(*values, strict=True))) if values else DateTime()
    assert isinstance(type_, types.FixedSize)
    return np.array(values, dtype=NUMPY[type_.code])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[DataType], list[tuple[Any, ...]]]:
    columns = draw(st.lists(st.sampled_from([*COLUMN_TYPES, types.DATE_TIME_STRING]), min_size=1, max_size=6))
    values = [date_times() if type_ is types.DATE_TIME_STRING else SIMPLE_VALUES[type_] for type_ in columns]
    return columns, draw(st.lists(st.tuples(*values), min_size=1, max_size=8))


@given(tables())
def test_columns_encode_as_their_rows_do_one_by_one(table: tuple[list[DataType], list[tuple[Any, ...]]]) -> None:
    columns, rows = table
    row_type = Structure(*columns)
    arrays = [column_of(type_, list(values)) for type_, values in zip(columns, zip(*rows, strict=True), strict=True)]
    layout = ColumnLayout(columns)
    buffer = layout.encode(arrays, len(rows))
    assert buffer.data == Array(row_type).encode(rows) == RowBuffer.of(row_type, rows).data
    assert layout.row_size == len(row_type.encode(rows[0]))


def test_a_constant_fills_its_column() -> None:
    layout = ColumnLayout([types.UNSIGNED, types.INTEGER, types.DATE_TIME_STRING])
    now = DateTime(2013, 10, 25, 5, 0, 0, 0)
    buffer = layout.encode([np.array([1, 2]), -1, DateTimeColumn(*now)], 2)
    assert buffer.data == Array(Structure(*[types.UNSIGNED, types.INTEGER, types.DATE_TIME_STRING])).encode(
        [(1, -1, now), (2, -1, now)]
    )


def test_no_rows_are_an_empty_array() -> None:
    layout = ColumnLayout([types.UNSIGNED])
    for buffer in (layout.encode([np.array([], dtype="u1")], 0), RowBuffer.of(Structure(types.UNSIGNED), [])):
        assert buffer.data == b"\x01\x00"
        assert list(buffer.cuts(50)) == [2]


@pytest.mark.parametrize("type_", [types.OCTET_STRING, types.NULL, types.BIT_STRING])
def test_a_column_without_fixed_size_is_refused(type_: DataType) -> None:
    with pytest.raises(ValueError, match="has no fixed size"):
        ColumnLayout([types.UNSIGNED, type_])


# --- cuts -----------------------------------------------------------------------------------------


def blocks_of(buffer: RowBuffer, capacity: int) -> list[bytes]:
    bounds = [0, *buffer.cuts(capacity)]
    return [buffer.data[begin:end] for begin, end in itertools.pairwise(bounds)]


def fixed(rows: int, slots: list[int] | None = None) -> RowBuffer:
    """Rows of seven octets."""
    layout = ColumnLayout([types.DOUBLE_LONG_UNSIGNED])
    return layout.encode([np.arange(rows)], rows, None if slots is None else np.array(slots, dtype=np.int64))


@given(st.integers(1, 300), st.integers(1, 60))
def test_blocks_of_equal_rows_are_never_too_long_and_make_up_the_whole(rows: int, capacity: int) -> None:
    buffer = fixed(rows)
    blocks = blocks_of(buffer, capacity)
    assert b"".join(blocks) == buffer.data
    assert all(0 < len(block) <= capacity for block in blocks)
    if capacity >= buffer.row_size:
        starts = set(range(buffer.header, len(buffer.data) + 1, buffer.row_size))
        assert set(buffer.cuts(capacity)) <= starts


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 60))
def test_blocks_of_unequal_rows_are_never_too_long_and_keep_what_fits_whole(sizes: list[int], capacity: int) -> None:
    buffer = RowBuffer.of(types.OCTET_STRING, [bytes(size) for size in sizes])
    blocks = blocks_of(buffer, capacity)
    assert b"".join(blocks) == buffer.data
    assert all(0 < len(block) <= capacity for block in blocks)
    assert buffer.starts is not None
    cuts = set(buffer.cuts(capacity))
    for begin, end in itertools.pairwise([*buffer.starts, len(buffer.data)]):
        if end - begin <= capacity:
            assert not cuts & set(range(begin + 1, end)), "a row that fits was split"


def test_a_slot_without_a_row_leaves_its_block_shorter() -> None:
    # Room for 10 rows of 7 octets and the header; slots 9 to 11 captured nothing.
    # They are counted from the first row, wherever that stands in its day.
    for first in (0, 5, 93):
        slots = [first + slot for slot in (*range(9), *range(12, 22))]
        sizes = [len(block) for block in blocks_of(fixed(19, slots), 72)]
        assert sizes == [2 + 9 * 7, 8 * 7, 2 * 7]


def test_the_published_session_of_the_382m_has_six_blocks_of_ten_slots_and_one_of_two() -> None:
    slots = [*range(25), *range(28, 62)]
    layout = ColumnLayout([types.DATE_TIME_STRING, types.LONG_UNSIGNED, types.DOUBLE_LONG_UNSIGNED, types.INTEGER,
                           *[types.DOUBLE_LONG_UNSIGNED] * 4])  # fmt: skip
    assert layout.row_size == 46
    now = DateTimeColumn(*DateTime())
    buffer = layout.encode([now, *[0] * 7], len(slots), np.array(slots))
    blocks = blocks_of(buffer, 471)
    assert len(blocks) == 7
    assert [len(block) for block in blocks] == [462, 460, 460 - 3 * 46, 460, 460, 460, 92]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=100), st.integers(9, 80))
def test_blocks_by_slots_are_never_too_long(steps: list[int], capacity: int) -> None:
    buffer = fixed(len(steps), list(itertools.accumulate(steps)))
    blocks = blocks_of(buffer, capacity)
    assert b"".join(blocks) == buffer.data
    assert all(0 < len(block) <= capacity for block in blocks)
