"""What tests of pushes share: a run in stepped time, a head-end that listens, a terminal that reads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from cosem.data_types import ANY, decode_all
from cosem.notification import DataNotification
from server.runtime import Runtime
from server.time_source import SteppedTime
from transports.hdlc.frame import Frame, FrameCounters, FrameReceiver
from transports.wrapper import Wpdu, WpduReader

from ..running import device, running

START = int(datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC).timestamp())
METER = {"commissioned": datetime(2026, 3, 2), "profile": "382M"}


class Listener:
    """A head-end: takes WPDUs over TCP."""

    def __init__(self) -> None:
        self.wpdus: asyncio.Queue[Wpdu] = asyncio.Queue()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for wpdu in WpduReader(0xFFFF).receive_data(await reader.read()):
            self.wpdus.put_nowait(wpdu)
        writer.close()

    async def next(self) -> Wpdu:
        async with asyncio.timeout(5):
            return await self.wpdus.get()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.open()
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def pushing(*pushes: dict[str, Any], **more: Any) -> AsyncIterator[tuple[Runtime, SteppedTime]]:
    time = SteppedTime(START)
    meter = {**METER, **more.pop("meter", {})}
    async with running([meter], more.pop("endpoints", []), time, push=list(pushes), **more) as runtime:
        yield runtime, time


class Terminal:
    """The reading end of a pty."""

    def __init__(self, name: str) -> None:
        self._descriptor = os.open(device(name), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._receiver = FrameReceiver(FrameCounters())
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        for frame in self._receiver.receive_data(os.read(self._descriptor, 4096), 0.0):
            self._frames.put_nowait(frame)

    def write(self, data: bytes) -> None:
        os.write(self._descriptor, data)

    async def next(self) -> Frame:
        async with asyncio.timeout(5):
            return await self._frames.get()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)


async def settled(runtime: Runtime) -> None:
    """Wait until no attempt is under way: what was due was tried."""
    await asyncio.sleep(0)  # the round in which what is due begins
    await asyncio.sleep(0)
    own = {asyncio.current_task()}
    attempts = [task for task in asyncio.all_tasks() - own if "_attempt" in repr(task.get_coro())]
    await asyncio.gather(*attempts)


def values(notification: DataNotification) -> Any:
    return decode_all(ANY, notification.body)


def seconds(notification: DataNotification) -> int:
    return notification.date_time[7]
