"""The handler of an endpoint: gives each link the session of its protocol, and each session its events."""

from __future__ import annotations

from typing import Any, Final

from transports.connection import Connection
from transports.events import (
    ApduReceived,
    CommandReceived,
    Event,
    FrameReceived,
    HexFrameReceived,
    LinkConnected,
    LinkDisconnected,
)

from .binding import ObjectModel
from .dlms_session import DlmsSession
from .iec62056_21.session import ProgrammingSession
from .kmp.sessions import HexSession, KmpSession
from .session import MeterSession
from .store import Store
from .virtual_meter import VirtualMeter

_SESSIONS: Final[dict[type[Any], type[MeterSession]]] = {
    ApduReceived: DlmsSession,
    LinkConnected: DlmsSession,
    CommandReceived: ProgrammingSession,
    FrameReceived: KmpSession,
    HexFrameReceived: HexSession,
}
"""What kind of session serves the first event of a link."""


class SessionHandler:
    """Takes the events of all connections of an endpoint."""

    def __init__(self, models: dict[VirtualMeter, ObjectModel], store: Store | None, interface: str) -> None:
        self._models = models
        self._store = store
        self._interface = interface

    def __call__(self, connection: Connection, event: Event) -> None:
        """Take an event of a link."""
        link = event.link
        session = link.state
        if type(event) is LinkDisconnected:
            if session is not None:
                session.end()
                link.state = None
            return
        if session is None:
            model = self._models[link.device]  # type: ignore[index]  # each line is attached with its meter as key
            session = link.state = _SESSIONS[type(event)](connection, link, model, self._store, self._interface)
        session.receive(event)
