"""Sessions: answers in order and only after the disk has what they say; associations by client and interface."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem import xdlms
from cosem.client import AssociationRefused, Client
from cosem.data_types import DOUBLE_LONG_UNSIGNED, decode_all
from cosem.errors import DataAccessResult
from cosem.xdlms import Descriptor
from obis import Obis
from server.time_source import SteppedTime
from server.virtual_meter import JournalEntry
from transports.wrapper import WpduReader, encode_wpdu

from .clients import HdlcClient, SerialPort, TcpPort, WrapperClient
from .running import LOOPBACK, device, running

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
TCP = [{"kind": "tcp", "address": LOOPBACK}]
NUMBER_2 = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2)


def set_request(value: int) -> bytes:
    """A WPDU that writes meter number 2."""
    return encode_wpdu(18, 16, next(Client().set(NUMBER_2, DOUBLE_LONG_UNSIGNED.encode(value))))


def get_request() -> bytes:
    """A WPDU that reads it."""
    return encode_wpdu(18, 16, next(Client().get(NUMBER_2)))


def answers(port: TcpPort, count: int) -> list[bytes]:
    """So many APDUs from a connection."""
    reader = WpduReader(0xFFFF)
    found: list[bytes] = []
    while len(found) < count:
        data = port.read(10.0)
        assert data, found
        found += [wpdu.apdu for wpdu in reader.receive_data(data)]
    return found


async def test_requests_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    """The GETs wait behind the SETs that wait for the disk."""

    def work(name: str) -> list[bytes]:
        port = TcpPort(name)
        WrapperClient(port)
        requests = [set_request(1), get_request(), set_request(2), get_request(), get_request(), set_request(3)]
        port.write(b"".join(requests))
        return answers(port, len(requests))

    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        found = await asyncio.to_thread(work, runtime.endpoints[0].name)
    assert [apdu[0] for apdu in found] == [0xC5, 0xC4, 0xC5, 0xC4, 0xC4, 0xC5]
    values = [xdlms.read_get_response(apdu).data for apdu in found if apdu[0] == 0xC4]
    assert [decode_all(DOUBLE_LONG_UNSIGNED, value) for value in values if value] == [1, 2, 2]


async def test_requests_behind_a_write_wait_for_the_disk_however_many(tmp_path: Path) -> None:
    def work(name: str) -> list[bytes]:
        port = TcpPort(name)
        WrapperClient(port)
        port.write(b"".join(set_request(number) + get_request() * 3 for number in range(100)))
        return answers(port, 400)

    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        found = await asyncio.to_thread(work, runtime.endpoints[0].name)
    values = [xdlms.read_get_response(apdu).data for apdu in found if apdu[0] == 0xC4]
    numbers = [decode_all(DOUBLE_LONG_UNSIGNED, value) for value in values if value]
    assert numbers == [number for number in range(100) for _ in range(3)]


async def test_a_write_of_a_client_that_says_nothing_more_is_acknowledged(tmp_path: Path) -> None:
    """TCP's half-close behind the request: the answer still waits for the disk then."""

    def work(name: str) -> bytes:
        port = TcpPort(name)
        WrapperClient(port)
        port.write(set_request(7))
        port.finish()
        return answers(port, 1)[0]

    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        answer = await asyncio.to_thread(work, runtime.endpoints[0].name)
    assert answer[:1] == b"\xc5"
    assert xdlms.read_set_response(answer) is DataAccessResult.SUCCESS


async def test_what_cannot_be_written_to_disk_is_not_acknowledged(tmp_path: Path) -> None:
    """The journal refuses an entry whose number it has: the connection ends without an answer."""

    def write(name: str) -> None:
        WrapperClient(TcpPort(name)).set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 7)

    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        name = runtime.endpoints[0].name
        assert runtime.store is not None
        runtime.store.commit([JournalEntry(12345678, 1, AT, "{}")]).result()
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(write, name)
        await asyncio.to_thread(write, name)  # entry 2 has its place
        assert await asyncio.to_thread(lambda: WrapperClient(TcpPort(name)).get(1, "1.1.96.1.0.255")) == 12345678


async def test_a_refused_write_leaves_nothing_in_the_journal(tmp_path: Path) -> None:
    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        client = await asyncio.to_thread(lambda name: WrapperClient(TcpPort(name)), runtime.endpoints[0].name)
        request = next(Client().set(Descriptor(1, Obis.parse("1.1.129.0.0.255"), 2), b"\x11\x09"))
        response = await asyncio.to_thread(client.ask, request)
        assert xdlms.read_set_response(response) is DataAccessResult.OTHER_REASON
        assert runtime.meter(12345678).sequence == 0


async def test_a_client_that_leaves_while_its_write_is_on_the_way_does_no_harm(tmp_path: Path) -> None:
    def work(name: str) -> Any:
        for value in range(1, 20):
            port = TcpPort(name)
            WrapperClient(port)
            port.write(set_request(value))
            port.close()
        return WrapperClient(TcpPort(name)).get(1, "1.1.0.0.2.255")

    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite") as runtime:
        assert await asyncio.to_thread(work, runtime.endpoints[0].name) in (18, 19)


# --- who may associate ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_sap", "server_sap", "password"),
    [
        (18, 16, b"54321"),
        (18, 16, b""),
        (18, 16, b"12345\x00"),
        (18, 16, None),
        (17, 16, b"12345"),
        (18, 1, b"12345"),
        (16, 16, None),
    ],
)
async def test_others_are_refused(client_sap: int, server_sap: int, password: bytes | None) -> None:
    def associate(name: str) -> None:
        WrapperClient(TcpPort(name), client_sap, server_sap, password)

    async with running([{}], TCP, SteppedTime(AT)) as runtime:
        with pytest.raises(AssociationRefused):
            await asyncio.to_thread(associate, runtime.endpoints[0].name)


async def test_the_negotiated_conformance_is_the_documented_one() -> None:
    async with running([{}], TCP, SteppedTime(AT)) as runtime:
        name = runtime.endpoints[0].name
        public = await asyncio.to_thread(lambda: WrapperClient(TcpPort(name), 16, 1, None).client.negotiated)
        module = await asyncio.to_thread(lambda: WrapperClient(TcpPort(name)).client.negotiated)
    assert public is not None
    assert module is not None
    assert f"{int(public.conformance):06x}" == "001010"  # 382M DLMS description 4
    assert f"{int(module.conformance):06x}" == "00101c"


@pytest.mark.parametrize(
    ("enforced", "refused"), [(False, set()), (True, {("tcp", 19), ("tcp", 20), ("pty", 18), ("pty", 20)})]
)
async def test_a_profile_may_keep_clients_to_their_interfaces(
    tmp_path: Path, enforced: bool, refused: set[tuple[str, int]]
) -> None:
    own = tmp_path / f"own{enforced}.toml"
    own.write_text(f'name = "own"\ninherits = "382M"\n[cosem]\ninterfaces_enforced = {str(enforced).lower()}\n')
    endpoints = [*TCP, {"kind": "optical", "device": "pty"}]

    def work(tcp: str, optical: str) -> set[tuple[str, int]]:
        found = set()
        for client_sap in (18, 19, 20):
            for kind, port in (("tcp", TcpPort(tcp)), ("pty", SerialPort(optical))):
                try:
                    HdlcClient(port, client_sap).disconnect()
                except AssociationRefused:
                    found.add((kind, client_sap))
        return found

    async with running([{"profile": str(own)}], endpoints, SteppedTime(AT)) as runtime:
        names = runtime.endpoints[0].name, device(runtime.endpoints[1].name)
        assert await asyncio.to_thread(work, *names) == refused
