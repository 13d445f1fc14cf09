"""A meter as the lines of KMP and of the hexadecimal protocol see it."""

from __future__ import annotations

from collections.abc import Collection

from transports.kmp import KmpLine
from transports.kmp_hex import ADDRESS, KmpHexLine

from ..profile_tables import Kmp
from ..virtual_meter import VirtualMeter
from .sources import address


class Port:
    """Which addresses a meter answers to, how fast, and whether it hears at all."""

    def __init__(self, meter: VirtualMeter, profile: Kmp) -> None:
        self._meter = meter
        self._profile = profile

    @property
    def powered(self) -> bool:
        """Whether the meter has supply."""
        return self._meter.powered

    @property
    def destinations(self) -> frozenset[int]:
        """CommAddrKMP; the hexadecimal protocol has one address."""
        return frozenset({ADDRESS if self._profile.protocol == "hexadecimal" else address(self._meter)})

    @property
    def reaction_time_s(self) -> float:
        """From a request to its answer, at least."""
        return self._profile.reaction_time_s


def frame_lines(meters: Collection[VirtualMeter]) -> tuple[KmpLine | None, KmpHexLine | None]:
    """The lines of a stream with these meters behind it: KMP or the hexadecimal protocol, if it is one that speaks it.

    All meters have the same address as delivered, so several of them on one line would answer at once.
    """
    if len(meters) != 1:
        return None, None
    (meter,) = meters
    profile = meter.profile.kmp
    if profile is None:
        return None, None
    if profile.protocol == "hexadecimal":
        kmp_hex = KmpHexLine()
        kmp_hex.attach(meter, Port(meter, profile))
        return None, kmp_hex
    kmp = KmpLine()
    kmp.attach(meter, Port(meter, profile))
    return kmp, None
