"""HDLC frames of format type 3 (IEC 62056-46) and the receiver that finds them in a stream of octets.

`7E | format(2) | destination | source | control | HCS(2) | information | FCS(2) | 7E`

The format field holds the type 1010, the segmentation bit and the number of octets between the flags. There
is no octet stuffing: a 7E inside a frame is data, the length delimits. Without information there is no HCS.

How the receiver keeps its footing on a bad line:
- A length is believed only once the header's check sequence is right. A wrong one is noticed as soon as the
  header is there, so a false length cannot make us wait for octets that never come.
- After a frame that fails, the search goes on at the next flag *inside* it: what was taken for its body may
  hold a good frame. Only when the header was good is a frame with a bad FCS skipped as a whole.
- Between two octets of a frame at most the inter-octet time-out may pass; then what there is of it is given
  up in the same manner.
- One flag may close a frame and open the next; it stands in for the opening one until that time-out.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..crc import check_octets, check_sequence
from .address import ServerAddress, read_address

FLAG: Final = 0x7E
POLL_FINAL: Final = 0x10
MAX_LENGTH: Final = 0x7FF
MIN_LENGTH: Final = 7
"""Format, two addresses of one octet, control and FCS."""

_TYPE_3: Final = 0xA0
_SEGMENTED: Final = 0x08


class Kind(enum.Enum):
    """What a control field says, P/F bit aside."""

    I = "I"  # noqa: E741  the standard's name
    RR = "RR"
    RNR = "RNR"
    SNRM = "SNRM"
    DISC = "DISC"
    UA = "UA"
    DM = "DM"
    FRMR = "FRMR"
    UI = "UI"
    UNDEFINED = "?"


_UNNUMBERED: Final = {
    0x83: Kind.SNRM,
    0x43: Kind.DISC,
    0x63: Kind.UA,
    0x0F: Kind.DM,
    0x87: Kind.FRMR,
    0x03: Kind.UI,
}
CONTROL: Final = {kind: control for control, kind in _UNNUMBERED.items()} | {Kind.RR: 0x01, Kind.RNR: 0x05}
"""Control octet of each kind without its P/F bit and receive number."""


def kind_of(control: int) -> Kind:
    """Classify a control octet; REJ and SREJ are not in the repertoire of DLMS and are `UNDEFINED`."""
    if not control & 1:
        return Kind.I
    if control & 0x0F == 0x01:
        return Kind.RR
    if control & 0x0F == 0x05:
        return Kind.RNR
    return _UNNUMBERED.get(control & ~POLL_FINAL, Kind.UNDEFINED)


class Frame(NamedTuple):
    """One frame: addresses as their octets on the wire, control octet, information, segmentation bit."""

    destination: bytes
    source: bytes
    control: int
    information: bytes = b""
    segmented: bool = False

    @property
    def kind(self) -> Kind:
        """What the control field says."""
        return kind_of(self.control)

    @property
    def poll(self) -> bool:
        """The P bit of a command, the F bit of a response."""
        return bool(self.control & POLL_FINAL)

    @property
    def receive_number(self) -> int:
        """N(R): the next frame its sender expects (I, RR and RNR only)."""
        return self.control >> 5

    @property
    def send_number(self) -> int:
        """N(S) of an I frame."""
        return self.control >> 1 & 7

    def encode(self) -> bytes:
        """The frame with its flags. Raises `ValueError` where it is longer than 2047 octets."""
        header_size = 3 + len(self.destination) + len(self.source)
        length = header_size + 2 + (len(self.information) + 2 if self.information else 0)
        if length > MAX_LENGTH:
            raise ValueError(f"a frame has at most {MAX_LENGTH} octets, not {length}")
        format_field = (_TYPE_3 | (_SEGMENTED if self.segmented else 0)) << 8 | length
        body = format_field.to_bytes(2, "big") + self.destination + self.source + bytes((self.control,))
        if self.information:
            body += check_octets(body) + self.information
        return b"\x7e" + body + check_octets(body) + b"\x7e"

    def __str__(self) -> str:
        kind = self.kind
        text = f"{_address_text(self.source)}>{_address_text(self.destination)} {kind.value}"
        if kind is Kind.UNDEFINED:
            text += f"{self.control:02X}"
        if kind is Kind.I:
            text += f" N(S)={self.send_number}"
        if kind in (Kind.I, Kind.RR, Kind.RNR):
            text += f" N(R)={self.receive_number}"
        text += (" P/F" if self.poll else "") + (" S" if self.segmented else "")
        return text + (f" {len(self.information)} octets" if self.information else "")


def _address_text(octets: bytes) -> str:
    return str(ServerAddress.decode(octets))


@dataclass
class FrameCounters:
    """What a receiver has seen: good frames, and what it dropped and why."""

    frames: int = 0
    noise_octets: int = 0
    wrong_format: int = 0
    wrong_length: int = 0
    wrong_address: int = 0
    hcs_errors: int = 0
    fcs_errors: int = 0
    timeouts: int = 0


class _Fault(enum.Enum):
    """Why the octets at the head of the buffer are no frame; the value is the counter."""

    FORMAT = "wrong_format"
    LENGTH = "wrong_length"
    ADDRESS = "wrong_address"
    HCS = "hcs_errors"
    FCS = "fcs_errors"
    INCOMPLETE = "timeouts"


class FrameReceiver:
    """Cuts a stream of octets into good frames. Never holds more than one frame of 2047 octets.

    `counters` may be any object with the fields of `FrameCounters`.
    """

    def __init__(self, counters: FrameCounters, inter_octet_timeout_s: float = 0.5) -> None:
        self.counters = counters
        self.inter_octet_timeout_s = inter_octet_timeout_s
        self._buffer = bytearray()  # empty while hunting, else begins with an opening flag
        self._last_octet = 0.0

    @property
    def idle(self) -> bool:
        """No frame has begun; a lone flag counts as none."""
        return len(self._buffer) <= 1

    def flag_pending(self, now: float) -> bool:
        """The last octet was a flag, not too long ago to open the next frame."""
        return len(self._buffer) == 1 and now < self._last_octet + self.inter_octet_timeout_s

    def next_timer(self) -> float | None:
        """When a frame that has begun must be given up."""
        return self._last_octet + self.inter_octet_timeout_s if len(self._buffer) > 1 else None

    def handle_timer(self, now: float) -> list[Frame]:
        """Give up what is too old; returns the good frames found behind its beginning."""
        frames: list[Frame] = []
        if not self._buffer or now < self._last_octet + self.inter_octet_timeout_s:
            return frames
        while len(self._buffer) > 1:
            self._drop(_Fault.INCOMPLETE, 1)
            self._scan(frames)
        self._buffer.clear()
        return frames

    def receive_data(self, data: bytes, now: float) -> list[Frame]:
        """Take octets in any portions; returns the good frames they complete, oldest first."""
        frames = self.handle_timer(now)
        self._last_octet = now
        # Parts of what we keep, so that one huge read is not copied at every fault inside it.
        for start in range(0, len(data), MAX_LENGTH):
            self._buffer += data[start : start + MAX_LENGTH]
            self._hunt(0)
            self._scan(frames)
        return frames

    def _scan(self, frames: list[Frame]) -> None:
        while len(self._buffer) > 1:
            found = self._examine()
            if found is None:
                return
            if isinstance(found, Frame):
                self.counters.frames += 1
                frames.append(found)
                del self._buffer[: self._length() + 1]  # the closing flag stays: it may open the next one
            elif found is _Fault.FCS and self._header_end() + 2 < self._length():
                self._drop(found, self._length() + 1)
            else:
                self._drop(found, 1)

    def _length(self) -> int:
        return (self._buffer[1] << 8 | self._buffer[2]) & MAX_LENGTH

    def _header_end(self) -> int:
        """Position behind the control octet; only called once the addresses are known to be there."""
        end = len(self._buffer)
        destination = read_address(self._buffer, 3, end) or 0
        source = read_address(self._buffer, 3 + destination, end) or 0
        return 4 + destination + source

    def _examine(self) -> Frame | _Fault | None:
        """The frame at the head of the buffer, what is wrong with it, or `None` while octets are missing."""
        buffer = self._buffer
        have = len(buffer)
        if buffer[1] & 0xF0 != _TYPE_3:
            return _Fault.FORMAT
        if have < 3:
            return None
        length = self._length()
        if length < MIN_LENGTH:
            return _Fault.LENGTH
        end = length + 1  # where the closing flag stands
        readable = min(have, end)
        destination_size = read_address(buffer, 3, readable)
        if not destination_size:
            return _missing(destination_size, have, end)
        source_start = 3 + destination_size
        source_size = read_address(buffer, source_start, readable)
        if not source_size:
            return _missing(source_size, have, end)
        control_at = source_start + source_size
        information_length = length - control_at - 4
        if information_length != -2 and information_length < 1:
            return _Fault.LENGTH  # neither a bare header with its FCS nor one with something behind its HCS
        header_end = control_at + 1
        if have < header_end + 2:
            return None
        if information_length > 0 and check_octets(buffer[1:header_end]) != buffer[header_end : header_end + 2]:
            return _Fault.HCS
        if have <= end:
            return None
        if buffer[end] != FLAG:
            return _Fault.LENGTH
        if check_sequence(buffer[1 : end - 2]) != int.from_bytes(buffer[end - 2 : end], "little"):
            return _Fault.FCS
        return Frame(
            bytes(buffer[3:source_start]),
            bytes(buffer[source_start:control_at]),
            buffer[control_at],
            bytes(buffer[header_end + 2 : end - 2]),
            bool(buffer[1] & _SEGMENTED),
        )

    def _drop(self, fault: _Fault, start: int) -> None:
        """Count a fault and hunt for the next flag from `start` on. Repeated flags are no fault."""
        if self._buffer[1] != FLAG:
            setattr(self.counters, fault.value, getattr(self.counters, fault.value) + 1)
        self._hunt(start)

    def _hunt(self, start: int) -> None:
        """Discard everything before the first flag at or behind `start`; count what stood outside of any frame."""
        flag = self._buffer.find(FLAG, start)
        if start == 0:
            self.counters.noise_octets += len(self._buffer) if flag < 0 else flag
        if flag < 0:
            self._buffer.clear()
        else:
            del self._buffer[:flag]


def _missing(size: int | None, have: int, end: int) -> _Fault | None:
    """An address could not be read: it is wrong, longer than its frame, or has not wholly come."""
    if size is None:
        return _Fault.ADDRESS
    return _Fault.LENGTH if have >= end else None
