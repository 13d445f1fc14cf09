"""ACTION: normal, with-list, in blocks, list in blocks; what is refused invokes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import xdlms
from cosem.acse import Mechanism
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.client import Client
from cosem.data_types import OCTET_STRING, UNSIGNED
from cosem.errors import ActionResult
from cosem.initiate import Conformance
from cosem.interface_class import CosemObject, InterfaceClass, Method
from cosem.object_model import ObjectView, VisibleObject
from cosem.request_cost import RequestLimits
from cosem.xdlms import Block, Descriptor

from .samples import (
    CLASSIC,
    CLOCK,
    DISCONNECTOR,
    ENERGY,
    IMAGE,
    SCRIPTS,
    Device,
    ScriptTable,
    aarq,
    associated,
    octets,
    run,
)

RESET = Descriptor(3, ENERGY, 1)
SHIFT = Descriptor(8, CLOCK, 6)
TRANSFER = Descriptor(18, IMAGE, 2)
MALFORMED = bytes.fromhex("d80203")
NOT_SUPPORTED = bytes.fromhex("d80102")


def ask(association: Association, request: bytes) -> bytes:
    response = association.handle(request)
    assert response is not None
    return response


def action(descriptor: Descriptor, parameter: str | None) -> bytes:
    return xdlms.write_action(0xC1, descriptor.to_bytes(), None if parameter is None else bytes.fromhex(parameter))


def result(code: ActionResult) -> bytes:
    return bytes((0xC7, 1, 0xC1, code, 0))


def first_block(descriptor: Descriptor, block: Block) -> bytes:
    return b"\xc3\x04\xc1" + descriptor.to_bytes() + xdlms.write_block(block)


def list_first_block(block: Block, *descriptors: Descriptor) -> bytes:
    return b"\xc3\x05\xc1" + items(*descriptors) + xdlms.write_block(block)


def items(*descriptors: Descriptor) -> bytes:
    return bytes((len(descriptors),)) + b"".join(descriptor.to_bytes() for descriptor in descriptors)


def next_block(block: Block) -> bytes:
    return b"\xc3\x06\xc1" + xdlms.write_block(block)


def acknowledged(number: int) -> bytes:
    return b"\xc7\x04\xc1" + number.to_bytes(4, "big")


@pytest.mark.parametrize("identifier", ["V142", "V421"])
def test_a_public_exchange_is_answered_octet_by_octet(identifier: str) -> None:
    association, device = associated()
    assert association.handle(octets(identifier)) == octets(identifier, "out")
    assert device.invoked == ([("script", 2)] if identifier == "V142" else [])


def test_the_public_action_in_blocks_invokes_with_the_whole_parameter() -> None:
    association, device = associated()
    for identifier in ("V423", "V424"):
        assert association.handle(octets(identifier)) == octets(identifier, "out")
    assert device.invoked == [("image", bytes(range(0x20, 0x48)))]


def test_a_method_gets_its_parameter_decoded() -> None:
    association, device = associated()
    assert ask(association, action(SHIFT, "10ffff")) == result(ActionResult.SUCCESS)
    assert device.invoked == [("shift", -1)]


REFUSED: list[tuple[str, bytes, ActionResult]] = [
    ("no parameter", action(RESET, None), ActionResult.TYPE_UNMATCHED),
    ("a parameter of another type", action(RESET, "1100"), ActionResult.TYPE_UNMATCHED),
    ("a parameter cut short", action(SHIFT, "10ff"), ActionResult.TYPE_UNMATCHED),
    ("an empty parameter", action(SHIFT, ""), ActionResult.TYPE_UNMATCHED),
    ("octets behind the parameter", action(RESET, "0f0000"), ActionResult.TYPE_UNMATCHED),
    ("an unknown object", octets("V422"), ActionResult.OBJECT_UNDEFINED),
    ("a method that is nobody's right", octets("V064"), ActionResult.READ_WRITE_DENIED),
    ("another class", action(Descriptor(9, ENERGY, 1), "0f00"), ActionResult.OBJECT_CLASS_INCONSISTENT),
    ("a method too many", action(Descriptor(3, ENERGY, 2), "0f00"), ActionResult.OBJECT_UNDEFINED),
    ("a method that is not visible", action(Descriptor(70, DISCONNECTOR, 1), "0f00"), ActionResult.READ_WRITE_DENIED),
]


@pytest.mark.parametrize(("request_", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_refused_action_says_why_and_invokes_nothing(request_: bytes, code: ActionResult) -> None:
    association, device = associated()
    assert ask(association, request_) == bytes((0xC7, 1, request_[2], code, 0))
    assert (device.invoked, device.reports) == ([], [])


def test_a_fault_of_our_own_is_reported_and_answered_other_reason() -> None:
    def fail(device: Device, value: int) -> None:
        raise ZeroDivisionError

    faulty = CosemObject(ScriptTable, SCRIPTS, [], {ScriptTable.execute: fail})
    view = ObjectView([VisibleObject(faulty, {}, frozenset((1,)))])
    device = Device()
    definition = AssociationDefinition(16, 1, Mechanism.LOWEST, CLASSIC, 500, view, lambda context: b"")
    association = Association(definition, device, device.report)
    ask(association, aarq())
    request = action(Descriptor(9, SCRIPTS, 1), "120001")
    assert ask(association, request) == result(ActionResult.OTHER_REASON)
    ((error, apdu),) = device.reports
    assert isinstance(error, ZeroDivisionError)
    assert apdu == request
    assert association.associated


def test_a_list_has_one_result_an_item_and_invokes_what_it_may() -> None:
    association, device = associated()
    request = b"\xc3\x03\xc1" + items(RESET, Descriptor(70, DISCONNECTOR, 1), SHIFT)
    assert ask(association, request + bytes.fromhex("03 0f00 0f00 100001")) == bytes.fromhex("c703c103 0000 0300 0000")
    assert device.invoked == [("reset", 0), ("shift", 1)]


@pytest.mark.parametrize("parameters", ["010f00", "030f000f000f00", "020f00", "020f000f0000", ""])
def test_a_list_with_another_number_of_parameters_is_malformed_and_invokes_nothing(parameters: str) -> None:
    association, device = associated()
    assert ask(association, b"\xc3\x03\xc1" + items(RESET, RESET) + bytes.fromhex(parameters)) == MALFORMED
    assert device.invoked == []


# --- blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65000])
def test_a_parameter_of_this_size_arrives_in_blocks(size: int) -> None:
    association, device = associated()
    value = bytes(number % 251 for number in range(size))
    encoded = OCTET_STRING.encode(value)
    parts = [encoded[begin : begin + 500] for begin in range(0, len(encoded), 500)]
    for number, part in enumerate(parts, 1):
        block = Block(number == len(parts), number, part)
        response = ask(association, first_block(TRANSFER, block) if number == 1 else next_block(block))
        assert response == (result(ActionResult.SUCCESS) if block.last else acknowledged(number))
    assert device.invoked == [("image", value)]


def test_a_list_in_blocks_has_its_results_with_the_last() -> None:
    association, device = associated()
    assert ask(association, list_first_block(Block(False, 1, b"\x02\x0f"), RESET, SHIFT)) == acknowledged(1)
    last = next_block(Block(True, 2, bytes.fromhex("00 10ffff")))
    assert ask(association, last) == bytes.fromhex("c703c102 0000 0000")
    assert device.invoked == [("reset", 0), ("shift", -1)]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_wrong_block_number_aborts_the_transfer(number: int) -> None:
    association, device = associated()
    ask(association, first_block(TRANSFER, Block(False, 1, b"\x09\x02A")))
    wrong = next_block(Block(True, number, b"B"))
    assert ask(association, wrong) == result(ActionResult.LONG_ACTION_ABORTED)
    assert ask(association, wrong) == result(ActionResult.NO_LONG_ACTION_IN_PROGRESS)
    assert device.invoked == []


def test_a_parameter_beyond_the_limit_aborts_the_transfer() -> None:
    association, device = associated(limits=RequestLimits(value_octets=10))
    assert ask(association, first_block(TRANSFER, Block(False, 1, b"\x09\x0912345"))) == acknowledged(1)
    assert ask(association, next_block(Block(True, 2, b"6789"))) == result(ActionResult.LONG_ACTION_ABORTED)
    assert device.invoked == []


def test_another_action_takes_the_place_of_one_in_blocks() -> None:
    association, _ = associated()
    ask(association, first_block(TRANSFER, Block(False, 1, b"\x09\x02A")))
    ask(association, action(RESET, "0f00"))
    gone = result(ActionResult.NO_LONG_ACTION_IN_PROGRESS)
    assert ask(association, next_block(Block(True, 2, b"B"))) == gone


def test_no_return_value_is_ever_in_progress() -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex("c302c100000001")) == result(ActionResult.NO_LONG_ACTION_IN_PROGRESS)


@pytest.mark.parametrize(
    ("missing", "request_"),
    [
        (Conformance.MULTIPLE_REFERENCES, b"\xc3\x03\xc1" + items(RESET) + b"\x01\x0f\x00"),
        (Conformance.MULTIPLE_REFERENCES, list_first_block(Block(False, 1, b"\x01\x0f"), RESET)),
        (Conformance.BLOCK_TRANSFER_WITH_ACTION, first_block(TRANSFER, Block(False, 1, b"\x09"))),
        (Conformance.BLOCK_TRANSFER_WITH_ACTION, list_first_block(Block(False, 1, b"\x01\x0f"), RESET)),
    ],
    ids=["list", "list in blocks without lists", "blocks", "list in blocks without blocks"],
)
def test_every_form_needs_to_be_negotiated(missing: Conformance, request_: bytes) -> None:
    association, _ = associated(proposed=CLASSIC & ~missing)
    assert ask(association, request_) == NOT_SUPPORTED


@pytest.mark.parametrize("sent", ["c3", "c301", "c301c1", "c307c1", "c302c1", "c302c10000000100", "c303c105", "c306c1"])
def test_a_malformed_action_is_an_unknown_service(sent: str) -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex(sent)) == MALFORMED


# --- methods that return data -----------------------------------------------------------------------


class Tellers(InterfaceClass):
    """A class of our own: one method that gives back its parameter, so many times."""

    class_id = 9999
    version = 0
    repeat = Method(1, UNSIGNED, OCTET_STRING)


def telling(max_pdu: int = 0xFFFF, proposed: int = CLASSIC) -> Association:
    teller = CosemObject(Tellers, SCRIPTS, [], {Tellers.repeat: lambda context, times: bytes(range(times))})
    view = ObjectView([VisibleObject(teller, {}, frozenset((1,)))])
    device = Device()
    definition = AssociationDefinition(16, 1, Mechanism.LOWEST, CLASSIC, 500, view, lambda context: b"")
    association = Association(definition, device, device.report)
    ask(association, aarq(max_pdu, proposed))
    return association


TELL = Descriptor(9999, SCRIPTS, 1)


def test_what_a_method_returns_stands_in_its_response() -> None:
    assert ask(telling(), action(TELL, "1103")) == bytes.fromhex("c701c1 00 0100 0903000102")


def test_in_a_list_each_result_has_its_data() -> None:
    request = b"\xc3\x03\xc1" + items(TELL, RESET) + bytes.fromhex("02 1101 0f00")
    assert ask(telling(), request) == bytes.fromhex("c703c1 02 00 0100 090100 0400")


@given(st.integers(0, 255), st.integers(16, 64))
def test_what_is_too_long_for_one_response_comes_in_blocks_that_fit(times: int, max_pdu: int) -> None:
    association = telling(max_pdu)
    returned, responses = run(association, Client().action(TELL, UNSIGNED.encode(times)))
    assert returned == OCTET_STRING.encode(bytes(range(times)))
    assert max(map(len, responses)) <= max_pdu


def test_without_block_transfer_what_is_too_long_is_refused() -> None:
    association = telling(64, CLASSIC & ~Conformance.BLOCK_TRANSFER_WITH_ACTION)
    assert ask(association, action(TELL, "1164")) == result(ActionResult.OTHER_REASON)


def test_a_wrong_block_number_ends_the_transfer() -> None:
    association = telling(64)
    assert ask(association, action(TELL, "1180"))[:8] == bytes.fromhex("c702c10000000001")
    assert ask(association, xdlms.write_action_next(0xC1, 2)) == result(ActionResult.LONG_ACTION_ABORTED)
    assert ask(association, xdlms.write_action_next(0xC1, 1)) == result(ActionResult.NO_LONG_ACTION_IN_PROGRESS)


def test_another_action_ends_the_transfer() -> None:
    association = telling(64)
    ask(association, action(TELL, "1180"))
    assert ask(association, action(TELL, "1100")) == bytes.fromhex("c701c1 00 0100 0900")
    assert ask(association, xdlms.write_action_next(0xC1, 1)) == result(ActionResult.NO_LONG_ACTION_IN_PROGRESS)
