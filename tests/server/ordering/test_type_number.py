"""Type numbers: every code of every field, what it orders, and what is refused with which words."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from server.ordering import OrderError, TypeNumber
from server.ordering.codes import FOLDER

FORMATS = {item["name"]: item for item in tomllib.loads((FOLDER / "type_numbers.toml").read_text())["formats"]}

# One valid number for each kind of 684, into which the codes of a field are put.
WITHOUT_BREAKER = {"B": "38BB411010", "C": "38BC454010", "J": "38BJ422070", "K": "38BK424025", "L": "38BL424010"}
WITH_BREAKER = {"D": "34BD411010", "E": "34BE454010", "J": "38BJ4B4070", "K": "38BK4B4025", "L": "38BL4B4010"}
GENERATIONS = {**WITHOUT_BREAKER, **WITH_BREAKER, "M": "31BM433084"}


# --- meters that were read ------------------------------------------------------------------------------


def test_a_382c_that_was_read_decodes_as_the_data_sheet_says() -> None:
    number = TypeNumber.parse("68438BC450000")
    assert [(item.code, item.text) for item in number.fields] == [
        ("3", "3x230/400 V"),
        ("8", "0.25-5(85) A"),
        ("B", "class B (EN 50470-3; IEC class 1)"),
        ("C", "C, built-in radio"),
        ("4", "A+/A-/R+/R-"),
        ("5", "radio K, RTC with battery"),
        ("0", "not stated"),
        ("000", "not stated"),
    ]
    assert (number.printed, number.complete, number.without_country) == (
        "684-38BC450000",
        "68438BC450000",
        "68438BC450",
    )


def test_a_382j_whose_registers_were_read_decodes_as_the_data_sheet_says() -> None:
    facts = TypeNumber.parse("38AJ224070").facts
    assert (facts.generation, facts.accuracy_class, facts.energy_type) == ("J", "A", "A+A-")
    assert (facts.basic_current_a, facts.maximum_current_a) == (5, 85)
    assert (facts.rtc, facts.radio, facts.breaker, facts.tariffs, facts.country) == ("battery", None, False, 4, "DE")


def test_a_classic_that_was_read_is_three_phases_80_a_class_2_without_module() -> None:
    number = TypeNumber.parse("685-382-OK-10")
    assert TypeNumber.parse("685382OK10") == number
    assert str(number) == "685-382-OK-10"
    facts = number.facts
    assert (facts.generation, facts.connection, facts.accuracy_class) == ("classic", "3-phase", "2")
    assert (facts.maximum_current_a, facts.energy_type, facts.rtc, facts.country) == (80, "A+", None, "DK")


@pytest.mark.parametrize("text", ["6841138BN143002084", "6841138BN143002", "6841138AN141001", "6841131BN243101040"])
def test_an_omnipower_is_known_by_its_layout(text: str) -> None:
    number = TypeNumber.parse(text)
    assert number.complete == text
    assert number.facts.generation == "N"
    assert number.facts.accuracy_class == text[7]
    assert number.facts.energy_type is None


@pytest.mark.parametrize(
    "text", ["684-38BC450000", "38BC450000", "68438bc450000", " 684 38BC450000 ", "684-38-BC-450000"]
)
def test_a_number_is_taken_however_it_is_written(text: str) -> None:
    assert TypeNumber.parse(text).complete == "68438BC450000"


def test_the_country_may_be_left_out_as_the_optical_port_does() -> None:
    assert TypeNumber.parse("68438BM4C3").complete == "68438BM4C3"
    assert TypeNumber.parse("68438BM4C3").facts.country is None


# --- every code -----------------------------------------------------------------------------------------


def codes_of(key: str, **known: Any) -> dict[str, dict[str, Any]]:
    """The codes of a 684 field in the table, where these facts hold."""
    field = next(item for item in FORMATS["684"]["fields"] if item["key"] == key)
    return {
        row["code"]: row
        for row in field["codes"]
        if all(known[name] in values for name, values in row.get("when", {}).items() if name in known)
    }


def with_code(body: str, position: int, code: str) -> str:
    """A number with another code at a position, from 0."""
    return body[:position] + code + body[position + len(code) :]


PLACES = {
    "phases": 0,
    "current": 1,
    "class": 2,
    "generation": 3,
    "energy": 4,
    "hardware": 5,
    "tariffs": 6,
    "country": 7,
}


@pytest.mark.parametrize("body", [*WITHOUT_BREAKER.values(), *WITH_BREAKER.values(), "31BM433084", "38BM4C3084"])
@pytest.mark.parametrize("key", ["phases", "current", "class", "energy", "tariffs", "country"])
def test_every_code_of_a_684_orders_what_its_row_says_and_no_other_is_taken(key: str, body: str) -> None:
    known = TypeNumber.parse(body).facts
    codes = codes_of(key, generation=known.generation, breaker=known.breaker)
    assert codes
    for code, row in codes.items():
        number = TypeNumber.parse(with_code(body, PLACES[key], code))
        decoded = next(item for item in number.fields if item.key == key)
        assert (decoded.code, decoded.text) == (code, row["text"])
        for name, value in row.items():
            if name not in ("code", "text", "when"):
                assert getattr(number.facts, name) == value
    width = len(next(iter(codes)))
    others = (
        [f"{number:0{width}}" for number in range(10**width)] if width > 1 else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
    for code in others:
        if code not in codes:
            with pytest.raises(OrderError) as refusal:
                TypeNumber.parse("684-" + with_code(body, PLACES[key], code))
            assert refusal.value.found == code
            assert refusal.value.allowed == {code: row["text"] for code, row in codes.items()}


@pytest.mark.parametrize(("generation", "body"), [(body[3], body) for body in GENERATIONS.values()])
def test_every_hardware_option_of_a_generation(generation: str, body: str) -> None:
    codes = codes_of("hardware", generation=generation)
    assert "".join(codes) == {"B": "123", "D": "123", "C": "4567", "E": "4567"}.get(generation, "234567BCDEFG")
    currents = {False: "1" if generation == "M" else "8", True: "4" if generation in "DE" else "8"}
    for code, row in codes.items():
        breaker = row.get("breaker", generation in "DE")
        number = TypeNumber.parse(with_code(with_code(body, 5, code), 1, currents[breaker]))
        facts = number.facts
        assert facts.breaker is breaker
        assert (facts.rtc, facts.radio) == (row.get("rtc"), row.get("radio"))
        assert ("breaker" in row["text"]) == (breaker and generation not in "DE")


def test_the_letters_of_b_to_e_decide_about_radio_and_breaker() -> None:
    facts = {letter: TypeNumber.parse(GENERATIONS[letter]).facts for letter in "BCDE"}
    assert {letter: (item.radio is not None, item.breaker) for letter, item in facts.items()} == {
        "B": (False, False),
        "C": (True, False),
        "D": (False, True),
        "E": (True, True),
    }


def test_the_382l_variants_with_breaker_and_with_radio_are_those_of_its_data_sheet() -> None:
    options = codes_of("hardware", generation="L")
    assert "".join(code for code, row in options.items() if row["breaker"]) == "BCDEFG"
    assert "".join(code for code, row in options.items() if "radio" in row) == "4567DEFG"


CLASSIC: dict[str, tuple[int, dict[str, Any], str]] = {
    "phases": (0, {"1": "1-phase", "2": "2-phase", "3": "3-phase"}, "connection"),
    "current": (1, {"1": 100, "2": 120, "6": 60, "8": 80, "9": 100}, "maximum_current_a"),
    "class": (2, {"1": "1", "2": "2"}, "accuracy_class"),
}


@pytest.mark.parametrize("key", CLASSIC)
def test_every_code_of_a_classic(key: str) -> None:
    place, codes, fact = CLASSIC[key]
    for code in "0123456789":
        text = "685-" + with_code("382OK50", place, code)
        if code in codes:
            assert getattr(TypeNumber.parse(text).facts, fact) == codes[code]
        else:
            with pytest.raises(OrderError, match=f"character {place + 4}"):
                TypeNumber.parse(text)


@pytest.mark.parametrize("module", ["OK", "SK", "RK", "QR", "MK", "EK", "HK", "WK", "FK", "YN", "PO", "IK"])
@pytest.mark.parametrize("label", ["10", "35", "45", "49", "50", "59", "61", "63", "65", "80", "81"])
def test_every_module_and_label_of_a_classic(module: str, label: str) -> None:
    assert TypeNumber.parse(f"685-112-{module}-{label}").printed == f"685-112-{module}-{label}"


# --- refusals -------------------------------------------------------------------------------------------

REFUSED = [
    ("684-18BC450000", "phases (X1, character 4) is '1'; allowed: 2 (3x230 V, three wires (Aron)), 3 (3x230/400 V)"),
    ("684-39BC450000", "current (X2, character 5) is '9'; allowed: 1 (0.25-5(105) A, terminals 35 mm2), 6 (0.5-10(60)"),
    ("684-38BD410010", "current (X2, character 5) is '8'; allowed: 4 (0.25-5(65) A, terminals 35 mm2) [gen"),
    ("684-38XC450000", "accuracy class (X3, character 6) is 'X'; allowed: A (class A (EN 50470-3; IEC class 2)), B ("),
    ("684-38BZ450000", "generation (X4, character 7) is 'Z'; allowed: B (B, basis), C (C, built-in radio), D"),
    ("684-38BC350000", "energy type (X5, character 8) is '3'; allowed: 1 (A+), 2 (A+/A-), 4 (A+/A-/R+/R-)"),
    ("684-38BC410000", "hardware option (X6, character 9) is '1'; allowed: 4 (radio S, RTC with battery), 5 (radio K"),
    ("684-38BC455000", "tariffs (X7, character 10) is '5'; allowed: 0 (not stated), 1 (no tariffs), 2 (2 tariffs), 3"),
    ("684-38BC450123", "country code (X8X9X10, characters 11 to 13) is '123'; allowed: 000 (not stated), 010"),
    ("685-382-XX-10", "module (characters 7 to 8) is 'XX'; allowed: OK (no module), SK (S0 supply)"),
    ("685-382-OK-99", "label (characters 9 to 10) is '99'; allowed: 10 (Denmark), 35 (Turkey)"),
    ("6841138CN143002", "accuracy class (X6, character 8) is 'C'; allowed: A (class A"),
    ("684113XBN143002", "current (X5, character 7) is 'X'; allowed: [0-9]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_a_wrong_code_names_field_position_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(OrderError, match=re.escape(said)) as refusal:
        TypeNumber.parse(text)
    assert str(refusal.value).startswith(f"type number {text!r}: ")


@pytest.mark.parametrize(
    "text", ["", "684", "684-38BC45000", "684-38BC4500000", "685-382-OK-1", "686-38BC450000", "A_B"]
)
def test_what_is_no_type_number_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="type number"):
        TypeNumber.parse(text)
