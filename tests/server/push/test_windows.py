"""Communication windows, as a lab book of local times."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.date_time import DateTime
from cosem.push_setup import Window
from server.push.windows import opening

NIGHT = Window(DateTime(hour=22, minute=0, second=0), DateTime(hour=6, minute=0, second=0))
NOON = Window(DateTime(hour=12, minute=0, second=0), DateTime(hour=12, minute=30, second=0))
SUNDAYS = Window(DateTime(weekday=7, hour=8, minute=0, second=0), DateTime(weekday=7, hour=9, minute=0, second=0))
MONTHS_END = Window(DateTime(day=0xFE, hour=23, minute=0), DateTime(day=0xFE, hour=23, minute=59))
ONCE = Window(DateTime(2026, 3, 1, 255, 12, 0, 0), DateTime(2026, 3, 4, 255, 12, 0, 0))
NEVER = Window(DateTime(month=2, day=30, hour=1), DateTime(month=2, day=30, hour=2))
LEAP = Window(
    DateTime(month=2, day=29, hour=1, minute=0, second=0), DateTime(month=2, day=29, hour=2, minute=0, second=0)
)


@pytest.mark.parametrize(
    ("windows", "local", "expected"),
    [
        ([], "2026-03-02T12:00:00", "2026-03-02T12:00:00"),
        ([NOON], "2026-03-02T11:00:00", "2026-03-02T12:00:00"),
        ([NOON], "2026-03-02T12:10:00", "2026-03-02T12:10:00"),
        ([NOON], "2026-03-02T12:30:00", "2026-03-02T12:30:00"),
        ([NOON], "2026-03-02T12:30:01", "2026-03-03T12:00:00"),
        ([NIGHT], "2026-03-02T23:10:00", "2026-03-02T23:10:00"),
        ([NIGHT], "2026-03-02T05:10:00", "2026-03-02T05:10:00"),
        ([NIGHT], "2026-03-02T07:00:00", "2026-03-02T22:00:00"),
        ([NIGHT, NOON], "2026-03-02T07:00:00", "2026-03-02T12:00:00"),
        ([SUNDAYS], "2026-03-02T12:00:00", "2026-03-08T08:00:00"),
        ([MONTHS_END], "2026-02-10T12:00:00", "2026-02-28T23:00:00"),
        ([ONCE], "2026-02-01T00:00:00", "2026-03-01T12:00:00"),
        ([ONCE], "2026-03-04T11:00:00", "2026-03-04T11:00:00"),
        ([ONCE], "2026-03-04T12:00:01", None),
        ([NEVER], "2026-03-04T12:00:01", None),
        ([LEAP], "2026-03-01T00:00:00", "2028-02-29T01:00:00"),
    ],
)
def test_the_next_opening_of_windows(windows: list[Window], local: str, expected: str | None) -> None:
    opened = opening(windows, datetime.fromisoformat(local))
    assert (None if opened is None else opened.isoformat()) == expected


WINDOW_TIMES = st.builds(
    DateTime,
    year=st.sampled_from([0xFFFF, 0xFFFF, 2026, 2027, 1999, 9999]),
    month=st.sampled_from([0xFF, 0xFF, 1, 2, 3, 12, 0xFD, 0xFE]),
    day=st.sampled_from([0xFF, 0xFF, 1, 2, 28, 0xFD, 0xFE]),
    weekday=st.sampled_from([0xFF, 0xFF, 1, 7]),
    hour=st.sampled_from([0xFF, 0, 12, 23]),
    minute=st.sampled_from([0xFF, 0, 30]),
    second=st.sampled_from([0xFF, 0, 59]),
)


@given(st.builds(Window, WINDOW_TIMES, WINDOW_TIMES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1)))
def test_a_window_is_open_when_it_is_said_to_open_and_not_before(window: Window, local: datetime) -> None:
    local = local.replace(microsecond=0)
    opened = opening([window], local)
    if opened is None:
        return
    assert opened >= local
    assert opening([window], opened) == opened
    if opened > local:
        assert opening([window], local + (opened - local) // 2) == opened
