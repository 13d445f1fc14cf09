"""What is wrapped around a stream: it is one itself, and hands on whatever a subclass does not change.

The order on a line, from the meter outwards: faults (what the meter hears and says), trace (whole messages,
when they are whole), pace (the characters on their way), echo.
"""

from __future__ import annotations

from .events import Event
from .stream import ByteStream


class StreamAround:
    """A stream that does what the one in it does."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    @property
    def closing(self) -> str | None:
        """As the stream says."""
        return self._stream.closing

    @property
    def refused(self) -> str | None:
        """As the stream says."""
        return self._stream.refused

    @property
    def busy(self) -> bool:
        """As the stream says."""
        return self._stream.busy

    @property
    def speed(self) -> int | None:
        """As the stream says."""
        return self._stream.speed

    @property
    def dialogue(self) -> int | None:
        """As the stream says."""
        return self._stream.dialogue

    def set_line_speed(self, baud: int | None) -> None:
        """Hand on."""
        self._stream.set_line_speed(baud)

    def reader_left(self, now: float) -> None:
        """Hand on."""
        self._stream.reader_left(now)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Hand on."""
        return self._stream.receive_data(data, now)

    def handle_timer(self, now: float) -> list[Event]:
        """Hand on."""
        return self._stream.handle_timer(now)

    def next_timer(self) -> float | None:
        """As the stream says."""
        return self._stream.next_timer()

    def data_to_send(self) -> bytes:
        """As the stream says."""
        return self._stream.data_to_send()

    def close(self, reason: str) -> list[Event]:
        """Hand on."""
        return self._stream.close(reason)
