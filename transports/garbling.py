"""What a receiver makes of characters that come at another speed than its own: noise, but not just any.

Both ends run 8N1 as every UART does: the line rests high; a character is a low start bit, eight data bits from the
lowest, a high stop bit. The receiver waits for the line to fall, looks again half a bit later (still low, or it was
none), takes each data bit in its middle, and delivers the character whatever its stop bit was. After a low stop bit
it waits for the line to rise.
"""

from __future__ import annotations

from collections.abc import Iterator

_DATA_BITS = 8


def heard_at(octets: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """What a receiver at one speed hears of octets sent one after the other at another."""
    if sent_baud == heard_baud:
        return octets
    line = _Line(octets)
    heard = bytearray()
    # Time runs in steps of which the receiver's half bit has `half` and the sender's bit `sent_bit`.
    half, sent_bit = sent_baud, 2 * heard_baud
    at = 0
    while (fall := line.fall(-(-at // sent_bit))) is not None:
        start = fall * sent_bit
        if line.level((start + half) // sent_bit):
            at = start + half
            continue
        middles = (start + (3 + 2 * number) * half for number in range(_DATA_BITS))
        heard.append(sum(line.level(middle // sent_bit) << number for number, middle in enumerate(middles)))
        at = start + (3 + 2 * _DATA_BITS) * half  # the middle of the stop bit
    return bytes(heard)


class _Line:
    """The line while octets are sent: a level for each of their bits, high before and after."""

    def __init__(self, octets: bytes) -> None:
        self._levels = [level for octet in octets for level in _levels(octet)]

    def level(self, bit: int) -> int:
        """The level during this bit, counted from the first."""
        return self._levels[bit] if bit < len(self._levels) else 1

    def fall(self, first: int) -> int | None:
        """The first bit from here on with which the line falls; `None` where it stays high."""
        for bit in range(first, len(self._levels)):
            if not self._levels[bit] and (bit == 0 or self._levels[bit - 1]):
                return bit
        return None


def _levels(octet: int) -> Iterator[int]:
    yield 0
    yield from (octet >> number & 1 for number in range(_DATA_BITS))
    yield 1
