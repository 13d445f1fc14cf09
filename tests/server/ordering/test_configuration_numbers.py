"""Configuration numbers: every code of every field, both ways; what they order, and what is refused."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ordering import ConfigurationNumbers, OrderError, TypeNumber
from server.ordering.codes import FOLDER

LAYOUTS: list[dict[str, Any]] = tomllib.loads((FOLDER / "configuration_numbers.toml").read_text())["numbers"]
READ = (21000002, 22201011, 1000, 100, 0)
"""What the registers of a 382J held."""
TYPE_J, TYPE_M = TypeNumber.parse("38AJ224070"), TypeNumber.parse("68438BM4C3084")
RADIO_S, RADIO_K = TypeNumber.parse("68438BC444010"), TypeNumber.parse("68438BC454010")


def place(number: int, key: str) -> tuple[int, int]:
    """First digit and digits of a field."""
    layout = LAYOUTS[number - 1]
    start = 0
    for letters, field in zip(layout["layout"].split("-"), layout["fields"], strict=True):
        if field["key"] == key:
            return start, len(letters)
        start += len(letters)
    raise KeyError(key)


def changed(number: int, key: str, code: str) -> list[str]:
    """The numbers that were read, with another code in one field."""
    texts = [str(value).zfill(8) for value in READ[:4]] + [str(READ[4]).zfill(3)]
    start, width = place(number, key)
    assert len(code) == width
    texts[number - 1] = texts[number - 1][:start] + code + texts[number - 1][start + width :]
    return texts


# --- what was read --------------------------------------------------------------------------------------


def test_registers_hold_the_printed_numbers_literally() -> None:
    numbers = ConfigurationNumbers.parse(READ, TYPE_J)
    assert numbers.printed == ("2-1-000-00-2", "222-01-01-1", "00-0-01-0-00", "000-001-00", "000")
    assert numbers.numbers == READ
    assert ConfigurationNumbers.parse(numbers.printed, TYPE_J) == numbers


def test_what_was_read_orders_6_1_decimals_quarters_monthly_gmt_1_and_eu_daylight_saving() -> None:
    facts = ConfigurationNumbers.parse(READ, TYPE_J).facts
    assert (facts.display_decimals, facts.led_lit_idle, facts.integration_period_s) == ("6.1", False, 900)
    assert (facts.display, facts.billing_day, facts.billing_interval_months, facts.pulse_length_ms) == ("222", 1, 1, 30)
    assert (facts.gmt_offset_s, facts.dst, facts.peak_tariff, facts.pulse_input_unit) == (3600, True, 0, "")


# --- every code -----------------------------------------------------------------------------------------

GMT = {**{f"{hours:02}": hours for hours in range(13)}, **{f"{code}": code - 24 for code in range(13, 24)}}
INTERVALS = {
    "00": (0, 1), "01": (1, 1), "02": (2, 1), "03": (2, 2), "04": (3, 1), "05": (3, 2), "06": (3, 3),
    **{f"{6 + month:02}": (6, month) for month in range(1, 7)},
    **{f"{12 + month:02}": (12, month) for month in range(1, 13)},
}  # fmt: skip
EVERY: list[tuple[int, str, tuple[str, ...], dict[str, Any]]] = [
    (1, "decimals", ("display_decimals",), {"1": "7.0", "2": "6.1", "3": "7.2", "4": "6.3"}),
    (1, "led", ("led_lit_idle",), {"1": False, "2": True}),
    (1, "integration", ("integration_period_s",), {"1": 300, "2": 900, "3": 1800, "4": 3600}),
    (2, "target_day", ("billing_day",), {f"{day:02}": day for day in range(1, 29)}),
    (2, "interval", ("billing_interval_months", "billing_start_month"), INTERVALS),
    (2, "pulse_length", ("pulse_length_ms",), {"1": 30, "3": 80}),
    (3, "peak", ("peak_tariff",), {"0": 0, "1": 1, "2": 2}),
    (3, "gmt", ("gmt_offset_s",), {code: hours * 3600 for code, hours in GMT.items()}),
    (3, "pulse_unit", ("pulse_input_unit",), {"00": "", "01": "kWh", "02": "m3", "03": "l"}),
    (4, "dst", ("dst",), {"000": False, "001": True}),
]


@pytest.mark.parametrize(("number", "key", "names", "codes"), EVERY, ids=[item[1] for item in EVERY])
def test_every_code_orders_its_fact_and_no_other_is_taken(
    number: int, key: str, names: tuple[str, ...], codes: dict[str, Any]
) -> None:
    _, width = place(number, key)
    for value in range(10**width):
        code = f"{value:0{width}}"
        texts = changed(number, key, code)
        if code in codes:
            numbers = ConfigurationNumbers.parse(texts, TYPE_M)
            found = tuple(getattr(numbers.facts, name) for name in names)
            assert found == (codes[code] if isinstance(codes[code], tuple) else (codes[code],))
            assert numbers.numbers == tuple(map(int, texts))
        elif (key, code) != ("target_day", "00"):
            with pytest.raises(OrderError) as refusal:
                ConfigurationNumbers.parse(texts, TYPE_M)
            assert refusal.value.found == code
            assert set(codes) <= set(refusal.value.allowed)


@pytest.mark.parametrize(("number", "key"), [(1, "io"), (2, "display"), (4, "tariff_tables")])
def test_the_manufacturers_own_tables_take_any_number(number: int, key: str) -> None:
    _, width = place(number, key)
    for code in ("0" * width, "9" * width, "12345"[:width]):
        assert getattr(ConfigurationNumbers.parse(changed(number, key, code), TYPE_J).facts, key) == code


@pytest.mark.parametrize(("number", "key"), [(3, "disconnector"), (3, "spare"), (4, "protocol")])
def test_fields_with_one_code_take_no_other(number: int, key: str) -> None:
    _, width = place(number, key)
    ConfigurationNumbers.parse(changed(number, key, "0" * width), TYPE_J)
    with pytest.raises(OrderError, match=r"allowed: 0+ \(none\)"):
        ConfigurationNumbers.parse(changed(number, key, "1".zfill(width)), TYPE_J)


def test_a_target_day_of_nobody_is_control_from_outside_whatever_the_interval() -> None:
    assert ConfigurationNumbers.parse(changed(2, "target_day", "00"), TYPE_J).facts.billing_interval_months == 0


@pytest.mark.parametrize("code", ["3", "4"])
def test_two_and_three_decimals_need_the_nine_digits_of_a_382m(code: str) -> None:
    with pytest.raises(OrderError, match=r"allowed: 1 \(7\.0\), 2 \(6\.1\) \[generation J\]$"):
        ConfigurationNumbers.parse(changed(1, "decimals", code), TYPE_J)


@pytest.mark.parametrize(
    ("generation", "modules"),
    [
        ("68438BC450010", "000 001 003 005 008 014 018 021 039 040 043 050 052 053 054 055"),
        ("68438BK4C4025", "000 003 005 021 040 043 053 055 057 058 061 062 064 069"),
        ("68438BL4C4010", "000 001 003 005 008 018 021 040 043 053 055 057 058 061 062 064 069"),
        ("68438BM4C3084", "000 001 018 040 053 057 058 068 069 070 072 075"),
    ],
)
def test_each_generation_takes_the_modules_of_its_data_sheet(generation: str, modules: str) -> None:
    type_number = TypeNumber.parse(generation)
    for value in range(100):
        texts = changed(1, "module", f"{value:03}")
        if f"{value:03}" in modules.split():
            assert ConfigurationNumbers.parse(texts, type_number).module.code == f"{value:03}"
        else:
            with pytest.raises(OrderError) as refusal:
                ConfigurationNumbers.parse(texts, type_number)
            assert " ".join(refusal.value.allowed) == modules


def test_tariff_modules_say_how_many_tariffs_they_choose() -> None:
    type_number = TypeNumber.parse("68438BC450010")
    facts = {
        code: ConfigurationNumbers.parse(changed(1, "module", code), type_number).facts
        for code in ("008", "014", "018")
    }
    assert {code: item.tariff_module for code, item in facts.items()} == {"008": 2, "014": 2, "018": 4}


RADIO_CODES = [
    (RADIO_S, "000 310 311 312 320 321 322 330 340"),
    (RADIO_K, "000 319 328 339 349"),
    (TYPE_J, "000"),
]


@pytest.mark.parametrize(("type_number", "codes"), RADIO_CODES, ids=["S", "K", "none"])
def test_the_frequency_fits_the_radio(type_number: TypeNumber, codes: str) -> None:
    for value in range(1000):
        texts = changed(5, "radio", f"{value:03}")
        if f"{value:03}" in codes.split():
            ConfigurationNumbers.parse(texts, type_number)
        else:
            with pytest.raises(OrderError) as refusal:
                ConfigurationNumbers.parse(texts, type_number)
            assert " ".join(refusal.value.allowed) == codes


# --- refusals -------------------------------------------------------------------------------------------

REFUSED = [
    (1, "A" * 8, "configuration number 1 (A-B-CCC-DD-E): 'AAAAAAAA' is not up to 8 digits"),
    (1, "123456789", "is not up to 8 digits"),
    (1, -1, "'-1' has not this layout"),
    (1, "2-1-00-000-2", "'2-1-00-000-2' has not this layout"),
    (2, "222-29-01-1", "configuration number 2 (FFF-GG-HH-I): target day (GG, digits 4 to 5) is '29'; allowed: 00 ("),
    (2, "222-01-25-1", "debiting interval (HH, digits 6 to 7) is '25'; allowed: 00 (none, controlled from outside)"),
    (3, "00-0-24-0-00", "GMT offset (LL, digits 4 to 5) is '24'; allowed: 00 (+0 h), 01 (+1 h)"),
    (4, "00-0001-00", "'00-0001-00' has not this layout"),
    (5, "1000", "configuration number 5 (RRR): '1000' is not up to 3 digits"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "value", "said"), REFUSED)
def test_a_wrong_number_names_field_position_and_what_is_allowed(number: int, value: int | str, said: str) -> None:
    numbers: list[int | str] = [*READ]
    numbers[number - 1] = value
    with pytest.raises(ValueError, match=re.escape(said)):
        ConfigurationNumbers.parse(numbers, TYPE_J)


def test_there_are_five() -> None:
    with pytest.raises(ValueError, match="5 are needed, 4 are there"):
        ConfigurationNumbers.parse(READ[:4], TYPE_J)


def code_of(field: dict[str, Any], width: int) -> st.SearchStrategy[str]:
    if "codes" in field:
        return st.sampled_from([row["code"] for row in field["codes"] if "when" not in row])
    return st.just("000") if "table" in field else st.integers(0, 10**width - 1).map(lambda value: f"{value:0{width}}")


NUMBERS = st.tuples(
    *(
        st.tuples(
            *(
                code_of(field, len(letters))
                for letters, field in zip(item["layout"].split("-"), item["fields"], strict=True)
            )
        )
        for item in LAYOUTS
    )
)


@given(NUMBERS)
def test_printed_and_register_form_say_the_same(codes: tuple[tuple[str, ...], ...]) -> None:
    printed = tuple("-".join(number) for number in codes)
    numbers = ConfigurationNumbers.parse(printed, TYPE_J)
    assert numbers.printed == printed
    assert ConfigurationNumbers.parse(numbers.numbers, TYPE_J) == numbers
