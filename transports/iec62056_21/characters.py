"""Characters of IEC 62056-21: seven bits with even parity, control characters, the block check."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final, Literal

SOH, STX, ETX, EOT, ACK, LF, CR, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x0A, 0x0D, 0x15
START: Final = 0x2F
"""`/`, which begins requests and identifications."""

BlockCheck = Literal["xor", "sum"]
"""How a port computes BCC: ISO 1155, or the 685's sum modulo 128."""

EVEN_PARITY: Final = bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(128)) * 2
"""Each octet's seven bits with even parity in bit 7."""


def block_check(octets: bytes, kind: BlockCheck) -> int:
    """BCC over the characters behind the first SOH or STX, up to and with ETX or EOT (IEC 62056-21 Annex B)."""
    return sum(octets) & 0x7F if kind == "sum" else reduce(xor, octets, 0)


def with_block_check(octets: bytes, kind: BlockCheck) -> bytes:
    """A message that begins with SOH or STX and ends with ETX or EOT, and its BCC."""
    return octets + bytes((block_check(octets[1:], kind),))


def has_block_check(octets: bytes, kind: BlockCheck) -> bool:
    """The last octet of this message is the BCC of the others."""
    return block_check(octets[1:-1], kind) == octets[-1]


def with_even_parity(octets: bytes) -> bytes:
    """The same 7-bit characters with even parity in bit 7."""
    return octets.translate(EVEN_PARITY)
