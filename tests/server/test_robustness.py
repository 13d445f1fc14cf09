"""A running meter under bad input: it does not crash, hang or grow, and can be read afterwards.

Everything is seeded, and bounded by counts, not by time.
"""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cosem.client import Client
from cosem.data_types import DOUBLE_LONG_UNSIGNED
from cosem.xdlms import Descriptor
from obis import Obis
from transports.crc import check_octets
from transports.hdlc.address import ServerAddress, encode_client
from transports.wrapper import encode_wpdu

from .clients import HdlcClient, SerialPort, TcpPort, UdpPort, WrapperClient
from .conftest import Process
from .running import LOOPBACK, device, names

GROWTH_KIB = 24 * 1024
"""What the memory may grow by under each of these: buffers of a few hundred connections, no more."""
NEWEST_ROWS = bytes.fromhex("0204 0600000000 0600000009 120001 120000")
SERIAL_NUMBER = Descriptor(1, Obis.parse("1.1.96.1.0.255"), 2)


class Bench(NamedTuple):
    """A running meter with every kind of endpoint."""

    process: Process
    tcp: str
    udp: str
    optical: str
    rs485: str

    @property
    def memory_kib(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def is_well(self) -> None:
        """It can be read over everything it has."""
        assert self.process.process.poll() is None
        assert WrapperClient(TcpPort(self.tcp)).get(1, "1.1.96.1.0.255") == 12345678
        assert HdlcClient(TcpPort(self.tcp)).get(1, "1.1.96.1.0.255") == 12345678
        assert WrapperClient(UdpPort(self.udp)).get(1, "1.1.96.1.0.255") == 12345678
        for line in (self.optical, self.rs485):
            client = HdlcClient(SerialPort(line))
            assert client.get(1, "1.1.96.1.0.255") == 12345678
            client.disconnect()


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One meter bears all of it."""
    state = tmp_path_factory.mktemp("state") / "state.sqlite"
    process = Process(
        "382L", "--json", "--installation", "constant", "--state", str(state),
        "--tcp", LOOPBACK, "--udp", LOOPBACK, "--optical", "pty", "--rs485", "pty", endpoints=4,
    )  # fmt: skip
    try:
        tcp, udp, optical, rs485 = names(process)
        yield Bench(process, tcp, udp, device(optical), device(rs485))
        code, errors = process.stop(signal.SIGTERM)
    finally:
        process.process.kill()
    assert code == 0
    assert "Traceback" not in errors
    assert "a request failed" not in errors


@pytest.fixture
def bench(meter: Bench) -> Iterator[Bench]:
    meter.is_well()
    before = meter.memory_kib
    yield meter
    meter.is_well()
    assert meter.memory_kib - before < GROWTH_KIB


# --- what to throw at it --------------------------------------------------------------------------------


def hdlc_frame(body: bytes, control: int = 0x10) -> bytes:
    """A frame with right check sequences around any octets."""
    address = ServerAddress(16, None, 1).encode() + encode_client(18)
    length = 2 + len(address) + 1 + 2 + (len(body) + 2 if body else 0)
    head = bytes((0xA0 | length >> 8 & 7, length & 0xFF)) + address + bytes((control,))
    head += check_octets(head)
    inner = head + body
    return b"\x7e" + (inner + check_octets(inner) if body else inner) + b"\x7e"


def octets(chance: random.Random, most: int) -> bytes:
    return chance.randbytes(chance.randrange(1, most))


def shapes(chance: random.Random) -> bytes:
    """A portion: noise, or something that begins like a protocol, or is one with nonsense inside."""
    nonsense = octets(chance, 120)
    return chance.choice(
        [
            octets(chance, 300),
            b"\x7e" + nonsense,
            b"\x7e\xa0\x20\x21\x25\x93" + nonsense + b"\x7e",
            hdlc_frame(b"\xe6\xe6\x00" + nonsense, chance.randrange(256)),
            hdlc_frame(b"", chance.randrange(256)),
            b"/?" + bytes(octet & 0x7F for octet in nonsense),
            b"/?!\r\n\x06050\r\n",
            b"\x00\x01" + nonsense,
            encode_wpdu(chance.randrange(200), chance.choice([1, 16]), nonsense),
            b"\x00\x01\x00\x12\x00\x10\xff\xff",
        ]
    )


def apdus(chance: random.Random) -> Iterator[bytes]:
    """An association, then requests with octets changed, cut off or added."""
    yield next(Client(b"12345").associate())
    value = DOUBLE_LONG_UNSIGNED.encode(1)
    good = [
        next(Client().get(SERIAL_NUMBER)),
        next(Client().get(Descriptor(7, Obis.parse("1.1.99.1.0.255"), 2), 2, NEWEST_ROWS)),
        next(Client().get(Descriptor(15, Obis.parse("0.0.40.0.0.255"), 2))),
        next(Client().set(Descriptor(1, Obis.parse("1.1.0.0.3.255"), 2), value)),
        next(Client().get_list([SERIAL_NUMBER, SERIAL_NUMBER])),
        bytes.fromhex("c002c100000001"),
        bytes.fromhex("c301c1000801010000ff0100"),
    ]  # fmt: skip
    for _ in range(400):
        apdu = bytearray(chance.choice(good))
        for _ in range(chance.randrange(4)):
            apdu[chance.randrange(1, len(apdu))] = chance.randrange(256)
        if chance.random() < 0.2:
            del apdu[chance.randrange(1, len(apdu)) :]
        if chance.random() < 0.1:
            apdu += chance.randbytes(20)
        yield bytes(apdu)


# --- and what comes of it -------------------------------------------------------------------------------


def test_random_octets_over_tcp(bench: Bench) -> None:
    chance = random.Random(1)
    for _ in range(60):
        port = TcpPort(bench.tcp)
        with contextlib.suppress(OSError):
            for _ in range(chance.randrange(1, 30)):
                port.write(shapes(chance))
                port.read(0)
        port.close()


def test_random_datagrams(bench: Bench) -> None:
    chance = random.Random(2)
    for _ in range(20):
        port = UdpPort(bench.udp)
        for _ in range(100):
            port.write(shapes(chance))
            port.read(0)
        port.close()


@pytest.mark.parametrize("line", ["optical", "rs485"])
def test_random_octets_on_a_serial_line(bench: Bench, line: str) -> None:
    chance = random.Random(3)
    port = SerialPort(getattr(bench, line))
    for _ in range(600):
        port.write(shapes(chance))
        port.read(0)
    port.write(b"\x7e\x7e")
    port.close()


def test_changed_apdus_in_an_association(bench: Bench) -> None:
    """Each gets an answer, whatever it is, and the next one too."""
    chance = random.Random(4)
    client = WrapperClient(TcpPort(bench.tcp))
    answered = 0
    for apdu in apdus(chance):
        if apdu[0] == 0xC0 or apdu[0] == 0xC1 or apdu[0] == 0xC3:
            if apdu[2:3] and not apdu[2] & 0x40:
                continue  # an unconfirmed request has no answer
            assert client.ask(apdu)
            answered += 1
    assert answered > 200
    assert WrapperClient(TcpPort(bench.tcp)).get(1, "1.1.96.1.0.255") == 12345678


def test_half_a_wpdu_that_stays(bench: Bench) -> None:
    whole = encode_wpdu(18, 16, next(Client(b"12345").associate()))
    ports = [TcpPort(bench.tcp) for _ in range(50)]
    for number, port in enumerate(ports):
        port.write(whole[: 1 + number % (len(whole) - 1)])
    bench.is_well()
    for port in ports:
        port.close()


def test_a_length_above_the_limit_closes_the_connection(bench: Bench) -> None:
    port = TcpPort(bench.tcp)
    port.write(b"\x00\x01\x00\x12\x00\x10\xff\xff" + bytes(100))
    with pytest.raises(ConnectionError):
        port.read(10.0)


def test_three_hundred_connections_opened_and_dropped(bench: Bench) -> None:
    host, number = bench.tcp.removeprefix("tcp://").split(":")
    open_at_once = []
    for turn in range(300):
        connection = socket.create_connection((host, int(number)), timeout=10)
        if turn % 3 == 0:
            connection.sendall(encode_wpdu(18, 16, next(Client(b"12345").associate())))
        if turn % 5 == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # RST
            connection.close()
        else:
            open_at_once.append(connection)
    bench.is_well()
    for connection in open_at_once:
        connection.close()


def test_a_client_that_never_reads_is_not_listened_to_either(bench: Bench) -> None:
    """Object lists are asked for until the meter takes no more requests; others are served all the while."""
    port = TcpPort(bench.tcp)
    WrapperClient(port)
    request = encode_wpdu(18, 16, next(Client().get(Descriptor(15, Obis.parse("0.0.40.0.0.255"), 2))))
    port.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        ask_without_end(port.socket, request)
    bench.is_well()


def ask_without_end(connection: socket.socket, request: bytes) -> None:
    """Ask and never read; returns where that goes on for 20 s."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection.sendall(request * 50)


def test_writes_one_after_another_without_waiting_for_answers(bench: Bench) -> None:
    """Each waits for the disk; all are acknowledged."""
    port = TcpPort(bench.tcp)
    WrapperClient(port)
    request = next(Client().set(Descriptor(1, Obis.parse("1.1.0.0.3.255"), 2), DOUBLE_LONG_UNSIGNED.encode(5)))
    answer = encode_wpdu(16, 18, bytes.fromhex("C501C100"))
    port.write(encode_wpdu(18, 16, request) * 500)
    received = b""
    while len(received) < len(answer) * 500 and (data := port.read(10.0)):
        received += data
    assert received == answer * 500
    assert WrapperClient(TcpPort(bench.tcp)).get(1, "1.1.0.0.3.255") == 5
