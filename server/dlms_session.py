"""A session of DLMS: one client on one link, served by one association."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from cosem.association import Association
from cosem.event_service import event_apdu
from cosem.general_block_server import GeneralBlockServer
from cosem.held_octets import HeldOctets
from cosem.request_cost import RequestCost, RequestLimits
from cosem.security.tags import PROTECTED
from cosem.xdlms import Descriptor
from transports.connection import Connection
from transports.events import ApduReceived, Link, LinkConnected

from .binding import Context, ObjectModel
from .binding.clock import local_date_time
from .faults import described
from .security.secret_fields import secrets_of_apdu
from .session import MeterSession
from .store import Store

log = structlog.get_logger("server")

_PROTECTED: Final = {bytes((tag,)) for tag in PROTECTED}
"""Here a fault may quote what was deciphered."""


class DlmsSession(MeterSession):
    """One client on one link, within its limits; `held` counts what all sessions keep for theirs."""

    __slots__ = ("_association", "_blocks", "_handle", "_listening", "_news", "_since", "_timer")

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
        self._association = association
        self._listening = False
        self._news: dict[Descriptor, None] = {}
        self._blocks = GeneralBlockServer(association, held)
        self._handle = self._blocks.handle
        self._timer: asyncio.TimerHandle | None = None
        self._since: int | None = None  # when the meter came on, as of the last request

    def receive(self, event: ApduReceived | LinkConnected) -> None:
        """Serve an APDU; a meter without supply is silent, and has forgotten the association when it is back."""
        if not isinstance(event, ApduReceived):
            return
        since = self.meter.powered_since
        if since != self._since:  # off, or on again
            if self._since is not None:
                self.end()
            self._since = since
        if since is None:
            return
        now = self.loop.time()
        replies = self._handle(event.apdu, now)
        if self._association.hears_events is not self._listening:
            self._listen()
        if self._blocks.deadline is not None and self._timer is None:
            self._timer = self.loop.call_at(self._blocks.deadline, self._wake)
        if self.meter.pending:
            self.respond(lambda now: self._answer(replies, now))
        else:
            self._answer(replies, now)

    def end(self) -> None:
        """The link is gone."""
        self._blocks.reset()
        self._news.clear()
        if self._listening:
            self._listen()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        if self._news and not self.writing:
            self._tell()

    # --- events ---------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Events are told as long as the association hears them."""
        self._listening = self._association.hears_events
        self.meter.listen(self, self._listening)

    def tell(self, attributes: Sequence[Descriptor]) -> None:
        """There is news of these attributes. An answer that waits for the disk goes first: its counter is the lower."""
        self._news.update(dict.fromkeys(attributes))
        if not self.writing:
            self._tell()

    def _tell(self) -> None:
        attributes, self._news = self._news, {}
        context = self._association.context
        try:
            with self.meter.held():
                moment = local_date_time(context)
                apdus = [event_apdu(self._association, attribute, moment) for attribute in attributes]
        except Exception as error:
            log.error("an event could not be told", peer=self.connection.peer, fault=described(error))
            return
        self.respond(lambda now: self._announce([apdu for apdu in apdus if apdu is not None]))

    def _announce(self, apdus: Sequence[bytes]) -> None:
        for apdu in apdus:
            if not self.link.announce(apdu):
                log.warning("an event does not fit the link", peer=self.connection.peer, octets=len(apdu))
        self.connection.flush()

    def _report(self, error: Exception, apdu: bytes) -> None:
        secret = apdu[:1] in _PROTECTED or bool(secrets_of_apdu(apdu))
        log.error(
            "a request failed",
            peer=self.connection.peer,
            tag=apdu[:1].hex(),
            octets=len(apdu),
            fault=described(error, message=not secret),
        )
