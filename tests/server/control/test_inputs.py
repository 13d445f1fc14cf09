"""Every kind of input over the API: what happens, what is kept, what is refused and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from metering.inputs import INPUT_KINDS, Input, SetLoad, SetSupply, input_from_dict
from server.assembly import build_meter
from server.config import MeterConfig
from server.control.input_models import InputFault, input_model
from server.time_source import SteppedTime

from .conftest import AT, SERIAL
from .examples import EXAMPLES

CONSTANT = {"installation": "constant", "commissioned": "2026-03-01"}


def built(kind: type[Input], **body: Any) -> Input:
    """The input that a JSON body stands for."""
    made = input_model(kind)
    model: BaseModel = made.model.model_validate(body)
    return made.build(model)


# --- JSON and back --------------------------------------------------------------------------------------


def test_there_is_an_example_of_every_kind() -> None:
    assert EXAMPLES.keys() == INPUT_KINDS.keys()


@pytest.mark.parametrize("kind", INPUT_KINDS.values(), ids=lambda kind: kind.kind)
def test_an_input_and_its_json_say_the_same(kind: type[Input]) -> None:
    change, made = built(kind, **EXAMPLES[kind.kind]), input_model(kind)
    outside = {name: field.from_engine(getattr(change, field.name)) for name, field in made.fields.items()}
    again = json.loads(TypeAdapter(dict[str, Any]).dump_json(outside))
    assert built(kind, **again) == change


def test_the_api_speaks_in_whole_units_with_fractions() -> None:
    change = built(SetLoad, active_w=[1000, -0.0006, 0.25], reactive_var=[0, 0, 1.5], voltage_v=[230, 229.9, 0])
    assert change == SetLoad((1_000_000, -1, 250), (0, 0, 1_500), (230_000, 229_900, 0))


def test_what_is_left_out_is_what_the_engine_takes_then() -> None:
    assert built(SetLoad, active_w=[1, 2, 3]) == SetLoad((1_000, 2_000, 3_000))
    assert built(SetSupply) == SetSupply()


@pytest.mark.parametrize("kind", INPUT_KINDS.values(), ids=lambda kind: kind.kind)
def test_no_field_of_any_kind_takes_what_is_not_its_type(kind: type[Input]) -> None:
    """Nonsense for one field, sense for the others: refused, and the field named."""
    whole = EXAMPLES[kind.kind]
    made = input_model(kind)
    for name in made.fields:
        for nonsense in ({"x": [1]}, [None, {}], "\N{SNOWMAN}", float("nan"), 1e300, [[]]):
            with pytest.raises(ValueError, match=r".") as refusal:
                made.build(made.model.model_validate({**whole, name: nonsense}))
            error = refusal.value
            assert isinstance(error, InputFault) or name in str(error), f"{name}: {nonsense!r}"


# --- posted ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INPUT_KINDS)
async def test_an_input_happens_exactly_as_if_the_engine_had_been_given_it(
    kind: str, bench: Callable[..., Any]
) -> None:
    change = built(INPUT_KINDS[kind], **EXAMPLES[kind])
    twin, _ = build_meter(MeterConfig.model_validate(CONSTANT), SteppedTime(AT), None)
    try:
        twin.apply(change)
        expected = 200
    except ValueError:
        expected = 409
    async with bench() as lab:
        answer = await lab.post(kind, **EXAMPLES[kind])
        assert answer.status_code == expected, answer.text
        assert lab.meter.engine.snapshot() == twin.engine.snapshot()
        if expected == 200:
            assert answer.json() == {
                "meter": SERIAL, "kind": kind, "at": "2026-03-02T12:00:00Z", "sequence": 1, "journaled": False,
            }  # fmt: skip


async def test_an_answer_means_that_the_journal_entry_is_on_disk(bench: Callable[..., Any], tmp_path: Path) -> None:
    async with bench(state=tmp_path / "state.sqlite") as lab:
        for number in range(1, 20):
            answer = await lab.post("set-power-threshold", power_w=number)
            assert (answer.status_code, answer.json()["sequence"], answer.json()["journaled"]) == (200, number, True)
            stored = lab.runtime.store.load(SERIAL)
            newest = json.loads(stored.journal[-1].body)["input"]
            assert input_from_dict(newest).to_dict()["power_w"] == number
            lab.time.forward(60)


async def test_a_thousand_inputs_leave_a_snapshot_and_a_short_journal(
    bench: Callable[..., Any], tmp_path: Path
) -> None:
    async with bench(state=tmp_path / "state.sqlite") as lab:
        for number in range(1_010):
            assert (await lab.post("set-power-threshold", power_w=number)).status_code == 200
        lab.runtime.store.commit([]).result()
        stored = lab.runtime.store.load(SERIAL)
        assert (stored.sequence, len(stored.journal)) == (1_000, 10)


async def test_an_input_goes_to_the_meter_that_is_named(bench: Callable[..., Any]) -> None:
    meters = [{"serial_number": number, "commissioned": "2026-03-01"} for number in (1, 2)]
    async with bench(meters=meters) as lab:
        assert (await lab.post("set-power-threshold", 2, power_w=77)).status_code == 200
        assert [lab.runtime.meter(number).sequence for number in (1, 2)] == [0, 1]


async def test_a_kind_without_fields_needs_no_body(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        path = f"/meters/{SERIAL}/inputs/stop-billing"
        for content in (b"", b"{}", b"null"):
            headers = {"content-type": "application/json"}
            assert (await lab.client.post(path, content=content, headers=headers)).status_code == 200
        assert lab.meter.sequence == 3


# --- refused --------------------------------------------------------------------------------------------

UNFIT: list[tuple[str, dict[str, Any], str, str]] = [
    ("set-tariff", {"tariff": 9}, "tariff", "tariff is 9; allowed: 1..8"),
    ("set-tariff", {"tariff": "2"}, "tariff", "valid integer"),
    ("set-tariff", {"tariff": 2.5}, "tariff", "valid integer"),
    ("set-tariff", {"tariff": True}, "tariff", "valid integer"),
    ("set-tariff", {}, "tariff", "required"),
    ("set-tariff", {"tariff": 2, "colour": 1}, "colour", "not permitted"),
    ("set-load", {"active_w": [1, 2]}, "active_w", "required"),
    ("set-load", {"active_w": [1, 2, 3, 4]}, "active_w", "at most 3"),
    ("set-load", {"active_w": [1e9, 0, 0]}, "active_w", "three numbers -1000000..1000000"),
    ("set-load", {"active_w": [0, 0, 0], "voltage_v": [-1, 0, 0]}, "voltage_v", "three numbers 0..1000"),
    ("set-load", {"active_mw": [0, 0, 0]}, "active_mw", "not permitted"),
    ("set-clock", {"clock": 1_700_000_000}, "clock", "ISO 8601 date and time expected"),
    ("set-clock", {"clock": "yesterday"}, "clock", "is no ISO 8601 date and time"),
    ("set-clock", {"clock": "1970-01-01"}, "clock", "clock is 0"),
    ("set-clock", {"clock": "0001-01-01T00:00:00+01:00"}, "clock", "years 1 to 9999"),
    ("set-daylight-saving", {"enabled": 1}, "enabled", "valid boolean"),
    ("set-load-profile-period", {"period_s": 60}, "period_s", "allowed: 300, 900, 1800, 3600"),
    ("stop-billing", {"now": True}, "now", "not permitted"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "field", "said"), UNFIT)
async def test_a_value_that_no_meter_takes_is_refused_with_its_field(
    kind: str, body: dict[str, Any], field: str, said: str, bench: Callable[..., Any]
) -> None:
    async with bench() as lab:
        answer = await lab.post(kind, **body)
        assert answer.status_code == 422
        faults = answer.json()["detail"]
        assert field in [fault["loc"][1] for fault in faults]
        assert any(said in fault["msg"] for fault in faults), faults
        assert lab.meter.sequence == 0


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"tariff": NaN}', b'{"tariff": Infinity}', b"[" * 60_000, b"\xff\xfe", b'"2"', b"null", b"9" * 5_000],
)
async def test_a_body_that_is_no_such_json_is_refused(content: bytes, bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        headers = {"content-type": "application/json"}
        answer = await lab.client.post(f"/meters/{SERIAL}/inputs/set-tariff", content=content, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["detail"]


async def test_what_this_meter_refuses_is_a_conflict_with_its_reason(bench: Callable[..., Any]) -> None:
    async with bench(meters=[{"commissioned": "2026-03-01", "metering": {"tariffs": 4}}]) as lab:
        answer = await lab.post("set-tariff", tariff=5)
        assert (answer.status_code, answer.json()) == (409, {"detail": "tariff is 5; allowed: 1..4"})
        assert lab.meter.sequence == 0


async def test_a_meter_or_a_kind_that_is_not_there_is_not_found(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        answer = await lab.post("stop-billing", 4711)
        assert (answer.status_code, answer.json()) == (404, {"detail": "no meter 4711; there are 12345678"})
        assert (await lab.post("explode")).status_code == 404
        assert (await lab.client.get(f"/meters/{SERIAL}/inputs/stop-billing")).status_code == 405


async def test_an_input_that_cannot_be_kept_is_not_acknowledged(bench: Callable[..., Any], tmp_path: Path) -> None:
    """The journal has the next sequence number already: the commit fails."""
    async with bench(state=tmp_path / "state.sqlite") as lab:
        await lab.post("set-power-threshold", power_w=1)
        lab.meter.sequence -= 1
        answer = await lab.post("set-power-threshold", power_w=2)
        assert answer.status_code == 503
        assert "the journal cannot be written" in answer.json()["detail"]
        lab.meter.sequence += 1
        assert (await lab.post("set-power-threshold", power_w=3)).status_code == 200
