"""What the transports tell the layer above: links come and go, APDUs arrive.

A *link* is one client talking to one logical device of one meter: an HDLC connection or a pair of wrapper
ports. Events carry the link they belong to; answers go back through `Link.send_apdu`. A link that was
reported disconnected is dead: sending on it does nothing, a later connection is another object.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol


class Link(Protocol):
    """One client on one logical device, whatever carries it."""

    client_sap: int
    """Address of the client: HDLC source address or wrapper source port."""
    server_sap: int
    """Address of the logical device: upper HDLC address or wrapper destination port."""
    device: Hashable
    """The key with which the physical device was attached to its line."""
    state: Any
    """A free slot for the session of the layer above; `None` at first."""

    @property
    def max_apdu(self) -> int | None:
        """Octets of the largest APDU that leaves in one frame unsegmented; `None` where there is no such limit."""

    def send_apdu(self, apdu: bytes, now: float) -> None:
        """Queue an answer; segmentation and the right moment are the link's business."""

    def acknowledge(self, now: float) -> None:
        """Say that the APDU just received gets no answer (unconfirmed service): HDLC then answers RR."""


class LinkConnected(NamedTuple):
    """HDLC accepted an SNRM. The wrapper never sends this: its links are known by their first APDU."""

    link: Link


class ApduReceived(NamedTuple):
    """A whole APDU, reassembled and without its LLC or wrapper header."""

    link: Link
    apdu: bytes


class LinkDisconnected(NamedTuple):
    """The link is gone: DISC, inactivity, a new SNRM, a refused SNRM, a detached device or a closed stream."""

    link: Link
    reason: str


Event = LinkConnected | ApduReceived | LinkDisconnected
