"""The client with short names, against the association it is written for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.acse import Mechanism
from cosem.client import AccessFailed, AssociationRefused
from cosem.data_types import DOUBLE_LONG_UNSIGNED, INTEGER, LONG_UNSIGNED, OCTET_STRING
from cosem.errors import DataAccessResult, DecodeError
from cosem.initiate import Conformance
from cosem.short_names.apdus import Access, Parameterized, Variable
from cosem.short_names.client import FULL_SN_CONFORMANCE, ServiceRefused, ShortNameClient
from cosem.xdlms import Descriptor

from ..samples import BUFFER, ENERGY, ENERGY_VALUE, NOTE_VALUE, ROW, Device, run
from .samples import NAMES, VIEW_SN, idle
from .test_read_service import ENTRIES_1_TO_2

ENERGY_NAME = NAMES.name_of(ENERGY_VALUE)
NOTE = NAMES.name_of(NOTE_VALUE)
RESET = NAMES.name_of(Descriptor(3, ENERGY, 1), is_method=True)


def opened(client: ShortNameClient, device: Device | None = None, **defined: Any) -> tuple[Any, Device]:
    association, served = idle(device, **defined)
    run(association, client.associate())
    assert association.associated
    return association, served


def test_a_client_reads_writes_invokes_and_leaves() -> None:
    client = ShortNameClient(b"12345")
    association, device = opened(client, mechanism=Mechanism.LOW)
    assert run(association, client.read(ENERGY_NAME))[0] == DOUBLE_LONG_UNSIGNED.encode(19253)
    assert run(association, client.read_value(ENERGY_NAME))[0] == 19253
    run(association, client.write(NOTE, OCTET_STRING.encode(b"new")))
    assert device.note == b"new"
    assert run(association, client.invoke(RESET, INTEGER.encode(1)))[0] == b"\x00"
    run(association, client.write(RESET, INTEGER.encode(2)))
    assert device.invoked == [("reset", 1), ("reset", 2)]
    selection = run(association, client.read_selected(NAMES.name_of(BUFFER), 2, ENTRIES_1_TO_2))[0]
    assert selection == b"\x01\x02" + b"".join(ROW.encode(row) for row in device.rows[:2])
    assert run(association, client.release())[0] == 0
    assert not association.associated


def test_the_object_list_tells_the_client_every_base_name() -> None:
    client = ShortNameClient()
    association, _ = opened(client)
    listed = run(association, client.object_list())[0]
    assert [(item.class_id, item.logical_name, item.base_name) for item in listed] == [
        (
            visible.object.interface_class.class_id,
            visible.object.logical_name,
            NAMES.name_of(Descriptor(visible.object.interface_class.class_id, visible.object.logical_name, 1)),
        )
        for visible in VIEW_SN.objects
    ]


def test_an_unconfirmed_write_is_not_answered() -> None:
    client = ShortNameClient()
    association, device = opened(client)
    assert association.handle(client.write_unconfirmed([Variable(NOTE)], [OCTET_STRING.encode(b"new")])) is None
    assert device.note == b"new"


def test_failures_tell_their_result() -> None:
    client = ShortNameClient()
    association, _ = opened(client)
    for exchange, result in (
        (client.read(8), DataAccessResult.OBJECT_UNDEFINED),
        (client.write(ENERGY_NAME, b"\x00"), DataAccessResult.READ_WRITE_DENIED),
        (client.invoke(RESET, b"\x00"), DataAccessResult.TYPE_UNMATCHED),
    ):
        with pytest.raises(AccessFailed) as failed:
            run(association, exchange)
        assert failed.value.result is result


def test_a_refusal_tells_its_service_error() -> None:
    client = ShortNameClient(conformance=Conformance.WRITE)
    association, _ = opened(client)
    with pytest.raises(ServiceRefused) as refused:
        run(association, client.read(NOTE))
    assert (refused.value.service, refused.value.family, refused.value.code) == (5, 3, 2)


def test_a_server_with_long_names_refuses_the_association() -> None:
    association, _ = idle(conformance=Conformance.READ)
    with pytest.raises(AssociationRefused, match="incompatible-conformance"):
        run(association, ShortNameClient(conformance=Conformance.WRITE).associate())


@given(st.integers(12, 90), st.integers(16, 90))
def test_lists_are_read_and_written_whatever_both_sides_take(max_pdu: int, max_receive_pdu: int) -> None:
    client = ShortNameClient(max_pdu=max_pdu)
    association, device = opened(client, max_receive_pdu=max_receive_pdu)
    accesses: list[Access] = [
        Variable(NOTE), Variable(ENERGY_NAME), Variable(8), Parameterized(NAMES.name_of(BUFFER), 2, ENTRIES_1_TO_2),
    ]  # fmt: skip
    results, responses = run(association, client.read_list(accesses))
    assert results[:3] == [
        OCTET_STRING.encode(device.note), DOUBLE_LONG_UNSIGNED.encode(19253), DataAccessResult.OBJECT_UNDEFINED
    ]  # fmt: skip
    assert max(map(len, responses)) <= max_pdu
    values = [OCTET_STRING.encode(bytes(70)), LONG_UNSIGNED.encode(1)]
    results, _ = run(association, client.write_list([Variable(NOTE), Variable(8)], values))
    assert results == [DataAccessResult.SUCCESS, DataAccessResult.OBJECT_UNDEFINED]
    assert device.note == bytes(70)


def test_a_server_that_takes_next_to_nothing_takes_no_blocks() -> None:
    client = ShortNameClient()
    association, _ = opened(client, max_receive_pdu=0xFFFF)
    assert client.negotiated is not None
    client.negotiated = client.negotiated._replace(max_receive_pdu=10)
    with pytest.raises(ValueError, match="takes no blocks"):
        run(association, client.read_list([Variable(NOTE)] * 4))


WRONG_ANSWERS = [
    ("another APDU", "c40100", DecodeError),
    ("results that do not decode", "0c01", DecodeError),
    ("more results than asked for", "0c02 00 00 00 00", DecodeError),
    ("an acknowledgement", "0c01 03 0001", DecodeError),
    ("a service error that is cut off", "0e05", DecodeError),
    ("a service error", "0e050302", ServiceRefused),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in WRONG_ANSWERS], ids=[row[0] for row in WRONG_ANSWERS])
def test_an_answer_that_is_none_is_refused(answer: str, error: type[Exception]) -> None:
    exchange = ShortNameClient().read(8)
    next(exchange)
    with pytest.raises(error):
        exchange.send(bytes.fromhex(answer))


WRONG_BLOCKS = [
    ("another number", "0c01 02 01 0003 00", DecodeError),
    ("no block", "0c01 00 00", DecodeError),
    ("a result", "0c01 01 0f", AccessFailed),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in WRONG_BLOCKS], ids=[row[0] for row in WRONG_BLOCKS])
def test_a_block_that_is_not_the_next_is_refused(answer: str, error: type[Exception]) -> None:
    exchange = ShortNameClient().read(8)
    next(exchange)
    assert exchange.send(bytes.fromhex("0c01 02 00 0001 02 0100")) == bytes.fromhex("0501050001")
    with pytest.raises(error):
        exchange.send(bytes.fromhex(answer))


def test_all_of_what_short_names_offer_is_proposed() -> None:
    assert int(FULL_SN_CONFORMANCE) == 0x1C1B20
