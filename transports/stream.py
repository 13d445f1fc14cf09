"""A stream of octets that finds out for itself which protocol it speaks, again and again, whoever comes next.

Between messages the first octets tell (`recognition.py`): 7E begins an HDLC frame, 80 a KMP frame, `/?` an
IEC 62056-21 request, `@` and a digit a frame of the hexadecimal protocol, 00 01 a WPDU. The rules:
- Inside a message everything belongs to its protocol. What was read is cut wherever another protocol might begin,
  and the line that has the octets before the cut says whether its message is over; so several messages, or noise
  and a message, may come in one read.
- What begins no protocol the endpoint serves is noise: dropped up to where one does, and counted. While a
  dialogue of IEC 62056-21 goes on it belongs to that, whose messages need no beginning of their own.
- That dialogue ends when a whole message of another protocol comes: another head was put on. A mere beginning may
  be noise. The newcomer is answered at the speed at which it was heard (`line_speed.py`).
- HDLC that was opened by mode E keeps its speed until its last connection ends, or nothing was heard for the
  inactivity time-out; then the line is back at sign-on. A newcomer ends that, too.
- Mode D sends between conversations of any protocol; but where there is no noise, not to a client of the wrapper.

A *lossless* stream (TCP) has no noise: a first read that begins no protocol closes it, as does a bad header of the
wrapper. Where there is noise (a line that is carried by TCP, or a conversation of another protocol) 00 01 begins a WPDU
only with a header that can be meant: to a logical device that is there, of a length that may be. A run of NULs is what
wakes a meter up, and other noise may be a client at another speed, which a `SpeedSearch` finds.
"""

from __future__ import annotations

from typing import Final, Protocol

from .events import Event
from .hdlc.line import HdlcLine
from .iec62056_21.line import Iec62056Line
from .kmp import ACK, KmpLine
from .kmp_hex import KmpHexLine
from .line_speed import LineSpeed
from .recognition import HDLC, IEC, KMP, KMP_HEX, WRAPPER, Beginning, Beginnings
from .speed import SpeedSearch
from .wrapper import HEADER_SIZE, WrapperLine

_BREAK_OFF: Final = {
    IEC: b"\x80",  # NUL, were its parity even
    KMP_HEX: bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef@\r")),
}
"""Octets that no message of a protocol holds: another's may begin with them before it is over."""
HELD_S: Final = 1.5
"""How long octets wait for those that make a beginning of them: the longest gap inside a message there is."""

MOST_BEGINNINGS: Final = 4096
"""As many in one read and no message: the rest of it is noise, too. No message that is cut there holds as many."""

OPENED_S: Final = 120.0
"""How long an opening without a connection lasts where HDLC connections never end by inactivity (IEC 62056-21)."""


class ByteStream(Protocol):
    """What a driver moves octets for; `Stream`, and whatever is wrapped around one."""

    @property
    def closing(self) -> str | None:
        """Why the driver must close the connection; `None` while it need not."""

    @property
    def refused(self) -> str | None:
        """The first WPDU that was for nobody here; `None` while there was none."""

    @property
    def busy(self) -> bool:
        """Octets are still on their way through the stream, or due: a peer that says nothing more waits for them."""

    @property
    def speed(self) -> int | None:
        """Baud the line should have once everything sent so far has left; `None` where no protocol cares."""

    @property
    def dialogue(self) -> int | None:
        """The number of the IEC 62056-21 dialogue that what is sent now belongs to; `None` while there is none."""

    def set_line_speed(self, baud: int | None) -> None:
        """The baud at which the other side sends the octets that come next; `None` where nobody can tell."""

    def reader_left(self, now: float) -> None:
        """The other side has closed its port: whoever comes next may speak at another speed."""

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about."""

    def handle_timer(self, now: float) -> list[Event]:
        """Do what is due at this time."""

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link on it ends."""


class Stream:
    """One endpoint's octets; give it a line for each protocol the endpoint serves, and say whether it is TCP."""

    def __init__(
        self,
        hdlc: HdlcLine | None = None,
        wrapper: WrapperLine | None = None,
        iec: Iec62056Line | None = None,
        kmp: KmpLine | None = None,
        kmp_hex: KmpHexLine | None = None,
        *,
        lossless: bool = False,
        search: SpeedSearch | None = None,
    ) -> None:
        self.hdlc = hdlc
        self.wrapper = wrapper
        self.iec = iec
        self.kmp = kmp
        self.kmp_hex = kmp_hex
        self.noise_octets = 0
        lines = {HDLC: hdlc, WRAPPER: wrapper, IEC: iec, KMP: kmp, KMP_HEX: kmp_hex}
        self._lines = {protocol: line for protocol, line in lines.items() if line is not None}
        self._beginnings = Beginnings(self._lines)
        self._lossless = lossless
        self._line_speed = LineSpeed(iec, search)
        self._fault: str | None = None
        self._held = b""  # octets that may begin a message
        self._held_since = 0.0
        self._current: str | None = None
        self._hot: WrapperLine | None = None  # the wrapper while it is spoken, without noise
        self._only_wrapper = False  # from the first message on: the others have nothing to say
        self._wpdus = 0
        if wrapper is not None:
            wrapper.among_noise = not lossless
        self._opened = False  # HDLC, by mode E
        self._opened_until: float | None = None  # as long as nobody is connected

    @property
    def closing(self) -> str | None:
        """Why the driver must close the connection: nothing can be made of what it carries."""
        return self._fault or (None if self.wrapper is None else self.wrapper.closing)

    @property
    def busy(self) -> bool:
        """Answers wait for their time: those of HDLC and the wrapper leave at once."""
        return any(line.owes for line in (self.iec, self.kmp, self.kmp_hex) if line is not None)

    @property
    def refused(self) -> str | None:
        """The first WPDU that was for nobody here."""
        return None if self.wrapper is None else self.wrapper.refused

    @property
    def speed(self) -> int | None:
        """The speed of the IEC 62056-21 dialogue, or of the next sign-on; TCP has none.

        All other protocols are spoken at the speed at which they are heard, which is this one.
        """
        return None if self._lossless else self._line_speed.speed

    @property
    def dialogue(self) -> int | None:
        """The dialogue that goes on. HDLC that it has opened is none of it."""
        return None if self.iec is None else self.iec.dialogue

    def set_line_speed(self, baud: int | None) -> None:
        """The baud at which the other side sends: that of the next sign-on and its line time."""
        self._line_speed.given(baud)

    def reader_left(self, now: float) -> None:
        """The other side has closed its port."""
        self._line_speed.reader_left(now)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about, oldest first."""
        hot = self._hot
        if hot is not None and data[:1] == b"\x00":  # no other protocol begins so
            events = hot.receive_data(data, now)
            if hot.closing is not None and (rest := self._not_the_wrappers(hot)):
                events += self._receive(rest, now)
            return events
        return self._receive(data, now) if data else []

    def handle_timer(self, now: float) -> list[Event]:
        """Let every protocol do what is due."""
        heard, noise = self._messages, self._noise
        if self._hot is not None and self.iec is not None:
            self.iec.note_traffic(now)  # mode D would send into the wrapper's WPDUs
        self._line_speed.handle_timer(now)
        events = [event for line in self._lines.values() for event in line.handle_timer(now)]
        self._draw_conclusions(heard, noise, now, events)
        return events

    def next_timer(self) -> float | None:
        """The nearest deadline of any protocol."""
        if self._only_wrapper:
            return None if self.wrapper is None else self.wrapper.next_timer()
        deadlines = [line.next_timer() for line in self._lines.values()]
        deadlines += [self._line_speed.next_timer(), self._opened_until]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        if self._only_wrapper:
            return b"" if self.wrapper is None else self.wrapper.data_to_send()
        return b"".join([line.data_to_send() for line in self._lines.values()])

    def announce(self, frame: bytes) -> bool:
        """Send an HDLC frame that nobody asked for, with `data_to_send`; false where a conversation is under way."""
        hdlc, iec = self.hdlc, self.iec
        engaged = (hdlc is not None and hdlc.connected) or (iec is not None and iec.active)
        if hdlc is None or engaged or not all(line.idle for line in self._lines.values()):
            return False
        hdlc.announce(frame)
        return True

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every link ends with this reason."""
        events = [] if self.iec is None else self.iec.reset(reason)
        for line in (self.hdlc, self.wrapper, self.kmp, self.kmp_hex):
            events += [] if line is None else line.close(reason)
        return events

    # --- recognition --------------------------------------------------------------------------------------

    def _receive(self, data: bytes, now: float) -> list[Event]:
        events = self.handle_timer(now)
        data, held_since = self._with_held(data, now)
        heard, noise = self._messages, self._noise
        position, barren = 0, 0
        while position < len(data) and self.closing is None:
            barren += 1
            if barren > MOST_BEGINNINGS:
                self.noise_octets += len(data) - position
                break
            begins = self._beginning(data, position)
            protocol = self._whose(data[position], begins, now)
            if protocol is None and begins is not None:
                self._held, self._held_since = data[position:], now
                break
            if protocol is None and self._lossless and self._current is None:
                self._fault = f"{data[:8].hex()} begins no protocol"
                break
            end = self._end_of_piece(protocol, data, position)
            if position == 0 and held_since is not None and protocol == IEC:
                self._feed(protocol, data[:1], held_since, events)  # it came then, and its line counts on time
                position = 1
            if protocol is None:
                self.noise_octets += end - position
            elif self._feed(protocol, data[position:end], now, events):
                barren = 0
            position = end
        self._draw_conclusions(heard, noise, now, events)
        return events

    def _with_held(self, data: bytes, now: float) -> tuple[bytes, float | None]:
        """What was held, if the rest comes soon enough, and this; and since when the first octet is there."""
        held, self._held = self._held, b""
        if held and now >= self._held_since + HELD_S:
            self.noise_octets += len(held)
            held = b""
        return held + data, self._held_since if held else None

    def _beginning(self, data: bytes, position: int) -> Beginning | None:
        """What begins here. Where there may be noise, two octets are not enough to tell a WPDU."""
        begins = self._beginnings.at(data, position)
        alone = self._lossless and self._current in (None, WRAPPER)
        if begins is None or begins.protocol != WRAPPER or self.wrapper is None or alone:
            return begins
        header = data[position : position + HEADER_SIZE]
        return begins._replace(certain=len(header) == HEADER_SIZE) if self.wrapper.may_begin(header) else None

    def _whose(self, octet: int, begins: Beginning | None, now: float) -> str | None:
        """The protocol an octet belongs to; `None` for noise, and while the octet that decides is still to come."""
        current, iec = self._current, self.iec
        if current is not None and not self._lines[current].idle and octet not in _BREAK_OFF.get(current, b""):
            return current
        if begins is not None:
            return begins.protocol if begins.certain else None
        if current == HDLC and self.hdlc is not None and octet & 0xF0 == 0xA0 and self.hdlc.expects_frame(now):
            return HDLC  # shares the flag of the frame before
        if iec is not None and iec.active and not iec.opened_hdlc:
            return IEC
        return current if (current == WRAPPER and self._lossless) or (current == KMP and octet == ACK) else None

    def _end_of_piece(self, protocol: str | None, data: bytes, position: int) -> int:
        """How far these octets may be given to their line, or dropped, before the next are looked at."""
        if protocol == WRAPPER and self.wrapper is not None:
            return self.wrapper.end_of_wpdu(data, position)
        return self._beginnings.next_other(protocol, data, position + 1)

    def _feed(self, protocol: str, piece: bytes, now: float, events: list[Event]) -> bool:
        """Give octets to their line; says whether a message was over with them.

        A dialogue of IEC 62056-21 does not go on behind another's back, nor does mode D send into a conversation.
        """
        iec = self.iec
        if iec is not None and iec.opened_hdlc and protocol == IEC:
            self._take_over(iec, now, events)
        if iec is not None and protocol != IEC:
            iec.note_traffic(now)
        self._hot = self.wrapper if protocol == WRAPPER and self._lossless else None
        unspoken = self._current is None and (iec is None or not iec.active)
        self._only_wrapper = (unspoken or self._only_wrapper) and self._hot is not None
        self._current = protocol
        heard = self._messages
        brought = self._lines[protocol].receive_data(piece, now)
        if self._current == WRAPPER and self._lines[WRAPPER].idle:
            self._wpdus += 1
        whole = self._messages > heard
        if iec is not None and whole and protocol != IEC and (protocol != HDLC if iec.opened_hdlc else iec.active):
            self._take_over(iec, now, events)
        events += brought
        return whole

    def _not_the_wrappers(self, wrapper: WrapperLine) -> bytes:
        """What the fast path found behind the last WPDU, where it is the beginning of another protocol's message."""
        begins = self._beginnings.at(bytes(wrapper.pending))
        return b"" if begins is None or begins.protocol == WRAPPER else wrapper.give_back()

    def _take_over(self, iec: Iec62056Line, now: float, events: list[Event]) -> None:
        """Another head was put on: the dialogue ends, the newcomer is answered at the speed that it was heard at."""
        speed = iec.speed
        events += iec.reset("another protocol was spoken")
        self._line_speed.keep(speed, now)

    # --- what the octets say about the line ---------------------------------------------------------------

    @property
    def _messages(self) -> int:
        """Whole messages heard so far, but for those of the wrapper's fast path."""
        frames = 0 if self.hdlc is None else self.hdlc.counters.frames
        others = sum(line.messages for line in (self.iec, self.kmp, self.kmp_hex) if line is not None)
        return frames + self._wpdus + others

    @property
    def _noise(self) -> int:
        """Octets and false beginnings heard so far that belong to no message."""
        frames = 0 if self.hdlc is None else self.hdlc.counters.noise_octets + self.hdlc.counters.timeouts
        frames += 0 if self.wrapper is None else self.wrapper.counters.timeouts
        others = sum(line.noise_octets for line in (self.iec, self.kmp, self.kmp_hex) if line is not None)
        return self.noise_octets + frames + others

    def _draw_conclusions(self, heard: int, noise: int, now: float, events: list[Event]) -> None:
        """Follow what was heard since these counts: the speed of the line, HDLC that mode E has opened."""
        if self._messages > heard:
            self._line_speed.message(now)
        elif self._noise > noise and all(line.idle for line in self._lines.values()):
            self._line_speed.noise(now)
        if self.iec is not None and (self.iec.opened_hdlc or self._opened):
            self._follow_opening(self.iec, self._messages > heard, now, events)

    def _follow_opening(self, iec: Iec62056Line, heard: bool, now: float, events: list[Event]) -> None:
        """Back to sign-on when the last connection has ended, or for too long there was none."""
        connected = self.hdlc is not None and self.hdlc.connected
        patience_s = OPENED_S if self.hdlc is None else self.hdlc.inactivity_timeout_s or OPENED_S
        until = self._opened_until
        if not iec.opened_hdlc or connected:
            self._opened_until = None
        elif not self._opened or (heard and until is not None):
            self._opened_until = now + patience_s
        elif until is None or now >= until:
            self._opened_until = None
            events += iec.reset("the connection that was opened is over")
        self._opened = iec.opened_hdlc
