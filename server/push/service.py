"""The pushes of a run: wakes each meter when one of its pushes is due, makes the attempts, waits for the disk.

A meter without pushes costs nothing, one with pushes a timer: it is advanced when a push is due. Alarms and watched
values are looked at when something was done to the meter, and once a minute, the grid on which its premises change by
themselves; so an alarm is told at most a minute late. What alarmed before the run began is not news. Clients whose
association hears events are told of alarms too: of the event status that has changed.

What a ciphered push takes from its counter is on disk before it is sent. A meter without supply pushes nothing, and has
forgotten what it was about to push.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from cosem.initiate import EVENTS
from metering import Meter
from obis import Obis

from ..binding import ObjectModel
from ..faults import described
from ..store import Store
from ..time_source import TimeSource
from ..virtual_meter import JournalEntry, VirtualMeter
from .config import PushConfig
from .destinations import Destinations, PushFailed, PushRefused
from .process import PushProcess, State
from .pushes import ListPush, Push, SetupPush
from .windows import opening

log = structlog.get_logger("server")

LOOK_EVERY_S: Final = 60
"""True seconds between two looks at what a meter does by itself: a step of its installation."""

ATTEMPT_S: Final = 10.0
"""Longest attempt: a destination that answers later than that is as good as gone, and the next attempt finds out."""


class PushService:
    """All pushes of a run; `open` before the first request is served, `close` after the last."""

    def __init__(
        self,
        meters: Mapping[VirtualMeter, ObjectModel],
        configs: Iterable[PushConfig],
        destinations: Destinations,
        store: Store | None,
        time_source: TimeSource,
        random: Callable[[int], int] = secrets.randbelow,
        *,
        most_octets: int,
    ) -> None:
        self.destinations = destinations
        self.ports: list[str] = []
        """The devices on which meters only send, by name."""
        self._configs = list(configs)
        self._store = store
        self._time_source = time_source
        self._random = random
        self._most_octets = most_octets
        self._meters = meters
        self._pushing: list[MeterPushes] = []

    async def open(self) -> None:
        """Open devices and begin; raises `OSError` and `ValueError`."""
        targets = [(config, target) for config in self._configs if (target := config.target) is not None]
        for config, target in targets:
            if target.kind == "port":
                name = await self.destinations.open_port(target.device, config.baud)
                if name not in self.ports:
                    self.ports.append(name)
        for meter, model in self._meters.items():
            pushes = self._pushes(meter, model)
            if pushes or any(item.conformance & EVENTS for item in model.definitions.values()):
                pushing = MeterPushes(
                    meter,
                    model,
                    pushes,
                    self.destinations,
                    self._store,
                    self._time_source,
                    self._random,
                    self._most_octets,
                )
                self._pushing.append(pushing)
                pushing.open()

    async def close(self) -> None:
        """End what is under way, then close the devices."""
        for pushing in self._pushing:
            await pushing.close()
        await self.destinations.close()

    def _pushes(self, meter: VirtualMeter, model: ObjectModel) -> dict[Obis | int, Push]:
        """The pushes of a meter: setups by logical name, lists by number."""
        configs = [config for config in self._configs if config.is_of(meter.serial_number)]
        said = {Obis.parse(config.setup): config for config in configs if config.setup is not None}
        pushes: dict[Obis | int, Push] = {
            name: SetupPush(meter, model, settings, said.get(name)) for name, settings in model.push_setups.items()
        }
        pushes.update(enumerate(ListPush(meter, model, config) for config in configs if config.list is not None))
        return pushes


_NO_WINDOWS: Final = (b"", b"\x01\x00")
"""As nothing, and as an empty array."""


class _Opening(NamedTuple):
    """The next opening of windows `written` so, as looked for at local time `asked`; None where there is none."""

    written: bytes
    asked: datetime
    opens: datetime | None

    def holds(self, written: bytes, local: datetime) -> bool:
        """Whether it is the answer at this time too; that there is none is looked into again after a day."""
        until = self.asked + timedelta(days=1) if self.opens is None else self.opens
        return written == self.written and self.asked <= local <= until


class MeterPushes:
    """The pushes of one meter."""

    def __init__(
        self,
        meter: VirtualMeter,
        model: ObjectModel,
        pushes: Mapping[Obis | int, Push],
        destinations: Destinations,
        store: Store | None,
        time_source: TimeSource,
        random: Callable[[int], int],
        most_octets: int,
    ) -> None:
        self._meter = meter
        self._event_statuses = model.event_statuses
        self._pushes = dict(pushes)
        self._destinations = destinations
        self._store = store
        self._time_source = time_source
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._most_octets = most_octets
        self._attempts: dict[Obis | int, asyncio.Task[None]] = {}
        """One for each push at most: one that was reset stays until it has ended."""
        self._openings: dict[str, _Opening] = {}
        now = meter.now()
        self._processes = {key: self._process(push, now, random) for key, push in self._pushes.items()}
        self._looks = self._looked_for()
        self._look_at = now + LOOK_EVERY_S
        # Only a meter that is looked at is advanced before its first push.
        self._alarms = _alarms(meter.engine, now) if self._looks else (0, 0)
        self._watched = {key: push.watched() for key, push in self._pushes.items()}

    def _process(self, push: Push, now: int, random: Callable[[int], int]) -> PushProcess:
        return PushProcess(now, push.timing, lambda at: self._opens(push, at), self._clock, random, push.schedule)

    def _clock(self, now: int) -> int:
        """The meter's clock in normal time: its midnight is a whole day."""
        engine = self._meter.engine
        return engine.clock(now) + engine.configuration.gmt_offset_s

    def _opens(self, push: Push, now: int) -> int | None:
        written = push.windows_written()
        if written in _NO_WINDOWS:
            return now
        local = self._meter.engine.local_time(now)
        moment = datetime(local.year, local.month, local.day, local.hour, local.minute, local.second)
        found = self._openings.get(push.name)
        if found is None or not found.holds(written, moment):
            found = self._openings[push.name] = _Opening(written, moment, opening(push.windows(), moment))
        return None if found.opens is None else now + int((found.opens - moment).total_seconds())

    # --- what happens ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin."""
        self._meter.pushing = self
        self._time_source.moved.add(self._soon)
        self._arm()

    async def close(self) -> None:
        """End attempts that are under way, and wait for them."""
        self._meter.pushing = None
        self._time_source.moved.discard(self._soon)
        if self._timer is not None:
            self._timer.cancel()
        attempts = list(self._attempts.values())
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)

    def trigger(self, setup: Obis) -> None:
        """Begin the push of this Push setup."""
        self._processes[setup].trigger(self._meter.now())
        self._soon()

    def reset(self, setup: Obis) -> None:
        """Give up what is under way of it."""
        self._processes[setup].reset()
        if setup in self._attempts:
            self._attempts[setup].cancel()

    def _looked_for(self) -> bool:
        """Whether anybody wants to know what the meter does by itself."""
        return bool(self._meter.listeners) or any(push.looks for push in self._pushes.values())

    def listened(self) -> None:
        """A client listens for events now, or does no more. What alarmed before anybody did is not news."""
        looked, self._looks = self._looks, self._looked_for()
        if self._looks and not looked:
            now = self._meter.now()
            self._alarms = _alarms(self._meter.engine, now)
            self._look_at = now + LOOK_EVERY_S
        self._soon()

    def changed(self) -> None:
        """Look at the meter once what changes it is over."""
        if self._looks:
            self._look_at = 0
            self._soon()

    def _soon(self) -> None:
        """Wake in the next round of the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_soon(self._wake)

    def _arm(self) -> None:
        """Wake at the next deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadlines = [
            moment
            for key, process in self._processes.items()
            if not self._ending(key) and (moment := process.next_timer()) is not None
        ]
        if self._looks:
            deadlines.append(self._look_at)
        if deadlines and (wait_s := self._time_source.until(min(deadlines))) is not None:
            self._timer = self._loop.call_later(wait_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        try:
            self._serve(self._meter.now())
        except Exception as error:
            log.error("pushes wait for a minute", meter=self._meter.serial_number, fault=described(error))
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._wake)
        else:
            self._arm()

    def _serve(self, now: int) -> None:
        """Do what is due."""
        if self._looks and now >= self._look_at:
            self._look(now)
        for key, process in self._processes.items():
            if not self._ending(key) and process.handle_timer(now):
                if self._meter.powered:
                    self._begin(key, process)
                else:
                    process.reset()

    def _begin(self, key: Obis | int, process: PushProcess) -> None:
        """Make an attempt; what waits for its end is served then."""

        def ended(_: asyncio.Task[None]) -> None:
            del self._attempts[key]
            if self._meter.pushing is self:
                self._soon()

        task = self._attempts[key] = self._loop.create_task(self._attempt(self._pushes[key], process))
        task.add_done_callback(ended)

    def _ending(self, key: Obis | int) -> bool:
        """Whether the push was reset while an attempt was made, which has not ended yet: the next waits for it."""
        return key in self._attempts and self._processes[key].state is not State.SENDING

    def _look(self, now: int) -> None:
        """Trigger what has news."""
        self._look_at = now + LOOK_EVERY_S
        alarms = _alarms(self._meter.engine, now)
        appeared = [bits & ~before for bits, before in zip(alarms, self._alarms, strict=True)]
        self._alarms = alarms
        news = [attribute for attribute, new in zip(self._event_statuses, appeared, strict=False) if new]
        if news and self._meter.powered:
            for listener in tuple(self._meter.listeners):
                listener.tell(news)
        for key, push in self._pushes.items():
            watched = push.watched()
            if watched != self._watched[key] or (push.alarm and any(appeared)):
                self._watched[key] = watched
                self._processes[key].trigger(now)

    # --- attempts -------------------------------------------------------------------------------------

    async def _attempt(self, push: Push, process: PushProcess) -> None:
        """Make one attempt, and tell the process how it ended."""
        try:
            target = push.target()
            with self._meter.held():
                outgoing = push.outgoing(self._destinations.most_octets(target, self._most_octets))
            await self._commit(self._meter.take_pending())
            async with asyncio.timeout(ATTEMPT_S):
                await self._destinations.send(target, outgoing, push.mqtt(target))
        except PushRefused as error:
            process.refused(self._meter.now())
            log.warning("a push cannot be sent", meter=self._meter.serial_number, push=push.name, reason=str(error))
        except (PushFailed, OSError) as error:
            self._failed(push, process, str(error) or type(error).__name__)
        except Exception as error:
            meter, fault = self._meter.serial_number, described(error)
            log.error("a push failed for a fault of ours", meter=meter, push=push.name, fault=fault)
            self._failed(push, process, "fault")
        else:
            process.sent(self._meter.now())

    def _failed(self, push: Push, process: PushProcess, reason: str) -> None:
        again = process.failed(self._meter.now())
        log.warning("a push failed", meter=self._meter.serial_number, push=push.name, reason=reason, again=again)

    async def _commit(self, entries: list[JournalEntry]) -> None:
        if entries and self._store is not None:
            try:
                await asyncio.shield(asyncio.wrap_future(self._store.commit(entries)))
            except sqlite3.Error as error:
                self._meter.committed(entries, failed=True)
                raise PushFailed(f"the journal cannot be written: {error}") from error
        self._meter.committed(entries)


def _alarms(engine: Meter, now: int) -> tuple[int, int]:
    """Events that have happened and that the masks let through."""
    status = engine.status(now)
    return int(status.event_a) & status.mask_a, int(status.event_b) & status.mask_b
