"""What one client may cost: bounds of a request, of a value in blocks, and of an exchange in general blocks.

A list of accesses is cheap to send and may be dear to serve: 256 load profiles are asked for in 3 KB. So every access
of a request, whatever the service, asks its `RequestCost` first:

| spent | then |
|---|---|
| `response_octets` were read, whether they fitted into the response or not | what would read more is other-reason |
| `request_s` have gone by since the first access | every further access is other-reason |

What is answered so was not done, neither read, written nor invoked; the client asks for it again. The first access of
a request is always served, so nothing is refused for ever. Accesses inside of one (protected data, reading by logical
name) count as reads, but what has begun to be written is written to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .errors import OtherReason


class RequestLimits(NamedTuple):
    """The bounds. Octets and numbers here are ours: the standard has none."""

    value_octets: int = 0x10000
    """Of a value or request that arrives in blocks. The longest that a client writes have a few KiB."""
    response_octets: int = 1 << 24
    """Read for one request: the load profile read whole has 2 MiB, all of an ACCESS or a list more."""
    accesses: int = 256
    """In one ACCESS; the largest of GBCS have a tenth of it."""
    request_s: float = 1.0
    """For the accesses of one request. Others wait meanwhile, at most so long and for one access more; a first access
    may well take half of it, as the first reading of a load profile does."""
    window: int = 8
    """General blocks taken in a row: 8 of them save seven of eight turns, and bound what is kept ahead of a gap."""
    repetitions: int = 16
    """Turns in general blocks that bring nothing new, in a row. A line that loses so many carries nothing."""
    rest_s: float = 120.0
    """For which what goes in blocks may rest between two of them, as long as the inactivity time-out of HDLC: at 300
    baud a block of 2 KiB takes a minute."""


class RequestCost:
    """Counts what one request after the other costs; `clock` gives seconds of any origin, and never goes back."""

    __slots__ = ("_clock", "_end", "_octets", "limits")

    def __init__(self, limits: RequestLimits | None = None, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.limits = limits or RequestLimits()
        self._clock = clock
        self._octets = 0
        self._end: float | None = None

    def begin(self) -> None:
        """A request comes."""
        self._octets = 0
        self._end = None

    def access(self) -> None:
        """One access more; raises `OtherReason` where the time of the request is over."""
        now = self._clock()
        if self._end is None:
            self._end = now + self.limits.request_s
        elif now >= self._end:
            raise OtherReason("the request takes too long")

    def reading(self) -> None:
        """Something is to be read; raises `OtherReason` where that was enough, in octets or in time."""
        if self._octets > self.limits.response_octets:
            raise OtherReason("more octets than a response may have")
        self.access()

    def read(self, octets: int) -> None:
        """So many octets were read."""
        self._octets += octets
