"""A client of the hexadecimal protocol of the 685-382, which only that generation speaks.

What is known of it are the requests of one public driver: 00 hello, 01 memory, 90 and 95 registers, 92 login.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, NamedTuple

from cosem.errors import DecodeError
from cosem.reader import Reader
from transports.kmp_hex import ADDRESS, FROM_METER, TO_METER, HexFrameReader, encode_frame

from .channel import Channel
from .endpoint import Endpoint
from .errors import NoAnswer, ProtocolFault

HELLO, MEMORY, REGISTERS, LOGIN, TOTALS = 0x00, 0x01, 0x90, 0x92, 0x95
_ATTEMPTS: Final = 2
_LONGEST_ANSWER_S: Final = 30.0
"""A frame of full length takes 10 s at 1200 baud."""


class HexOptions(NamedTuple):
    """How long an answer may take, and the speed of a serial device."""

    timeout_s: float = 2.0
    baud: int = 1200


class Totals(NamedTuple):
    """Energies in whole kWh: in total, at tariff 1 and at tariff 2."""

    total: int
    tariff_1: int
    tariff_2: int


class Registers(NamedTuple):
    """The registers of command 90 whose meaning is known, in the order of the answer."""

    energy_kwh: int
    load_w: int
    hours: int
    peak_w: int
    customer_number: int


class KmpHexClient:
    """Whoever asks a 685 by its hexadecimal protocol."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @classmethod
    def connect(cls, endpoint: Endpoint, options: HexOptions) -> KmpHexClient:
        """Open the wire; a meter is there when it answers. Raises `CannotConnect`."""
        return cls(Channel.open(endpoint, options.timeout_s, "8bit", options.baud, _LONGEST_ANSWER_S))

    def __enter__(self) -> KmpHexClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the wire back."""
        self._channel.close()

    def ask(self, command: int, data: bytes = b"") -> bytes:
        """The data of the answer to a command; asked once more where none comes that is right."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._exchange(command, data)
            except NoAnswer:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _exchange(self, command: int, data: bytes) -> bytes:
        self._channel.send(encode_frame(TO_METER, ADDRESS, bytes((command,)) + data))
        reader = HexFrameReader(FROM_METER)
        while True:
            for destination, body in reader.receive_data(self._channel.receive()):
                if destination == ADDRESS and body[0] == command:
                    return body[1:]

    def hello(self) -> bytes:
        """What the meter says of itself: four octets of unknown meaning."""
        return self.ask(HELLO)

    def memory(self, first: int, last: int) -> bytes:
        """Octets of the meter's memory, from the first address to the last."""
        return self.ask(MEMORY, first.to_bytes(2, "big") + last.to_bytes(2, "big"))

    def registers(self) -> Registers:
        """Energy, load, hours, peak and customer number."""
        octets = self.ask(REGISTERS)
        reader = Reader(octets)
        try:
            values = [reader.unsigned(4) for _ in range(6)]
        except DecodeError as error:
            raise ProtocolFault(f"{self._channel.endpoint}: registers {octets.hex()}: {error}") from error
        energy, load, hours, _, peak, customer = values
        return Registers(energy, load, hours, peak, customer)

    def totals(self) -> Totals:
        """Energy in total and by tariff."""
        octets = self.ask(TOTALS, b"\0")
        reader = Reader(octets, 1)  # the first octet is 01 in all captures
        try:
            return Totals(reader.unsigned(4), reader.unsigned(4), reader.unsigned(4))
        except DecodeError as error:
            raise ProtocolFault(f"{self._channel.endpoint}: totals {octets.hex()}: {error}") from error
