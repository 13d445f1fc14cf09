"""General-block-transfer and ACCESS on real wires: wrapper over TCP and UDP in windows, HDLC block by block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosem import xdlms
from cosem.access_service import AccessKind, AccessRequest, Specification, read_access_response, write_access_request
from cosem.client import Client
from cosem.data_types import ANY, DOUBLE_LONG_UNSIGNED, decode_all
from cosem.general_block_transfer import (
    BlockTransfer,
    BlockTransferSettings,
    GeneralBlock,
    read_general_block,
    write_general_block,
)
from cosem.initiate import Conformance
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis
from transports.wrapper import WpduReader, encode_wpdu

from .clients import PATIENCE_S, HdlcClient, Port, TcpPort, UdpPort
from .running import LOOPBACK, running

PROFILE = """
name = "blocks"
inherits = "382M"
description = "A 382M whose client 40 takes everything in general blocks"

[[more_associations]]
name = "Blocks"
client_sap = 40
server_sap = 16
mechanism = "low"
password = "12345"
max_receive_pdu = 64
conformance = ["general-block-transfer", "access", "get", "set", "action"]
"""

CLIENT, DEVICE = 40, 16
OBJECT_LIST = Descriptor(15, Obis.parse("0.0.40.0.0.255"), 2)
NUMBER_2 = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2)
SERVICES = Conformance.GENERAL_BLOCK_TRANSFER | Conformance.ACCESS | Conformance.GET | Conformance.SET


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """A profile whose client 40 has general-block-transfer and no blocks of any service."""
    path = tmp_path / "blocks.toml"
    path.write_text(PROFILE)
    return str(path)


class Blocks:
    """A client over the wrapper that takes whatever number of APDUs answers one of its own."""

    def __init__(self, port: Port, max_pdu: int) -> None:
        self.port = port
        self.reader = WpduReader(0xFFFF)
        exchange = Client(b"12345", max_pdu, SERVICES).associate()
        self.send(next(exchange))
        with pytest.raises(StopIteration):
            exchange.send(next(self.received()))

    def send(self, apdu: bytes) -> None:
        self.port.write(encode_wpdu(CLIENT, DEVICE, apdu))

    def received(self) -> Iterator[bytes]:
        """APDUs as they come."""
        while data := self.port.read(PATIENCE_S):
            for wpdu in self.reader.receive_data(data):
                yield wpdu.apdu

    def ask(self, request: bytes, side: BlockTransfer) -> bytes:
        """A request, whole or in blocks, and its answer in blocks."""
        for apdu in [request] if request else side.data_to_send():
            self.send(apdu)
        for apdu in self.received():
            response = side.receive(read_general_block(apdu), time.monotonic())
            for reply in side.data_to_send():
                self.send(reply)
            if response is not None:
                return response
        raise TimeoutError("no answer in blocks")


def side(size: int, window: int = 5) -> BlockTransfer:
    return BlockTransfer(BlockTransferSettings(size, 1 << 20, window, attempts=1), time.monotonic())


def get(descriptor: Descriptor) -> bytes:
    return xdlms.write_get(0xC1, AttributeRequest(descriptor.to_bytes()))


def accesses(*items: tuple[AccessKind, Descriptor, bytes]) -> bytes:
    specifications = [Specification(kind, AttributeRequest(descriptor.to_bytes())) for kind, descriptor, _ in items]
    return write_access_request(AccessRequest(0x40000001, b"", specifications, [data for _, _, data in items]))


@pytest.mark.parametrize(("kind", "port"), [("tcp", TcpPort), ("udp", UdpPort)])
async def test_object_list_and_access_go_in_windows_of_blocks(
    kind: str, port: type[TcpPort] | type[UdpPort], profile: str
) -> None:
    def work(name: str) -> tuple[bytes, bytes]:
        client = Blocks(port(name), 200)
        listed = client.ask(get(OBJECT_LIST), side(64))
        asking = side(64)
        asking.send(accesses(
            (AccessKind.SET, NUMBER_2, DOUBLE_LONG_UNSIGNED.encode(4711)),
            (AccessKind.GET, NUMBER_2, b"\x00"),
            (AccessKind.GET, OBJECT_LIST, b"\x00"),
        ))  # fmt: skip
        return listed, client.ask(b"", asking)

    endpoint = {"kind": kind, "address": LOOPBACK}
    async with running([{"profile": profile}], [endpoint]) as runtime:
        listed, accessed = await asyncio.to_thread(work, runtime.endpoints[0].name)
    assert listed[:4] == bytes.fromhex("c401c100")
    assert len(decode_all(ANY, listed[4:])) > 100
    response = read_access_response(accessed)
    assert response.results == [(AccessKind.SET, 0), (AccessKind.GET, 0), (AccessKind.GET, 0)]
    assert response.data[1:] == [DOUBLE_LONG_UNSIGNED.encode(4711), listed[4:]]


async def test_a_datagram_brings_one_at_most_that_fits_into_a_frame(profile: str) -> None:
    """Whoever forges an address asks for the largest window, and never takes what comes."""
    forged = write_general_block(GeneralBlock(True, False, 63, 1, 0))

    def work(name: str) -> list[int]:
        client = Blocks(UdpPort(name), 0xFFFF)
        client.send(get(OBJECT_LIST))
        sizes = [len(client.port.read(PATIENCE_S))]
        for _ in range(30):
            client.send(forged)
        while datagram := client.port.read(0.3):
            sizes.append(len(datagram))
        return sizes

    endpoint = {"kind": "udp", "address": LOOPBACK}
    limits = {"udp_apdu_octets": 500, "block_repetitions": 10}
    async with running([{"profile": profile}], [endpoint], limits=limits) as runtime:
        sizes = await asyncio.to_thread(work, runtime.endpoints[0].name)
    assert len([size for size in sizes if size > 11]) <= 1 + 1 + 10
    assert max(sizes) <= 508
    assert len(sizes) <= 31


async def test_a_run_bounds_what_its_clients_may_ask_for(profile: str) -> None:
    def work(name: str) -> bytes:
        client = Blocks(TcpPort(name), 200)
        client.send(accesses(*[(AccessKind.GET, NUMBER_2, b"\x00")] * 2))
        return next(client.received())

    endpoint = {"kind": "tcp", "address": LOOPBACK}
    async with running([{"profile": profile}], [endpoint], limits={"accesses": 1}) as runtime:
        assert await asyncio.to_thread(work, runtime.endpoints[0].name) == bytes.fromhex("d80104")


async def test_over_hdlc_each_block_is_asked_for(profile: str) -> None:
    def work(name: str) -> bytes:
        client = HdlcClient(TcpPort(name), CLIENT, DEVICE)
        client.client.conformance, client.client.max_pdu = SERVICES, 200
        client.run(client.client.associate())
        asking = side(64, window=1)
        answer = client.ask(get(OBJECT_LIST))
        while (response := asking.receive(read_general_block(answer), time.monotonic())) is None:
            (ready,) = asking.data_to_send()
            answer = client.ask(ready)
        return response

    endpoint = {"kind": "tcp", "address": LOOPBACK}
    async with running([{"profile": profile}], [endpoint]) as runtime:
        answer = await asyncio.to_thread(work, runtime.endpoints[0].name)
    assert answer[:4] == bytes.fromhex("c401c100")
    assert len(decode_all(ANY, answer[4:])) > 100
