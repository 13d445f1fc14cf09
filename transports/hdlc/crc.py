"""The check sequence of HDLC: CRC-16/X-25, sent low octet first (IEC 62056-46, annex).

Header (HCS) and frame (FCS) use the same sum: polynomial 0x1021 reflected, start and final XOR 0xFFFF.
"""

from __future__ import annotations

from collections.abc import Callable

import crcmod

check_sequence: Callable[[bytes | bytearray], int] = crcmod.mkCrcFun(0x11021, initCrc=0, rev=True, xorOut=0xFFFF)
"""The 16-bit check sequence of these octets."""


def check_octets(octets: bytes | bytearray) -> bytes:
    """The check sequence as its two octets on the wire, low octet first."""
    return check_sequence(octets).to_bytes(2, "little")
