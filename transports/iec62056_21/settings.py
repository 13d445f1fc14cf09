"""How a port conducts its IEC 62056-21 dialogue; the defaults are those of the 382M."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .characters import BlockCheck

SPEEDS: Final = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
"""Baud of each digit Z of modes C and E; any other digit means 300 (IEC 1107 description)."""

SPEEDS_MODE_B: Final = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
"""Baud of each letter Z of mode B."""

RESPONSE_TIME_S: Final = 1.5
"""t_r: how long one side waits for the other (IEC 62056-21 6.4); here, for a request to repeat the data."""

BITS_PER_CHARACTER: Final = 10
"""Start, seven data bits, parity, stop; as many as 8N1 has."""


@dataclass(frozen=True)
class Iec62056Settings:
    """Times in seconds, speeds in baud.

    `modes`: letters of the modes spoken. With C or E the meter waits `tt_s` for an option select, then sends the
    data as in mode A; with B or A alone it does not wait; D sends unasked; none of these letters, and the port is deaf.
    `programming`: `ACK 0 Z 1` opens programming, after a readout in mode A or B any command does.
    `manufacturer_modes`: the digits Y from 6 to 9 that open the same dialogue, besides.
    `reaction_time_s`: from a message to the answer; 200 ms to 1500 ms by the standard, 20 ms where the third letter
    of the manufacturer is a lower-case one.
    `tr_s`: how long the password may take after P0. `ti_s`: how long any other command.
    `ack_to_data_s`: from the last character of an option select to what comes at the new speed: data, P0, the
    confirmation of mode E. Some readers close and open the port to change its speed and lose what comes before 0.6 s.
    `ident_to_data_s`: in modes A and B; some readers take identification and data for one message below 0.3 s, and one
    reader of the 382L gives up after 1 s.
    `max_baud`: the highest Z of the meter: a digit in modes C and E, the letter in mode B.
    `parity`: "even" wants it of every character heard and sends it, for drivers that run the line 8N1; "auto" does
    what the reader does, seven clean bits or even parity, as its request says; "none" looks at seven bits and sends
    clean ones.
    `line_time`: whose characters take the time of the line. "both": a real line, or one at its pace; "received": those
    of the reader only, as it believes them under way on a pty, where ours have come as soon as they are sent; "none":
    a network. Where characters take no time, a reader waits for the times above only.
    `bcc`: "sum" is the arithmetic sum the 685 generation sends; it also puts the final "!" behind the last data set
    (`end_on_own_line`).
    `d0_interval_s`: how often mode D sends; 0: never.
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
    bcc: BlockCheck = "xor"
    parity: Literal["auto", "even", "none"] = "auto"
    line_time: Literal["both", "received", "none"] = "both"
    end_on_own_line: bool = True
    d0_interval_s: float = 0.0
    d0_speed: int = 2400

    @property
    def answers(self) -> bool:
        """The port answers a request."""
        return any(mode in self.modes for mode in "ABCE")

    @property
    def selectable(self) -> bool:
        """The reader may choose what comes after the identification."""
        return "C" in self.modes or "E" in self.modes

    @property
    def mode_b(self) -> bool:
        """Both sides change their speed after the identification."""
        return "B" in self.modes and not self.selectable

    @property
    def pushes(self) -> bool:
        """Mode D is on."""
        return "D" in self.modes and self.d0_interval_s > 0

    def speed_of(self, digit: str) -> int:
        """The speed an option select with this Z selects; what is unknown or above the offer gives 300.

        By the standard only the Z of the offer is accepted; with the 382M the reader decides (IEC 1107 description,
        deviation 3).
        """
        return SPEEDS[digit] if digit in SPEEDS and digit <= self.max_baud else SPEEDS["0"]
