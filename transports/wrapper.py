"""The wrapper of IEC 62056-47: APDUs over TCP and UDP, eight octets in front of each.

`00 01 | source port(2) | destination port(2) | length(2) | APDU`

The ports are the SAPs of client and server. Over TCP a WPDU may come in pieces or several at once. The rules:
- Another version, or a length above the limit, leaves no way to find the next WPDU: `closing` says why, what
  follows is ignored, and the driver closes the connection.
- A destination that is no logical device here (also "all stations": there is no broadcast over TCP) is
  discarded in silence; so is a source port 0. `refused` says so of the first one, for a log.
- A WPDU may take 30 s from its first octet to its last; then the stream is closed likewise.
- Among the noise of a line a header may be chance: one that cannot be meant (`may_begin`) is none, and half a WPDU is
  given up after 1.5 s of silence, or the 30 s, without closing anything.
- A datagram holds one WPDU: octets behind the declared length are ignored, a shorter one is discarded. No answer is
  longer than `datagram_octets` as an APDU: what a network cuts often does not arrive, and who forges the address of
  somebody else must not bring much to him.

The case that counts, one whole WPDU of a known client per read, is one dictionary look-up by the first six
octets and one slice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .events import ApduReceived, Event, LinkDisconnected

HEADER_SIZE: Final = 8
VERSION: Final = b"\x00\x01"
DEFAULT_MAX_APDU: Final = 4096
LONGEST_APDU: Final = 0xFFFF
_NO_STATION: Final = 0
PARTIAL_TIMEOUT_S: Final = 30.0
"""Long enough for any network that is still there. Whoever asks every second must not keep half a WPDU alive."""
SILENCE_S: Final = 1.5
"""The longest gap inside a message on a line, as in IEC 62056-21."""
DEFAULT_MAX_LINKS: Final = 128
"""Links kept per stream: more client ports than DLMS has client addresses is no client but a scan."""


class Wpdu(NamedTuple):
    """One wrapper protocol data unit."""

    source: int
    destination: int
    apdu: bytes


class WrapperFault(ValueError):
    """Version or length is wrong; the stream cannot be read any further."""


def encode_wpdu(source: int, destination: int, apdu: bytes) -> bytes:
    """One WPDU, ports 0..0xFFFF. Raises `OverflowError` where the APDU is longer than 65535 octets."""
    return b"%b%b%b%b%b" % (
        VERSION,
        source.to_bytes(2, "big"),
        destination.to_bytes(2, "big"),
        len(apdu).to_bytes(2, "big"),
        apdu,
    )


class WpduReader:
    """Cuts a stream into WPDUs, for a client and for what the server's fast path leaves over."""

    def __init__(self, max_apdu_size: int = DEFAULT_MAX_APDU) -> None:
        self.buffer = bytearray()
        self._max_apdu_size = max_apdu_size

    def receive_data(self, data: bytes) -> Iterable[Wpdu]:
        """Take octets in any portions; yields the WPDUs they complete. Raises `WrapperFault`.

        Iterate to the end: what is not taken stays in the buffer.
        """
        self.buffer += data
        buffer = self.buffer
        position = 0
        try:
            while len(buffer) - position >= 1:
                if bytes(buffer[position : position + 2]) != VERSION[: len(buffer) - position]:
                    raise WrapperFault(f"version {bytes(buffer[position : position + 2]).hex()} instead of 0001")
                if len(buffer) - position < HEADER_SIZE:
                    return
                length = buffer[position + 6] << 8 | buffer[position + 7]
                if length > self._max_apdu_size:
                    raise WrapperFault(f"length {length} above the limit of {self._max_apdu_size}")
                end = position + HEADER_SIZE + length
                if len(buffer) < end:
                    return
                source = buffer[position + 2] << 8 | buffer[position + 3]
                destination = buffer[position + 4] << 8 | buffer[position + 5]
                apdu = bytes(buffer[position + HEADER_SIZE : end])
                position = end
                yield Wpdu(source, destination, apdu)
        finally:
            del buffer[:position]


class WrapperLink:
    """A pair of ports on one stream; see `events.Link`."""

    __slots__ = ("_output", "_prefix", "client_sap", "device", "max_apdu", "segments", "server_sap", "state")

    def __init__(
        self, device: Hashable, client_sap: int, server_sap: int, output: list[bytes], max_apdu: int | None = None
    ) -> None:
        self.device = device
        self.client_sap = client_sap
        self.server_sap = server_sap
        self.max_apdu = max_apdu
        self.segments = max_apdu is None
        self.state: Any = None
        self._output: list[bytes] | None = output
        self._prefix = VERSION + server_sap.to_bytes(2, "big") + client_sap.to_bytes(2, "big")

    def send_apdu(self, apdu: bytes, now: float) -> None:
        """Queue an answer. Raises `OverflowError` where it is longer than 65535 octets."""
        if self._output is not None:
            self._output.append(b"%b%b%b" % (self._prefix, len(apdu).to_bytes(2, "big"), apdu))

    def announce(self, apdu: bytes) -> bool:
        """Queue an APDU that nobody asked for; false where it is longer than the link carries."""
        if len(apdu) > (self.max_apdu or LONGEST_APDU):
            return False
        self.send_apdu(apdu, 0.0)
        return True

    def acknowledge(self, now: float) -> None:
        """Nothing: TCP acknowledges by itself."""

    def end(self) -> None:
        """Cut the link off its stream; what is sent later is ignored."""
        self._output = None


@dataclass
class WrapperCounters:
    """What happened on one stream."""

    wrong_address: int = 0
    wrong_length: int = 0
    timeouts: int = 0


class WrapperLine:
    """The server's side of one stream: one meter, its links keyed by the pair of ports.

    Where it carries datagrams, `datagram_octets` is the most that an APDU of ours may have.
    """

    def __init__(
        self,
        max_apdu_size: int = DEFAULT_MAX_APDU,
        max_links: int = DEFAULT_MAX_LINKS,
        datagram_octets: int | None = None,
    ) -> None:
        self.closing: str | None = None
        self.refused: str | None = None
        self.counters = WrapperCounters()
        self.among_noise = False
        """Set by a stream that carries a line: half a WPDU may have been noise."""
        self._reader = WpduReader(max_apdu_size)
        self._pending = self._reader.buffer
        self._max_size = HEADER_SIZE + max_apdu_size
        self._device: Hashable = None
        self._logical_devices: Callable[[], Collection[int]] = tuple
        self._max_links = max_links
        self._datagram_octets = datagram_octets
        self._links: dict[bytes, WrapperLink] = {}  # by version, source and destination: the first six octets
        self._output: list[bytes] = []
        self._begun = 0.0  # the WPDU that is pending
        self._last_octet = 0.0

    def attach(self, device: Hashable, logical_devices: Callable[[], Collection[int]]) -> None:
        """Name the meter behind this stream; `logical_devices` is asked once for each new pair of ports."""
        self._device = device
        self._logical_devices = logical_devices

    @property
    def idle(self) -> bool:
        """The stream is between WPDUs."""
        return not self._pending

    def may_begin(self, header: bytes) -> bool:
        """Whether a client may have meant these octets, eight at most, as a header, or the beginning of one."""
        version, source, destination, length = header[:2], header[2:4], header[4:6], header[6:8]
        return (
            VERSION.startswith(version)
            and source != _NO_STATION.to_bytes(2, "big")
            and any(device.to_bytes(2, "big").startswith(destination) for device in self._logical_devices())
            and (len(length) < 2 or HEADER_SIZE + int.from_bytes(length, "big") <= self._max_size)
        )

    def end_of_wpdu(self, data: bytes, position: int) -> int:
        """How far these octets belong to the WPDU that goes on or begins here; without its header, to that."""
        header = bytes(self._pending[:HEADER_SIZE]) + data[position : position + HEADER_SIZE]
        size = HEADER_SIZE + (int.from_bytes(header[6:8], "big") if len(header) >= HEADER_SIZE else 0)
        return min(position + size - len(self._pending), len(data))

    @property
    def pending(self) -> bytearray:
        """What follows the last whole WPDU: the beginning of one, or what it cannot go on with."""
        return self._pending

    def give_back(self) -> bytes:
        """Take back what is pending, as another protocol's; the stream goes on between WPDUs."""
        octets = bytes(self._pending)
        self._pending.clear()
        self.closing = None
        return octets

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets of a TCP stream; returns the APDUs they complete, oldest first."""
        link = self._links.get(data[:6])
        if (
            link is not None
            and HEADER_SIZE <= (size := len(data)) <= self._max_size
            and data[6] << 8 | data[7] == size - HEADER_SIZE
            and not self._pending
            and self.closing is None
        ):
            return [ApduReceived(link, data[HEADER_SIZE:])]
        if self.closing is not None:
            return []
        if not self._pending:
            self._begun = now
        self._last_octet = now
        events: list[Event] = []
        try:
            for wpdu in self._reader.receive_data(data):
                self._begun = now
                self._receive_wpdu(wpdu, events)
        except WrapperFault as fault:
            self.closing = str(fault)
        return events

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """Take one datagram; anything but a whole WPDU is discarded and never closes the line."""
        events: list[Event] = []
        size = HEADER_SIZE + int.from_bytes(data[6:8], "big")
        if data[:2] != VERSION or not HEADER_SIZE <= size <= min(len(data), self._max_size):
            self.counters.wrong_length += 1
        else:
            for wpdu in self._reader.receive_data(data[:size]):
                self._receive_wpdu(wpdu, events)
        return events

    def _receive_wpdu(self, wpdu: Wpdu, events: list[Event]) -> None:
        key = VERSION + wpdu.source.to_bytes(2, "big") + wpdu.destination.to_bytes(2, "big")
        link = self._links.get(key)
        if link is None:
            known = wpdu.source != _NO_STATION and wpdu.destination in self._logical_devices()
            if not known or len(self._links) >= self._max_links:
                self.counters.wrong_address += 1
                why = "too many pairs of ports" if known else "no such logical device, or no client"
                self.refused = self.refused or f"from {wpdu.source} to {wpdu.destination}: {why}"
                return
            link = self._links[key] = WrapperLink(
                self._device, wpdu.source, wpdu.destination, self._output, self._datagram_octets
            )
        events.append(ApduReceived(link, wpdu.apdu))

    def handle_timer(self, now: float) -> list[Event]:
        """Give up a WPDU whose rest does not come."""
        deadline = self.next_timer()
        if deadline is not None and now >= deadline:
            self.counters.timeouts += 1
            if self.among_noise:
                self._pending.clear()
                return []
            self.closing = f"half a WPDU for {PARTIAL_TIMEOUT_S:g} s"
        return []

    def next_timer(self) -> float | None:
        """When half a WPDU must be given up."""
        if not self._pending or self.closing is not None:
            return None
        latest = self._begun + PARTIAL_TIMEOUT_S
        return min(latest, self._last_octet + SILENCE_S) if self.among_noise else latest

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        output = self._output
        if not output:
            return b""
        data = output[0] if len(output) == 1 else b"".join(output)
        output.clear()
        return data

    def datagrams_to_send(self) -> list[bytes]:
        """The WPDUs that are to go out now, once, one for each datagram."""
        datagrams = self._output.copy()
        self._output.clear()
        return datagrams

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link ends with this reason."""
        links = list(self._links.values())
        self._links.clear()
        self._pending.clear()
        for link in links:
            link.end()
        return [LinkDisconnected(link, reason) for link in links]
