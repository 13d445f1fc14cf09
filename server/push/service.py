"""The pushes of a run: wakes each meter when one of its pushes is due, makes the attempts, waits for the disk.

A meter without pushes costs nothing, one with pushes a timer: it is advanced when a push is due. Alarms and watched
values are looked at when something was done to the meter, and once a minute, the grid on which its premises change by
themselves; so an alarm is told at most a minute late. What alarmed before the run began is not news.

What a ciphered push takes from its counter is on disk before it is sent. A meter without supply pushes nothing, and has
forgotten what it was about to push.
"""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import structlog

from metering import Meter
from obis import Obis

from ..binding import ObjectModel
from ..store import Store
from ..time_source import TimeSource
from ..virtual_meter import JournalEntry, VirtualMeter
from .config import PushConfig
from .destinations import Destinations, PushFailed
from .process import PushProcess
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
    ) -> None:
        self.destinations = destinations
        self.ports: list[str] = []
        """The devices on which meters only send, by name."""
        self._configs = list(configs)
        self._store = store
        self._time_source = time_source
        self._random = random
        self._meters = meters
        self._pushing: list[MeterPushes] = []

    async def open(self) -> None:
        """Open devices and begin; raises `OSError` and `ValueError`."""
        targets = [(config, target) for config in self._configs if (target := config.target) is not None]
        if any(target.kind.startswith("mqtt") for _, target in targets) and not _has_mqtt():
            raise ValueError("pushing by MQTT needs aiomqtt: pip install 'meter382[mqtt]'")
        for config, target in targets:
            if target.kind == "port":
                name = await self.destinations.open_port(target.device, config.baud)
                if name not in self.ports:
                    self.ports.append(name)
        for meter, model in self._meters.items():
            pushes = self._pushes(meter, model)
            if pushes:
                pushing = MeterPushes(meter, pushes, self.destinations, self._store, self._time_source, self._random)
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


def _has_mqtt() -> bool:
    return importlib.util.find_spec("aiomqtt") is not None


class MeterPushes:
    """The pushes of one meter."""

    def __init__(
        self,
        meter: VirtualMeter,
        pushes: Mapping[Obis | int, Push],
        destinations: Destinations,
        store: Store | None,
        time_source: TimeSource,
        random: Callable[[int], int],
    ) -> None:
        self._meter = meter
        self._pushes = dict(pushes)
        self._destinations = destinations
        self._store = store
        self._time_source = time_source
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        now = meter.now()
        self._processes = {key: self._process(push, now, random) for key, push in self._pushes.items()}
        self._looks = any(push.looks for push in self._pushes.values())
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
        windows = push.windows()
        if not windows:
            return now
        local = self._meter.engine.local_time(now)
        moment = datetime(local.year, local.month, local.day, local.hour, local.minute, local.second)
        opened = opening(windows, moment)
        return None if opened is None else now + int((opened - moment).total_seconds())

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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def trigger(self, setup: Obis) -> None:
        """Begin the push of this Push setup."""
        self._processes[setup].trigger(self._meter.now())
        self._soon()

    def reset(self, setup: Obis) -> None:
        """Give up what is under way of it."""
        self._processes[setup].reset()

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
        deadlines = [moment for process in self._processes.values() if (moment := process.next_timer()) is not None]
        if self._looks:
            deadlines.append(self._look_at)
        if deadlines and (wait_s := self._time_source.until(min(deadlines))) is not None:
            self._timer = self._loop.call_later(wait_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        try:
            self._serve(self._meter.now())
        except Exception:
            log.exception("pushes wait for a minute", meter=self._meter.serial_number)
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._wake)
        else:
            self._arm()

    def _serve(self, now: int) -> None:
        """Do what is due."""
        if self._looks and now >= self._look_at:
            self._look(now)
        for key, process in self._processes.items():
            if process.handle_timer(now):
                if self._meter.powered:
                    task = self._loop.create_task(self._attempt(self._pushes[key], process))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                else:
                    process.reset()

    def _look(self, now: int) -> None:
        """Trigger what has news."""
        self._look_at = now + LOOK_EVERY_S
        alarms = _alarms(self._meter.engine, now)
        appeared = any(bits & ~before for bits, before in zip(alarms, self._alarms, strict=True))
        self._alarms = alarms
        for key, push in self._pushes.items():
            watched = push.watched()
            if watched != self._watched[key] or (push.alarm and appeared):
                self._watched[key] = watched
                self._processes[key].trigger(now)

    # --- attempts -------------------------------------------------------------------------------------

    async def _attempt(self, push: Push, process: PushProcess) -> None:
        """Make one attempt, and tell the process how it ended."""
        try:
            target = push.target()
            with self._meter.held():
                outgoing = push.outgoing()
            await self._commit(self._meter.take_pending())
            async with asyncio.timeout(ATTEMPT_S):
                await self._destinations.send(target, outgoing, push.mqtt(target))
        except (PushFailed, OSError) as error:
            self._failed(push, process, str(error) or type(error).__name__)
        except Exception:
            log.exception("a push failed for a fault of ours", meter=self._meter.serial_number, push=push.name)
            self._failed(push, process, "fault")
        else:
            process.sent(self._meter.now())
        self._arm()

    def _failed(self, push: Push, process: PushProcess, reason: str) -> None:
        again = process.failed(self._meter.now())
        log.warning("a push failed", meter=self._meter.serial_number, push=push.name, reason=reason, again=again)

    async def _commit(self, entries: list[JournalEntry]) -> None:
        if entries and self._store is not None:
            try:
                await asyncio.shield(asyncio.wrap_future(self._store.commit(entries)))
            except sqlite3.Error as error:
                raise PushFailed(f"the journal cannot be written: {error}") from error


def _alarms(engine: Meter, now: int) -> tuple[int, int]:
    """Events that have happened and that the masks let through."""
    status = engine.status(now)
    return int(status.event_a) & status.mask_a, int(status.event_b) & status.mask_b
