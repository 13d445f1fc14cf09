"""The secondary station of one HDLC connection: the server's side of IEC 62056-46.

How to read this file. A frame addressed to the station is first *classified*: its kind, or what is wrong
with it (`Input`). `TRANSITIONS` then says for every (state, input) pair what to do and which state follows;
there is no other place where the state changes, save for the inactivity time-out.

The rules the actions keep:
- The station speaks only when polled. A frame with P=1 gives it the right to answer once, with one or more
  frames of which the last has F=1. An I frame that completes an APDU leaves the right open until the layer
  above answers; a poll that arrives meanwhile gets RR and takes the right with it.
- Every answer begins with the oldest frame the client has not acknowledged. So a poll after a lost answer
  repeats it, and nothing else does: the client's own repetition of an I frame is out of sequence, discarded,
  and acknowledged with RR.
- A client that asks and asks and takes no answers is not listened to: while too much is unanswered or unsent, I
  frames are not taken, as if lost. What the client repeats once it has fetched its answers is.
- What the layer above announces unasked goes in UI frames before the next answer, also before an RR: a client hears it
  when it polls. Nobody acknowledges UI frames; while more than eight wait, no other is taken.
- After FRMR nothing but SNRM or DISC helps; polls get the same FRMR again.
- A station that is not connected answers polls with DM and keeps nothing.

One object serves one connection, from SNRM to its end. A new SNRM makes a new object, so an answer that
comes late can never slip into the next connection.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Hashable
from typing import Any, Final, NamedTuple

from .frame import CONTROL, POLL_FINAL, Frame, Kind
from .parameters import HdlcParameters, Negotiated, ProposalRefused

LLC_COMMAND: Final = b"\xe6\xe6\x00"
LLC_RESPONSE: Final = b"\xe6\xe7\x00"
MOST_UNANSWERED: Final = 8
"""APDUs that may wait for the layer above: a window of seven I frames, each an APDU, and one more."""
MOST_ANNOUNCED: Final = 8
"""UI frames that may wait for the client to poll: what more there is to tell, it reads."""
MOST_UNSENT: Final = 0x10000
"""Octets of answers not yet sent beyond which no more is taken: one answer as long as any is no reason to stop."""


class State(enum.Enum):
    """Where the connection stands: NDM (disconnected), NRM (connected), FRMR (a frame was rejected)."""

    NDM = "NDM"
    NRM = "NRM"
    FRMR = "FRMR"


class Input(enum.Enum):
    """What a received frame means to the station once sizes and sequence numbers are looked at."""

    SNRM = "SNRM"
    SNRM_REFUSED = "SNRM that cannot be accepted"
    DISC = "DISC"
    UI = "UI"
    RR = "RR"
    RNR = "RNR"
    I = "I"  # noqa: E741  the standard's name
    I_OUT_OF_SEQUENCE = "I out of sequence"
    I_TOO_MANY = "I while too much is unanswered"
    UNDEFINED = "undefined control field"
    INFO_NOT_PERMITTED = "information not permitted"
    INFO_TOO_LONG = "information too long"
    INVALID_NR = "invalid N(R)"


class Action(enum.Enum):
    """What the station does; each is the method of `HdlcSecondary` with this name."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"
    ANSWER_DM = "answer_dm"
    REFUSE = "refuse"
    ACKNOWLEDGE = "acknowledge_only"
    RESPOND = "respond"
    PAUSE = "pause"
    DELIVER = "deliver"
    POSTPONE = "postpone"
    REJECT = "reject"
    REPEAT_REJECT = "repeat_reject"


_ALWAYS: Final = {Input.SNRM: (Action.CONNECT, State.NRM), Input.SNRM_REFUSED: (Action.REFUSE, State.NDM)}
_ERRORS: Final = (Input.UNDEFINED, Input.INFO_NOT_PERMITTED, Input.INFO_TOO_LONG, Input.INVALID_NR)

TRANSITIONS: Final[dict[tuple[State, Input], tuple[Action, State]]] = (
    {(state, given): row for state in State for given, row in _ALWAYS.items()}
    | {(State.NDM, given): (Action.ANSWER_DM, State.NDM) for given in Input if given not in _ALWAYS}
    | {(State.FRMR, given): (Action.REPEAT_REJECT, State.FRMR) for given in Input if given not in _ALWAYS}
    | {(State.NRM, given): (Action.REJECT, State.FRMR) for given in _ERRORS}
    | {
        (State.FRMR, Input.DISC): (Action.DISCONNECT, State.NDM),
        (State.NRM, Input.DISC): (Action.DISCONNECT, State.NDM),
        (State.NRM, Input.UI): (Action.ACKNOWLEDGE, State.NRM),
        (State.NRM, Input.RR): (Action.RESPOND, State.NRM),
        (State.NRM, Input.RNR): (Action.PAUSE, State.NRM),
        (State.NRM, Input.I): (Action.DELIVER, State.NRM),
        (State.NRM, Input.I_OUT_OF_SEQUENCE): (Action.ACKNOWLEDGE, State.NRM),
        (State.NRM, Input.I_TOO_MANY): (Action.POSTPONE, State.NRM),
    }
)
"""(state, input) -> (action, next state). Complete: every pair is there."""

_CAUSE: Final = {
    Input.UNDEFINED: 0x01,  # W
    Input.INFO_NOT_PERMITTED: 0x03,  # X, set together with W
    Input.INFO_TOO_LONG: 0x04,  # Y
    Input.INVALID_NR: 0x08,  # Z
}


class Segment(NamedTuple):
    """The information field of one I frame; `more` says that the APDU goes on in the next one."""

    information: bytes
    more: bool


def segments_of(lpdu: bytes, size: int) -> list[Segment]:
    """Cut an APDU with its LLC header into information fields of at most `size` octets."""
    last = (len(lpdu) - 1) // size * size
    return [Segment(lpdu[start : start + size], start != last) for start in range(0, last + 1, size)]


class HdlcSecondary:
    """One client on one logical device over HDLC: the state machine, and the `Link` the layer above sees.

    The line hands it frames with `receive_frame` and collects `output`; `delivered` is the APDU the last
    frame completed. `max_reassembly` bounds what segments may add up to.
    """

    def __init__(
        self, device: Hashable, client_sap: int, server_sap: int, own: HdlcParameters, max_reassembly: int = 0x10000
    ) -> None:
        self.device = device
        self.client_sap = client_sap
        self.server_sap = server_sap
        self.state: Any = None
        self.link_state = State.NDM
        self.limits = Negotiated()
        self.llc_errors = 0
        self.output: list[bytes] = []
        self.delivered: bytes | None = None
        self._own = own
        self._max_reassembly = max_reassembly
        self._destination = b""
        self._source = b""
        self._send_state = 0  # V(S): N(S) of the next new I frame
        self._receive_state = 0  # V(R): N(S) expected next
        self._unsent: deque[Segment] = deque()
        self._unacknowledged: deque[Segment] = deque()  # sent last, N(S) up to V(S)-1
        self._announced: list[bytes] = []
        self._received = bytearray()
        self._unanswered = 0  # APDUs delivered that the layer above has neither answered nor acknowledged
        self._may_answer = False
        self._peer_busy = False
        self._rejection = b""
        self._last_activity = 0.0

    # --- what the layer above uses ------------------------------------------------------------------------

    segments: Final = True

    @property
    def max_apdu(self) -> int:
        """Octets of APDU that fit beside the LLC header into one frame to this client."""
        return self.limits.info_transmit - len(LLC_RESPONSE)

    def send_apdu(self, apdu: bytes, now: float) -> None:
        """Queue an answer; it leaves now if the client waits for it, else at its next poll."""
        if self.link_state is not State.NRM:
            return
        self._unanswered = max(0, self._unanswered - 1)
        self._unsent.extend(segments_of(LLC_RESPONSE + apdu, self.limits.info_transmit))
        if self._may_answer:
            self._last_activity = now
            self._transmit()

    def announce(self, apdu: bytes) -> bool:
        """Queue an APDU for a UI frame before the next answer; false where it does not fit one, or too many wait."""
        information = LLC_RESPONSE + apdu
        taken = len(information) <= self.limits.info_transmit and len(self._announced) < MOST_ANNOUNCED
        if self.link_state is State.NRM and taken:
            self._announced.append(information)
        return self.link_state is State.NRM and taken

    def acknowledge(self, now: float) -> None:
        """The APDU just delivered gets no answer: give the client its RR if it waits for something."""
        self._unanswered = max(0, self._unanswered - 1)
        if self.link_state is State.NRM and self._may_answer:
            self._last_activity = now
            self._transmit()

    # --- what the line uses -------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When the connection ends for want of activity."""
        if self.link_state is State.NDM or self._own.inactivity_timeout_s <= 0:
            return None
        return self._last_activity + self._own.inactivity_timeout_s

    def end(self) -> None:
        """Forget the connection: what is queued is lost, what is sent later is ignored."""
        self.link_state = State.NDM
        self._unsent.clear()
        self._unacknowledged.clear()
        self._announced.clear()
        self._received.clear()
        self._may_answer = False

    def receive_frame(self, frame: Frame, own_address: bytes, now: float) -> Action:
        """Take one good frame addressed to this station; answers go out from `own_address`.

        Returns what was done. Output and a delivered APDU are left in `output` and `delivered`.
        """
        self._destination, self._source = frame.source, own_address
        self._last_activity = now
        self.delivered = None
        action, next_state = TRANSITIONS[self.link_state, given := self.classify(frame)]
        self._may_answer = self._may_answer or frame.poll
        self.link_state = next_state
        getattr(self, f"_{action.value}")(frame, given)
        return action

    def classify(self, frame: Frame) -> Input:
        """What the frame means in the present state."""
        kind = frame.kind
        if kind is Kind.SNRM:
            try:
                Negotiated.decode(frame.information)
            except ProposalRefused:
                return Input.SNRM_REFUSED
            return Input.SNRM
        if kind is Kind.UI:
            return Input.UI if len(frame.information) <= self.limits.info_receive else Input.INFO_TOO_LONG
        if kind in (Kind.UA, Kind.DM, Kind.FRMR, Kind.UNDEFINED):
            return Input.UNDEFINED  # responses are no commands
        if kind is not Kind.I and frame.information:
            return Input.INFO_NOT_PERMITTED
        if kind is Kind.DISC:
            return Input.DISC
        if self._acknowledges(frame.receive_number) is None:
            return Input.INVALID_NR
        if kind is not Kind.I:
            return Input.RR if kind is Kind.RR else Input.RNR
        if len(frame.information) > self.limits.info_receive:
            return Input.INFO_TOO_LONG
        if frame.send_number != self._receive_state:
            return Input.I_OUT_OF_SEQUENCE
        if len(self._received) + len(frame.information) > self._max_reassembly + len(LLC_COMMAND):
            return Input.INFO_TOO_LONG
        unsent = len(self._unsent) * self.limits.info_transmit
        return Input.I_TOO_MANY if self._unanswered >= MOST_UNANSWERED or unsent > MOST_UNSENT else Input.I

    # --- actions ------------------------------------------------------------------------------------------

    def _connect(self, frame: Frame, _given: Input) -> None:
        self.limits = Negotiated.decode(frame.information).answered_by(self._own)
        self._send(CONTROL[Kind.UA], self.limits.encode())

    def _disconnect(self, _frame: Frame, _given: Input) -> None:
        self._send(CONTROL[Kind.UA])
        self.end()

    def _refuse(self, _frame: Frame, _given: Input) -> None:
        self._send(CONTROL[Kind.DM])
        self.end()

    def _answer_dm(self, _frame: Frame, _given: Input) -> None:
        self._send(CONTROL[Kind.DM])

    def _acknowledge_only(self, frame: Frame, given: Input) -> None:
        if given is Input.I_OUT_OF_SEQUENCE:
            self._note_acknowledged(frame)
        if frame.poll:
            self._receive_ready()

    def _respond(self, frame: Frame, _given: Input) -> None:
        self._peer_busy = False
        self._note_acknowledged(frame)
        if frame.poll:
            self._transmit()

    def _pause(self, frame: Frame, _given: Input) -> None:
        self._peer_busy = True
        self._note_acknowledged(frame)
        if frame.poll:
            self._transmit()

    def _deliver(self, frame: Frame, _given: Input) -> None:
        self._note_acknowledged(frame)
        self._receive_state = (self._receive_state + 1) % 8
        self._received += frame.information
        if not frame.segmented:
            lpdu = bytes(self._received)
            self._received.clear()
            if lpdu.startswith(LLC_COMMAND):
                self.delivered = lpdu[len(LLC_COMMAND) :]
                self._unanswered += 1
                return  # the layer above answers; until then the right to do so stays open
            self.llc_errors += 1
        if frame.poll:
            self._transmit()

    def _postpone(self, frame: Frame, _given: Input) -> None:
        self._note_acknowledged(frame)
        if frame.poll:
            self._transmit()

    def _reject(self, frame: Frame, given: Input) -> None:
        sequence = self._receive_state << 5 | self._send_state << 1
        self._rejection = bytes((frame.control, sequence, _CAUSE[given]))
        self._repeat_reject(frame, given)

    def _repeat_reject(self, _frame: Frame, _given: Input) -> None:
        self._send(CONTROL[Kind.FRMR], self._rejection)

    # --- sending ------------------------------------------------------------------------------------------

    def _acknowledges(self, receive_number: int) -> int | None:
        """How many of our unacknowledged frames this N(R) acknowledges; `None` where it is out of range."""
        count = (receive_number - self._send_state + len(self._unacknowledged)) % 8
        return count if count <= len(self._unacknowledged) else None

    def _note_acknowledged(self, frame: Frame) -> None:
        for _ in range(self._acknowledges(frame.receive_number) or 0):
            self._unacknowledged.popleft()

    def _transmit(self) -> None:
        """Use the right to answer: unacknowledged frames again, then new ones up to the window, else RR."""
        if self._peer_busy or not (self._unacknowledged or self._unsent):
            self._receive_ready()
            return
        self._put_announced()
        while self._unsent and len(self._unacknowledged) < self.limits.window_transmit:
            self._unacknowledged.append(self._unsent.popleft())
            self._send_state = (self._send_state + 1) % 8
        first = self._send_state - len(self._unacknowledged)
        for offset, segment in enumerate(self._unacknowledged):
            control = self._receive_state << 5 | (first + offset) % 8 << 1
            final = offset == len(self._unacknowledged) - 1
            self._put(control | (POLL_FINAL if final else 0), segment.information, segment.more)
        self._may_answer = False

    def _receive_ready(self) -> None:
        """Answer with RR."""
        if self._may_answer and not self._peer_busy:
            self._put_announced()
        self._send(CONTROL[Kind.RR] | self._receive_state << 5)

    def _put_announced(self) -> None:
        for information in self._announced:
            self._put(CONTROL[Kind.UI], information)
        self._announced.clear()

    def _send(self, control: int, information: bytes = b"") -> None:
        """Answer with one frame, F=1, if the client has given the right to."""
        if self._may_answer:
            self._may_answer = False
            self._put(control | POLL_FINAL, information)

    def _put(self, control: int, information: bytes = b"", segmented: bool = False) -> None:
        self.output.append(Frame(self._destination, self._source, control, information, segmented).encode())
