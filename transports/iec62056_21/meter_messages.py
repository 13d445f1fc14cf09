"""What a meter says: identification, data, errors, P0 (IEC 62056-21 6.3, 6.5). Both ways: `encode`, `parse_meter`.

/ XXX Z text CR LF                   identification; `\\2` behind Z offers mode E
STX lines ! CR LF ETX BCC            readout, modes A to C
STX data ETX BCC, STX data EOT BCC   answer; with EOT more blocks follow
STX (text) ETX BCC                   error
SOH P0 STX (challenge) ETX BCC       programming begins
ACK, NAK, SOH B0 ETX BCC             done; wrong check or parity; the dialogue is over
/ XXX 3 text CR LF CR LF lines ! CR LF    mode D, unasked
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .characters import ACK, EOT, ETX, NAK, START, STX, BlockCheck, has_block_check, with_block_check
from .client_messages import Acknowledge, Break, Fault, OptionSelect, Repeat, parse_client

LONGEST_ERROR: Final = 32
"""Characters of an error message between its brackets (IEC 62056-21 6.5)."""

_MODE_E: Final = "\\2"
_PUSH_BAUD: Final = "3"
_IDENTIFICATION: Final = re.compile(r"/([A-Za-z]{3})([\x20-\x7e])((?:\\[\x20-\x7e])*)([\x20-\x7e]*)\r\n")
_CHALLENGE: Final = re.compile(r"\x01P0\x02\(([^()]*)\)\x03.", re.DOTALL)
_ERROR: Final = re.compile(r"\(([^()]*)\)")
_DATA_SET: Final = re.compile(r"([^()\r\n]*)((?:\([^()\r\n]*\))+)")
_END: Final = re.compile(r"!\r\n\Z")
_PUSH: Final = re.compile(r"(/[^\r\n]*\r\n)\r\n((?:[^\r\n!]*\r\n)*[^\r\n!]*)!\r\n")


class Identification(NamedTuple):
    """Who answers and at which speed at most: `KAM`, the character Z, the text; the escapes (`\\2`) between these."""

    manufacturer: str
    baud: str
    text: str
    escapes: str = ""

    @property
    def offers_hdlc(self) -> bool:
        """The meter speaks mode E."""
        return _MODE_E in self.escapes

    def encode(self) -> bytes:
        """As octets without parity."""
        return f"/{self.manufacturer}{self.baud}{self.escapes}{self.text}\r\n".encode("ascii")


class Data(NamedTuple):
    """What stands between STX and ETX or EOT. A readout ends with `!` CR LF, which is not part of the text."""

    text: str
    more: bool = False
    readout: bool = False

    def encode(self, bcc: BlockCheck = "xor") -> bytes:
        """As octets without parity."""
        end = "!\r\n" if self.readout else ""
        body = f"{self.text}{end}".encode("ascii")
        return with_block_check(bytes((STX,)) + body + bytes((EOT if self.more else ETX,)), bcc)


class Error(NamedTuple):
    """An error message: the text between its brackets."""

    text: str

    def encode(self, bcc: BlockCheck = "xor") -> bytes:
        """As octets without parity."""
        return Data(f"({self.text})").encode(bcc)


class Challenge(NamedTuple):
    """P0, with which programming begins, and its operand."""

    operand: str

    def encode(self, bcc: BlockCheck = "xor") -> bytes:
        """As octets without parity."""
        return with_block_check(f"\x01P0\x02({self.operand})\x03".encode("ascii"), bcc)


MeterMessage = Identification | Data | Error | Challenge | Acknowledge | Repeat | Break | OptionSelect


def identification_of(text: str, *, hdlc: bool = False, pushed: bool = False) -> Identification:
    """The identification with this text, which begins with the manufacturer's letters and Z.

    `hdlc` offers mode E; a `pushed` one has Z as mode D wants it.
    """
    manufacturer, baud, rest = text[:3], text[3:4], text[4:]
    return Identification(manufacturer, _PUSH_BAUD if pushed else baud, rest, _MODE_E if hdlc else "")


def readout_of(block: str, *, own_line: bool = True) -> Data:
    """The readout of these lines, each ended by CR LF; its "!" on a line of its own, or behind the last one."""
    return Data(block if own_line else block.removesuffix("\r\n"), readout=True)


def encode_push(identification: Identification, readout: Data) -> bytes:
    """A readout of mode D: nothing around it checks anything."""
    return identification.encode() + f"\r\n{readout.text}!\r\n".encode("ascii")


def parse_push(octets: bytes) -> tuple[Identification, Data] | None:
    """A whole readout of mode D; `None` where these octets are none."""
    match = _PUSH.fullmatch(octets.decode("latin-1"))
    identification = None if match is None else _IDENTIFICATION.fullmatch(match[1])
    if match is None or identification is None or data_sets(match[2]) is None:
        return None
    return _identification(identification), Data(match[2], readout=True)


def parse_meter(octets: bytes, bcc: BlockCheck = "xor") -> MeterMessage | Fault | None:
    """What these octets say, one message as `MessageReader` has cut it; `None` where they say nothing."""
    text = octets.decode("latin-1")
    if octets[0] == START:
        match = _IDENTIFICATION.fullmatch(text)
        return None if match is None else _identification(match)
    if octets[0] in (ACK, NAK):
        said = parse_client(octets)
        return said if isinstance(said, (Acknowledge, Repeat, OptionSelect)) else None
    if not has_block_check(octets, bcc):
        return Fault.CHECK
    if octets[0] == STX:
        return _answer(text[1:-2], more=octets[-2] == EOT)
    if match := _CHALLENGE.fullmatch(text):
        return Challenge(match[1])
    return Break() if isinstance(parse_client(octets, bcc), Break) else Fault.SYNTAX


def _identification(match: re.Match[str]) -> Identification:
    manufacturer, baud, escapes, text = match.groups()
    return Identification(manufacturer, baud, text, escapes)


def _answer(text: str, *, more: bool) -> Data | Error:
    if not more and (error := _ERROR.fullmatch(text)):
        return Error(error[1])
    if _END.search(text):
        return Data(_END.sub("", text), more, readout=True)
    return Data(text, more)


class Value(NamedTuple):
    """What stands between two brackets: `0000010*kWh`."""

    text: str
    unit: str = ""


class DataSet(NamedTuple):
    """`1.6.0(0.000*kW)(00000101000000)`: an id, which may be empty, and its values."""

    address: str
    values: tuple[Value, ...]


def data_sets(text: str) -> list[DataSet] | None:
    """The data sets of an answer or a readout, line ends between them or not; `None` where it is not made of such."""
    found: list[DataSet] = []
    for line in text.split("\r\n"):
        position = 0
        while position < len(line):
            match = _DATA_SET.match(line, position)
            if match is None:
                return None
            values = tuple(Value(*value.split("*", 1)) for value in match[2][1:-1].split(")("))
            found.append(DataSet(match[1], values))
            position = match.end()
    return found
