"""What a client configures shows in the control API: as an event, and as a row of its logger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metering import Configured
from server.settings import Settings


async def test_a_change_of_a_setting_is_an_event_and_a_row(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        settings = Settings(lab.meter)
        for number, text in ((Configured.TARGET_DAY, b"15"), (Configured.SPECIAL_DATA, b"7")):
            settings.write_part(number, 0, len(text), text)
            lab.time.forward(60)
        events = await lab.of_meter("/events/configuration")
        assert [(row["number"], row["code"], row["at"]) for row in events["rows"]] == [
            (2, Configured.SPECIAL_DATA, "2026-03-02T13:01:00+01:00"),
            (1, Configured.TARGET_DAY, "2026-03-02T13:00:00+01:00"),
        ]
        page = await lab.of_meter("/loggers/99.98.15")
        assert page["rows"] == [
            ["2026-03-02T13:01:00+01:00", Configured.SPECIAL_DATA, 2],
            ["2026-03-02T13:00:00+01:00", Configured.TARGET_DAY, 1],
        ]
        assert "1.1.99.98.15.255" in [logger["obis"] for logger in await lab.of_meter("/loggers")]


async def test_an_input_of_the_api_is_a_hand_from_outside_and_no_change_by_a_client(bench: Callable[..., Any]) -> None:
    async with bench() as lab:
        assert (await lab.post("set-target-day", day=15)).status_code == 200
        assert (await lab.of_meter("/events/configuration"))["rows"] == []
        assert lab.meter.engine.target_days.day == 15
