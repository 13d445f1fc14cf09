"""By which octets a message of each protocol begins, and where in what was read the next one might.

Two octets tell IEC 62056-21, the wrapper and the hexadecimal protocol from noise; the first may be all there is yet.
IEC 62056-21 comes with or without parity in bit 7.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

HDLC: Final = "hdlc"
WRAPPER: Final = "wrapper"
IEC: Final = "iec"
KMP: Final = "kmp"
KMP_HEX: Final = "kmp_hex"

OF_CLIENTS: Final = {
    HDLC: rb"\x7e",
    WRAPPER: rb"\x00(?:\x01|\Z)",
    IEC: rb"[\x2f\xaf](?:\x3f|\Z)",
    KMP: rb"\x80",
    KMP_HEX: rb"\x40(?:[0-9A-Fa-f]|\Z)",
}
"""What stands at the beginning of a conversation."""

IN_DIALOGUES: Final = OF_CLIENTS | {IEC: rb"[\x01\x06\x15\x2f\x81\x95\xaf]"}
"""Also what a client says later in a dialogue of IEC 62056-21: commands, ACK, NAK."""

OF_METERS: Final = {
    HDLC: rb"\x7e",
    WRAPPER: rb"\x00\x01",
    IEC: rb"[\x01\x02\x06\x15\x2f\x81\x82\x95\xaf]",
    KMP: rb"\x40",
    KMP_HEX: rb"H(?:[0-9A-F]|\Z)",
}
"""What a meter's messages begin with."""

_TWO_OCTETS: Final = (WRAPPER, IEC)
"""What begins with an octet that is common as noise: nothing is made of it before the second has come."""


class Beginning(NamedTuple):
    """A protocol's beginning at some place."""

    protocol: str
    certain: bool
    """`False` where the octet that decides is still to come."""


def _pattern(beginnings: Mapping[str, bytes]) -> re.Pattern[bytes]:
    groups = [b"(?P<%b>%b)" % (protocol.encode("ascii"), octets) for protocol, octets in beginnings.items()]
    return re.compile(b"|".join(groups) or rb"(?!)")


class Beginnings:
    """The beginnings of some protocols: those that an endpoint serves, or all."""

    def __init__(self, served: Collection[str] = tuple(OF_CLIENTS), table: Mapping[str, bytes] = OF_CLIENTS) -> None:
        own = {protocol: octets for protocol, octets in table.items() if protocol in served}
        self._any = _pattern(own)
        self._others = {
            protocol: _pattern({other: octets for other, octets in own.items() if other != protocol})
            for protocol in table
        }

    def at(self, data: bytes, position: int = 0) -> Beginning | None:
        """What begins here."""
        match = self._any.match(data, position)
        if match is None:
            return None
        protocol = match.lastgroup or ""
        return Beginning(protocol, match.end() - position > 1 or protocol not in _TWO_OCTETS)

    def next_other(self, protocol: str | None, data: bytes, position: int) -> int:
        """Where from this position on another protocol than this one begins, if one does; else the end."""
        match = (self._any if protocol is None else self._others[protocol]).search(data, position)
        return len(data) if match is None else match.start()
