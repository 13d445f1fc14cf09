"""Whatever is written to a setting is taken or refused in words; the meter goes on and every setting can be read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.inputs import BreakSeal
from server.settings import CATALOGUE, SettingRefused, Settings
from tests.server.conftest import Lab

from .examples import example

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["A14", "A+", "tariff", "off", "2026-12-24", "1.1.1.8.0.255", "monthly", "any"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=8,
)
COMPOUND = ("tariff_table", "prepayment_exceptions", "relay_1", "breaker", "event_masks", "display_manual",
            "analysis_registers", "tariff_thresholds_w")  # fmt: skip
run = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(client: Settings, number: int, octets: bytes) -> bool:
    """Whether it was taken; anything but a refusal is a failure."""
    before, reason = client.read(number), "done"
    try:
        client.write_part(number, 0, len(octets), octets)
    except SettingRefused as refused:
        reason = str(refused)
    assert client.last_result == reason
    assert 0 < len(reason) <= 100
    assert reason == "done" or client.read(number) == before
    return reason == "done"


@run
@given(number=st.sampled_from(list(CATALOGUE)), octets=st.binary(min_size=1, max_size=60))
def test_any_octets(lab: Callable[..., Lab], number: int, octets: bytes) -> None:
    meter = lab().meter
    meter.apply(BreakSeal())
    written(Settings(meter), number, octets)


@run
@given(number=st.sampled_from(list(CATALOGUE)), value=VALUES)
def test_any_json(lab: Callable[..., Lab], number: int, value: Any) -> None:
    meter = lab().meter
    meter.apply(BreakSeal())
    client = Settings(meter)
    if written(client, number, json.dumps(value).encode()):
        json.loads(client.read(number))


@run
@given(data=st.data(), name=st.sampled_from(COMPOUND))
def test_a_right_value_with_something_wrong_in_it(lab: Callable[..., Lab], data: st.DataObject, name: str) -> None:
    meter = lab().meter
    client = Settings(meter)
    number = next(number for number, setting in CATALOGUE.items() if setting.name == name)
    value = copy.deepcopy(example(client, number))
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(VALUES)
        break
    if written(client, number, json.dumps(value).encode()):
        json.loads(client.read(number))
    meter.time_source.forward(86_400)  # type: ignore[attr-defined]  # the bench has stepped time
    meter.engine.advance(meter.now())
