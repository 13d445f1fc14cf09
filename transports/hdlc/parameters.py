"""What an SNRM and its UA negotiate: information field sizes and windows (IEC 62056-46, 6.4.4.4.3.2).

The information field of both frames is `81 80 LL` and then parameters `id length value`; every name is seen
from the station that sends it, so one side's *transmit* is the other side's *receive*. What is missing has
the default of the standard: 128 octets, window 1. A group `F0` of user data may follow and means nothing to
the link. Any other parameter or group is a proposal that cannot be accepted: the answer is DM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

DEFAULT_INFO: Final = 128
DEFAULT_WINDOW: Final = 1
MAX_INFO: Final = 2030
"""Largest information field a frame of 2047 octets can carry beside the longest header."""
MAX_WINDOW: Final = 7

_FORMAT: Final = 0x81
_PARAMETER_GROUP: Final = 0x80
_USER_DATA_GROUP: Final = 0xF0
_INFO_TRANSMIT, _INFO_RECEIVE, _WINDOW_TRANSMIT, _WINDOW_RECEIVE = 0x05, 0x06, 0x07, 0x08


@dataclass(frozen=True)
class HdlcParameters:
    """What one station can do and how long it waits; defaults as in the HDLC setup of the 382M.

    Information fields in octets (1..2030), windows in frames (1..7). An `inactivity_timeout_s` of 0 means never.
    """

    window_transmit: int = 1
    window_receive: int = 1
    max_info_transmit: int = 512
    max_info_receive: int = 128
    inter_octet_timeout_s: float = 0.5
    inactivity_timeout_s: float = 20.0


class ProposalRefused(ValueError):
    """The information field of an SNRM or UA is malformed or holds a parameter we do not know."""


class Negotiated(NamedTuple):
    """Limits from the view of one station: its proposal in an SNRM, or the outcome of a negotiation."""

    info_transmit: int = DEFAULT_INFO
    info_receive: int = DEFAULT_INFO
    window_transmit: int = DEFAULT_WINDOW
    window_receive: int = DEFAULT_WINDOW

    def encode(self) -> bytes:
        """The information field, always 23 octets: sizes as two octets, windows as four.

        The 382M writes it so, also where every value is the default (382M DLMS description 4). Some
        clients read windows only in the four-octet form.
        """
        return b"\x81\x80\x14\x05\x02%b\x06\x02%b\x07\x04%b\x08\x04%b" % (
            self.info_transmit.to_bytes(2, "big"),
            self.info_receive.to_bytes(2, "big"),
            self.window_transmit.to_bytes(4, "big"),
            self.window_receive.to_bytes(4, "big"),
        )

    @classmethod
    def decode(cls, information: bytes) -> Negotiated:
        """Read an information field; empty means all defaults. Raises `ProposalRefused`."""
        if not information:
            return cls()
        if information[0] != _FORMAT:
            raise ProposalRefused(f"format identifier {information[0]:#04x} instead of 0x81")
        values: dict[int, int] = {}
        rest = information[1:]
        while rest and rest[0] != _USER_DATA_GROUP:
            if rest[0] != _PARAMETER_GROUP:
                raise ProposalRefused(f"unknown group {rest[0]:#04x}")
            if len(rest) < 2 or len(rest) < 2 + rest[1]:
                raise ProposalRefused("the parameter group is shorter than its length says")
            _read_group(rest[2 : 2 + rest[1]], values)
            rest = rest[2 + rest[1] :]
        return cls(
            values.get(_INFO_TRANSMIT, DEFAULT_INFO),
            values.get(_INFO_RECEIVE, DEFAULT_INFO),
            values.get(_WINDOW_TRANSMIT, DEFAULT_WINDOW),
            values.get(_WINDOW_RECEIVE, DEFAULT_WINDOW),
        )

    @classmethod
    def offer(cls, own: HdlcParameters) -> Negotiated:
        """What a station with these parameters proposes."""
        return cls(
            min(own.max_info_transmit, MAX_INFO),
            min(own.max_info_receive, MAX_INFO),
            min(own.window_transmit, MAX_WINDOW),
            min(own.window_receive, MAX_WINDOW),
        )

    def answered_by(self, own: HdlcParameters) -> Negotiated:
        """The outcome from `own`'s view when the other station has proposed `self`: the smaller of each pair."""
        mine = Negotiated.offer(own)
        return Negotiated(
            min(mine.info_transmit, self.info_receive),
            min(mine.info_receive, self.info_transmit),
            min(mine.window_transmit, self.window_receive),
            min(mine.window_receive, self.window_transmit),
        )


def _read_group(group: bytes, values: dict[int, int]) -> None:
    position = 0
    while position < len(group):
        identifier = group[position]
        if not _INFO_TRANSMIT <= identifier <= _WINDOW_RECEIVE:
            raise ProposalRefused(f"unknown parameter {identifier:#04x}")
        length = group[position + 1] if position + 1 < len(group) else 0
        octets = group[position + 2 : position + 2 + length]
        if not 1 <= length <= 4 or len(octets) < length:
            raise ProposalRefused(f"parameter {identifier:#04x} has no value of 1 to 4 octets")
        value = int.from_bytes(octets, "big")
        if value == 0:
            raise ProposalRefused(f"parameter {identifier:#04x} is zero")
        values[identifier] = value
        position += 2 + length
