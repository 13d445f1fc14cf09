"""WRITE and UnconfirmedWrite: attributes, methods, lists, blocks."""

from __future__ import annotations

import pytest

from cosem.association import Association
from cosem.data_types import INTEGER, OCTET_STRING
from cosem.errors import DataAccessResult
from cosem.initiate import Conformance
from cosem.reader import Reader
from cosem.request_cost import RequestLimits
from cosem.short_names import apdus
from cosem.short_names.apdus import Access, BlockNumber, Parameterized, Received, Variable, WriteBlock, WriteResult
from cosem.xdlms import Descriptor

from ..samples import CLOCK, DISCONNECTOR, ENERGY, ENERGY_VALUE, FAULTY_VALUE, NOTE_VALUE
from .samples import CLASSIC_SN, HIDDEN, NAMES, associated

ENERGY_NAME = NAMES.name_of(ENERGY_VALUE)
NOTE = NAMES.name_of(NOTE_VALUE)
ZONE = NAMES.name_of(Descriptor(8, CLOCK, 3))
RESET = NAMES.name_of(Descriptor(3, ENERGY, 1), is_method=True)
DISCONNECT = NAMES.name_of(Descriptor(70, DISCONNECTOR, 1), is_method=True)
FAULTY = NAMES.name_of(FAULTY_VALUE)
HIDDEN_NAME = NAMES.name_of(Descriptor(1, HIDDEN, 2))

NEW = OCTET_STRING.encode(b"new")
SERVICE_UNSUPPORTED = bytes.fromhex("0e060302")


def request(accesses: list[Access], values: list[bytes]) -> bytes:
    return bytes((apdus.WRITE_REQUEST,)) + apdus.write_contents(accesses, values)


def answer(association: Association, accesses: list[Access], values: list[bytes]) -> bytes:
    response = association.handle(request(accesses, values))
    assert response is not None
    return response


def write(association: Association, accesses: list[Access], values: list[bytes]) -> list[WriteResult]:
    response = answer(association, accesses, values)
    assert response[0] == apdus.WRITE_RESPONSE
    return apdus.read_write_results(Reader(response, 1))


def block(association: Association, last: bool, number: int, raw: bytes) -> list[WriteResult]:
    return write(association, [WriteBlock(last, number)], apdus.block_contents(raw))


def test_an_attribute_is_set() -> None:
    association, device = associated()
    assert answer(association, [Variable(NOTE)], [NEW]) == bytes.fromhex("0d0100")
    assert device.note == b"new"


def test_a_method_is_invoked() -> None:
    association, device = associated()
    assert write(association, [Variable(RESET)], [INTEGER.encode(5)]) == [DataAccessResult.SUCCESS]
    assert device.invoked == [("reset", 5)]


REFUSED: list[tuple[str, Access, bytes, DataAccessResult]] = [
    ("an unknown name", Variable(8), NEW, DataAccessResult.OBJECT_UNDEFINED),
    ("a name between two", Variable(NOTE + 4), NEW, DataAccessResult.OBJECT_UNDEFINED),
    ("no right", Variable(ENERGY_NAME), NEW, DataAccessResult.READ_WRITE_DENIED),
    ("no right by the sink", Variable(HIDDEN_NAME), b"\x11\x05", DataAccessResult.READ_WRITE_DENIED),
    ("another type", Variable(NOTE), b"\x11\x05", DataAccessResult.TYPE_UNMATCHED),
    ("a value outside the range", Variable(NOTE), OCTET_STRING.encode(b"never"), DataAccessResult.OTHER_REASON),
    ("a value for later", Variable(NOTE), OCTET_STRING.encode(b"later"), DataAccessResult.TEMPORARY_FAILURE),
    ("a fault of our own", Variable(FAULTY), b"\x11\x05", DataAccessResult.OTHER_REASON),
    ("a part of an attribute", Parameterized(NOTE, 1, b"\x00"), NEW, DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
    ("a method with parameters", Parameterized(RESET, 0, b"\x0f\x00"), b"\x0f\x00",
     DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
    ("a method that may not be invoked", Variable(DISCONNECT), b"\x0f\x00", DataAccessResult.READ_WRITE_DENIED),
    ("a method with another parameter", Variable(RESET), NEW, DataAccessResult.TYPE_UNMATCHED),
    ("a block number of a READ", BlockNumber(1), NEW, DataAccessResult.TYPE_UNMATCHED),
]  # fmt: skip


@pytest.mark.parametrize(("access", "value", "result"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_written_is_refused_and_changes_nothing(
    access: Access, value: bytes, result: DataAccessResult
) -> None:
    association, device = associated()
    before = device.note
    assert write(association, [access], [value]) == [result]
    assert device.note == before
    assert device.invoked == []
    assert bool(device.reports) is (access == Variable(FAULTY))
    assert association.associated


def test_a_list_is_written_one_by_one() -> None:
    association, device = associated()
    accesses: list[Access] = [Variable(NOTE), Variable(8), Variable(ZONE), WriteBlock(True, 1)]
    assert write(association, accesses, [NEW, NEW, b"\x10\x00\x3c", NEW]) == [
        DataAccessResult.SUCCESS,
        DataAccessResult.OBJECT_UNDEFINED,
        DataAccessResult.SUCCESS,
        DataAccessResult.TYPE_UNMATCHED,
    ]
    assert (device.note, device.time_zone) == (b"new", 60)


@pytest.mark.parametrize("missing", [Conformance.WRITE, Conformance.MULTIPLE_REFERENCES])
def test_what_was_not_negotiated_is_refused_and_does_nothing(missing: Conformance) -> None:
    association, device = associated(proposed=CLASSIC_SN & ~missing)
    before = device.note
    assert answer(association, [Variable(NOTE), Variable(ZONE)], [NEW, b"\x10\x00\x3c"]) == SERVICE_UNSUPPORTED
    assert (device.note, device.time_zone) == (before, -60)


def test_a_list_whose_results_might_be_too_long_is_refused_before_anything_is_written() -> None:
    association, device = associated(max_pdu=12)
    before = device.note
    assert answer(association, [Variable(NOTE)] * 6, [NEW] * 6) == bytes.fromhex("0e060301")
    assert device.note == before
    assert write(association, [Variable(8)] * 5, [NEW] * 5) == [DataAccessResult.OBJECT_UNDEFINED] * 5


# --- blocks ---------------------------------------------------------------------------------------


def test_a_long_request_in_blocks_is_served_after_the_last() -> None:
    association, device = associated()
    contents = apdus.write_contents([Variable(NOTE), Variable(RESET)], [NEW, INTEGER.encode(1)])
    before = device.note
    assert block(association, False, 1, contents[:5]) == [Received(1)]
    assert block(association, False, 2, contents[5:9]) == [Received(2)]
    assert (device.note, device.invoked) == (before, [])
    assert block(association, True, 3, contents[9:]) == [DataAccessResult.SUCCESS] * 2
    assert (device.note, device.invoked) == (b"new", [("reset", 1)])
    assert block(association, True, 4, b"") == [DataAccessResult.NO_LONG_SET_IN_PROGRESS]


LONG_REQUESTS: list[tuple[str, list[tuple[bool, int, bytes]], DataAccessResult]] = [
    ("no first block", [(True, 2, b"")], DataAccessResult.NO_LONG_SET_IN_PROGRESS),
    ("a gap", [(False, 1, b""), (True, 3, b"")], DataAccessResult.DATA_BLOCK_NUMBER_INVALID),
    ("more octets than are kept", [(False, 1, bytes(100)), (False, 2, bytes(29))], DataAccessResult.LONG_SET_ABORTED),
    ("no request in the end", [(False, 1, b"\x01"), (True, 2, b"\x09")], DataAccessResult.OTHER_REASON),
    ("nothing in the end", [(True, 1, b"\x00\x00")], DataAccessResult.OTHER_REASON),
    ("a block inside", [(True, 1, bytes.fromhex("01 07010001 01 0900"))], DataAccessResult.TYPE_UNMATCHED),
]


@pytest.mark.parametrize(
    ("blocks", "result"), [row[1:] for row in LONG_REQUESTS], ids=[row[0] for row in LONG_REQUESTS]
)
def test_a_long_request_that_goes_wrong_is_gone(
    blocks: list[tuple[bool, int, bytes]], result: DataAccessResult
) -> None:
    association, device = associated(limits=RequestLimits(value_octets=128))
    for last, number, raw in blocks[:-1]:
        assert block(association, last, number, raw) == [Received(number)]
    assert block(association, *blocks[-1]) == [result]
    assert block(association, True, blocks[-1][1] + 1, b"") == [DataAccessResult.NO_LONG_SET_IN_PROGRESS]
    assert device.reports == []


def test_a_block_is_an_octet_string() -> None:
    association, _ = associated()
    assert write(association, [WriteBlock(True, 1)], [b"\x11\x05"]) == [DataAccessResult.TYPE_UNMATCHED]
    assert block(association, True, 2, b"") == [DataAccessResult.NO_LONG_SET_IN_PROGRESS]


def test_a_plain_request_ends_one_in_blocks_and_a_read_does_not() -> None:
    association, device = associated()
    contents = apdus.write_contents([Variable(NOTE)], [NEW])
    block(association, False, 1, contents[:3])
    association.handle(bytes.fromhex("050102fa00"))
    assert block(association, True, 2, contents[3:]) == [DataAccessResult.SUCCESS]
    block(association, False, 1, contents[:3])
    write(association, [Variable(NOTE)], [OCTET_STRING.encode(b"other")])
    assert block(association, True, 2, contents[3:]) == [DataAccessResult.NO_LONG_SET_IN_PROGRESS]
    assert device.note == b"other"


def test_blocks_need_to_be_negotiated() -> None:
    association, _ = associated(proposed=CLASSIC_SN & ~Conformance.BLOCK_TRANSFER_WITH_SET)
    assert answer(association, [WriteBlock(True, 1)], apdus.block_contents(b"")) == SERVICE_UNSUPPORTED


# --- unconfirmed ----------------------------------------------------------------------------------


def unconfirmed(accesses: list[Access], values: list[bytes]) -> bytes:
    return bytes((apdus.UNCONFIRMED_WRITE_REQUEST,)) + apdus.write_contents(accesses, values)


def test_an_unconfirmed_write_is_done_in_silence() -> None:
    association, device = associated()
    assert association.handle(unconfirmed([Variable(NOTE), Variable(RESET)], [NEW, INTEGER.encode(2)])) is None
    assert (device.note, device.invoked) == (b"new", [("reset", 2)])


SILENT: list[tuple[str, bytes, int]] = [
    ("what cannot be written", unconfirmed([Variable(ENERGY_NAME)], [NEW]), CLASSIC_SN),
    ("a block", unconfirmed([WriteBlock(True, 1)], [b"\x09\x00"]), CLASSIC_SN),
    ("octets that do not decode", b"\x16\x01", CLASSIC_SN),
    ("more data than accesses", unconfirmed([], [NEW]), CLASSIC_SN),
    ("not negotiated", unconfirmed([Variable(NOTE)], [NEW]), CLASSIC_SN & ~Conformance.UNCONFIRMED_WRITE),
    ("a list, not negotiated", unconfirmed([Variable(NOTE)] * 2, [NEW] * 2),
     CLASSIC_SN & ~Conformance.MULTIPLE_REFERENCES),
    ("too long for us", unconfirmed([Variable(NOTE)], [OCTET_STRING.encode(bytes(0x400))]), CLASSIC_SN),
]  # fmt: skip


@pytest.mark.parametrize(("apdu", "proposed"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT])
def test_nobody_learns_what_became_of_an_unconfirmed_write(apdu: bytes, proposed: int) -> None:
    association, device = associated(proposed=proposed)
    before = device.note
    assert association.handle(apdu) is None
    assert device.note == before
    assert device.reports == []
    assert association.associated
    association.reset()
    assert association.handle(apdu) is None
