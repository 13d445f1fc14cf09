"""Hypothesis strategies of COSEM values: every simple type, date-times, and nested data."""

from __future__ import annotations

from hypothesis import strategies as st

from cosem import data_types as types
from cosem.data_types import Array, DataType, Structure, TypedValue
from cosem.date_time import DateTime


@st.composite
def date_times(draw: st.DrawFn) -> DateTime:
    """A date-time as COSEM allows it, any field of it open."""
    month = draw(st.integers(1, 12) | st.sampled_from((0xFD, 0xFE, 0xFF)))
    longest = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1] if month <= 12 else 31
    return DateTime(
        year=draw(st.integers(0, 0xFFFF)),
        month=month,
        day=draw(st.integers(1, longest) | st.sampled_from((0xFD, 0xFE, 0xFF))),
        weekday=draw(st.integers(1, 7) | st.just(0xFF)),
        hour=draw(st.integers(0, 23) | st.just(0xFF)),
        minute=draw(st.integers(0, 59) | st.just(0xFF)),
        second=draw(st.integers(0, 59) | st.just(0xFF)),
        hundredths=draw(st.integers(0, 99) | st.just(0xFF)),
        deviation=draw(st.integers(-720, 840) | st.just(-0x8000)),
        status=draw(st.integers(0, 0xFF)),
    )


def _integers(octets: int, signed: bool) -> st.SearchStrategy[int]:
    bits = octets * 8
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


SIMPLE_VALUES: dict[DataType, st.SearchStrategy[object]] = {
    types.NULL: st.none(),
    types.BOOLEAN: st.booleans(),
    types.BIT_STRING: st.text("01", max_size=300),
    types.DOUBLE_LONG: _integers(4, True),
    types.DOUBLE_LONG_UNSIGNED: _integers(4, False),
    types.OCTET_STRING: st.binary(max_size=300),
    types.VISIBLE_STRING: st.text(st.characters(max_codepoint=0x7F), max_size=300),
    types.UTF8_STRING: st.text(max_size=100),
    types.BCD: _integers(1, True),
    types.INTEGER: _integers(1, True),
    types.LONG: _integers(2, True),
    types.UNSIGNED: _integers(1, False),
    types.LONG_UNSIGNED: _integers(2, False),
    types.LONG64: _integers(8, True),
    types.LONG64_UNSIGNED: _integers(8, False),
    types.ENUM: _integers(1, False),
    types.FLOAT32: st.floats(width=32, allow_nan=False),
    types.FLOAT64: st.floats(allow_nan=False),
    types.DATE_TIME: date_times(),
    types.DATE: st.binary(min_size=5, max_size=5),
    types.TIME: st.binary(min_size=4, max_size=4),
}
"""Every simple type and the values it holds."""


def _simple() -> st.SearchStrategy[TypedValue]:
    return st.sampled_from(list(SIMPLE_VALUES)).flatmap(
        lambda type_: SIMPLE_VALUES[type_].map(lambda value: TypedValue(type_, value))
    )


def _structure(fields: list[TypedValue]) -> TypedValue:
    return TypedValue(Structure(*(field.type for field in fields)), tuple(field.value for field in fields))


def _array(element: TypedValue, count: int) -> TypedValue:
    return TypedValue(Array(element.type), [element.value] * count)


def typed_values() -> st.SearchStrategy[TypedValue]:
    """Any data: simple, or arrays and structures of it."""
    return st.recursive(
        _simple(),
        lambda inner: st.lists(inner, max_size=4).map(_structure) | st.builds(_array, inner, st.integers(0, 4)),
        max_leaves=12,
    )
