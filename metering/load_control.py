"""Load control: two relays for boilers and the like, by command or by tariff, each after a random delay of its own.

The delay spreads a street's boilers over an hour (382M DLMS description 3.1, objects 1.1.96.52.1 to .10: up to 3600 s
as delivered, 10 800 s at most). It is drawn from the meter's serial number and the number of times the relay was
told something new, so a meter run again draws the same. Told back before the delay is over, a relay stays.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .installation.arithmetic import hashed
from .view import View

if TYPE_CHECKING:
    from .state import MeterState

RELAYS: Final = 2
DELAY_S: Final = 3_600
_STREAM: Final = 382


class RelayMode(Enum):
    """What tells a relay."""

    OFF = "off"
    """Nothing: it is open."""
    COMMAND = "command"
    TARIFF = "tariff"
    """It is closed in some tariffs."""


class Relay:
    """One relay."""

    def __init__(self) -> None:
        self.mode = RelayMode.OFF
        self.commanded = False
        self.tariffs = 0
        """Bit 0 is tariff 1: closed in it."""
        self.closed = False
        self.target = False
        """How it will be when the delay is over."""
        self.switch_at: int | None = None
        """True time of that."""
        self.told = 0
        """Times the target has changed."""

    def wanted(self, tariff: int) -> bool:
        """How it should be."""
        if self.mode is RelayMode.TARIFF:
            return bool(self.tariffs >> (tariff - 1) & 1)
        return self.mode is RelayMode.COMMAND and self.commanded


class LoadControl:
    """The relays and their delay."""

    def __init__(self, serial_number: int) -> None:
        self._serial_number = serial_number
        self.delay_s = DELAY_S
        """The longest delay drawn."""
        self.relays = [Relay() for _ in range(RELAYS)]

    def deadline(self, state: MeterState) -> int | None:
        """When a relay switches, or is told something by a tariff table."""
        at = [relay.switch_at for relay in self.relays if relay.switch_at is not None]
        if any(relay.mode is RelayMode.TARIFF for relay in self.relays):
            switch = state.tariff_control.next_switch(state.time + state.clock_offset_s, state.zone)
            if switch is not None:
                at.append(switch - state.clock_offset_s)
        return min(at, default=None)

    def first(self, _: View, __: MeterState) -> int | None:
        """None: what the meter sees does not matter."""
        return None

    def carry(self, view: View) -> None:
        """Nothing to take in."""

    def act(self, state: MeterState) -> None:
        """Tell the relays what the tariff says, and switch those whose delay is over."""
        state.choose_tariff()
        self.follow(state)

    def follow(self, state: MeterState) -> None:
        """The tariff, a mode or a command may have changed."""
        for number, relay in enumerate(self.relays):
            wanted = relay.wanted(state.tariff)
            if wanted != relay.target:
                relay.target = wanted
                relay.told += 1
                relay.switch_at = state.time + self._delay(number, relay.told) if wanted != relay.closed else None
            if relay.switch_at is not None and relay.switch_at <= state.time:
                relay.closed, relay.switch_at = relay.target, None

    def _delay(self, number: int, told: int) -> int:
        bits = hashed(self._serial_number, _STREAM + number, np.array([told], dtype=np.int64))
        return int(bits[0]) % (self.delay_s + 1)

    def restart(self, state: MeterState) -> None:
        """Relays are told what holds now; a delay that was over before supply returned is over."""
        self.act(state)

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"delay_s": self.delay_s, "relays": [vars(relay) | {"mode": relay.mode.value} for relay in self.relays]}

    def restore(self, values: dict[str, Any]) -> None:
        """Take over a state that `state` gave."""
        self.delay_s = values["delay_s"]
        for relay, held in zip(self.relays, values["relays"], strict=True):
            vars(relay).update(held | {"mode": RelayMode(held["mode"])})
