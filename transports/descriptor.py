"""A character device as a `Wire`: what the serial port and the pseudo-terminal share.

Octets that the device does not take at once wait in a backlog; beyond 64 KiB the backlog is dropped, since a
line whose reader has gone has no memory either.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

from .connection import Connection, Handler, StreamFactory, log

_READ_SIZE: Final = 4096
_BACKLOG_LIMIT: Final = 1 << 16


class DescriptorWire:
    """Moves octets between a non-blocking descriptor and one connection.

    A line outlives its connection: when that ends (its handler failed), the next one begins at once with a new stream.
    """

    def __init__(self, descriptor: int, stream_factory: StreamFactory, handler: Handler, peer: str) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._backlog = bytearray()
        self._stream_factory = stream_factory
        self._handler = handler
        self._peer = peer
        self.connection = Connection(stream_factory(), handler, self, peer)
        os.set_blocking(descriptor, False)
        self.resume_reading()

    def write(self, data: bytes) -> None:
        """Send as much as the device takes, keep the rest."""
        if self._backlog:
            self._backlog += data
        else:
            self._backlog += data[self._write_some(data) :]
            if self._backlog:
                self._loop.add_writer(self._descriptor, self._writable)
        if len(self._backlog) > _BACKLOG_LIMIT:
            log.warning("nobody reads, octets dropped", peer=self._peer, octets=len(self._backlog))
            self.drop_backlog()

    @property
    def backlog(self) -> int:
        """Octets the device has not yet taken."""
        return len(self._backlog)

    def drop_backlog(self) -> None:
        """Nobody will read them."""
        self._backlog.clear()
        self._loop.remove_writer(self._descriptor)

    def set_speed(self, baud: int) -> None:
        """Nothing here; a serial port does it."""

    def pause_reading(self) -> None:
        """Leave what comes to the device's own buffer."""
        self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Read again."""
        self._loop.add_reader(self._descriptor, self._readable)

    def heard(self, data: bytes) -> bytes:
        """What the port makes of what was just read; a pty knows at which speed it was sent."""
        return data

    def unreadable(self, error: OSError) -> None:
        """The device is gone; of a pty only its reader."""
        log.warning("the device is gone", peer=self._peer, error=str(error))
        self.stop(f"device lost: {error}")

    def close(self) -> None:
        """End this connection and begin the next."""
        self.connection.lost("stream closed")
        self.connection = Connection(self._stream_factory(), self._handler, self, self._peer)
        self.resume_reading()
        if self.connection.stream.speed is not None:
            self.set_speed(self.connection.stream.speed)

    def stop(self, reason: str) -> None:
        """Stop reading and writing and report the connection's end; the descriptor is its owner's to close."""
        self.pause_reading()
        self._loop.remove_writer(self._descriptor)
        self.connection.lost(reason)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.unreadable(error)
            return
        if not data:
            self.stop("device lost")
            return
        if data := self.heard(data):
            self.connection.receive(data)

    def _writable(self) -> None:
        del self._backlog[: self._write_some(self._backlog)]
        if not self._backlog:
            self._loop.remove_writer(self._descriptor)

    def _write_some(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            log.warning("the device does not take octets", peer=self._peer, error=str(error))
            return len(data)
