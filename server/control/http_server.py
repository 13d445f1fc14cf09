"""The socket of the control API: uvicorn in the event loop of the run, without signals of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_MOST_AT_ONCE: Final = 64
"""Connections: a web page and a few scripts; more is abuse."""
_PATIENCE_S: Final = 3
"""How long the end of a run waits for answers under way."""


class _Server(uvicorn.Server):
    """A server that says when it is up (or never will be), and leaves the signals to the run."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ControlServer:
    """An API being served; `name` is where. Use `open`, and `close` when done."""

    def __init__(self, name: str, server: _Server, task: asyncio.Task[None]) -> None:
        self.name = name
        self._server = server
        self._task = task

    @classmethod
    async def open(cls, application: ASGIApp, host: str, port: int) -> ControlServer:
        """Serve at this address, port 0 being any free one; raises `OSError`."""
        loop = asyncio.get_running_loop()
        family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            listener.close()
            raise OSError(error.errno, f"control {host}:{port}: {error.strerror}") from None
        config = uvicorn.Config(
            application,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_PATIENCE_S,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]), name="control")
        await server.up.wait()
        if task.done():
            await task
        shown = f"[{host}]" if ":" in host else host
        return cls(f"http://{shown}:{listener.getsockname()[1]}", server, task)

    async def close(self) -> None:
        """No more requests; those under way get their answers."""
        self._server.should_exit = True
        await self._task
