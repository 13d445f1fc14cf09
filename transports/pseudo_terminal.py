"""A pseudo-terminal in place of an optical head or a serial line: readers open it like a serial device.

What Linux ptys need so that real readers work (tried with them):
- The server keeps a descriptor of the slave open, else every read fails with EIO once a reader closes it.
- A reader that asks for 7E1 gets EINVAL where the terminal already has the rest of what it asks for, since a
  pty keeps 8 data bits and the C library wants at least *something* to change. So the slave goes back to a
  speed nobody asks for whenever a reader closes it, which inotify tells.
- Octets come at once whatever the speed, but readers count on line time. So the speed that the reader has set is
  that of the dialogue, and time passes as if the characters took theirs; in a `PacedStream` they do.
- There is no parity bit: send clean 7-bit characters (`Iec62056Settings.parity` "none").

The settings of the terminal are shared, so the server sees which speed the reader has set. With `strict_speed` it
counts: what the reader sends at another speed than the port's reaches the stream garbled, and so does the answer
the reader, until both have the same one. It is off by default, as many readers set no speed at all on a pty. On
such a port a reader must wait until its characters have left before it changes its speed, as on a real line: what
counts is the speed when the server reads them. A reader that sets none has that of the one before, as on a serial
device. The echo is what the port heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
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
_IN_CLOSE: Final = 0x08 | 0x10  # after writing or not, <sys/inotify.h>


class _PtyWire(DescriptorWire):
    """Knows the speed that the reader has set; a reader that set none leaves the resting speed, which means nothing."""

    def heard(self, data: bytes) -> bytes:
        """All of it, at the reader's speed."""
        self.connection.stream.set_line_speed(self.reader_speed)
        return data

    @property
    def reader_speed(self) -> int | None:
        """The baud set on the terminal; `None` for the resting speed."""
        return _BAUD.get(termios.tcgetattr(self._descriptor)[5])

    def rests(self) -> None:
        """A reader has closed the terminal, which goes back to its resting speed."""


class _StrictPtyWire(_PtyWire):
    """A line between two ports with a speed each; what has the wrong one arrives garbled."""

    def __init__(self, descriptor: int, stream_factory: StreamFactory, handler: Handler, peer: str) -> None:
        super().__init__(descriptor, stream_factory, handler, peer)
        self._speed = self.connection.stream.speed or SPEEDS[0]
        self._set_before = _RESTING_BAUD

    def set_speed(self, baud: int) -> None:
        """Everything written so far has left: a pty takes it at once."""
        self._speed = baud

    def heard(self, data: bytes) -> bytes:
        """What the port hears of it."""
        return heard_at(data, self._reader_baud, self._speed)

    def write(self, data: bytes) -> None:
        """Send what the reader hears of it."""
        super().write(heard_at(data, self._speed, self._reader_baud))

    def rests(self) -> None:
        """Another reader may be there already, or still: some open the port anew to change its speed."""
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
        os.close(slave)
        raise
    name = f"pty:{device}" if link is None else f"pty:{link} -> {device}"
    wire = (_StrictPtyWire if strict_speed else _PtyWire)(master, stream_factory, handler, name)
    loop = asyncio.get_running_loop()
    watch = _watch_closing(device)
    if watch is not None:
        loop.add_reader(watch, _reader_closed, watch, slave, wire)

    async def close() -> None:
        wire.stop("stream closed")
        if watch is not None:
            loop.remove_reader(watch)
            os.close(watch)
        if link is not None:
            _remove(Path(link), device)
        os.close(master)
        os.close(slave)

    return Endpoint(name, lambda: [] if wire.connection.closed else [wire.connection], close)


def _rest(slave: int) -> None:
    attributes = termios.tcgetattr(slave)
    attributes[4] = attributes[5] = _RESTING_SPEED
    termios.tcsetattr(slave, termios.TCSANOW, attributes)


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


def _watch_closing(device: str) -> int | None:
    """An inotify descriptor that becomes readable when somebody closes the device; `None` where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "inotify_init1"):
        return None
    watch: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if watch < 0:
        return None
    if libc.inotify_add_watch(watch, device.encode(), _IN_CLOSE) < 0:
        os.close(watch)
        return None
    return watch


def _reader_closed(watch: int, slave: int, wire: _PtyWire) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(watch, 4096)
    wire.rests()
    _rest(slave)
