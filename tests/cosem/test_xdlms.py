"""GET, SET and ACTION APDUs, and exception-responses: vectors both ways, refusals, round trips."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import xdlms
from cosem.errors import ActionResult, DataAccessResult, DecodeError
from cosem.reader import Reader
from cosem.xdlms import AttributeRequest, Block, Descriptor, GetReply, ServiceFault, StateError
from obis import Obis

from .samples import SESSIONS, octets, vectors
from .values import typed_values


def read_action(response: bytes) -> tuple[ActionResult, bytes | None]:
    """An Action-Response-Normal to its end."""
    reply = xdlms.read_action_response(response)
    if reply.block is not None:
        raise DecodeError("a block")  # V071, by the accident of its octets
    return xdlms.read_action_result(reply.raw)


def named(class_id: int, logical_name: str, member: int) -> bytes:
    return Descriptor(class_id, Obis.parse(logical_name), member).to_bytes()


def selected(selector: int, parameters: str) -> AttributeRequest:
    return AttributeRequest(named(7, "1.0.99.1.0.255", 2), selector, bytes.fromhex(parameters))


CLOCK_RANGE = "02040204120008090600000100 00ff0f02120000"

# Public requests, and what writes them.
WRITTEN: dict[str, bytes] = {
    "V079": xdlms.write_get_next(0xC1, 1),
    "V082": xdlms.write_get_next(0xC1, 3),
    "V114": xdlms.write_get(
        0xC1, selected(1, CLOCK_RANGE + "090c07e20601ff000300ffff8880090c07e50106ff000300ffffc4000100")
    ),
    "V140": xdlms.write_get(0x45, AttributeRequest(named(7, "0.0.99.98.1.255", 2))),
    "V262": xdlms.write_get(0x81, AttributeRequest(named(1, "0.0.128.0.0.255", 2))),
    "V405": xdlms.write_get(0xC1, selected(2, "02040600000001060000000a120001120000")),
    "V414": xdlms.write_set(0xC1, AttributeRequest(named(8, "0.0.1.0.0.255", 3)), b"\x11\x05"),
    "V415": xdlms.write_set(0xC1, AttributeRequest(named(1, "0.0.42.0.0.255", 2)), b"\x09\x03ABC"),
    "V064": xdlms.write_action(0xC0, named(15, "0.0.40.0.0.255", 1), octets("V064")[13:]),
    "V065": xdlms.write_action(0xC0, named(15, "0.0.40.0.0.255", 1), None),
    "V142": xdlms.write_action(0x81, named(9, "0.0.10.0.0.255", 1), b"\x12\x00\x02"),
    "V421": xdlms.write_action(0xC1, named(70, "0.0.96.3.10.255", 1), b"\x0f\x00"),
}


@pytest.mark.parametrize("identifier", WRITTEN)
def test_a_public_request_is_written(identifier: str) -> None:
    assert WRITTEN[identifier] == octets(identifier)


@pytest.mark.parametrize("identifier", ["V114", "V115", "V140", "V262", "V405", "V406", "V407", "V411"])
def test_the_attribute_of_a_public_get_is_read_and_written_back(identifier: str) -> None:
    reader = Reader(octets(identifier), 3)
    request = xdlms.read_attribute_request(reader)
    reader.end()
    assert xdlms.write_attribute_request(request) == octets(identifier)[3:]
    assert Descriptor.from_bytes(request.descriptor).to_bytes() == request.descriptor


REPLIES = {
    "V240": (0, GetReply(octets("V240")[4:], DataAccessResult.SUCCESS)),
    "V241": (0, GetReply(bytes.fromhex("0600004b35"), DataAccessResult.SUCCESS)),
    "V091": (0, GetReply(octets("V091")[12:], DataAccessResult.SUCCESS, 1, False)),
    "V092": (0, GetReply(octets("V092")[12:], DataAccessResult.SUCCESS, 1, True)),
    "V095": (0, GetReply(octets("V095")[12:], DataAccessResult.SUCCESS, 19, True)),
    "V097": (0, GetReply(None, DataAccessResult.HARDWARE_FAULT, 1, True)),
    "V265": (1, GetReply(octets("V265", "out")[10:], DataAccessResult.SUCCESS, 2, True)),
    "V408": (1, GetReply(None, DataAccessResult.OBJECT_UNDEFINED)),
    "V410": (1, GetReply(None, DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)),
    "V412": (1, GetReply(None, DataAccessResult.DATA_BLOCK_NUMBER_INVALID, 9, True)),
    "V413": (1, GetReply(None, DataAccessResult.NO_LONG_GET_IN_PROGRESS, 1, True)),
}


@pytest.mark.parametrize("identifier", REPLIES)
def test_a_public_get_response_is_read_and_written_back(identifier: str) -> None:
    side, reply = REPLIES[identifier]
    sent = octets(identifier, ("in", "out")[side])
    assert xdlms.read_get_response(sent) == reply
    if reply.block is None:
        assert reply.data is not None or xdlms.get_response(sent[2], reply.result) == sent
    elif reply.data is None:
        assert xdlms.get_block_failed(sent[2], reply.block, reply.result) == sent
    elif sent[9] == 0x82:  # the form of the length that we write
        assert xdlms.get_block(sent[2], Block(reply.last, reply.block, reply.data)) == sent


@pytest.mark.parametrize(
    ("identifier", "side", "outcome"),
    [
        ("V070", "in", (ActionResult.SUCCESS, None)),
        ("V073", "in", (ActionResult.SUCCESS, None)),
        ("V142", "out", (ActionResult.SUCCESS, None)),
        ("V421", "out", (ActionResult.READ_WRITE_DENIED, None)),
    ],
)
def test_a_public_action_response_is_read(identifier: str, side: str, outcome: tuple[Any, Any]) -> None:
    assert read_action(octets(identifier, side)) == outcome


def test_the_return_value_of_a_method_is_read() -> None:
    assert read_action(bytes.fromhex("c701c1000100090141")) == (ActionResult.SUCCESS, b"\x09\x01A")


@pytest.mark.parametrize("identifier", ["V414", "V415"])
def test_a_public_set_response_is_read(identifier: str) -> None:
    response = octets(identifier, "out")
    assert xdlms.read_set_response(response) == response[3]


@pytest.mark.parametrize(
    ("identifier", "state", "fault"),
    [
        ("V427", StateError.SERVICE_NOT_ALLOWED, ServiceFault.OPERATION_NOT_POSSIBLE),
        ("V428", StateError.SERVICE_NOT_ALLOWED, ServiceFault.SERVICE_NOT_SUPPORTED),
        ("V429", StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON),
        ("V430", StateError.SERVICE_UNKNOWN, ServiceFault.PDU_TOO_LONG),
    ],
)
def test_a_public_exception_response_is_written_and_told_by_the_client(
    identifier: str, state: StateError, fault: ServiceFault
) -> None:
    assert xdlms.exception_response(state, fault) == octets(identifier)
    for read in (xdlms.read_get_response, xdlms.read_set_response, read_action):
        with pytest.raises(DecodeError, match="exception-response"):
            read(octets(identifier))


READERS: list[Callable[[bytes], Any]] = [
    xdlms.read_get_response,
    xdlms.read_set_response,
    read_action,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("vector", vectors("malformed"), ids=lambda vector: vector["id"])
def test_a_public_malformed_apdu_is_no_response(vector: dict[str, Any], read: Callable[[bytes], Any]) -> None:
    sent = bytes.fromhex(vector["hex_in"])
    if sent[:2] == b"\xc4\x01" and read is xdlms.read_get_response:
        return  # malformed as the action it was meant to be; as a response its value decides, read by type
    with pytest.raises(DecodeError):
        read(sent)


@pytest.mark.parametrize(
    ("read", "response"),
    [
        (xdlms.read_get_response, "c40181"),
        (xdlms.read_get_response, "c4018101"),
        (xdlms.read_get_response, "c401810105"),
        (xdlms.read_get_response, "c40181010400"),
        (xdlms.read_get_response, "c40481"),
        (xdlms.read_get_response, "c402810100000001"),
        (xdlms.read_get_response, "c40281010000000100020a"),
        (xdlms.read_get_response, "c40281010000000100010a0b"),
        (xdlms.read_get_response, "c40281010000000101fb"),
        (xdlms.read_get_response, "c4028101000000010084ffffffff"),
        (xdlms.read_set_response, "c50181"),
        (xdlms.read_set_response, "c5018105"),
        (xdlms.read_set_response, "c501810000"),
        (read_action, "c70181"),
        (read_action, "c7018105"),
        (read_action, "c701810001"),
    ],
)
def test_a_malformed_response_is_a_decode_error(read: Callable[[bytes], Any], response: str) -> None:
    with pytest.raises(DecodeError):
        read(bytes.fromhex(response))


@given(st.sampled_from(READERS), st.sampled_from(["", "c401", "c402", "c501", "c701"]), st.binary(max_size=40))
def test_any_octets_are_a_response_or_refused(read: Callable[[bytes], Any], head: str, tail: bytes) -> None:
    with contextlib.suppress(DecodeError):
        read(bytes.fromhex(head) + tail)


@pytest.mark.parametrize("sent", ["", "0001", "000100000a0000ff02", "000100000a0000ff0201", "000100000a0000ff020101"])
def test_an_attribute_request_cut_short_is_a_decode_error(sent: str) -> None:
    with pytest.raises(DecodeError):
        xdlms.read_attribute_request(Reader(bytes.fromhex(sent)))


@pytest.mark.parametrize("sent", ["", "01", "0100000001", "010000000105aabb", "010000000184ffffffff"])
def test_a_block_cut_short_is_a_decode_error(sent: str) -> None:
    with pytest.raises(DecodeError):
        xdlms.read_block(Reader(bytes.fromhex(sent)))


# --- properties -----------------------------------------------------------------------------------

DESCRIPTORS = st.builds(
    Descriptor, st.integers(0, 0xFFFF), st.binary(min_size=6, max_size=6).map(Obis), st.integers(0, 0xFF)
)


@given(DESCRIPTORS)
def test_every_descriptor_comes_back(descriptor: Descriptor) -> None:
    assert Descriptor.from_bytes(descriptor.to_bytes()) == descriptor
    assert str(descriptor.logical_name) in str(descriptor)


@given(DESCRIPTORS, st.none() | st.integers(0, 255), typed_values())
def test_every_attribute_request_comes_back(descriptor: Descriptor, selector: int | None, value: Any) -> None:
    parameters = b"" if selector is None else value.type.encode(value.value)
    request = AttributeRequest(descriptor.to_bytes(), selector, parameters)
    reader = Reader(xdlms.write_attribute_request(request))
    assert xdlms.read_attribute_request(reader) == request
    reader.end()


@given(st.builds(Block, st.booleans(), st.integers(0, 0xFFFFFFFF), st.binary(max_size=300)), st.integers(0, 255))
def test_every_block_comes_back(block: Block, invoke: int) -> None:
    reader = Reader(xdlms.write_block(block))
    assert xdlms.read_block(reader) == block
    reader.end()
    reply = xdlms.read_get_response(xdlms.get_block(invoke, block))
    assert reply == GetReply(block.raw, DataAccessResult.SUCCESS, block.number, block.last)


@given(st.lists(typed_values(), max_size=5))
def test_every_list_of_values_is_read_as_its_octets(values: list[Any]) -> None:
    encoded = [value.type.encode(value.value) for value in values]
    reader = Reader(bytes((len(encoded),)) + b"".join(encoded))
    assert xdlms.read_raw_values(reader) == encoded
    reader.end()


@given(st.integers(xdlms.BLOCK_OVERHEAD + 1, 0xFFFF))
def test_a_full_block_is_as_long_as_the_capacity(capacity: int) -> None:
    assert len(xdlms.get_block(0x81, Block(False, 1, bytes(capacity - xdlms.BLOCK_OVERHEAD)))) == capacity


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session["title"])
def test_the_requests_of_the_published_sessions_are_written_back(session: dict[str, Any]) -> None:
    for apdu in session["apdus"]:
        sent = bytes.fromhex(apdu["hex"])
        if sent[:2] == b"\xc0\x01":
            assert xdlms.write_get(sent[2], xdlms.read_attribute_request(Reader(sent, 3))) == sent
        elif sent[:2] == b"\xc0\x02":
            assert xdlms.write_get_next(sent[2], int.from_bytes(sent[3:], "big")) == sent
        elif sent[:2] == b"\xc4\x02":
            reply = xdlms.read_get_response(sent)
            assert reply.data is not None
            assert reply.block is not None
            assert xdlms.get_block(sent[2], Block(reply.last, reply.block, reply.data)) == sent
