"""The one bounded reader of received octets: only this code slices them.

Every decoder reads fields in order and finishes with `end()`. A length is checked against what
remains before anything is allocated for it, so a peer cannot make us reserve what it did not send.
"""

from __future__ import annotations

from typing import Final

from .errors import DecodeError

MAX_NESTING: Final = 16
"""Deepest structure accepted: the deepest attribute of the Blue Book nests 6 levels."""


class Reader:
    """Reads big-endian fields from `data[position:stop]`; raises `DecodeError` at the first lack."""

    __slots__ = ("data", "depth", "position", "stop")

    def __init__(self, data: bytes, position: int = 0, stop: int | None = None) -> None:
        self.data = data
        self.position = position
        self.stop = len(data) if stop is None else stop
        self.depth = 0

    @property
    def remaining(self) -> int:
        """How many octets are left."""
        return self.stop - self.position

    def octets(self, count: int) -> bytes:
        """The next `count` octets."""
        start = self.position
        end = start + count
        if end > self.stop:
            raise DecodeError(f"{count} octets expected, {self.remaining} left", start)
        self.position = end
        return self.data[start:end]

    def u8(self) -> int:
        """One octet, 0..255."""
        start = self.position
        if start >= self.stop:
            raise DecodeError("an octet expected, none left", start)
        self.position = start + 1
        return self.data[start]

    def unsigned(self, size: int) -> int:
        """A big-endian unsigned integer of `size` octets."""
        return int.from_bytes(self.octets(size), "big")

    def signed(self, size: int) -> int:
        """A big-endian two's complement integer of `size` octets."""
        return int.from_bytes(self.octets(size), "big", signed=True)

    def peek(self) -> int:
        """The next octet without taking it."""
        if self.position >= self.stop:
            raise DecodeError("an octet expected, none left", self.position)
        return self.data[self.position]

    def length(self) -> int:
        """A definite length of BER and A-XDR: short form, or 1 to 4 octets long."""
        first = self.u8()
        if first < 0x80:
            return first
        size = first & 0x7F
        if not 1 <= size <= 4:
            raise DecodeError(f"length of {size} octets (1 to 4 allowed)", self.position - 1)
        return self.unsigned(size)

    def count(self, least_octets: int = 1) -> int:
        """A length that counts elements of at least `least_octets` each, checked against what remains."""
        start = self.position
        count = self.length()
        if count * least_octets > self.remaining:
            raise DecodeError(f"{count} elements announced, {self.remaining} octets left", start)
        return count

    def sub(self, count: int) -> Reader:
        """A reader over the next `count` octets, which this one skips."""
        start = self.position
        if start + count > self.stop:
            raise DecodeError(f"{count} octets announced, {self.remaining} left", start)
        self.position = start + count
        return Reader(self.data, start, start + count)

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(self.remaining)

    def end(self) -> None:
        """Nothing may be left."""
        if self.position != self.stop:
            raise DecodeError(f"{self.remaining} octets too many", self.position)

    def enter(self) -> None:
        """Go one level deeper; pair with `leave`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise DecodeError(f"nested deeper than {MAX_NESTING} levels", self.position)

    def leave(self) -> None:
        """Come one level up."""
        self.depth -= 1


def encode_length(length: int) -> bytes:
    """A definite length as BER and A-XDR write it; the only length encoder there is."""
    if length < 0x80:
        return bytes((length,))
    if length <= 0xFF:
        return bytes((0x81, length))
    if length <= 0xFFFF:
        return b"\x82" + length.to_bytes(2, "big")
    return b"\x84" + length.to_bytes(4, "big")
