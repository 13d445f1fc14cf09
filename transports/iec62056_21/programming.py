"""Programming mode of one meter, and manufacturer modes, from P0 to the end (IEC 62056-21 6.5).

`TRANSITIONS` has a row for every (state, input) pair. The rules the actions keep:
- Commands go up to the layer above, one at a time; it decides about rights. Until it has answered, timers rest and
  what comes is dropped, but for a break.
- An answer leaves the reaction time after the command, or when it is given, whichever is later.
- Wrong block check or parity gets NAK, wrong syntax an error message; neither goes up.
- NAK of the client repeats the last answer, never our own NAK. Of several blocks each but the last waits for ACK; a
  new command gives up those not yet sent.
- A client that says nothing for Tr after P0, or for Ti after anything else, is gone; a break ends at once. Neither
  gets an answer.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, NamedTuple

from ..events import CommandReceived, Event, LinkDisconnected
from .characters import BlockCheck
from .client_messages import Acknowledge, Break, Command, Fault, Repeat
from .meter_messages import Challenge, Data, Error
from .settings import Iec62056Settings

NOT_UNDERSTOOD: Final = "ER09 SYNTAX"
"""The error message of a command with wrong syntax; the manufacturer's texts are not public: ours."""


class State(enum.Enum):
    """How far the dialogue has come."""

    CHALLENGE_DUE = "P0 due"
    OFFERED = "waiting for the password"
    WAITING = "waiting for a command"
    ASKED = "a command is being served"
    ANSWER_DUE = "answer due"
    BLOCK_SENT = "waiting for the acknowledgement of a block"
    BREAK_DUE = "B0 due"
    ENDED = "over"


class Input(enum.Enum):
    """What can happen."""

    COMMAND = "command"
    WRONG_CHECK = "wrong block check or parity"
    WRONG_SYNTAX = "wrong syntax"
    BREAK = "B0"
    ACKNOWLEDGE = "ACK"
    REPEAT = "NAK"
    ANSWER = "answer from above"
    BREAK_OFF = "end from above"
    TIME = "timer"
    TIME_OF_BLOCK = "timer, and other blocks follow the one that is due"


class Action(enum.Enum):
    """What the meter does; each is the method of `Programming` with this name."""

    IGNORE = "ignore"
    OFFER = "offer"
    DELIVER = "deliver"
    REFUSE = "refuse"
    COMPLAIN = "complain"
    REPEAT = "repeat"
    GO_ON = "go_on"
    ANSWER = "answer"
    SEND = "send"
    FINISH = "finish"
    GIVE_UP = "give_up"
    BREAK_OFF = "send_break"


_LISTENING: Final = (State.OFFERED, State.WAITING, State.BLOCK_SENT)
_DUE: Final = (State.CHALLENGE_DUE, State.ANSWER_DUE, State.BREAK_DUE)

TRANSITIONS: Final[dict[tuple[State, Input], tuple[Action, State]]] = (
    {(state, given): (Action.IGNORE, state) for state in State for given in Input}
    | {(state, Input.BREAK): (Action.FINISH, State.ENDED) for state in State if state is not State.ENDED}
    | {(state, Input.COMMAND): (Action.DELIVER, State.ASKED) for state in _LISTENING}
    | {(state, Input.WRONG_CHECK): (Action.REFUSE, State.ANSWER_DUE) for state in _LISTENING}
    | {(state, Input.WRONG_SYNTAX): (Action.COMPLAIN, State.ANSWER_DUE) for state in _LISTENING}
    | {(state, Input.REPEAT): (Action.REPEAT, State.ANSWER_DUE) for state in _LISTENING}
    | {(state, Input.TIME): (Action.GIVE_UP, State.ENDED) for state in _LISTENING}
    | {
        (State.CHALLENGE_DUE, Input.TIME): (Action.OFFER, State.OFFERED),
        (State.OFFERED, Input.REPEAT): (Action.REPEAT, State.CHALLENGE_DUE),
        (State.ASKED, Input.ANSWER): (Action.ANSWER, State.ANSWER_DUE),
        (State.ASKED, Input.BREAK_OFF): (Action.ANSWER, State.BREAK_DUE),
        (State.ANSWER_DUE, Input.TIME): (Action.SEND, State.WAITING),
        (State.ANSWER_DUE, Input.TIME_OF_BLOCK): (Action.SEND, State.BLOCK_SENT),
        (State.BLOCK_SENT, Input.ACKNOWLEDGE): (Action.GO_ON, State.ANSWER_DUE),
        (State.BREAK_DUE, Input.TIME): (Action.BREAK_OFF, State.ENDED),
    }
)
"""(state, input) -> (action, next state). Complete: every pair is there."""

_INPUTS: Final[dict[Fault | type, Input]] = {
    Fault.CHECK: Input.WRONG_CHECK,
    Fault.SYNTAX: Input.WRONG_SYNTAX,
    Command: Input.COMMAND,
    Acknowledge: Input.ACKNOWLEDGE,
    Repeat: Input.REPEAT,
    Break: Input.BREAK,
}


class _Answer(NamedTuple):
    """What the meter says: so many blocks, how each is encoded, and which of them it is at."""

    blocks: int
    encode: Callable[[int], bytes]
    at: int = 0


def _single(octets: bytes) -> _Answer:
    return _Answer(1, lambda index: octets)


class Programming:
    """One programming dialogue: the state machine, and the `ProgrammingLink` the layer above sees.

    `send(octets, now)` puts out a message and returns when its last character will have left. What is to be told goes
    to `events`.
    """

    def __init__(
        self,
        device: Hashable,
        mode: str,
        settings: Iec62056Settings,
        send: Callable[[bytes, float], float],
        events: list[Event],
    ) -> None:
        self.device = device
        self.mode = mode
        self.state: Any = None
        self.link_state = State.WAITING
        self._settings = settings
        self._bcc: BlockCheck = settings.bcc
        self._transmit = send
        self._events = events
        self._said = _Answer(0, lambda index: b"")  # its block is due, or was the last one sent
        self._due = b""
        self._heard_at = 0.0  # the last character of what is to be answered
        self._deadline: float | None = None

    def challenge(self, operand: str, due: float) -> None:
        """Begin with P0 at this time; without it the dialogue begins with a command."""
        self.link_state = State.CHALLENGE_DUE
        self._heard_at = due - self._settings.reaction_time_s
        self._say(_single(Challenge(operand).encode(self._bcc)), due)

    # --- what the layer above uses ------------------------------------------------------------------------

    def acknowledge(self, now: float) -> None:
        """Answer ACK."""
        self._step(Input.ANSWER, _single(Acknowledge().encode()), now)

    def send_data(self, blocks: Sequence[str], now: float) -> None:
        """Answer with data, in one block or several; there must be one. Each is looked up when it is to be sent."""
        assert blocks
        count, bcc = len(blocks), self._bcc

        def encode(index: int) -> bytes:
            return Data(blocks[index], more=index + 1 < count).encode(bcc)

        self._step(Input.ANSWER, _Answer(count, encode), now)

    def send_error(self, text: str, now: float) -> None:
        """Answer with an error message."""
        self._step(Input.ANSWER, _single(Error(text).encode(self._bcc)), now)

    def break_off(self, now: float) -> None:
        """Answer with B0: the dialogue is over."""
        self._step(Input.BREAK_OFF, _single(Break().encode(self._bcc)), now)

    # --- what the dialogue uses ---------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """It is the client's turn: the timer is that of its silence."""
        return self.link_state in _LISTENING

    @property
    def owes(self) -> bool:
        """What is said next waits for its time."""
        return self.link_state in _DUE

    @property
    def ended(self) -> bool:
        """It is over."""
        return self.link_state is State.ENDED

    def next_timer(self) -> float | None:
        """When `handle_timer` is due."""
        return self._deadline

    def handle_timer(self, now: float) -> None:
        """Send what is due, or give the client up."""
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            others = bool(self._due) and self._said.at + 1 < self._said.blocks
            self._step(Input.TIME_OF_BLOCK if others else Input.TIME, None, now)

    def receive(self, message: Command | Break | Acknowledge | Repeat | Fault, now: float) -> None:
        """Take what the client said, whose last character came at `now`."""
        self._step(_INPUTS[message if isinstance(message, Fault) else type(message)], message, now)

    def end(self, reason: str) -> None:
        """It is over: what the layer above answers later is ignored."""
        if self.link_state is not State.ENDED:
            self.link_state = State.ENDED
            self._close(reason)

    # --- actions ------------------------------------------------------------------------------------------

    def _step(self, given: Input, what: Any, now: float) -> None:
        action, self.link_state = TRANSITIONS[self.link_state, given]
        getattr(self, f"_{action.value}")(what, now)

    def _ignore(self, _what: Any, _now: float) -> None:
        pass

    def _offer(self, _what: Any, now: float) -> None:
        self._deadline = self._put(now) + self._settings.tr_s

    def _send(self, _what: Any, now: float) -> None:
        self._deadline = self._put(now) + self._settings.ti_s

    def _send_break(self, _what: Any, now: float) -> None:
        self._put(now)
        self._close("broken off")

    def _deliver(self, command: Command, now: float) -> None:
        self._heard_at = now
        self._deadline = None
        self._events.append(CommandReceived(self, *command))

    def _answer(self, answer: _Answer, now: float) -> None:
        self._say(answer, now)

    def _refuse(self, _fault: Fault, now: float) -> None:
        self._heard_at = now
        self._due = Repeat().encode()
        self._deadline = now + self._settings.reaction_time_s

    def _complain(self, _fault: Fault, now: float) -> None:
        self._heard_at = now
        self._say(_single(Error(NOT_UNDERSTOOD).encode(self._bcc)), now)

    def _repeat(self, _nak: Repeat, now: float) -> None:
        self._heard_at = now
        self._say(self._said, now)

    def _go_on(self, _ack: Acknowledge, now: float) -> None:
        self._heard_at = now
        self._say(self._said._replace(at=self._said.at + 1), now)

    def _finish(self, _break: Break, _now: float) -> None:
        self._close("B0")

    def _give_up(self, _what: Any, _now: float) -> None:
        self._close("the client is silent")

    # --- sending ------------------------------------------------------------------------------------------

    def _say(self, answer: _Answer, now: float) -> None:
        """The block is due the reaction time after what it answers, but not before `now`."""
        self._said = answer
        self._due = answer.encode(answer.at)
        self._deadline = max(now, self._heard_at + self._settings.reaction_time_s)

    def _put(self, now: float) -> float:
        octets, self._due = self._due, b""
        return self._transmit(octets, now)

    def _close(self, reason: str) -> None:
        self._deadline = None
        self._events.append(LinkDisconnected(self, reason))
