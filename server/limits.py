"""What peers may cost a run: the table `[limits]` of a configuration. Each limit has the reason for its default.

Others are not settings, because no peer has reason to come near, or they are of the standard: 16 levels of nested data
(`cosem/reader.py`), 64 attributes in protected data (`cosem/data_protection.py`), 128 in a push
(`binding/push_setup.py`), 16 events waiting to be served (`transports/connection.py`), 1 MiB of answers not taken
(`transports/tcp.py`), 64 KiB of them on HDLC (`transports/hdlc/secondary.py`), half a WPDU for 30 s
(`transports/wrapper.py`).
"""

from __future__ import annotations

from pydantic import Field

from cosem.held_octets import MOST_HELD
from cosem.request_cost import RequestLimits
from transports.admission import PeerLimits
from transports.tcp import DEFAULT_PATIENCE_S
from transports.udp import DEFAULT_APDU_OCTETS, DEFAULT_MAX_PEERS
from transports.wrapper import DEFAULT_MAX_APDU, DEFAULT_MAX_LINKS

from .profile_tables import Table

_DEFAULT = PeerLimits()
_REQUESTS = RequestLimits()


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
    udp_apdu_octets: int = Field(default=DEFAULT_APDU_OCTETS, ge=64, le=65_499)
    """Octets of an answer over UDP; longer ones go in blocks, or are refused. One Ethernet frame: a network may lose
    what it has to cut, and a forged source brings no more to whoever has that address. No datagram has over 65 507."""
    value_octets: int = Field(default=_REQUESTS.value_octets, ge=1024, le=1 << 24)
    """Octets of a value, or request, that arrives in blocks. The longest that clients write have a few KiB."""
    response_octets: int = Field(default=_REQUESTS.response_octets, ge=1 << 16, le=1 << 28)
    """Octets read for one request. The load profile read whole has 2 MiB; a list may name it many times."""
    held_octets: int = Field(default=MOST_HELD, ge=1 << 16, le=1 << 36)
    """Octets of what goes in blocks, both ways, that all connections together may leave with the meter; beyond, whoever
    has rested longest loses his. A hundred clients may read the whole load profile at once."""
    block_rest_s: float = Field(default=_REQUESTS.rest_s, gt=0, le=86_400)
    """For how long it may rest between two blocks. At 300 baud a block of 2 KiB takes a minute."""
    block_window: int = Field(default=_REQUESTS.window, ge=1, le=63)
    """General blocks taken in a row, kept even ahead of one that is missing. Eight save seven of eight turns."""
    block_repetitions: int = Field(default=_REQUESTS.repetitions, ge=0, le=1000)
    """Turns in general blocks that bring nothing new, in a row. A line that loses so many carries nothing."""
    accesses: int = Field(default=_REQUESTS.accesses, ge=1, le=65_535)
    """Accesses in one ACCESS. The largest in use have a tenth of it."""
    request_s: float = Field(default=_REQUESTS.request_s, gt=0, le=3600)
    """Seconds for all accesses of one request; what is left of them then is answered other-reason and not done. All
    other clients wait meanwhile. It is more than reading any one attribute takes; the first access is never refused."""
    unread_s: float = Field(default=DEFAULT_PATIENCE_S, gt=0, le=86_400)
    """For how long a TCP peer may take nothing of the answers that wait for it. No network that is there is slower."""

    @property
    def of_requests(self) -> RequestLimits:
        """Those of what a client asks for, and how its answer leaves."""
        return RequestLimits(
            value_octets=self.value_octets,
            response_octets=self.response_octets,
            accesses=self.accesses,
            request_s=self.request_s,
            window=self.block_window,
            repetitions=self.block_repetitions,
            rest_s=self.block_rest_s,
        )

    @property
    def of_peers(self) -> PeerLimits:
        """Those that a TCP connection must pass."""
        return PeerLimits(self.connections, self.connections_per_host, self.failures_per_host, self.failure_window_s)
