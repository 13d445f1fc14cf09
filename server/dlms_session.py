"""A session of DLMS: one client on one link, served by one association."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from cosem.association import Association
from cosem.general_block_server import GeneralBlockServer
from cosem.held_octets import HeldOctets
from cosem.request_cost import RequestCost, RequestLimits
from cosem.security.tags import PROTECTED
from transports.connection import Connection
from transports.events import ApduReceived, Link, LinkConnected

from .binding import Context, ObjectModel
from .faults import described
from .security.secret_fields import secrets_of_apdu
from .session import MeterSession
from .store import Store

log = structlog.get_logger("server")

_PROTECTED: Final = {bytes((tag,)) for tag in PROTECTED}
"""Here a fault may quote what was deciphered."""


class DlmsSession(MeterSession):
    """One client on one link, within its limits; `held` counts what all sessions keep for theirs."""

    __slots__ = ("_blocks", "_handle", "_timer")

    def __init__(
        self,
        connection: Connection,
        link: Link,
        model: ObjectModel,
        store: Store | None,
        interface: str,
        *,
        limits: RequestLimits,
        held: HeldOctets,
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        context = Context(model, self.meter, interface, connection.blame)
        definition = model.definition(link.client_sap, link.server_sap, interface)
        cost = RequestCost(limits, self.loop.time)
        association = Association(definition, context, self._report, link.max_apdu, segments=link.segments, cost=cost)
        self._blocks = GeneralBlockServer(association, held)
        self._handle = self._blocks.handle
        self._timer: asyncio.TimerHandle | None = None

    def receive(self, event: ApduReceived | LinkConnected) -> None:
        """Serve an APDU; a meter without supply is silent, and has forgotten the association when it is back."""
        if not isinstance(event, ApduReceived):
            return
        if not self.meter.powered:
            self._blocks.reset()
            return
        now = self.loop.time()
        replies = self._handle(event.apdu, now)
        if self._blocks.deadline is not None and self._timer is None:
            self._timer = self.loop.call_at(self._blocks.deadline, self._wake)
        if self.meter.pending:
            self.respond(lambda now: self._answer(replies, now))
        else:
            self._answer(replies, now)

    def end(self) -> None:
        """The link is gone."""
        self._blocks.reset()
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        """The client may not have gone on with what goes in blocks; if it has, its time began anew."""
        self._timer = None
        self._blocks.handle_timer(self.loop.time())
        if self._blocks.deadline is not None:
            self._timer = self.loop.call_at(self._blocks.deadline, self._wake)

    def _answer(self, replies: Sequence[bytes], now: float) -> None:
        if not replies:
            self.link.acknowledge(now)
        for reply in replies:
            self.link.send_apdu(reply, now)

    def _report(self, error: Exception, apdu: bytes) -> None:
        secret = apdu[:1] in _PROTECTED or bool(secrets_of_apdu(apdu))
        log.error(
            "a request failed",
            peer=self.connection.peer,
            tag=apdu[:1].hex(),
            octets=len(apdu),
            fault=described(error, message=not secret),
        )
