"""UDP server: the wrapper, one WPDU a datagram, a connection for each peer that has sent something.

A peer has no end, so the oldest silent one is forgotten, and its links reported disconnected, when more than
`max_peers` are known.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final, cast

from .connection import Connection, Endpoint, Handler, StreamFactory
from .events import Event
from .wrapper import WrapperLine

DEFAULT_MAX_PEERS: Final = 1024
DEFAULT_APDU_OCTETS: Final = 1400
"""Octets of an answer: with the headers of wrapper, UDP and IPv6 one Ethernet frame, also through a tunnel."""
_MOST_WAITING: Final = 16
"""Datagrams of one peer that may wait for an answer still to come: clients ask one at a time, so more is abuse."""


class DatagramStream:
    """A wrapper line seen as a `ByteStream` whose portions are datagrams: each read and each write is one."""

    closing: str | None = None
    busy = False
    speed: int | None = None
    dialogue: int | None = None

    def __init__(self, line: WrapperLine) -> None:
        self._line = line
        self._datagrams: list[bytes] = []

    @property
    def refused(self) -> str | None:
        """The first WPDU that was for nobody here."""
        return self._line.refused

    def set_line_speed(self, baud: int | None) -> None:
        """Nothing: datagrams have no speed."""

    def reader_left(self, now: float) -> None:
        """Nothing: nobody can tell."""

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take one datagram."""
        return self._line.receive_datagram(data, now)

    def handle_timer(self, now: float) -> list[Event]:
        """Nothing: the wrapper has no timers."""
        return []

    def next_timer(self) -> float | None:
        """Never."""
        return None

    def data_to_send(self) -> bytes:
        """The next datagram; call until it returns nothing."""
        self._datagrams += self._line.datagrams_to_send()
        return self._datagrams.pop(0) if self._datagrams else b""

    def close(self, reason: str) -> list[Event]:
        """The peer is forgotten."""
        return self._line.close(reason)


class _UdpConnection(Connection):
    """Sends datagrams one by one. Reading cannot wait, so what comes while too much waits is lost, as UDP may."""

    def receive(self, data: bytes) -> None:
        if self.waiting < _MOST_WAITING:
            super().receive(data)

    def flush(self) -> None:
        while not self.closed and (data := self.stream.data_to_send()):
            self._write(data)


class _Peer:
    """The `Wire` to one peer."""

    def __init__(self, server: _UdpServer, address: Any) -> None:
        self._server = server
        self._address = address

    def write(self, data: bytes) -> None:
        self._server.transport.sendto(data, self._address)

    def close(self) -> None:
        self._server.forget(self._address, "stream closed")

    def set_speed(self, baud: int) -> None:
        pass  # a socket has none

    def pause_reading(self) -> None:
        pass  # one socket for all peers

    def resume_reading(self) -> None:
        pass


class _UdpServer(asyncio.DatagramProtocol):
    """The binding of the socket."""

    transport: asyncio.DatagramTransport

    def __init__(self, stream_factory: StreamFactory, handler: Handler, max_peers: int) -> None:
        self._stream_factory = stream_factory
        self._handler = handler
        self._max_peers = max_peers
        self.peers: OrderedDict[Any, Connection] = OrderedDict()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        connection = self.peers.get(addr)
        if connection is None:
            peer = f"udp://{addr[0]}:{addr[1]}"
            connection = _UdpConnection(self._stream_factory(), self._handler, _Peer(self, addr), peer)
            self.peers[addr] = connection
            if len(self.peers) > self._max_peers:
                self.forget(next(iter(self.peers)), "too many peers")
        else:
            self.peers.move_to_end(addr)
        connection.receive(data)

    def error_received(self, exc: Exception) -> None:
        pass  # ICMP tells that some peer is gone, not which: its state ages out

    def forget(self, address: Any, reason: str) -> None:
        connection = self.peers.pop(address, None)
        if connection is not None:
            connection.lost(reason)

    def connection_lost(self, exc: Exception | None) -> None:
        for address in list(self.peers):
            self.forget(address, "stream closed")
        self.closed.set_result(None)


async def serve_udp(
    host: str, port: int, stream_factory: StreamFactory, handler: Handler, max_peers: int = DEFAULT_MAX_PEERS
) -> Endpoint:
    """Listen on an address; `stream_factory` gives a `DatagramStream`. Raises `OSError` where it cannot be had."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: _UdpServer(stream_factory, handler, max_peers), local_addr=(host, port)
    )

    async def close() -> None:
        transport.abort()  # what the system does not take now would be waited for
        await server.closed

    bound_host, bound_port = transport.get_extra_info("sockname")[:2]
    name = f"udp://[{bound_host}]:{bound_port}" if ":" in bound_host else f"udp://{bound_host}:{bound_port}"
    return Endpoint(name, lambda: list(server.peers.values()), close)
