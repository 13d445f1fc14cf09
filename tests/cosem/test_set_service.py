"""SET: normal, with-list, in blocks, list in blocks; what is refused changes nothing."""

from __future__ import annotations

import pytest

from cosem import xdlms
from cosem.association import Association
from cosem.data_types import OCTET_STRING
from cosem.errors import DataAccessResult
from cosem.initiate import Conformance
from cosem.request_cost import RequestLimits
from cosem.xdlms import AttributeRequest, Block, Descriptor

from .samples import CLASSIC, CLOCK, ENERGY_VALUE, LOGICAL_DEVICE_NAME, NOTE_VALUE, associated, octets

TIME_ZONE = Descriptor(8, CLOCK, 3)
NAME_VALUE = Descriptor(1, LOGICAL_DEVICE_NAME, 2)
MALFORMED = bytes.fromhex("d80203")
NOT_SUPPORTED = bytes.fromhex("d80102")


def ask(association: Association, request: bytes) -> bytes:
    response = association.handle(request)
    assert response is not None
    return response


def set_(descriptor: Descriptor, value: str) -> bytes:
    return xdlms.write_set(0xC1, AttributeRequest(descriptor.to_bytes()), bytes.fromhex(value))


def items(*descriptors: Descriptor) -> bytes:
    return bytes((len(descriptors),)) + b"".join(descriptor.to_bytes() + b"\x00" for descriptor in descriptors)


def first_block(descriptor: Descriptor, block: Block) -> bytes:
    return b"\xc1\x02\xc1" + descriptor.to_bytes() + b"\x00" + xdlms.write_block(block)


def list_first_block(block: Block, *descriptors: Descriptor) -> bytes:
    return b"\xc1\x05\xc1" + items(*descriptors) + xdlms.write_block(block)


def next_block(block: Block) -> bytes:
    return b"\xc1\x03\xc1" + xdlms.write_block(block)


def acknowledged(number: int) -> bytes:
    return b"\xc5\x02\xc1" + number.to_bytes(4, "big")


def finished(result: DataAccessResult, number: int) -> bytes:
    return bytes((0xC5, 3, 0xC1, result)) + number.to_bytes(4, "big")


@pytest.mark.parametrize("identifier", ["V414", "V415", "V420", "V416", "V419"])
def test_a_public_exchange_is_answered_octet_by_octet(identifier: str) -> None:
    association, _ = associated()
    assert association.handle(octets(identifier)) == octets(identifier, "out")


def test_the_public_set_in_blocks_writes_the_whole_value() -> None:
    association, device = associated()
    for identifier in ("V416", "V417"):
        assert association.handle(octets(identifier)) == octets(identifier, "out")
    assert device.note == bytes(range(0x20, 0x48))


def test_the_public_wrong_block_number_ends_the_transfer() -> None:
    association, _ = associated()
    ask(association, octets("V416"))
    assert association.handle(octets("V418")) == octets("V418", "out")
    assert association.handle(octets("V419")) == octets("V419", "out")


def test_a_written_value_is_read_back() -> None:
    association, device = associated()
    assert ask(association, set_(NOTE_VALUE, "0903414243")) == bytes.fromhex("c501c100")
    assert device.note == b"ABC"
    assert ask(association, bytes.fromhex("c001c1") + NOTE_VALUE.to_bytes() + b"\x00")[4:] == b"\x09\x03ABC"


REFUSED: list[tuple[str, bytes, DataAccessResult]] = [
    ("another type", set_(NOTE_VALUE, "1105"), DataAccessResult.TYPE_UNMATCHED),
    ("no value", set_(NOTE_VALUE, ""), DataAccessResult.TYPE_UNMATCHED),
    ("a value cut short", set_(NOTE_VALUE, "09054142"), DataAccessResult.TYPE_UNMATCHED),
    ("octets behind the value", set_(NOTE_VALUE, "09014100"), DataAccessResult.TYPE_UNMATCHED),
    ("a date-time in month 13", set_(Descriptor(8, CLOCK, 2), "090c07e40d01ff00030000ff8800"),
     DataAccessResult.TYPE_UNMATCHED),
    ("an attribute that is only read", set_(ENERGY_VALUE, "0600000001"), DataAccessResult.READ_WRITE_DENIED),
    ("another class", set_(Descriptor(3, LOGICAL_DEVICE_NAME, 2), "1105"), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
    ("an attribute too many", set_(Descriptor(1, LOGICAL_DEVICE_NAME, 9), "1105"), DataAccessResult.OBJECT_UNDEFINED),
    ("what its sink refuses", set_(NOTE_VALUE, "09056c61746572"), DataAccessResult.TEMPORARY_FAILURE),
    ("what its sink finds out of range", set_(NOTE_VALUE, "09056e65766572"), DataAccessResult.OTHER_REASON),
    ("selective access", b"\xc1\x01\xc1" + NOTE_VALUE.to_bytes() + b"\x01\x01\x00\x09\x00",
     DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "result"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_refused_set_says_why_and_changes_nothing(request_: bytes, result: DataAccessResult) -> None:
    association, device = associated()
    before = (device.note, device.time, device.time_zone)
    assert ask(association, request_) == bytes((0xC5, 1, 0xC1, result))
    assert (device.note, device.time, device.time_zone) == before
    assert device.reports == []


def test_a_list_has_one_result_an_item_and_writes_what_it_may() -> None:
    association, device = associated()
    request = b"\xc1\x04\xc1" + items(NOTE_VALUE, NAME_VALUE, TIME_ZONE) + bytes.fromhex("03 090141 090142 10ffc4")
    assert ask(association, request) == bytes.fromhex("c505c103000300")
    assert (device.note, device.time_zone) == (b"A", -60)


@pytest.mark.parametrize("values", ["01090141", "03090141090142090143", "02090141", "0209014109014200", ""])
def test_a_list_with_another_number_of_values_is_malformed_and_writes_nothing(values: str) -> None:
    association, device = associated()
    note = device.note
    request = b"\xc1\x04\xc1" + items(NOTE_VALUE, NOTE_VALUE) + bytes.fromhex(values)
    assert ask(association, request) == MALFORMED
    assert device.note == note


# --- blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65000])
def test_a_value_of_this_size_arrives_in_blocks(size: int) -> None:
    association, device = associated()
    value = OCTET_STRING.encode(bytes(number % 251 for number in range(size)))
    parts = [value[begin : begin + 500] for begin in range(0, len(value), 500)]
    for number, part in enumerate(parts, 1):
        block = Block(number == len(parts), number, part)
        response = ask(association, first_block(NOTE_VALUE, block) if number == 1 else next_block(block))
        expected = finished(DataAccessResult.SUCCESS, number) if block.last else acknowledged(number)
        assert response == expected
    assert OCTET_STRING.encode(device.note) == value


def test_the_result_of_the_write_comes_with_the_last_block() -> None:
    association, _ = associated()
    ask(association, first_block(ENERGY_VALUE, Block(False, 1, b"\x06\x00")))
    denied = finished(DataAccessResult.READ_WRITE_DENIED, 2)
    assert ask(association, next_block(Block(True, 2, b"\x00\x00\x01"))) == denied


def test_a_list_in_blocks_has_its_results_with_the_last() -> None:
    association, device = associated()
    head = list_first_block(Block(False, 1, bytes.fromhex("02 0901")), NOTE_VALUE, NAME_VALUE)
    assert ask(association, head) == acknowledged(1)
    assert ask(association, next_block(Block(True, 2, bytes.fromhex("41 090142")))) == bytes.fromhex(
        "c504c1020003 00000002"
    )
    assert device.note == b"A"


def test_a_list_in_blocks_that_does_not_decode_is_malformed_and_gone() -> None:
    association, _ = associated()
    ask(association, list_first_block(Block(False, 1, b"\x02\x09"), NOTE_VALUE, NAME_VALUE))
    assert ask(association, next_block(Block(True, 2, b"\x01A"))) == MALFORMED
    gone = finished(DataAccessResult.NO_LONG_SET_IN_PROGRESS, 3)
    assert ask(association, next_block(Block(True, 3, b"\x01A"))) == gone


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_wrong_block_number_ends_the_transfer(number: int) -> None:
    association, device = associated()
    note = device.note
    ask(association, first_block(NOTE_VALUE, Block(False, 1, b"\x09\x02A")))
    wrong = finished(DataAccessResult.DATA_BLOCK_NUMBER_INVALID, number)
    assert ask(association, next_block(Block(True, number, b"B"))) == wrong
    gone = finished(DataAccessResult.NO_LONG_SET_IN_PROGRESS, 2)
    assert ask(association, next_block(Block(True, 2, b"B"))) == gone
    assert device.note == note


def test_a_first_block_with_another_number_than_one_is_refused() -> None:
    association, _ = associated()
    wrong = finished(DataAccessResult.DATA_BLOCK_NUMBER_INVALID, 2)
    assert ask(association, first_block(NOTE_VALUE, Block(False, 2, b"\x09\x02A"))) == wrong


def test_a_value_beyond_the_limit_aborts_the_transfer() -> None:
    association, device = associated(limits=RequestLimits(value_octets=10))
    note = device.note
    assert ask(association, first_block(NOTE_VALUE, Block(False, 1, b"\x09\x0912345"))) == acknowledged(1)
    aborted = finished(DataAccessResult.LONG_SET_ABORTED, 2)
    assert ask(association, next_block(Block(True, 2, b"6789"))) == aborted
    gone = finished(DataAccessResult.NO_LONG_SET_IN_PROGRESS, 3)
    assert ask(association, next_block(Block(True, 3, b""))) == gone
    assert device.note == note


def test_another_set_takes_the_place_of_one_in_blocks() -> None:
    association, device = associated()
    ask(association, first_block(NOTE_VALUE, Block(False, 1, b"\x09\x02A")))
    assert ask(association, set_(TIME_ZONE, "100000")) == bytes.fromhex("c501c100")
    gone = finished(DataAccessResult.NO_LONG_SET_IN_PROGRESS, 2)
    assert ask(association, next_block(Block(True, 2, b"B"))) == gone
    assert device.time_zone == 0


@pytest.mark.parametrize(
    ("missing", "request_"),
    [
        (Conformance.MULTIPLE_REFERENCES, b"\xc1\x04\xc1" + items(NOTE_VALUE) + b"\x01\x09\x00"),
        (Conformance.MULTIPLE_REFERENCES, list_first_block(Block(False, 1, b"\x01\x09"), NOTE_VALUE)),
        (Conformance.BLOCK_TRANSFER_WITH_SET, first_block(NOTE_VALUE, Block(False, 1, b"\x09"))),
        (Conformance.BLOCK_TRANSFER_WITH_SET, list_first_block(Block(False, 1, b"\x01\x09"), NOTE_VALUE)),
    ],
    ids=["list", "list in blocks without lists", "blocks", "list in blocks without blocks"],
)
def test_every_form_needs_to_be_negotiated(missing: Conformance, request_: bytes) -> None:
    association, _ = associated(proposed=CLASSIC & ~missing)
    assert ask(association, request_) == NOT_SUPPORTED


@pytest.mark.parametrize(
    "sent", ["c1", "c101", "c106c1", "c100c1", "c102c1", "c103c1", "c103c10100000001ff", "c104c105"]
)
def test_a_malformed_set_is_an_unknown_service(sent: str) -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex(sent)) == MALFORMED
