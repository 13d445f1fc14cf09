"""Relays that wait their turn, and a clock that runs wrong to the second."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from metering import EventLog, Meter
from metering.inputs import SetClock, SetRelayDelay, SetRelayMode, SetSupply, SetTariff, SwitchRelay
from metering.installation import ConstantInstallation
from tests.metering.builders import ONE_KILOWATT, START, configuration, meter_on, true
from tests.metering.test_tariff_table import table

DAY = 86_400


def closed(meter: Meter, now: int) -> list[bool]:
    return [relay.closed for relay in meter.load_control(now).relays]


def test_a_relay_closes_after_a_delay_of_its_own() -> None:
    delays = set()
    for serial in range(20):
        meter = meter_on(serial_number=serial)
        meter.apply(SetRelayMode(1, "command"), START)
        meter.apply(SwitchRelay(1, True), START)
        at = meter.load_control(START).relays[0].switch_at
        assert at is not None
        assert 0 <= at - START <= 3_600
        assert closed(meter, at - 1) == [False, False]
        assert closed(meter, at) == [True, False]
        delays.add(at)
    assert len(delays) > 15


def test_told_back_before_the_delay_is_over_it_stays() -> None:
    meter = meter_on()
    meter.apply(SetRelayMode(2, "command"), START)
    meter.apply(SwitchRelay(2, True), START)
    meter.apply(SwitchRelay(2, False), START)
    assert closed(meter, START + DAY) == [False, False]


def test_a_relay_follows_the_tariff() -> None:
    meter = meter_on()
    meter.apply(SetRelayDelay(0), START)
    meter.apply(SetRelayMode(1, "tariff", (2, 4)), START)
    for tariff, expected in ((2, True), (3, False), (4, True), (1, False)):
        meter.apply(SetTariff(tariff), meter.time + 60)
        assert closed(meter, meter.time + 1)[0] == expected


def test_a_relay_follows_the_tariff_table_to_the_second() -> None:
    meter = meter_on(tariff_mode="internal", tariff_table=table())
    meter.apply(SetRelayDelay(0), START)
    meter.apply(SetRelayMode(2, "tariff", (2,)), START)
    switch = true(2024, 1, 15, 22)
    assert closed(meter, switch - 1) == [False, False]
    assert closed(meter, switch) == [False, True]


def test_a_delay_that_ends_without_supply_is_over_when_it_is_back() -> None:
    meter = meter_on()
    meter.apply(SetRelayMode(1, "command"), START)
    meter.apply(SwitchRelay(1, True), START)
    meter.apply(SetSupply((0, 0, 0)), START)
    assert closed(meter, START + DAY) == [False, False]
    meter.apply(SetSupply(), START + DAY)
    assert closed(meter, START + DAY + 1) == [True, False]


def drifting(serial: int, degrees: int = 23) -> Meter:
    home = ConstantInstallation((1_000_000, 0, 0), temperature_millidegc=degrees * 1_000)
    return Meter(configuration(serial_number=serial, rtc_drift=True), home)


def test_a_clock_is_within_5_ppm_at_23_degrees() -> None:
    gained = [drifting(serial).clock(START + 100 * DAY) - START - 100 * DAY for serial in range(30)]
    assert max(map(abs, gained)) <= 43
    assert min(gained) < -20
    assert max(gained) > 20


def test_a_clock_is_slower_in_the_cold_by_the_square_law() -> None:
    now = START + 10 * DAY
    slower = drifting(7).clock(now) - drifting(7, degrees=-20).clock(now)
    assert abs(slower - 34 * (45**2 - 2**2) * 10 * DAY // 10**9) <= 1


def test_a_drifting_clock_loses_and_repeats_no_row_and_setting_it_corrects_it() -> None:
    for serial in range(4):
        meter = drifting(serial)
        now = START + 50 * DAY
        profile = meter.load_profile(now)
        assert set((profile.stamps[1:] - profile.stamps[:-1]).tolist()) == {900}
        assert not profile.quality.any()
        assert len(meter.event_logger(EventLog.RTC, now).rows) == 0
        meter.apply(SetClock(now), now)
        assert meter.clock(now) == now


def test_a_clock_without_drift_is_right_for_ever() -> None:
    assert meter_on(ONE_KILOWATT).clock(START + 900 * DAY) == START + 900 * DAY


@settings(max_examples=10, deadline=None)
@given(serial=st.integers(0, 99), stops=st.lists(st.integers(0, 20 * DAY), max_size=8), off=st.booleans())
def test_drift_is_the_same_however_time_is_cut(serial: int, stops: list[int], off: bool) -> None:
    walk, jump = drifting(serial, 5), drifting(serial, 5)
    for meter in (walk, jump):
        if off:
            meter.apply(SetSupply((0, 0, 0)), START + 100)
    for stop in sorted(stops):
        walk.advance(START + 100 + stop)
    for meter in (walk, jump):
        meter.advance(START + 21 * DAY)
    assert walk.snapshot() == jump.snapshot()
