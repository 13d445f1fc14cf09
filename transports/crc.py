"""The check sequences of the links, both CRC-16 with polynomial 0x1021.

HDLC's is CRC-16/X-25, sent low octet first (IEC 62056-46, annex); header (HCS) and frame (FCS) use the same sum:
reflected, start and final XOR 0xFFFF. KMP's is CRC-16/XMODEM, sent high octet first: not reflected, start 0, no
final XOR, so that the sum over octets and their check is 0.
"""

from __future__ import annotations

from collections.abc import Callable

import crcmod

check_sequence: Callable[[bytes | bytearray], int] = crcmod.mkCrcFun(0x11021, initCrc=0, rev=True, xorOut=0xFFFF)
"""HDLC's 16-bit check sequence of these octets."""

kmp_check: Callable[[bytes | bytearray], int] = crcmod.mkCrcFun(0x11021, initCrc=0, rev=False, xorOut=0)
"""KMP's 16-bit check of these octets; 0 where they end with their own."""


def check_octets(octets: bytes | bytearray) -> bytes:
    """HDLC's check sequence as its two octets on the wire, low octet first."""
    return check_sequence(octets).to_bytes(2, "little")
