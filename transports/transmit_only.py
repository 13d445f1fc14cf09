"""A line on which a meter only ever sends, as the customer's port does: what is heard is neither read nor answered."""

from __future__ import annotations

from .events import Event


class TransmitOnly:
    """A `ByteStream` that takes octets from above; send what it holds with `Connection.flush`."""

    closing: str | None = None
    refused: str | None = None
    speed: int | None = None
    busy = False
    dialogue: int | None = None

    def __init__(self) -> None:
        self._output: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Queue octets."""
        self._output.append(data)

    def set_line_speed(self, baud: int | None) -> None:
        """Nothing: nobody is heard."""

    def reader_left(self, now: float) -> None:
        """Nothing: nobody is heard."""

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Ignore what is heard."""
        return []

    def handle_timer(self, now: float) -> list[Event]:
        """Nothing is ever due."""
        return []

    def next_timer(self) -> float | None:
        """Never."""
        return None

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def close(self, reason: str) -> list[Event]:
        """There are no links."""
        return []
