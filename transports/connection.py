"""What every driver has in common: octets to and from a stream, its timers, its events, its end.

A `Connection` is one stream of octets with somebody at the other end. Octets and due timers go into the
stream; each event it returns is handed to the handler, in order; then what there is to send is sent. A handler
that answers later calls `Connection.flush` when it has.

How much one peer may ask for at once. The usual read brings one event, which is served on the spot. Where one
brings more, they wait in a queue and are served in turns, between which other connections have theirs; the
answers of a turn are sent at its end. While the queue is long or the peer does not take its answers, nothing
more is read. A handler that must finish one event before the next begins (a write that goes to disk) calls
`hold`, and `release` when it has. So memory is bounded by one read and the answers of one turn, and nothing is refused.

A peer that has said all it will (TCP's half-close) still gets what it asked for, also what a meter takes its time for;
then the connection ends.

The order of an end: whoever notices it calls `close` (we) or `lost` (the driver, the peer is gone); the driver's
descriptor is closed; `lost` reports every link's end to the handler exactly once; no timer runs after that.
An exception of the handler is logged with the peer and ends this connection only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from .events import Event, LinkDisconnected
from .stream import ByteStream

log = structlog.get_logger("transports")

Handler = Callable[["Connection", Event], None]
"""Called for every event, in order, from the event loop; must not block."""

StreamFactory = Callable[[], ByteStream]
"""Makes the stream of a new connection."""

_TURN: Final = 16
"""Events served in one turn. As many may wait before reading pauses."""

_TURN_S: Final = 0.01
"""A turn ends earlier when it has taken so long: other connections wait meanwhile."""


class Wire(Protocol):
    """What a driver does for its connection."""

    def write(self, data: bytes) -> None:
        """Send or queue octets."""

    def close(self) -> None:
        """Close; the driver then calls `Connection.lost`, now or soon."""

    def set_speed(self, baud: int) -> None:
        """Change the line's speed once everything written so far has left; nothing where there is none."""

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`; nothing where reading cannot wait."""

    def resume_reading(self) -> None:
        """Read again."""


class Connection:
    """One stream of octets and its peer."""

    def __init__(
        self, stream: ByteStream, handler: Handler, wire: Wire, peer: str, blame: Callable[[], None] = lambda: None
    ) -> None:
        self.stream = stream
        self.peer = peer
        self.blame = blame
        """Say that the peer could not prove what it claimed: a driver may let it in less."""
        self.closed = False
        self._closing = False
        self._handler = handler
        self._wire = wire
        self._write = wire.write
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._timer: asyncio.TimerHandle | None = None
        self._speed = stream.speed
        self._waiting: deque[Event] = deque()
        self._turn: asyncio.Handle | None = None
        self._holds = 0
        self._stalled = False  # the peer does not take its answers
        self._reading = True
        self._finished = False  # the peer says nothing more
        self._refusal_logged = False
        if (deadline := stream.next_timer()) is not None:  # a port that sends unasked
            self._arm(deadline)

    def receive(self, data: bytes) -> None:
        """The driver has read octets."""
        if self._closing:
            return
        try:
            events = self.stream.receive_data(data, self._time())
            if len(events) == 1 and not self._waiting and not self._holds:
                self._handler(self, events[0])
            else:
                self._serve(events)
        except Exception:
            self._fail()
        else:
            self.flush()

    def finish(self) -> None:
        """The peer says nothing more: close when it has got the answers still due, which may be now."""
        self._finished = True
        self._go_on()

    def hold(self) -> None:
        """Hand no further event to the handler until `release` has been called as often."""
        self._holds += 1

    def release(self) -> None:
        """Send what was queued meanwhile and go on with the events that wait."""
        self._holds -= 1
        self.flush()
        self._go_on()

    def stall(self) -> None:
        """The peer does not take its answers: no event is served and nothing read until `unstall`."""
        self._stalled = True
        self._holds += 1
        self._follow_reading()

    def unstall(self) -> None:
        """The peer takes its answers again."""
        if self._stalled:
            self._stalled = False
            self.release()

    @property
    def waiting(self) -> int:
        """Events that wait for their turn."""
        return len(self._waiting)

    def _serve(self, events: list[Event]) -> None:
        """Queue the events, and serve the first turn of them unless others are before them."""
        self._log_refused()
        self._waiting += events
        if self._turn is None:
            self._take_turn()

    def _log_refused(self) -> None:
        """Once for each connection; with the next read that is not the usual one, or at the end."""
        if not self._refusal_logged and (refused := self.stream.refused) is not None:
            self._refusal_logged = True
            log.info("a WPDU is for nobody here, it and others like it are discarded", peer=self.peer, wpdu=refused)

    def _take_turn(self) -> None:
        """Serve some of the events that wait; the next turn comes after other connections have had theirs."""
        self._turn = None
        end = self._time() + _TURN_S
        for _ in range(_TURN):
            if self._holds or not self._waiting:
                break
            event = self._waiting.popleft()
            if not self._closing or type(event) is LinkDisconnected:  # the handler may close at any event
                self._handler(self, event)
            if self._time() >= end:
                break
        self._go_on()

    def _go_on(self) -> None:
        """Arrange for the next turn, for reading, and for the end of a peer that has got all its answers."""
        if self._closing:
            return
        if self._waiting and not self._holds and self._turn is None:
            self._turn = self._loop.call_soon(self._next_turn)
        self._follow_reading()
        if self._finished and not self._waiting and not self._holds:
            self.flush()
            if not self.stream.busy:
                self.close()

    def _next_turn(self) -> None:
        try:
            self._take_turn()
        except Exception:
            self._fail()
        else:
            self.flush()

    def _follow_reading(self) -> None:
        wanted = not self._stalled and len(self._waiting) < _TURN
        if wanted != self._reading and not self._finished and not self._closing:
            self._reading = wanted
            if wanted:
                self._wire.resume_reading()
            else:
                self._wire.pause_reading()

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
        self._log_refused()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        ended = [event for event in self._waiting if type(event) is LinkDisconnected]
        self._waiting.clear()
        for event in ended + self.stream.close(reason):
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
            self._serve(self.stream.handle_timer(self._time()))
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
