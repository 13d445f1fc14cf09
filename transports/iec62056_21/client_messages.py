"""What a client says, both ways: sign-on, option select, commands (IEC 62056-21 6.3, 6.4, 6.5).

/ ? address ! CR LF              request
ACK V Z Y CR LF                  option select: the acknowledgement of an identification
SOH C D STX id(data) ETX BCC     command; SOH B 0 ETX BCC is the break
ACK, NAK                         of a block, or of whatever came last
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from .characters import ACK, ETX, NAK, SOH, START, BlockCheck, has_block_check, with_block_check

LONGEST_ID: Final = 16
LONGEST_VALUE: Final = 128
"""Characters before and between the brackets of a command in programming mode (IEC 62056-21 6.5)."""

_REQUEST: Final = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r\n")
_OPTION_SELECT: Final = re.compile(rb"\x06([\x20-\x7e])([\x20-\x7e])([\x20-\x7e])\r\n")
_BREAK: Final = re.compile(rb"\x01B0\x03.", re.DOTALL)
_VALUE: Final = rb"[^()/!\x00-\x1f\x7f]{0,%d}" % LONGEST_VALUE
_COMMAND: Final = re.compile(
    rb"\x01(P[12]|R[1-6]|W[1-5]|E2)\x02([^()/!\x00-\x1f\x7f]{0,%d})\((%b(?:\)\(%b)*)\)\x03."
    % (LONGEST_ID, _VALUE, _VALUE),
    re.DOTALL,
)


class Request(NamedTuple):
    """The sign-on: who is meant; an empty address means every meter."""

    address: str = ""

    def addresses(self, serial_number: str) -> bool:
        """This meter is meant: leading zeros do not count, upper and lower case do."""
        return not self.address or self.address.lstrip("0") == serial_number.lstrip("0")

    def encode(self) -> bytes:
        """As octets without parity."""
        return b"/?%b!\r\n" % self.address.encode("ascii")


class OptionSelect(NamedTuple):
    """The acknowledgement of an identification: protocol control V, speed Z, mode control Y."""

    protocol: str
    speed: str
    mode: str

    def encode(self) -> bytes:
        """As octets without parity."""
        return bytes((ACK,)) + f"{self.protocol}{self.speed}{self.mode}\r\n".encode("ascii")


class Acknowledge(NamedTuple):
    """ACK: the block is good, the next one, please."""

    def encode(self) -> bytes:
        """As one octet."""
        return bytes((ACK,))


class Repeat(NamedTuple):
    """NAK: the last message again, please."""

    def encode(self) -> bytes:
        """As one octet."""
        return bytes((NAK,))


class Command(NamedTuple):
    """A programming command: `R5`, `1.0.0`, what stands between the brackets; of several values `2)(1.8.0)(1.8.1`."""

    name: str
    address: str
    data: str

    def encode(self, bcc: BlockCheck = "xor") -> bytes:
        """As octets without parity."""
        body = f"{self.name}\x02{self.address}({self.data})".encode("ascii")
        return with_block_check(bytes((SOH,)) + body + bytes((ETX,)), bcc)


class Break(NamedTuple):
    """B0: the end of a dialogue. A meter sends it too, as after a wrong password."""

    def encode(self, bcc: BlockCheck = "xor") -> bytes:
        """As octets without parity."""
        return with_block_check(b"\x01B0\x03", bcc)


class Fault(enum.Enum):
    """What is wrong with a command."""

    CHECK = "wrong block check or parity"
    SYNTAX = "wrong syntax"


ClientMessage = Request | OptionSelect | Acknowledge | Repeat | Command | Break


def parse_client(octets: bytes, bcc: BlockCheck = "xor") -> ClientMessage | Fault | None:
    """What these octets say, one message as `MessageReader` has cut it; `None` where they say nothing.

    A command that ends with EOT has wrong syntax: clients send no partial blocks (IEC 1107 description 2.2).
    """
    first = octets[0]
    if first == NAK:
        return Repeat()
    if first == START:
        match = _REQUEST.fullmatch(octets)
        return None if match is None else Request(match[1].decode("ascii"))
    if first == ACK:
        if len(octets) == 1:
            return Acknowledge()
        match = _OPTION_SELECT.fullmatch(octets)
        return None if match is None else OptionSelect(*(group.decode("ascii") for group in match.groups()))
    if not has_block_check(octets, bcc):
        return Fault.CHECK
    if _BREAK.fullmatch(octets):
        return Break()
    match = _COMMAND.fullmatch(octets)
    return Fault.SYNTAX if match is None else Command(*(group.decode("ascii") for group in match.groups()))
