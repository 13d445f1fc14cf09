"""The primary station of one HDLC connection: the client's side of IEC 62056-46, sans-I/O.

It keeps the turn. After a frame with P=1 it listens until a frame with F=1 comes or the response time-out
passes; only then may it send again. `_take_turn` decides what that is: I frames that the meter has not
acknowledged, new ones up to the window, an RR to fetch what is still to come, or nothing.

Time-outs: a lost SNRM, DISC or UA is met by the same command again; after a lost I frame or answer the meter
is asked with RR how far it has come, and only what it lacks is sent again. So an APDU reaches the meter once,
whatever the line does. After `retries` silent turns in a row, or `answer_timeout_s` without progress, the
connection has `Failed`.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Final, NamedTuple

from .address import ServerAddress, encode_client
from .frame import CONTROL, POLL_FINAL, Frame, FrameCounters, FrameReceiver, Kind
from .parameters import HdlcParameters, Negotiated, ProposalRefused
from .secondary import LLC_COMMAND, LLC_RESPONSE, Segment, segments_of

DEFAULT_RETRIES: Final = 3
DEFAULT_POLL_INTERVAL_S: Final = 0.1
DEFAULT_ANSWER_TIMEOUT_S: Final = 30.0


class Connected(NamedTuple):
    """UA received; these limits hold, seen from the client."""

    limits: Negotiated


class ApduReceived(NamedTuple):
    """A whole APDU from the meter, without its LLC header."""

    apdu: bytes


class Announced(NamedTuple):
    """A whole APDU that the meter sends unasked, in a UI frame; it may come before the answer to something else."""

    apdu: bytes


class Disconnected(NamedTuple):
    """The meter has confirmed our DISC, or was not connected."""


class Failed(NamedTuple):
    """The connection is lost: refused, rejected, or silent for too long."""

    reason: str


PrimaryEvent = Connected | ApduReceived | Announced | Disconnected | Failed


class State(enum.Enum):
    """Where the connection stands."""

    DISCONNECTED = "disconnected"
    CONNECTING = "SNRM sent"
    CONNECTED = "connected"
    DISCONNECTING = "DISC sent"


class HdlcPrimary:
    """One client connection to one logical device: `connect`, wait for `Connected`, `send_apdu`, …, `disconnect`."""

    def __init__(
        self,
        client_sap: int,
        server_upper: int,
        server_lower: int | None = None,
        address_size: int = 1,
        parameters: HdlcParameters | None = None,
        response_timeout_s: float = 2.0,
        retries: int = DEFAULT_RETRIES,
        poll_interval_s: float = DEFAULT_POLL_INTERVAL_S,
        answer_timeout_s: float = DEFAULT_ANSWER_TIMEOUT_S,
    ) -> None:
        """`address_size` is 1 (no lower address), 2 or 4 octets. Raises `ValueError` where the address does not fit."""
        self.state = State.DISCONNECTED
        self.limits = Negotiated()
        self.counters = FrameCounters()
        self._own = parameters or HdlcParameters(max_info_transmit=128, max_info_receive=512)
        self._server = ServerAddress(server_upper, server_lower, address_size).encode()
        self._client = encode_client(client_sap)
        self._receiver = FrameReceiver(self.counters, self._own.inter_octet_timeout_s)
        self._response_timeout_s = response_timeout_s
        self._retries = retries
        self._poll_interval_s = poll_interval_s
        self._answer_timeout_s = answer_timeout_s
        self._output: list[bytes] = []
        self._reset()

    def _reset(self) -> None:
        self._send_state = 0  # V(S)
        self._receive_state = 0  # V(R)
        self._unsent: deque[Segment] = deque()
        self._unacknowledged: deque[Segment] = deque()
        self._received = bytearray()
        self._answers_due = 0
        self._more_to_come = False
        self._meter_busy = False
        self._waiting = False  # it is the meter's turn
        self._silent_turns = 0
        self._deadline: float | None = None
        self._progress = 0.0

    # --- what the client does -----------------------------------------------------------------------------

    def connect(self, now: float) -> None:
        """Send SNRM with our proposal; `Connected` or `Failed` will follow."""
        self._reset()
        self.state = State.CONNECTING
        self._command(Kind.SNRM, now, Negotiated.offer(self._own).encode())

    def send_apdu(self, apdu: bytes, now: float, answered: bool = True) -> None:
        """Queue an APDU; `answered` says whether the meter will answer it.

        Raises `ConnectionError` when not connected.
        """
        if self.state is not State.CONNECTED:
            raise ConnectionError("no HDLC connection")
        self._unsent.extend(segments_of(LLC_COMMAND + apdu, self.limits.info_transmit))
        self._answers_due += answered
        self._progress = now
        if not self._waiting:
            self._take_turn(now)

    def listen(self, now: float) -> None:
        """Poll once, so that the meter may send what waits unasked; nothing while it is its turn.

        Raises `ConnectionError` when not connected.
        """
        if self.state is not State.CONNECTED:
            raise ConnectionError("no HDLC connection")
        if not self._waiting:
            self._poll(now)

    def disconnect(self, now: float) -> None:
        """Send DISC; `Disconnected` or `Failed` will follow. What is queued is lost."""
        self._reset()
        self.state = State.DISCONNECTING
        self._command(Kind.DISC, now)

    # --- octets and time ----------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> list[PrimaryEvent]:
        """Take octets in any portions; returns what they brought about."""
        events: list[PrimaryEvent] = []
        for frame in self._receiver.receive_data(data, now):
            if frame.source == self._server and frame.destination == self._client:
                self._receive_frame(frame, now, events)
        return events

    def handle_timer(self, now: float) -> list[PrimaryEvent]:
        """Repeat, poll or give up, as is due."""
        events: list[PrimaryEvent] = []
        for frame in self._receiver.handle_timer(now):
            if frame.source == self._server and frame.destination == self._client:
                self._receive_frame(frame, now, events)
        if self._deadline is None or now < self._deadline:
            return events
        self._deadline = None
        if not self._waiting:
            self._take_turn(now)
            return events
        self._silent_turns += 1
        if self._silent_turns > self._retries:
            self._fail(f"no answer to {self._silent_turns} commands", events)
        elif self.state is State.CONNECTING:
            self._command(Kind.SNRM, now, Negotiated.offer(self._own).encode())
        elif self.state is State.DISCONNECTING:
            self._command(Kind.DISC, now)
        else:
            self._poll(now)
        return events

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        deadlines = (self._deadline, self._receiver.next_timer())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        output, self._output = self._output, []
        return b"".join(output)

    # --- frames -------------------------------------------------------------------------------------------

    def _receive_frame(self, frame: Frame, now: float, events: list[PrimaryEvent]) -> None:
        kind = frame.kind
        if self.state is State.CONNECTING and kind is Kind.UA:
            self._connected(frame, now, events)
        elif self.state is State.CONNECTING and kind is Kind.DM:
            self._fail("the meter refuses the connection (DM)", events)
        elif self.state is State.DISCONNECTING and kind in (Kind.UA, Kind.DM):
            self._reset()
            self.state = State.DISCONNECTED
            events.append(Disconnected())
        elif self.state is State.CONNECTED and kind is Kind.DM:
            self._fail("the meter is not connected (DM)", events)
        elif self.state is State.CONNECTED and kind is Kind.FRMR:
            self._fail(f"the meter rejects a frame (FRMR {frame.information.hex()})", events)
        elif self.state is State.CONNECTED and kind is Kind.UI:
            if frame.information.startswith(LLC_RESPONSE):
                events.append(Announced(frame.information[len(LLC_RESPONSE) :]))
        elif self.state is State.CONNECTED and kind in (Kind.I, Kind.RR, Kind.RNR):
            self._silent_turns = 0
            self._receive_numbered(frame, now, events)
            if frame.poll and self._waiting:
                self._waiting = False
                self._deadline = None
                self._turn_ended(frame, now, events)

    def _connected(self, frame: Frame, now: float, events: list[PrimaryEvent]) -> None:
        try:
            self.limits = Negotiated.decode(frame.information).answered_by(self._own)
        except ProposalRefused as refused:
            self._fail(f"the meter's UA makes no sense: {refused}", events)
            return
        self._reset()
        self.state = State.CONNECTED
        self._progress = now
        events.append(Connected(self.limits))

    def _receive_numbered(self, frame: Frame, now: float, events: list[PrimaryEvent]) -> None:
        acknowledged = (frame.receive_number - self._send_state + len(self._unacknowledged)) % 8
        if acknowledged <= len(self._unacknowledged):
            for _ in range(acknowledged):
                self._unacknowledged.popleft()
                self._progress = now
        if frame.kind is not Kind.I:
            self._meter_busy = frame.kind is Kind.RNR
            return
        if frame.send_number != self._receive_state or len(frame.information) > self.limits.info_receive:
            return
        self._receive_state = (self._receive_state + 1) % 8
        self._progress = now
        self._received += frame.information
        self._more_to_come = frame.segmented
        if not frame.segmented:
            lpdu = bytes(self._received)
            self._received.clear()
            if lpdu.startswith(LLC_RESPONSE):
                self._answers_due = max(0, self._answers_due - 1)
                events.append(ApduReceived(lpdu[len(LLC_RESPONSE) :]))

    def _turn_ended(self, frame: Frame, now: float, events: list[PrimaryEvent]) -> None:
        """It is our turn: go on at once after an I frame or with something to send, else poll a little later."""
        if self._owes_nothing():
            return
        if now >= self._progress + self._answer_timeout_s:
            self._fail(f"no answer for {self._answer_timeout_s:g} s", events)
        elif frame.kind is Kind.I or ((self._unacknowledged or self._unsent) and not self._meter_busy):
            self._take_turn(now)
        else:
            self._deadline = now + self._poll_interval_s

    def _owes_nothing(self) -> bool:
        return not (self._unacknowledged or self._unsent or self._answers_due or self._more_to_come)

    def _take_turn(self, now: float) -> None:
        """Send what is unacknowledged and what is new, up to the window; else fetch with RR what is to come."""
        if self._owes_nothing():
            return
        while self._unsent and len(self._unacknowledged) < self.limits.window_transmit:
            self._unacknowledged.append(self._unsent.popleft())
            self._send_state = (self._send_state + 1) % 8
        if not self._unacknowledged or self._meter_busy or self._more_to_come:
            self._poll(now)
            return
        first = self._send_state - len(self._unacknowledged)
        for offset, segment in enumerate(self._unacknowledged):
            control = self._receive_state << 5 | (first + offset) % 8 << 1
            final = offset == len(self._unacknowledged) - 1
            self._put(control | (POLL_FINAL if final else 0), segment.information, segment.more)
        self._listen(now)

    def _poll(self, now: float) -> None:
        self._put(CONTROL[Kind.RR] | POLL_FINAL | self._receive_state << 5)
        self._listen(now)

    def _command(self, kind: Kind, now: float, information: bytes = b"") -> None:
        self._put(CONTROL[kind] | POLL_FINAL, information)
        self._listen(now)

    def _listen(self, now: float) -> None:
        self._waiting = True
        self._deadline = now + self._response_timeout_s

    def _put(self, control: int, information: bytes = b"", segmented: bool = False) -> None:
        self._output.append(Frame(self._server, self._client, control, information, segmented).encode())

    def _fail(self, reason: str, events: list[PrimaryEvent]) -> None:
        self._reset()
        self.state = State.DISCONNECTED
        events.append(Failed(reason))
