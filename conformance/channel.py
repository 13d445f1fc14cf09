"""A wire for protocols of one question and one answer that have no connection: IEC 62056-21 and KMP.

- Silence, not length, ends the wait: at 300 baud a readout takes half a minute, and that is no reason to give up.
- An optical head hears its own light. What comes back exactly as it was sent is dropped, which needs no option,
  because no answer of these protocols begins like its request. What only begins like it is kept.
- A peer that goes on and on is given up after `longest_s` all the same.
- Characters have even parity where `parity` says so, and then one that came wrong is `DAMAGED`, so that the check of
  its message fails.
"""

from __future__ import annotations

from time import monotonic
from typing import Final, Literal

from .endpoint import Endpoint
from .errors import NoAnswer
from .wires import Wire, open_wire

Parity = Literal["even", "none", "8bit"]
"""Characters of 7 bits with or without parity in the eighth, or octets."""

DAMAGED: Final = 0x00
_EVEN: Final = bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(128)) * 2
_CHECKED: Final = bytes(octet & 0x7F if octet.bit_count() % 2 == 0 else DAMAGED for octet in range(256))
_STRIPPED: Final = bytes(range(128)) * 2


class Channel:
    """An open wire with the patience of its client."""

    def __init__(self, wire: Wire, endpoint: Endpoint, timeout_s: float, parity: Parity, longest_s: float) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._longest_s = longest_s
        self._end = monotonic() + longest_s
        self._wire = wire
        self._parity = parity
        self._expected_echo = b""
        self._held = b""

    @classmethod
    def open(cls, endpoint: Endpoint, timeout_s: float, parity: Parity, baud: int, longest_s: float) -> Channel:
        """Connect, or open the device at this speed; raises `CannotConnect`."""
        return cls(open_wire(endpoint, baud, timeout_s), endpoint, timeout_s, parity, longest_s)

    def send(self, octets: bytes) -> None:
        """Send all of it; raises `ConnectionLost`."""
        self._wire.send(octets.translate(_EVEN) if self._parity == "even" else octets)
        self._expected_echo = octets
        self._held = b""
        self._end = monotonic() + self._longest_s

    def receive(self, patience_s: float | None = None) -> bytes:
        """What comes next, without echo and parity; raises `NoAnswer` after silence, and `ConnectionLost`."""
        patience_s = self.timeout_s if patience_s is None else patience_s
        deadline = monotonic() + patience_s
        if monotonic() > self._end:
            raise NoAnswer(f"{self.endpoint}: no end of the answer within {self._longest_s:g} s")
        while (remaining := deadline - monotonic()) > 0:
            octets = self._without_echo(self._decoded(self._wire.receive(remaining)))
            if octets:
                return octets
        if self._held:  # it began like an echo and was none
            held, self._held, self._expected_echo = self._held, b"", b""
            return held
        raise NoAnswer(f"{self.endpoint}: no answer within {patience_s:g} s")

    def discard(self) -> None:
        """Forget what is still coming, until the line is silent for a moment or patience ends."""
        deadline = monotonic() + self.timeout_s
        try:
            while self._wire.receive(_SETTLE_S) and monotonic() < deadline:
                pass
        finally:
            self._held = self._expected_echo = b""

    def set_speed(self, baud: int) -> None:
        """Go on at another speed, where the wire has one."""
        self._wire.set_speed(baud)

    def close(self) -> None:
        """Give the wire back."""
        self._wire.close()

    def _decoded(self, octets: bytes) -> bytes:
        if self._parity == "8bit":
            return octets
        return octets.translate(_CHECKED if self._parity == "even" else _STRIPPED)

    def _without_echo(self, octets: bytes) -> bytes:
        if not self._expected_echo:
            return octets
        heard = self._held + octets
        if heard.startswith(self._expected_echo):
            heard = heard[len(self._expected_echo) :]
        elif self._expected_echo.startswith(heard):
            self._held = heard
            return b""
        self._expected_echo = self._held = b""
        return heard


_SETTLE_S: Final = 0.05
"""Silence that ends what is discarded: longer than any gap inside a message that a network or a buffer makes."""
