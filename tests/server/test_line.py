"""Many meters and many protocols on one wire: RS-485 by HDLC address, all three protocols on one pty or TCP port."""

from __future__ import annotations

import asyncio
import re
import termios
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from iec62056_21.client import Iec6205621Client

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from server.runtime import Runtime
from server.time_source import SteppedTime
from transports.hdlc.parameters import HdlcParameters
from transports.hdlc.primary import HdlcPrimary
from transports.kmp import FROM_METER, TO_METER, encode_frame
from transports.wrapper import encode_wpdu

from .clients import PATIENCE_S, HdlcClient, Port, SerialPort, TcpPort, UdpPort, WrapperClient
from .running import LOOPBACK, device, running

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
THREE: list[dict[str, Any]] = [
    {"serial_number": 1001, "hdlc_address": 17},
    {"serial_number": 1002, "hdlc_address": 0x1234, "profile": "382L"},
    {"serial_number": 1003},
]
"""At the lower addresses 17, 0x1234 and, as delivered, 32. Only four octets hold the second."""
RS485: list[dict[str, Any]] = [{"kind": "rs485", "device": "pty"}]
TCP: list[dict[str, Any]] = [{"kind": "tcp", "address": LOOPBACK}]
LINES = pytest.mark.parametrize(
    "endpoint", [*TCP, {"kind": "ip101i", "address": LOOPBACK}, *RS485], ids=["TCP", "IP101i", "pty"]
)


def serial_of(runtime: Runtime) -> SerialPort:
    return SerialPort(device(runtime.endpoints[0].name))


def sign_on(port: Port, address: str = "") -> str:
    """A mode A readout through a port; gives everything that came up to the check character."""
    port.write(f"/?{address}!\r\n".encode())
    received = b""
    deadline = time.monotonic() + PATIENCE_S
    while received[-2:-1] != b"\x03":
        assert time.monotonic() < deadline, received
        received += port.read(1.0)
    return received.decode()


# --- one line, many meters ------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "reachable"), [(2, {17: 1001, 32: 1003}), (4, {17: 1001, 0x1234: 1002, 32: 1003})])
async def test_each_meter_of_a_line_is_reached_by_its_lower_address(size: int, reachable: dict[int, int]) -> None:
    def work(port: SerialPort) -> None:
        for _ in range(2):
            for lower, serial in reachable.items():
                client = HdlcClient(port, lower=lower, address_size=size)
                assert client.get(1, "1.1.96.1.0.255") == serial
                client.disconnect()

    async with running(THREE, RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


async def test_clients_of_three_meters_take_turns_on_one_line() -> None:
    """Connections of all stay open; long answers of one come between requests to the others."""

    def work(port: SerialPort) -> None:
        clients = {
            serial: HdlcClient(port, lower=lower, address_size=4)
            for serial, lower in ((1001, 17), (1002, 0x1234), (1003, 32))
        }
        for turn in range(5):
            for serial, client in clients.items():
                client.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, serial * 10 + turn)
        for serial, client in clients.items():
            assert client.get(1, "1.1.0.0.2.255") == serial * 10 + 4
            assert client.get(1, "1.1.96.1.0.255") == serial
        lists = {serial: len(client.get(15, "0.0.40.0.0.255")) for serial, client in clients.items()}
        assert set(lists.values()) == {180}
        columns = {serial: len(client.get(7, "1.1.99.1.0.255")[0]) for serial, client in clients.items()}
        assert columns == {1001: 8, 1002: 5, 1003: 8}

    meters = [{**meter, "commissioned": "2026-03-02"} for meter in THREE]
    async with running(meters, RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


async def test_several_clients_of_one_meter_have_connections_of_their_own() -> None:
    def work(port: SerialPort) -> None:
        saps = ((16, 1), (18, 16), (19, 16))
        clients = [
            HdlcClient(port, client, server, None if server == 1 else b"12345", lower=17, address_size=2)
            for client, server in saps
        ]
        for _ in range(3):
            assert [client.get(15, "0.0.40.0.0.255", 3) for client in clients] == list(saps)

    async with running(THREE, RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


@pytest.mark.parametrize(("lower", "size"), [(None, 1), (18, 2), (18, 4)])
async def test_an_address_of_nobody_gets_silence(lower: int | None, size: int) -> None:
    """One octet names no meter while there are several."""

    def work(port: SerialPort) -> None:
        primary = HdlcPrimary(18, 16, lower, size)
        primary.connect(0.0)
        port.write(primary.data_to_send())
        assert port.read(0.3) == b""
        assert HdlcClient(port, lower=17, address_size=2).get(1, "1.1.96.1.0.255") == 1001

    async with running(THREE, RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


async def test_an_endpoint_serves_only_the_meters_it_was_given() -> None:
    endpoints = [{**TCP[0], "meters": [1002]}, {**TCP[0], "meters": [1001]}]
    async with running(THREE, endpoints, SteppedTime(AT)) as runtime:
        for endpoint, serial in zip(runtime.endpoints, (1002, 1001), strict=True):
            port = await asyncio.to_thread(TcpPort, endpoint.name)
            client = await asyncio.to_thread(WrapperClient, port)
            assert await asyncio.to_thread(client.get, 1, "1.1.96.1.0.255") == serial


# --- one wire, all protocols ----------------------------------------------------------------------------


async def test_hdlc_mode_a_and_hdlc_again_on_one_pty() -> None:
    def work(port: SerialPort) -> None:
        for _ in range(2):
            client = HdlcClient(port)
            assert client.get(1, "1.1.96.1.0.255") == 12345678
            client.disconnect()
            assert re.match(r"/KAM 68438BL122\r\n\x020\.0\.0\(12345678\)\r\n", sign_on(port))

    meter = [{"profile": "382L"}]
    async with running(meter, [{"kind": "optical", "device": "pty"}], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


async def test_the_port_is_found_again_after_a_reader_closed_it() -> None:
    def work(name: str) -> None:
        for _ in range(5):
            port = SerialPort(name)
            assert HdlcClient(port).get(1, "1.1.96.1.0.255") == 12345678
            port.close()

    async with running([{}], RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, device(runtime.endpoints[0].name))


async def test_one_tcp_port_speaks_wrapper_hdlc_and_iec_62056_21() -> None:
    def work(name: str) -> None:
        wrapper, hdlc, ascii_port = TcpPort(name), TcpPort(name), TcpPort(name)
        clients = [WrapperClient(wrapper), HdlcClient(hdlc)]
        for _ in range(3):
            for client in clients:
                assert client.get(1, "1.1.96.1.0.255") == 12345678
        assert "0.0.0(12345678)" in sign_on(ascii_port, "12345678")

    async with running([{"profile": "382L"}], TCP, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


async def test_one_tcp_connection_changes_its_protocol() -> None:
    def work(name: str) -> None:
        port = TcpPort(name)
        client = HdlcClient(port)
        assert client.get(1, "1.1.96.1.0.255") == 12345678
        client.disconnect()
        assert WrapperClient(port).get(1, "1.1.96.1.0.255") == 12345678
        assert HdlcClient(port).get(1, "1.1.96.1.0.255") == 12345678

    async with running([{}], TCP, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


async def test_a_device_has_no_wrapper_and_its_first_octets_are_noise() -> None:
    def work(port: SerialPort) -> None:
        for noise in (b"\x00\x01", bytes.fromhex("00010010000107FF"), encode_wpdu(16, 1, bytes.fromhex("6000"))):
            port.write(noise)
            assert port.read(0.05) == b""
            client = HdlcClient(port)
            assert client.get(1, "1.1.96.1.0.255") == 12345678
            client.disconnect()

    async with running([{}], RS485, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))


async def test_a_line_of_several_meters_has_no_wrapper() -> None:
    """The wrapper's ports are logical devices; nothing in it says which meter is meant."""

    def work(name: str) -> None:
        port = TcpPort(name)
        port.write(encode_wpdu(16, 1, bytes.fromhex("6000")))
        with pytest.raises(ConnectionError, match="closed by the meter"):
            port.read(10.0)
        port = TcpPort(name)
        assert HdlcClient(port, lower=32, address_size=2).get(1, "1.1.96.1.0.255") == 1003

    async with running(THREE, TCP, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


# --- what lines are like --------------------------------------------------------------------------------


def heard(port: Port, count: int) -> bytes:
    """This many octets of a port."""
    received = b""
    deadline = time.monotonic() + PATIENCE_S
    while len(received) < count:
        assert time.monotonic() < deadline, received
        received += port.read(1.0)
    return received


@pytest.mark.parametrize("channel", ["A", "B"])
async def test_an_ip101i_drops_noise_and_the_connection_stays(channel: str) -> None:
    def work(name: str) -> None:
        port = TcpPort(name)
        for noise in (b"\xff\x00\xfe", b"GET / HTTP/1.1\r\n\r\n", encode_wpdu(16, 1, bytes.fromhex("6000"))):
            port.write(noise)
            assert port.read(0.05) == b""
            client = HdlcClient(port)
            assert client.get(1, "1.1.96.1.0.255") == 12345678
            client.disconnect()
        assert "0.0.0(12345678)" in sign_on(port)

    module = [{"kind": "ip101i", "address": LOOPBACK, "channel": channel}]
    async with running([{"profile": "382L"}], module, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


GET_SERIAL_NUMBER = encode_frame(TO_METER, 0x3F, b"\x02")
SERIAL_NUMBER_ANSWER = encode_frame(FROM_METER, 0x3F, b"\x02" + (12345678).to_bytes(4, "big"))


@pytest.mark.parametrize("channel", ["A", "B"])
async def test_an_ip101i_speaks_kmp_and_hdlc_on_one_connection(channel: str) -> None:
    def work(name: str) -> None:
        port = TcpPort(name)
        for _ in range(2):
            port.write(GET_SERIAL_NUMBER)
            assert heard(port, len(SERIAL_NUMBER_ANSWER)) == SERIAL_NUMBER_ANSWER
            client = HdlcClient(port)
            assert client.get(1, "1.1.96.1.0.255") == 12345678
            client.disconnect()

    module = [{"kind": "ip101i", "address": LOOPBACK, "channel": channel}]
    async with running([{}], module, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


@LINES
@pytest.mark.parametrize("paced", [False, True], ids=["at once", "paced"])
async def test_an_optical_head_hears_itself_on_every_kind_of_endpoint(endpoint: dict[str, Any], paced: bool) -> None:
    def work(name: str) -> None:
        port: Port = TcpPort(name) if name.startswith("tcp") else SerialPort(device(name))
        port.write(b"/?!\r\n")
        assert heard(port, 5 + 16).startswith(b"/?!\r\n/KAM 68438BL122")

    said = [{**endpoint, "echo": True, "pace": paced, **({"baud": 9600} if paced else {})}]
    async with running([{"profile": "382L"}], said, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


@LINES
async def test_at_pace_an_answer_takes_the_time_of_its_characters(endpoint: dict[str, Any]) -> None:
    def work(name: str) -> tuple[int, float]:
        port: Port = TcpPort(name) if name.startswith("tcp") else SerialPort(device(name))
        port.write(b"/?!\r\n")
        received, began = heard(port, 1), time.monotonic()
        while received[-2:-1] != b"\x03":
            received += port.read(5.0)
        return len(received) - 1, time.monotonic() - began

    said = [{**endpoint, "pace": True, "baud": 9600}]
    async with running([{"profile": "382L"}], said, SteppedTime(AT)) as runtime:
        characters, took_s = await asyncio.to_thread(work, runtime.endpoints[0].name)
        assert took_s > (characters - 10) * 10 / 9600, "ten characters are the most that may come together"


async def test_at_pace_hdlc_and_the_wrapper_are_answered_as_ever() -> None:
    def work(name: str) -> None:
        port = TcpPort(name)
        client = HdlcClient(port)
        assert client.get(1, "1.1.96.1.0.255") == 12345678
        client.disconnect()
        assert WrapperClient(port).get(1, "1.1.96.1.0.255") == 12345678

    async with running([{}], [{**TCP[0], "pace": True, "baud": 19200}], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


@pytest.mark.parametrize(
    ("parity", "asked", "answered"),
    [("even", True, True), ("none", False, False), (None, True, True), (None, False, False)],
    ids=["even", "none", "as asked: even", "as asked: none"],
)
async def test_over_tcp_parity_is_a_matter_of_software(parity: str | None, asked: bool, answered: bool) -> None:
    def even(text: bytes) -> bytes:
        return bytes(octet | (octet.bit_count() % 2) << 7 for octet in text)

    def work(name: str) -> None:
        port = TcpPort(name)
        port.write(even(b"/?!\r\n") if asked else b"/?!\r\n")
        identification = heard(port, 16)[:16]
        expected = b"/KAM 68438BL122\r"
        assert identification == (even(expected) if answered else expected)

    endpoint = TCP[0] if parity is None else {**TCP[0], "parity": parity}
    async with running([{"profile": "382L"}], [endpoint], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


def set_speed(port: SerialPort, speed: int) -> None:
    attributes = termios.tcgetattr(port.descriptor)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(port.descriptor, termios.TCSANOW, attributes)


@pytest.mark.parametrize(
    ("speed", "asked", "begins", "requests"),
    [
        (termios.B9600, GET_SERIAL_NUMBER, SERIAL_NUMBER_ANSWER, 1),
        (termios.B300, b"/?!\r\n", b"/KAM 68438BL122\r\n", 2),
        (termios.B1200, GET_SERIAL_NUMBER, SERIAL_NUMBER_ANSWER, 3),
    ],
    ids=["9600", "300", "1200"],
)
async def test_on_a_strict_pty_a_client_asks_until_its_speed_is_found(
    speed: int, asked: bytes, begins: bytes, requests: int
) -> None:
    """As on a serial device: the line rests at 9600, noise leads to 300 and then to 1200."""

    def work(name: str) -> None:
        port = SerialPort(name)
        set_speed(port, speed)
        for number in range(requests):
            port.write(asked)
            received = port.read(0.6)
            assert bool(received) == (number == requests - 1), received
        assert begins.startswith(received)

    line = [{"kind": "optical", "device": "pty", "strict_speed": True}]
    async with running([{"profile": "382L"}], line, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, device(runtime.endpoints[0].name))


@pytest.mark.parametrize("strict", [False, True], ids=["whoever", "strict"])
async def test_a_real_head_reads_in_mode_c_at_the_pace_of_the_line(strict: bool) -> None:
    """At 300 baud it signs on, closes the port half a second after its acknowledgement, and reads on at 9600."""

    def work(name: str) -> tuple[int, float]:
        head = Iec6205621Client.with_serial_transport(port=name)
        head.connect()
        began = time.monotonic()
        read = head.standard_readout().data
        took_s = time.monotonic() - began
        head.disconnect()
        return len(read), took_s

    line = [{"kind": "optical", "device": "pty", "baud": 300, "pace": True, "strict_speed": strict}]
    async with running([{}], line, SteppedTime(AT)) as runtime:
        data_sets, took_s = await asyncio.to_thread(work, device(runtime.endpoints[0].name))
    assert data_sets == 33
    assert took_s > (5 + 18 + 6) / 30 + 601 / 960 + 0.2 + 0.6, "characters, reaction time, time for the new speed"


# --- UDP ------------------------------------------------------------------------------------------------


async def test_udp_carries_the_wrapper_for_many_clients() -> None:
    def work(name: str) -> None:
        clients = [WrapperClient(UdpPort(name), *sap) for sap in ((16, 1, None), (18, 16), (18, 16), (20, 16))]
        for number, client in enumerate(clients[1:], start=1):
            client.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, number)
            assert [each.get(1, "1.1.0.0.2.255") for each in clients] == [number] * 4

    async with running([{}], [{"kind": "udp", "address": LOOPBACK}], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


async def test_a_bad_datagram_is_dropped_and_its_sender_may_go_on() -> None:
    def work(name: str) -> None:
        port = UdpPort(name)
        client = WrapperClient(port)
        good: bytes = encode_wpdu(18, 16, bytes.fromhex("c001c10001010060010000ff0200"))
        for bad in (b"", b"\x00", b"\x00\x02" + good[2:], good[:-1], bytes(2000)):
            port.write(bad)
        assert port.read(0.2) == b""
        assert client.get(1, "1.1.96.1.0.255") == 12345678

    async with running([{}], [{"kind": "udp", "address": LOOPBACK}], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


# --- a bad line -----------------------------------------------------------------------------------------


async def test_over_a_bad_line_hdlc_brings_everything_once(tmp_path: Path) -> None:
    """Octets are lost, changed, doubled and made up; nothing is written twice or read wrong.

    Both sides give up half a frame sooner than the client repeats itself, else repetitions would feed a frame
    with a wrong length.
    """
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\ninherits = "382M"\n[hdlc]\ninter_octet_timeout_ms = 30\n')
    parameters = HdlcParameters(max_info_transmit=128, max_info_receive=512, inter_octet_timeout_s=0.03)

    def work(port: SerialPort) -> None:
        client = HdlcClient(port, parameters=parameters, response_timeout_s=0.15, retries=20)
        for number in range(1, 41):
            client.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, number)
            assert client.get(1, "1.1.0.0.2.255") == number
        assert len(client.get(15, "0.0.40.0.0.255")) == 180

    faults = {"seed": 7, "drop": 2e-4, "flip": 2e-4, "duplicate": 2e-4, "noise": 2e-4, "split": 0.3}
    async with running([{"profile": str(own)}], [{**RS485[0], "faults": faults}], SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, serial_of(runtime))
        assert runtime.meter(12345678).sequence == 2 * 40, "each write, and its row in a logger"


# --- what HDLC setup says is what links do --------------------------------------------------------------


async def test_a_link_is_negotiated_from_what_the_setup_object_says() -> None:
    def limits(name: str) -> Any:
        port = TcpPort(name)
        primary = HdlcPrimary(
            16, 1, parameters=HdlcParameters(
                window_transmit=7, window_receive=7, max_info_transmit=2030, max_info_receive=2030
            ),
        )  # fmt: skip
        primary.connect(0.0)
        port.write(primary.data_to_send())
        (event,) = primary.receive_data(port.read(5.0), 0.0)
        return event.limits  # type: ignore[union-attr]

    async with running([{}], TCP, SteppedTime(AT)) as runtime:
        name = runtime.endpoints[0].name
        found = await asyncio.to_thread(limits, name)
        # 382M DLMS description 2.6: it sends up to 512 octets and takes 128, window 1.
        assert (found.info_receive, found.info_transmit) == (512, 128)
        assert (found.window_receive, found.window_transmit) == (1, 1)
