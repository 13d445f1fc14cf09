"""A readable trace of everything that crosses an endpoint, wrapped around its stream.

One line for each HDLC frame, WPDU or portion of other octets: time, endpoint, direction (`->` to the meter,
`<-` from it), what it is, its octets in hex. HDLC frames that come in pieces are shown when whole; what the
receiver drops is shown with the reason.

    12.345 tcp://127.0.0.1:4059 -> HDLC 16>1 SNRM P/F 23 octets | 7E A0 20 03 21 93 …
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Final, NamedTuple, TextIO

from .events import Event
from .hdlc.frame import FLAG, FrameCounters, FrameReceiver
from .stream import ByteStream
from .stream_around import StreamAround
from .wrapper import VERSION, WpduReader, WrapperFault, encode_wpdu

TO_METER: Final = "->"
FROM_METER: Final = "<-"
_DATAGRAM_LIMIT: Final = 0xFFFF


class Entry(NamedTuple):
    """One line of a trace without its time and place: what it is, and the octets."""

    text: str
    octets: bytes

    def __str__(self) -> str:
        return f"{self.text} | {self.octets.hex(' ').upper()}"


class Decoder:
    """Makes entries of the octets of one direction."""

    def __init__(self) -> None:
        self._counters = FrameCounters()
        self._receiver = FrameReceiver(self._counters)

    def receive_data(self, data: bytes, now: float) -> list[Entry]:
        """What these octets are; a frame that is not yet whole gives nothing."""
        shares_flag = data[0] & 0xF0 == 0xA0 and self._receiver.flag_pending(now)
        if data[0] == FLAG or shares_flag or not self._receiver.idle:
            return self._hdlc(data, now)
        if data[:2] == VERSION:
            return _wrapper(data)
        text = bytes(octet & 0x7F for octet in data).decode("ascii")
        if all(character.isprintable() or character in "\x01\x02\x03\x04\x06\x15\r\n" for character in text):
            return [Entry(f"IEC 62056-21 {text!r}", data)]
        return [Entry(f"{len(data)} octets", data)]

    def _hdlc(self, data: bytes, now: float) -> list[Entry]:
        before = asdict(self._counters)
        entries = [Entry(f"HDLC {frame}", frame.encode()) for frame in self._receiver.receive_data(data, now)]
        after = asdict(self._counters)
        faults = [name for name in before if name != "frames" and after[name] > before[name]]
        if faults:
            entries.append(Entry(f"HDLC dropped: {', '.join(faults)}", data))
        return entries


def _wrapper(data: bytes) -> list[Entry]:
    reader = WpduReader(_DATAGRAM_LIMIT)
    entries = []
    try:
        for wpdu in reader.receive_data(data):
            text = f"wrapper {wpdu.source}>{wpdu.destination} {len(wpdu.apdu)} octets"
            entries.append(Entry(text, encode_wpdu(*wpdu)))
    except WrapperFault as fault:
        entries.append(Entry(f"wrapper: {fault}", bytes(reader.buffer)))
    else:
        if reader.buffer:
            entries.append(Entry("part of a WPDU", bytes(reader.buffer)))
    return entries


def _seconds(now: float) -> str:
    return f"{now:.3f}"


class Tracer:
    """Writes the lines of all endpoints to one text file. `clock` turns the time of the streams into text."""

    def __init__(self, output: TextIO, clock: Callable[[float], str] = _seconds) -> None:
        self._output = output
        self._clock = clock

    def write(self, endpoint: str, direction: str, entries: list[Entry], now: float) -> None:
        """One line for each entry."""
        for entry in entries:
            self._output.write(f"{self._clock(now)} {endpoint} {direction} {entry}\n")
        if entries:
            self._output.flush()


class TracedStream(StreamAround):
    """A stream whose octets, of both directions or one, are also written to a tracer; wrap it around any other.

    The end of the stream is written with what goes to the meter.
    """

    def __init__(
        self, stream: ByteStream, tracer: Tracer, endpoint: str, directions: Collection[str] = (TO_METER, FROM_METER)
    ) -> None:
        super().__init__(stream)
        self._directions = directions
        self._tracer = tracer
        self._endpoint = endpoint
        self._incoming = Decoder()
        self._outgoing = Decoder()
        self._now = 0.0

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Trace, then hand on."""
        self._now = now
        if TO_METER in self._directions:
            self._tracer.write(self._endpoint, TO_METER, self._incoming.receive_data(data, now), now)
        return self._stream.receive_data(data, now)

    def handle_timer(self, now: float) -> list[Event]:
        """Hand on."""
        self._now = now
        return self._stream.handle_timer(now)

    def data_to_send(self) -> bytes:
        """Take from the stream and trace; an answer given later bears the time of the last input."""
        data = self._stream.data_to_send()
        if data and FROM_METER in self._directions:
            self._tracer.write(self._endpoint, FROM_METER, self._outgoing.receive_data(data, self._now), self._now)
        return data

    def close(self, reason: str) -> list[Event]:
        """Trace the end, then hand on."""
        if TO_METER in self._directions:
            self._tracer.write(self._endpoint, "--", [Entry(reason, b"")], self._now)
        return self._stream.close(reason)
