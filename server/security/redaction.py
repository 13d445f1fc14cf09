r"""Which octets of a traced message are secret, so that a trace shows `**` in their place.

Passwords go in clear wherever a protocol is that weak:

| message | hidden |
|---|---|
| an APDU, bare, in the wrapper or in HDLC | what `secret_fields.py` finds in it |
| to the meter: an HDLC frame that goes on with an APDU | its information |
| P1, P2 of IEC 62056-21 | all from the password on |
| KMP 11, 92, A9 and B6, login 92 of the hexadecimal protocol | all from the password on, stuffed as it may be |
| part of a message | all from where a secret begins |

Check octets tell about what they check: where something is hidden in an HDLC frame, so is its FCS. A message is looked
at alone, as it is traced. The later part of one is recognised only in HDLC and in blocks; the trace puts pieces of a
WPDU together before, unless its header is cut within its first octets. What is ciphered needs no hiding.
"""

from __future__ import annotations

import re
from typing import Final

from cosem.general_block_transfer import GENERAL_BLOCK_TRANSFER

from .secret_fields import secrets_of_apdu

_PROGRAMMING: Final = re.compile(rb"\x01P[12]\x02?[^(]*\(?")
_HEXADECIMAL: Final = re.compile(rb"@..92")
_IN_A_PART: Final = re.compile(
    rb"\x60\x85\x74\x05\x08\x02.\xac"  # a mechanism name and the authentication value behind it
    rb"|\xbe.\x04.\x01\x01."  # a plain InitiateRequest with a dedicated key
    rb"|\x00\x0f.{6}\x07|\xc3..\x00\x0f.{6}\x02"  # secret and change_HLS_secret of an association
    rb"|[\x02\x04]\xfa\x40",  # change_secret by its short name
    re.DOTALL,
)
_CONTROL_CHARACTERS: Final = frozenset(b"\x01\x02\x03\x04\x06\x15\r\n")

_KMP_START: Final = 0x80
_KMP_ESCAPE: Final = 0x1B
_KMP_WITH_PASSWORD: Final = frozenset((0x11, 0x92, 0xA9, 0xB6))
"""PutRegister, login, the load profile's configuration, PutBlock."""

_HDLC_FLAG: Final = 0x7E
_LLC: Final = re.compile(rb"\xe6[\xe6\xe7]\x00")
_WRAPPER_VERSION: Final = b"\x00\x01"
_WRAPPER_HEADER: Final = 8


def secret_octets(message: bytes, to_meter: bool = True) -> list[slice]:
    """The slices of a traced message, to the meter or from it, that nobody should see."""
    if message[:1] == bytes((_HDLC_FLAG,)):
        return _of_frame(message, to_meter)
    if message[:2] == _WRAPPER_VERSION and len(message) > _WRAPPER_HEADER:
        return _of_apdu(message, _WRAPPER_HEADER, len(message), to_meter) or _of_text(message)
    if (found := _of_text(message)) or _is_text(message):
        return found
    found = _of_kmp(message) if message[0] == _KMP_START else _of_apdu(message, 0, len(message), to_meter)
    return found or _of_part(message)


def _of_text(message: bytes) -> list[slice]:
    """A password of IEC 62056-21 or the hexadecimal protocol, wherever it stands."""
    text = bytes(octet & 0x7F for octet in message)  # whatever the parity
    for pattern in (_PROGRAMMING, _HEXADECIMAL):
        if match := pattern.search(text):
            return [slice(match.end(), len(message))]
    return []


def _is_text(message: bytes) -> bool:
    return all(0x20 <= octet & 0x7F < 0x7F or octet & 0x7F in _CONTROL_CHARACTERS for octet in message)


def _of_apdu(message: bytes, start: int, stop: int, to_meter: bool) -> list[slice]:
    if not to_meter and message[start] == GENERAL_BLOCK_TRANSFER:
        return []
    return secrets_of_apdu(message, start, stop)


def _of_part(message: bytes) -> list[slice]:
    match = _IN_A_PART.search(message)
    return [] if match is None else [slice(match.end(), len(message))]


def _of_kmp(message: bytes) -> list[slice]:
    """The data of a frame whose command brings a password; any octet may be stuffed."""
    octets: list[int] = []
    place = 1
    while len(octets) < 2 and place < len(message):
        octet = message[place]
        if octet == _KMP_ESCAPE and place + 1 < len(message):
            place += 1
            octet = message[place] ^ 0xFF
        octets.append(octet)
        place += 1
    return [slice(place, len(message))] if octets[1:] and octets[1] in _KMP_WITH_PASSWORD else []


def _of_frame(message: bytes, to_meter: bool) -> list[slice]:
    check = slice(max(len(message) - 3, 0), len(message) - 1)
    llc = _LLC.search(message)
    if llc is not None and llc.end() < check.start:
        found = _of_apdu(message, llc.end(), check.start, to_meter)
    elif to_meter:
        found = _of_continuation(message, check.start)
    else:
        found = []
    return [*found, check] if found else []


def _of_continuation(message: bytes, end: int) -> list[slice]:
    """The information of an I frame that begins no APDU: it goes on with one that may hold a secret."""
    place = 3
    for _ in range(2):  # an address ends with the octet whose lowest bit is set
        while place < end and not message[place] & 1:
            place += 1
        place += 1
    information = place + 3  # behind control and HCS
    if information >= end or message[place] & 1:
        return []
    return [slice(information, end)]
