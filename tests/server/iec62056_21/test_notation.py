"""How values and times are written, and how times are read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.date_time import STATUS_DST, STATUS_INVALID, DateTime
from metering.clock import Zone
from obis import Obis
from server.iec62056_21.notation import NO_TIME, Notation, date_time_stamp, formatted, normal_time, notation_of, stamp

WRITTEN: list[tuple[str, Any, str, str]] = [
    ("energy", 123_456, "7.0", "0000123"),
    ("energy", 123_456, "6.1", "000123.4"),
    ("energy", 586_120, "7.2", "0000586.12"),
    ("energy", 123_456, "6.3", "000123.456"),
    ("energy", 10_000_000_000 + 5_000, "7.0", "0000005"),
    ("power", 0, "7.0", "0.000"),
    ("power", 12_345, "7.0", "12.345"),
    ("power5", 12_345, "7.0", "00012.345"),
    ("power6,1", 1_559, "7.0", "000001,5"),
    ("decimal2", 105, "7.0", "1.05"),
    ("decimal4", 7, "7.0", "0.0007"),
    ("7", 57_342, "7.0", "0057342"),
    ("8", 123_456_789, "7.0", "23456789"),
    ("plain", 210, "7.0", "210"),
    ("plain", b"45678", "7.0", "45678"),
    ("plain", b"\x00\xff", "7.0", "00FF"),
    ("plain", b"a(b)", "7.0", "61286229"),
    ("plain", "50981040-H1", "7.0", "50981040-H1"),
    ("plain", "a*b/c!", "7.0", "a b c "),
]


@pytest.mark.parametrize(("kind", "reading", "decimals", "text"), WRITTEN)
def test_a_reading_is_written_as_its_notation_says(kind: str, reading: Any, decimals: str, text: str) -> None:
    assert formatted(kind, reading, decimals) == text


@pytest.mark.parametrize(
    ("code", "notation"),
    [
        ("1.1.1.8.0.255", Notation("energy", "kWh")),
        ("1.1.3.8.4.255", Notation("energy", "kvarh")),
        ("1.1.9.8.0.255", Notation("energy", "kVAh")),
        ("1.1.61.8.0.255", Notation("energy", "kWh")),
        ("1.1.1.8.0.128", Notation("decimal4", "kWh")),
        ("1.1.1.128.0.255", Notation("energy", "kWh")),
        ("1.1.21.7.0.255", Notation("power", "kW")),
        ("1.1.44.25.0.255", Notation("power", "kvar")),
        ("1.1.31.7.0.255", Notation("decimal2", "A")),
        ("1.1.72.25.0.255", Notation("plain", "V")),
        ("1.1.13.7.0.255", Notation("decimal2", "")),
        ("1.1.73.7.0.255", Notation("decimal2", "")),
        ("0.1.96.8.0.255", Notation("plain", "h")),
        ("1.1.0.128.1.255", Notation("plain", "")),
        ("1.1.128.0.1.255", Notation("plain", "")),
    ],
)
def test_the_code_of_a_register_says_how_it_is_written(code: str, notation: Notation) -> None:
    assert notation_of(Obis.parse(code)) == notation


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), st.booleans())
def test_a_stamp_is_read_as_it_was_written(moment: datetime, dst: bool) -> None:
    """But for V, which a client does not write."""
    at = int((moment.replace(microsecond=0) - datetime(1970, 1, 1)).total_seconds())
    written = stamp(Zone(3600, dst).local(at - 3600))
    assert written[1] == "1"
    assert normal_time(written[0] + written[2:]) == at


def test_summer_time_is_an_hour_less_whatever_the_season() -> None:
    """IEC 1107 description 8.1.2: 2005-03-21 00:38:00 summer time is 2005-03-20 23:38:00."""
    found = timedelta(seconds=normal_time("1050321003800")) + datetime(1970, 1, 1)
    assert found == datetime(2005, 3, 20, 23, 38)


@pytest.mark.parametrize(
    "text",
    ["", "050321003800", "2050321003800", "01050321003800", "0051321003800", "0050229000000", "0050321240000",
     "0050321006000", "005032100380 ", "\u0660050321003800"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NYYMMDD|month|day|hour|minute"):
        normal_time(text)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (DateTime(), NO_TIME),
        (DateTime(2005, 2, 1, 2, 7, 50, 12), "01050201075012"),  # 8.1.1
        (DateTime(2026, 7, 1, 3, 12, 0, 0, status=STATUS_DST), "11260701120000"),
        (DateTime(2026, 7, 1, 3, 12, 0, 0, status=STATUS_DST | STATUS_INVALID), "10260701120000"),
    ],
)
def test_a_date_and_time_of_dlms_is_written_as_a_stamp(moment: DateTime, written: str) -> None:
    assert date_time_stamp(moment) == written
