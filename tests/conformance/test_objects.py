"""Object lists of several versions, and values as people understand them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from conformance.objects import ProfileColumn, object_rows, scaled, understood, unit_symbol
from conformance.text import json_of, text_of
from cosem.date_time import DateTime
from cosem.errors import DecodeError
from obis import Obis

MOMENT = DateTime(2026, 10, 25, 7, 2, 15, 0, 0xFF, -0x8000, 0x80)
REGISTER = Obis.parse("1.0.1.8.0.255")


def element(mode: int, class_id: int = 3, version: int = 0) -> tuple[Any, ...]:
    attributes = [(1, 1, None), (2, mode, [1, 2])]
    return class_id, version, bytes(REGISTER), (attributes, [(1, True)])


@pytest.mark.parametrize(
    ("version", "mode", "readable"),
    [
        *((0, mode, readable) for mode, readable in ((0, False), (1, True), (2, False), (3, True))),
        *((1, mode, readable) for mode, readable in ((4, True), (5, False), (6, True))),
        *((3, mode, readable) for mode, readable in ((0, False), (1, True), (2, False), (4, False), (5, True))),
    ],
)
def test_the_version_of_the_association_says_what_may_be_read(version: int, mode: int, readable: bool) -> None:
    association: tuple[Any, ...] = (15, version, bytes.fromhex("0000280000ff"), ([], []))
    row = object_rows([association, element(mode)])[1]
    assert (2 in row.readable) is readable
    assert row.attributes == {1: 1, 2: mode}
    assert row.selectors == {2: (1, 2)}
    assert row.methods == {1: 1}


@pytest.mark.parametrize("value", [None, 7, [7], [(3, 0)], [(3, 0, b"short", ([], []))], [(3, 0, bytes(6), ([1], []))]])
def test_an_object_list_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError, match="object list"):
        object_rows(value)


@pytest.mark.parametrize(
    ("value", "scaler", "expected"),
    [(123, -1, "12.3"), (5, 3, "5000"), (-7, -3, "-0.007"), (1.5, 1, "15"), (4294967295, 0, "4294967295")],
)
def test_a_scaler_is_applied_exactly(value: float, scaler: int, expected: str) -> None:
    assert text_of(scaled(value, scaler)) == expected


def test_what_is_no_number_has_no_scale() -> None:
    assert scaled(None, -1) is None
    assert scaled(True, -1) is True
    assert scaled(b"\x01", -1) == b"\x01"


def test_the_class_says_which_octets_are_a_date_or_a_name() -> None:
    assert understood(8, 2, MOMENT.to_bytes()) == MOMENT
    assert understood(3, 1, bytes(REGISTER)) == REGISTER
    assert understood(7, 3, [(3, bytes(REGISTER), 2, 0)]) == [(3, REGISTER, 2, 0)]
    assert understood(1, 2, MOMENT.to_bytes()) == MOMENT.to_bytes()
    assert understood(8, 2, b"\xff\xff\x0d" + bytes(9)) == b"\xff\xff\x0d" + bytes(9)
    assert understood(9999, 2, b"anything") == b"anything"


def test_a_unit_without_a_name_is_given_by_its_code() -> None:
    assert unit_symbol(30) == "Wh"
    assert unit_symbol(200) == "unit 200"


def test_columns_have_headings_for_people() -> None:
    load_profile = Obis.parse("1.1.99.1.0.255")
    assert ProfileColumn(3, REGISTER, 2).heading == "Active energy import (A+), total"
    assert ProfileColumn(4, Obis.parse("1.6.0"), 5).heading == "Active power import (P+), maximum, time"
    assert ProfileColumn(7, load_profile, -1).heading == "Load profile, status"
    assert ProfileColumn(7, load_profile, -2).heading == "Load profile, data quality"
    assert ProfileColumn(1, Obis.parse("200.1.2"), 3, 1).heading == "1.1.200.1.2.255, attribute 3, part 1"


@pytest.mark.parametrize(
    ("value", "text", "as_json"),
    [
        (None, "", None),
        (True, "True", True),
        (7, "7", 7),
        (Decimal("230.10"), "230.10", 230.1),
        (Decimal("5E+3"), "5000", 5000),
        (b"K382", "K382", "K382"),
        (b"\x00\xff", "00ff", "00ff"),
        (REGISTER, "1.0.1.8.0.255", "1.0.1.8.0.255"),
        (MOMENT, "2026-10-25 02:15:00 DST", "2026-10-25 02:15:00 DST"),
        ([(1, b"A"), (2, None)], "[(1, A), (2, )]", [[1, "A"], [2, None]]),
    ],
)
def test_values_print_for_people_and_for_machines(value: Any, text: str, as_json: Any) -> None:
    assert text_of(value) == text
    assert json_of(value) == as_json
