"""Pushes of a running meter: real sockets and terminals, stepped time."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time as wall_clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosem.notification import read_data_notification
from cosem.reader import Reader
from cosem.security.envelopes import read_general
from cosem.security.invocation import ReceiveCounters, SendCounter
from cosem.security.keys import KeyId, Keys
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0
from metering.inputs import SetCover, SetEventMasks, SetSupply, SetTariff
from metering.status import MeterStatus
from server.device_profile import available, load_profile
from server.security.secrets_at_rest import DOCUMENTED
from server.time_source import Anchor, RunningTime, SteppedTime
from transports.hdlc.address import ServerAddress
from transports.hdlc.frame import Frame, FrameCounters, FrameReceiver, Kind
from transports.wrapper import WpduReader

from ..conftest import ROOT, Process
from ..running import running
from .bench import METER, START, Terminal, listening, pushing, seconds, settled, values


async def test_a_list_is_pushed_at_each_of_its_moments() -> None:
    async with pushing({"list": "norwegian-1", "to": "pty"}) as (runtime, time):
        assert runtime.pushes is not None
        (name,) = runtime.pushes.ports
        terminal = Terminal(name)
        for step, second in ((9, 10), (10, 20), (35, 55)):
            time.forward(step)
            frame = await terminal.next()
            assert (frame.kind, frame.poll) == (Kind.UI, True)
            notification = read_data_notification(frame.information[3:])
            assert seconds(notification) == second
            assert values(notification)[0] == "Kamstrup_V0001"
        terminal.close()


async def test_a_port_of_pushes_answers_nobody() -> None:
    async with pushing({"list": "norwegian-1", "to": "pty"}) as (runtime, time):
        assert runtime.pushes is not None
        terminal = Terminal(runtime.pushes.ports[0])
        terminal.write(bytes.fromhex("7ea00a0002040021931a9d7e") + b"/?!\r\n")
        time.forward(9)
        assert (await terminal.next()).kind is Kind.UI
        terminal.close()


async def test_a_ciphered_list_opens_with_the_keys_of_its_security_setup() -> None:
    push = {"list": "danish-1", "to": "pty", "security": 0}
    async with pushing(push, meter={"profile": "382M-secure"}) as (runtime, time):
        assert runtime.pushes is not None
        terminal = Terminal(runtime.pushes.ports[0])
        counters = []
        secrets = DOCUMENTED[0].keys
        keys = Keys(SUITE_0, secrets[KeyId.GLOBAL_UNICAST], secrets[KeyId.AUTHENTICATION])
        title = next(iter(runtime.meters)).system_title
        received = ReceiveCounters({}, lambda *_: None)
        reader = SecurityContext(keys, b"HANPORT1", title, SendCounter(0, lambda _: None), received, bytes)
        for _ in range(3):
            time.forward(10)
            frame = await terminal.next()
            assert (frame.destination, frame.source) == (b"\x41", b"\x03")
            apdu = frame.information[3:]
            sent_by, content = read_general(Reader(apdu, 1))
            assert (sent_by, content.control) == (title, 0x30)
            counters.append(content.counter)
            assert values(read_data_notification(reader.open(apdu).apdu))[0] == "Kamstrup_V0001"
        assert counters == sorted(set(counters))
        terminal.close()


async def test_the_counter_of_a_ciphered_push_is_never_used_again_after_a_restart(tmp_path: Path) -> None:
    push = {"list": "danish-1", "to": "pty", "security": 0}
    state, counters = tmp_path / "state.sqlite", []
    for _ in range(3):
        async with pushing(push, meter={"profile": "382M-secure"}, state=state) as (runtime, time):
            assert runtime.pushes is not None
            terminal = Terminal(runtime.pushes.ports[0])
            time.forward(10)
            counters.append(read_general(Reader((await terminal.next()).information[3:], 1))[1].counter)
            terminal.close()
    assert counters == sorted(set(counters))


async def test_a_list_goes_to_a_head_end_by_tcp() -> None:
    async with listening() as listener, pushing({"list": "danish-1", "to": listener.address}) as (_, time):
        time.forward(10)
        wpdu = await listener.next()
        assert (wpdu.source, wpdu.destination) == (16, 21)
        assert values(read_data_notification(wpdu.apdu))[0] == "Kamstrup_V0001"


async def test_a_list_goes_to_a_head_end_by_udp() -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    class Heard(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            heard.put_nowait(data)

    transport, _ = await loop.create_datagram_endpoint(Heard, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    async with pushing({"list": "norwegian-1", "to": f"udp://127.0.0.1:{port}"}) as (_, time):
        time.forward(10)
        async with asyncio.timeout(5):
            (wpdu,) = WpduReader().receive_data(await heard.get())
    assert read_data_notification(wpdu.apdu).invoke == 0
    transport.close()


async def test_a_push_goes_out_on_the_own_line_while_nobody_is_connected() -> None:
    endpoints = [{"kind": "optical", "device": "pty"}]
    async with pushing({"list": "norwegian-1", "to": "hdlc"}, endpoints=endpoints) as (runtime, time):
        terminal = Terminal(runtime.endpoints[0].name)
        time.forward(10)
        assert (await terminal.next()).kind is Kind.UI
        snrm = Frame(b"\x03", b"\x21", 0x93).encode()
        terminal.write(snrm)
        assert (await terminal.next()).kind is Kind.UA
        time.forward(10)
        terminal.write(Frame(b"\x03", b"\x21", 0x53).encode())
        assert (await terminal.next()).kind is Kind.UA
        time.forward(10)
        assert (await terminal.next()).kind is Kind.UI
        terminal.close()


async def test_a_push_is_tried_again_until_its_head_end_is_there() -> None:
    async with listening() as listener:
        await listener.close()
        push = {
            "list": "danish-1", "to": listener.address, "every_s": 3600,
            "retries": 3, "repetition_delay_s": 30,
        }  # fmt: skip
        async with pushing(push) as (runtime, time):
            time.forward(3599)
            await settled(runtime)
            time.forward(30)
            await settled(runtime)
            await listener.open()
            time.forward(30)
            notification = read_data_notification((await listener.next()).apdu)
            assert tuple(notification.date_time[5:8]) == (14, 1, 0)


async def test_an_alarm_is_pushed_when_it_begins() -> None:
    async with listening() as listener:
        push = {"list": "norwegian-1", "to": listener.address, "every_s": 86400, "alarm": True}
        async with pushing(push) as (runtime, time):
            meter = next(iter(runtime.meters))
            meter.apply(SetEventMasks(int(MeterStatus.COVER_OPEN), 0))
            time.forward(100)
            meter.apply(SetCover(True))
            notification = read_data_notification((await listener.next()).apdu)
            assert tuple(notification.date_time[6:8]) == (1, 41)
            time.forward(100)
            await settled(runtime)
            assert listener.wpdus.empty()


async def test_an_alarm_that_the_premises_bring_about_is_pushed_within_a_minute() -> None:
    async with listening() as listener:
        push = {"list": "norwegian-1", "to": listener.address, "every_s": 86400, "alarm": True}
        async with pushing(push) as (runtime, time):
            meter = next(iter(runtime.meters))
            meter.apply(SetSupply((0, 230_000, 230_000)))
            time.forward(61)
            notification = read_data_notification((await listener.next()).apdu)
            assert tuple(notification.date_time[6:8]) == (1, 2)


async def test_a_change_of_a_watched_value_is_pushed() -> None:
    async with listening() as listener:
        push = {
            "list": "norwegian-1", "to": listener.address, "every_s": 86400,
            "watch": ["1.1.129.0.0.255"],
        }  # fmt: skip
        async with pushing(push) as (runtime, _):
            next(iter(runtime.meters)).apply(SetTariff(3))
            assert read_data_notification((await listener.next()).apdu).invoke == 0


async def test_a_meter_without_supply_pushes_nothing() -> None:
    async with listening() as listener, pushing({"list": "norwegian-1", "to": listener.address}) as (runtime, time):
        meter = next(iter(runtime.meters))
        meter.apply(SetSupply((0, 0, 0)))
        time.forward(20)
        await settled(runtime)
        meter.apply(SetSupply())
        time.forward(10)
        assert seconds(read_data_notification((await listener.next()).apdu)) == 31
        assert listener.wpdus.empty()


@pytest.mark.parametrize(
    ("push", "fault"),
    [
        ({"to": "pty"}, "either a list or a setup"),
        ({"list": "swedish", "to": "pty"}, "no list 'swedish'"),
        ({"list": "danish-1"}, "needs a destination"),
        ({"list": "danish-1", "to": "127.0.0.1:1"}, "expected"),
        ({"list": "danish-1", "to": "ftp://127.0.0.1:1"}, "no transport 'ftp'"),
        ({"list": "danish-1", "to": "tcp://127.0.0.1"}, "no tcp://HOST:PORT"),
        ({"list": "danish-1", "to": "tcp://127.0.0.1:99999"}, "Port out of range"),
        ({"list": "danish-1", "to": "mqtt://me:secret@127.0.0.1"}, "not in the address"),
        ({"list": "danish-1", "to": "mqtt://127.0.0.1", "mqtt": {"topic": "a/#"}}, "publish"),
        ({"list": "danish-1", "to": "pty", "security": 0}, "no Security setup 0"),
        ({"list": "danish-1", "to": "pty", "meters": [1]}, "no meter with serial number"),
        ({"setup": "0.0.25.9.0.255"}, "no Push setup"),
        ({"list": "danish-1", "to": "pty", "watch": ["1.1.99.99.99.255"]}, "no object 1.1.99.99.99.255"),
        ({"list": "danish-1", "to": "pty", "watch": ["1.1"]}, "1.1"),
    ],
)
async def test_a_push_that_cannot_be_is_refused_with_what_is_wrong(push: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        async with pushing(push):
            pass


async def test_pushes_keep_up_with_accelerated_time() -> None:
    time = RunningTime(Anchor(wall_clock.time(), float(START), 36_000.0))
    async with listening() as listener:
        push = {"list": "norwegian-2", "to": listener.address}
        async with running([METER], [], time, push=[push]):
            hours = [read_data_notification((await listener.next()).apdu).date_time[5] for _ in range(3)]
    assert hours == [14, 15, 16]


async def test_a_push_is_of_one_instant_however_fast_time_runs() -> None:
    time = RunningTime(Anchor(wall_clock.time(), float(START), 100_000.0))
    async with listening() as listener, running([METER], [], time, push=[{"list": "danish-1", "to": listener.address}]):
        for _ in range(20):
            pushed = read_data_notification((await listener.next()).apdu)
            assert values(pushed)[20] == pushed.date_time


async def test_two_lists_share_a_port() -> None:
    lists = [{"list": name, "to": "pty"} for name in ("norwegian-1", "norwegian-2")]
    async with pushing(*lists) as (runtime, time):
        assert runtime.pushes is not None
        (name,) = runtime.pushes.ports
        terminal = Terminal(name)
        time.forward(3604)
        counts = {len(values(read_data_notification((await terminal.next()).information[3:]))) for _ in range(2)}
        assert counts == {25, 35}
        terminal.close()


def test_a_meter_run_from_a_file_pushes_and_its_file_is_checked(
    tmp_path: Path, run_meter: Callable[..., Process]
) -> None:
    config = tmp_path / "meter.toml"
    config.write_text(
        """
[[meters]]
installation = "constant"

[[endpoints]]
kind = "tcp"
address = "127.0.0.1:0"

[[push]]
list = "norwegian-1"
to = "pty:han"
every_s = 1
"""
    )
    checked = subprocess.run(
        [sys.executable, "-m", "server.cli", "config", "check", str(config)], cwd=ROOT, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    process = run_meter("--config", str(config), "--ephemeral", endpoints=2)
    assert process.lines[1].startswith(f"pushes on pty:{tmp_path / 'han'} -> ")
    with open(tmp_path / "han", "rb", buffering=0) as port:
        receiver, frames = FrameReceiver(FrameCounters()), []
        while not frames:
            frames = receiver.receive_data(port.read(4096), 0.0)
    assert frames[0].kind is Kind.UI
    code, errors = process.stop(signal.SIGTERM)
    assert (code, errors) == (0, "")


def test_no_counter_of_a_ciphered_push_comes_again_after_a_kill(
    tmp_path: Path, run_meter: Callable[..., Process]
) -> None:
    config = tmp_path / "meter.toml"
    config.write_text(
        f"""
state = "{tmp_path / "state.sqlite"}"

[[meters]]
profile = "382M-secure"
installation = "constant"

[[endpoints]]
kind = "tcp"
address = "127.0.0.1:0"

[[push]]
list = "danish-1"
to = "pty:han"
every_s = 1
security = 0
"""
    )
    counters = []
    for _ in range(2):
        process = run_meter("--config", str(config), endpoints=2)
        with open(tmp_path / "han", "rb", buffering=0) as port:
            receiver, frames = FrameReceiver(FrameCounters()), []
            while not frames:
                frames = receiver.receive_data(port.read(4096), 0.0)
        process.stop(signal.SIGKILL)
        counters += [read_general(Reader(frame.information[3:], 1))[1].counter for frame in frames]
    assert counters == sorted(set(counters))


async def test_several_meters_on_a_line_push_from_their_own_addresses() -> None:
    meters = [{**METER, "serial_number": number, "hdlc_address": address} for number, address in ((1, 33), (2, 34))]
    endpoints = [{"kind": "rs485", "device": "pty"}]
    time = SteppedTime(START)
    async with running(meters, endpoints, time, push=[{"list": "norwegian-1", "to": "hdlc"}]) as runtime:
        terminal = Terminal(runtime.endpoints[0].name)
        time.forward(10)
        sources = {ServerAddress.decode((await terminal.next()).source) for _ in meters}
        assert sources == {ServerAddress(16, 33, 4), ServerAddress(16, 34, 4)}
        terminal.close()


@pytest.mark.parametrize("profile", [name for name in available() if not load_profile(name).associations])
async def test_a_meter_without_dlms_has_the_customers_port_all_the_same(profile: str) -> None:
    async with pushing({"list": "danish-1", "to": "pty"}, meter={"profile": profile}) as (runtime, time):
        assert runtime.pushes is not None
        terminal = Terminal(runtime.pushes.ports[0])
        time.forward(10)
        assert values(read_data_notification((await terminal.next()).information[3:]))[0] == "Kamstrup_V0001"
        terminal.close()
