"""GET: normal, next, with-list, selective access, and long values in blocks."""

from __future__ import annotations

import pytest

from cosem import xdlms
from cosem.association import Association
from cosem.client import range_parameters
from cosem.data_types import ANY, OCTET_STRING, decode_all
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult
from cosem.initiate import Conformance
from cosem.reader import Reader, encode_length
from cosem.request_cost import RequestLimits
from cosem.xdlms import AttributeRequest, Descriptor, GetReply

from .samples import (
    BUFFER,
    CLASSIC,
    CLOCK,
    ENERGY_VALUE,
    LABEL,
    NOTE_VALUE,
    ROW,
    Device,
    associated,
    octets,
)

NEXT_1 = bytes.fromhex("c002c100000001")


def get(descriptor: Descriptor, invoke: int = 0xC1) -> bytes:
    return xdlms.write_get(invoke, AttributeRequest(descriptor.to_bytes()))


def get_list(*descriptors: Descriptor) -> bytes:
    items = b"".join(descriptor.to_bytes() + b"\x00" for descriptor in descriptors)
    return b"\xc0\x03\xc1" + bytes((len(descriptors),)) + items


def ask(association: Association, request: bytes) -> bytes:
    response = association.handle(request)
    assert response is not None
    return response


def reply(association: Association, request: bytes) -> GetReply:
    return xdlms.read_get_response(ask(association, request))


def read_in_blocks(association: Association, request: bytes) -> list[bytes]:
    """All responses of a long GET."""
    responses = [ask(association, request)]
    while True:
        block = xdlms.read_get_response(responses[-1])
        if block.last:
            return responses
        assert block.block is not None
        responses.append(ask(association, xdlms.write_get_next(request[2], block.block)))


def joined(responses: list[bytes]) -> bytes:
    return b"".join(xdlms.read_get_response(response).data or b"" for response in responses)


@pytest.mark.parametrize("identifier", ["V262", "V263", "V408", "V409", "V411", "V413"])
def test_a_public_exchange_is_answered_octet_by_octet(identifier: str) -> None:
    association, _ = associated()
    assert association.handle(octets(identifier)) == octets(identifier, "out")


def test_the_public_long_get_of_the_green_book_has_its_two_blocks() -> None:
    # There the first block holds 30 of 52 octets, and lengths are in the short form.
    association, _ = associated(max_pdu=30 + xdlms.BLOCK_OVERHEAD)
    first = reply(association, get(NOTE_VALUE, 0x81))
    assert (first.block, first.last, len(first.data or b"")) == (1, False, 30)
    assert reply(association, octets("V265")) == xdlms.read_get_response(octets("V265", "out"))


@pytest.mark.parametrize("invoke", [0x00, 0x01, 0x4F, 0x81, 0xC1, 0xFF])
def test_invoke_id_and_priority_come_back(invoke: int) -> None:
    association, _ = associated()
    assert ask(association, get(ENERGY_VALUE, invoke)) == bytes((0xC4, 1, invoke)) + bytes.fromhex("000600004b35")
    assert ask(association, get_list(ENERGY_VALUE)[:2] + bytes((invoke,)) + get_list(ENERGY_VALUE)[3:])[2] == invoke


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65535, 65536])
@pytest.mark.parametrize("max_pdu", [13, 125, 0xFFFF])
def test_an_octet_string_of_this_size_arrives_whole(size: int, max_pdu: int) -> None:
    note = bytes(number % 251 for number in range(size))
    association, _ = associated(max_pdu, device=Device(note=note))
    responses = read_in_blocks(association, get(NOTE_VALUE))
    assert all(len(response) <= max_pdu for response in responses)
    assert decode_all(OCTET_STRING, joined(responses)) == note


@pytest.mark.parametrize("request_", [get(NOTE_VALUE), get(BUFFER), get_list(NOTE_VALUE, ENERGY_VALUE)])
@pytest.mark.parametrize("interrupting", [False, True], ids=["at once", "after a long GET"])
def test_a_response_goes_in_one_up_to_the_very_octet_of_the_capacity(request_: bytes, interrupting: bool) -> None:
    whole = len(ask(associated()[0], request_))
    for max_pdu, in_blocks in ((whole, False), (whole - 1, True)):
        association, device = associated(max_pdu)
        if interrupting:
            device.note = bytes(1000)
            assert not reply(association, get(NOTE_VALUE)).last
            device.note = Device().note
        response = ask(association, request_)
        assert len(response) <= max_pdu
        assert (response[1] == xdlms.GET_WITH_DATABLOCK) == in_blocks


@pytest.mark.parametrize("link_limit", [-3, 1, 13, 40, 125])
def test_no_block_is_longer_than_the_link_carries_in_one_frame(link_limit: int) -> None:
    association, device = associated(link_limit=link_limit)
    responses = read_in_blocks(association, get(NOTE_VALUE))
    assert decode_all(OCTET_STRING, joined(responses)) == device.note
    assert max(map(len, responses)) <= max(link_limit, xdlms.BLOCK_OVERHEAD + 1)


def test_the_smaller_of_client_and_link_counts() -> None:
    assert associated(60, link_limit=125)[0].capacity == 60
    assert associated(125, link_limit=60)[0].capacity == 60


def test_without_block_transfer_the_link_segments_and_only_the_client_limits() -> None:
    association, _ = associated(100, CLASSIC & ~Conformance.BLOCK_TRANSFER_WITH_GET, link_limit=30)
    assert len(ask(association, get(NOTE_VALUE))) == 56
    association, _ = associated(50, CLASSIC & ~Conformance.BLOCK_TRANSFER_WITH_GET)
    assert reply(association, get(NOTE_VALUE)).result is DataAccessResult.OTHER_REASON
    assert ask(association, NEXT_1) == bytes.fromhex("d80102")


def test_a_client_too_small_for_any_block_gets_other_reason() -> None:
    association, _ = associated(12)
    assert reply(association, get(NOTE_VALUE)).result is DataAccessResult.OTHER_REASON
    assert reply(association, get(ENERGY_VALUE)).result is DataAccessResult.SUCCESS


def test_rows_are_never_split_between_blocks() -> None:
    association, device = associated(60)
    responses = read_in_blocks(association, get(BUFFER))
    assert len(responses) > 2
    for response in responses:
        reader = Reader(xdlms.read_get_response(response).data or b"")
        if response is responses[0]:
            reader.octets(2)
        while reader.remaining:
            ROW.decode(reader)
    assert decode_all(ANY, joined(responses)) == device.rows


# --- a long GET goes wrong ------------------------------------------------------------------------


def test_next_without_a_transfer_is_no_long_get_in_progress() -> None:
    association, _ = associated()
    expected = GetReply(None, DataAccessResult.NO_LONG_GET_IN_PROGRESS, 1, True)
    assert reply(association, NEXT_1) == expected
    assert reply(association, NEXT_1) == expected


@pytest.mark.parametrize("number", [0, 2, 0xFFFFFFFF])
def test_a_wrong_block_number_ends_the_transfer(number: int) -> None:
    association, _ = associated(40)
    assert not reply(association, get(NOTE_VALUE)).last
    failed = reply(association, xdlms.write_get_next(0xC1, number))
    assert failed == GetReply(None, DataAccessResult.DATA_BLOCK_NUMBER_INVALID, number, True)
    assert reply(association, NEXT_1).result is DataAccessResult.NO_LONG_GET_IN_PROGRESS


INTERRUPTIONS = {
    "GET": get(ENERGY_VALUE),
    "GET with list": get_list(ENERGY_VALUE),
    "SET": b"\xc1\x01\xc1" + NOTE_VALUE.to_bytes() + b"\x00\x09\x00",
    "ACTION": bytes.fromhex("c301c100030101010800ff01010f00"),
}


@pytest.mark.parametrize("request_", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_another_request_aborts_a_long_get_and_is_served(request_: bytes) -> None:
    association, _ = associated(40)
    reply(association, get(NOTE_VALUE))
    assert ask(association, request_)[0] == request_[0] + 4
    assert reply(association, NEXT_1).result is DataAccessResult.LONG_GET_ABORTED
    assert reply(association, NEXT_1).result is DataAccessResult.NO_LONG_GET_IN_PROGRESS


def test_a_long_get_may_begin_anew() -> None:
    association, device = associated(40)
    reply(association, get(NOTE_VALUE))
    assert decode_all(OCTET_STRING, joined(read_in_blocks(association, get(NOTE_VALUE)))) == device.note
    assert reply(association, NEXT_1).result is DataAccessResult.NO_LONG_GET_IN_PROGRESS


@pytest.mark.parametrize("sent", ["c002c1000000", "c002c10000000100"])
def test_a_malformed_next_does_not_disturb_the_transfer(sent: str) -> None:
    association, _ = associated(40)
    reply(association, get(NOTE_VALUE))
    assert ask(association, bytes.fromhex(sent)) == bytes.fromhex("d80203")
    assert reply(association, NEXT_1).result is DataAccessResult.SUCCESS


# --- with-list ------------------------------------------------------------------------------------


def test_a_list_has_one_result_an_item_in_their_order() -> None:
    association, _ = associated()
    unknown = Descriptor(1, CLOCK, 2)
    response = ask(association, get_list(ENERGY_VALUE, unknown, Descriptor(1, LABEL, 2)))
    assert response == bytes.fromhex("c403c103 000600004b35 0109 000a03303030")


def test_a_long_list_comes_in_blocks() -> None:
    association, device = associated(60)
    raw = Reader(joined(read_in_blocks(association, get_list(NOTE_VALUE, ENERGY_VALUE, BUFFER))))
    assert raw.u8() == 3
    assert raw.u8() == 0
    assert OCTET_STRING.decode(raw) == device.note
    assert raw.octets(6) == bytes.fromhex("000600004b35")
    assert raw.u8() == 0
    assert ANY.decode(raw) == device.rows
    raw.end()


def test_a_list_costs_no_more_than_the_longest_response() -> None:
    association, _ = associated(device=Device(note=bytes(0x200000)))
    reader = Reader(joined(read_in_blocks(association, get_list(*[NOTE_VALUE] * 20))))
    found = []
    for _ in range(reader.count()):
        found.append(xdlms.read_result(reader) if reader.u8() else len(xdlms.read_raw_value(reader)))
    fitting = RequestLimits().response_octets // 0x200000
    assert found == [0x200000 + 6] * fitting + [DataAccessResult.OTHER_REASON] * (20 - fitting)


def test_an_empty_list_is_answered_by_one() -> None:
    association, _ = associated()
    assert ask(association, get_list()) == bytes.fromhex("c403c100")


def test_a_list_needs_multiple_references() -> None:
    association, _ = associated(proposed=CLASSIC & ~Conformance.MULTIPLE_REFERENCES)
    assert ask(association, get_list(ENERGY_VALUE)) == bytes.fromhex("d80102")


@pytest.mark.parametrize("count", ["05", "84ffffffff", "80", ""])
def test_a_list_with_a_wrong_count_is_malformed(count: str) -> None:
    association, _ = associated()
    sent = b"\xc0\x03\xc1" + bytes.fromhex(count) + ENERGY_VALUE.to_bytes() + b"\x00"
    assert ask(association, sent) == bytes.fromhex("d80203")


# --- selective access -----------------------------------------------------------------------------


def select(selector: int, parameters: str | bytes, descriptor: Descriptor = BUFFER) -> bytes:
    raw = bytes.fromhex(parameters) if isinstance(parameters, str) else parameters
    return xdlms.write_get(0xC1, AttributeRequest(descriptor.to_bytes(), selector, raw))


DAYS = range_parameters(CLOCK, DateTime(2013, 10, 5), DateTime(2013, 10, 7))


def test_a_range_selects_rows() -> None:
    association, device = associated()
    data = reply(association, select(1, DAYS)).data
    assert data is not None
    assert decode_all(ANY, data) == device.rows[5:8]


def test_entries_select_rows() -> None:
    association, device = associated()
    data = reply(association, octets("V405")).data
    assert data is not None
    assert decode_all(ANY, data) == device.rows[:10]
    data = reply(association, octets("V406")).data
    assert data is not None
    assert decode_all(ANY, data) == device.rows


REFUSED = [
    ("an unknown selector", select(3, "00"), DataAccessResult.TYPE_UNMATCHED),
    ("entries by an unknown selector", select(3, "0204 0600000001 0600000002 120001 120000"),
     DataAccessResult.TYPE_UNMATCHED),
    ("an attribute without selection", select(1, DAYS, ENERGY_VALUE), DataAccessResult.TYPE_UNMATCHED),
    ("parameters of another type", select(1, "00"), DataAccessResult.TYPE_UNMATCHED),
    ("a range with too little in it", select(2, "0204 0600000001 0600000002 120001 00"),
     DataAccessResult.TYPE_UNMATCHED),
    ("entries out of the buffer", select(2, "0204 0600000001 0600000fff 120001 120000"),
     DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
    ("an unknown object", select(1, DAYS, Descriptor(7, CLOCK, 2)), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "result"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_refused_selection_says_why(request_: bytes, result: DataAccessResult) -> None:
    association, device = associated()
    assert reply(association, request_).result is result
    assert device.reports == []


def test_selection_needs_to_be_negotiated() -> None:
    association, _ = associated(proposed=CLASSIC & ~Conformance.SELECTIVE_ACCESS)
    assert reply(association, select(1, DAYS)).result is DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


def test_parameters_that_are_no_data_are_malformed() -> None:
    association, _ = associated()
    assert ask(association, select(1, "ff")) == bytes.fromhex("d80203")


def test_a_selection_may_stand_in_a_list() -> None:
    association, device = associated()
    items = [AttributeRequest(ENERGY_VALUE.to_bytes()), AttributeRequest(BUFFER.to_bytes(), 1, DAYS)]
    body = b"".join(map(xdlms.write_attribute_request, items))
    response = ask(association, b"\xc0\x03\xc1" + encode_length(2) + body)
    assert response[:11] == bytes.fromhex("c403c102 000600004b35 00")
    assert decode_all(ANY, response[11:]) == device.rows[5:8]
