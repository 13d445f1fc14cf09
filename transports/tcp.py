"""TCP server: a stream for each connection. asyncio sets TCP_NODELAY on every socket by itself.

A peer that lets answers pile up beyond 1 MiB is not served until it takes them, and cut off when it takes nothing
for half a minute: memory is bounded by the number of connections, whatever their peers do. So is one that leaves
answers untaken after the connection was closed. Who may not connect (`admission.py`) is cut off at once.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from .admission import Admission
from .connection import Connection, Endpoint, Handler, StreamFactory, log

_WRITE_LIMIT: Final = 1 << 20
DEFAULT_PATIENCE_S: Final = 30.0
"""How long a peer may take nothing of what waits for it: longer than any network needs that is still there."""


class _TcpConnection(asyncio.Protocol):
    """The binding of one socket; it is the connection's `Wire`."""

    def __init__(
        self,
        stream_factory: StreamFactory,
        handler: Handler,
        open_now: dict[Connection, _TcpConnection],
        patience_s: float,
        admission: Admission,
    ) -> None:
        self._stream_factory = stream_factory
        self._handler = handler
        self._open_now = open_now
        self._patience_s = patience_s
        self._admission = admission
        self._watch: asyncio.TimerHandle | None = None  # while a peer takes its answers slowly
        self._untaken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_LIMIT)
        host, port = (transport.get_extra_info("peername") or ("gone", 0))[:2]  # it may have left already
        peer, now = f"tcp://{_host(host)}:{port}", asyncio.get_running_loop().time()
        self._peer_host = host
        if (reason := self._admission.enter(host, now)) is not None:
            if self._admission.is_news(host):
                log.warning(
                    "a connection is not let in, others of this host are refused in silence", peer=peer, reason=reason
                )
            self._transport.set_protocol(asyncio.Protocol())
            self._transport.abort()
            return
        self._connection = Connection(self._stream_factory(), self._handler, self, peer, self._blame)
        self._open_now[self._connection] = self
        # Saves a call on every read; asyncio looks the method up on the instance each time.
        self.data_received = self._connection.receive  # type: ignore[method-assign]

    def _blame(self) -> None:
        if self._admission.failed(self._peer_host, asyncio.get_running_loop().time()):
            log.warning("closing a connection", peer=self._connection.peer, reason="too many failures of its host")
            self._connection.close()

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def abort(self) -> None:
        """Close without waiting for a peer to read what is still buffered."""
        self._transport.abort()

    def close(self) -> None:
        """Close once what is buffered has been taken."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._watch_peer()

    def set_speed(self, baud: int) -> None:
        pass  # a socket has none

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def pause_writing(self) -> None:
        self._connection.stall()
        self._watch_peer()

    def resume_writing(self) -> None:
        if self._watch is not None and not self._transport.is_closing():
            self._watch.cancel()
            self._watch = None
        self._connection.unstall()

    def eof_received(self) -> bool:
        self._connection.finish()
        return True  # what is still to be sent goes out first

    def _watch_peer(self) -> None:
        """Cut the peer off unless it takes something before its time is over."""
        if self._watch is None:
            self._untaken = self._transport.get_write_buffer_size()
            self._watch = asyncio.get_running_loop().call_later(self._patience_s, self._judge)

    def _judge(self) -> None:
        self._watch = None
        if self._transport.get_write_buffer_size() < self._untaken:
            self._watch_peer()
            return
        log.warning("closing a connection", peer=self._connection.peer, reason="the peer does not read its answers")
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        del self._open_now[self._connection]
        self._admission.leave(self._peer_host)
        self._connection.lost("stream closed" if exc is None else f"stream closed: {exc}")


async def serve_tcp(
    host: str,
    port: int,
    stream_factory: StreamFactory,
    handler: Handler,
    patience_s: float = DEFAULT_PATIENCE_S,
    admission: Admission | None = None,
) -> Endpoint:
    """Listen on an address; port 0 takes a free one. Raises `OSError` where it cannot be had.

    `patience_s` is how long a peer may take nothing of the answers that wait for it; `admission`, which endpoints
    may share, says who may connect.
    """
    loop = asyncio.get_running_loop()
    open_now: dict[Connection, _TcpConnection] = {}
    entrance = Admission() if admission is None else admission
    server = await loop.create_server(
        lambda: _TcpConnection(stream_factory, handler, open_now, patience_s, entrance), host, port, backlog=1024
    )

    async def close() -> None:
        server.close()
        closed = asyncio.ensure_future(server.wait_closed())
        while open_now or not closed.done():
            for protocol in list(open_now.values()):  # also one that was accepted, but not yet made
                protocol.abort()
            await asyncio.sleep(0)  # aborted transports report their end in the loop's next round

    bound_host, bound_port = server.sockets[0].getsockname()[:2]
    return Endpoint(f"tcp://{_host(bound_host)}:{bound_port}", lambda: list(open_now), close)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
