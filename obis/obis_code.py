"""OBIS codes (IEC 62056-6-1): six value groups A-B:C.D.E*F that name everything a meter holds."""

from __future__ import annotations

import re
from typing import Final

_FULL: Final = re.compile(r"(\d+)-(\d+):(\d+)\.(\d+)\.(\d+)(?:[*.](\d+))?")
_DOTTED: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)")
_SHORT: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[*&](\d+))?")


class Obis(bytes):
    """One OBIS code as its six octets on the wire, A to F.

    It *is* the octet string, so it hashes and compares with raw bytes taken from an APDU: a
    dictionary keyed by `Obis` is looked up without building one. Build it from text with
    `Obis.parse`, from octets with `Obis(octets)`.

    Raises `ValueError` where it is not six octets.
    """

    __slots__ = ()

    def __new__(cls, octets: bytes) -> Obis:
        if len(octets) != 6:
            raise ValueError(f"an OBIS code has 6 octets, not {len(octets)}")
        return super().__new__(cls, octets)

    @classmethod
    def of(cls, a: int, b: int, c: int, d: int, e: int, f: int = 255) -> Obis:
        """The code with these value groups, each 0..255."""
        return cls(bytes((a, b, c, d, e, f)))

    @classmethod
    def parse(cls, text: str, *, a: int = 1, b: int = 1) -> Obis:
        """Read `1.1.1.8.0.255`, `1-1:1.8.0*255`, `1-1:1.8.0` or the short `1.8.0`.

        The short form, as printed on displays and in IEC 62056-21 readouts, carries no A and B:
        they default to the 382's electricity channel 1-1.

        Raises `ValueError` saying what was expected.
        """
        stripped = text.strip()
        if match := _DOTTED.fullmatch(stripped):
            groups = [int(group) for group in match.groups()]
        elif match := _FULL.fullmatch(stripped):
            groups = [int(group) for group in match.groups(default="255")]
        elif match := _SHORT.fullmatch(stripped):
            c, d, e, f = match.groups()
            groups = [a, b, int(c), int(d), int(e or 255), int(f or 255)]
        else:
            raise ValueError(f"not an OBIS code: {text!r} (expected A.B.C.D.E.F, A-B:C.D.E*F or C.D.E)")
        if any(group > 255 for group in groups):
            raise ValueError(f"not an OBIS code: {text!r} (each group is 0..255)")
        return cls(bytes(groups))

    @property
    def a(self) -> int:
        """Medium: 0 abstract, 1 electricity."""
        return self[0]

    @property
    def b(self) -> int:
        """Channel."""
        return self[1]

    @property
    def c(self) -> int:
        """Quantity."""
        return self[2]

    @property
    def d(self) -> int:
        """Processing: 6 maximum, 7 instantaneous, 8 time integral …"""
        return self[3]

    @property
    def e(self) -> int:
        """Tariff or other further classification."""
        return self[4]

    @property
    def f(self) -> int:
        """Billing period or storage; 255 for the present value."""
        return self[5]

    @property
    def short(self) -> str:
        """`C.D.E`, as a display or an IEC 62056-21 readout prints it."""
        return f"{self[2]}.{self[3]}.{self[4]}"

    def __str__(self) -> str:
        return ".".join(map(str, self))

    def __repr__(self) -> str:
        return f"Obis('{self}')"
