"""One meter's dialogue with a reader, modes A and C, from sign-on to the data (382M 1107 description; IEC 62056-21).

`TRANSITIONS` has a row for every (state, input) pair; an action may start the timer whose end is the input
`TIME`. A request for another meter on the line is `FOREIGN_REQUEST`: it ends our dialogue.

Mode C without acknowledgement becomes mode A after Tt. An acknowledgement chooses the speed, whatever it
asks for: programming (Y=1) is answered with the readout. The data are sent again for as long as NAK comes in
time, then the dialogue is over and the port back at its initial speed.
"""

from __future__ import annotations

import enum
from typing import Final, Protocol

from .messages import Message, OptionSelect, Repeat, Request, encode_data, encode_identification, with_even_parity
from .settings import RESPONSE_TIME_S, Iec62056Settings


class MeterPort(Protocol):
    """What the dialogue asks a meter for, each time anew."""

    @property
    def settings(self) -> Iec62056Settings:
        """How this port conducts the dialogue."""

    @property
    def powered(self) -> bool:
        """Whether the meter hears anything at all."""

    def identification(self) -> str:
        """What stands behind the `/`: "KAM5 6841138BN141001"."""

    def serial_number(self) -> str:
        """The address the meter answers to, 1 to 32 digits, letters and spaces."""

    def data_block(self) -> str:
        """The lines between STX and "!", each ended by CR LF."""

    def challenge(self) -> str:
        """The operand of P0, with which programming begins; may be empty."""


class State(enum.Enum):
    """How far the dialogue has come."""

    SIGN_ON = "waiting for a request"
    REQUESTED = "identification due"
    IDENTIFIED = "waiting for an acknowledgement"
    SELECTED = "data due"
    TRANSMITTED = "data sent, may be asked for again"


class Input(enum.Enum):
    """What can happen."""

    REQUEST = "request"
    FOREIGN_REQUEST = "request for another meter"
    OPTION_SELECT = "acknowledgement"
    REPEAT = "NAK"
    TIME = "timer"


class Action(enum.Enum):
    """What the meter does; each is the method of `Dialogue` with this name."""

    IGNORE = "ignore"
    START = "start"
    IDENTIFY = "identify"
    SELECT = "select"
    TRANSMIT = "transmit"
    REPEAT = "repeat"
    FINISH = "finish"


TRANSITIONS: Final[dict[tuple[State, Input], tuple[Action, State]]] = (
    {(state, given): (Action.IGNORE, state) for state in State for given in Input}
    | {(state, Input.REQUEST): (Action.START, State.REQUESTED) for state in State}
    | {(state, Input.FOREIGN_REQUEST): (Action.FINISH, State.SIGN_ON) for state in State}
    | {
        (State.REQUESTED, Input.TIME): (Action.IDENTIFY, State.IDENTIFIED),
        (State.IDENTIFIED, Input.OPTION_SELECT): (Action.SELECT, State.SELECTED),
        (State.IDENTIFIED, Input.TIME): (Action.TRANSMIT, State.TRANSMITTED),
        (State.SELECTED, Input.TIME): (Action.TRANSMIT, State.TRANSMITTED),
        (State.TRANSMITTED, Input.REPEAT): (Action.REPEAT, State.SELECTED),
        (State.TRANSMITTED, Input.TIME): (Action.FINISH, State.SIGN_ON),
    }
)
"""(state, input) -> (action, next state). Complete: every pair is there."""


class Dialogue:
    """One meter on the line. `output` collects what it sends; `speed` is what it sends and listens at."""

    def __init__(self, meter: MeterPort) -> None:
        self.meter = meter
        self.state = State.SIGN_ON
        self.speed = meter.settings.initial_speed
        self.output: list[bytes] = []
        self._settings = meter.settings
        self._line_speed: int | None = None
        self._deadline: float | None = None
        self._data = b""

    def next_timer(self) -> float | None:
        """When `handle_timer` is due."""
        return self._deadline

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            if self.meter.powered:
                self._step(Input.TIME, None, now)
            else:
                self.reset()

    def receive_message(self, message: Message, now: float) -> None:
        """Take one message heard on the line, whose last character came at `now`."""
        if not self.meter.powered:
            return
        if isinstance(message, Request):
            mine = message.addresses(self.meter.serial_number())
            self._step(Input.REQUEST if mine else Input.FOREIGN_REQUEST, None, now)
        elif isinstance(message, Repeat):
            self._step(Input.REPEAT, None, now)
        elif "C" in self._settings.modes:
            self._step(Input.OPTION_SELECT, message, now)

    def set_line_speed(self, baud: int | None) -> None:
        """Sign on at this speed, or at that of the settings (`None`). A dialogue that goes on keeps its own."""
        self._line_speed = baud
        if self.state is State.SIGN_ON:
            self.speed = self._initial_speed

    @property
    def _initial_speed(self) -> int:
        return self._line_speed or self._settings.initial_speed

    def reset(self) -> None:
        """Back to the start: the line speaks another protocol now."""
        self.state = State.SIGN_ON
        self._finish(None, 0.0)

    def _step(self, given: Input, message: OptionSelect | None, now: float) -> None:
        action, self.state = TRANSITIONS[self.state, given]
        getattr(self, f"_{action.value}")(message, now)

    def _ignore(self, _message: OptionSelect | None, _now: float) -> None:
        pass

    def _start(self, _message: OptionSelect | None, now: float) -> None:
        self._settings = self.meter.settings
        self.speed = self._initial_speed
        self._deadline = now + self._settings.reaction_time_s

    def _identify(self, _message: OptionSelect | None, now: float) -> None:
        settings = self._settings
        sent = self._send(encode_identification(self.meter.identification()), now)
        self._deadline = sent + (settings.tt_s if "C" in settings.modes else settings.ident_to_data_s)

    def _select(self, message: OptionSelect | None, now: float) -> None:
        assert message is not None
        self.speed = self._settings.speed_of(message.speed)
        self._deadline = now + self._settings.ack_to_data_s

    def _transmit(self, _message: OptionSelect | None, now: float) -> None:
        if not self._data:
            settings = self._settings
            self._data = encode_data(self.meter.data_block(), settings.bcc, own_line=settings.end_on_own_line)
        sent = self._send(self._data, now)
        self._deadline = sent + min(RESPONSE_TIME_S, self._settings.ti_s)

    def _repeat(self, _message: OptionSelect | None, now: float) -> None:
        self._deadline = now + self._settings.reaction_time_s

    def _finish(self, _message: OptionSelect | None, _now: float) -> None:
        self._deadline = None
        self._data = b""
        self.speed = self._initial_speed

    def _send(self, octets: bytes, now: float) -> float:
        """Put out a message; returns when its last character will have left the line."""
        self.output.append(with_even_parity(octets) if self._settings.parity == "even" else octets)
        return now + self._settings.transmission_time_s(len(octets), self.speed)
