"""A client of KMP, for any meter that speaks it.

    with KmpClient.connect(Endpoint.parse("kmp://127.0.0.1:4059"), KmpOptions()) as client:
        print(client.get_type(), client.serial_number())
        for record in client.get_registers([0x0001, 0x041E]):
            print(f"{record.register:04X}", record.value, record.symbol)

A question without a right answer is asked once more; a second silence is `NoAnswer`. A meter that does not want to
do something says nothing either, which is `RequestRefused` where an acknowledgement was due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Final, NamedTuple, TypeVar

from cosem.errors import DecodeError
from cosem.reader import Reader
from transports.kmp import ACK, FROM_METER, TO_METER, FrameReader, encode_frame

from .channel import Channel
from .endpoint import Endpoint
from .errors import NoAnswer, ProtocolFault, RequestRefused
from .kmp_logs import LogPage, read_log_page
from .kmp_records import RegisterRecord, Stamp, read_records

_Value = TypeVar("_Value")

METER: Final = 0x3F
"""The destination of every meter that was given no other."""
AT_ONCE: Final = 8
"""Registers of one GetRegister (KMP description 5)."""
_ATTEMPTS: Final = 2
_LONGEST_PAGE: Final = 0xFF
"""Octets of a logger answer, as head-ends ask for them."""
_LONGEST_ANSWER_S: Final = 30.0
"""The longest frame takes 20 s at 300 baud."""

GET_TYPE, GET_SERIAL_NO, SET_CLOCK, GET_REGISTER, PUT_REGISTER = 0x01, 0x02, 0x09, 0x10, 0x11
LOGIN, SET_CUT_OFF_STATE, GET_CUT_OFF_STATE, READ_EVENT_STATUS, CLEAR_EVENT_STATUS = 0x92, 0x97, 0x98, 0x9B, 0x9C
LOG_TIME_PRESENT, LOG_LAST_PRESENT, LOG_ID_PRESENT, LOG_TIME_PAST = 0xA0, 0xA1, 0xA2, 0xA3
PUT_BLOCK, GET_BLOCK = 0xB6, 0xB7


class KmpOptions(NamedTuple):
    """Who is asked, and how long an answer may take."""

    destination: int = METER
    timeout_s: float = 2.0
    baud: int = 9600


class MeterType(NamedTuple):
    """The answer to GetType: `5301 N1` is meter type 5301, revision N, number 1."""

    meter_type: int
    revision: int
    number: int

    def __str__(self) -> str:
        return f"{self.meter_type:04X} {self.letters}{self.number}"

    @property
    def letters(self) -> str:
        """The revision as it is printed: 1 is A, 26 is Z, 27 is AA."""
        text, rest = "", self.revision
        while rest:
            rest, letter = divmod(rest - 1, 26)
            text = chr(ord("A") + letter) + text
        return text


class CutOffState(NamedTuple):
    """State of the breaker and what its contacts were found to do."""

    state: int
    feedback: int


class BlockPart(NamedTuple):
    """A part of a block: the length of the whole, and the octets from the offset asked for."""

    total: int
    octets: bytes


class KmpClient:
    """Whoever asks one meter by KMP."""

    def __init__(self, channel: Channel, options: KmpOptions) -> None:
        self._channel = channel
        self._options = options

    @classmethod
    def connect(cls, endpoint: Endpoint, options: KmpOptions) -> KmpClient:
        """Open the wire; a meter is there when it answers. Raises `CannotConnect`."""
        return cls(Channel.open(endpoint, options.timeout_s, "8bit", options.baud, _LONGEST_ANSWER_S), options)

    def __enter__(self) -> KmpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the wire back; KMP has no good-bye."""
        self._channel.close()

    # --- questions and answers ----------------------------------------------------------------------------

    def ask(self, cid: int, data: bytes = b"") -> bytes:
        """The data of the answer to a command; asked once more where none comes that is right."""
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._exchange(cid, data)
            except NoAnswer:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            if answer is None:
                raise ProtocolFault(f"{self._channel.endpoint}: acknowledged command {cid:02X}, an answer expected")
            return answer
        raise AssertionError

    def command(self, cid: int, data: bytes = b"") -> None:
        """Have something done; raises `RequestRefused` where the meter does not acknowledge it.

        Not repeated: nobody knows whether the command or its acknowledgement was lost.
        """
        try:
            self._exchange(cid, data)
        except NoAnswer as silence:
            text = f"{self._channel.endpoint}: not acknowledged within {self._options.timeout_s:g} s"
            raise RequestRefused(text) from silence

    def _exchange(self, cid: int, data: bytes) -> bytes | None:
        """The data of the answer, `None` for an acknowledgement alone; raises `NoAnswer`."""
        destination = self._options.destination
        self._channel.send(encode_frame(TO_METER, destination, bytes((cid,)) + data))
        reader = FrameReader(FROM_METER)
        while True:
            octets = self._channel.receive()
            if reader.idle and octets[0] == ACK:
                return None
            for answered, body in reader.receive_data(octets):
                if answered == destination and body[:1] == bytes((cid,)):
                    return body[1:]

    # --- what a meter can be asked ------------------------------------------------------------------------

    def get_type(self) -> MeterType:
        """Meter type and revision."""
        return self._decoded(self.ask(GET_TYPE), lambda reader: MeterType(reader.unsigned(2), reader.u8(), reader.u8()))

    def serial_number(self) -> int:
        """The serial number."""
        return self._decoded(self.ask(GET_SERIAL_NO), lambda reader: reader.unsigned(4))

    def get_registers(self, registers: Iterable[int]) -> list[RegisterRecord]:
        """Those of the registers that the meter has, eight in a frame."""
        wanted = list(registers)
        records: list[RegisterRecord] = []
        for begin in range(0, len(wanted), AT_ONCE):
            some = wanted[begin : begin + AT_ONCE]
            records += self._decoded(self.ask(GET_REGISTER, bytes((len(some),)) + _identifiers(some)), read_records)
        return records

    def put_register(self, record: RegisterRecord, password: int) -> None:
        """Write a register; raises `RequestRefused`."""
        self.command(PUT_REGISTER, password.to_bytes(2, "big") + record.to_octets())

    def set_clock(self, moment: datetime) -> None:
        """Set date and time of the meter's clock, local time; raises `RequestRefused`."""
        date_digits, time_digits = int(f"{moment:%y%m%d}"), int(f"{moment:%H%M%S}")
        self.command(SET_CLOCK, date_digits.to_bytes(4, "big") + time_digits.to_bytes(4, "big"))

    def cut_off_state(self) -> CutOffState:
        """State and feedback of the breaker."""
        return self._decoded(self.ask(GET_CUT_OFF_STATE), lambda reader: CutOffState(reader.u8(), reader.u8()))

    def set_cut_off_state(self, state: int) -> None:
        """1 disconnect, 2 release for the push-button, 3 reconnect; raises `RequestRefused`."""
        self.command(SET_CUT_OFF_STATE, bytes((state,)))

    def event_status(self) -> int:
        """The events since they were last cleared, 32 bits, bit 0 in the first octet."""
        octets = self._decoded(self.ask(READ_EVENT_STATUS), lambda reader: reader.octets(4))
        return int.from_bytes(octets, "little")

    def clear_event_status(self) -> None:
        """Forget the events; raises `RequestRefused`."""
        self.command(CLEAR_EVENT_STATUS)

    def login(self, password: int) -> None:
        """Show the password; raises `RequestRefused`."""
        self.command(LOGIN, password.to_bytes(2, "big"))

    # --- loggers ------------------------------------------------------------------------------------------

    def log_from(self, log: int, registers: Iterable[int], since: Stamp, count: int = 0xFF) -> LogPage:
        """Records of a logger from a time on, the oldest of them first.

        A request has the octets of a time the other way round, year first, as the head-end AIMIR sends them.
        """
        return self._log(LOG_TIME_PRESENT, log, registers, count, since.to_octets()[::-1])

    def log_before(self, log: int, registers: Iterable[int], until: Stamp, count: int = 0xFF) -> LogPage:
        """Records of a logger from a time backwards."""
        return self._log(LOG_TIME_PAST, log, registers, count, until.to_octets()[::-1])

    def log_from_id(self, log: int, registers: Iterable[int], log_id: int, count: int = 0xFF) -> LogPage:
        """Records of a logger from a record's number on."""
        return self._log(LOG_ID_PRESENT, log, registers, count, log_id.to_bytes(2, "big"))

    def log_newest(self, log: int, registers: Iterable[int], count: int = 0xFF) -> LogPage:
        """The newest records of a logger, backwards."""
        return self._log(LOG_LAST_PRESENT, log, registers, count, b"")

    def _log(self, cid: int, log: int, registers: Iterable[int], count: int, begin: bytes) -> LogPage:
        wanted = list(registers)
        request = bytes((log, len(wanted))) + _identifiers(wanted) + bytes((count, _LONGEST_PAGE)) + begin
        return self._decoded(self.ask(cid, request), lambda reader: read_log_page(reader, log))

    # --- blocks -------------------------------------------------------------------------------------------

    def get_block(self, number: int, offset: int, count: int) -> BlockPart:
        """Octets of a block from an offset on."""
        octets = self.ask(GET_BLOCK, number.to_bytes(2, "big") + offset.to_bytes(2, "big") + bytes((count,)))

        def part(reader: Reader) -> BlockPart:
            if (reader.unsigned(2), reader.unsigned(2)) != (number, offset):
                raise DecodeError("another part of a block than the one asked for")
            return BlockPart(reader.unsigned(2), reader.rest())

        return self._decoded(octets, part)

    def put_block(self, password: int, number: int, offset: int, total: int, octets: bytes) -> None:
        """Write a part of a block; raises `RequestRefused`."""
        head = b"".join(item.to_bytes(2, "big") for item in (password, number, offset, total))
        self.command(PUT_BLOCK, head + octets)

    def _decoded(self, octets: bytes, decode: Callable[[Reader], _Value]) -> _Value:
        """What `decode` makes of an answer, all of it; raises `ProtocolFault`."""
        reader = Reader(octets)
        try:
            value = decode(reader)
            reader.end()
        except DecodeError as error:
            raise ProtocolFault(f"{self._channel.endpoint}: answer {octets.hex()}: {error}") from error
        return value


def _identifiers(registers: Iterable[int]) -> bytes:
    return b"".join(register.to_bytes(2, "big") for register in registers)
