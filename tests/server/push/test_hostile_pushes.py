"""Pushes that a client means to be costly: their octets, their attempts, their windows."""

from __future__ import annotations

import asyncio
import time as wall_clock
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from cosem.data_types import INTEGER
from cosem.date_time import DateTime
from cosem.push_setup import Destination, PushObject, Transport
from cosem.reader import Reader as WireReader
from obis import Obis
from transports.wrapper import Wpdu

from .bench import Listener, listening, pushing, settled
from .test_push_setup import CLOCK, SECURE, SERIAL_NUMBER, SETUPS, Setup

LOAD_PROFILE = PushObject(7, Obis.parse("1.1.99.1.0.255"), 2)
NEVER = (DateTime(2020, 1, 1, 255, 0, 0, 0), DateTime(2020, 1, 2, 255, 0, 0, 0))
HARD_TO_FIND = (DateTime(month=2, day=29, weekday=3, hour=1), DateTime(hour=2))
"""A Wednesday 29 February: there is none between 2012 and 2040."""


class SilentPeer:
    """Takes connections and says nothing; `open_now` are those that have not ended."""

    def __init__(self) -> None:
        self.port = 0
        self.taken = self.open_now = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        self.open_now += 1
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            self.open_now -= 1
            writer.close()


@asynccontextmanager
async def silent() -> AsyncIterator[SilentPeer]:
    peer = SilentPeer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()


def keep(setup: Setup, index: int, value: Any) -> None:
    """Write what the APDUs of its client do not hold."""
    context = setup.reader.association.context
    bound = context.model.push_setups[Obis.parse(setup.name)].object.attributes[index]
    bound.write(context, WireReader(setup.type(index).encode(value)))


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def test_a_push_longer_than_the_wrapper_carries_is_refused_and_not_tried_again() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        time.forward(60 * 86_400)
        setup = Setup(runtime, time, 1)
        setup.push_to(listener)
        keep(setup, 2, [LOAD_PROFILE.to_structure(1)] * 128)
        setup.write(9, 18)
        setup.write(6, 255)
        begun = wall_clock.monotonic()
        with capture_logs() as logs:
            setup.push()
            await settled(runtime)
            time.forward(3600)
            await settled(runtime)
        assert wall_clock.monotonic() - begun < 2
        assert [entry["event"] for entry in logs] == ["a push cannot be sent"]
        assert listener.wpdus.empty()


async def test_a_buffer_within_the_bound_is_pushed_whole() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        time.forward(86_400)
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, LOAD_PROFILE)
        setup.write(9, 18)
        setup.push()
        assert setup.reader.octets(7, "1.1.99.1.0.255") in (await listener.next()).apdu


async def test_the_bound_is_a_setting() -> None:
    async with listening() as listener, pushing(**SECURE, limits={"push_octets": 64}) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, SERIAL_NUMBER)
        setup.push()
        assert isinstance(await listener.next(), Wpdu)
        keep(setup, 2, [CLOCK.to_structure(1)] * 8)
        with capture_logs() as logs:
            setup.push()
            await settled(runtime)
        assert [entry["event"] for entry in logs] == ["a push cannot be sent"]


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.MQTT])
async def test_who_pushes_and_resets_without_end_has_one_connection_at_a_time(transport: Transport) -> None:
    async with silent() as peer, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        setup.push_to(Listener(), CLOCK)
        setup.write(3, Destination(transport, f"127.0.0.1:{peer.port}".encode()))
        most = 0
        for _ in range(300):
            setup.push()
            setup.reader.action(40, SETUPS[2], 2, INTEGER, 0)
            await asyncio.sleep(0)
            setup.push()
            for _ in range(4):
                await asyncio.sleep(0)
                most = max(most, sum("_attempt" in repr(task.get_coro()) for task in asyncio.all_tasks()))
            setup.reader.action(40, SETUPS[2], 2, INTEGER, 0)
        assert most == 1
        await until(lambda: peer.open_now == 0)


async def test_a_push_after_a_reset_is_made_whatever_became_of_the_one_before() -> None:
    async with silent() as peer, listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        setup.push_to(listener, SERIAL_NUMBER)
        setup.write(3, Destination(Transport.MQTT, f"127.0.0.1:{peer.port}".encode()))
        with capture_logs() as logs:
            setup.push()
            await until(lambda: peer.open_now == 1)
            setup.reader.action(40, SETUPS[2], 2, INTEGER, 0)
            setup.push_to(listener, SERIAL_NUMBER)
            setup.push()
            await listener.next()
            await until(lambda: peer.open_now == 0)
            await settled(runtime)
        assert not logs
        assert listener.wpdus.empty()


async def test_windows_of_a_push_cost_next_to_nothing_however_they_are_written() -> None:
    for windows in ([NEVER] * 32, [HARD_TO_FIND] * 32):
        async with pushing(**SECURE) as (runtime, time):
            setup = Setup(runtime, time, 1)
            setup.push_to(Listener(), CLOCK)
            keep(setup, 4, windows)
            (meter,) = runtime.meters
            begun = wall_clock.monotonic()
            for _ in range(2000):
                assert meter.pushing is not None
                meter.pushing.trigger(Obis.parse(SETUPS[1]))
            assert wall_clock.monotonic() - begun < 1


async def test_a_window_written_anew_counts_at_once() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, CLOCK)
        setup.write(4, [NEVER])
        setup.push()
        await settled(runtime)
        assert listener.wpdus.empty()
        setup.write(4, [])
        setup.push()
        await listener.next()
