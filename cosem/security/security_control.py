"""The security control octet, first of every ciphered content (Green Book 9.2.7.2.4).

| bits | 0-3 | 4 | 5 | 6 | 7 |
|---|---|---|---|---|---|
| meaning | suite | authenticated | encrypted | key set: 0 unicast, 1 broadcast | compressed |

Ciphered content that is neither authenticated nor encrypted protects nothing and is refused (ours), as is compression.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .errors import CompressionRefused, DecipheringError
from .policy import Protection
from .suites import Suite

SUITE_MASK: Final = 0x0F
AUTHENTICATED: Final = 0x10
ENCRYPTED: Final = 0x20
BROADCAST: Final = 0x40
COMPRESSED: Final = 0x80


class SecurityControl(NamedTuple):
    """The octet taken apart."""

    suite: int
    protection: Protection
    broadcast: bool = False
    compressed: bool = False

    @classmethod
    def from_octet(cls, octet: int) -> SecurityControl:
        """Any octet; what of it is acceptable is `check`'s to say."""
        return cls(octet & SUITE_MASK, Protection(octet >> 4 & 3), bool(octet & BROADCAST), bool(octet & COMPRESSED))

    def to_octet(self) -> int:
        """The octet on the wire."""
        return control_octet(self.suite, self.protection, self.broadcast) | (COMPRESSED if self.compressed else 0)

    def __str__(self) -> str:
        letters = ("A" if self.protection & Protection.AUTHENTICATED else "") + (
            "E" if self.protection & Protection.ENCRYPTED else ""
        )
        return (
            f"suite {self.suite} {letters or 'unprotected'}"
            f"{' broadcast' if self.broadcast else ''}{' compressed' if self.compressed else ''}"
        )


def control_octet(suite: int, protection: Protection, broadcast: bool) -> int:
    """The octet to send; a signature is none of its business."""
    return suite | (int(protection) & 3) << 4 | (BROADCAST if broadcast else 0)


def check(octet: int, suite: Suite) -> None:
    """Refuse a received octet that cannot be: of another suite than the one in force, of no protection, compressed.

    Raises `DecipheringError`, for compression `CompressionRefused`.
    """
    if octet & SUITE_MASK != suite.number or not octet & (AUTHENTICATED | ENCRYPTED):
        raise DecipheringError(f"security control 0x{octet:02x} ({SecurityControl.from_octet(octet)}) under {suite}")
    if octet & COMPRESSED:
        raise CompressionRefused(f"security control 0x{octet:02x} announces compression")
