"""The asyncio drivers over real sockets and pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import termios
import tty
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import serial
import structlog

from transports.connection import Connection
from transports.descriptor import DescriptorWire
from transports.echo import EchoStream
from transports.events import ApduReceived, Event, LinkDisconnected
from transports.garbling import heard_at
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.pseudo_terminal import open_pty
from transports.serial_port import open_serial
from transports.speed import SpeedSearch
from transports.stream import Stream
from transports.tcp import serve_tcp
from transports.udp import DatagramStream, serve_udp
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import SESSIONS, Readout, hdlc_line

FAST = Iec62056Settings(reaction_time_s=0.0, ack_to_data_s=0.0, ident_to_data_s=0.0, tt_s=60.0, initial_speed=9600)
"""Tt is long: on a busy machine a test may take its time between identification and option select."""


class Recorder:
    """A handler that echoes APDUs and lets a test wait for events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._waiting: list[tuple[Callable[[Event], bool], asyncio.Future[Event]]] = []

    def __call__(self, connection: Connection, event: Event) -> None:
        self.events.append(event)
        for wanted, future in self._waiting:
            if not future.done() and wanted(event):
                future.set_result(event)
        if isinstance(event, ApduReceived):
            if event.apdu == b"fail":
                raise RuntimeError("as asked")
            event.link.send_apdu(event.apdu, 0.0)

    def next(self, kind: type[Event]) -> asyncio.Future[Event]:  # type: ignore[type-var, unused-ignore]
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting.append((lambda event: isinstance(event, kind), future))
        return future


def wrapper_line() -> WrapperLine:
    line = WrapperLine()
    line.attach("meter", lambda: (1, 16))
    return line


def stream() -> Stream:
    iec = Iec62056Line()
    iec.attach("meter", Readout(settings=FAST))
    return Stream(hdlc_line(), None, iec)


def tcp_stream() -> Stream:
    return Stream(hdlc_line(), wrapper_line(), lossless=True)


async def connect(endpoint_name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = endpoint_name.removeprefix("tcp://").rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until this is so."""
    while not condition():
        await asyncio.sleep(0)


async def test_tcp_carries_the_wrapper_and_reports_the_end_of_the_stream() -> None:
    handler = Recorder()
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, handler)
    reader, writer = await connect(endpoint.name)
    for apdu in (b"first", b"second"):
        writer.write(encode_wpdu(16, 1, apdu))
        assert await reader.readexactly(8 + len(apdu)) == encode_wpdu(1, 16, apdu)
    gone = handler.next(LinkDisconnected)
    writer.close()
    assert (await gone).reason == "stream closed"  # type: ignore[union-attr]
    await endpoint.close()


async def test_tcp_carries_hdlc_on_the_same_port() -> None:
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    reader, writer = await connect(endpoint.name)
    for asked, answer in (SESSIONS[0]["frames"][:2], SESSIONS[0]["frames"][-2:]):
        writer.write(bytes.fromhex(asked["hex"]))
        expected = bytes.fromhex(answer["hex"])
        assert await reader.readexactly(len(expected)) == expected
    writer.close()
    await endpoint.close()


async def test_an_answer_that_comes_later_goes_out_with_flush() -> None:
    asked: list[tuple[Connection, ApduReceived]] = []
    endpoint = await serve_tcp(
        "127.0.0.1", 0, tcp_stream, lambda c, e: asked.append((c, e)) if isinstance(e, ApduReceived) else None
    )
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"slow"))
    await until(lambda: bool(asked))
    connection, event = asked[0]
    assert connection.peer.startswith("tcp://127.0.0.1:")
    event.link.send_apdu(b"done", 1.0)
    connection.flush()
    assert await reader.readexactly(12) == encode_wpdu(1, 16, b"done")
    writer.close()
    await endpoint.close()


async def test_a_wrong_wrapper_version_closes_the_connection() -> None:
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    reader, writer = await connect(endpoint.name)
    writer.write(bytes.fromhex("0002001000010000"))
    assert await reader.read() == b""
    writer.close()
    await endpoint.close()


async def test_a_wrong_version_that_comes_in_two_reads_closes_too() -> None:
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"x"))
    await reader.readexactly(9)
    writer.write(b"\x00")
    writer.write(b"\x02rubbish")
    assert await reader.read() == b""
    writer.close()
    await endpoint.close()


async def test_a_failing_handler_closes_its_own_connection_only() -> None:
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    good_reader, good_writer = await connect(endpoint.name)
    bad_reader, bad_writer = await connect(endpoint.name)
    bad_writer.write(encode_wpdu(16, 1, b"fail"))
    assert await bad_reader.read() == b""
    good_writer.write(encode_wpdu(16, 1, b"good"))
    assert await good_reader.readexactly(12) == encode_wpdu(1, 16, b"good")
    for writer in (good_writer, bad_writer):
        writer.close()
    await endpoint.close()


async def test_after_a_handler_has_closed_nothing_more_arrives_but_the_end() -> None:
    events: list[Event] = []

    def close_at_once(connection: Connection, event: Event) -> None:
        events.append(event)
        connection.close()

    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, close_at_once)
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"first") + encode_wpdu(16, 1, b"second"))
    assert await reader.read() == b""
    assert [type(event) for event in events] == [ApduReceived, LinkDisconnected]
    writer.close()
    await endpoint.close()


async def test_many_requests_in_one_read_are_answered_in_turns_in_order_and_others_meanwhile() -> None:
    """Answered all at once they would be 300 times 60 KB in memory, and everybody else would wait."""
    served: list[tuple[str, int]] = []
    most_buffered = 0

    def answer(connection: Connection, event: Event) -> None:
        nonlocal most_buffered
        if isinstance(event, ApduReceived):
            served.append((connection.peer, len(event.apdu)))
            event.link.send_apdu(event.apdu[:2] + bytes(60_000 if len(event.apdu) == 2 else 0), 0.0)
            transport = connection._wire._transport  # type: ignore[attr-defined]  # there is no other way to see it
            most_buffered = max(most_buffered, transport.get_write_buffer_size())

    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, answer)
    reader, writer = await connect(endpoint.name)
    other_reader, other_writer = await connect(endpoint.name)
    writer.write(b"".join(encode_wpdu(16, 1, number.to_bytes(2, "big")) for number in range(300)))
    await until(lambda: bool(served))
    other_writer.write(encode_wpdu(16, 1, b"other"))
    await other_reader.readexactly(10)
    assert len(served) < 100, "the other connection did not wait for all of them"
    for number in range(300):
        answered = await reader.readexactly(8 + 60_002)
        assert answered[8:10] == number.to_bytes(2, "big")
    assert len(served) == 301
    assert most_buffered < 3 << 20
    for open_writer in (writer, other_writer):
        open_writer.close()
    await endpoint.close()


async def test_while_a_handler_holds_nothing_else_is_served_and_after_it_everything() -> None:
    served: list[bytes] = []
    holding: list[tuple[Connection, ApduReceived]] = []

    def hold(connection: Connection, event: Event) -> None:
        if isinstance(event, ApduReceived):
            served.append(event.apdu)
            if event.apdu == b"write":
                connection.hold()
                holding.append((connection, event))
            else:
                event.link.send_apdu(event.apdu, 0.0)

    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, hold)
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"write") + encode_wpdu(16, 1, b"read") * 100)
    await until(lambda: bool(holding))
    writer.write(encode_wpdu(16, 1, b"last"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert served == [b"write"]
    connection, event = holding[0]
    event.link.send_apdu(b"done", 1.0)
    connection.release()
    expected = encode_wpdu(1, 16, b"done") + encode_wpdu(1, 16, b"read") * 100 + encode_wpdu(1, 16, b"last")
    assert await reader.readexactly(len(expected)) == expected
    writer.close()
    await endpoint.close()


async def test_a_peer_that_has_finished_speaking_still_gets_its_answer() -> None:
    holding: list[tuple[Connection, ApduReceived]] = []
    gone: list[LinkDisconnected] = []

    def hold(connection: Connection, event: Event) -> None:
        if isinstance(event, ApduReceived):
            connection.hold()
            holding.append((connection, event))
        elif isinstance(event, LinkDisconnected):
            gone.append(event)

    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, hold)
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"write") * 2)
    writer.write_eof()
    for turn in range(2):
        await until(partial(lambda turn: len(holding) > turn, turn))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not gone
        connection, event = holding[turn]
        event.link.send_apdu(b"done", 1.0)
        connection.release()
    assert await reader.read() == encode_wpdu(1, 16, b"done") * 2
    assert len(gone) == 1
    writer.close()
    await endpoint.close()


async def test_a_peer_that_never_reads_is_cut_off() -> None:
    handler = Recorder()

    def flood(connection: Connection, event: Event) -> None:
        handler(connection, event)
        if isinstance(event, ApduReceived):
            for _ in range(200):
                event.link.send_apdu(bytes(60_000), 0.0)

    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, flood, patience_s=0.0)
    gone = handler.next(LinkDisconnected)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else some systems take all of it for the peer
    client.connect(("127.0.0.1", int(endpoint.name.rsplit(":", 1)[1])))
    client.send(encode_wpdu(16, 1, b"all of it"))
    await gone
    assert endpoint.connections == []
    client.close()
    await endpoint.close()


async def test_a_peer_that_reads_late_is_served_to_the_end() -> None:
    """20 MB of answers: far more than may wait for a peer."""
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    reader, writer = await connect(endpoint.name)
    request = encode_wpdu(16, 1, bytes(4000))
    writer.write(request * 5000)
    for _ in range(1000):
        await asyncio.sleep(0)
    (connection,) = endpoint.connections
    assert connection.waiting < 100
    assert len(await reader.readexactly(len(request) * 5000)) == len(request) * 5000
    writer.close()
    await endpoint.close()


async def test_closing_the_endpoint_reports_every_link() -> None:
    handler = Recorder()
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, handler)
    reader, writer = await connect(endpoint.name)
    writer.write(encode_wpdu(16, 1, b"x"))
    await reader.readexactly(9)
    await endpoint.close()
    assert isinstance(handler.events[-1], LinkDisconnected)
    writer.close()


@pytest.mark.parametrize("rounds", range(5))
async def test_closing_the_endpoint_ends_a_connection_that_is_being_made(rounds: int) -> None:
    endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, Recorder())
    client = socket.create_connection(("127.0.0.1", int(endpoint.name.rsplit(":", 1)[1])))
    for _ in range(rounds):
        await asyncio.sleep(0)
    await endpoint.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert endpoint.connections == []
    client.close()


async def test_udp_keeps_a_bounded_number_of_peers() -> None:
    handler = Recorder()
    endpoint = await serve_udp("127.0.0.1", 0, lambda: DatagramStream(wrapper_line()), handler, max_peers=2)
    port = int(endpoint.name.rsplit(":", 1)[1])
    loop = asyncio.get_running_loop()
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for client in clients:
        client.setblocking(False)
        client.connect(("127.0.0.1", port))
        client.send(b"\x00\x01 rubbish")
        client.send(encode_wpdu(16, 1, b"hello") + b"beyond its length")
        assert await loop.sock_recv(client, 100) == encode_wpdu(1, 16, b"hello")
        client.close()
    assert len(endpoint.connections) == 2
    assert [event.reason for event in handler.events if isinstance(event, LinkDisconnected)] == ["too many peers"]
    await endpoint.close()
    assert sum(isinstance(event, LinkDisconnected) for event in handler.events) == 3


async def test_of_datagrams_that_come_while_a_handler_holds_sixteen_wait() -> None:
    holding: list[Connection] = []

    def hold(connection: Connection, event: Event) -> None:
        if isinstance(event, ApduReceived):
            if not holding:
                connection.hold()
                holding.append(connection)
            event.link.send_apdu(event.apdu, 0.0)

    endpoint = await serve_udp("127.0.0.1", 0, lambda: DatagramStream(wrapper_line()), hold)
    loop = asyncio.get_running_loop()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setblocking(False)
    client.connect(("127.0.0.1", int(endpoint.name.rsplit(":", 1)[1])))
    for number in range(30):
        client.send(encode_wpdu(16, 1, bytes((number,))))
    await until(lambda: bool(holding) and holding[0].waiting >= 16)
    for _ in range(100):
        await asyncio.sleep(0)
    holding[0].release()
    for number in range(17):
        assert (await loop.sock_recv(client, 100))[8:] == bytes((number,))
    client.send(encode_wpdu(16, 1, b"next"))
    assert (await loop.sock_recv(client, 100))[8:] == b"next"
    client.close()
    await endpoint.close()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
async def test_wpdus_for_nobody_are_logged_once_for_each_connection(kind: str) -> None:
    handler = Recorder()
    wrong, right = encode_wpdu(16, 99, b"x"), encode_wpdu(16, 1, b"x")
    with structlog.testing.capture_logs() as logs:
        if kind == "tcp":
            endpoint = await serve_tcp("127.0.0.1", 0, tcp_stream, handler)
        else:
            endpoint = await serve_udp("127.0.0.1", 0, lambda: DatagramStream(wrapper_line()), handler)
        port = int(endpoint.name.rsplit(":", 1)[1])
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        for asked in (wrong, wrong, right):
            client.send(asked)
        assert await asyncio.get_running_loop().sock_recv(client, 100) == encode_wpdu(1, 16, b"x")
        client.close()
        await endpoint.close()
    found = [(entry["log_level"], entry["wpdu"]) for entry in logs if "wpdu" in entry]
    assert found == [("info", "from 16 to 99: no such logical device, or no client")]


class Terminal:
    """A reader's side of a pty, without blocking the loop."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._loop = asyncio.get_running_loop()

    async def read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            ready = asyncio.Event()
            self._loop.add_reader(self.descriptor, ready.set)
            await ready.wait()
            self._loop.remove_reader(self.descriptor)
            data += os.read(self.descriptor, count - len(data))
        return data

    def write(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def close(self) -> None:
        os.close(self.descriptor)


def speed_of(device: str) -> int:
    terminal = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return int(termios.tcgetattr(terminal)[4])
    finally:
        os.close(terminal)


def nothing_to_read(device: str) -> bool:
    terminal = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return not select.select([terminal], [], [], 0)[0]
    finally:
        os.close(terminal)


async def test_pty_reads_out_in_mode_c_and_speaks_hdlc_after_it(tmp_path: Path) -> None:
    link = tmp_path / "optical"
    endpoint = await open_pty(link, stream, Recorder())
    assert endpoint.name == f"pty:{link} -> {os.readlink(link)}"
    terminal = Terminal(link)
    terminal.write(b"/?12345678!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.write(b"\x06050\r\n")
    block = b"0.0.1(12345678)\r\n1.8.0(0000010*kWh)\r\n!\r\n\x03"
    data = await terminal.read_exactly(len(block) + 2)
    assert data[:-1] == b"\x02" + block
    terminal.write(bytes.fromhex(SESSIONS[0]["frames"][0]["hex"]))
    expected = bytes.fromhex(SESSIONS[0]["frames"][1]["hex"])
    assert await terminal.read_exactly(len(expected)) == expected
    terminal.close()
    await endpoint.close()
    assert not link.is_symlink()


async def test_pty_can_be_opened_with_7e1_again_and_again(tmp_path: Path) -> None:
    endpoint = await open_pty(tmp_path / "optical", stream, Recorder())
    device = os.path.realpath(tmp_path / "optical")
    for _ in range(3):
        reader = serial.Serial(device, 300, bytesize=7, parity="E")
        reader.close()
        await until(lambda: speed_of(device) == termios.B50)  # the loop has seen the close
    await endpoint.close()


async def test_who_opens_a_pty_hears_nothing_of_what_was_sent_before() -> None:
    """Neither what nobody listened to nor what the last reader left; but the answer to whoever asks at once."""
    endpoint = await open_pty(None, stream, Recorder())
    device = endpoint.name.removeprefix("pty:")
    (connection,) = endpoint.connections
    connection._wire.write(b"to nobody")
    for _ in range(3):
        terminal = Terminal(device)
        terminal.write(b"/?!\r\n")
        assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
        connection._wire.write(b"left unread")
        terminal.close()
        connection._wire.write(b"to nobody")
        await until(lambda: speed_of(device) == termios.B50 and nothing_to_read(device))
    await endpoint.close()


async def test_what_a_pty_has_not_taken_is_lost_with_its_reader() -> None:
    endpoint = await open_pty(None, stream, Recorder())
    device = endpoint.name.removeprefix("pty:")
    wire = endpoint.connections[0]._wire
    assert isinstance(wire, DescriptorWire)
    terminal = Terminal(device)
    wire.write(bytes(60_000))
    assert wire.backlog
    terminal.close()
    await until(lambda: not wire.backlog and nothing_to_read(device))
    wire.write(bytes(60_000))
    assert not wire.backlog
    terminal = Terminal(device)
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.close()
    await endpoint.close()


async def test_a_pty_without_reader_costs_nothing() -> None:
    """A hang-up is there again and again for whoever asks; the loop must not."""
    endpoint = await open_pty(None, stream, Recorder())
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    terminal.write(b"/?")
    terminal.close()
    for _ in range(20):
        await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    timer = loop.create_future()
    loop.call_later(0.05, timer.set_result, None)
    before = os.times().user + os.times().system
    await timer
    assert os.times().user + os.times().system - before < 0.04
    await endpoint.close()


async def test_what_comes_while_a_pty_does_not_read_is_read_later() -> None:
    endpoint = await open_pty(None, stream, Recorder())
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    wire = endpoint.connections[0]._wire
    wire.pause_reading()
    terminal.write(b"/?!\r\n")
    wire.resume_reading()
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.close()
    await endpoint.close()


async def test_pty_of_a_meter_in_mode_d_sends_though_nobody_has_ever_asked(tmp_path: Path) -> None:
    def pushing() -> Stream:
        iec = Iec62056Line()
        iec.attach("meter", Readout(settings=Iec62056Settings("ACD", reaction_time_s=0.0, d0_interval_s=0.01)))
        return Stream(None, None, iec)

    endpoint = await open_pty(tmp_path / "optical", pushing, Recorder())
    terminal = Terminal(tmp_path / "optical")
    assert await terminal.read_exactly(23) == b"/KAM3 68535CC453010\r\n\r\n"
    terminal.close()
    await endpoint.close()


async def test_pty_gives_the_echo_of_an_optical_head(tmp_path: Path) -> None:
    endpoint = await open_pty(tmp_path / "optical", lambda: EchoStream(stream()), Recorder())
    terminal = Terminal(tmp_path / "optical")
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(5 + 21) == b"/?!\r\n/KAM5 68535CC453010\r\n"
    terminal.close()
    await endpoint.close()


@pytest.mark.parametrize(("set_speed", "heard"), [(termios.B9600, 9600), (termios.B300, 300), (None, 1200)])
async def test_pty_answers_at_the_speed_the_reader_has_set(set_speed: int | None, heard: int) -> None:
    found: list[Stream] = []

    def slow() -> Stream:
        iec = Iec62056Line()
        iec.attach("meter", Readout(settings=Iec62056Settings(reaction_time_s=0.0, initial_speed=1200)))
        found.append(Stream(hdlc_line(), None, iec))
        return found[0]

    endpoint = await open_pty(None, slow, Recorder())
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    if set_speed is not None:
        attributes = termios.tcgetattr(terminal.descriptor)
        attributes[4] = attributes[5] = set_speed
        termios.tcsetattr(terminal.descriptor, termios.TCSANOW, attributes)
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    assert found[0].speed == heard
    terminal.close()
    await endpoint.close()


def set_speed(terminal: Terminal, speed: int) -> None:
    attributes = termios.tcgetattr(terminal.descriptor)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(terminal.descriptor, termios.TCSANOW, attributes)


def searching() -> Stream:
    iec = Iec62056Line()
    iec.attach("meter", Readout(settings=FAST))
    return Stream(hdlc_line(), None, iec, search=SpeedSearch())


async def test_on_a_strict_pty_only_a_reader_with_the_speed_of_the_port_is_heard() -> None:
    endpoint = await open_pty(None, searching, Recorder(), strict_speed=True)
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    (connection,) = endpoint.connections
    set_speed(terminal, termios.B300)
    terminal.write(b"/?!\r\n")
    await until(lambda: connection.stream.speed == 300)  # what it heard was noise, so it listens at the next speed
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.write(b"\x06050\r\n")
    await until(lambda: connection.stream.speed == 9600)
    terminal.close()
    await endpoint.close()


async def test_on_a_strict_pty_a_reader_at_another_speed_hears_the_answer_garbled() -> None:
    def change(connection: Connection, event: Event) -> None:
        set_speed(terminal, termios.B2400)  # before the answer goes out

    endpoint = await open_pty(None, stream, change, strict_speed=True)
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    set_speed(terminal, termios.B9600)
    asked, answer = (bytes.fromhex(frame["hex"]) for frame in SESSIONS[0]["frames"][:2])
    terminal.write(asked)
    garbled = heard_at(answer, 9600, 2400)
    assert 0 < len(garbled) < len(answer)
    assert await terminal.read_exactly(len(garbled)) == garbled
    terminal.close()
    await endpoint.close()


async def test_on_a_strict_pty_the_speed_stays_when_a_reader_opens_the_port_anew_to_change_it() -> None:
    endpoint = await open_pty(None, stream, Recorder(), strict_speed=True)
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    anew = Terminal(endpoint.name.removeprefix("pty:"))
    set_speed(anew, termios.B9600)
    terminal.close()
    anew.write(b"/?!\r\n")
    assert await anew.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    anew.close()
    await endpoint.close()


async def test_on_a_strict_pty_the_next_reader_has_another_speed_at_once() -> None:
    """Nothing keeps the speed for one that has gone: the first request moves the port, the second is answered."""
    asked, answer = (bytes.fromhex(frame["hex"]) for frame in SESSIONS[0]["frames"][:2])
    endpoint = await open_pty(
        None, lambda: Stream(hdlc_line(), search=SpeedSearch((9600, 300))), Recorder(), strict_speed=True
    )
    device = endpoint.name.removeprefix("pty:")
    (connection,) = endpoint.connections
    for speed in (300, 9600, 300):
        terminal = Terminal(device)
        set_speed(terminal, getattr(termios, f"B{speed}"))
        if connection.stream.speed != speed:
            terminal.write(asked)
            await until(lambda speed=speed: connection.stream.speed == speed)  # type: ignore[misc]
        terminal.write(asked)
        assert await terminal.read_exactly(len(answer)) == answer
        terminal.close()
        await until(lambda: speed_of(device) == termios.B50)
    await endpoint.close()


async def test_on_a_strict_pty_a_reader_that_sets_no_speed_has_that_of_the_one_before() -> None:
    endpoint = await open_pty(None, stream, Recorder(), strict_speed=True)
    device = endpoint.name.removeprefix("pty:")
    before = Terminal(device)
    set_speed(before, termios.B9600)
    before.close()
    await until(lambda: speed_of(device) == termios.B50)
    terminal = Terminal(device)
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.close()
    await endpoint.close()


async def test_on_a_strict_pty_a_reader_without_a_speed_gets_nothing() -> None:
    endpoint = await open_pty(None, stream, Recorder(), strict_speed=True)
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    terminal.write(b"/?!\r\n")
    found = endpoint.connections[0].stream
    assert isinstance(found, Stream)
    await until(lambda: found.noise_octets > 0)
    with pytest.raises(BlockingIOError):
        os.read(terminal.descriptor, 100)
    terminal.close()
    await endpoint.close()


async def test_pty_leaves_a_file_in_the_way_alone(tmp_path: Path) -> None:
    (tmp_path / "optical").write_text("mine")
    with pytest.raises(FileExistsError, match="no symbolic link"):
        await open_pty(tmp_path / "optical", stream, Recorder())
    assert (tmp_path / "optical").read_text() == "mine"


async def test_a_line_outlives_a_failing_handler(tmp_path: Path) -> None:
    def fail(connection: Connection, event: Event) -> None:
        raise RuntimeError("always")

    endpoint = await open_pty(None, stream, fail)
    terminal = Terminal(endpoint.name.removeprefix("pty:"))
    terminal.write(bytes.fromhex(SESSIONS[0]["frames"][0]["hex"]))
    first = endpoint.connections[0]
    await until(lambda: endpoint.connections[0] is not first)
    terminal.write(b"/?!\r\n")
    assert await terminal.read_exactly(21) == b"/KAM5 68535CC453010\r\n"
    terminal.close()
    await endpoint.close()


async def test_serial_device_changes_its_speed_for_the_dialogue_and_sends_parity() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    device = os.ttyname(slave)

    def at_the_head() -> Stream:
        iec = Iec62056Line()
        settings = Iec62056Settings(
            reaction_time_s=0.0, ack_to_data_s=0.0, tt_s=60.0, initial_speed=9600, max_baud="5", parity="even"
        )
        iec.attach("meter", Readout(settings=settings))
        return Stream(hdlc_line(), None, iec)

    endpoint = await open_serial(device, at_the_head, Recorder(), speed=300)
    os.set_blocking(master, False)
    terminal = Terminal.__new__(Terminal)
    terminal.descriptor = master
    terminal._loop = asyncio.get_running_loop()
    assert termios.tcgetattr(slave)[4] == termios.B9600
    terminal.write(b"\xaf\x3f\x21\x8d\x0a")
    identification = await terminal.read_exactly(21)
    assert bytes(octet & 0x7F for octet in identification) == b"/KAM5 68535CC453010\r\n"
    assert all(octet.bit_count() % 2 == 0 for octet in identification)
    terminal.write(b"\x06\x30\xb4\x30\x8d\x0a")
    await until(lambda: termios.tcgetattr(slave)[4] == termios.B4800)
    assert (await terminal.read_exactly(1)) == b"\x82"
    await endpoint.close()
    os.close(slave)
    os.close(master)
