"""The load profile: when rows are captured, what they hold, how they are found, and what marks them."""

from __future__ import annotations

import numpy as np
import pytest

from metering import (
    LOAD_PROFILE_DEPTH_DAYS_382L,
    LOAD_PROFILE_DEPTH_DAYS_382M,
    DataQuality,
    EnergyType,
    Event,
    EventLog,
    Flow,
    LoadProfile,
    LoadProfileEvent,
    LoggerStatus,
    Meter,
    MeterConfiguration,
)
from metering.inputs import ClearLoadProfile, SetClock, SetLoad, SetLoadProfilePeriod, SetLoadProfileRegisters
from metering.installation import ConstantInstallation, LiveInstallation
from metering.load_profile import LOG_ID_MAXIMUM, clock_adjustment_quality
from metering.stamped_rows import rows_by_entry, rows_in_range
from tests.metering.builders import START, configuration, meter_on, normal, true

QUARTER = 900


def hours(profile: LoadProfile) -> list[str]:
    """Stamps as `HH:MM`."""
    return [f"{stamp % 86_400 // 3_600:02}:{stamp % 3_600 // 60:02}" for stamp in profile.stamps.tolist()]


def test_a_day_in_one_step_has_its_96_rows() -> None:
    profile = meter_on().load_profile(START + 86_400)
    assert len(profile) == profile.captured == 96
    assert profile.stamps.tolist() == list(range(START + 3_600 + QUARTER, START + 3_600 + 86_401, QUARTER))
    assert profile.energies[Flow.A14].tolist() == [250 * (row + 1) for row in range(96)]


def test_rows_hold_readings_and_their_differences_are_the_energy_of_the_period() -> None:
    meter = meter_on(LiveInstallation())
    meter.apply(SetLoad((400_000, 0, 0), (200_000, 0, 0)), START)
    meter.apply(SetLoad((-800_000, 0, 0), (-200_000, 0, 0)), START + QUARTER)
    profile = meter.load_profile(START + 2 * QUARTER)
    assert profile.energies.tolist() == [[100, 100], [0, 200], [50, 50], [0, 50]]


@pytest.mark.parametrize(("energy_type", "columns"), [("A+", 1), ("A+A-", 2), ("A+A-R+R-", 4)])
def test_there_is_a_column_for_each_flow_of_the_energy_type(energy_type: str, columns: int) -> None:
    profile = meter_on(energy_type=energy_type).load_profile(START + 3_600)
    assert profile.energies.shape == (columns, 4)


@pytest.mark.parametrize("period_s", [300, 900, 1800, 3600])
@pytest.mark.parametrize("energy_type", list(EnergyType))
@pytest.mark.parametrize("depths", [LOAD_PROFILE_DEPTH_DAYS_382M, LOAD_PROFILE_DEPTH_DAYS_382L])
def test_a_full_load_profile_keeps_its_newest_days(
    depths: dict[EnergyType, dict[int, int]], energy_type: EnergyType, period_s: int
) -> None:
    days = depths[energy_type][period_s]
    meter = meter_on(
        energy_type=energy_type, load_profile_period_s=period_s, load_profile_depth_days=depths[energy_type]
    )
    end = START + (days + 20) * 86_400
    profile = meter.load_profile(end)
    assert len(profile) == days * 86_400 // period_s
    assert profile.stamps[-1] == end + 3_600
    assert profile.stamps[0] == end + 3_600 - days * 86_400 + period_s
    assert np.all(np.diff(profile.stamps) == period_s)


def test_an_idle_382l_has_57312_rows() -> None:
    order = MeterConfiguration(
        serial_number=1,
        commissioned_at=START,
        energy_type=EnergyType.IMPORT,
        load_profile_depth_days=LOAD_PROFILE_DEPTH_DAYS_382L[EnergyType.IMPORT],
    )
    assert len(Meter(order, ConstantInstallation((1, 1, 1))).load_profile(START + 600 * 86_400)) == 57_312


def test_a_view_keeps_what_it_showed() -> None:
    meter = meter_on(load_profile_depth_days={900: 1})
    stamps = meter.load_profile(START + 2 * 86_400).stamps
    shown = stamps.tolist()
    for day in range(3, 40):
        meter.advance(START + day * 86_400)
    assert stamps.tolist() == shown


def test_an_energy_register_in_a_row_wraps_at_32_bits() -> None:
    profile = LoadProfile(QUARTER, 96, (Flow.A14,))
    profile.capture(np.array([900]), np.array([[(2**32 + 5) * 3_600_000]]))
    assert profile.energies.tolist() == [[5]]


# --- selection -------------------------------------------------------------------------------------


def test_a_range_includes_both_its_ends() -> None:
    profile = meter_on().load_profile(START + 86_400)
    rows = rows_in_range(profile.stamps, normal(2024, 1, 15, 13), normal(2024, 1, 15, 14))
    assert isinstance(rows, slice)
    assert profile.stamps[rows].tolist() == [normal(2024, 1, 15, 13, minute) for minute in (0, 15, 30, 45)] + [
        normal(2024, 1, 15, 14)
    ]
    assert profile.stamps[rows_in_range(profile.stamps, 0, 10)].size == 0


def test_a_range_finds_repeated_stamps_wherever_they_are() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 1_000), START + 4_000)
    profile = meter.load_profile(START + 7_000)
    assert hours(profile) == ["12:15", "12:30", "12:45", "13:00", "12:30", "12:45", "13:00"]
    first = normal(2024, 1, 15, 12, 45)
    assert profile.stamps[rows_in_range(profile.stamps, first, first)].tolist() == [first, first]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 0, ["13:00"]),
        (1, 3, ["12:45", "12:30", "12:15"]),
        (1, 0, ["12:45", "13:00"]),
        (3, 0, ["12:15", "12:30", "12:45", "13:00"]),
        (0, 99, ["13:00", "12:45", "12:30", "12:15"]),
        (99, 3, ["12:15"]),
        (4, 9, []),
    ],
)
def test_entry_0_is_the_newest_and_rising_numbers_go_back_in_time(first: int, last: int, expected: list[str]) -> None:
    profile = meter_on().load_profile(START + 3_600)
    assert hours(profile) == ["12:15", "12:30", "12:45", "13:00"]
    stamps = profile.stamps[rows_by_entry(len(profile), first, last)]
    assert [f"{stamp % 86_400 // 3_600:02}:{stamp % 3_600 // 60:02}" for stamp in stamps.tolist()] == expected


# --- clock settings --------------------------------------------------------------------------------

FORWARD, BACKWARD = DataQuality.CLOCK_FORWARD, DataQuality.CLOCK_BACKWARD


@pytest.mark.parametrize(
    ("seconds", "quality"),
    [
        (6, DataQuality(0)),
        (7, DataQuality.CLOCK_ADJUSTED_7_S | FORWARD),
        (-14, DataQuality.CLOCK_ADJUSTED_7_S | BACKWARD),
        (15, DataQuality.CLOCK_ADJUSTED_15_S | FORWARD),
        (-30, DataQuality.CLOCK_ADJUSTED_30_S | BACKWARD),
        (60, DataQuality.CLOCK_ADJUSTED_30_S | FORWARD),
        (-61, DataQuality.CLOCK_ADJUSTED_60_S | BACKWARD),
    ],
)
def test_the_next_row_and_only_that_tells_how_far_the_clock_was_moved(seconds: int, quality: DataQuality) -> None:
    assert clock_adjustment_quality(seconds) == quality
    meter = meter_on()
    meter.apply(SetClock(START + 450 + seconds), START + 450)
    profile = meter.load_profile(START + 3_000)
    assert profile.quality.tolist()[:2] == [quality, 0]
    assert profile.status.tolist()[:2] == [0, 0]


def test_a_jump_forward_skips_the_slots_jumped_over() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 2_000), START + 1_000)
    profile = meter.load_profile(START + 2_600)
    assert hours(profile) == ["12:15", "12:45", "13:00"]
    assert profile.status.tolist() == [0, LoggerStatus.TIME_DISCONTINUITY, 0]
    assert profile.quality.tolist() == [0, DataQuality.CLOCK_ADJUSTED_60_S | FORWARD, 0]


def test_a_jump_backward_repeats_stamps() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 800), START + 1_000)
    profile = meter.load_profile(START + 2_000)
    assert hours(profile) == ["12:15", "12:15", "12:30"]
    assert profile.status.tolist() == [0, LoggerStatus.TIME_DISCONTINUITY, 0]
    assert profile.quality.tolist() == [0, DataQuality.CLOCK_ADJUSTED_60_S | BACKWARD, 0]


def test_two_settings_in_one_period_leave_the_marks_of_both() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 110), START + 100)
    meter.apply(SetClock(START + 110), START + 120)
    quality = int(meter.load_profile(START + 1_000).quality[0])
    assert quality == FORWARD | BACKWARD | DataQuality.CLOCK_ADJUSTED_7_S | DataQuality.CLOCK_ADJUSTED_15_S


@pytest.mark.parametrize(("at", "seconds"), [(898, 4), (899, 6), (897, 3)])
def test_a_small_correction_forward_over_a_boundary_loses_no_row(at: int, seconds: int) -> None:
    meter = meter_on()
    meter.apply(SetClock(START + at + seconds), START + at)
    profile = meter.load_profile(START + 1_900)
    assert hours(profile) == ["12:15", "12:30"]
    assert profile.energies[0, 0] == at * 1_000 // 3_600
    assert not profile.quality.any()
    assert not profile.status.any()


@pytest.mark.parametrize(("at", "seconds"), [(900, -3), (902, -2), (903, -6)])
def test_a_small_correction_backward_over_a_boundary_repeats_no_row(at: int, seconds: int) -> None:
    meter = meter_on()
    meter.apply(SetClock(START + at + seconds), START + at)
    demand = meter.demand(START + 1_799)
    assert demand.period_start == START + 900
    profile = meter.load_profile(START + 1_900)
    assert hours(profile) == ["12:15", "12:30"]
    assert not profile.quality.any()


def test_corrections_back_and_forth_over_a_boundary_capture_it_once() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 902), START + 898)
    meter.apply(SetClock(START + 898), START + 900)
    meter.apply(SetClock(START + 901), START + 901)
    assert hours(meter.load_profile(START + 1_800)) == ["12:15", "12:30"]


def test_a_clock_that_is_off_the_grid_reads_the_registers_at_its_own_boundaries() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 7), START)
    profile = meter.load_profile(START + 900)
    assert hours(profile) == ["12:15"]
    assert profile.energies[0, 0] == 893 * 1_000 // 3_600


def test_the_rtc_logger_keeps_times_before_and_after_a_jump() -> None:
    meter = meter_on()
    meter.apply(SetClock(START + 100 + 6), START + 100)
    meter.apply(SetClock(START + 200), START + 200)
    meter.apply(SetClock(START + 1_000), START + 300)
    rows = meter.event_logger(EventLog.RTC, START + 300).rows
    noon = normal(2024, 1, 15, 12)
    assert rows == [Event(1, noon + 1_000, 1, (noon + 300, noon + 1_000))]


# --- deletion --------------------------------------------------------------------------------------


def test_a_new_interval_deletes_the_load_profile_and_says_so() -> None:
    meter = meter_on()
    meter.apply(SetLoadProfilePeriod(3_600), START + 5_000)
    meter.apply(SetLoadProfilePeriod(3_600), START + 6_000)
    profile = meter.load_profile(START + 15_000)
    assert hours(profile) == ["14:00", "15:00", "16:00"]
    assert profile.status.tolist() == [LoggerStatus.INTERVAL_CHANGED, 0, 0]
    assert profile.entries == 700 * 24
    assert profile.captured == 5 + 3
    (event,) = meter.event_logger(EventLog.LOAD_PROFILE, START + 15_000).rows
    assert (event.stamp, event.code) == (START + 8_600, LoadProfileEvent.INTERVAL_CHANGED)


def test_an_interval_the_meter_has_no_depth_for_is_refused() -> None:
    meter = meter_on(load_profile_depth_days={900: 10, 1800: 20})
    with pytest.raises(ValueError, match="allowed: 900, 1800"):
        meter.apply(SetLoadProfilePeriod(300), START)


def test_deleting_by_hand_is_an_event() -> None:
    meter = meter_on()
    meter.apply(ClearLoadProfile(), START + 5_000)
    assert hours(meter.load_profile(START + 5_400)) == ["13:30"]
    (event,) = meter.event_logger(EventLog.LOAD_PROFILE, START + 5_400).rows
    assert event.code == LoadProfileEvent.DELETED_MANUALLY


def test_every_event_logger_of_a_382m_is_there_and_has_its_depth() -> None:
    meter = meter_on()
    depths = {log: meter.event_logger(log, START).depth for log in EventLog}
    assert depths.pop(EventLog.NEUTRAL_FAULT) == 45
    assert set(depths.values()) == {200}


def test_an_event_logger_forgets_the_oldest() -> None:
    meter = meter_on(event_logger_depth=3)
    for count in range(1, 6):
        meter.apply(SetClock(START + 1_000 * count), START + count)
    rows = meter.event_logger(EventLog.RTC, START + 5).rows
    assert [row.number for row in rows] == [3, 4, 5]


def test_the_382m_configuration_used_here_is_four_quadrant() -> None:
    assert configuration().load_profile_entries(900) == 175 * 96
    assert true(2024, 1, 15, 12) == START


def test_other_registers_delete_the_profile_say_so_and_are_recorded_from_then_on() -> None:
    meter = meter_on()
    meter.apply(SetLoadProfileRegisters(("R12", "A14")), START + 1_000)
    meter.apply(SetLoadProfileRegisters(("A14", "R12")), START + 1_100)
    profile = meter.load_profile(START + 2_700)
    assert profile.flows == (Flow.A14, Flow.R12)
    assert hours(profile) == ["12:30", "12:45"]
    assert profile.energies.tolist() == [[500, 750], [0, 0]]
    assert profile.status.tolist() == [LoggerStatus.RECONFIGURED, 0]
    (event,) = meter.event_logger(EventLog.LOAD_PROFILE, START + 2_700).rows
    assert event.code == LoadProfileEvent.DELETED_REGISTERS_CHANGED
    restored = Meter.restore(meter.configuration, meter.installation, meter.snapshot())
    assert restored.load_profile(START + 3_600).energies.tolist() == [[500, 750, 1_000], [0, 0, 0]]


def test_registers_that_the_energy_type_has_not_are_refused() -> None:
    meter = meter_on(energy_type="A+", load_profile_depth_days=LOAD_PROFILE_DEPTH_DAYS_382M[EnergyType.IMPORT])
    with pytest.raises(ValueError, match="allowed: A14, the flows of the energy type"):
        meter.apply(SetLoadProfileRegisters(("A14", "A23")), START)
    with pytest.raises(ValueError, match=r"flows is .*allowed: one or more of A14, A23, R12, R34"):
        SetLoadProfileRegisters(("A15",))


@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_row_number_at_its_maximum_stays_there_and_the_rows_say_so(step: int) -> None:
    profile = LoadProfile(900, 4, (Flow.A14,))
    profile.captured = LOG_ID_MAXIMUM - 4
    for first in range(0, 10, step):
        stamps = np.arange(first, first + step, dtype=np.int64)
        profile.capture(stamps, np.zeros((1, step), dtype=np.int64))
        marked = [stamp >= 3 for stamp in profile.stamps.tolist()]
        assert [bool(status & LoggerStatus.LOG_ID_AT_MAXIMUM) for status in profile.status.tolist()] == marked
    assert profile.captured == LOG_ID_MAXIMUM
