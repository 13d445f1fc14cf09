"""HDLC addresses (IEC 62056-46): septets, the last one marked by its lowest bit.

A client has one octet. A server has one (logical device only), two (7 + 7 bits) or four octets (14 + 14
bits): first the *upper* half, the logical device, then the *lower* half, the physical device on the line.
Each form has its own reserved values; `ServerAddress` names them so that nobody compares with 0x7F where
0x3FFF is meant. An address of three or of more than four octets is not an address.
"""

from __future__ import annotations

from typing import Final, NamedTuple

NO_STATION: Final = 0x00
"""Reserved in every field: nobody. Never a valid source, never answered as a destination."""
CLIENT_ALL_STATION: Final = 0x7F

_ALL_STATION: Final = {1: 0x7F, 2: 0x7F, 4: 0x3FFF}
_CALLING: Final = {2: 0x7E, 4: 0x3FFE}


def read_address(octets: bytes | bytearray, start: int, end: int) -> int | None:
    """Size of the address that begins at `start`: 1, 2 or 4.

    0 where the octets up to `end` stop before the address does, `None` where it is no address (3 octets,
    or more than 4).
    """
    for size in range(1, 5):
        position = start + size - 1
        if position >= end:
            return 0
        if octets[position] & 1:
            return None if size == 3 else size
    return None


def encode_client(client: int) -> bytes:
    """A client address, 0..0x7F, as its one octet."""
    return bytes((client << 1 | 1,))


class ServerAddress(NamedTuple):
    """A server address in one of its three forms: `size` is 1, 2 or 4 octets; `lower` is `None` in the first."""

    upper: int
    lower: int | None
    size: int

    @classmethod
    def decode(cls, octets: bytes) -> ServerAddress:
        """Read the 1, 2 or 4 octets of an address whose size `read_address` has found."""
        septets = [octet >> 1 for octet in octets]
        if len(septets) == 1:
            return cls(septets[0], None, 1)
        if len(septets) == 2:
            return cls(septets[0], septets[1], 2)
        return cls(septets[0] << 7 | septets[1], septets[2] << 7 | septets[3], 4)

    def encode(self) -> bytes:
        """The octets on the wire. Raises `ValueError` where a half does not fit its form."""
        limit = 0x3FFF if self.size == 4 else 0x7F
        lower = 0 if self.lower is None else self.lower
        if self.size not in (1, 2, 4) or (self.size == 1) != (self.lower is None):
            raise ValueError(f"an HDLC server address has 1, 2 or 4 octets, the lower half in the latter two: {self}")
        if not (0 <= self.upper <= limit and 0 <= lower <= limit):
            raise ValueError(f"address {self.upper}/{self.lower} does not fit {self.size} octets (0..{limit:#x})")
        if self.size == 1:
            septets = [self.upper]
        elif self.size == 2:
            septets = [self.upper, lower]
        else:
            septets = [self.upper >> 7, self.upper & 0x7F, lower >> 7, lower & 0x7F]
        return bytes(septet << 1 for septet in septets[:-1]) + bytes((septets[-1] << 1 | 1,))

    @property
    def is_no_station(self) -> bool:
        """One of the halves names nobody."""
        return self.upper == NO_STATION or self.lower == NO_STATION

    @property
    def upper_is_all(self) -> bool:
        """Every logical device is meant."""
        return self.upper == _ALL_STATION[self.size]

    @property
    def lower_is_all(self) -> bool:
        """Every physical device on the line is meant."""
        return self.lower is not None and self.lower == _ALL_STATION[self.size]

    @property
    def lower_is_calling(self) -> bool:
        """The device that opened this connection is meant (CALLING physical device)."""
        return self.lower is not None and self.lower == _CALLING[self.size]

    def __str__(self) -> str:
        return f"{self.upper}" if self.lower is None else f"{self.upper}/{self.lower}"
