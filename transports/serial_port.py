"""A serial device: an optical head or an RS-485 adapter with real clients behind it.

The device always runs 8N1. What IEC 62056-21 sends as 7E1 is the same ten bits with the parity computed in
software (`Iec62056Settings.parity` "even"), so HDLC and the dialogue share one setting.
"""

from __future__ import annotations

import asyncio

import serial

from .connection import Endpoint, Handler, StreamFactory
from .descriptor import DescriptorWire
from .speed import SPEEDS


class _SerialWire(DescriptorWire):
    """Changes the speed of the port, but not under characters that are still leaving it."""

    def __init__(self, port: serial.Serial, stream_factory: StreamFactory, handler: Handler, peer: str) -> None:
        self._port = port
        self._wanted = port.baudrate
        self._waiting: asyncio.TimerHandle | None = None
        super().__init__(port.fileno(), stream_factory, handler, peer)
        self.set_speed(self.connection.stream.speed or port.baudrate)

    def set_speed(self, baud: int) -> None:
        """Change to this speed once the device has sent what it was given."""
        self._wanted = baud
        if self._waiting is None:
            self._change()

    def stop(self, reason: str) -> None:
        """Also give up a change that waits."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        super().stop(reason)

    def _change(self) -> None:
        self._waiting = None
        left = self._port.out_waiting + self.backlog
        if left:
            # One character more than is waiting: the last one may still be in the transmitter.
            self._waiting = self._loop.call_later((left + 1) * 10 / self._port.baudrate, self._change)
        else:
            self._port.baudrate = self._wanted


async def open_serial(device: str, stream_factory: StreamFactory, handler: Handler, speed: int = SPEEDS[0]) -> Endpoint:
    """Open a serial device at `speed`, or at that of the stream, which may change: a dialogue, a `SpeedSearch`.

    Raises `serial.SerialException` (an `OSError`) where the device cannot be opened.
    """
    port = serial.Serial(device, speed, timeout=0, exclusive=True)
    wire = _SerialWire(port, stream_factory, handler, f"serial:{device}")

    async def close() -> None:
        wire.stop("stream closed")
        port.close()

    return Endpoint(f"serial:{device}", lambda: [] if wire.connection.closed else [wire.connection], close)
