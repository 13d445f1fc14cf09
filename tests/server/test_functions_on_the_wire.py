"""What the engine does by itself, seen and steered over COSEM: breaker, prepayment, load control, events, loggers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cosem.client import AccessFailed, Client
from cosem.data_types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, UNSIGNED
from metering.inputs import PressButton, SetCover, SetLoad, SetMagnet, SetRelayMode, SetSupply
from server.time_source import SteppedTime
from transports.crc import check_octets
from transports.wrapper import encode_wpdu

from .conftest import Lab
from .running import running

BREAKER = "1.1.128.0.0.255"
FEEDBACK = "1.1.128.0.18.255"
CUT_OFF_LOG = "1.1.99.98.5.255"
STATUS_LOG = "1.1.99.98.2.255"
IMPORT = "1.1.1.8.0.255"
# A 382M with a breaker: letter E, type number position 6.
WITH_BREAKER = {"type_number": "68438BM4E4084"}


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab(**WITH_BREAKER)


def test_a_disconnected_installation_draws_nothing_until_it_is_released_and_reconnected(bench: Lab) -> None:
    reader = bench.reader()
    assert (reader.get(1, BREAKER), reader.get(1, FEEDBACK)) == (4, 63)
    reader.set(1, BREAKER, 2, UNSIGNED, 1)
    assert reader.get(1, BREAKER) == 1
    assert reader.get(1, FEEDBACK) & 7 == 0
    before = reader.get(3, IMPORT)
    bench.time.forward(3600)
    assert reader.get(3, IMPORT) == before
    assert reader.get(3, "1.1.1.7.0.255") == 0
    reader.set(1, BREAKER, 2, UNSIGNED, 2)
    assert reader.get(1, BREAKER) == 8
    reader.set(1, BREAKER, 2, UNSIGNED, 3)
    bench.time.forward(60)
    assert reader.get(1, BREAKER) == 4
    bench.time.forward(3600)
    assert reader.get(3, IMPORT) > before
    assert [row[1] for row in reader.get(7, CUT_OFF_LOG)] == [1, 8, 4]


def test_a_command_out_of_turn_is_refused(bench: Lab) -> None:
    reader = bench.reader()
    for command in (2, 3, 9):
        with pytest.raises(AccessFailed, match="other-reason"):
            reader.set(1, BREAKER, 2, UNSIGNED, command)
    assert reader.get(1, BREAKER) == 4


def test_smart_disconnect_cuts_an_overload_off_and_the_button_reconnects(bench: Lab) -> None:
    reader = bench.reader()
    for name, value in (("11", 1), ("13", 10)):  # limit the load, to 10 A
        reader.set(1, f"1.1.128.0.{name}.255", 2, UNSIGNED, value)
    bench.meter.apply(SetLoad((6_000_000, 0, 0)))  # 26 A on one phase
    bench.time.forward(10)
    assert reader.get(1, BREAKER) == 5
    bench.time.forward(60)
    assert reader.get(1, BREAKER) == 6
    bench.meter.apply(SetLoad((1_000_000, 0, 0)))
    bench.time.forward(60)
    bench.meter.apply(PressButton(6))
    bench.time.forward(60)
    assert reader.get(1, BREAKER) == 4
    rows = [row[1] for row in reader.get(7, CUT_OFF_LOG)]
    assert rows[:2] == [5, 6]
    assert rows[-1] == 4


def test_credit_counts_down_to_the_cut_off(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(1, "1.1.128.0.11.255", 2, UNSIGNED, 2)
    reader.set(3, "1.1.130.0.0.255", 2, DOUBLE_LONG_UNSIGNED, 1_000)
    bench.meter.apply(SetLoad((2_000_000, 0, 0)))
    bench.time.forward(900)
    assert reader.get(3, "1.1.130.0.0.255") == 500
    bench.time.forward(1_800)
    assert reader.get(1, BREAKER) == 7
    assert reader.get(3, "1.1.130.0.0.255") == 0
    with pytest.raises(AccessFailed):
        reader.set(1, "1.1.130.0.7.255", 2, LONG_UNSIGNED, 1)


def test_credit_is_for_the_primary_module_only(bench: Lab) -> None:
    with pytest.raises(AccessFailed, match="read-write-denied"):
        bench.reader(19).set(3, "1.1.130.0.0.255", 2, DOUBLE_LONG_UNSIGNED, 1_000)


def test_a_relay_follows_a_command_after_its_delay_and_a_tariff(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(1, "1.1.96.52.5.255", 2, LONG_UNSIGNED, 100)
    reader.set(1, "1.1.96.52.1.255", 2, UNSIGNED, 1)
    assert reader.get(1, "1.1.96.52.9.255") == 1
    assert 0 <= reader.get(1, "1.1.96.52.7.255") <= 100
    bench.time.forward(101)
    assert reader.get(1, "1.1.96.52.7.255") == 0
    assert bench.meter.engine.load_control(bench.meter.now()).relays[0].closed
    reader.set(1, "1.1.96.52.2.255", 2, UNSIGNED, 0b10)
    bench.time.forward(101)
    assert not bench.meter.engine.load_control(bench.meter.now()).relays[0].closed
    reader.set(1, "1.1.129.0.0.255", 2, UNSIGNED, 2)
    bench.time.forward(101)
    assert bench.meter.engine.load_control(bench.meter.now()).relays[0].closed


def test_tamper_is_seen_in_status_events_and_log(bench: Lab) -> None:
    reader = bench.reader()
    bench.meter.apply(SetMagnet(True))
    assert reader.get(1, "1.1.97.97.0.255") & 4
    bench.meter.apply(SetMagnet(False))
    bench.meter.apply(SetCover(True))
    assert reader.get(1, "1.1.97.97.0.255") & 0b1000100 == 0b1000000
    assert reader.get(1, "0.1.96.10.1.255") & 0b1000100 == 0b1000100
    assert reader.get(1, "0.1.96.10.2.255") & (1 << 21 | 1 << 22) == 1 << 21 | 1 << 22
    assert len(reader.get(7, STATUS_LOG)) >= 3
    reader.set(1, "0.1.96.10.2.255", 2, DOUBLE_LONG_UNSIGNED, 1 << 22)
    assert reader.get(1, "0.1.96.10.2.255") & (1 << 21 | 1 << 22) == 1 << 22


def test_a_power_cut_is_in_the_rows_of_the_load_profile(bench: Lab) -> None:
    reader = bench.reader()
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.time.forward(7_200)
    bench.meter.apply(SetSupply())
    bench.time.forward(900)
    rows = reader.get(7, "1.1.99.1.0.255")
    assert any(row[2] & 1 << 10 for row in rows[-10:])
    readings = [row[4] for row in rows]
    assert readings == sorted(readings)


def test_debiting_logger_2_writes_days_weeks_or_months(bench: Lab) -> None:
    reader = bench.reader()
    assert reader.get(1, "1.1.0.1.6.128") == 0
    reader.set(1, "1.1.0.1.6.128", 2, UNSIGNED, 1)
    assert reader.get(1, "1.1.0.1.6.128") == 1
    with pytest.raises(AccessFailed):
        reader.set(1, "1.1.0.1.6.128", 2, UNSIGNED, 3)
    before = len(reader.get(7, "1.1.98.2.0.255"))
    bench.time.forward(8 * 86_400)
    assert len(reader.get(7, "1.1.98.2.0.255")) == before + 1


def test_a_meter_without_supply_answers_nobody_until_it_has_supply_again(bench: Lab) -> None:
    exchange = bench.hdlc()
    frame = bytes.fromhex("a007032193")
    snrm = b"\x7e" + frame + check_octets(frame) + b"\x7e"
    assert exchange(snrm) != b""
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.time.forward(5)
    assert exchange(snrm) == b""
    bench.meter.apply(SetSupply())
    bench.time.forward(5)
    assert exchange(snrm) != b""


async def test_over_tcp_a_meter_without_supply_is_silent_and_wants_a_new_association() -> None:
    at = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
    time = SteppedTime(at)
    async with running([{"commissioned": "2026-03-01"}], [{"kind": "tcp", "address": "127.0.0.1:0"}], time) as runtime:
        meter = next(iter(runtime.meters))
        reader, writer = await asyncio.open_connection(*runtime.endpoints[0].name.removeprefix("tcp://").split(":"))

        async def ask(apdu: bytes) -> bytes:
            writer.write(encode_wpdu(18, 16, apdu))
            head = await asyncio.wait_for(reader.readexactly(8), 0.5)
            return await reader.readexactly(int.from_bytes(head[6:], "big"))

        get = bytes.fromhex("c001c1000101016001 00ff0200")
        aarq = next(Client(b"12345").associate())
        assert (await ask(aarq))[0] == 0x61
        assert (await ask(get))[0] == 0xC4
        meter.apply(SetSupply((0, 0, 0)))
        time.forward(5)
        with pytest.raises(TimeoutError):
            await ask(get)
        meter.apply(SetSupply())
        time.forward(5)
        assert await ask(get) == bytes.fromhex("d80101")
        assert (await ask(aarq))[0] == 0x61
        assert (await ask(get))[0] == 0xC4
        meter.apply(SetSupply((0, 0, 0)))
        time.forward(5)  # the client says nothing meanwhile
        meter.apply(SetSupply())
        time.forward(5)
        assert await ask(get) == bytes.fromhex("d80101")
        writer.close()


def test_a_top_up_pays_the_debt_first(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(1, "1.1.128.0.11.255", 2, UNSIGNED, 2 | 32)  # prepayment, no restriction: consumption goes on
    bench.meter.apply(SetLoad((1_500_000, 0, 0)))
    bench.time.forward(3600)
    assert bench.meter.engine.prepayment(bench.meter.now()).debt_mws == 1_500 * 3_600_000
    reader.set(3, "1.1.130.0.0.255", 2, DOUBLE_LONG_UNSIGNED, 0)
    assert bench.meter.engine.prepayment(bench.meter.now()).debt_mws == 1_500 * 3_600_000
    reader.set(3, "1.1.130.0.0.255", 2, DOUBLE_LONG_UNSIGNED, 2_000)
    assert reader.get(3, "1.1.130.0.0.255") == 500
    assert bench.meter.engine.prepayment(bench.meter.now()).debt_mws == 0


def test_rows_captured_with_an_invalid_clock_say_so_in_their_stamps(lab: Callable[..., Lab]) -> None:
    bench = lab()  # its clock is backed up for four days
    reader = bench.reader()
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.time.forward(6 * 86_400)
    bench.meter.apply(SetSupply())
    bench.time.forward(2 * 900)
    rows = reader.get(7, "1.1.99.1.0.255")
    assert rows[-1][0][11] & 1
    assert rows[0][0][11] & 1 == 0
    assert all(row[1] < 1 << 10 for row in rows)


def test_a_command_reaches_a_relay_that_was_switched_off_meanwhile(bench: Lab) -> None:
    reader = bench.reader()
    reader.set(1, "1.1.96.52.5.255", 2, LONG_UNSIGNED, 0)
    reader.set(1, "1.1.96.52.1.255", 2, UNSIGNED, 1)
    bench.meter.apply(SetRelayMode(1, "off"))
    bench.time.forward(10)
    assert not bench.meter.engine.load_control(bench.meter.now()).relays[0].closed
    reader.set(1, "1.1.96.52.1.255", 2, UNSIGNED, 1)
    bench.time.forward(10)
    assert bench.meter.engine.load_control(bench.meter.now()).relays[0].closed


def test_a_current_beyond_the_type_is_the_largest_there_is(bench: Lab) -> None:
    bench.meter.apply(SetLoad((0, 10**9, 0), voltage_mv=(230_000, 1, 230_000)))
    assert bench.reader().get(3, "1.1.51.7.0.255") == 0xFFFFFFFF
