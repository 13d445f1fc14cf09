"""OBIS codes: text forms, refusals, and that a code is its six octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obis import Obis

CODES = st.binary(min_size=6, max_size=6).map(Obis)

FORMS = [
    ("1.1.1.8.0.255", (1, 1, 1, 8, 0, 255)),
    ("1-1:1.8.0*255", (1, 1, 1, 8, 0, 255)),
    ("1-1:1.8.0.255", (1, 1, 1, 8, 0, 255)),
    ("1-0:1.8.0", (1, 0, 1, 8, 0, 255)),
    ("0-1:96.10.1*255", (0, 1, 96, 10, 1, 255)),
    ("1.8.0", (1, 1, 1, 8, 0, 255)),
    ("1.8.0*3", (1, 1, 1, 8, 0, 3)),
    ("1.8.0&3", (1, 1, 1, 8, 0, 3)),
    ("1.8", (1, 1, 1, 8, 255, 255)),
    ("  1.8.0\n", (1, 1, 1, 8, 0, 255)),
]

REFUSALS = ["", "1", "1.8.", "1.8.0.255.1", "1.1.1.8.0.255.0", "1.1.1.8.0.256", "1-1:300.8.0", "1:1-1.8.0", "a.b.c",
            "-1.8.0", "1.8.0*", "1-1:1.8"]  # fmt: skip


@pytest.mark.parametrize(("text", "groups"), FORMS)
def test_every_text_form_is_read(text: str, groups: tuple[int, ...]) -> None:
    assert tuple(Obis.parse(text)) == groups


@pytest.mark.parametrize("text", REFUSALS)
def test_what_is_no_code_is_refused_with_the_text_in_the_message(text: str) -> None:
    with pytest.raises(ValueError, match="not an OBIS code") as refused:
        Obis.parse(text)
    assert repr(text) in str(refused.value)


def test_short_forms_take_medium_and_channel_from_the_caller() -> None:
    assert Obis.parse("1.0.0", a=0, b=1) == Obis.of(0, 1, 1, 0, 0)


@pytest.mark.parametrize("size", [0, 5, 7])
def test_other_than_six_octets_is_no_code(size: int) -> None:
    with pytest.raises(ValueError, match=f"6 octets, not {size}"):
        Obis(bytes(size))


@given(CODES)
def test_text_reads_back_as_the_same_code(code: Obis) -> None:
    assert Obis.parse(str(code)) == code
    assert Obis.parse(f"{code.a}-{code.b}:{code.short}*{code.f}") == code


@given(CODES)
def test_a_code_is_its_octets(code: Obis) -> None:
    octets = bytes(code)
    assert code == octets
    assert {octets: "found"}[code] == "found"
    assert Obis.of(code.a, code.b, code.c, code.d, code.e, code.f) == code


def test_a_code_prints_as_text() -> None:
    code = Obis.parse("1-1:1.8.2")
    assert str(code) == "1.1.1.8.2.255"
    assert repr(code) == "Obis('1.1.1.8.2.255')"
    assert code.short == "1.8.2"
