"""Runs for tests: a runtime in this process, or the names that a `meter382 run --json` of its own prints."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from server.config import RunConfig
from server.runtime import Runtime
from server.time_source import TimeSource

from .conftest import Process

LOOPBACK = "127.0.0.1:0"


@asynccontextmanager
async def running(
    meters: list[dict[str, Any]], endpoints: list[dict[str, Any]], time_source: TimeSource | None = None, **more: Any
) -> AsyncIterator[Runtime]:
    """Open a run in this process, close it at the end; without a `state` it is ephemeral."""
    config = RunConfig.model_validate(
        {
            "meters": [{"installation": "constant", **meter} for meter in meters],
            "endpoints": endpoints,
            "ephemeral": "state" not in more,
            **more,
        }
    )
    runtime = Runtime(config, time_source=time_source)
    await runtime.open()
    try:
        yield runtime
    finally:
        await runtime.close()


def names(process: Process) -> list[str]:
    """The endpoints of a process that was started with --json: `tcp://…`, `udp://…`, `pty:…`."""
    return [json.loads(line)["endpoint"] for line in process.lines]


def device(name: str) -> str:
    """The device of an endpoint named `pty:LINK -> DEVICE` or `pty:DEVICE`."""
    return name.removeprefix("pty:").split(" -> ")[-1]
