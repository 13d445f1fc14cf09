"""General-block-transfer where names are short: it carries what READ and WRITE have no blocks for."""

from __future__ import annotations

import pytest

from cosem.data_types import OCTET_STRING
from cosem.general_block_server import GeneralBlockServer
from cosem.initiate import Conformance
from cosem.short_names import apdus
from cosem.short_names.apdus import Variable

from ..samples import NOTE_VALUE, Device
from ..test_general_block_server import SIZE, client, exchange
from .samples import NAMES, associated

NOTE = NAMES.name_of(NOTE_VALUE)
SERVICES = Conformance.READ | Conformance.WRITE | Conformance.GENERAL_BLOCK_TRANSFER
READ_NOTE = bytes((apdus.READ_REQUEST,)) + apdus.write_accesses([Variable(NOTE)])


def opened(proposed: Conformance = SERVICES) -> tuple[GeneralBlockServer, Device]:
    association, device = associated(SIZE, proposed, conformance=proposed)
    return GeneralBlockServer(association), device


def test_a_long_response_goes_in_general_blocks() -> None:
    server, device = opened()
    side = client()
    side.send(READ_NOTE)
    assert exchange(server.handle, side) == b"\x0c\x01\x00" + OCTET_STRING.encode(device.note)
    assert all(reply[0] == 0xE0 for reply in server.handle(READ_NOTE, 0.0))


def test_a_long_request_comes_in_general_blocks() -> None:
    server, device = opened()
    side = client()
    side.send(bytes((apdus.WRITE_REQUEST,)) + apdus.write_contents([Variable(NOTE)], [OCTET_STRING.encode(bytes(300))]))
    assert exchange(server.handle, side) == b"\x0d\x01\x00"
    assert device.note == bytes(300)


def test_blocks_of_the_service_come_before_general_ones() -> None:
    server, _ = opened(SERVICES | Conformance.BLOCK_TRANSFER_WITH_GET)
    (reply,) = server.handle(READ_NOTE, 0.0)
    assert reply[:3] == bytes.fromhex("0c0102")


@pytest.mark.parametrize(
    "more", [Conformance(0), Conformance.GENERAL_BLOCK_TRANSFER, Conformance.BLOCK_TRANSFER_WITH_GET]
)
def test_over_datagrams_a_read_has_one_answer_that_fits_into_one(more: Conformance) -> None:
    services = Conformance.READ | more
    association, _ = associated(0xFFFF, services, link_limit=SIZE, segments=False, conformance=services)
    (reply,) = GeneralBlockServer(association).handle(READ_NOTE, 0.0)
    assert len(reply) <= SIZE


def test_what_ends_a_transfer_is_told_by_a_service_error() -> None:
    server, _ = opened()
    assert server.handle(bytes.fromhex("e0"), 0.0) == (bytes.fromhex("0e050300"),)
    assert server.handle(b"\xe0" + bytes(0x400), 0.0) == (bytes.fromhex("0e050301"),)
    not_negotiated, _ = opened(Conformance.READ)
    assert not_negotiated.handle(bytes.fromhex("e0c1000100000100"), 0.0) == (bytes.fromhex("0e050302"),)
