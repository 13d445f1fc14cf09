"""One meter as the server runs it: the engine, its permanent memory, and what is not yet journaled.

Whatever changes a meter passes through `apply`, `remember` or `keep_secrets`: it happens at once in memory and is put
on `pending`. The session that caused it answers only after the store has committed those entries. Of a secret the
journal says that it changed, never what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

from cosem.xdlms import Descriptor
from metering import Configured, Meter
from metering.inputs import Input, NoteConfiguration, input_from_dict
from obis import Obis

from .device_profile import DeviceProfile
from .security.key_file import KeyFile
from .security.meter_security import MeterSecurity
from .security.secrets_at_rest import MeterSecrets
from .time_source import SteppedTime, TimeSource

_SNAPSHOT_AFTER: Final = 1_000
"""Journal entries after which a snapshot is taken, so that a restart never replays many more."""


class JournalEntry(NamedTuple):
    """One change: of meter `serial_number`, number `sequence`, at true time `at`; `body` is JSON."""

    serial_number: int
    sequence: int
    at: int
    body: str


class Snapshot(NamedTuple):
    """The state of a meter after journal entry `sequence`: permanent memory, and the engine's own snapshot."""

    serial_number: int
    sequence: int
    memory: dict[bytes, bytes]
    engine: bytes


class Remember(NamedTuple):
    """A write to permanent memory that belongs to a change of configuration."""

    key: bytes
    encoded: bytes


class KeepSecrets(NamedTuple):
    """Other secrets, in a change of configuration; `what` tells the journal which changed."""

    what: str
    secrets: MeterSecrets


class Pushing(Protocol):
    """Who sends what a meter pushes."""

    def trigger(self, setup: Obis) -> None:
        """Begin the push of this Push setup."""

    def reset(self, setup: Obis) -> None:
        """Give up what is under way of it."""

    def changed(self) -> None:
        """The meter has changed, maybe into an alarm."""

    def listened(self) -> None:
        """Somebody listens for events now, or nobody does any more."""


class Listener(Protocol):
    """A client that is told what it has not asked for."""

    def tell(self, attributes: Sequence[Descriptor]) -> None:
        """There is news of these attributes."""


class VirtualMeter:
    """A meter of a device profile.

    `memory` holds what clients wrote and no engine owns, encoded, by descriptor. `defaults` holds, in the same form,
    what the configuration of a run says instead of the profile's defaults; it is not kept. `on_configured` is called
    after each change of the configuration, whoever made it.
    """

    def __init__(
        self,
        profile: DeviceProfile,
        engine: Meter,
        time_source: TimeSource,
        memory: dict[bytes, bytes] | None = None,
        sequence: int = 0,
        key_file: KeyFile | None = None,
    ) -> None:
        self.profile = profile
        self.engine = engine
        self.time_source = time_source
        self.memory: dict[bytes, bytes] = {} if memory is None else memory
        self.defaults: dict[bytes, bytes] = {}
        self.sequence = sequence
        self.pending: list[JournalEntry] = []
        self._told: dict[int, Callable[[], None]] = {}
        """Who waits for which entry to be on disk, by sequence."""
        self.on_configured: list[Callable[[], None]] = []
        self._saved_sequence = sequence
        self.serial_number = engine.configuration.serial_number
        self.key_file = KeyFile(None) if key_file is None else key_file
        self.pushing: Pushing | None = None
        self.listeners: set[Listener] = set()

    def listen(self, listener: Listener, wanted: bool) -> None:
        """Tell a client of events from now on, or no more."""
        if wanted:
            self.listeners.add(listener)
        else:
            self.listeners.discard(listener)
        if self.pushing is not None:
            self.pushing.listened()

    def now(self) -> int:
        """True time, never before what the engine has settled."""
        moment = self.time_source.now()
        settled = self.engine.time
        return moment if moment > settled else settled

    @contextmanager
    def held(self) -> Iterator[None]:
        """All that is read inside is of one instant, however fast time runs; nothing may be awaited there."""
        running = self.time_source
        self.time_source = SteppedTime(self.now())
        try:
            yield
        finally:
            self.time_source = running

    @property
    def powered(self) -> bool:
        """Whether the meter has supply: without, nobody gets an answer from it."""
        return self.engine.powered(self.now())

    @property
    def powered_since(self) -> int | None:
        """True time at which the meter last came on; `None` while it is off."""
        return self.engine.powered_since(self.now())

    def apply(self, change: Input) -> None:
        """Let an input happen now; raises `ValueError` where this meter cannot do it, and then nothing happened."""
        at = self.now()
        self.engine.apply(change, at)
        self._journal(at, {"input": change.to_dict()})

    def remember(self, key: bytes, encoded: bytes, on_disk: Callable[[], None] | None = None) -> None:
        """Write to permanent memory; `on_disk` is called when that is known to be there (`committed`)."""
        self._remember(self.now(), key, encoded)
        if on_disk is not None:
            self._told[self.sequence] = on_disk

    def forget(self, key: bytes) -> None:
        """Take something out of permanent memory."""
        self.memory.pop(key, None)
        self._journal(self.now(), {"key": key.hex(), "value": None})

    def configure(self, what: Configured, changes: Sequence[Input | Remember | KeepSecrets]) -> None:
        """Change the configuration, all at one instant, and write it into the configuration logger.

        Raises `ValueError` where the meter refuses the first change, and then nothing happened; of several inputs only
        the first may be one that a running meter can refuse for its values' sake.
        """
        at = self.now()
        if not self.engine.powered(at):
            raise ValueError("the meter is off")
        for change in (*changes, NoteConfiguration(what)):
            if isinstance(change, Remember):
                self._remember(at, *change)
            elif isinstance(change, KeepSecrets):
                self._keep_secrets(at, *change)
            else:
                self.engine.apply(change, at)
                self._journal(at, {"input": change.to_dict()})
        for tell in self.on_configured:
            tell()

    def _remember(self, at: int, key: bytes, encoded: bytes) -> None:
        self.memory[key] = encoded
        self._journal(at, {"key": key.hex(), "value": encoded.hex()})

    @property
    def secrets(self) -> MeterSecrets:
        """What of the meter's secrets is no longer as delivered."""
        return self.key_file.of_meter(self.serial_number)

    @cached_property
    def security(self) -> MeterSecurity:
        """Security setups, passwords and failures."""
        return MeterSecurity(self)

    def settle(self) -> None:
        """Nothing comes any more: what was written ahead is written as it is."""
        if "security" in self.__dict__:  # never needed, nothing ahead
            self.security.settle()

    def keep_secrets(self, what: str, secrets: MeterSecrets) -> None:
        """Replace the meter's secrets; `what` tells the journal which changed."""
        self._keep_secrets(self.now(), what, secrets)

    def _keep_secrets(self, at: int, what: str, secrets: MeterSecrets) -> None:
        self.key_file.put(self.serial_number, secrets)
        self._journal(at, {"secret": what})

    def take_pending(self) -> list[JournalEntry]:
        """The entries to commit, once."""
        entries, self.pending = self.pending, []
        return entries

    def committed(self, entries: Sequence[JournalEntry], *, failed: bool = False) -> None:
        """Entries that were taken are on disk; or never will be, where that failed."""
        if not self._told:
            return
        for entry in entries:
            told = self._told.pop(entry.sequence, None)
            if told is not None and not failed:
                told()

    def replay(self, entry: JournalEntry) -> None:
        """Apply an entry read back from the journal; they come in order."""
        body: dict[str, Any] = json.loads(entry.body)
        if (change := body.get("input")) is not None:
            self.engine.apply(input_from_dict(change), max(entry.at, self.engine.time))
        elif "key" in body:
            key, value = bytes.fromhex(body["key"]), body["value"]
            if value is None:
                self.memory.pop(key, None)
            else:
                self.memory[key] = bytes.fromhex(value)
        # a changed secret is in the key file
        self.sequence = entry.sequence

    @property
    def unsaved(self) -> int:
        """Journal entries since the last snapshot: what a restart would have to replay."""
        return self.sequence - self._saved_sequence

    @property
    def snapshot_due(self) -> bool:
        """Whether a restart would have to replay so many entries that a snapshot is worth its while."""
        return self.unsaved >= _SNAPSHOT_AFTER

    def snapshot(self) -> Snapshot:
        """The whole state, to be put into the store."""
        self._saved_sequence = self.sequence
        return Snapshot(self.serial_number, self.sequence, dict(self.memory), self.engine.snapshot())

    def _journal(self, at: int, body: dict[str, object]) -> None:
        self.sequence += 1
        text = json.dumps(body, separators=(",", ":"))
        self.pending.append(JournalEntry(self.serial_number, self.sequence, at, text))
        if self.pushing is not None:
            self.pushing.changed()

    @property
    def type_number(self) -> str:
        """The complete type number of the nameplate."""
        return self.profile.identity.type_number

    @property
    def logical_device_name(self) -> bytes:
        """Prefix and serial number, ten octets in all (382M DLMS description, figure 14)."""
        prefix = self.profile.identity.logical_device_prefix.encode()
        return prefix + self.serial_number.to_bytes(10 - len(prefix), "big")

    @property
    def system_title(self) -> bytes:
        """Prefix and serial number, eight octets in all, as a captured push has it (4B414D45 01A4DC52)."""
        prefix = self.profile.identity.logical_device_prefix.encode()
        return prefix + self.serial_number.to_bytes(8 - len(prefix), "big")
