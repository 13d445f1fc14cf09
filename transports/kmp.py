"""The Kamstrup Meter Protocol on the wire: frames, and the line of meters that answers them.

`80 | destination(1) | CID(1) | data | CRC(2) | 0D` to the meter, the same with 40 from it

The rules (KMP protocol description 3):
- CRC-16/XMODEM over destination, CID and data, high octet first.
- Then 80, 40, 0D, 06 and 1B between start and stop become 1B and their complement, so a start octet always begins
  a frame anew and 0D always ends one.
- 06 alone is an acknowledgement. The meter hears those of its clients and makes nothing of them.
- The meter at 3F answers from 3F. Another address, a wrong CRC, a frame too short: silence.

Not public, ours: any octet behind 1B is taken as a complement, and one of the five that came unstuffed as itself;
the CRC says whether that was right. A frame to an address that nobody has is dropped at its second octet, so that
noise with an 80 in it holds nobody up. `LONGEST` bounds a frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .crc import kmp_check
from .events import FrameReceived
from .frame_line import Addressed, FrameLine, KmpPort, Reader

__all__ = ["ACK", "FROM_METER", "LONGEST", "STOP", "TO_METER", "FrameReader", "KmpLine", "KmpPort", "encode_frame"]

TO_METER: Final = 0x80
FROM_METER: Final = 0x40
STOP: Final = 0x0D
ACK: Final = 0x06
LONGEST: Final = 1024
"""Octets from start to stop: every answer and every request known is shorter, also where each octet is stuffed."""

_ESCAPE: Final = 0x1B
_CHECK_SIZE: Final = 2
_STUFFED: Final = [(bytes((octet,)), bytes((_ESCAPE, octet ^ 0xFF))) for octet in (_ESCAPE, 0x80, 0x40, STOP, ACK)]
"""In this order: the escape octet first, since the others bring it in."""
_COMPLEMENT: Final = re.compile(rb"\x1b(.)", re.DOTALL)


def encode_frame(start: int, destination: int, body: bytes) -> bytes:
    """A whole frame around command identifier and data."""
    octets = bytes((destination,)) + body
    octets += kmp_check(octets).to_bytes(2, "big")
    for plain, stuffed in _STUFFED:
        octets = octets.replace(plain, stuffed)
    return bytes((start,)) + octets + bytes((STOP,))


class FrameReader(Reader):
    """Cuts a stream of octets into frames that begin with `start`; never holds more than `LONGEST` octets of one.

    `hears` says which destinations are worth reading on for; a client reads all.
    """

    def __init__(self, start: int, hears: Callable[[int], bool] = lambda destination: True) -> None:
        super().__init__(start, hears)

    def receive_data(self, data: bytes) -> list[Addressed]:
        """Take octets in any portions; returns the good frames they complete, oldest first."""
        frames: list[Addressed] = []
        buffer = self._buffer
        buffer += data
        position = 0
        while (begin := buffer.find(self._start, position)) >= 0:
            self._noise(position, begin)
            stop = buffer.find(STOP, begin)
            end = stop if stop >= 0 else len(buffer)
            latest = buffer.rfind(self._start, begin, end)
            self._noise(begin, latest)
            begin, position = latest, latest + 1
            if begin + 1 < end and buffer[begin + 1] != _ESCAPE and not self._hears(buffer[begin + 1]):
                self.counters.wrong_address += 1
                self._noise(begin, position)
            elif end - begin > LONGEST:
                self.counters.too_long += 1
                self._noise(begin, position)
            elif stop < 0:
                del buffer[:begin]
                return frames
            else:
                position = stop + 1
                if (frame := self._open(bytes(buffer[begin + 1 : stop]))) is not None:
                    frames.append(frame)
        self._noise(position, len(buffer))
        buffer.clear()
        return frames

    def _noise(self, begin: int, end: int) -> None:
        """Count what stands outside of frames; acknowledgements are none."""
        self.counters.noise_octets += end - begin - self._buffer.count(ACK, begin, end)

    def _open(self, stuffed: bytes) -> Addressed | None:
        """What stands between start and stop, unstuffed and checked."""
        octets = _COMPLEMENT.sub(lambda found: bytes((found[1][0] ^ 0xFF,)), stuffed) if _ESCAPE in stuffed else stuffed
        return self._judge(octets, _CHECK_SIZE, kmp_check)


class KmpLine(FrameLine):
    """The meters' side of one line: `FrameReceived` for each request, answered through its link."""

    def __init__(self) -> None:
        super().__init__(
            lambda hears: FrameReader(TO_METER, hears),
            lambda destination, data: encode_frame(FROM_METER, destination, data),
            bytes((ACK,)),
            FrameReceived,
        )
