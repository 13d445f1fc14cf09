"""The gurux-dlms library hears what a meter pushes: over HDLC and the wrapper, plain and ciphered.

The library is GPL-2.0: it is only run, as a program of its own (`gurux_push_driver.py`), never imported here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem.security.keys import KeyId
from obis import Obis
from server.config import RunConfig
from server.push.han_lists import han_lists
from server.runtime import Runtime
from server.security.secrets_at_rest import DOCUMENTED
from server.time_source import SteppedTime

DRIVER = Path(__file__).parent / "gurux_push_driver.py"
KEYS = [DOCUMENTED[0].keys[key].hex() for key in (KeyId.GLOBAL_UNICAST, KeyId.AUTHENTICATION)]
START = int(datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC).timestamp())

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("gurux_dlms") is None, reason="extra `interop` is not installed"),
]


@asynccontextmanager
async def pushing(**push: Any) -> AsyncIterator[tuple[Runtime, SteppedTime]]:
    time = SteppedTime(START)
    meter = {"profile": "382M-secure", "installation": "constant", "commissioned": datetime(2026, 3, 2)}
    config = RunConfig.model_validate({"meters": [meter], "ephemeral": True, "push": [push]})
    runtime = Runtime(config, time_source=time)
    await runtime.open()
    try:
        yield runtime, time
    finally:
        await runtime.close()


@asynccontextmanager
async def driver(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The program, and the first line that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(DRIVER), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process, await line_of(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


def agree(said: str, name: str, second: int) -> None:
    """What the library has heard is the list, at this second."""
    heard = json.loads(said)
    assert heard["time"] == f"03/02/26 13:00:{second:02}"
    lists = han_lists()
    expected = [Obis.parse(lists.elements[key].id).hex() for key in lists.lists[name].elements]
    assert heard["values"][0] == "Kamstrup_V0001"
    assert heard["values"][1::2] == expected
    voltages = {"1.1.32.7.0.255", "1.1.52.7.0.255", "1.1.72.7.0.255"}
    for identifier, value in zip(heard["values"][1::2], heard["values"][2::2], strict=True):
        if str(Obis(bytes.fromhex(identifier))) in voltages:
            assert value == 230


@pytest.mark.parametrize("keys", [[], KEYS], ids=["plain", "ciphered"])
@pytest.mark.parametrize("name", ["norwegian-1", "danish-1"])
async def test_gurux_hears_a_list_on_the_customers_port(name: str, keys: list[str]) -> None:
    async with pushing(list=name, to="pty", security=0 if keys else None) as (runtime, time):
        assert runtime.pushes is not None
        device = runtime.pushes.ports[0].removeprefix("pty:")
        async with driver("hdlc", device, "3", *keys) as (process, _):
            for second in (11, 21, 31):
                time.forward(10)
                agree(await line_of(process), name, second)


@pytest.mark.parametrize("keys", [[], KEYS], ids=["plain", "ciphered"])
async def test_gurux_hears_a_list_over_tcp(keys: list[str]) -> None:
    async with driver("wrapper", "2", *keys) as (process, port):
        push = {"list": "danish-1", "to": f"tcp://127.0.0.1:{port}", "security": 0 if keys else None}
        async with pushing(**push) as (_, time):
            for second in (11, 21):
                time.forward(10)
                agree(await line_of(process), "danish-1", second)
