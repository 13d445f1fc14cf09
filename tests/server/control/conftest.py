"""The control API on the bench: a run in this process on stepped time, a client, and between them no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.control.application import control_application
from server.control.guard import Guard
from server.control.run_site import Behind, Site
from server.runtime import Runtime
from server.time_source import SteppedTime
from server.virtual_meter import VirtualMeter
from tests.server.running import running

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
"""A Monday, 13:00 in Denmark."""
SERIAL = 12345678


@dataclass
class Bench:
    """A run, its time, and a client of its API."""

    runtime: Runtime
    time: SteppedTime
    client: httpx.AsyncClient

    @property
    def meter(self) -> VirtualMeter:
        """The only meter."""
        return self.runtime.meter(SERIAL)

    async def get(self, path: str, **query: Any) -> Any:
        """What is there; a 200 is expected."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def of_meter(self, path: str = "", **query: Any) -> Any:
        """The same of the only meter."""
        return await self.get(f"/meters/{SERIAL}{path}", **query)

    async def post(self, kind: str, serial_number: int = SERIAL, **body: Any) -> httpx.Response:
        """Let an input happen."""
        return await self.client.post(f"/meters/{serial_number}/inputs/{kind}", json=body)


@pytest.fixture
def bench() -> Callable[..., Any]:
    """Open a bench: `async with bench(**run configuration) as lab`."""

    @asynccontextmanager
    async def build(
        *, meters: list[dict[str, Any]] | None = None, token: str | None = None, **more: Any
    ) -> AsyncIterator[Bench]:
        time = SteppedTime(AT)
        async with running(meters or [{"commissioned": "2026-03-01"}], [], time, **more) as runtime:
            behind = {meter.serial_number: Behind(meter, model) for meter, model in runtime.meters.items()}
            application = control_application(Site(behind, runtime.store, time), with_token=token is not None)
            transport = httpx.ASGITransport(Guard(application, token))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8382") as client:
                yield Bench(runtime, time, client)

    return build
