"""What sessions of every protocol share: one client and one meter, and no answer before the disk has the change.

Requests are served in the order they come. An answer goes out at once, unless the request changed the meter: then
it waits until the store has the change on disk, and the connection holds back what comes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from transports.connection import Connection

from .binding import ObjectModel
from .store import Store
from .virtual_meter import JournalEntry, VirtualMeter

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("server")


class MeterSession:
    """One client of one meter; each protocol's session says what it makes of an event."""

    __slots__ = ("connection", "interface", "link", "loop", "meter", "model", "store", "writing")

    def __init__(
        self, connection: Connection, link: Any, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        self.connection = connection
        self.link = link
        self.model = model
        self.meter: VirtualMeter = link.device  # each line is attached with its meter as key
        self.store = store
        self.interface = interface
        self.loop = asyncio.get_running_loop()
        self.writing = 0
        """Answers that wait for the disk."""

    def receive(self, event: Any) -> None:
        """Serve a request."""
        raise NotImplementedError

    def end(self) -> None:
        """The link is gone."""

    def respond(self, answer: Callable[[float], None]) -> None:
        """Call `answer(now)`: at once, or when everything that changed is on disk."""
        if not self.meter.pending:
            answer(self.loop.time())
            return
        entries = self.meter.take_pending()
        if self.store is None:
            self.meter.committed(entries)
            answer(self.loop.time())
            return
        self.connection.hold()
        self.writing += 1
        future = self.store.commit(entries)
        future.add_done_callback(lambda done: self.loop.call_soon_threadsafe(self._committed, done, entries, answer))

    def _committed(self, done: Future[None], entries: list[JournalEntry], answer: Callable[[float], None]) -> None:
        self.writing -= 1
        error = done.exception()
        self.meter.committed(entries, failed=error is not None)
        if error is not None:
            # Not durable, so not acknowledged. The change itself happened and cannot be taken back.
            log.error("the journal cannot be written", meter=self.meter.serial_number, error=str(error))
            self.connection.close()
            return
        if self.meter.snapshot_due and self.store is not None:
            self.store.save_snapshot(self.meter.snapshot())
        answer(self.loop.time())
        self.connection.release()
