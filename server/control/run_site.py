"""What the control API acts on: the meters of a run, their store and their time.

Every input goes the way of a SET: it happens at once in memory, is put on the meter's `pending` list, and is
acknowledged when the store has committed it. Between the two nothing is awaited that could let another request
take the entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from metering.clock import LATEST_CLOCK
from metering.inputs import Input

from ..binding import ObjectModel
from ..store import Store
from ..time_source import SteppedTime, TimeSource
from ..virtual_meter import JournalEntry, VirtualMeter

log = structlog.get_logger("server")

LONGEST_STEP_S: Final = 3_660 * 86_400
"""Ten years: what is settled at the first reading afterwards, still within seconds."""


class NotThere(Exception):
    """There is no such meter, object or logger; the text says what there is."""


class Refused(Exception):
    """The run, or the meter as it is, does not do this; the text says why."""


class NotDurable(Exception):
    """It happened in memory, but the journal cannot be written: not acknowledged."""


class Behind(NamedTuple):
    """A meter and the object model of its device profile."""

    meter: VirtualMeter
    model: ObjectModel


@dataclass(frozen=True)
class Site:
    """A run as the API sees it."""

    meters: Mapping[int, Behind]
    """By serial number."""
    store: Store | None
    time: TimeSource

    @property
    def is_stepped(self) -> bool:
        """Whether time moves only by `advance`."""
        return isinstance(self.time, SteppedTime)

    async def apply(self, meter: VirtualMeter, change: Input) -> JournalEntry:
        """Let an input happen now; gives its journal entry once that is on disk. Raises `Refused`, `NotDurable`."""
        try:
            meter.apply(change)
        except ValueError as error:
            raise Refused(str(error)) from error
        entry = meter.pending[-1]
        entries = meter.take_pending()
        if self.store is not None:
            # Shielded: a request that is given up must not take the commit with it.
            try:
                await asyncio.shield(asyncio.wrap_future(self.store.commit(entries)))
            except Exception as error:
                log.error("the journal cannot be written", meter=meter.serial_number, error=str(error))
                meter.committed(entries, failed=True)
                raise NotDurable("the input happened, but the journal cannot be written") from error
        meter.committed(entries)
        if self.store is not None and meter.snapshot_due:
            self.store.save_snapshot(meter.snapshot())
        return entry

    async def advance(self, seconds: int) -> int:
        """Move stepped time on; gives the moment come to once a restart would begin there. Raises `Refused`."""
        time = self.time
        if not isinstance(time, SteppedTime):
            raise Refused("the time of this run goes by itself; start it with --stepped to move it from here")
        if seconds < 0:
            raise Refused("time does not go back")
        if seconds > LONGEST_STEP_S or time.moment + seconds > LATEST_CLOCK:
            raise Refused(f"allowed: at most {LONGEST_STEP_S} s in one step, and not beyond 2099")
        time.forward(seconds)
        moment = time.moment
        if self.store is not None:
            try:
                await asyncio.shield(asyncio.wrap_future(self.store.keep_time(time.anchor)))
            except Exception as error:
                log.error("the time cannot be written", error=str(error))
                raise NotDurable("time has moved, but that cannot be written") from error
        return moment
