"""The echo of an optical head: its receiver sees the light of its own sender, so a reader hears what it says."""

from __future__ import annotations

from .events import Event
from .stream import ByteStream
from .stream_around import StreamAround


class EchoStream(StreamAround):
    """A stream that sends back whatever it hears, before any answer. A `PacedStream` has an echo of its own."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__(stream)
        self._heard = bytearray()

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Keep for the echo, and hand on."""
        self._heard += data
        return self._stream.receive_data(data, now)

    def data_to_send(self) -> bytes:
        """The echo, then what the stream sends."""
        heard = bytes(self._heard)
        self._heard.clear()
        return heard + self._stream.data_to_send()
