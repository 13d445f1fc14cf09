"""DLMS data types: vectors both ways, refusals, limits, and round trips of every type."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import data_types as types
from cosem.data_types import ANY, Array, DataType, OctetString, Structure, TypedValue, decode_all
from cosem.date_time import DateTime
from cosem.errors import DecodeError, TypeUnmatched
from cosem.reader import MAX_NESTING, Reader

from .samples import octets, vectors
from .values import SIMPLE_VALUES, date_times, typed_values

PUBLIC = {
    "V144": (types.DOUBLE_LONG_UNSIGNED, 5477187),
    "V145": (types.DOUBLE_LONG, -23872872),
    "V146": (types.OCTET_STRING, bytes.fromhex("01020304")),
    "V147": (types.VISIBLE_STRING, "TEST"),
    "V148": (types.INTEGER, -42),
    "V149": (types.LONG, -30123),
    "V151": (types.LONG_UNSIGNED, 13652),
    "V152": (types.LONG64, -38373878373383),
    "V153": (types.LONG64_UNSIGNED, 80574815880002),
    "V154": (types.BIT_STRING, "00101010"),
}

EXAMPLES: list[tuple[DataType, Any, str]] = [
    (types.NULL, None, "00"),
    (types.BOOLEAN, True, "0301"),
    (types.BOOLEAN, False, "0300"),
    (types.BIT_STRING, "", "0400"),
    (types.BIT_STRING, "1", "040180"),
    (types.BIT_STRING, "000110000001110111111111", "0418181dff"),
    (types.BCD, -1, "0dff"),
    (types.UTF8_STRING, "Ærø", "0c05c38672c3b8"),
    (types.UNSIGNED, 255, "11ff"),
    (types.ENUM, 30, "161e"),
    (types.FLOAT32, 1.5, "173fc00000"),
    (types.FLOAT64, -2.0, "18c000000000000000"),
    (types.LOGICAL_NAME, bytes.fromhex("0100010800ff"), "09060100010800ff"),
    (types.DATE_TIME_STRING, DateTime(2020, 1, 1, 255, 0, 3, 0, 0, -120, 0), "090c07e40101ff00030000ff8800"),
    (types.DATE_TIME, DateTime(2020, 1, 1, 255, 0, 3, 0, 0, -120, 0), "1907e40101ff00030000ff8800"),
    (types.DATE, bytes.fromhex("07e80b15ff"), "1a07e80b15ff"),
    (types.TIME, bytes.fromhex("081e0f17"), "1b081e0f17"),
    (Array(types.UNSIGNED), [1, 2], "010211011102"),
    (Array(types.UNSIGNED), [], "0100"),
    (Structure(types.INTEGER, types.ENUM), (-2, 30), "02020ffe161e"),
]


def test_every_public_vector_of_the_data_types_is_in_the_table() -> None:
    assert PUBLIC.keys() == {vector["id"] for vector in vectors("axdr")}


@pytest.mark.parametrize("identifier", PUBLIC)
def test_a_public_vector_is_read_and_written_back(identifier: str) -> None:
    type_, value = PUBLIC[identifier]
    assert decode_all(type_, octets(identifier)) == value
    assert decode_all(ANY, octets(identifier)) == value
    assert type_.encode(value) == octets(identifier)


@pytest.mark.parametrize(("type_", "value", "encoded"), EXAMPLES, ids=[row[2][:24] for row in EXAMPLES])
def test_an_example_is_written_and_read(type_: DataType, value: Any, encoded: str) -> None:
    assert type_.encode(value).hex() == encoded
    assert decode_all(type_, bytes.fromhex(encoded)) == value


@pytest.mark.parametrize("vector", vectors("compact-array"), ids=lambda vector: vector["name"])
def test_a_compact_array_holds_the_same_as_its_array(vector: dict[str, Any]) -> None:
    array, compact = bytes.fromhex(vector["hex_in"]), bytes.fromhex(vector["hex_out"])
    assert decode_all(ANY, compact) == decode_all(ANY, array)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536, 70000])
def test_an_octet_string_of_this_size_comes_back(size: int) -> None:
    value = bytes(size)
    assert decode_all(types.OCTET_STRING, types.OCTET_STRING.encode(value)) == value
    assert decode_all(types.BIT_STRING, types.BIT_STRING.encode("10" * size)) == "10" * size


# --- refusals -------------------------------------------------------------------------------------

MALFORMED = [
    ("nothing", ""),
    ("an unknown tag", "0b00"),
    ("a tag that only classes of long ago had", "0e00"),
    ("the tag of no type", "ff"),
    ("a boolean without contents", "03"),
    ("a double-long-unsigned cut short", "06000000"),
    ("an octet-string longer than what came", "0905010203"),
    ("an octet-string of four thousand million octets", "0984ffffffff00"),
    ("a bit-string longer than what came", "041100"),
    ("a bit-string of four thousand million bits", "0484ffffffff00"),
    ("a visible-string that is not ISO 646", "0a01e6"),
    ("an utf8-string that is not UTF-8", "0c01ff"),
    ("an array of more elements than octets", "0105"),
    ("an array of four thousand million elements", "0184ffffffff0000"),
    ("an array that ends too early", "01021101"),
    ("a structure that ends too early", "0202110111"),
    ("a date-time in month 13", "1907e40d01ff00030000ff8800"),
    ("a date-time cut short", "1907e401"),
    ("a compact-array without description", "13"),
    ("a compact-array of an unknown type", "130b00"),
    ("a compact-array whose last element is cut short", "13120301020304"[:12]),
    ("a compact-array longer than what came", "131105010203"),
    ("a compact-array of null-data", "13000401020304"),
    ("a compact-array of empty structures", "13020001aa"),
    ("a compact-array of arrays of null-data", "1301ffff01ffff01ffff0001aa"),
    ("a compact-array of arrays of no elements", "130100001101aa"),
    ("a compact-array described deeper than the limit", "13" + "010001" * (MAX_NESTING + 1) + "1101aa"),
    ("an octet behind the value", "110100"),
]


@pytest.mark.parametrize("encoded", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_malformed_data_is_a_decode_error(encoded: str) -> None:
    with pytest.raises(DecodeError):
        decode_all(ANY, bytes.fromhex(encoded))


def test_null_data_beside_other_columns_of_a_compact_array_is_read() -> None:
    assert decode_all(ANY, bytes.fromhex("13020200110401020304")) == [(None, 1), (None, 2), (None, 3), (None, 4)]


@pytest.mark.parametrize("element", ["0100ff", "0200"], ids=["arrays", "structures"])
def test_a_compact_array_cannot_unpack_to_more_than_a_small_multiple_of_itself(element: str) -> None:
    # A structure of 200 null-data and one unsigned: 201 values an octet.
    described = "0281c9" + "00" * 200 + "11"
    with pytest.raises(DecodeError, match="compact-array with"):
        decode_all(ANY, bytes.fromhex("13" + described + "8203e8") + bytes(1000))
    with pytest.raises(DecodeError):
        decode_all(ANY, bytes.fromhex("13" + "01ffff" * 12 + element + "820400") + bytes(1024))


@pytest.mark.parametrize("opening", ["0101", "0201"])
def test_nesting_is_refused_beyond_its_limit_and_accepted_up_to_it(opening: str) -> None:
    assert decode_all(ANY, bytes.fromhex(opening * MAX_NESTING + "00")) is not None
    with pytest.raises(DecodeError, match="nested deeper"):
        decode_all(ANY, bytes.fromhex(opening * (MAX_NESTING + 1) + "00"))
    with pytest.raises(DecodeError, match="nested deeper"):
        decode_all(ANY, bytes.fromhex(opening * 5000))


def test_declared_types_have_the_same_limit_of_nesting() -> None:
    type_: DataType = types.UNSIGNED
    for _ in range(MAX_NESTING + 1):
        type_ = Array(type_)
    with pytest.raises(DecodeError, match="nested deeper"):
        decode_all(type_, bytes.fromhex("0101" * (MAX_NESTING + 1) + "1101"))


@pytest.mark.parametrize("encoded", ["0984fffffff0", "0484fffffff0", "0184fffffff0", "0284fffffff0", "130984fffffff0"])
def test_a_huge_length_allocates_nothing(encoded: str) -> None:
    sent = bytes.fromhex(encoded) + bytes(20)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode_all(ANY, sent)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("type_", "encoded"),
    [
        (types.UNSIGNED, "120001"),
        (types.LONG, "1105"),
        (types.OCTET_STRING, "0a0141"),
        (types.LOGICAL_NAME, "09050100010800"),
        (types.DATE_TIME_STRING, "0905ffffffffff"),
        (types.DATE_TIME_STRING, "090c07e40d01ff00030000ff8800"),
        (Structure(types.INTEGER, types.ENUM), "02010ffe"),
        (Structure(types.INTEGER, types.ENUM), "0202161e0ffe"),
        (Array(types.UNSIGNED), "020111ff"),
        (Array(types.UNSIGNED), "01010fff"),
        (types.UNSIGNED, "ff"),
    ],
)
def test_another_type_than_declared_is_type_unmatched(type_: DataType, encoded: str) -> None:
    with pytest.raises(TypeUnmatched):
        decode_all(type_, bytes.fromhex(encoded))


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (types.NULL, 0),
        (types.UNSIGNED, 256),
        (types.UNSIGNED, -1),
        (types.INTEGER, 128),
        (types.LONG64, 1 << 63),
        (types.LONG, "text"),
        (types.FLOAT32, 1e300),
        (types.BIT_STRING, "012"),
        (types.LOGICAL_NAME, b"five!"),
        (types.VISIBLE_STRING, "Ærø"),
        (types.DATE, bytes(4)),
        (types.TIME, bytes(5)),
        (types.DATE_TIME_STRING, DateTime(month=256)),
        (types.DATE_TIME_STRING, DateTime(deviation=40000)),
        (Structure(types.INTEGER), (1, 2)),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_a_value_error(type_: DataType, value: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        type_.encode(value)


# --- properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", SIMPLE_VALUES, ids=lambda type_: type_.name)
@given(data=st.data())
def test_every_value_of_a_simple_type_comes_back(type_: DataType, data: st.DataObject) -> None:
    value = data.draw(SIMPLE_VALUES[type_])
    encoded = type_.encode(value)
    assert encoded[0] == type_.tag
    assert decode_all(type_, encoded) == value
    assert decode_all(ANY, encoded) == value


def test_every_simple_type_is_drawn() -> None:
    assert {type_.tag for type_ in SIMPLE_VALUES} == set(types.SIMPLE_TYPES)


@given(date_times())
def test_every_date_time_in_an_octet_string_comes_back(value: DateTime) -> None:
    assert decode_all(types.DATE_TIME_STRING, types.DATE_TIME_STRING.encode(value)) == value


@given(typed_values())
def test_every_nested_value_comes_back_by_its_type_and_by_its_tags(value: TypedValue) -> None:
    encoded = ANY.encode(value)
    assert decode_all(value.type, encoded) == value.value
    assert decode_all(ANY, encoded) == value.value


@given(st.binary(max_size=200))
def test_any_octets_decode_or_are_refused(sent: bytes) -> None:
    reader = Reader(sent)
    try:
        ANY.decode(reader)
    except DecodeError:
        return
    assert reader.position <= len(sent)


@given(typed_values(), st.data())
def test_a_value_cut_short_is_refused(value: TypedValue, data: st.DataObject) -> None:
    encoded = ANY.encode(value)
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    for type_ in (ANY, value.type):
        with pytest.raises((DecodeError, TypeUnmatched)):
            decode_all(type_, cut)


def test_types_name_themselves() -> None:
    assert repr(OctetString(6)) == "octet-string[6]"
    assert types.name_of(0x13) == "compact-array"
    assert types.name_of(0x12) == "long-unsigned"
    assert types.name_of(0x99) == "unknown tag 0x99"
