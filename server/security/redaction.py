r"""Which octets of a message are secret, so that a trace shows `**` in their place.

Passwords go in clear wherever a protocol is that weak. What is known and hidden:

| message | hidden |
|---|---|
| AARQ with low level security | the password |
| AARQ whose InitiateRequest is plain and holds a dedicated key | the key |
| SET or ACTION on the secret of an association, change_secret by its short name | all from the value on |
| P1 and P2 of IEC 62056-21 | all from the password on |
| KMP 11, 92 and B6, login of the hexadecimal protocol | all from the password on |

Check octets tell about what they check: where something is hidden in an HDLC frame, so is its FCS. A message is looked
at as it is traced, alone: a value that a client cuts into blocks or segments behind its descriptor is not recognised.
What is ciphered needs no hiding.
"""

from __future__ import annotations

import re
from typing import Final

_LOW_LEVEL: Final = re.compile(rb"\x8b\x07\x60\x85\x74\x05\x08\x02\x01\xac.\x80(.)", re.DOTALL)
_DEDICATED: Final = re.compile(rb"\xbe.\x04.\x01\x01(.)", re.DOTALL)
_TO_THE_END: Final = (
    re.compile(rb"\x00\x0f\x00\x00\x28\x00.\xff\x07", re.DOTALL),  # Association LN, attribute secret
    re.compile(rb"\xc3..\x00\x0f\x00\x00\x28\x00.\xff\x02", re.DOTALL),  # and its method change_HLS_secret
    re.compile(rb"[\x02\x04]\xfa\x40", re.DOTALL),  # Association SN, method change_secret
    re.compile(rb"\A\x80.[\x11\x92\xb6]", re.DOTALL),
    re.compile(rb"\A@..92"),
)
_PROGRAMMING: Final = re.compile(rb"\x01P[12]\x02\(")
_HDLC_FLAG: Final = 0x7E
_FCS: Final = slice(-3, -1)


def secret_octets(message: bytes) -> list[slice]:
    """The slices of a traced message that nobody should see."""
    found: list[slice] = []
    for pattern in (_LOW_LEVEL, _DEDICATED):
        for match in pattern.finditer(message):
            found.append(slice(match.end(), match.end() + match[1][0]))
    ends = [found_at.end() for pattern in _TO_THE_END if (found_at := pattern.search(message))]
    text = bytes(octet & 0x7F for octet in message)  # whatever the parity
    if programming := _PROGRAMMING.search(text):
        ends.append(programming.end())
    found += [slice(end, len(message)) for end in ends]
    if found and message[0] == _HDLC_FLAG:
        found.append(_FCS)
    return found
