"""Links: an APDU out, the answer in, over the wrapper or an HDLC connection.

The state machines are those of `transports`; a link gives them the octets of its wire and the time. A link
that has raised anything is of no further use, as a late answer would be taken for the next one: close it.
"""

from __future__ import annotations

import contextlib
from time import monotonic
from typing import Final, NamedTuple, NoReturn, Protocol

from cosem.event_service import EVENT_TAGS
from transports.hdlc import HdlcParameters, HdlcPrimary
from transports.hdlc.primary import Announced, ApduReceived, Connected, Disconnected, Failed, PrimaryEvent, State
from transports.wrapper import WpduReader, WrapperFault, encode_wpdu

from .endpoint import Endpoint, EndpointKind, LinkProtocol
from .errors import CannotConnect, ClientError, ConnectionLost, NoAnswer, ProtocolFault
from .wires import Wire, open_wire

LARGEST_PDU: Final = 0xFFFF
DATAGRAM_PDU: Final = 1400
"""APDUs that fit an Ethernet frame with all headers: a datagram in fragments is easily lost."""
_RETRIES: Final = 3
_FRAMES_PER_TURN: Final = 700 * 10
"""Bits on the line from a request to the end of its answer: the largest frames of both sides."""
_CLIENT_ALL_STATION: Final = 0x7F
LAST_LOWER: Final = 0x3FFD
_LAST_SHORT_LOWER: Final = 0x7D
"""Above them come the reserved addresses of the four-octet and the two-octet form (IEC 62056-46, 6.4.2.3)."""


_EVENTS: Final = {bytes((tag,)) for tag in EVENT_TAGS}


class LinkOptions(NamedTuple):
    """Who talks to whom, and how long to wait.

    `hdlc_address` is the lower HDLC address (1..0x3FFD); without it the server address has one octet.
    """

    client_sap: int
    server_sap: int
    timeout_s: float = 5.0
    hdlc_address: int | None = None
    baud: int = 9600


class Link(Protocol):
    """One client connected to one logical device."""

    max_pdu: int
    """Largest APDU that it is good to receive."""
    ends_association: bool
    """Closing the link also ends the association; otherwise the client releases it first."""
    events: list[bytes]
    """APDUs that the meter has sent unasked, oldest first."""

    def ask(self, apdu: bytes) -> bytes:
        """Send a request and wait for its answer; raises `ClientError`."""

    def close(self) -> None:
        """Disconnect, as far as that still works."""


class WrapperLink:
    """The wrapper on a TCP connection or UDP socket."""

    ends_association = False

    def __init__(self, wire: Wire, endpoint: Endpoint, options: LinkOptions) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._options = options
        self._datagrams = endpoint.kind is EndpointKind.UDP
        self._reader = WpduReader(LARGEST_PDU)
        self.events: list[bytes] = []
        self.max_pdu = DATAGRAM_PDU if self._datagrams else LARGEST_PDU

    def ask(self, apdu: bytes) -> bytes:
        """Send one WPDU and wait for the one between the same two ports."""
        options = self._options
        self._wire.send(encode_wpdu(options.client_sap, options.server_sap, apdu))
        deadline = monotonic() + options.timeout_s
        while (remaining := deadline - monotonic()) > 0:
            if self._datagrams:
                self._reader = WpduReader(LARGEST_PDU)
            try:
                heard = list(self._reader.receive_data(self._wire.receive(remaining)))
            except WrapperFault as fault:
                raise ProtocolFault(f"{self._endpoint} does not speak the wrapper: {fault}") from fault
            ours = [item.apdu for item in heard if item[:2] == (options.server_sap, options.client_sap)]
            self.events += [apdu for apdu in ours if apdu[:1] in _EVENTS]
            if answers := [apdu for apdu in ours if apdu[:1] not in _EVENTS]:
                return answers[0]
        raise NoAnswer(f"{self._endpoint}: no answer within {options.timeout_s:g} s {_addressed(options)}")

    def close(self) -> None:
        """Close the wire."""
        self._wire.close()


class HdlcLink:
    """An HDLC connection."""

    ends_association = True
    max_pdu = LARGEST_PDU

    def __init__(self, wire: Wire, endpoint: Endpoint, options: LinkOptions) -> None:
        """Connect; raises `CannotConnect` or `NoAnswer`, `ValueError` where an address does not fit."""
        self.events: list[bytes] = []
        self._wire = wire
        self._endpoint = endpoint
        self._options = options
        turn_s = options.timeout_s / (_RETRIES + 1)
        if endpoint.kind is EndpointKind.SERIAL:
            turn_s = max(turn_s, 1.5 * _FRAMES_PER_TURN / options.baud)
        self._patience_s = turn_s * (_RETRIES + 1)
        if not 0 < options.client_sap < _CLIENT_ALL_STATION:
            raise ValueError(f"client {options.client_sap} does not fit HDLC (1..{_CLIENT_ALL_STATION - 1})")
        if options.hdlc_address is not None and not 0 < options.hdlc_address <= LAST_LOWER:
            raise ValueError(f"lower HDLC address {options.hdlc_address} does not fit (1..{LAST_LOWER})")
        self._primary = HdlcPrimary(
            options.client_sap,
            options.server_sap,
            options.hdlc_address,
            _address_size(options),
            HdlcParameters(max_info_transmit=128, max_info_receive=512),
            response_timeout_s=turn_s,
            retries=_RETRIES,
            answer_timeout_s=self._patience_s,
        )
        self._primary.connect(monotonic())
        try:
            self._wait(Connected)
        except ConnectionLost as refused:
            raise CannotConnect(str(refused)) from refused

    def ask(self, apdu: bytes) -> bytes:
        """Send an APDU in as many frames as it takes and wait for the whole answer."""
        try:
            self._primary.send_apdu(apdu, monotonic())
        except ConnectionError as error:
            raise ConnectionLost(f"{self._endpoint}: {error}") from error
        event = self._wait(ApduReceived)
        assert isinstance(event, ApduReceived)
        return event.apdu

    def close(self) -> None:
        """Disconnect and close the wire."""
        with contextlib.suppress(ClientError):
            if self._primary.state is State.CONNECTED:
                self._primary.disconnect(monotonic())
                self._wait(Disconnected)
        self._wire.close()

    def _wait(self, wanted: type[PrimaryEvent]) -> PrimaryEvent:
        """Serve the connection until this happens."""
        primary = self._primary
        while True:
            self._send()
            due = primary.next_timer()
            data = self._wire.receive(self._patience_s if due is None else due - monotonic())
            heard = primary.receive_data(data, monotonic())
            for event in heard + primary.handle_timer(monotonic()):
                if isinstance(event, Announced):
                    self.events.append(event.apdu)
                if isinstance(event, wanted):
                    self._send()
                    return event
                if isinstance(event, Failed):
                    self._failed(event.reason, silent=event not in heard)

    def _send(self) -> None:
        data = self._primary.data_to_send()
        if data:
            self._wire.send(data)

    def _failed(self, reason: str, silent: bool) -> NoReturn:
        if silent:
            addressed = _addressed(self._options)
            raise NoAnswer(f"{self._endpoint}: no answer within {self._patience_s:g} s {addressed}")
        raise ConnectionLost(f"{self._endpoint}: {reason}")


def open_link(endpoint: Endpoint, options: LinkOptions) -> Link:
    """Connect to an endpoint; raises `CannotConnect`, `NoAnswer`, `ConnectionLost` or, for an address, `ValueError`."""
    wire = open_wire(endpoint, options.baud, options.timeout_s)
    try:
        if endpoint.protocol is LinkProtocol.WRAPPER:
            return WrapperLink(wire, endpoint, options)
        return HdlcLink(wire, endpoint, options)
    except BaseException:
        wire.close()
        raise


def _address_size(options: LinkOptions) -> int:
    """Octets of the server address: as few as hold both halves."""
    if options.hdlc_address is None:
        return 1
    return 2 if options.hdlc_address <= _LAST_SHORT_LOWER and options.server_sap <= _LAST_SHORT_LOWER else 4


def _addressed(options: LinkOptions) -> str:
    return f"(client {options.client_sap}, server {options.server_sap})"
