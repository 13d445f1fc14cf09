"""What all associations of a run together keep for their clients: answers and requests in blocks, not yet at an end.

Clients that begin long transfers and leave them cost memory, each little, all of them together without bound. So one
`HeldOctets` counts for all: where it is more than the limit, whoever was asked for the next block longest ago drops its
transfers. A client that goes on is never that one unless all do, and one that is told asks anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Protocol

MOST_HELD: Final = 1 << 28
"""Octets by default: a hundred clients may read the whole load profile (2 MiB) at once."""


class Holder(Protocol, Hashable):
    """Who keeps octets for a client."""

    def drop(self) -> None:
        """Keep them no longer; does not tell `HeldOctets`, which knows."""


class HeldOctets:
    """Octets by holder, the one used longest ago first."""

    def __init__(self, limit: int = MOST_HELD) -> None:
        self.total = 0
        self._limit = limit
        self._by_holder: OrderedDict[Holder, int] = OrderedDict()

    def hold(self, holder: Holder, octets: int) -> None:
        """`holder` was used now, and keeps so many octets; 0: nothing any more."""
        self.total += octets - self._by_holder.pop(holder, 0)
        if octets:
            self._by_holder[holder] = octets
        while self.total > self._limit:
            oldest, dropped = self._by_holder.popitem(last=False)
            self.total -= dropped
            oldest.drop()
