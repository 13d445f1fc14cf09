"""The hexadecimal protocol of the 685-382, older than KMP: frames, and the line of meters that answers them.

`@ | address(2) command(2) data | checksum(2) | CR` to the meter, the same with `H` from it

Every octet is sent as two hexadecimal digits; the checksum is the two's complement of the 8-bit sum of address,
command and data, so that the sum over a whole frame is 0. The meter's address is FE. The line is 1200 baud, 8 data
bits, even parity, 2 stop bits. All of this is from captures of one public driver; there is no public description.

Not public, ours: lower-case digits are read as well, since no other frame could be meant, and never sent. What is
neither a digit nor CR ends a frame in silence, and `@` begins one anew. There is no acknowledgement: a request that
wants none of the meter's data is answered with its address and command alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .events import HexFrameReceived
from .frame_line import Addressed, FrameLine, Reader

TO_METER: Final = 0x40
FROM_METER: Final = 0x48
CR: Final = 0x0D
ADDRESS: Final = 0xFE
LONGEST: Final = 1024
"""Characters from `@` to CR: an answer with the largest piece of memory, 255 octets, has half of them."""

_CHECK_SIZE: Final = 1
_NO_DIGIT: Final = re.compile(rb"[^0-9A-Fa-f]")


def checksum(octets: bytes) -> int:
    """The octet that brings the sum to 0."""
    return -sum(octets) & 0xFF


def encode_frame(start: int, destination: int, body: bytes) -> bytes:
    """A whole frame around command and data."""
    octets = bytes((destination,)) + body
    digits = (octets + bytes((checksum(octets),))).hex().upper()
    return bytes((start,)) + digits.encode("ascii") + bytes((CR,))


class HexFrameReader(Reader):
    """Cuts a stream of octets into frames that begin with `start`; never holds more than `LONGEST` octets of one."""

    def __init__(self, start: int, hears: Callable[[int], bool] = lambda destination: True) -> None:
        super().__init__(start, hears)

    def receive_data(self, data: bytes) -> list[Addressed]:
        """Take octets in any portions; returns the good frames they complete, oldest first."""
        frames: list[Addressed] = []
        buffer = self._buffer
        seen = len(buffer)
        buffer += data
        position = 0
        while (begin := buffer.find(self._start, position)) >= 0:
            self.counters.noise_octets += begin - position
            found = _NO_DIGIT.search(buffer, max(begin + 1, seen))
            end = len(buffer) if found is None else found.start()
            position = end
            if end - begin > LONGEST:
                self.counters.too_long += 1
                self.counters.noise_octets += end - begin
            elif found is None:
                del buffer[:begin]
                return frames
            elif buffer[end] == CR:
                position += 1
                if (frame := self._open(buffer[begin + 1 : end].decode("ascii"))) is not None:
                    frames.append(frame)
            else:
                self.counters.noise_octets += end - begin
        self.counters.noise_octets += len(buffer) - position
        buffer.clear()
        return frames

    def _open(self, digits: str) -> Addressed | None:
        """What the digits between start and CR say, checked."""
        if len(digits) % 2:
            self.counters.malformed += 1
            return None
        octets = bytes.fromhex(digits)
        return self._judge(octets, _CHECK_SIZE, checksum)


class KmpHexLine(FrameLine):
    """The meters' side of one line: `HexFrameReceived` for each request, answered through its link."""

    def __init__(self) -> None:
        super().__init__(
            lambda hears: HexFrameReader(TO_METER, hears),
            lambda destination, data: encode_frame(FROM_METER, destination, data),
            b"",
            HexFrameReceived,
        )
