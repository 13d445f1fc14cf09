"""What the API shows: state, registers, loggers, events, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cosem.data_types import OCTET_STRING
from metering import Energy, EventLog
from metering.display import display
from server.device_profile import available
from server.markings import markings
from tests.server.clients import result_of
from tests.server.conftest import Reader

from .conftest import AT, SERIAL

LOAD = {"active_w": [1000, 500, 250], "reactive_var": [100, 0, 0], "voltage_v": [230, 231, 229]}


async def test_the_meters_of_a_run_are_listed(bench: Callable[..., Any]) -> None:
    meters = [{"serial_number": 1, "commissioned": "2026-03-01"},
              {"serial_number": 2, "profile": "382L", "commissioned": "2026-03-01"}]  # fmt: skip
    async with bench(meters=meters) as lab:
        rows = await lab.get("/meters")
        assert [(row["serial_number"], row["profile"]) for row in rows] == [(1, "382M"), (2, "382L")]


@pytest.mark.parametrize("profile", available())
async def test_every_profile_can_be_looked_at(profile: str, bench: Callable[..., Any]) -> None:
    """Those without DLMS as well: their registers are in the readout."""
    async with bench(meters=[{"serial_number": SERIAL, "profile": profile, "commissioned": "2026-03-01"}]) as lab:
        assert (await lab.of_meter())["profile"] == profile
        assert (await lab.of_meter("/display"))["lit"] is True
        readout = await lab.of_meter("/readout")
        assert readout["identification"].startswith("KAM")
        assert lab.meter.serial_number in [int(one["value"]) for one in readout["data_sets"] if one["value"].isdigit()]
        assert bool(await lab.of_meter("/registers")) == bool(lab.meter.profile.associations)
        for logger in await lab.of_meter("/loggers"):
            page = await lab.of_meter(f"/loggers/{logger['obis']}", limit=2)
            assert page["total"] == logger["entries"]
        assert len(await lab.of_meter("/events")) == len(EventLog)


async def test_state_is_that_of_the_engine_at_one_instant(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        await lab.post("set-load", **LOAD)
        before = await lab.of_meter()
        lab.time.forward(3_600)
        after = await lab.of_meter()
        assert after["time"] == "2026-03-02T13:00:00Z"
        assert after["clock"] == "2026-03-02T14:00:00+01:00"
        assert after["powers"]["P14"] == {"value": 1750.0, "unit": "W"}
        assert after["powers"]["Q12"] == {"value": 100.0, "unit": "var"}
        assert [phase["voltage_v"] for phase in after["phases"]] == [230.0, 231.0, 229.0]
        assert [phase["active_w"] for phase in after["phases"]] == [1000.0, 500.0, 250.0]
        gained = after["energies"]["A14"]["value"] - before["energies"]["A14"]["value"]
        assert gained == pytest.approx(1750.0)
        assert after["tariff_energies"]["A14"][0] == after["energies"]["A14"]
        assert after["energies"].keys() == {item.name for item in Energy}
        assert after["operating_s"] - before["operating_s"] == 3_600
        demand = after["demand"]
        assert demand["averages"]["P14"] == {"value": 1750.0, "unit": "W"}
        assert demand["maxima"]["P14"] == {"value": 1750.0, "unit": "W", "at": "2026-03-02T13:15:00+01:00"}
        assert demand["running"]["P14"]["value"] == 0.0


async def test_the_clock_of_the_meter_is_not_true_time(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        await lab.post("set-clock", clock="2026-07-01T10:00:00+02:00")
        state = await lab.of_meter()
        assert (state["time"], state["clock"]) == ("2026-03-02T12:00:00Z", "2026-07-01T10:00:00+02:00")
        assert state["clock_error_s"] == 120 * 86_400 + 20 * 3_600


async def test_the_display_shows_what_the_meter_shows(bench: Callable[..., Any]) -> None:
    """A press goes to the manual list; what a dark display shows is nothing."""
    async with bench() as lab:
        lab.time.forward(60)
        picture = await lab.of_meter("/display")
        assert picture == display(lab.meter.engine, lab.time.now(), markings(lab.meter)).to_dict()
        assert picture["lit"] is True
        assert len(picture["value"]) >= 7
        await lab.post("press-button", length_s=1)
        assert (
            await lab.of_meter("/display") == display(lab.meter.engine, lab.time.now(), markings(lab.meter)).to_dict()
        )
        await lab.post("set-supply", voltage_v=[0, 0, 0])
        lab.time.forward(60)
        assert (await lab.of_meter("/display"))["lit"] is False
        assert (await lab.of_meter())["powered"] is False


async def test_status_hands_and_breaker_are_shown_by_name(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        quiet = await lab.of_meter()
        assert (quiet["enclosure"]["magnet"], quiet["breaker"]["state"]) == (False, "CONNECTED")
        assert "MAGNET" not in quiet["status"]["meter"]
        await lab.post("set-magnet", present=True)
        await lab.post("break-seal")
        await lab.post("top-up", energy_wh=50_000)
        await lab.post("set-relay-delay", delay_s=0)
        await lab.post("set-relay-mode", relay=2, mode="command")
        await lab.post("switch-relay", relay=2, closed=True)
        lab.time.forward(2)
        state = await lab.of_meter()
        assert state["enclosure"]["magnet"] is True
        assert state["enclosure"]["seal_broken_at"] == "2026-03-02T12:00:00Z"
        assert state["prepayment"]["remaining_wh"] == 50_000
        assert [relay["closed"] for relay in state["relays"]] == [False, True]
        assert "MAGNET" in state["status"]["meter"]
        assert "MAGNET" in state["status"]["event_b"]


# --- registers ------------------------------------------------------------------------------------------


async def test_every_register_says_what_a_client_of_the_meter_reads(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        shown = await lab.of_meter("/registers")
        reader = Reader(_Bound(lab), 18, 16, b"12345", 0xFFFF)
        assert len(shown) > 140
        for row in shown:
            if row["class_id"] in (3, 4):
                value = reader.get(row["class_id"], row["obis"])
                scaler, _ = reader.get(row["class_id"], row["obis"], 3)
                assert row["value"] == pytest.approx(value * 10**scaler), row


class _Bound:
    """The meter of a bench as the COSEM reader of the server's tests wants it."""

    def __init__(self, lab: Any) -> None:
        self.meter = lab.meter
        self.model = lab.runtime.meters[lab.meter]


async def test_a_register_has_value_unit_and_name(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        for name in ("1.8.0", "1-1:1.8.0*255", "1.1.1.8.0.255"):
            row = await lab.of_meter(f"/registers/{name}")
            assert (row["obis"], row["unit"], row["class_id"]) == ("1.1.1.8.0.255", "Wh", 3)
            assert row["name"] == "Active energy import (A+), total"
            assert row["value"] == lab.meter.engine.energy(Energy.A14, AT) // 3_600_000


async def test_a_current_has_its_scale_applied(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        await lab.post("set-load", active_w=[1000, 0, 0])
        row = await lab.of_meter("/registers/31.7.0")
        assert (row["value"], row["unit"]) == (4.34, "A")


async def test_a_peak_brings_its_time(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        await lab.post("stop-billing")
        assert (await lab.of_meter("/registers/1.6.0"))["captured"] is None
        lab.time.forward(900)
        assert (await lab.of_meter("/registers/1.6.0"))["captured"] == "2026-03-02T13:15:00+01:00"


async def test_other_attributes_are_read_by_number(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        assert (await lab.of_meter("/registers/0.1.1.0.0.255"))["value"] == "2026-03-02T13:00:00+01:00"
        assert (await lab.of_meter("/registers/0.1.1.0.0.255", attribute=8))["value"] is True
        assert (await lab.of_meter("/registers/1.8.0", attribute=1))["value"] == "1.1.1.8.0.255"
        assert (await lab.of_meter("/registers/99.1.0", attribute=3))["value"][0] == [8, "0.1.1.0.0.255", 2, 0]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/registers/1.99.0", 404, "this meter has no object 1.1.1.99.0.255"),
        ("/registers/1.8.0?attribute=7", 404, "attribute 7 of 1.1.1.8.0.255 cannot be read; there are 1, 2, 3"),
        ("/registers/99.1.0?attribute=2", 404, "there are 1, 3, 4, 5, 6, 7, 8"),
        ("/registers/1.8.0?attribute=0", 422, "greater than or equal to 1"),
        ("/registers/nonsense", 422, "not an OBIS code"),
        ("/loggers/1.8.0", 404, "this meter has no logger 1.1.1.8.0.255; there are 1.1.98.1.0.255"),
        ("/loggers/99.1.0?limit=0", 422, "greater than or equal to 1"),
        ("/loggers/99.1.0?limit=1001", 422, "less than or equal to 1000"),
        ("/loggers/99.1.0?offset=-1", 422, "greater than or equal to 0"),
        ("/loggers/99.1.0?from=today", 422, "is no ISO 8601 date and time"),
        ("/events/nonsense", 404, "no event logger nonsense; there are status, rtc"),
    ],
)
async def test_what_is_not_there_is_said_with_what_there_is(
    path: str, status: int, said: str, bench: Callable[..., Any]
) -> None:
    async with bench() as lab:
        answer = await lab.client.get(f"/meters/{SERIAL}{path}")
        assert answer.status_code == status
        assert said in answer.text


async def test_no_password_is_ever_shown(bench: Callable[..., Any]) -> None:
    """Neither the one of the profile nor one that was written; the objects that hold them are not there."""
    async with bench() as lab:
        reader = Reader(_Bound(lab), 18, 16, b"12345", 0xFFFF)
        assert result_of(reader.set, 15, "0.0.40.0.0.255", 7, OCTET_STRING, b"s3cr3t-word") == 0
        for path in ("", "/registers", "/loggers", "/events"):
            text = (await lab.client.get(f"/meters/{SERIAL}{path}")).text
            assert "s3cr3t" not in text
            assert b"s3cr3t".hex() not in text
            assert '"12345"' not in text
        assert (await lab.client.get(f"/meters/{SERIAL}/registers/0.0.40.0.0.255?attribute=7")).status_code == 404


# --- loggers --------------------------------------------------------------------------------------------


async def test_every_logger_is_listed_with_its_columns(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        found = {row["obis"]: row for row in await lab.of_meter("/loggers")}
        profile = found["1.1.99.1.0.255"]
        assert (profile["period_s"], profile["depth"]) == (900, 16_800)
        assert [column["unit"] for column in profile["columns"]] == ["", "", "", "", "Wh", "Wh", "varh", "varh"]
        for name, row in found.items():
            page = await lab.of_meter(f"/loggers/{name}", limit=3)
            assert page["columns"] == row["columns"]
            assert page["total"] == row["entries"]
            assert all(len(values) == len(row["columns"]) for values in page["rows"])


async def test_rows_come_newest_first_and_page_by_page(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        whole = (await lab.of_meter("/loggers/99.1.0", limit=1_000))["rows"]
        assert whole[0][0] == "2026-03-02T13:00:00+01:00"
        assert whole[1][0] == "2026-03-02T12:45:00+01:00"
        pages: list[list[Any]] = []
        for offset in range(0, len(whole) + 7, 7):
            page = await lab.of_meter("/loggers/99.1.0", offset=offset, limit=7)
            assert (page["total"], page["offset"]) == (len(whole), offset)
            pages += page["rows"]
        assert pages == whole
        assert (await lab.of_meter("/loggers/99.1.0", offset=10**9))["rows"] == []


async def test_rows_are_chosen_by_time_in_any_zone(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        chosen = await lab.of_meter(
            "/loggers/99.1.0", **{"from": "2026-03-02T10:00:00", "to": "2026-03-02T12:30:00+01:00"}
        )
        times = [row[0] for row in chosen["rows"]]
        assert (times[0], times[-1], chosen["total"]) == ("2026-03-02T12:30:00+01:00", "2026-03-02T11:00:00+01:00", 7)
        assert (await lab.of_meter("/loggers/99.1.0", **{"from": "2026-03-03"}))["total"] == 0
        everything = await lab.of_meter("/loggers/99.1.0", **{"from": "0001-01-01", "to": "9999-12-31T23:59:59"})
        assert everything["total"] == (await lab.of_meter("/loggers/99.1.0"))["total"]


async def test_a_billing_row_has_its_peaks_with_their_times(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        await lab.post("set-load", active_w=[2000, 0, 0])
        lab.time.forward(900)
        await lab.post("stop-billing")
        page = await lab.of_meter("/loggers/98.1.0", limit=1)
        row = dict(
            zip([(column["obis"], column["attribute"]) for column in page["columns"]], page["rows"][0], strict=True)
        )
        assert row["0.1.1.0.0.255", 2] == "2026-03-02T13:15:00+01:00"
        assert row["1.1.1.6.0.255", 2] == 2000
        assert row["1.1.1.6.0.255", 5] == "2026-03-02T13:15:00+01:00"


# --- events ---------------------------------------------------------------------------------------------


async def test_events_come_newest_first_with_code_and_values(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        for minute in range(3):
            await lab.post("set-clock", clock=f"2026-03-02T1{minute + 2}:00:00Z")
            lab.time.forward(60)
        page = await lab.of_meter("/events/rtc", limit=1)
        assert (page["log"], page["offset"]) == ("RTC", 0)
        assert page["rows"][0]["at"] == "2026-03-02T15:00:00+01:00"
        logs = {logger["log"]: logger for logger in await lab.of_meter("/events")}
        assert logs.keys() == {log.name for log in EventLog}
        assert logs["RTC"]["total"] == page["total"] >= 2
        numbers = [row["number"] for row in logs["RTC"]["rows"]]
        assert numbers == sorted(numbers, reverse=True)


# --- time -----------------------------------------------------------------------------------------------


async def test_a_day_of_stepped_time_is_ninety_six_rows(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        before = (await lab.of_meter("/loggers/99.1.0"))["total"]
        answer = await lab.client.post("/time/advance", json={"seconds": 86_400})
        assert answer.json() == {"time": "2026-03-03T12:00:00Z", "stepped": True}
        assert (await lab.of_meter("/loggers/99.1.0"))["total"] == before + 96
        answer = await lab.client.post("/time/advance", json={"to": "2026-03-03T14:00:00+01:00"})
        assert (await lab.get("/time"))["time"] == answer.json()["time"] == "2026-03-03T13:00:00Z"


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        ({"seconds": -1}, 422, "greater than or equal to 0"),
        ({"seconds": 10**9}, 422, "less than or equal to"),
        ({"seconds": 1.5}, 422, "valid integer"),
        ({"seconds": 1, "to": "2027-01-01"}, 422, "one of seconds and to"),
        ({}, 422, "one of seconds and to"),
        ({"to": "2026-03-02T11:59:59Z"}, 409, "time does not go back"),
        ({"to": "2099-01-01"}, 409, "at most"),
        ({"to": "soon"}, 422, "is no ISO 8601"),
    ],
)
async def test_a_step_that_cannot_be_is_refused(
    step: dict[str, Any], status: int, said: str, bench: Callable[..., Any]
) -> None:
    async with bench() as lab:
        answer = await lab.client.post("/time/advance", json=step)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
        assert lab.time.now() == AT
