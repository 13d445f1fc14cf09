"""A meter as the lines of KMP and of the hexadecimal protocol see it."""

from __future__ import annotations

from transports.kmp_hex import ADDRESS

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
