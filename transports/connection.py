"""What every driver has in common: octets to and from a stream, its timers, its events, its end.

A `Connection` is one stream of octets with somebody at the other end. Octets and due timers go into the
stream; each event it returns is handed to the handler at once, in order; then what there is to send is
sent. A handler that answers later calls `Connection.flush` when it has.

The order of an end: whoever notices it calls `close` (we) or `lost` (the driver, the peer is gone); the driver's
descriptor is closed; `lost` reports every link's end to the handler exactly once; no timer runs after that.
An exception of the handler is logged with the peer and ends this connection only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from .events import Event, LinkDisconnected
from .stream import ByteStream

log = structlog.get_logger("transports")

Handler = Callable[["Connection", Event], None]
"""Called for every event, in order, from the event loop; must not block."""

StreamFactory = Callable[[], ByteStream]
"""Makes the stream of a new connection."""


class Wire(Protocol):
    """What a driver does for its connection."""

    def write(self, data: bytes) -> None:
        """Send or queue octets."""

    def close(self) -> None:
        """Close; the driver then calls `Connection.lost`, now or soon."""

    def set_speed(self, baud: int) -> None:
        """Change the line's speed once everything written so far has left; nothing where there is none."""


class Connection:
    """One stream of octets and its peer."""

    def __init__(self, stream: ByteStream, handler: Handler, wire: Wire, peer: str) -> None:
        self.stream = stream
        self.peer = peer
        self.closed = False
        self._closing = False
        self._handler = handler
        self._wire = wire
        self._write = wire.write
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._timer: asyncio.TimerHandle | None = None
        self._speed = stream.speed

    def receive(self, data: bytes) -> None:
        """The driver has read octets."""
        if self._closing:
            return
        try:
            for event in self.stream.receive_data(data, self._time()):
                if not self._closing or type(event) is LinkDisconnected:  # the handler may close at any event
                    self._handler(self, event)
        except Exception:
            self._fail()
        else:
            self.flush()

    def flush(self) -> None:
        """Send what links have queued, follow the stream's timers, speed and wish to close."""
        if self._closing:
            return
        stream = self.stream
        data = stream.data_to_send()
        if data:
            self._write(data)
        deadline = stream.next_timer()
        if deadline is not None and (self._timer is None or deadline < self._timer.when()):
            self._arm(deadline)
        if stream.speed != self._speed and stream.speed is not None:
            self._speed = stream.speed
            self._wire.set_speed(stream.speed)
        if stream.closing is not None:
            log.warning("closing a connection", peer=self.peer, reason=stream.closing)
            self.close()

    def close(self) -> None:
        """End the connection; links are reported disconnected."""
        if not self._closing:
            self._closing = True
            self._wire.close()

    def lost(self, reason: str) -> None:
        """The driver's descriptor is closed."""
        if self.closed:
            return
        self.closed = self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in self.stream.close(reason):
            try:
                self._handler(self, event)
            except Exception:
                log.exception("the handler failed at the end of a connection", peer=self.peer)

    def _arm(self, deadline: float) -> None:
        """Wake at the deadline. A later one needs no call: the timer that comes too early sets the next."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._timer = None
        try:
            for event in self.stream.handle_timer(self._time()):
                if not self._closing or type(event) is LinkDisconnected:
                    self._handler(self, event)
        except Exception:
            self._fail()
        else:
            self.flush()

    def _fail(self) -> None:
        log.exception("the handler failed, closing the connection", peer=self.peer)
        self.close()


class Endpoint:
    """An open endpoint: its name as a user writes it, its connections now, and how to close it."""

    def __init__(
        self, name: str, connections: Callable[[], list[Connection]], close: Callable[[], Awaitable[None]]
    ) -> None:
        self.name = name
        self._connections = connections
        self._close = close

    @property
    def connections(self) -> list[Connection]:
        """The connections open now; a serial line always has one."""
        return self._connections()

    async def close(self) -> None:
        """Close every connection, reporting its links' end, and the endpoint itself."""
        await self._close()

    def __str__(self) -> str:
        return self.name
