"""The messages of IEC 62056-21 that a data readout needs: reading the client's, writing the meter's.

Client: request `/ ? address ! CR LF`, acknowledgement `ACK V Z Y CR LF`, repeat request `NAK`.
Meter: identification `/ text CR LF`, data `STX block ! CR LF ETX BCC`.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from typing import Final, Literal, NamedTuple

STX, ETX, ACK, NAK, LF = 0x02, 0x03, 0x06, 0x15, 0x0A
START: Final = 0x2F

_REQUEST: Final = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r\n")
_OPTION_SELECT: Final = re.compile(rb"\x06(.)(.)(.)\r\n")
_LONGEST: Final = 2 + 32 + 3
"""A request with the longest address; nothing the meter reads is longer."""

_EVEN_PARITY: Final = bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(128)) * 2
_STRIP_PARITY: Final = bytes(range(128)) * 2


class Request(NamedTuple):
    """The sign-on: who is meant; an empty address means every meter."""

    address: str

    def addresses(self, serial_number: str) -> bool:
        """This meter is meant: leading zeros do not count, upper and lower case do."""
        return not self.address or self.address.lstrip("0") == serial_number.lstrip("0")


class OptionSelect(NamedTuple):
    """The acknowledgement of an identification: protocol control V, speed Z, mode control Y."""

    protocol: str
    speed: str
    mode: str


class Repeat(NamedTuple):
    """NAK: the last message again, please."""


Message = Request | OptionSelect | Repeat


class MessageReader:
    """Cuts what the client sends into messages; never holds more than one of 37 octets.

    What is no message is dropped and counted. A start character always begins anew, so rubbish before a
    good message does no harm.
    """

    def __init__(self) -> None:
        self.noise_octets = 0
        self._buffer = bytearray()

    @property
    def idle(self) -> bool:
        """No message has begun."""
        return not self._buffer

    def drop(self) -> None:
        """Give up what has begun (inter-character time-out)."""
        self.noise_octets += len(self._buffer)
        self._buffer.clear()

    def receive_data(self, data: bytes) -> list[Message]:
        """Take octets with or without parity; returns the messages they complete."""
        messages: list[Message] = []
        for octet in data.translate(_STRIP_PARITY):
            if octet in (START, ACK, NAK):
                self.drop()
                if octet == NAK:
                    messages.append(Repeat())
                else:
                    self._buffer.append(octet)
            elif not self._buffer:
                self.noise_octets += 1
            else:
                self._buffer.append(octet)
                if octet == LF and (message := _parse(bytes(self._buffer))):
                    self._buffer.clear()
                    messages.append(message)
                elif octet == LF or len(self._buffer) >= _LONGEST:
                    self.drop()
        return messages


def _parse(octets: bytes) -> Message | None:
    if match := _REQUEST.fullmatch(octets):
        return Request(match[1].decode("ascii"))
    if match := _OPTION_SELECT.fullmatch(octets):
        return OptionSelect(*(group.decode("ascii") for group in match.groups()))
    return None


def block_check(octets: bytes, kind: Literal["xor", "sum"]) -> int:
    """BCC over the characters behind STX up to and with ETX: ISO 1155, or the 685's sum modulo 128."""
    return sum(octets) & 0x7F if kind == "sum" else reduce(xor, octets, 0)


def encode_identification(text: str) -> bytes:
    """`/ text CR LF`; `text` begins with the three letters of the manufacturer."""
    return b"/%b\r\n" % text.encode("ascii")


def encode_data(block: str, bcc: Literal["xor", "sum"], *, own_line: bool = True) -> bytes:
    """The data message around these lines, each ended by CR LF; "!" on a line of its own, or behind the last one."""
    lines = block if own_line else block.removesuffix("\r\n")
    body = lines.encode("ascii") + b"!\r\n" + bytes((ETX,))
    return bytes((STX,)) + body + bytes((block_check(body, bcc),))


def with_even_parity(octets: bytes) -> bytes:
    """The same 7-bit characters with even parity in bit 7."""
    return octets.translate(_EVEN_PARITY)
