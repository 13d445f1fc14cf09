"""Settings as TOML: what a file says is what a meter has, in an order that does not change."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.settings import CATALOGUE, INDEX, Settings
from server.settings.toml_form import load, save, toml_value
from tests.server.conftest import Lab

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


def of(name: str, legal: bool = False) -> dict[str, Any]:
    return {"number": 1, "name": name, "description": "What it is", "legal": legal, "allowed": "0..9"}


@given(value=PLAIN)
def test_every_value_survives_toml(value: Any) -> None:
    assert tomllib.loads(f"a = {toml_value(value)}") == {"a": value}
    assert load(save({"a b": value, "c": 1}, [of("a b"), of("c")])) == {"a b": value, "c": 1}


def test_a_file_is_written_in_the_order_of_the_index_with_tables_last() -> None:
    values = {"b": {"x": 1, "y": ["a"]}, "a": 5, "c": "text", "legal": 1, "none": None, "unknown": 7}
    index = [of("b"), of("c"), of("a"), of("legal", legal=True), of("none")]
    assert save(values, index) == (
        '# What it is (0..9)\nc = "text"\n\n# What it is (0..9)\na = 5\n\n# What it is (0..9)\n[b]\nx = 1\ny = ["a"]\n'
    )


def test_long_lists_have_a_line_for_each_item() -> None:
    values = {"a": ["0123456789"] * 12}
    text = save(values, [of("a")])
    assert max(map(len, text.splitlines())) < 40
    assert load(text) == values


def test_dates_need_no_quotes() -> None:
    assert load("[e]\ndays = [2026-12-24, 2026-12-25]\nat = 06:00:00") == {
        "e": {"days": ["2026-12-24", "2026-12-25"], "at": "06:00:00"}
    }


def test_a_text_that_is_no_toml_names_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        load("a = 1\nb =\n")


def test_what_one_meter_saves_another_takes(lab: Callable[..., Lab]) -> None:
    one, other = lab(), lab(serial_number=87654321)
    table = {
        "name": "day and night",
        "week": ["any"] * 7,
        "special_days": {"12-25": "any", "2027-01-01": "any"},
        "seasons": [{"name": "A", "from": "01-01", "days": {"any": {"00:00": 2, "06:00": 1}}}],
    }
    source, target = Settings(one.meter), Settings(other.meter)
    for name, value in {
        "tariff_table": table,
        "tariff_mode": "internal",
        "target_day": 15,
        "breaker": {"k1": 12},
        "special_data": 7,
    }.items():
        change(source, name, value)
    index = json.loads(source.read(INDEX))
    before = values_of(source)
    saved = load(save(before, index))
    for name in (entry["name"] for entry in index if entry["name"] in saved):
        change(target, name, saved[name])
    after = values_of(target)
    fixed = {entry["name"] for entry in index if entry["legal"]}
    assert {name: value for name, value in after.items() if name not in fixed} == {
        name: value for name, value in before.items() if name not in fixed
    }


def values_of(settings: Settings) -> dict[str, Any]:
    """Every value by name."""
    return {setting.name: json.loads(settings.read(number)) for number, setting in CATALOGUE.items()}


def change(settings: Settings, name: str, value: Any) -> None:
    """Write a setting by name."""
    octets = json.dumps(value).encode()
    number = next(number for number, setting in CATALOGUE.items() if setting.name == name)
    settings.write_part(number, 0, len(octets), octets)
