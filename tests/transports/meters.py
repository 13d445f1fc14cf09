"""What the tests of the transports share: the published sessions, a 382M on an HDLC line, a meter to read out."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from transports.events import ApduReceived, Event, Link
from transports.hdlc import HdlcLine, HdlcParameters
from transports.iec62056_21 import Iec62056Settings

DATA = Path(__file__).parent / "data"
SESSIONS: list[dict[str, Any]] = json.loads((DATA / "382m_dlms_sessions.json").read_text())


def vectors(*categories: str) -> list[dict[str, Any]]:
    """The public vectors of these categories; each names its source."""
    every = json.loads((DATA / "link_vectors.json").read_text())
    return [vector for vector in every if vector["category"] in categories]


def hdlc_line(
    parameters: HdlcParameters | None = None, lower: int = 32, logical_devices: Sequence[int] = (1, 16)
) -> HdlcLine:
    """A line with one 382M on it."""
    own = parameters or HdlcParameters()
    line = HdlcLine()
    line.attach("meter", lambda: lower, lambda: logical_devices, lambda: own)
    return line


def echo(events: Sequence[Event], now: float) -> list[bytes]:
    """Answer every APDU with itself; returns them."""
    apdus = []
    for event in events:
        if isinstance(event, ApduReceived):
            apdus.append(event.apdu)
            event.link.send_apdu(event.apdu, now)
    return apdus


def links(events: Sequence[Event]) -> list[Link]:
    """The links the events are about."""
    return [event.link for event in events]


class Readout:
    """A 382M at the optical port (identification and lines as in the 382M 1107 description 7.4)."""

    def __init__(self, serial_number: str = "12345678", settings: Iec62056Settings | None = None) -> None:
        self.settings = settings or Iec62056Settings()
        self._serial_number = serial_number
        self.powered = True

    def identification(self) -> str:
        return "KAM5 68535CC453010"

    def serial_number(self) -> str:
        return self._serial_number

    def data_block(self) -> str:
        return f"0.0.1({self._serial_number})\r\n1.8.0(0000010*kWh)\r\n"

    def challenge(self) -> str:
        return ""


class FramePort:
    """A meter at a KMP line."""

    def __init__(self, destinations: Collection[int] = (0x3F,), reaction_time_s: float = 0.0) -> None:
        self.destinations = frozenset(destinations)
        self.reaction_time_s = reaction_time_s
        self.powered = True
