"""The handler of an endpoint: gives each link the session of its protocol, and each session its events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from cosem.held_octets import HeldOctets
from cosem.request_cost import RequestLimits
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

_SESSIONS: Final[dict[type[Any], Callable[..., MeterSession]]] = {
    CommandReceived: ProgrammingSession,
    FrameReceived: KmpSession,
    HexFrameReceived: HexSession,
}
"""What kind of session serves the first event of a link, but of one that speaks DLMS."""


class SessionHandler:
    """Takes the events of all connections of an endpoint; `limits` and `held` are for the sessions of DLMS."""

    def __init__(
        self,
        models: dict[VirtualMeter, ObjectModel],
        store: Store | None,
        interface: str,
        limits: RequestLimits,
        held: HeldOctets,
    ) -> None:
        self._models = models
        self._store = store
        self._interface = interface
        dlms = partial(DlmsSession, limits=limits, held=held)
        self._sessions: dict[type[Any], Callable[..., MeterSession]] = {
            **_SESSIONS,
            ApduReceived: dlms,
            LinkConnected: dlms,
        }

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
            session = link.state = self._sessions[type(event)](connection, link, model, self._store, self._interface)
        session.receive(event)
