"""What a meter remembers: over a clean stop, over a new start from the journal alone, and over kill -9."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem.client import Client
from cosem.data_types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, OCTET_STRING, UNSIGNED, DataType
from cosem.xdlms import Descriptor
from obis import Obis
from server.time_source import SteppedTime
from transports.wrapper import encode_wpdu

from .clients import HdlcClient, TcpPort, WrapperClient
from .conftest import Process
from .running import LOOPBACK, names, running

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
METER = [{"commissioned": "2026-03-01"}]
TCP = [{"kind": "tcp", "address": LOOPBACK}]

WRITTEN: list[tuple[int, str, int, DataType, Any]] = [
    (1, "1.1.0.0.1.255", 2, DOUBLE_LONG_UNSIGNED, 87654321),
    (1, "1.1.0.0.0.255", 2, OCTET_STRING, b"new name"),
    (1, "1.1.0.130.1.255", 2, DOUBLE_LONG_UNSIGNED, 0xFFFFFFFF),
    (1, "1.1.96.1.2.255", 2, OCTET_STRING, bytes(range(90))),
    (1, "1.1.96.52.5.255", 2, LONG_UNSIGNED, 10_800),
    (1, "1.1.96.52.11.255", 2, UNSIGNED, 0),
    (1, "1.1.0.128.1.255", 2, DOUBLE_LONG_UNSIGNED, 123456),
    (1, "1.1.128.0.11.255", 2, UNSIGNED, 4),
    (1, "1.1.129.0.0.255", 2, UNSIGNED, 5),
    (3, "1.1.96.51.1.255", 2, DOUBLE_LONG_UNSIGNED, 3500),
    (3, "1.1.130.0.0.255", 2, DOUBLE_LONG_UNSIGNED, 77),
    (7, "1.1.99.1.0.255", 4, DOUBLE_LONG_UNSIGNED, 300),
    (7, "1.1.99.1.1.255", 4, DOUBLE_LONG_UNSIGNED, 3600),
    (23, "0.0.22.0.0.255", 6, LONG_UNSIGNED, 256),
    (23, "0.0.22.0.0.255", 8, LONG_UNSIGNED, 60),
]
"""A write to every kind of place: permanent memory, the engine, the load profile, the link."""


async def on_meter(path: Path, work: Callable[[WrapperClient], Any], password: bytes = b"12345", at: int = AT) -> Any:
    """Run the meter of a state file, let a client work on it over TCP, stop it cleanly."""
    async with running(METER, TCP, SteppedTime(at), state=path) as runtime:
        name = runtime.endpoints[0].name
        return await asyncio.to_thread(lambda: work(WrapperClient(TcpPort(name), password=password)))


async def test_every_kind_of_write_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def write(client: WrapperClient) -> None:
        for class_id, name, attribute, type_, value in WRITTEN:
            client.set(class_id, name, attribute, type_, value)

    def read(client: WrapperClient) -> list[Any]:
        return [client.get(class_id, name, attribute) for class_id, name, attribute, _, _ in WRITTEN]

    await on_meter(path, write)
    for later in (0, 60, 86_400):
        assert await on_meter(path, read, at=AT + later) == [value for *_, value in WRITTEN]


async def test_an_ephemeral_meter_forgets() -> None:
    for _ in range(2):
        async with running(METER, TCP, SteppedTime(AT)) as runtime:
            client = await asyncio.to_thread(lambda name: WrapperClient(TcpPort(name)), runtime.endpoints[0].name)
            assert await asyncio.to_thread(client.get, 1, "1.1.0.0.2.255") == 0
            await asyncio.to_thread(client.set, 1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 9)


async def test_a_new_password_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    await on_meter(path, lambda client: client.set(15, "0.0.40.0.0.255", 7, OCTET_STRING, b"secret"))
    assert await on_meter(path, lambda client: client.get(1, "1.1.96.1.0.255"), b"secret") == 12345678


async def test_a_written_hdlc_address_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    await on_meter(path, lambda client: client.set(23, "0.0.22.0.0.255", 9, LONG_UNSIGNED, 100))
    async with running(METER, TCP, SteppedTime(AT), state=path) as runtime:
        port = await asyncio.to_thread(TcpPort, runtime.endpoints[0].name)
        client = await asyncio.to_thread(lambda: HdlcClient(port, lower=100, address_size=2))
        assert await asyncio.to_thread(client.get, 23, "0.0.22.0.0.255", 9) == 100


async def test_a_configured_hdlc_address_is_that_of_the_run_until_a_client_writes_one(tmp_path: Path) -> None:
    def work(port: TcpPort, lower: int, written: int | None) -> Any:
        client = HdlcClient(port, lower=lower, address_size=2)
        found = client.get(23, "0.0.22.0.0.255", 9)
        if written is not None:
            client.set(23, "0.0.22.0.0.255", 9, LONG_UNSIGNED, written)
        return found

    path = tmp_path / "state.sqlite"
    for configured, found, written in ((33, 33, None), (34, 34, None), (None, 32, None), (35, 35, 40), (36, 40, None)):
        async with running([{**METER[0], "hdlc_address": configured}], TCP, SteppedTime(AT), state=path) as runtime:
            port = await asyncio.to_thread(TcpPort, runtime.endpoints[0].name)
            assert await asyncio.to_thread(work, port, found, written) == found


async def test_the_registers_after_a_restart_are_those_of_one_long_run(tmp_path: Path) -> None:
    def registers(client: WrapperClient) -> list[Any]:
        names = ("1.1.1.8.0.255", "1.1.1.8.1.255", "1.1.1.8.2.255", "1.1.3.8.0.255", "0.1.96.8.0.255")
        return [*(client.get(3, name) for name in names), client.get(7, "1.1.99.1.0.255")]

    def switch(client: WrapperClient) -> None:
        client.set(1, "1.1.129.0.0.255", 2, UNSIGNED, 2)

    path, once = tmp_path / "often.sqlite", tmp_path / "once.sqlite"
    for hours in range(1, 6):
        await on_meter(path, switch if hours == 3 else registers, at=AT + hours * 3600 + 7)
    async with running(METER, TCP, time := SteppedTime(AT + 3 * 3600 + 7), state=once) as runtime:
        client = await asyncio.to_thread(lambda name: WrapperClient(TcpPort(name)), runtime.endpoints[0].name)
        await asyncio.to_thread(switch, client)
        time.forward(7 * 3600)
        expected = await asyncio.to_thread(registers, client)
    assert await on_meter(path, registers, at=time.now()) == expected


async def test_a_thousand_journal_entries_leave_a_snapshot_behind_them(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def write(client: WrapperClient) -> None:
        for number in range(1, 506):  # each is two entries: the value, and its row in the configuration logger
            client.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, number)

    async with running(METER, TCP, SteppedTime(AT), state=path) as runtime:
        name = runtime.endpoints[0].name
        await asyncio.to_thread(lambda: write(WrapperClient(TcpPort(name))))
        meter, store = runtime.meter(12345678), runtime.store
        assert store is not None
        store.commit([]).result()  # what was queued before is done now
        stored = store.load(12345678)
        assert stored is not None
        assert (stored.sequence, len(stored.journal)) == (1_000, 10)
        assert meter.unsaved == 10


# --- kill -9 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("link", "rounds"), [(WrapperClient, (1, 40, 7, 120)), (HdlcClient, (30,))])
def test_kill_9_loses_no_acknowledged_write(
    run_meter: Callable[..., Process],
    tmp_path: Path,
    link: type[WrapperClient] | type[HdlcClient],
    rounds: tuple[int, ...],
) -> None:
    """`rounds` are acknowledged writes before each kill; one more is on its way when it comes."""
    state = tmp_path / "state.sqlite"
    number = 0
    for writes in (*rounds, 0):
        process = run_meter("--tcp", LOOPBACK, "--state", str(state), "--installation", "constant", "--json")
        port = TcpPort(names(process)[0])
        client = link(port)
        found = client.get(1, "1.1.0.0.2.255")
        assert found in (number, number + 1), "what was acknowledged, or the write that was on its way"
        assert client.get(1, "1.1.0.0.3.255") in (number, number + 1)
        number = max(found, number)
        for _ in range(writes):
            number += 1
            client.set(1, "1.1.0.0.3.255", 2, DOUBLE_LONG_UNSIGNED, number)
            client.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, number)
        if link is WrapperClient:
            send_and_leave(port, number + 1)
        process.process.kill()
        process.process.wait(timeout=20)
        port.close()


def send_and_leave(port: TcpPort, number: int) -> None:
    """A SET whose answer nobody waits for."""
    descriptor = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2)
    port.write(encode_wpdu(18, 16, next(Client().set(descriptor, DOUBLE_LONG_UNSIGNED.encode(number)))))


@pytest.mark.parametrize("installation", ["constant", "household-pv"])
def test_no_register_runs_backwards_over_kill_9(
    run_meter: Callable[..., Process], tmp_path: Path, installation: str
) -> None:
    arguments = ["--tcp", LOOPBACK, "--state", str(tmp_path / "state.sqlite"), "--json", "--speed", "3600"]
    registers = [f"1.1.{group_c}.8.0.255" for group_c in (1, 2, 3, 4, 15)] + ["1.1.1.8.1.255", "0.1.96.8.0.255"]
    last = [0] * len(registers)
    last_time = b""
    last_rows = 0
    for start in (["--start", "2031-02-03"], [], []):  # not near a day on which clocks go back
        process = run_meter(*arguments, *start, "--installation", installation)
        client = WrapperClient(TcpPort(names(process)[0]), password=b"12345")
        for _ in range(3):
            values = [client.get(3, name) for name in registers]
            assert all(now >= before for now, before in zip(values, last, strict=True)), (last, values)
            shown = client.get(8, "0.1.1.0.0.255")
            clock = shown[:4] + shown[5:8]
            assert clock >= last_time
            rows = client.get(7, "1.1.98.1.0.255", 7)
            assert rows >= last_rows
            last, last_time, last_rows = values, clock, rows
        assert last[0] > 0
        process.process.kill()
        process.process.wait(timeout=20)


def test_after_kill_9_the_next_stop_is_clean_and_nothing_is_lost(
    run_meter: Callable[..., Process], tmp_path: Path
) -> None:
    arguments = ["--tcp", LOOPBACK, "--state", str(tmp_path / "state.sqlite"), "--json"]
    process = run_meter(*arguments)
    WrapperClient(TcpPort(names(process)[0])).set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 815)
    process.process.kill()
    process.process.wait(timeout=20)
    for _ in range(2):
        process = run_meter(*arguments)
        assert WrapperClient(TcpPort(names(process)[0])).get(1, "1.1.0.0.2.255") == 815
        assert process.stop(signal.SIGTERM) == (0, "")
