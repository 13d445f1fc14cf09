"""A client of IEC 62056-21, for any meter that speaks modes A, B or C.

    with IecClient.connect(Endpoint.parse("iec://127.0.0.1:4059"), IecOptions()) as client:
        for data_set in client.readout().data_sets:
            print(data_set.address, data_set.values)

    with IecClient.connect(endpoint, IecOptions()) as client:
        client.program("12345")
        print(client.read("R5", "1.0.0"))
        client.write("W5", "1.0.0", "0261121120000")

- A sign-on is asked for once more where nothing comes; a message whose check is wrong is asked for once more with NAK.
- The block check may be the exclusive or of the standard or the sum of the 685 generation; what a meter's first message
  turns out to have is kept.
- A refusal leaves the dialogue open; whatever else goes wrong ends it.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Final, Literal, NamedTuple

from transports.iec62056_21.characters import BlockCheck
from transports.iec62056_21.client_messages import (
    Acknowledge,
    Break,
    ClientMessage,
    Command,
    Fault,
    OptionSelect,
    Repeat,
    Request,
)
from transports.iec62056_21.framing import OF_METERS, MessageReader
from transports.iec62056_21.meter_messages import (
    Challenge,
    Data,
    DataSet,
    Error,
    Identification,
    MeterMessage,
    parse_meter,
)
from transports.iec62056_21.settings import SPEEDS, SPEEDS_MODE_B

from .channel import Channel, Parity
from .endpoint import Endpoint
from .errors import ClientError, ConnectionLost, LoginRefused, NoAnswer, ProtocolFault, RequestRefused
from .iec_data import parsed

_NORMAL: Final = "0"
_READOUT: Final = "0"
_PROGRAMMING: Final = "1"
_INITIAL_BAUD: Final = 300
_LONGEST_ANSWER_S: Final = 600.0
"""At 300 baud that is 18 000 characters: longer than any readout."""
_MOST_BLOCKS: Final = 100_000
_CHECKS: Final[tuple[BlockCheck, ...]] = ("xor", "sum")


class IecOptions(NamedTuple):
    """Who is meant and how the line is.

    `address`: the meter's serial number; empty reaches whoever is there. `baud`: the speed to begin with, 300 where
    nothing is said. `max_speed`: the highest Z to ask for in mode C. `mode`: "A" leaves an offer of mode C
    unanswered. `even_parity`: where nothing is said, on a serial device only; clean characters anywhere else.
    """

    address: str = ""
    timeout_s: float = 5.0
    baud: int | None = None
    max_speed: str = "6"
    mode: Literal["A", "C"] = "C"
    even_parity: bool | None = None


class Readout(NamedTuple):
    """What a meter said of itself."""

    identification: Identification
    data_sets: list[DataSet]


class IecClient:
    """One client of one optical port; a context manager that breaks off and gives the wire back."""

    def __init__(self, channel: Channel, options: IecOptions) -> None:
        self._channel = channel
        self._options = options
        self._reader = MessageReader(OF_METERS)
        self._heard: list[bytes] = []
        self._check: BlockCheck | None = None
        self._identification: Identification | None = None
        self._programming = False

    @classmethod
    def connect(cls, endpoint: Endpoint, options: IecOptions) -> IecClient:
        """Open the wire; a meter is there when it answers a sign-on. Raises `CannotConnect`."""
        even = endpoint.carries_parity if options.even_parity is None else options.even_parity
        parity: Parity = "even" if even else "none"
        baud = options.baud or _INITIAL_BAUD
        return cls(Channel.open(endpoint, options.timeout_s, parity, baud, _LONGEST_ANSWER_S), options)

    def __enter__(self) -> IecClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off where a dialogue is open, and give the wire back."""
        if self._programming:
            with contextlib.suppress(ClientError):
                self._send(Break())
        self._channel.close()

    # --- sign-on and readout ------------------------------------------------------------------------------

    def sign_on(self) -> Identification:
        """Ask who is there; raises `NoAnswer`."""
        for last in (False, True):
            self._reader.drop()
            self._heard.clear()
            self._send(Request(self._options.address))
            try:
                message = self._receive()
            except NoAnswer:
                if last:
                    raise
                continue
            if isinstance(message, Fault):
                self._channel.discard()
            if isinstance(message, Identification):
                self._identification = message
                return message
        raise ProtocolFault(f"{self._channel.endpoint}: no identification")

    def readout(self) -> Readout:
        """Sign on, unless that is done, and take the data; raises `ProtocolFault` where they are damaged twice."""
        identification = self._option_select(_READOUT)
        message = self._checked()
        if not isinstance(message, Data):
            raise self._unexpected(message)
        self._identification = None
        return Readout(identification, parsed(message.text))

    def _option_select(self, mode: str) -> Identification:
        """Acknowledge an identification that offers mode C, and go to the speed that is meant."""
        identification = self._identification or self.sign_on()
        offered = identification.baud
        if offered in SPEEDS_MODE_B:
            self._channel.set_speed(SPEEDS_MODE_B[offered])
        elif offered in SPEEDS and self._options.mode == "C":
            chosen = min(offered, self._options.max_speed)
            self._send(OptionSelect(_NORMAL, chosen, mode))
            self._channel.set_speed(SPEEDS[chosen])
        elif mode != _READOUT and self._options.mode == "C":
            # The 382L offers nothing and takes an option select all the same; a meter of mode A makes nothing of it.
            present = next((digit for digit, baud in SPEEDS.items() if baud == self._options.baud), "0")
            self._send(OptionSelect(_NORMAL, present, mode))
        return identification

    # --- programming --------------------------------------------------------------------------------------

    def program(self, password: str, mode: str = _PROGRAMMING) -> str:
        """Open programming (or manufacturer) mode with the password; the operand of P0. Raises `LoginRefused`.

        A meter without mode C is programmed after its readout, at the speed of the sign-on.
        """
        identification = self._option_select(mode)
        message = self._checked()
        operand = message.operand if isinstance(message, Challenge) else ""
        if identification.baud in SPEEDS_MODE_B:
            self._channel.set_speed(self._options.baud or _INITIAL_BAUD)
        if isinstance(message, Data) and not self._offered_c(identification):
            pass  # mode A or B: any command begins programming now
        elif isinstance(message, Data):
            raise LoginRefused(f"{self._channel.endpoint}: the meter has no programming mode")
        elif not isinstance(message, Challenge):
            raise self._unexpected(message)
        try:
            answer = self._ask(Command("P1", "", password))
        except ConnectionLost as broken:
            raise LoginRefused(f"{self._channel.endpoint}: the meter broke off: {_WRONG_PASSWORD}") from broken
        if isinstance(answer, Acknowledge):
            self._programming = True
            return operand
        if isinstance(answer, Error):
            raise LoginRefused(f"{self._channel.endpoint}: {answer.text}")
        raise self._unexpected(answer)

    def _offered_c(self, identification: Identification) -> bool:
        return identification.baud in SPEEDS and self._options.mode == "C"

    def read(self, command: str, address: str, data: str = "") -> list[str]:
        """The blocks of the answer to R1 to R6; raises `RequestRefused`."""
        blocks: list[str] = []
        message = self._ask(Command(command, address, data))
        while isinstance(message, Data) and len(blocks) < _MOST_BLOCKS:
            blocks.append(message.text)
            if not message.more:
                return blocks
            message = self._ask(Acknowledge())
        if isinstance(message, Error):
            raise RequestRefused(f"{command} {address}: {message.text}")
        raise self._unexpected(message)

    def read_sets(self, command: str, address: str, data: str = "") -> list[DataSet]:
        """The data sets of the answer; raises `RequestRefused`."""
        return parsed("".join(self.read(command, address, data)))

    def write(self, command: str, address: str, value: str) -> None:
        """Write by W1 to W5; raises `RequestRefused`."""
        message = self._ask(Command(command, address, value))
        if isinstance(message, Error):
            raise RequestRefused(f"{command} {address}: {message.text}")
        if not isinstance(message, Acknowledge):
            raise self._unexpected(message)

    def _ask(self, question: ClientMessage) -> MeterMessage:
        """Send and take the answer; where the meter says NAK, once more. Raises `ConnectionLost` at its break."""
        self._send(question)
        message = self._checked()
        if isinstance(message, Repeat):
            self._send(question)
            message = self._checked()
        if isinstance(message, Break):
            self._programming = False
            raise ConnectionLost(f"{self._channel.endpoint}: the meter broke off")
        return message

    # --- messages -----------------------------------------------------------------------------------------

    def _send(self, message: ClientMessage) -> None:
        if isinstance(message, (Command, Break)):
            self._channel.send(message.encode(self._check or "xor"))
        else:
            self._channel.send(message.encode())
        self._reader.option_select = isinstance(message, Request)

    def _checked(self) -> MeterMessage:
        """The next message; asked for again with NAK where its check is wrong."""
        message = self._receive()
        if isinstance(message, Fault):
            self._send(Repeat())
            message = self._receive()
        if isinstance(message, Fault):
            raise ProtocolFault(f"{self._channel.endpoint}: {message.value}, twice")
        return message

    def _receive(self) -> MeterMessage | Fault:
        """The next message that says anything; raises `NoAnswer`."""
        while True:
            while self._heard:
                message = self._understood(self._heard.pop(0))
                if message is not None:
                    return message
            for octet in self._channel.receive():
                if (heard := self._reader.receive(octet)) is not None:
                    self._heard.append(heard.octets)

    def _understood(self, octets: bytes) -> MeterMessage | Fault | None:
        for check in _CHECKS if self._check is None else (self._check,):
            message = parse_meter(octets, check)
            if message is not Fault.CHECK:
                if isinstance(message, (Data, Error, Challenge)):
                    self._check = check
                return message
        return Fault.CHECK

    def _unexpected(self, message: MeterMessage) -> ProtocolFault:
        return ProtocolFault(
            f"{self._channel.endpoint}: {type(message).__name__.lower()} where no such message belongs"
        )


_WRONG_PASSWORD: Final = "the password is wrong, or the port is locked after wrong ones"
