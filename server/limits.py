"""What peers may cost a run: the table `[limits]` of a configuration. Each limit has the reason for its default.

Others are not settings, because no peer has reason to come near: 16 levels of nested data (`cosem/reader.py`), 16
events waiting to be served (`transports/connection.py`), 1 MiB of answers not taken (`transports/tcp.py`), 64 KiB of a
value in blocks (`cosem/association.py`).
"""

from __future__ import annotations

from pydantic import Field

from transports.admission import PeerLimits
from transports.tcp import DEFAULT_PATIENCE_S
from transports.udp import DEFAULT_MAX_PEERS
from transports.wrapper import DEFAULT_MAX_APDU, DEFAULT_MAX_LINKS

from .profile_tables import Table

_DEFAULT = PeerLimits()


class Limits(Table):
    """How much peers may have and take."""

    connections: int = Field(default=_DEFAULT.connections, ge=1, le=1_000_000)
    """TCP connections open at once. A process has 1024 file descriptors, unless it is given more."""
    connections_per_host: int = Field(default=_DEFAULT.connections_per_host, ge=1, le=1_000_000)
    """Of these, connections of one host. A head-end that reads in parallel has a few hundred at most."""
    failures_per_host: int = Field(default=_DEFAULT.failures_per_host, ge=0, le=1_000_000)
    """Failed authentications of one host in a window; with more it may not connect until the window is over.
    Nobody mistypes that often."""
    failure_window_s: float = Field(default=_DEFAULT.window_s, gt=0, le=86_400)
    """The window. Whoever was shut out by somebody else on the same host waits no longer."""
    associations_per_connection: int = Field(default=DEFAULT_MAX_LINKS, ge=1, le=65_536)
    """Pairs of client and server on one wrapper stream. DLMS has no more client addresses than the default."""
    udp_peers: int = Field(default=DEFAULT_MAX_PEERS, ge=1, le=65_536)
    """Peers of a UDP endpoint that are remembered; sources can be forged, so the table must not grow with them."""
    apdu_octets: int = Field(default=DEFAULT_MAX_APDU, ge=64, le=0xFFFF)
    """Octets of an APDU that a wrapper or HDLC link takes, whatever an association allows: bounds reassembly."""
    push_octets: int = Field(default=0x10000, ge=64, le=0x1000000)
    """Octets of an APDU that a meter pushes: as a client says what, it must not be able to name everything there is.
    Where a destination takes less, as the wrapper does, that counts."""
    unread_s: float = Field(default=DEFAULT_PATIENCE_S, gt=0, le=86_400)
    """For how long a TCP peer may take nothing of the answers that wait for it. No network that is there is slower."""

    @property
    def of_peers(self) -> PeerLimits:
        """Those that a TCP connection must pass."""
        return PeerLimits(self.connections, self.connections_per_host, self.failures_per_host, self.failure_window_s)
