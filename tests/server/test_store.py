"""The state file: snapshots, journals, groups, and files that cannot be used."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from cosem.xdlms import Descriptor
from metering import Energy
from metering.inputs import SetTariff, StopBilling
from obis import Obis
from server.assembly import build_meter, open_time
from server.config import MeterConfig, RunConfig
from server.store import KeptTime, Store, StoreError
from server.time_source import Anchor, Reached, SteppedTime
from server.virtual_meter import JournalEntry, Snapshot, VirtualMeter

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
SERIAL = 12345678
KEY = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2).to_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "state.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def meter_of(store: Store | None, at: int = AT, **more: Any) -> VirtualMeter:
    config = {"installation": "constant", "commissioned": "2026-03-01", **more}
    meter, _ = build_meter(MeterConfig.model_validate(config), SteppedTime(at), store)
    return meter


def entry(sequence: int, body: str = "{}", serial_number: int = SERIAL) -> JournalEntry:
    return JournalEntry(serial_number, sequence, AT + sequence, body)


def commit(meter: VirtualMeter, store: Store) -> None:
    store.commit(meter.take_pending()).result()


# --- what is kept ---------------------------------------------------------------------------------------


def test_a_new_file_knows_no_meter_and_no_time(store: Store) -> None:
    assert store.load(SERIAL) is None
    assert store.kept_time() is None
    assert store.path.is_file()


def test_the_journal_comes_back_in_order_and_by_meter(store: Store, path: Path) -> None:
    store.create(1, {"profile": "382M"})
    store.create(2, {"profile": "382L"})
    store.commit([entry(2, "b", 1), entry(1, "a", 1)])
    store.commit([entry(1, "c", 2)]).result()
    first, second = store.load(1), store.load(2)
    assert first is not None
    assert second is not None
    assert [item.body for item in first.journal] == ["a", "b"]
    assert [item.body for item in second.journal] == ["c"]
    assert (first.identity, second.identity) == ({"profile": "382M"}, {"profile": "382L"})


def test_entries_up_to_the_snapshot_are_gone(store: Store) -> None:
    store.create(SERIAL, {})
    store.commit([entry(number) for number in range(1, 6)])
    store.save_snapshot(Snapshot(SERIAL, 3, {b"\x01": b"\x02\x03"}, b"engine")).result()
    stored = store.load(SERIAL)
    assert stored is not None
    assert (stored.sequence, stored.memory, stored.engine) == (3, {b"\x01": b"\x02\x03"}, b"engine")
    assert [item.sequence for item in stored.journal] == [4, 5]
    assert store._read("SELECT count(*) FROM journal") == (2,)


def test_the_last_snapshot_and_the_last_time_count(store: Store) -> None:
    store.create(SERIAL, {})
    for number in (1, 2):
        store.save_snapshot(Snapshot(SERIAL, number, {}, bytes((number,))))
        store.keep_time(Anchor(1.5, 2.25 * number, 60.0), Reached(2.0, 3.0)).result()
        store.keep_start(7.5).result()
    stored = store.load(SERIAL)
    assert stored is not None
    assert (stored.sequence, stored.engine) == (2, b"\x02")
    assert store.kept_time() == KeptTime(Anchor(1.5, 4.5, 60.0), Reached(2.0, 3.0), 7.5)


def test_closing_commits_what_is_queued(path: Path) -> None:
    store = Store(path)
    store.create(SERIAL, {})
    futures = [store.commit([entry(number)]) for number in range(1, 200)]
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    again = Store(path)
    stored = again.load(SERIAL)
    again.close()
    assert stored is not None
    assert len(stored.journal) == 199


# --- groups ---------------------------------------------------------------------------------------------


def test_commits_are_answered_in_the_order_they_were_asked_for(store: Store) -> None:
    answered: list[Future[None]] = []
    futures = []
    for number in range(1, 500):
        futures.append(store.commit([entry(number)]))
        futures[-1].add_done_callback(answered.append)
    futures[-1].result(timeout=10)
    store.commit([]).result()  # when this is answered, all before it have been
    assert answered == futures


def test_when_a_commit_is_answered_another_process_reads_it(store: Store, path: Path) -> None:
    """WAL: the file is locked, so the log beside it is looked at."""
    log = path.with_name(path.name + "-wal")
    store.commit([entry(1, "a body to be found again")]).result()
    assert b"a body to be found again" in log.read_bytes()


def test_a_commit_that_fails_says_so_and_leaves_the_store_usable(store: Store) -> None:
    store.commit([entry(1)]).result()
    doubled = store.commit([entry(2), entry(1)])
    with pytest.raises(sqlite3.IntegrityError):
        doubled.result()
    store.commit([entry(3)]).result()
    store.create(SERIAL, {}).result()
    stored = store.load(SERIAL)
    assert stored is not None
    assert [item.sequence for item in stored.journal] == [1, 3], "a failed commit leaves nothing behind"


# --- meters out of it -----------------------------------------------------------------------------------


def changed(meter: VirtualMeter) -> None:
    """Some history: two tariffs, a billing stop, a written value."""
    time = meter.time_source
    assert isinstance(time, SteppedTime)
    time.forward(3600)
    meter.apply(SetTariff(2))
    time.forward(5000)
    meter.apply(StopBilling())
    meter.remember(KEY, DOUBLE_LONG_UNSIGNED.encode(4711))
    time.forward(777)


def same(first: VirtualMeter, second: VirtualMeter) -> bool:
    """Equal to the last octet of their state, at the time the first has come to."""
    now = first.now()
    first.engine.advance(now)
    second.engine.advance(now)
    return (
        first.engine.snapshot() == second.engine.snapshot()
        and first.memory == second.memory
        and first.sequence == second.sequence
    )


@pytest.mark.parametrize("snapshot_after", ["never", "before", "after"])
def test_snapshot_and_journal_give_the_meter_back(path: Path, snapshot_after: str) -> None:
    store = Store(path)
    meter = meter_of(store)
    if snapshot_after == "before":
        store.save_snapshot(meter.snapshot()).result()
    changed(meter)
    commit(meter, store)
    if snapshot_after == "after":
        store.save_snapshot(meter.snapshot()).result()
    store.close()
    again = Store(path)
    restored = meter_of(again, meter.now())
    again.close()
    assert same(meter, restored)
    assert restored.engine.energy(Energy.A14, meter.now()) == meter.engine.energy(Energy.A14, meter.now())


def test_a_meter_goes_on_writing_where_its_journal_ended(path: Path) -> None:
    for number in range(5):
        store = Store(path)
        meter = meter_of(store, AT + 100 * number)
        assert meter.sequence == number
        meter.apply(SetTariff(number + 1))
        commit(meter, store)
        if number % 2:
            store.save_snapshot(meter.snapshot()).result()
        store.close()
    store = Store(path)
    assert meter_of(store, AT + 1000).engine.tariff(AT + 1000) == 5
    store.close()


def test_the_history_of_a_new_meter_is_kept_with_it(path: Path) -> None:
    """Without a commissioning date a meter has a year behind it, and the same year after a restart."""
    stamps = []
    for at in (AT, AT + 40 * 86_400):
        store = Store(path)
        config = MeterConfig.model_validate({"installation": "constant"})
        meter, _ = build_meter(config, SteppedTime(at), store)
        stamps.append(meter.engine.configuration.commissioned_at)
        store.close()
    assert stamps[0] == stamps[1] == int(datetime(2025, 3, 1, 23, 0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"profile": "382L"}, "another profile (382M instead of 382L)"),
        ({"type_number": "68438BM4C3010"}, "another type number (68438BM4C3084 instead of 68438BM4C3010)"),
        ({"configuration_numbers": [11000002, 99901011, 1000, 100, 0]}, "other configuration numbers"),
        ({"metering": {"billing_day": 2}}, "another order"),
        ({"metering": {"energy_type": "A+"}}, "another order"),
        ({"commissioned": "2026-02-01"}, "another commissioned at"),
        ({"installation": "household"}, "another installation"),
        ({"installation": {"kind": "constant", "active_w": (1, 2, 3)}}, "another installation"),
    ],
)
def test_a_stored_meter_is_what_it_is(path: Path, changes: dict[str, Any], said: str) -> None:
    store = Store(path)
    meter_of(store)
    with pytest.raises(StoreError) as refusal:
        meter_of(store, **changes)
    store.close()
    assert str(refusal.value).startswith(f"{path}: meter {SERIAL} is there with ")
    assert said in str(refusal.value)
    assert "another state file (--state, --ephemeral)" in str(refusal.value)


def test_another_seed_is_another_installation(path: Path) -> None:
    store = Store(path)
    meter_of(store, installation={"kind": "household", "seed": 1})
    with pytest.raises(StoreError, match="another installation"):
        meter_of(store, installation={"kind": "household", "seed": 2})
    store.close()


def test_another_serial_number_is_another_meter(store: Store) -> None:
    first, second = meter_of(store), meter_of(store, profile="382L", serial_number=2)
    first.apply(SetTariff(3))
    commit(first, store)
    assert meter_of(store, AT + 9, profile="382L", serial_number=2).engine.tariff(AT + 9) == 1
    assert second.engine.tariff(AT + 9) == 1


# --- time -----------------------------------------------------------------------------------------------


def test_start_before_what_the_meters_have_lived_through_is_refused(store: Store, path: Path) -> None:
    store.keep_time(Anchor(0.0, 4_000_000_000.0, 1.0)).result()
    config = RunConfig.model_validate({"state": path, "start": "2030-01-01"})
    with pytest.raises(StoreError, match=r"have already lived until 21\d\d-.*start later than that"):
        open_time(config, store)


def test_the_start_a_file_was_begun_with_has_counted(store: Store, path: Path) -> None:
    begun = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    store.keep_start(begun)
    store.keep_time(Anchor(0.0, 4_000_000_000.0, 1.0)).result()
    running = open_time(RunConfig.model_validate({"state": path, "start": "2030-01-01"}), store)
    assert running.anchor.moment == pytest.approx(running.anchor.wall + 4_000_000_000.0)
    assert store.kept_time() == KeptTime(running.anchor, None, begun)


def test_a_run_goes_on_along_its_line_at_the_speed_now_asked_for(store: Store, path: Path) -> None:
    store.keep_time(Anchor(0.0, 1_000_000_000.0, 1.0)).result()
    first = open_time(RunConfig.model_validate({"state": path, "speed": 60}), store)
    assert first.anchor.speed == 60
    assert first.anchor.moment == pytest.approx(first.anchor.wall + 1_000_000_000.0)


def test_a_fast_run_goes_on_at_the_machines_speed_while_nobody_runs_it(store: Store, path: Path) -> None:
    wall = time.time()
    anchor = Anchor(wall - 5_000, 1_000_000_000.0, 3600.0)
    store.keep_time(anchor, Reached(wall - 4_900, 1_000_360_000.0)).result()
    running = open_time(RunConfig.model_validate({"state": path}), store)
    assert running.anchor.moment == pytest.approx(1_000_360_000.0 + 4_900, abs=5)


# --- files that cannot be used --------------------------------------------------------------------------


def test_a_file_of_another_version_is_left_alone(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    octets = path.read_bytes()
    with pytest.raises(StoreError, match=r"another version of meter382 \(format 99, not 2\)"):
        Store(path)
    assert path.read_bytes() == octets


def test_a_file_that_is_no_state_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database"):
        Store(path)
    assert path.read_text() == "not a database, " * 100


def test_a_folder_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        Store(tmp_path)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"state\.sqlite: (Not a directory|File exists)"):
        Store(tmp_path / "file" / "below" / "state.sqlite")


def test_a_damaged_snapshot_is_an_error_and_no_new_meter(path: Path) -> None:
    store = Store(path)
    meter = meter_of(store)
    store.save_snapshot(Snapshot(meter.serial_number, 0, {}, b"no snapshot at all")).result()
    with pytest.raises(StoreError, match=f"meter {SERIAL}: "):
        meter_of(store)
    store.close()
