"""Texts of settings in parts: the order they come in, what is refused, and what a client that repeats itself gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metering import Configured, EventLog
from metering.inputs import SetSupply
from server.settings import SettingRefused, Settings
from server.settings.settings import LONGEST
from tests.server.conftest import Lab

METER_NUMBER_2 = 2


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab()


@pytest.fixture
def settings(bench: Lab) -> Settings:
    return Settings(bench.meter)


def write(settings: Settings, number: int, value: Any, size: int = 64) -> None:
    """Write a value in parts of this size."""
    octets = json.dumps(value).encode()
    for offset in range(0, len(octets), size):
        settings.write_part(number, offset, len(octets), octets[offset : offset + size])


def noted(bench: Lab) -> list[int]:
    """The codes in the configuration logger."""
    return [row.code for row in bench.meter.engine.event_logger(EventLog.CONFIGURATION, bench.meter.now()).rows]


def test_a_value_comes_in_parts_and_is_there_with_the_last_one(bench: Lab, settings: Settings) -> None:
    octets = b" 4711 "
    for offset in range(len(octets) - 1):
        settings.write_part(METER_NUMBER_2, offset, len(octets), octets[offset : offset + 1])
        assert (settings.read(METER_NUMBER_2), settings.last_result, noted(bench)) == (b"0", "unfinished", [])
    settings.write_part(METER_NUMBER_2, len(octets) - 1, len(octets), b" ")
    assert (settings.read(METER_NUMBER_2), settings.last_result, noted(bench)) == (b"4711", "done", [METER_NUMBER_2])


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=9), repeat=st.booleans())
def test_however_a_value_is_cut_up_it_is_read_back(bench: Lab, value: int, cuts: list[int], repeat: bool) -> None:
    settings = Settings(bench.meter)
    before, present = len(noted(bench)), json.loads(settings.read(METER_NUMBER_2))
    octets, offset = json.dumps(value).encode(), 0
    while offset < len(octets):
        size = cuts[offset % len(cuts)]
        part = octets[offset : offset + size]
        settings.write_part(METER_NUMBER_2, offset, len(octets), part)
        if repeat:
            settings.write_part(METER_NUMBER_2, offset, len(octets), part)
        offset += size
    assert json.loads(settings.read(METER_NUMBER_2)) == value
    assert len(noted(bench)) == before + (value != present)


@pytest.mark.parametrize("number", [Configured.ANALYSIS_PERIOD, Configured.ANALYSIS_REGISTERS])
def test_a_value_that_is_there_already_deletes_nothing_and_is_no_event(
    bench: Lab, settings: Settings, number: Configured
) -> None:
    def rows() -> int:
        return len(bench.meter.engine.analysis_logger(bench.meter.now()))

    before = rows()
    text = settings.read(number)
    settings.write_part(number, 0, len(text), text)
    assert settings.last_result == "done"
    assert (rows(), noted(bench)) == (before, [])
    assert before > 0


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([(1, 4, b"711")], "offset 1 of 4: not the part that comes next"),
        ([(0, 4, b"4"), (2, 4, b"11")], "offset 2 of 4: not the part that comes next"),
        ([(0, 4, b"4"), (1, 5, b"711")], "offset 1 of 5: not the part that comes next"),
        ([(0, 4, b"4"), (1, 4, b"7111")], "4 octets at offset 1 of 4; allowed: 1..3"),
        ([(0, 4, b"")], "0 octets at offset 0 of 4; allowed: 1..4"),
        ([(0, 0, b"")], f"length is 0; allowed: 1..{LONGEST}"),
        ([(0, LONGEST + 1, b"4")], f"length is {LONGEST + 1}; allowed: 1..{LONGEST}"),
        ([(0, 1, b"{")], "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ([(0, 3, b"NaN")], "not JSON: NaN is no number"),
        ([(0, 13, b'{"a":1,"a":2}')], "not JSON: a key comes twice"),
        (
            [(0, 2, b"\xc3\x28")],
            "not JSON: no UTF-8",
        ),
        ([(0, 8, b'"\\ud800"')], "not JSON: half a surrogate pair"),
        ([(0, 2, b"-1")], "value is -1; allowed: 0..4294967295"),
        ([(0, 4, b"true")], "value is True; allowed: 0..4294967295"),
        ([(0, 3, b"1.0")], "value is 1.0; allowed: 0..4294967295"),
        ([(0, 4, b"null")], "value is None; allowed: 0..4294967295"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(
    bench: Lab, settings: Settings, parts: list[tuple[int, int, bytes]], reason: str
) -> None:
    for part in parts[:-1]:
        settings.write_part(METER_NUMBER_2, *part)
    with pytest.raises(SettingRefused) as refused:
        settings.write_part(METER_NUMBER_2, *parts[-1])
    assert (str(refused.value), settings.last_result) == (reason, reason)
    assert (settings.read(METER_NUMBER_2), noted(bench), bench.meter.pending) == (b"0", [], [])
    write(settings, METER_NUMBER_2, 7)
    assert settings.last_result == "done"


def test_the_deepest_text_there_can_be_is_refused_and_harms_nobody(settings: Settings) -> None:
    with pytest.raises(SettingRefused, match="not JSON"):
        settings.write_part(METER_NUMBER_2, 0, LONGEST, b"[" * LONGEST)


def test_the_last_part_once_more_ends_as_it_did_and_happens_once(bench: Lab, settings: Settings) -> None:
    write(settings, METER_NUMBER_2, 4711, size=3)
    settings.write_part(METER_NUMBER_2, 3, 4, b"1")
    assert noted(bench) == [METER_NUMBER_2]
    with pytest.raises(SettingRefused, match="value is -123"):
        write(settings, METER_NUMBER_2, -123, size=3)
    with pytest.raises(SettingRefused, match="value is -123"):
        settings.write_part(METER_NUMBER_2, 3, 4, b"3")


def test_a_new_beginning_replaces_what_was_not_ended(settings: Settings) -> None:
    settings.write_part(METER_NUMBER_2, 0, 4, b"47")
    write(settings, METER_NUMBER_2 + 1, 5)
    assert (settings.read(METER_NUMBER_2), settings.read(METER_NUMBER_2 + 1)) == (b"0", b"5")


def test_a_number_without_setting_is_told_apart_from_a_refusal(settings: Settings) -> None:
    for number in (0, 199, 255, 65535):
        with pytest.raises(KeyError):
            settings.write_part(number, 0, 1, b"1")
    with pytest.raises(KeyError):
        settings.read(199)


def test_a_reason_is_never_longer_than_a_message_holds_nor_anything_but_ascii(settings: Settings) -> None:
    with pytest.raises(SettingRefused) as refused:
        write(settings, METER_NUMBER_2, "\n\u00e6" * 200)
    assert len(str(refused.value)) == 100
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()


def test_parts_that_are_read_are_of_the_text_read_first(settings: Settings) -> None:
    write(settings, METER_NUMBER_2, 123456)
    assert settings.read_part(METER_NUMBER_2, 0, 4) == (6, b"1234")
    write(settings, METER_NUMBER_2, 9)
    assert settings.read_part(METER_NUMBER_2, 4, 4) == (6, b"56")
    assert settings.read_part(METER_NUMBER_2, 6, 4) == (6, b"")
    assert settings.read_part(METER_NUMBER_2, 0, 4) == (1, b"9")


def test_clients_do_not_see_each_others_parts(bench: Lab) -> None:
    one, other = Settings(bench.meter), Settings(bench.meter)
    one.write_part(METER_NUMBER_2, 0, 2, b"1")
    other.write_part(METER_NUMBER_2, 0, 2, b"2")
    one.write_part(METER_NUMBER_2, 1, 2, b"1")
    assert other.read(METER_NUMBER_2) == b"11"
    other.write_part(METER_NUMBER_2, 1, 2, b"2")
    assert one.read(METER_NUMBER_2) == b"22"


def test_a_meter_that_is_off_changes_nothing(bench: Lab, settings: Settings) -> None:
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.meter.take_pending()
    bench.time.forward(1)
    with pytest.raises(SettingRefused, match="the meter is off"):
        write(settings, METER_NUMBER_2, 1)
    assert bench.meter.pending == []
