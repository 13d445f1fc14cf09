"""A session: one client on one link, served by one association.

APDUs are served in the order they come. An answer goes out at once, unless the request changed the meter:
then it waits until the store has the change on disk, and the connection holds back what comes meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from cosem.association import Association
from transports.connection import Connection
from transports.events import ApduReceived, Event, Link, LinkConnected

from .binding import Context, ObjectModel
from .store import Store
from .virtual_meter import VirtualMeter

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("server")


class Session:
    """One client on one link."""

    __slots__ = ("_association", "_connection", "_handle", "_link", "_loop", "_meter", "_store")

    def __init__(
        self,
        connection: Connection,
        link: Link,
        model: ObjectModel,
        store: Store | None,
        interface: str,
    ) -> None:
        meter: VirtualMeter = link.device  # type: ignore[assignment]  # each line is attached with its meter as key
        self._connection = connection
        self._link = link
        self._meter = meter
        self._store = store
        self._loop = asyncio.get_running_loop()
        context = Context(model, meter, interface)
        definition = model.definition(link.client_sap, link.server_sap, interface)
        self._association = Association(definition, context, self._report, link.max_apdu)
        self._handle = self._association.handle

    def receive(self, apdu: bytes) -> None:
        """Serve an APDU; a meter without supply is silent, and has forgotten the association when it is back."""
        if not self._meter.powered:
            self._association.reset()
            return
        reply = self._handle(apdu)
        if self._meter.pending:
            self._commit(reply)
        elif reply is not None:
            self._link.send_apdu(reply, self._loop.time())
        else:
            self._link.acknowledge(self._loop.time())

    def end(self) -> None:
        """The link is gone."""
        self._association.reset()

    def _commit(self, reply: bytes | None) -> None:
        entries = self._meter.take_pending()
        if self._store is None:
            self._answer(reply)
            return
        self._connection.hold()
        future = self._store.commit(entries)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._committed, done, reply))

    def _committed(self, done: Future[None], reply: bytes | None) -> None:
        error = done.exception()
        if error is not None:
            # Not durable, so not acknowledged. The change itself happened and cannot be taken back.
            log.error("the journal cannot be written", meter=self._meter.serial_number, error=str(error))
            self._connection.close()
            return
        if self._meter.snapshot_due and self._store is not None:
            self._store.save_snapshot(self._meter.snapshot())
        self._answer(reply)
        self._connection.release()

    def _answer(self, reply: bytes | None) -> None:
        now = self._loop.time()
        if reply is None:
            self._link.acknowledge(now)
        else:
            self._link.send_apdu(reply, now)

    def _report(self, error: Exception, apdu: bytes) -> None:
        log.error("a request failed", peer=self._connection.peer, apdu=apdu.hex(), exc_info=error)


class SessionHandler:
    """The handler of an endpoint: gives each link its session."""

    def __init__(self, models: dict[VirtualMeter, ObjectModel], store: Store | None, interface: str) -> None:
        self._models = models
        self._store = store
        self._interface = interface

    def __call__(self, connection: Connection, event: Event) -> None:
        """Take an event of a link."""
        link = event.link
        if type(event) is ApduReceived:
            session = link.state
            if session is None:
                session = self._open(connection, link)
            session.receive(event.apdu)
        elif type(event) is LinkConnected:
            self._open(connection, link)
        elif link.state is not None:
            link.state.end()
            link.state = None

    def _open(self, connection: Connection, link: Link) -> Session:
        model = self._models[link.device]  # type: ignore[index]  # each line is attached with its meter as key
        session = Session(connection, link, model, self._store, self._interface)
        link.state = session
        return session
