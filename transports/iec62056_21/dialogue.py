"""One meter's dialogue with a reader, modes A, B, C and E, from sign-on to the data (IEC 62056-21 6.4; 382M 1107
description).

What is done when is in the table of `dialogue_states.py`. The rules the actions keep:
- Mode C without option select becomes mode A after Tt. An option select chooses the speed, whatever else it asks for;
  what the port does not offer is answered with the readout.
- Modes A and B do not wait. In mode B the data come at the speed of the meter's letter.
- The data are sent again for as long as NAK comes in time; then the port is back at its initial speed. After
  modes A and B any command then begins programming, for Ti.
- Programming and manufacturer modes are conducted by `Programming`; while it goes on, all messages but a request are
  its.
- Mode E is confirmed at the new speed. Then the line belongs to HDLC (`State.HDLC`) until it is reset.
- A meter that loses its supply forgets where it was.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, Literal, Protocol

from ..events import Event
from .characters import with_even_parity
from .client_messages import Acknowledge, Break, Command, Fault, OptionSelect, Repeat, Request, parse_client
from .dialogue_states import AFTER_DATA, DUE, TRANSITIONS, Input, State
from .framing import Heard
from .meter_messages import encode_push, identification_of, readout_of
from .programming import Programming
from .settings import BITS_PER_CHARACTER, RESPONSE_TIME_S, SPEEDS_MODE_B, Iec62056Settings


class MeterPort(Protocol):
    """What the dialogue asks a meter for, each time anew."""

    @property
    def settings(self) -> Iec62056Settings:
        """How this port conducts the dialogue that begins now."""

    @property
    def powered(self) -> bool:
        """Whether the meter hears anything at all."""

    def identification(self) -> str:
        """What stands behind the `/`: "KAM5 6841138BN141001"; mode E's escape is not part of it."""

    def serial_number(self) -> str:
        """The address the meter answers to, 1 to 32 digits, letters and spaces."""

    def data_block(self) -> str:
        """The lines between STX and "!", each ended by CR LF."""

    def challenge(self) -> str:
        """The operand of P0, with which programming begins; may be empty."""


_NOT_A_COMMAND: Final = {Break: Input.BREAK, Repeat: Input.REPEAT, Acknowledge: Input.ACKNOWLEDGE}


class Dialogue:
    """One meter on the line. `output` collects what it sends, `events` what is to be told; `speed` is what it sends
    and listens at.
    """

    def __init__(self, device: Hashable, meter: MeterPort) -> None:
        self.meter = meter
        self.state = State.SIGN_ON
        self.output: list[bytes] = []
        self.events: list[Event] = []
        self.begun = 0  # dialogues so far
        self._device = device
        self._settings = meter.settings
        self.speed = self._settings.initial_speed
        self._line_speed: int | None = None
        self._deadline: float | None = None
        self._parity: Literal["even", "clean", "any"] = "clean"
        self._mode = "A"
        self._option = OptionSelect("0", "0", "0")
        self._data = b""
        self._programming: Programming | None = None

    @property
    def busy(self) -> bool:
        """It is not waiting for a request."""
        return self.state is not State.SIGN_ON

    @property
    def waits(self) -> bool:
        """It is the client's turn: the timer is that of its silence, and a message that has begun breaks it."""
        if self._programming is not None:
            return self._programming.waits
        return self.state in AFTER_DATA or (self.state is State.IDENTIFIED and self._settings.selectable)

    @property
    def owes(self) -> bool:
        """Something is still to be sent, also to a reader that says nothing more."""
        return self.state in DUE if self._programming is None else self._programming.owes

    def next_timer(self) -> float | None:
        """When `handle_timer` is due."""
        return self._deadline if self._programming is None else self._programming.next_timer()

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        deadline = self.next_timer()
        if deadline is None or now < deadline:
            return
        self._deadline = None
        if not self.meter.powered:
            self.reset("no supply")
        elif self.state is State.IDENTIFIED and self._settings.mode_b:
            self._step(Input.TIME_TO_SWITCH, None, now)
        elif self.state is State.TRANSMITTED and self._opens_programming:
            self._step(Input.TIME_TO_LISTEN, None, now)
        else:
            self._step(Input.TIME, None, now)

    def receive(self, heard: Heard, now: float, on_line: float) -> bool:
        """Take a message that is whole `now`, and on a line at the present speed would be `on_line`.

        Returns whether it is one, for whomever.
        """
        if self.meter.settings.line_time != "none":
            now = max(now, on_line)
        if not self.meter.powered:
            self.reset("no supply")
            return False
        message = parse_client(heard.octets, self._settings.bcc)
        if isinstance(message, Request):
            return self._receive_request(message, heard, now)
        if message is None or not self._hears(heard):
            message = Fault.CHECK
            if self._programming is None:
                return False
        given = self._classify(message)
        if given is not None:
            self._step(given, message, now)
        return not isinstance(message, Fault)

    def push(self, now: float) -> None:
        """It is time for mode D."""
        if self.meter.powered:
            self._step(Input.PUSH, None, now)

    def set_line_speed(self, baud: int | None) -> None:
        """Sign on at this speed, or at that of the settings (`None`). A dialogue that goes on keeps its own.

        Where after the data any command may come, or a sign-on, it comes at this one, too.
        """
        self._line_speed = baud
        if self.state in (State.SIGN_ON, State.OPEN):
            self.speed = self._initial_speed

    def reset(self, reason: str) -> None:
        """Back to the start, for this reason."""
        self.state = State.SIGN_ON
        self._end_programming(reason)
        self._finish(None, 0.0)

    # --- what was heard -----------------------------------------------------------------------------------

    @property
    def _initial_speed(self) -> int:
        return self._line_speed or self._settings.initial_speed

    @property
    def _opens_programming(self) -> bool:
        return self._settings.programming and self._mode != "C"

    def _receive_request(self, request: Request, heard: Heard, now: float) -> bool:
        settings = self.meter.settings
        if settings.parity == "none":
            parity: Literal["even", "clean", "any"] = "any"
        elif heard.even:
            parity = "even"
        elif heard.clean and settings.parity == "auto":
            parity = "clean"
        else:
            return False
        if settings.answers and request.addresses(self.meter.serial_number()):
            self._settings, self._parity = settings, parity
            self._step(Input.REQUEST, request, now)
        else:
            self._step(Input.FOREIGN_REQUEST, request, now)
        return True

    def _hears(self, heard: Heard) -> bool:
        if self._parity == "any":
            return True
        return heard.even if self._parity == "even" else heard.clean

    def _classify(self, message: OptionSelect | Acknowledge | Repeat | Command | Break | Fault) -> Input | None:
        """What the message means to this port; `None`: nothing."""
        if isinstance(message, OptionSelect):
            return self._classify_option(message) if self._settings.selectable else None
        if isinstance(message, (Command, Fault)):
            return Input.COMMAND if self._programming is not None or self._opens_programming else None
        return _NOT_A_COMMAND[type(message)]

    def _classify_option(self, option: OptionSelect) -> Input:
        settings = self._settings
        if "E" in settings.modes and option.protocol == option.mode == "2":
            return Input.SELECT_HDLC
        if (option.mode == "1" and settings.programming) or option.mode in settings.manufacturer_modes:
            return Input.SELECT_PROGRAMMING
        return Input.SELECT_READOUT

    def _step(self, given: Input, message: Any, now: float) -> None:
        action, self.state = TRANSITIONS[self.state, given]
        getattr(self, f"_{action.value}")(message, now)

    # --- actions: sign-on and readout ---------------------------------------------------------------------

    def _ignore(self, _message: Any, _now: float) -> None:
        pass

    def _start(self, _request: Request, now: float) -> None:
        self.begun += 1
        self._end_programming("a new sign-on")
        self._data = b""
        self.speed = self._initial_speed
        self._deadline = now + self._settings.reaction_time_s

    def _identify(self, _message: None, now: float) -> None:
        settings = self._settings
        self._mode = "B" if settings.mode_b else "A"
        identification = identification_of(self.meter.identification(), hdlc="E" in settings.modes)
        sent = self._send(identification.encode(), now)
        if settings.selectable:
            self._deadline = sent + settings.tt_s
        else:
            self._deadline = sent if settings.mode_b else sent + settings.ident_to_data_s

    def _switch(self, _message: None, now: float) -> None:
        self.speed = SPEEDS_MODE_B.get(self._settings.max_baud, self.speed)
        self._deadline = now + self._settings.ident_to_data_s

    def _select(self, option: OptionSelect, now: float) -> None:
        self._mode = "C"
        self._option = option
        self.speed = self._settings.speed_of(option.speed)
        self._deadline = now + self._settings.ack_to_data_s

    def _transmit(self, _message: None, now: float) -> None:
        settings = self._settings
        if not self._data:
            readout = readout_of(self.meter.data_block(), own_line=settings.end_on_own_line)
            self._data = readout.encode(settings.bcc)
        self._deadline = self._send(self._data, now) + min(RESPONSE_TIME_S, settings.ti_s)

    def _repeat(self, _nak: Repeat, now: float) -> None:
        self._deadline = now + self._settings.reaction_time_s

    def _listen(self, _message: None, now: float) -> None:
        self._finish(None, now)
        self._deadline = now + self._settings.ti_s

    def _finish(self, _message: Any, _now: float) -> None:
        self._end_programming("another meter is addressed")
        self._deadline = None
        self._data = b""
        self.speed = self._initial_speed

    # --- actions: programming -----------------------------------------------------------------------------

    def _select_programming(self, option: OptionSelect, now: float) -> None:
        self._select(option, now)
        self._programming = self._dialogue_of(option.mode)
        self._programming.challenge(self.meter.challenge(), now + self._settings.ack_to_data_s)

    def _begin(self, message: Command | Fault, now: float) -> None:
        self._finish(None, now)
        self._programming = self._dialogue_of(self._mode)
        self._hand_on(message, now)

    def _hand_on(self, message: Any, now: float) -> None:
        programming = self._programming
        assert programming is not None
        if message is None:
            programming.handle_timer(now)
        else:
            programming.receive(message, now)
        if programming.ended:
            self._programming = None
            self._step(Input.END, None, now)

    def _dialogue_of(self, mode: str) -> Programming:
        self._deadline = None
        return Programming(self._device, mode, self._settings, self._send, self.events)

    def _end_programming(self, reason: str) -> None:
        if self._programming is not None:
            self._programming.end(reason)
            self._programming = None

    # --- actions: modes E and D ---------------------------------------------------------------------------

    def _confirm(self, _message: None, now: float) -> None:
        self._send(self._option.encode(), now)

    def _prepare_push(self, _message: None, now: float) -> None:
        self.begun += 1
        settings = self._settings = self.meter.settings
        self._parity = "even" if settings.parity == "even" else "clean"
        self.speed = settings.d0_speed
        self._deadline = now + settings.reaction_time_s

    def _push(self, _message: None, now: float) -> None:
        identification = identification_of(self.meter.identification(), pushed=True)
        readout = readout_of(self.meter.data_block(), own_line=self._settings.end_on_own_line)
        self._deadline = self._send(encode_push(identification, readout), now)

    def _send(self, octets: bytes, now: float) -> float:
        """Put out a message; returns when its last character will have come to the reader."""
        self.output.append(with_even_parity(octets) if self._parity == "even" else octets)
        took = len(octets) * BITS_PER_CHARACTER / self.speed
        return now + took if self._settings.line_time == "both" else now
