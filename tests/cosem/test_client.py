"""The client against the server, in memory: every exchange, and what it raises."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.acse import Mechanism
from cosem.association import Association
from cosem.client import AccessFailed, AssociationRefused, Client, Exchange, range_parameters
from cosem.data_types import ANY, OCTET_STRING, Array, decode_all
from cosem.date_time import DateTime
from cosem.errors import ActionResult, DataAccessResult, DecodeError
from cosem.initiate import Conformance
from cosem.interface_classes import CAPTURE_OBJECT
from cosem.xdlms import Descriptor

from .samples import (
    ASSOCIATION,
    BUFFER,
    CAPTURE_OBJECTS,
    CLASSIC,
    CLOCK,
    DISCONNECTOR,
    ENERGY,
    ENERGY_VALUE,
    LOGICAL_DEVICE_NAME,
    NOTE_VALUE,
    PROFILE,
    Device,
    idle,
)

NAME_VALUE = Descriptor(1, LOGICAL_DEVICE_NAME, 2)


def run(exchange: Exchange, association: Association) -> Any:
    """Drive an exchange over a wire of no length."""
    try:
        request = next(exchange)
        while True:
            response = association.handle(request)
            assert response is not None
            request = exchange.send(response)
    except StopIteration as done:
        return done.value


def answered(exchange: Exchange, *responses: str) -> Any:
    """Drive an exchange with these responses."""
    next(exchange)
    try:
        for response in responses:
            exchange.send(bytes.fromhex(response))
    except StopIteration as done:
        return done.value
    raise AssertionError("the client asks on")


def connected(max_pdu: int = 0xFFFF, **defined: Any) -> tuple[Client, Association, Device]:
    association, device = idle(**defined)
    client = Client(max_pdu=max_pdu)
    run(client.associate(), association)
    return client, association, device


def test_associate_and_release() -> None:
    client, association, _ = connected(max_receive_pdu=125)
    assert client.negotiated is not None
    assert client.negotiated.max_receive_pdu == 125
    assert client.negotiated.conformance == client.conformance & CLASSIC
    assert run(client.release(), association) == 0
    assert not association.associated


def test_a_password_opens_what_is_locked() -> None:
    association, _ = idle(mechanism=Mechanism.LOW)
    run(Client(b"12345").associate(), association)
    assert association.associated


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (Client(b"54321"), "association rejected: authentication-failure"),
        (Client(), "association rejected: authentication-failure"),
        (Client(b"12345", max_pdu=11), r"no-reason-given \(pdu-size-too-short\)"),
        (Client(b"12345", conformance=Conformance.READ), r"no-reason-given \(incompatible-conformance\)"),
    ],
    ids=["wrong password", "no password", "PDU too short", "no services"],
)
def test_a_refused_association_says_why(client: Client, text: str) -> None:
    association, _ = idle(mechanism=Mechanism.LOW)
    with pytest.raises(AssociationRefused, match=text):
        run(client.associate(), association)


@pytest.mark.parametrize(
    ("response", "error", "text"),
    [
        ("d80101", DecodeError, "AARE"),
        ("6117a109060760857405080101a203020100a305a103020100", AssociationRefused, "without an InitiateResponse"),
        ("6117a109060760857405080101a203020101a305a203020102", AssociationRefused, "no-common-acse-version"),
        ("6117a109060760857405080101a203020101a305a103020163", AssociationRefused, "rejected: 99"),
        ("611fa109060760857405080101a203020101a305a103020101be0604040e010609", DecodeError, "initiate error 9"),
        ("611fa109060760857405080101a203020100a305a103020100be0604040e010600", DecodeError, "refused the initiate"),
    ],
)
def test_an_odd_answer_to_an_aarq_says_what_is_odd(response: str, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        answered(Client().associate(), response)


@pytest.mark.parametrize("max_pdu", [13, 40, 0xFFFF])
def test_get_reads_the_whole_value(max_pdu: int) -> None:
    client, association, device = connected(max_pdu)
    assert run(client.get(NOTE_VALUE), association) == OCTET_STRING.encode(device.note)
    assert run(client.get_value(BUFFER), association) == device.rows
    assert run(client.get_value(ENERGY_VALUE), association) == 19253
    columns = run(client.get_value(Descriptor(7, PROFILE, 3), Array(CAPTURE_OBJECT)), association)
    assert columns == CAPTURE_OBJECTS


def test_get_selects_by_range() -> None:
    client, association, device = connected()
    parameters = range_parameters(CLOCK, DateTime(2013, 10, 5), DateTime(2013, 10, 7))
    assert decode_all(ANY, run(client.get(BUFFER, 1, parameters), association)) == device.rows[5:8]


def test_a_failed_get_says_what_and_why() -> None:
    client, association, _ = connected()
    with pytest.raises(
        AccessFailed, match=r"GET class 15 0\.0\.40\.0\.0\.255 member 7: read-write-denied \(3\)"
    ) as failed:
        run(client.get(Descriptor(15, ASSOCIATION, 7)), association)
    assert failed.value.result is DataAccessResult.READ_WRITE_DENIED


@pytest.mark.parametrize("max_pdu", [40, 0xFFFF])
def test_get_list_reads_values_and_results_in_order(max_pdu: int) -> None:
    client, association, device = connected(max_pdu)
    secret = Descriptor(15, ASSOCIATION, 7)
    assert run(client.get_list([ENERGY_VALUE, secret, NOTE_VALUE]), association) == [
        bytes.fromhex("0600004b35"),
        DataAccessResult.READ_WRITE_DENIED,
        OCTET_STRING.encode(device.note),
    ]


def test_set_writes() -> None:
    client, association, device = connected()
    run(client.set(NOTE_VALUE, OCTET_STRING.encode(b"written")), association)
    assert device.note == b"written"
    with pytest.raises(AccessFailed, match=r"SET class 1 .*: read-write-denied"):
        run(client.set(NAME_VALUE, OCTET_STRING.encode(b"other")), association)


def test_action_invokes() -> None:
    client, association, device = connected()
    assert run(client.action(Descriptor(3, ENERGY, 1)), association) is None
    assert device.invoked == [("reset", 0)]
    with pytest.raises(AccessFailed, match="ACTION class 70") as failed:
        run(client.action(Descriptor(70, DISCONNECTOR, 1)), association)
    assert failed.value.result is ActionResult.READ_WRITE_DENIED


def test_action_gives_the_return_value() -> None:
    assert answered(Client().action(Descriptor(3, ENERGY, 1)), "c701c10001000f05") == b"\x0f\x05"


def test_a_long_get_that_breaks_off_is_told() -> None:
    with pytest.raises(AccessFailed, match="long-get-aborted"):
        answered(Client().get(NOTE_VALUE), "c402c1000000000100020904", "c402c101000000010 10f".replace(" ", ""))


@pytest.mark.parametrize("response", ["", "d80102", "c401c1", "c403c100", "c401c10163", "c501c100"])
def test_an_odd_answer_is_a_decode_error(response: str) -> None:
    with pytest.raises(DecodeError):
        answered(Client().get(ENERGY_VALUE), response)


@pytest.mark.parametrize(
    "response", ["", "c403c1", "c403c102000f01", "c403c1010163", "c403c101000f0100", "c403c184ffffffff"]
)
def test_an_odd_answer_to_a_list_is_a_decode_error(response: str) -> None:
    with pytest.raises(DecodeError):
        answered(Client().get_list([ENERGY_VALUE]), response)


def test_a_closed_association_is_told_to_the_client() -> None:
    association, _ = idle()
    with pytest.raises(DecodeError, match="d8 01 01"):
        run(Client().get(ENERGY_VALUE), association)
