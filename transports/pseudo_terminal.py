"""A pseudo-terminal in place of an optical head or a serial line: readers open it like a serial device.

What Linux ptys need so that real readers work (tried with them):
- While nobody has the terminal open every read fails with EIO, and a poll says "hang-up" again and again. So the
  server waits for *edges*: what a reader sends, and that the last one has closed.
- A line without a reader has no memory, a pty has: what is sent while nobody listens is dropped, and what the last
  reader has left unread is thrown away when it closes. Whether somebody listens is asked before each write.
- A reader that asks for 7E1 gets EINVAL where the terminal already has the rest of what it asks for, since a
  pty keeps 8 data bits and the C library wants at least *something* to change. So the terminal goes back to a
  speed nobody asks for whenever the last reader has closed it.
- Octets come at once whatever the speed, but a reader believes that its characters are under way. So the speed that
  the reader has set is that of the dialogue, and what it sends counts as heard when it would have come
  (`Iec62056Settings.line_time` "received"). What the meter sends has come: some readers wait for no more than a second.
  In a `PacedStream` characters take their time both ways.
- There is no parity bit: send clean 7-bit characters (`Iec62056Settings.parity` "none").

Who opens the terminal in the same moment in which another closes it comes as the same reader. Who has opened it
before the other closes it, to change its speed, is one in any case.

The settings of the terminal are shared, so the server sees which speed the reader has set. With `strict_speed` it
counts: what the reader sends at another speed than the port's reaches the stream garbled, and so does the answer
the reader, until both have the same one. It is off by default, as many readers set no speed at all on a pty. On
such a port a reader must wait until its characters have left before it changes its speed, as on a real line: what
counts is the speed when the server reads them. A reader that sets none has that of the one before, as on a serial
device. The echo is what the port heard.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty
from pathlib import Path
from typing import Final

from .connection import Endpoint, Handler, StreamFactory
from .descriptor import DescriptorWire
from .garbling import heard_at
from .speed import SPEEDS

_RESTING_SPEED: Final = termios.B50
_RESTING_BAUD: Final = 50
_BAUD: Final = {
    constant: int(name[1:])
    for name, constant in vars(termios).items()
    if name[0] == "B" and name[1:].isdigit() and constant not in (termios.B0, _RESTING_SPEED)
}
_EDGES: Final = select.EPOLLIN | select.EPOLLET


class _PtyWire(DescriptorWire):
    """Knows whether there is a reader, and the speed that it has set; one that set none leaves the resting speed."""

    def __init__(self, master: int, device: str, stream_factory: StreamFactory, handler: Handler, peer: str) -> None:
        self._device = device
        self._edges = select.epoll()
        self._edges.register(master, _EDGES)
        self._hang_up = select.poll()
        self._hang_up.register(master, 0)
        self._unread = False
        super().__init__(master, stream_factory, handler, peer)

    def pause_reading(self) -> None:
        """Leave what comes to the device's own buffer."""
        self._loop.remove_reader(self._edges.fileno())

    def resume_reading(self) -> None:
        """Read again, also what came meanwhile."""
        self._loop.add_reader(self._edges.fileno(), self._readable)
        self._look_again()

    def stop(self, reason: str) -> None:
        """Also wait for nothing any more."""
        if not self._edges.closed:
            super().stop(reason)
            self._edges.close()

    def heard(self, data: bytes) -> bytes:
        """All of it, at the reader's speed."""
        self._look_again()
        self.connection.stream.set_line_speed(self.reader_speed)
        return data

    def unreadable(self, error: OSError) -> None:
        """The last reader has closed the terminal. Throwing away what it left opens and closes it once more."""
        self.connection.stream.reader_left(self._loop.time())
        self.connection.flush()
        self.rests()
        _rest(self._descriptor)
        if self._unread:
            self._unread = False
            self.drop_backlog()
            slave = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            termios.tcflush(slave, termios.TCIFLUSH)
            os.close(slave)

    @property
    def reader_speed(self) -> int | None:
        """The baud set on the terminal; `None` for the resting speed."""
        return _BAUD.get(termios.tcgetattr(self._descriptor)[5])

    def rests(self) -> None:
        """The terminal goes back to its resting speed."""

    def _look_again(self) -> None:
        """An edge is told once: let it be told again where there is still something to read, or nobody any more."""
        self._edges.modify(self._descriptor, _EDGES)

    def _readable(self) -> None:
        self._edges.poll(0)
        super()._readable()

    def _write_some(self, data: bytes | bytearray) -> int:
        if self._hang_up.poll(0):
            return len(data)
        self._unread = True
        return super()._write_some(data)


class _StrictPtyWire(_PtyWire):
    """A line between two ports with a speed each; what has the wrong one arrives garbled."""

    def __init__(self, master: int, device: str, stream_factory: StreamFactory, handler: Handler, peer: str) -> None:
        super().__init__(master, device, stream_factory, handler, peer)
        self._speed = self.connection.stream.speed or SPEEDS[0]
        self._set_before = _RESTING_BAUD

    def set_speed(self, baud: int) -> None:
        """Everything written so far has left: a pty takes it at once."""
        self._speed = baud

    def heard(self, data: bytes) -> bytes:
        """What the port hears of it."""
        self._look_again()
        return heard_at(data, self._reader_baud, self._speed)

    def write(self, data: bytes) -> None:
        """Send what the reader hears of it."""
        super().write(heard_at(data, self._speed, self._reader_baud))

    def rests(self) -> None:
        """The next reader may set no speed."""
        self._set_before = self._reader_baud

    @property
    def _reader_baud(self) -> int:
        return self.reader_speed or self._set_before


async def open_pty(
    link: str | os.PathLike[str] | None, stream_factory: StreamFactory, handler: Handler, strict_speed: bool = False
) -> Endpoint:
    """Open a pty and, if `link` is given, point a symbolic link at it that stays the same from run to run.

    Raises `FileExistsError` where `link` exists and is no symbolic link, `OSError` where it cannot be made.
    """
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        _rest(slave)
        device = os.ttyname(slave)
        if link is not None:
            _point(Path(link), device)
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    name = f"pty:{device}" if link is None else f"pty:{link} -> {device}"
    wire = (_StrictPtyWire if strict_speed else _PtyWire)(master, device, stream_factory, handler, name)

    async def close() -> None:
        wire.stop("stream closed")
        if link is not None:
            _remove(Path(link), device)
        os.close(master)

    return Endpoint(name, lambda: [] if wire.connection.closed else [wire.connection], close)


def _rest(terminal: int) -> None:
    attributes = termios.tcgetattr(terminal)
    attributes[4] = attributes[5] = _RESTING_SPEED
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def _point(link: Path, device: str) -> None:
    if link.exists() and not link.is_symlink():
        raise FileExistsError(f"{link} exists and is no symbolic link")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(device)
    fresh.replace(link)


def _remove(link: Path, device: str) -> None:
    """Remove the link unless another run has taken it over."""
    with contextlib.suppress(OSError):
        if os.readlink(link) == device:
            link.unlink()
