"""What the transports tell the layer above: links come and go, APDUs and requests arrive.

A *link* is one client talking to one meter: an HDLC connection or a pair of wrapper ports to a logical device, a
programming dialogue of IEC 62056-21, or whoever asks by KMP. Events carry the link they belong to; answers go back
through the link, at once or later. A link that was reported disconnected is dead: sending on it does nothing, a later
connection is another object.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
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

    @property
    def segments(self) -> bool:
        """Whether a longer one leaves in several frames; otherwise it does not leave at all."""

    def send_apdu(self, apdu: bytes, now: float) -> None:
        """Queue an answer; segmentation and the right moment are the link's business."""

    def announce(self, apdu: bytes) -> bool:
        """Queue an APDU that nobody asked for; false where the link cannot carry it. HDLC sends it when polled."""

    def acknowledge(self, now: float) -> None:
        """Say that the APDU just received gets no answer (unconfirmed service): HDLC then answers RR."""


class ProgrammingLink(Protocol):
    """A programming or manufacturer dialogue of IEC 62056-21 with one meter, from its P0 to its end.

    Every `CommandReceived` gets exactly one answer; until then the meter's timers of the dialogue rest.
    """

    device: Hashable
    """The key with which the meter was attached to its line."""
    mode: str
    """What the acknowledgement asked for: "1" programming, "6" to "9" manufacturer; "A" or "B" after a readout of
    these modes, where any command begins programming."""
    state: Any
    """A free slot for the session of the layer above; `None` at first."""

    def acknowledge(self, now: float) -> None:
        """Answer ACK: the password is right, the value written."""

    def send_data(self, blocks: Sequence[str], now: float) -> None:
        """Answer with data; of several blocks each but the last ends with EOT and waits for its ACK."""

    def send_error(self, text: str, now: float) -> None:
        """Answer with an error message: up to 32 printable characters, without brackets."""

    def break_off(self, now: float) -> None:
        """Answer with B0: the dialogue is over, as after a wrong password."""


class FrameLink(Protocol):
    """Whoever asks one meter by KMP, or by the hexadecimal protocol of the 685."""

    device: Hashable
    """The key with which the meter was attached to its line."""
    state: Any
    """A free slot for the session of the layer above; `None` at first."""

    def send_frame(self, data: bytes, now: float) -> None:
        """Answer with a frame: command identifier and data; address, check and stuffing are the link's business."""

    def acknowledge(self, now: float) -> None:
        """Answer with the acknowledgement alone (KMP: 06)."""

    def ignore(self, now: float) -> None:
        """Give no answer: the client's time runs out."""


class LinkConnected(NamedTuple):
    """HDLC accepted an SNRM. The wrapper never sends this: its links are known by their first APDU."""

    link: Link


class ApduReceived(NamedTuple):
    """A whole APDU, reassembled and without its LLC or wrapper header."""

    link: Link
    apdu: bytes


class CommandReceived(NamedTuple):
    """A whole programming command with the right block check: `R5` of `1.0.0` with `` between its brackets."""

    link: ProgrammingLink
    command: str
    """`P1`, `P2`, `R1` to `R6`, `W1` to `W5`, `E2`. B0 ends the link instead."""
    address: str
    """What stands before the brackets; empty for P1 and P2."""
    data: str
    """What stands between the brackets: a password, a value, the parameters of a logger readout. Of several values the
    brackets between them are part of it: `2)(1.8.0)(1.8.1` (IEC 1107 description 6)."""


class FrameReceived(NamedTuple):
    """A whole KMP frame for this meter, unstuffed, its CRC right: command identifier (CID) and data."""

    link: FrameLink
    cid: int
    data: bytes


class HexFrameReceived(NamedTuple):
    """A whole frame of the 685's hexadecimal protocol, its checksum right: command and data as octets."""

    link: FrameLink
    command: int
    data: bytes


class LinkDisconnected(NamedTuple):
    """The link is gone: DISC, break, inactivity, a new or refused SNRM, a detached device or a closed stream.

    A KMP link ends with its stream.
    """

    link: Link | ProgrammingLink | FrameLink
    reason: str


Event = LinkConnected | ApduReceived | CommandReceived | FrameReceived | HexFrameReceived | LinkDisconnected
