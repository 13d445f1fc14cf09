"""The display, picture by picture: lists, button, start-up, notation and symbols of every generation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering import EnergyType, Flow, Meter
from metering.breaker_states import CutOffBasis
from metering.display import (
    BreakerSymbol,
    DisplayItem,
    DisplayList,
    Flag,
    Markings,
    Segments,
    Shown,
    display,
    display_items,
    display_layouts,
    shown,
)
from metering.display.notation import NOTATIONS
from metering.display.screen import fields
from metering.display.sequence import Lengths, Place, place
from metering.display.sources import Glance, source
from metering.enclosure import Press
from metering.inputs import (
    OperateBreaker,
    PressButton,
    SetBreakerParameter,
    SetCover,
    SetDisplayList,
    SetLoad,
    SetMagnet,
    SetSupply,
    SetTariff,
    SetVerificationMode,
    TopUp,
)
from metering.installation import ConstantInstallation
from metering.phase_indicator import PhaseCurrent, PhaseVoltage
from metering.status import EventA
from tests.metering.builders import ONE_KILOWATT, START, meter_on

LAYOUTS = display_layouts()
M = LAYOUTS["382M"]
MARKINGS = Markings((12345678, 0, 0), (87654321, 0), "50981040", "H1", 0x72526998)
RUNNING = START + 10
"""The start-up is over."""
BATTERY_S = 10 * 365 * 86_400


def press(meter: Meter, at: int, length_s: int = 1) -> None:
    meter.apply(PressButton(length_s), at)


def look(meter: Meter, now: int) -> Shown:
    return shown(meter.configuration, meter.display_layout, meter.supply(now), meter.enclosure.presses, now)


def obis_at(meter: Meter, now: int) -> str:
    return display(meter, now, MARKINGS).obis


# --- lists and button ----------------------------------------------------------------------------


def test_at_power_up_checksum_then_software_then_the_first_reading() -> None:
    meter = meter_on()
    first, second = (display(meter, START + s, MARKINGS) for s in (0, 4))
    assert (first.value, first.obis, first.text) == ("27032", "96.54.1", "CSUM")
    assert first.value == second.value
    software = display(meter, START + 5, MARKINGS)
    assert (software.value, software.obis, software.text) == ("50981040", "0.2.0", "H1")
    assert display(meter, START + 9, MARKINGS).obis == "0.2.0"
    assert display(meter, START + 10, MARKINGS).obis == "1.8.0"


def test_the_automatic_list_changes_every_ten_seconds_and_goes_round() -> None:
    meter = meter_on()
    seen = [obis_at(meter, RUNNING + step * 10 + late) for step in range(7) for late in (0, 9)]
    assert seen[::2] == seen[1::2] == ["1.8.0", "2.8.0", "3.8.0", "4.8.0", "1.7.0", "1.0.0", "1.8.0"]


def test_the_button_steps_through_the_manual_list_and_two_minutes_later_it_is_automatic_again() -> None:
    meter = meter_on()
    manual = [item.key for item in M.manual_list(meter.configuration)]
    at = RUNNING + 33
    for number in range(len(manual) + 2):
        press(meter, at + number * 60)
        now = look(meter, at + number * 60)
        assert (now.place.list, now.item and now.item.key) == (DisplayList.MANUAL, manual[number % len(manual)])
    last = at + (len(manual) + 1) * 60
    assert look(meter, last + 119).place.list is DisplayList.MANUAL
    assert look(meter, last + 120).place == Place(DisplayList.AUTOMATIC, 0, last + 120)
    assert look(meter, last + 130).place == Place(DisplayList.AUTOMATIC, 1, last + 130)


def test_after_the_return_the_manual_list_begins_at_its_beginning() -> None:
    meter = meter_on()
    for at in (20, 25, 30, 200):
        press(meter, START + at)
    assert look(meter, START + 200).place == Place(DisplayList.MANUAL, 0, START + 200)


def test_a_long_press_keeps_the_item_and_the_list_open() -> None:
    meter = meter_on()
    press(meter, RUNNING)
    press(meter, RUNNING + 100, length_s=6)
    assert look(meter, RUNNING + 219).place == Place(DisplayList.MANUAL, 0, RUNNING)
    assert look(meter, RUNNING + 220).place.list is DisplayList.AUTOMATIC


def test_a_press_during_start_up_is_not_heard() -> None:
    meter = meter_on()
    press(meter, START + 7)
    assert display(meter, START + 8, MARKINGS).obis == "0.2.0"
    assert look(meter, RUNNING).place.list is DisplayList.AUTOMATIC


@pytest.mark.parametrize(
    ("name", "key", "length_s", "resets", "calls"),
    [
        ("382-classic", "trip", 6, True, False),
        ("382-classic", "trip", 5, False, False),
        ("382-classic", "Call", 7, False, True),
        ("382-classic", "W", 6, False, False),
        ("382L", "A+/TRIP", 6, True, False),
        ("382L", "CALL", 6, False, True),
        ("382L", "CALL", 5, False, False),
        ("382L", "A+", 6, False, False),
    ],
)
def test_six_seconds_do_what_the_item_on_the_display_says(
    name: str, key: str, length_s: int, resets: bool, calls: bool
) -> None:
    meter = meter_on(tariffs=4, display=name)
    start = START + 3_600
    keys = [item.key for item in meter.display_layout.manual_list(meter.configuration)]
    for number in range(keys.index(key) + 1):
        press(meter, start + number)
    now = start + len(keys)
    press(meter, now, length_s)
    assert (meter.trip_counter(Flow.A14, now) == 0) is resets
    assert bool(meter.status(now).event_a & EventA.FORCED_CALL) is calls


def test_without_supply_and_battery_the_display_is_dark() -> None:
    meter = meter_on()
    meter.apply(SetSupply((0, 0, 0)), RUNNING)
    assert display(meter, RUNNING + 5, MARKINGS) == Segments()
    press(meter, RUNNING + 6)
    assert display(meter, RUNNING + 6, MARKINGS) == Segments()


def test_on_battery_the_button_shows_the_battery_list_for_two_minutes() -> None:
    meter = meter_on(rtc_backup_s=BATTERY_S)
    meter.apply(SetSupply((0, 0, 0)), RUNNING)
    assert not display(meter, RUNNING + 5, MARKINGS).lit
    press(meter, RUNNING + 6)
    picture = display(meter, RUNNING + 7, MARKINGS)
    assert (picture.lit, picture.obis, picture.phase_voltages[0]) == (True, "1.8.0", PhaseVoltage.OFF)
    press(meter, RUNNING + 8)
    assert obis_at(meter, RUNNING + 8) == "2.8.0"
    assert not display(meter, RUNNING + 8 + 120, MARKINGS).lit


def test_when_supply_is_back_the_display_starts_up_again() -> None:
    meter = meter_on()
    meter.apply(SetSupply((0, 0, 0)), START + 1_000)
    meter.apply(SetSupply(), START + 2_000)
    assert obis_at(meter, START + 2_001) == "96.54.1"
    assert obis_at(meter, START + 2_001 + 10) == "1.8.0"


lengths = st.builds(Lengths, st.integers(1, 16), st.integers(1, 40), st.integers(0, 8), st.booleans())


@given(
    lengths,
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 8)), max_size=20),
    st.integers(0, 3_000),
)
def test_a_place_is_in_its_list_and_holds_until_it_changes(
    of: Lengths, powered: bool, waits: list[tuple[int, int]], late: int
) -> None:
    presses, at = [], START
    for wait, length_s in waits:
        at += wait
        presses.append(Press(at, length_s))
    now = START + late
    found = place(now, powered, START, presses, of)
    size = {DisplayList.AUTOMATIC: of.automatic, DisplayList.MANUAL: of.manual, DisplayList.BATTERY: of.battery}
    assert 0 <= found.number < size.get(found.list, 1)
    assert found.since <= now
    assert place(max(found.since, START), powered, START, presses, of)[:2] == found[:2]
    assert place(now, powered, START, [one for one in presses if one.at <= now], of) == found


# --- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("order", [{}, {"energy_type": "A+", "tariffs": 2}, {"connection": "1-phase"}])
def test_every_item_of_every_list_can_be_shown_and_fits_its_fields(name: str, order: dict[str, Any]) -> None:
    premises = ConstantInstallation((9_000_000, -2_000_000, 0), (-500_000, 0, 0))
    meter = meter_on(premises, display=name, rtc_backup_s=BATTERY_S, **order)
    now = START + 86_400 * 40
    layout = meter.display_layout
    for number in range(len(layout.manual_list(meter.configuration))):
        press(meter, now + number)
        picture = display(meter, now + number, MARKINGS)
        assert len(picture.value.replace(".", "")) <= layout.digits
        assert len(picture.obis.replace(".", "")) <= 7
        assert bool(picture.value) is not picture.test


@pytest.mark.parametrize("item", display_items().values(), ids=display_items())
def test_every_item_has_a_source_and_a_notation(item: DisplayItem) -> None:
    meter = meter_on(ONE_KILOWATT)
    value = source(item.source)(Glance(meter, START + 86_400, MARKINGS))
    assert item.format in ("test", "stamp", "call", *NOTATIONS)
    assert item.format == "test" or item.flag is Flag.HISTORICAL or value is not None or item.format == "stamp"
    assert len(item.obis.replace(".", "")) <= 7


@pytest.mark.parametrize(
    ("name", "digits", "automatic", "manual", "battery"),
    [
        ("382-classic", 8, 16, 30, 8),
        ("382BCDE", 7, 16, 40, 8),
        ("382K", 7, 16, 30, 8),
        ("382L", 7, 16, 30, 8),
        ("382M", 9, 16, 30, 8),
    ],
)
def test_lists_and_fields_have_the_sizes_of_the_data_sheets(
    name: str, digits: int, automatic: int, manual: int, battery: int
) -> None:
    layout = LAYOUTS[name]
    assert (layout.digits, layout.manual_items) == (digits, manual)
    assert len(layout.automatic) <= automatic
    assert len(layout.manual) <= manual
    assert len(layout.battery) <= battery


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"automatic": ["A+"] * 17}, "automatic list of display 382L has 17 items; allowed: up to 16"),
        ({"manual": ["A+"] * 31}, "manual list of display 382L has 31 items; allowed: up to 30"),
        ({"battery": ["A+"] * 9}, "battery list of display 382L has 9 items; allowed: up to 8"),
        ({"automatic": []}, "automatic list of display 382L is empty"),
        ({"automatic": ["HISTORY"]}, "'HISTORY' is historical; allowed: present values"),
        ({"manual": ["X"]}, "manual list of display 382L: no item 'X'; see items.csv"),
        ({"second": ["A+"]}, r"display_lists \(a list\) is 'second'; allowed: automatic, manual, battery"),
    ],
)
def test_a_list_against_the_rules_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        meter_on(display="382L", display_lists=change)


def test_forty_manual_items_are_allowed_in_b_to_e() -> None:
    meter = meter_on(display="382BCDE", display_lists={"manual": ["A+"] * 40})
    assert len(meter.display_layout.manual) == 40


def test_legal_readings_cannot_be_deselected() -> None:
    lists = {"automatic": ["P+"], "manual": ["P+", "A-"]}
    meter = meter_on(display_lists=lists)
    keys = [item.key for item in meter.display_layout.manual_list(meter.configuration)]
    assert keys == ["A+", "R+", "R-", "P+", "A-"]
    meter = meter_on(energy_type=EnergyType.IMPORT, display_lists=lists)
    assert [item.key for item in meter.display_layout.manual_list(meter.configuration)] == ["A+", "P+"]


@pytest.mark.parametrize(
    ("order", "gone"),
    [
        ({"energy_type": EnergyType.IMPORT}, {"A-", "R+", "R-", "P-"}),
        ({"energy_type": EnergyType.IMPORT_EXPORT}, {"R+", "R-"}),
        ({"tariffs": 1}, {"A+/T1", "A+/T2", "A+/T3", "A+/T4"}),
        ({"tariffs": 2}, {"A+/T3", "A+/T4"}),
        ({"connection": "1-phase"}, {"U-L2", "U-L3", "I-L2", "I-L3"}),
        ({"connection": "aron"}, {"U-L2", "I-L2"}),
        ({"rtc_backup_s": None}, {"CLOCK", "P+M/TIME"}),
    ],
)
def test_what_a_meter_has_not_is_not_shown(order: dict[str, Any], gone: set[str]) -> None:
    all_of_it = {item.key for item in M.manual_list(meter_on().configuration)}
    assert all_of_it - {item.key for item in M.manual_list(meter_on(**order).configuration)} == gone


# --- notation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decimals", "value"), [("7.0", "0000012"), ("6.1", "000012.3"), ("7.2", "0000012.30"), ("6.3", "000012.300")]
)
def test_energies_have_the_decimals_ordered(decimals: str, value: str) -> None:
    meter = meter_on(ConstantInstallation((12_300_000, 0, 0)), display_decimals=decimals)
    press(meter, START + 3_600)
    assert display(meter, START + 3_600, MARKINGS).value == value


def test_verification_mode_shows_three_decimals_until_it_is_left() -> None:
    meter = meter_on(ConstantInstallation((12_300_000, 0, 0)))
    meter.apply(SetVerificationMode(True), START)
    assert shows("A+", meter, START + 1).value == "000000.003"
    meter.apply(SetVerificationMode(False), START + 2)
    assert shows("A+", meter, START + 3).value == "0000000"


def test_a_full_register_begins_again() -> None:
    meter = meter_on(ConstantInstallation((10**9, 0, 0)))
    now = START + 3_600 * 10_000  # 10 GWh
    assert shows("A+", meter, now).value == "0000000"


def shows(key: str, meter: Meter, now: int, shown_s: int = 0) -> Segments:
    """The picture with an item of this key, shown for so long."""
    glance = Glance(meter, now, MARKINGS)
    return fields(Segments(lit=True), glance, display_items()[key], shown_s)


@pytest.mark.parametrize(
    ("key", "value", "unit", "obis", "text"),
    [
        ("P+", "12.345", "kW", "1.7.0", "P+"),
        ("U-L1", "230", "V", "32.7.0", "U-L1"),
        ("I-L1", "53.67", "A", "31.7.0", "I-L1"),
        ("PF", "1.00", "", "13.7.0", "PF"),
        ("FREQ", "50.00", "Hz", "14.7.0", "FREQ"),
        ("HRS", "24", "h", "96.8.0", "HRS"),
        ("NUM/1", "12345678", "", "0.0.1", "NUM/1"),
        ("SER/NUM", "12345678", "", "96.1.0", "SER/NUM"),
        ("PULSE", "0", "m3", "0.128.1", ""),
        ("P+M", "12.345", "kW", "1.6.0", "P+M"),
        ("PTH", "99.000", "kW", "96.51.1", "PTH"),
        ("RST", "0", "", "0.1.0", "RST"),
        ("HISTORY", "---------", "kWh", "98.1.0", "A+"),
        ("PROFILE", "0000296", "kWh", "99.1.0", "A+"),
        ("NET", "0000296", "kWh", "16.8.0", "NET"),
        ("W", "12345", "W", "", ""),
        ("CALL", "CALL", "", "", "CALL"),
    ],
)
def test_values_units_and_codes(key: str, value: str, unit: str, obis: str, text: str) -> None:
    meter = meter_on(ConstantInstallation((12_345_678, 0, 0)), pulse_input_unit="m3")
    picture = shows(key, meter, START + 86_400)
    assert (picture.value, picture.unit, picture.obis, picture.text) == (value, unit, obis, text)


def test_a_stamp_shows_time_then_date() -> None:
    meter = meter_on()
    time, date, again = (shows("CLOCK", meter, RUNNING, s) for s in (0, 5, 10))
    assert (time.value, time.text) == ("12.00.10", "TIME")
    assert (date.value, date.text) == ("24.01.15", "DATE")
    assert again.text == "TIME"


def test_a_long_number_shows_its_last_digits_on_seven() -> None:
    assert shows("NUM/1", meter_on(display="382L"), RUNNING).value == "2345678"


def test_the_display_test_lights_everything() -> None:
    assert shows("TEST", meter_on(), RUNNING).test


def test_the_classic_shows_total_energy_and_takes_turns_with_tariff_and_unit() -> None:
    meter = meter_on(tariffs=2, energy_type="A+", display="382-classic")
    assert [item.key for item in meter.display_layout.manual_list(meter.configuration)][:4] == [
        "T1",
        "T2",
        "W",
        "hours",
    ]
    picture = display(meter, START + 7_200, MARKINGS)
    assert (picture.value, picture.unit, picture.obis, picture.text) == ("0000002", "kWh", "", "")
    press(meter, START + 7_200)
    units = [display(meter, START + 7_200 + s, MARKINGS).unit for s in range(6)]
    assert units == ["T1", "T1", "kWh", "kWh", "T1", "T1"]
    for wait in range(1, 5):
        press(meter, START + 7_206 + wait)
    assert display(meter, START + 7_211, MARKINGS).value == "00002.00"  # the trip recorder


# --- symbols -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "reactive", "quadrant"), [(1, 1, 1), (-1, 1, 2), (-1, -1, 3), (1, -1, 4), (0, 0, 0), (0, -1, 4)]
)
def test_the_quadrant_is_that_of_the_momentary_load(active: int, reactive: int, quadrant: int) -> None:
    meter = meter_on(ConstantInstallation((active * 500_000, 0, 0), (reactive * 500_000, 0, 0)))
    assert display(meter, RUNNING, MARKINGS).quadrant == quadrant


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_phase_indicator_is_lit_with_voltage_and_before_the_382m_blinks_without_current(name: str) -> None:
    premises = ConstantInstallation((2_400, 1_000, 500_000), voltage_mv=(230_000, 230_000, 160_000))
    meter = meter_on(premises, display=name)
    idle = PhaseVoltage.BLINKING if name in ("382BCDE", "382K", "382L") else PhaseVoltage.ON
    assert display(meter, RUNNING, MARKINGS).phase_voltages == (PhaseVoltage.ON, idle, PhaseVoltage.OFF)


def test_an_arrow_shows_the_direction_of_a_phase_above_2_3_watts() -> None:
    meter = meter_on(ConstantInstallation((2_301, -5_000_000, 0)))
    arrows = (PhaseCurrent.IMPORT, PhaseCurrent.EXPORT, PhaseCurrent.NONE)
    assert display(meter, RUNNING, MARKINGS).phase_currents == arrows
    other = meter_on(ConstantInstallation((2_301, -5_000_000, 0)), display="382L")
    assert display(other, RUNNING, MARKINGS).phase_currents == (PhaseCurrent.NONE,) * 3


@pytest.mark.parametrize(
    ("name", "magnet", "cover", "own_symbol"),
    [
        ("382-classic", False, False, False),
        ("382BCDE", False, False, False),
        ("382K", True, True, False),
        ("382L", True, False, False),
        ("382M", True, True, True),
    ],
)
def test_magnet_and_cover_light_the_symbols_of_the_generation(
    name: str, magnet: bool, cover: bool, own_symbol: bool
) -> None:
    meter = meter_on(display=name)
    assert not display(meter, RUNNING, MARKINGS).error
    meter.apply(SetMagnet(True), RUNNING)
    assert display(meter, RUNNING, MARKINGS).error is magnet
    meter.apply(SetMagnet(False), RUNNING + 1)
    meter.apply(SetCover(True), RUNNING + 1)
    picture = display(meter, RUNNING + 1, MARKINGS)
    assert (picture.error, picture.cover) == (cover, own_symbol)
    meter.apply(SetCover(False), RUNNING + 2)
    assert not display(meter, RUNNING + 2, MARKINGS).error


def test_the_tariff_counted_in_is_shown_where_there_are_tariffs() -> None:
    meter = meter_on()
    meter.apply(SetTariff(3), RUNNING)
    assert display(meter, RUNNING, MARKINGS).tariff == 3
    assert display(meter_on(tariffs=1), RUNNING, MARKINGS).tariff == 0


def test_the_squares_of_the_classic_step_with_each_watt_hour_of_a_phase() -> None:
    meter = meter_on(ConstantInstallation((1_000_000, 0, 0)), display="382-classic")
    squares = [display(meter, START + second, MARKINGS).phase_squares[0] for second in range(0, 16, 4)]
    assert squares == [False, True, False, True]  # 1 Wh takes 3.6 s


def test_asking_often_changes_nothing() -> None:
    one, other = meter_on(ONE_KILOWATT), meter_on(ONE_KILOWATT)
    for second in range(0, 600, 7):
        display(one, START + second, MARKINGS)
    for meter in (one, other):
        meter.apply(SetLoad((2_000_000, 0, 0)), START + 700)
        meter.advance(START + 5_000)
    assert display(one, START + 5_000, MARKINGS) == display(other, START + 5_000, MARKINGS)
    assert one.snapshot() == other.snapshot()


def test_a_picture_is_plain_values_for_the_wire() -> None:
    plain = display(meter_on(), RUNNING, MARKINGS).to_dict()
    assert plain["phase_voltages"] == ["on", "on", "on"]
    assert plain["breaker"] == "closed"


def test_the_breaker_symbol_follows_the_breaker_where_one_is_fitted() -> None:
    meter = meter_on()
    assert display(meter, RUNNING, MARKINGS).breaker is BreakerSymbol.CLOSED
    for command, symbol in (
        (OperateBreaker(1), BreakerSymbol.OPEN),
        (OperateBreaker(2), BreakerSymbol.RELEASED),
    ):
        meter.apply(command, RUNNING)
        assert display(meter, RUNNING, MARKINGS).breaker is symbol
    assert display(meter_on(breaker=False), RUNNING, MARKINGS).breaker is BreakerSymbol.NONE
    assert display(meter_on(display="382L"), RUNNING, MARKINGS).breaker is BreakerSymbol.NONE


def test_a_meter_without_credit_says_pay() -> None:
    meter = meter_on(breaker=True)
    assert not display(meter, RUNNING, MARKINGS).prepayment
    meter.apply(TopUp(1_000), RUNNING)
    meter.apply(SetBreakerParameter("cut_off_basis", CutOffBasis.PREPAYMENT), RUNNING)
    paid = display(meter, RUNNING + 1_800, MARKINGS)
    assert (paid.prepayment, paid.text, paid.breaker) == (True, "A+", BreakerSymbol.CLOSED)
    assert shows("PP", meter, RUNNING + 1_800).value == "0000000"
    unpaid = display(meter, RUNNING + 4_000, MARKINGS)
    assert (unpaid.text, unpaid.breaker) == ("PAY", BreakerSymbol.OPEN)


def test_a_list_can_be_configured_later_and_is_remembered() -> None:
    meter = meter_on()
    meter.apply(SetDisplayList("automatic", ("P+", "U-L1")), RUNNING)
    meter.apply(SetDisplayList("manual", ()), RUNNING)
    assert [obis_at(meter, RUNNING + step * 10) for step in range(3)] == ["1.7.0", "32.7.0", "1.7.0"]
    restored = Meter.restore(meter.configuration, ONE_KILOWATT, meter.snapshot())
    assert restored.display_layout == meter.display_layout
    assert restored.snapshot() == meter.snapshot()
    press(restored, RUNNING + 40)
    assert obis_at(restored, RUNNING + 40) == "1.8.0"  # legal


def test_a_list_against_the_rules_is_not_configured() -> None:
    meter = meter_on()
    for change in (SetDisplayList("automatic", ("HISTORY",)), SetDisplayList("battery", ("A+",) * 9)):
        before = meter.display_layout
        with pytest.raises(ValueError, match="of display 382M"):
            meter.apply(change, RUNNING)
        assert meter.display_layout == before
    with pytest.raises(ValueError, match="list is 'second'; allowed: automatic, manual, battery"):
        SetDisplayList("second", ())
