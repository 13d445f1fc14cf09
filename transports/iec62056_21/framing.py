"""Cuts octets into the messages of IEC 62056-21, whoever sends them; what they say is not looked at here.

| begins with | ends with |
|---|---|
| `/` | LF: a request, an identification |
| ACK | at once; where an option select may come, with LF |
| NAK | at once |
| SOH | the octet behind ETX or EOT, its BCC: a command |
| STX | likewise: data, only where answers are read |

A start character begins anew wherever it stands, so rubbish before a good message does no harm. Exceptions: STX
inside a command is part of it, and so is `/` there and in data; but `/?` in a command is somebody who signs on. NUL
wakes battery meters up and is not there inside of a message. What is longer than its kind may be, and what belongs to
no message, is noise: dropped, counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .characters import ACK, EOT, ETX, EVEN_PARITY, LF, NAK, SOH, START, STX

OF_CLIENTS: Final = {START: 2 + 32 + 3, ACK: 6, NAK: 1, SOH: 512}
"""What a client's messages begin with, and how long they may be. A command that is too long but not longer than
this gets an error message; beyond it is noise."""

OF_METERS: Final = {START: 128, ACK: 6, NAK: 1, SOH: 512, STX: 1 << 20}
"""Likewise for a meter's; other meters than ours have longer identifications and lists."""

_INSIDE: Final = {SOH: (STX, START), STX: (START,)}
_STRIP: Final = bytes(range(128)) * 2


class Heard(NamedTuple):
    """A message, its parity bits removed."""

    octets: bytes
    clean: bool = True
    """No bit 7 was set."""
    even: bool = True
    """Every bit 7 made the parity even. An `/` is never both."""


class MessageReader:
    """Takes octet by octet what one side says; bounded by `limits`, `OF_CLIENTS` or `OF_METERS`."""

    def __init__(self, limits: Mapping[int, int]) -> None:
        self.option_select = True
        """Whether ACK begins `ACK V Z Y CR LF`, as after an identification, or is a message of its own."""
        self.noise_octets = 0
        self._limits = limits
        self._raw = bytearray()
        self._octets = bytearray()
        self._check_follows = False

    @property
    def idle(self) -> bool:
        """No message has begun."""
        return not self._octets

    def drop(self) -> None:
        """Give up what has begun (inter-character time-out)."""
        self.noise_octets += len(self._octets)
        self._clear()

    def receive(self, raw: int) -> Heard | None:
        """Take an octet; returns the message it completes."""
        octet, begun = _STRIP[raw], self._octets
        if self._check_follows:
            self._append(raw)
            return self._whole()
        if raw == 0:
            self.noise_octets += not begun
            return None
        if octet in self._limits and not (begun and octet in _INSIDE.get(begun[0], ())):
            self.drop()
            self._append(raw)
            whole = octet == NAK or (octet == ACK and not self.option_select)
            return self._whole() if whole else None
        if not begun:
            self.noise_octets += 1
            return None
        if octet == 0x3F and begun[0] == SOH and begun[-1] == START:
            self._sign_on_inside()
        self._append(raw)
        if begun[0] in (SOH, STX):
            self._check_follows = octet in (ETX, EOT)
        elif octet == LF:
            return self._whole()
        if len(begun) >= self._limits[begun[0]]:
            self.drop()
        return None

    def _append(self, raw: int) -> None:
        self._raw.append(raw)
        self._octets.append(_STRIP[raw])

    def _sign_on_inside(self) -> None:
        """Of the command that has begun only its last character, `/`, counts."""
        last = self._raw[-1]
        self._raw.pop()
        self._octets.pop()
        self.drop()
        self._append(last)

    def _whole(self) -> Heard:
        raw, octets = bytes(self._raw), bytes(self._octets)
        self._clear()
        return Heard(octets, raw == octets, raw == octets.translate(EVEN_PARITY))

    def _clear(self) -> None:
        self._raw.clear()
        self._octets.clear()
        self._check_follows = False
