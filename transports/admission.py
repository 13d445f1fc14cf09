"""Who may connect: so many connections at once, so many of one host, and after too many failures none for a while.

A plain object without clock or socket, one for all TCP endpoints of a run. A *failure* is a peer that could not prove
what it claimed (a wrong password, a wrong tag); whoever serves it says so through `Connection.blame`. The first failure
of a host opens a window of `window_s`; once there are more in it than allowed, the host is not let in until the window
is over, and the connection that failed is closed. Others of the host go on.

Datagrams are not admitted: their source can be forged, so anybody could shut out anybody.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

_MOST_HOSTS: Final = 4096
"""Hosts whose failures are remembered; beyond, the one whose window began first is forgotten."""


class PeerLimits(NamedTuple):
    """How much peers may have."""

    connections: int = 1000
    """Below the 1024 file descriptors that a process usually has."""
    connections_per_host: int = 500
    """A head-end that reads in parallel has a few hundred at most; one host cannot take all."""
    failures_per_host: int = 100
    """Nobody mistypes that often in a window; who guesses gets no further."""
    window_s: float = 60.0


class Admission:
    """Counts connections and failures by host; `now` never goes back."""

    def __init__(self, limits: PeerLimits | None = None) -> None:
        self._limits = limits or PeerLimits()
        self._open: dict[str, int] = {}
        self._total = 0
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, end of the window
        self._refused = ""

    def enter(self, host: str, now: float) -> str | None:
        """Let a connection in, or give the reason why not; who was let in calls `leave` at its end."""
        limits = self._limits
        present = self._open.get(host, 0)
        if self._total >= limits.connections:
            return f"{self._total} connections are open"
        if present >= limits.connections_per_host:
            return f"{present} connections of this host are open"
        count, end = self._failures.get(host, (0, now))
        if now < end and count > limits.failures_per_host:
            return f"{count} failures of this host"
        self._open[host] = present + 1
        self._total += 1
        return None

    def is_news(self, host: str) -> bool:
        """Whether a refusal of this host is worth a line in the log: not one like the last."""
        news, self._refused = host != self._refused, host
        return news

    def leave(self, host: str) -> None:
        """A connection that was let in is over."""
        self._total -= 1
        if self._open[host] == 1:
            del self._open[host]
        else:
            self._open[host] -= 1

    def failed(self, host: str, now: float) -> bool:
        """A peer on this host could not prove what it claimed; whether that was once too often."""
        count, end = self._failures.get(host, (0, 0.0))
        if now >= end:
            self._failures.pop(host, None)
            count, end = 0, now + self._limits.window_s
        self._failures[host] = count + 1, end
        if len(self._failures) > _MOST_HOSTS:
            self._failures.popitem(last=False)
        return count >= self._limits.failures_per_host
