"""By which octets a message of each protocol begins, and where in what was read the next one might.

Two octets tell IEC 62056-21, the wrapper and the hexadecimal protocol from noise; the first may be all there is yet.
IEC 62056-21 comes with or without parity in bit 7.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

HDLC: Final = "hdlc"
WRAPPER: Final = "wrapper"
IEC: Final = "iec"
KMP: Final = "kmp"
KMP_HEX: Final = "kmp_hex"

_BEGINNINGS: Final = {
    HDLC: rb"\x7e",
    WRAPPER: rb"\x00(?:\x01|\Z)",
    IEC: rb"[\x2f\xaf](?:\x3f|\Z)",
    KMP: rb"\x80",
    KMP_HEX: rb"\x40(?:[0-9A-Fa-f]|\Z)",
}
_TWO_OCTETS: Final = (WRAPPER, IEC)
"""What begins with an octet that is common as noise: nothing is made of it before the second has come."""


class Beginning(NamedTuple):
    """A protocol's beginning at some place."""

    protocol: str
    certain: bool
    """`False` where the octet that decides is still to come."""


def _pattern(protocols: Collection[str]) -> re.Pattern[bytes]:
    groups = [b"(?P<%b>%b)" % (protocol.encode("ascii"), _BEGINNINGS[protocol]) for protocol in protocols]
    return re.compile(b"|".join(groups) or rb"(?!)")


class Beginnings:
    """The beginnings of the protocols that an endpoint serves."""

    def __init__(self, served: Collection[str]) -> None:
        self._any = _pattern(served)
        self._others = {
            left_out: _pattern([protocol for protocol in served if protocol != left_out]) for left_out in _BEGINNINGS
        }

    def at(self, data: bytes, position: int = 0) -> Beginning | None:
        """What begins here."""
        match = self._any.match(data, position)
        if match is None:
            return None
        protocol = match.lastgroup or ""
        return Beginning(protocol, match.end() - position > 1 or protocol not in _TWO_OCTETS)

    def next_other(self, protocol: str, data: bytes, position: int) -> int:
        """Where from this position on another protocol than this one begins, if one does; else the end."""
        match = self._others[protocol].search(data, position)
        return len(data) if match is None else match.start()
