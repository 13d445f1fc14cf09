"""A readable trace of everything that crosses an endpoint, wrapped around its stream.

One line for each message of any protocol, and for each portion of other octets: time, endpoint, direction (`->` to
the meter, `<-` from it), what it is, its octets in hex. A message that comes in pieces is shown when whole, or for
what there is of it when the other side speaks; what the receiver drops is shown with the reason.

    12.345 tcp://127.0.0.1:4059 -> HDLC 16>1 SNRM P/F 23 octets | 7E A0 20 03 21 93 …
    17.200 pty:/dev/pts/3 -> KMP 3F CID 10 3 octets | 80 3F 10 01 00 01 55 A1 0D
    17.430 pty:/dev/pts/3 -> IEC 62056-21 '/?!\\r\\n' | 2F 3F 21 0D 0A
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final, NamedTuple, TextIO

from . import kmp, kmp_hex, recognition
from .events import Event
from .frame_line import Reader
from .hdlc.frame import FrameCounters, FrameReceiver
from .iec62056_21 import framing
from .recognition import HDLC, IEC, KMP, KMP_HEX, WRAPPER, Beginnings
from .stream import ByteStream
from .stream_around import StreamAround
from .wrapper import DEFAULT_MAX_APDU, WpduReader, WrapperFault, encode_wpdu

TO_METER: Final = "->"
FROM_METER: Final = "<-"
_DATAGRAM_LIMIT: Final = 0xFFFF


class Entry(NamedTuple):
    """One line of a trace without its time and place: what it is, and the octets."""

    text: str
    octets: bytes

    def __str__(self) -> str:
        return f"{self.text} | {self.octets.hex(' ').upper()}"

    def without(self, hidden: Sequence[slice]) -> str:
        """The line with these octets hidden."""
        shown = [f"{octet:02X}" for octet in self.octets]
        octets = bytearray(self.octets)
        for part in hidden:
            for place in range(*part.indices(len(octets))):
                shown[place], octets[place] = "**", ord("*")
        is_text = self.text.startswith("IEC 62056-21")
        return f"{_text(bytes(octets)).text if is_text else self.text} | {' '.join(shown)}"


class Side(NamedTuple):
    """How the messages begin that one side sends."""

    beginnings: Mapping[str, bytes]
    characters: Mapping[int, int]
    kmp: int
    kmp_hex: int


CLIENT: Final = Side(recognition.IN_DIALOGUES, framing.OF_CLIENTS, kmp.TO_METER, kmp_hex.TO_METER)
METER: Final = Side(recognition.OF_METERS, framing.OF_METERS, kmp.FROM_METER, kmp_hex.FROM_METER)

_NAMES: Final = {KMP: "KMP", KMP_HEX: "hexadecimal"}
_PARTS: Final = re.compile(rb"\x06|[^\r\x06]*\r|[^\r\x06]+")  # acknowledgements and frames


class Decoder:
    """Makes entries of the octets of what one side sends: `CLIENT` or `METER`. Of `datagrams` each stands alone.

    Where no `wrapper` is offered 00 01 begins nothing, and where another protocol was spoken only with a header that
    can be meant: a NUL before a command is noise, and what follows it is that command.
    """

    def __init__(self, side: Side, *, datagrams: bool = False, wrapper: bool = True) -> None:
        self._datagrams = datagrams
        self._wrapper = wrapper
        self._only_wrapper = True
        self._beginnings = Beginnings(table=side.beginnings)
        self._counters = FrameCounters()
        self._receiver = FrameReceiver(self._counters)
        self._characters = framing.MessageReader(side.characters)
        self._frames: dict[str, Reader] = {
            KMP: kmp.FrameReader(side.kmp),
            KMP_HEX: kmp_hex.HexFrameReader(side.kmp_hex),
        }
        self._side = side
        self._current: str | None = None
        self._begun = bytearray()  # octets of the message that has begun, HDLC's excepted

    def receive_data(self, data: bytes, now: float) -> list[Entry]:
        """What these octets are; a message that is not yet whole gives nothing."""
        self._characters.option_select = self._side is CLIENT or data != bytes((kmp.ACK,))
        entries: list[Entry] = []
        position = 0
        while position < len(data):
            protocol = self._whose(data, position, now)
            end = len(data)
            if protocol != WRAPPER:
                end = self._beginnings.next_other(protocol or WRAPPER, data, position + 1)
            piece, position, self._current = data[position:end], end, protocol
            if protocol == HDLC:
                entries += self._hdlc_frames(piece, now)
            elif protocol == IEC:
                entries += self._messages(piece)
            elif protocol == WRAPPER:
                entries += self._wpdus(piece)
            elif protocol is not None:
                entries += self._kmp_frames(protocol, piece)
            else:
                entries.append(_text(piece))
        return entries

    def flush(self) -> list[Entry]:
        """The message that has begun, since nothing more of it will come: the other side speaks.

        A WPDU is whole or goes on, whoever speaks meanwhile: there is more of it until `end`.
        """
        if self._current == WRAPPER:
            return []
        self._characters.drop()
        for reader in self._frames.values():
            reader.drop()
        return self._take(len(self._begun))

    def end(self) -> list[Entry]:
        """What has begun and now stays a part: the stream is closed."""
        if self._current != WRAPPER:
            return self.flush()
        part, self._begun = bytes(self._begun), bytearray()
        return [Entry("part of a WPDU", part)] if part else []

    def _whose(self, data: bytes, position: int, now: float) -> str | None:
        current, octet = self._current, data[position]
        if self._begun or (current == HDLC and not self._receiver.idle):
            return current
        if current == HDLC and octet & 0xF0 == 0xA0 and self._receiver.flag_pending(now):
            return current
        if current == KMP and octet == kmp.ACK:
            return current
        begins = self._beginnings.at(data, position)
        if begins is None:
            return None
        if begins.protocol == WRAPPER:
            can_be = self._wrapper and begins.certain
            return WRAPPER if can_be and (self._only_wrapper or _is_header(data[position : position + 8])) else None
        self._only_wrapper = False
        return begins.protocol

    def _hdlc_frames(self, data: bytes, now: float) -> list[Entry]:
        before = asdict(self._counters)
        entries = [Entry(f"HDLC {frame}", frame.encode()) for frame in self._receiver.receive_data(data, now)]
        return entries + _dropped("HDLC", before, asdict(self._counters), data)

    def _messages(self, data: bytes) -> list[Entry]:
        entries: list[Entry] = []
        for octet in data:
            self._begun.append(octet)
            heard = self._characters.receive(octet)
            if heard is not None:
                entries += self._take(len(self._begun) - len(heard.octets))
                entries += self._take(len(self._begun))
        return entries + (self._take(len(self._begun)) if self._characters.idle else [])

    def _wpdus(self, data: bytes) -> list[Entry]:
        reader = WpduReader(_DATAGRAM_LIMIT)
        entries = []
        octets, self._begun = bytes(self._begun) + data, bytearray()
        try:
            for wpdu in reader.receive_data(octets):
                text = f"wrapper {wpdu.source}>{wpdu.destination} {len(wpdu.apdu)} octets"
                entries.append(Entry(text, encode_wpdu(*wpdu)))
        except WrapperFault as fault:
            entries.append(Entry(f"wrapper: {fault}", bytes(reader.buffer)))
        else:
            self._begun = reader.buffer
        return entries + (self.end() if self._datagrams else [])

    def _take(self, count: int) -> list[Entry]:
        octets = bytes(self._begun[:count])
        del self._begun[:count]
        return [_text(octets)] if octets else []

    def _kmp_frames(self, protocol: str, data: bytes) -> list[Entry]:
        reader, name = self._frames[protocol], _NAMES[protocol]
        entries: list[Entry] = []
        for part in _PARTS.findall(data):
            octets = bytes(self._begun) + part
            before = asdict(reader.counters)
            entries += [Entry(f"{name} {frame}", octets) for frame in reader.receive_data(part)]
            entries += _dropped(name, before, asdict(reader.counters), octets)
            self._begun = bytearray() if reader.idle else bytearray(octets)
            if octets == bytes((kmp.ACK,)):
                entries.append(Entry(f"{name} acknowledgement", octets))
        return entries


def _dropped(name: str, before: dict[str, int], after: dict[str, int], octets: bytes) -> list[Entry]:
    faults = [fault for fault in before if fault != "frames" and after[fault] > before[fault]]
    return [Entry(f"{name} dropped: {', '.join(faults)}", octets)] if faults else []


def _is_header(octets: bytes) -> bool:
    """Whether these can be the eight octets before an APDU: ports that are not 0, no more than is ever sent."""
    ports_and_length = [int.from_bytes(octets[place : place + 2], "big") for place in (2, 4, 6)]
    return len(octets) == 8 and all(ports_and_length) and ports_and_length[2] <= DEFAULT_MAX_APDU


def _text(octets: bytes) -> Entry:
    """A message of IEC 62056-21, or what somebody might take for one; else octets."""
    text = bytes(octet & 0x7F for octet in octets).decode("ascii")
    if all(character.isprintable() or character in "\x01\x02\x03\x04\x06\x15\r\n" for character in text):
        return Entry(f"IEC 62056-21 {text!r}", octets)
    return Entry(f"{len(octets)} octets", octets)


def _seconds(now: float) -> str:
    return f"{now:.3f}"


def _nothing(octets: bytes, to_meter: bool) -> list[slice]:
    return []


class Tracer:
    """Writes the lines of all endpoints to one text file. `clock` turns the time of the streams into text; `secret`
    says which octets of a message, to the meter or from it, are not for everybody's eyes.
    """

    def __init__(
        self,
        output: TextIO,
        clock: Callable[[float], str] = _seconds,
        secret: Callable[[bytes, bool], list[slice]] = _nothing,
    ) -> None:
        self._output = output
        self._clock = clock
        self._secret = secret

    def write(self, endpoint: str, direction: str, entries: list[Entry], now: float) -> None:
        """One line for each entry."""
        for entry in entries:
            hidden = self._secret(entry.octets, direction == TO_METER)
            line = entry.without(hidden) if hidden else str(entry)
            self._output.write(f"{self._clock(now)} {endpoint} {direction} {line}\n")
        if entries:
            self._output.flush()


class TracedStream(StreamAround):
    """A stream whose octets, of both directions or one, are also written to a tracer; wrap it around any other.

    The end of the stream is written with what goes to the meter. On a stream of `datagrams` no message goes on in the
    next portion.
    """

    def __init__(
        self,
        stream: ByteStream,
        tracer: Tracer,
        endpoint: str,
        directions: Collection[str] = (TO_METER, FROM_METER),
        *,
        datagrams: bool = False,
        wrapper: bool = True,
    ) -> None:
        super().__init__(stream)
        self._directions = directions
        self._tracer = tracer
        self._endpoint = endpoint
        self._incoming = Decoder(CLIENT, datagrams=datagrams, wrapper=wrapper)
        self._outgoing = Decoder(METER, datagrams=datagrams, wrapper=wrapper)
        self._now = 0.0

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Trace, then hand on."""
        self._now = now
        self._trace(FROM_METER, self._outgoing.flush())
        self._trace(TO_METER, self._incoming.receive_data(data, now))
        return self._stream.receive_data(data, now)

    def handle_timer(self, now: float) -> list[Event]:
        """Hand on."""
        self._now = now
        return self._stream.handle_timer(now)

    def data_to_send(self) -> bytes:
        """Take from the stream and trace; an answer given later bears the time of the last input."""
        data = self._stream.data_to_send()
        if data:
            self._trace(TO_METER, self._incoming.flush())
            self._trace(FROM_METER, self._outgoing.receive_data(data, self._now))
        return data

    def close(self, reason: str) -> list[Event]:
        """Trace the end, then hand on."""
        self._trace(TO_METER, self._incoming.end())
        self._trace(FROM_METER, self._outgoing.end())
        if TO_METER in self._directions:
            self._tracer.write(self._endpoint, "--", [Entry(reason, b"")], self._now)
        return self._stream.close(reason)

    def _trace(self, direction: str, entries: list[Entry]) -> None:
        if direction in self._directions:
            self._tracer.write(self._endpoint, direction, entries, self._now)
