"""The memory of the meters on disk: snapshots and journals in one SQLite file.

A meter is its last snapshot and the journal entries after it. Entries are committed in groups by a thread of
their own: while one commit waits for the disk, the entries of all sessions gather for the next, so a thousand
acknowledged writes cost a few disk flushes. WAL with synchronous=FULL makes a commit survive power loss,
not only the death of the process. One process has a file at a time.

Secrets are not in it but in the key file beside it, which is brought up to date before each commit.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from .security.key_file import KeyFile, KeyFileError
from .time_source import Anchor, Reached
from .virtual_meter import JournalEntry, Snapshot

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter (serial_number INTEGER PRIMARY KEY, identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot (
    serial_number INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, memory TEXT NOT NULL, engine BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal (
    serial_number INTEGER NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (serial_number, sequence)) WITHOUT ROWID;
"""
_VERSION: Final = 2

_Work = tuple[Callable[[sqlite3.Connection], None], "Future[None]"]


class StoreError(Exception):
    """The state file cannot be used: what is wrong and what to do."""


class StoredMeter(NamedTuple):
    """What the store holds of a meter: its snapshot, if any, and the entries after it."""

    identity: dict[str, Any]
    sequence: int
    memory: dict[bytes, bytes]
    engine: bytes | None
    journal: list[JournalEntry]


class KeptTime(NamedTuple):
    """The line through time of the last run, how far it came at the most, and the `start` the file was begun with."""

    anchor: Anchor
    reached: Reached | None
    start: float | None


class Store:
    """An open state file, and the key file beside it.

    Raises `StoreError` where it is in use, damaged, or of another version, and where the key file cannot be trusted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=2)
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise StoreError(f"{path}: written by another version of meter382 (format {version}, not {_VERSION})")
            self._database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from None
        except sqlite3.Error as error:
            reason = "in use by another process" if "locked" in str(error) else str(error)
            raise StoreError(f"{path}: {reason}") from None
        try:
            self.key_file = KeyFile(path.with_name(f"{path.name}.keys"))
        except KeyFileError as error:
            self._database.close()
            raise StoreError(str(error)) from None
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    # --- reading, before the meters run ---------------------------------------------------------

    def load(self, serial_number: int) -> StoredMeter | None:
        """A meter as it was left; None where the file does not know it."""
        row = self._read("SELECT identity FROM meter WHERE serial_number=?", serial_number)
        if row is None:
            return None
        snapshot = self._read("SELECT sequence, memory, engine FROM snapshot WHERE serial_number=?", serial_number)
        sequence, memory, engine = snapshot or (0, "{}", None)
        entries = self._database.execute(
            "SELECT serial_number, sequence, at, body FROM journal "
            "WHERE serial_number=? AND sequence>? ORDER BY sequence",
            (serial_number, sequence),
        )
        cells = {bytes.fromhex(key): bytes.fromhex(value) for key, value in json.loads(memory).items()}
        return StoredMeter(json.loads(row[0]), sequence, cells, engine, [JournalEntry(*entry) for entry in entries])

    def kept_time(self) -> KeptTime | None:
        """Where the last run was in time; None for a new file."""
        row = self._read("SELECT value FROM setting WHERE name='time'")
        if row is None:
            return None
        anchor, reached = json.loads(row[0])
        start = self._read("SELECT value FROM setting WHERE name='start'")
        return KeptTime(
            Anchor(*anchor),
            None if reached is None else Reached(*reached),
            None if start is None else json.loads(start[0]),
        )

    def _read(self, statement: str, *values: object) -> Any:
        return self._database.execute(statement, values).fetchone()

    # --- writing --------------------------------------------------------------------------------

    def commit(self, entries: list[JournalEntry]) -> Future[None]:
        """Write journal entries, and secrets that changed; the future is done when they are on disk."""

        def write(database: sqlite3.Connection) -> None:
            database.executemany("INSERT INTO journal VALUES (?, ?, ?, ?)", entries)

        return self._submit(write)

    def create(self, serial_number: int, identity: dict[str, Any]) -> Future[None]:
        """Make a meter known with what it is: profile, order, installation."""
        return self._submit(
            lambda database: database.execute("INSERT INTO meter VALUES (?, ?)", (serial_number, json.dumps(identity)))
        )

    def save_snapshot(self, snapshot: Snapshot) -> Future[None]:
        """Replace the meter's snapshot; the journal entries that it contains go."""
        memory = json.dumps({key.hex(): value.hex() for key, value in snapshot.memory.items()})
        values = (snapshot.serial_number, snapshot.sequence, memory, snapshot.engine)

        def write(database: sqlite3.Connection) -> None:
            database.execute("REPLACE INTO snapshot VALUES (?, ?, ?, ?)", values)
            database.execute("DELETE FROM journal WHERE serial_number=? AND sequence<=?", values[:2])

        return self._submit(write)

    def keep_time(self, anchor: Anchor, reached: Reached | None = None) -> Future[None]:
        """Keep where this run is in time."""
        return self._keep("time", [anchor, reached])

    def keep_start(self, start: float) -> Future[None]:
        """Keep the `start` that the file is begun with."""
        return self._keep("start", start)

    def _keep(self, name: str, value: object) -> Future[None]:
        values = (name, json.dumps(value))
        return self._submit(lambda database: database.execute("REPLACE INTO setting VALUES (?, ?)", values))

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._queue.put(None)
        self._thread.join()
        self._database.close()

    def _submit(self, write: Callable[[sqlite3.Connection], object]) -> Future[None]:
        future: Future[None] = Future()

        def run(database: sqlite3.Connection) -> None:
            write(database)

        self._queue.put((run, future))
        return future

    def _run(self) -> None:
        """The thread: one transaction for all that has gathered."""
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            last = False
            while not self._queue.empty():
                work = self._queue.get()
                if work is None:
                    last = True
                    break
                group.append(work)
            self._commit_group(group)
            if last:
                return

    def _commit_group(self, group: Iterable[_Work]) -> None:
        try:
            self._database.execute("BEGIN")
            for write, _ in group:
                write(self._database)
            self.key_file.write()
            self._database.execute("COMMIT")
        except Exception as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            for _, future in group:
                future.set_exception(error)
        else:
            for _, future in group:
                future.set_result(None)
