"""How a port conducts its IEC 62056-21 dialogue; the defaults are those of the 382M."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

SPEEDS: Final = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600}
"""Baud of each digit Z of an acknowledgement; any other digit means 300 (382M 1107 description)."""

RESPONSE_TIME_S: Final = 1.5
"""t_r: how long one side waits for the other (IEC 62056-21); here, for a request to repeat the data."""


@dataclass(frozen=True)
class Iec62056Settings:
    """Times in seconds, speeds in baud.

    `modes`: "A" sends the data without waiting for an acknowledgement, "AC" waits `tt_s` for one.
    `reaction_time_s`: from a message to the answer; 20 ms or 200 ms to 1500 ms by the standard.
    `ack_to_data_s`: from the last character of the acknowledgement; some readers close and open the port to
    change its speed and lose what comes before 0.6 s.
    `ident_to_data_s`: in mode A; some readers take identification and data for one message below 0.3 s, and one
    reader of the 382L gives up after 1 s.
    `parity`: set even parity in bit 7 of what is sent, for drivers that run the line 8N1; on receipt bit 7 is
    always stripped.
    `bcc`: "sum" is the arithmetic sum the 685 generation sends; it also puts the final "!" behind the last data set
    (`end_on_own_line`).
    """

    modes: str = "AC"
    programming: bool = False
    manufacturer_modes: str = ""
    ta_s: float = 1.5
    tr_s: float = 1.5
    tt_s: float = 1.7
    ti_s: float = 90.0
    reaction_time_s: float = 0.2
    ack_to_data_s: float = 0.6
    ident_to_data_s: float = 0.3
    initial_speed: int = 300
    max_baud: str = "5"
    bcc: Literal["xor", "sum"] = "xor"
    parity: Literal["auto", "even", "none"] = "auto"
    end_on_own_line: bool = True
    d0_interval_s: float = 0.0
    d0_speed: int = 2400

    def speed_of(self, digit: str) -> int:
        """The speed an acknowledgement with this Z selects; what is unknown or above the offer gives 300."""
        return SPEEDS[digit] if digit in SPEEDS and digit <= self.max_baud else SPEEDS["0"]

    def transmission_time_s(self, octets: int, speed: int) -> float:
        """How long this many characters of ten bits take on the line."""
        return octets * 10 / speed
