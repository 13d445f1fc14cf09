"""A session of DLMS: one client on one link, served by one association."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from cosem.association import Association
from cosem.general_block_server import GeneralBlockServer
from transports.connection import Connection
from transports.events import ApduReceived, Link, LinkConnected

from .binding import Context, ObjectModel
from .session import MeterSession
from .store import Store

log = structlog.get_logger("server")


class DlmsSession(MeterSession):
    """One client on one link."""

    __slots__ = ("_blocks", "_handle")

    def __init__(
        self, connection: Connection, link: Link, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        context = Context(model, self.meter, interface, connection.blame)
        definition = model.definition(link.client_sap, link.server_sap, interface)
        self._blocks = GeneralBlockServer(Association(definition, context, self._report, link.max_apdu))
        self._handle = self._blocks.handle

    def receive(self, event: ApduReceived | LinkConnected) -> None:
        """Serve an APDU; a meter without supply is silent, and has forgotten the association when it is back."""
        if not isinstance(event, ApduReceived):
            return
        if not self.meter.powered:
            self._blocks.reset()
            return
        now = self.loop.time()
        replies = self._handle(event.apdu, now)
        if self.meter.pending:
            self.respond(lambda now: self._answer(replies, now))
        else:
            self._answer(replies, now)

    def end(self) -> None:
        """The link is gone."""
        self._blocks.reset()

    def _answer(self, replies: Sequence[bytes], now: float) -> None:
        if not replies:
            self.link.acknowledge(now)
        for reply in replies:
            self.link.send_apdu(reply, now)

    def _report(self, error: Exception, apdu: bytes) -> None:
        log.error("a request failed", peer=self.connection.peer, apdu=apdu.hex(), exc_info=error)
