"""READ: values, selections, methods, lists, and blocks both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.association import Association
from cosem.data_types import DOUBLE_LONG_UNSIGNED, INTEGER, LONG_UNSIGNED, OCTET_STRING
from cosem.errors import DataAccessResult
from cosem.initiate import Conformance
from cosem.reader import Reader
from cosem.request_cost import RequestLimits
from cosem.rows import RowBuffer
from cosem.short_names import apdus
from cosem.short_names.apdus import Access, BlockNumber, DataBlock, Parameterized, ReadResult, Received, Variable
from cosem.xdlms import Descriptor
from obis import Obis

from ..samples import BUFFER, CLOCK, DISCONNECTOR, ENERGY, ENERGY_VALUE, FAULTY_VALUE, NOTE_VALUE, PROFILE, Device
from .samples import CLASSIC_SN, HIDDEN, NAMES, VIEW_SN, associated

ENERGY_NAME = NAMES.name_of(ENERGY_VALUE)
NOTE = NAMES.name_of(NOTE_VALUE)
BUFFER_NAME = NAMES.name_of(BUFFER)
RESET = NAMES.name_of(Descriptor(3, ENERGY, 1), is_method=True)
SHIFT = NAMES.name_of(Descriptor(8, CLOCK, 6), is_method=True)
DISCONNECT = NAMES.name_of(Descriptor(70, DISCONNECTOR, 1), is_method=True)
FAULTY = NAMES.name_of(FAULTY_VALUE)
HIDDEN_NAME = NAMES.name_of(Descriptor(1, HIDDEN, 2))
FOR_WRITING = [Descriptor(1, HIDDEN, 2)]

SERVICE_UNSUPPORTED = bytes.fromhex("0e050302")
PDU_SIZE = bytes.fromhex("0e050301")

ENTRIES_1_TO_2 = b"\x02\x04" + b"".join(
    (DOUBLE_LONG_UNSIGNED.encode(1), DOUBLE_LONG_UNSIGNED.encode(2), LONG_UNSIGNED.encode(1), LONG_UNSIGNED.encode(0))
)


def request(*accesses: Access) -> bytes:
    return bytes((apdus.READ_REQUEST,)) + apdus.write_accesses(accesses)


def answer(association: Association, *accesses: Access) -> bytes:
    response = association.handle(request(*accesses))
    assert response is not None
    return response


def results(response: bytes) -> list[ReadResult]:
    assert response[0] == apdus.READ_RESPONSE
    return apdus.read_read_results(Reader(response, 1))


def read_in_blocks(association: Association, accesses: list[Access]) -> list[ReadResult]:
    """The results of a response in blocks, put together."""
    (block,) = results(answer(association, *accesses))
    parts = []
    while isinstance(block, DataBlock):
        parts.append(block.raw)
        if block.last:
            break
        (block,) = results(answer(association, BlockNumber(block.number)))
    return apdus.read_read_results(Reader(b"".join(parts)))


def read(association: Association, *accesses: Access) -> list[ReadResult]:
    return results(answer(association, *accesses))


# --- values ---------------------------------------------------------------------------------------


def test_a_variable_gives_its_value() -> None:
    association, _ = associated()
    assert answer(association, Variable(ENERGY_NAME)) == bytes.fromhex("0c01000600004b35")


def test_every_attribute_reads_as_its_rights_and_its_source_have_it() -> None:
    association, device = associated()
    for visible in VIEW_SN.objects:
        for index, bound in visible.object.attributes.items():
            descriptor = Descriptor(visible.object.interface_class.class_id, visible.object.logical_name, index)
            if descriptor == FAULTY_VALUE:
                continue
            (found,) = read(association, Variable(NAMES.name_of(descriptor)))
            if descriptor in FOR_WRITING:
                assert found is DataAccessResult.READ_WRITE_DENIED
                continue
            assert bound.read is not None
            value = bound.read(device)
            assert found == (value.data if isinstance(value, RowBuffer) else value)


ONE_ACCESS: list[tuple[str, Access, ReadResult]] = [
    ("an unknown name", Variable(0x0008), DataAccessResult.OBJECT_UNDEFINED),
    ("a name between two", Variable(ENERGY_NAME + 1), DataAccessResult.OBJECT_UNDEFINED),
    ("an attribute that may not be read", Variable(HIDDEN_NAME), DataAccessResult.READ_WRITE_DENIED),
    ("a fault of our own", Variable(FAULTY), DataAccessResult.OTHER_REASON),
    ("a method without a parameter", Variable(RESET), DataAccessResult.TYPE_UNMATCHED),
    ("a selection", Parameterized(BUFFER_NAME, 2, ENTRIES_1_TO_2), b"\x01\x02" + bytes.fromhex(
        "0202 120000 0600000000  0202 120001 0600000007".replace(" ", "")
    )),
    ("a selector that does not exist", Parameterized(BUFFER_NAME, 3, ENTRIES_1_TO_2), DataAccessResult.TYPE_UNMATCHED),
    ("a selection from what has none", Parameterized(NOTE, 1, b"\x00"), DataAccessResult.TYPE_UNMATCHED),
    ("parameters of another type", Parameterized(BUFFER_NAME, 2, b"\x00"), DataAccessResult.TYPE_UNMATCHED),
    ("a method", Parameterized(RESET, 0, INTEGER.encode(0)), b"\x00"),
    ("a method with another parameter", Parameterized(RESET, 0, b"\x09\x00"), DataAccessResult.TYPE_UNMATCHED),
    ("a method that may not be invoked", Parameterized(DISCONNECT, 0, INTEGER.encode(0)),
     DataAccessResult.READ_WRITE_DENIED),
    ("an unknown name with parameters", Parameterized(9, 1, b"\x00"), DataAccessResult.OBJECT_UNDEFINED),
]  # fmt: skip


@pytest.mark.parametrize(("access", "expected"), [row[1:] for row in ONE_ACCESS], ids=[row[0] for row in ONE_ACCESS])
def test_one_access_gives_one_result(access: Access, expected: ReadResult) -> None:
    association, device = associated()
    assert read(association, access) == [expected]
    assert bool(device.reports) is (access == Variable(FAULTY))
    assert association.associated


def test_a_method_is_invoked_with_its_parameter() -> None:
    association, device = associated()
    read(association, Parameterized(SHIFT, 7, b"\x10\x00\x3c"))
    assert device.invoked == [("shift", 60)]


def test_parameters_need_parameterized_access() -> None:
    association, device = associated(proposed=CLASSIC_SN & ~Conformance.PARAMETERIZED_ACCESS)
    for access in (Parameterized(BUFFER_NAME, 2, ENTRIES_1_TO_2), Parameterized(RESET, 0, INTEGER.encode(0))):
        assert read(association, access) == [DataAccessResult.SCOPE_OF_ACCESS_VIOLATED]
    assert device.invoked == []


def test_a_list_gives_its_results_in_order() -> None:
    association, device = associated()
    accesses: list[Access] = [
        Variable(ENERGY_NAME),
        Variable(8),
        Parameterized(RESET, 0, INTEGER.encode(3)),
        Variable(NOTE),
    ]
    assert read(association, *accesses) == [
        DOUBLE_LONG_UNSIGNED.encode(19253),
        DataAccessResult.OBJECT_UNDEFINED,
        b"\x00",
        OCTET_STRING.encode(device.note),
    ]
    assert device.invoked == [("reset", 3)]


def test_a_list_needs_multiple_references_and_does_nothing_without() -> None:
    association, device = associated(proposed=CLASSIC_SN & ~Conformance.MULTIPLE_REFERENCES)
    reset = Parameterized(RESET, 0, INTEGER.encode(0))
    assert answer(association, reset, reset) == SERVICE_UNSUPPORTED
    assert device.invoked == []


def test_read_needs_to_be_negotiated() -> None:
    association, _ = associated(proposed=Conformance.WRITE)
    assert answer(association, Variable(ENERGY_NAME)) == SERVICE_UNSUPPORTED


def test_a_list_costs_no_more_than_the_longest_response() -> None:
    device = Device(note=bytes(0x200000))
    association, _ = associated(device=device)
    found = read_in_blocks(association, [Variable(NOTE)] * 20)
    fitting = RequestLimits().response_octets // 0x200000
    assert [isinstance(result, bytes) for result in found] == [number < fitting for number in range(20)]
    assert found[fitting:] == [DataAccessResult.OTHER_REASON] * (20 - fitting)


# --- long responses -------------------------------------------------------------------------------


def test_a_long_response_comes_in_blocks_that_hold_the_list_of_results() -> None:
    association, device = associated(max_pdu=40)
    first = answer(association, Variable(NOTE))
    assert first == bytes.fromhex("0c01 02 00 0001 1f 0100 0932") + device.note[:27]
    assert len(first) <= 40
    second = answer(association, BlockNumber(1))
    assert second == bytes.fromhex("0c01 02 01 0002 17") + device.note[27:]
    assert read(association, BlockNumber(2)) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]


@given(st.integers(12, 200), st.integers(0, 40))
def test_blocks_put_together_are_the_response_whatever_the_client_takes(max_pdu: int, rows: int) -> None:
    device = Device(rows=[(number, number) for number in range(rows)])
    whole, _ = associated(device=Device(rows=device.rows))
    wanted = Variable(NOTE), Variable(BUFFER_NAME), Variable(FAULTY)
    expected = answer(whole, *wanted)
    association, _ = associated(max_pdu=max_pdu, device=device)
    response = answer(association, *wanted)
    if len(expected) <= max_pdu:
        assert response == expected
        return
    assert len(response) <= max_pdu
    (block,) = results(response)
    parts = []
    while True:
        assert isinstance(block, DataBlock)
        parts.append(block.raw)
        assert block.number == len(parts)
        if block.last:
            break
        response = answer(association, BlockNumber(block.number))
        assert len(response) <= max_pdu
        (block,) = results(response)
    assert b"".join(parts) == expected[1:]


def test_a_wrong_block_number_ends_the_transfer() -> None:
    association, _ = associated(max_pdu=40)
    read(association, Variable(NOTE))
    assert read(association, BlockNumber(2)) == [DataAccessResult.DATA_BLOCK_NUMBER_INVALID]
    assert read(association, BlockNumber(1)) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]


def test_another_read_ends_the_transfer_and_is_served() -> None:
    association, _ = associated(max_pdu=40)
    read(association, Variable(NOTE))
    assert read(association, Variable(ENERGY_NAME)) == [DOUBLE_LONG_UNSIGNED.encode(19253)]
    assert read(association, BlockNumber(1)) == [DataAccessResult.LONG_GET_ABORTED]
    assert read(association, BlockNumber(1)) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]


def test_without_blocks_what_is_too_long_is_refused() -> None:
    proposed = CLASSIC_SN & ~Conformance.BLOCK_TRANSFER_WITH_GET
    association, _ = associated(max_pdu=40, proposed=proposed)
    assert answer(association, Variable(NOTE)) == PDU_SIZE
    assert answer(association, BlockNumber(1)) == SERVICE_UNSUPPORTED
    assert answer(association, DataBlock(True, 1, b"\x00")) == SERVICE_UNSUPPORTED


def test_blocks_do_not_outnumber_their_numbers() -> None:
    device = Device(note=bytes(0x30000))
    association, _ = associated(max_pdu=12, device=device)
    (block,) = read(association, Variable(NOTE))
    for number in range(1, 0xFFFF):
        (block,) = read(association, BlockNumber(number))
    assert block == DataBlock(False, 0xFFFF, bytes(3))
    assert read(association, BlockNumber(0xFFFF)) == [DataAccessResult.DATA_BLOCK_UNAVAILABLE]
    assert read(association, BlockNumber(0xFFFF)) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]


def test_the_frames_of_the_link_do_not_cut_a_response() -> None:
    association, device = associated(link_limit=32)
    assert read(association, Variable(NOTE)) == [OCTET_STRING.encode(device.note)]


# --- long requests --------------------------------------------------------------------------------


def test_a_long_request_in_blocks_is_served_after_the_last() -> None:
    association, device = associated()
    contents = apdus.write_accesses([Variable(ENERGY_NAME), Parameterized(RESET, 0, INTEGER.encode(1))])
    assert read(association, DataBlock(False, 1, contents[:4])) == [Received(1)]
    assert device.invoked == []
    assert read(association, DataBlock(True, 2, contents[4:])) == [DOUBLE_LONG_UNSIGNED.encode(19253), b"\x00"]
    assert device.invoked == [("reset", 1)]


def test_block_one_begins_anew() -> None:
    association, _ = associated()
    contents = apdus.write_accesses([Variable(ENERGY_NAME)])
    read(association, DataBlock(False, 1, b"\x7f"))
    assert read(association, DataBlock(True, 1, contents)) == [DOUBLE_LONG_UNSIGNED.encode(19253)]


LONG_REQUESTS: list[tuple[str, list[DataBlock], DataAccessResult]] = [
    ("no first block", [DataBlock(True, 2, b"")], DataAccessResult.NO_LONG_GET_IN_PROGRESS),
    ("a gap", [DataBlock(False, 1, b""), DataBlock(True, 3, b"")], DataAccessResult.DATA_BLOCK_NUMBER_INVALID),
    ("a block twice", [DataBlock(False, 1, b""), DataBlock(False, 2, b""), DataBlock(False, 2, b"")],
     DataAccessResult.DATA_BLOCK_NUMBER_INVALID),
    ("more octets than are kept", [DataBlock(False, 1, bytes(100)), DataBlock(False, 2, bytes(29))],
     DataAccessResult.LONG_GET_ABORTED),
    ("no request in the end", [DataBlock(False, 1, b"\x01"), DataBlock(True, 2, b"\x09")],
     DataAccessResult.OTHER_REASON),
    ("an empty list in the end", [DataBlock(True, 1, b"\x00")], DataAccessResult.OTHER_REASON),
    ("a block inside", [DataBlock(True, 1, bytes.fromhex("01050001"))], DataAccessResult.TYPE_UNMATCHED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("blocks", "result"), [row[1:] for row in LONG_REQUESTS], ids=[row[0] for row in LONG_REQUESTS]
)
def test_a_long_request_that_goes_wrong_is_gone(blocks: list[DataBlock], result: DataAccessResult) -> None:
    association, device = associated(limits=RequestLimits(value_octets=128))
    for block in blocks[:-1]:
        assert read(association, block) == [Received(block.number)]
    assert read(association, blocks[-1]) == [result]
    assert read(association, DataBlock(True, blocks[-1].number + 1, b"")) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]
    assert device.reports == []


def test_a_plain_request_ends_one_in_blocks() -> None:
    association, _ = associated()
    read(association, DataBlock(False, 1, b"\x01"))
    read(association, Variable(NOTE))
    assert read(association, DataBlock(True, 2, b"")) == [DataAccessResult.NO_LONG_GET_IN_PROGRESS]


@pytest.mark.parametrize("block", [BlockNumber(1), DataBlock(True, 1, b"\x00"), apdus.WriteBlock(True, 1)])
def test_blocks_among_other_accesses_are_no_accesses(block: Access) -> None:
    association, _ = associated()
    assert read(association, Variable(ENERGY_NAME), block) == [
        DOUBLE_LONG_UNSIGNED.encode(19253),
        DataAccessResult.TYPE_UNMATCHED,
    ]


def test_long_transfers_do_not_survive_the_association() -> None:
    association, _ = associated(max_pdu=40)
    read(association, Variable(NOTE))
    association.reset()
    assert answer(association, BlockNumber(1)) == bytes.fromhex("0e050201")


def test_the_profile_reads_with_names_as_with_descriptors() -> None:
    association, device = associated()
    (found,) = read(association, Variable(NAMES.name_of(Descriptor(7, PROFILE, 7))))
    assert found == DOUBLE_LONG_UNSIGNED.encode(len(device.rows))
    assert NAMES.name_of(Descriptor(7, Obis(PROFILE), 7)) == NAMES.name_of(Descriptor(7, PROFILE, 1)) + 0x30
