"""The APPL cases of the DLMS conformance test plan where names are short, and every refusal of a whole request."""

from __future__ import annotations

from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse, initiate
from cosem.acse import ApplicationContext, AssociationResult, UserDiagnostic
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.initiate import Conformance
from cosem.short_names.refusals import refusal
from cosem.xdlms import ServiceFault

from .. import samples as long_names
from .samples import CLASSIC_SN, NAMES, VIEW_SN, aarq, associated, definition, idle

LOGICAL_NAME = bytes.fromhex("050102fa00")
LOGICAL_NAME_ANSWER = bytes.fromhex("0c0100 09060000280000ff")
NO_CONTEXT = bytes.fromhex("0e050201")
RLRQ, RLRE = bytes.fromhex("6203800100"), bytes.fromhex("6303800100")


def ask(association: Association, apdu: bytes) -> bytes:
    answer = association.handle(apdu)
    assert answer is not None
    return answer


def test_appl_idle_n1_read_without_association() -> None:
    association, _ = idle()
    assert ask(association, LOGICAL_NAME) == NO_CONTEXT
    assert ask(association, bytes.fromhex("060102fa000100")) == bytes.fromhex("0e060201")
    assert association.handle(bytes.fromhex("160102fa000100")) is None


def test_appl_open_1_open_check_release() -> None:
    association, _ = idle()
    answer = acse.read_aare(ask(association, aarq(conformance=0x7C7BE0)))
    assert answer.context_name == acse.context_name(ApplicationContext.SN)
    assert (answer.result, answer.diagnostic) == (AssociationResult.ACCEPTED, UserDiagnostic.NULL)
    assert answer.user_information is not None
    granted = initiate.read_initiate_response(answer.user_information)
    assert granted.conformance == CLASSIC_SN & 0x7C7BE0
    assert (granted.dlms_version, granted.vaa_name) == (6, 0xFA00)
    assert granted.max_receive_pdu > 12
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert ask(association, RLRQ) == RLRE
    assert ask(association, LOGICAL_NAME) == NO_CONTEXT


def test_appl_open_5_the_context_decides_between_long_and_short_names() -> None:
    association, _ = idle()
    answer = acse.read_aare(ask(association, long_names.aarq()))
    assert answer.diagnostic == UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
    other, _ = long_names.idle()
    answer = acse.read_aare(ask(other, aarq()))
    assert answer.diagnostic == UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED


def test_appl_open_13_services_of_long_names_are_not_granted() -> None:
    # S2: everything is proposed; S3: GET only.
    association, _ = idle(conformance=reduce(or_, Conformance))
    answer = acse.read_aare(ask(association, aarq(conformance=0xFFFFFF)))
    assert answer.user_information is not None
    granted = initiate.read_initiate_response(answer.user_information).conformance
    assert granted & initiate.LN_ONLY == 0
    assert granted & CLASSIC_SN == CLASSIC_SN
    answer = acse.read_aare(ask(association, aarq(conformance=Conformance.GET)))
    assert answer.result == AssociationResult.REJECTED_PERMANENT
    assert answer.user_information == bytes.fromhex("0e010602")


MALFORMED = [
    ("unknown access", "01 03 fa00"),
    ("unknown access, far away", "01 7f fa00"),
    ("missing access", ""),
    ("announced and missing", "01"),
    ("missing name", "01 02"),
    ("half a name", "01 02 fa"),
    ("nothing asked for", "00"),
]


@pytest.mark.parametrize("contents", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_appl_data_sn_n1_read(contents: str) -> None:
    association, device = associated()
    assert ask(association, bytes.fromhex("05" + contents)) == bytes.fromhex("0c0101fa")
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert device.reports == []


def test_appl_data_sn_n1_unknown_base_name() -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex("0501020001")) == bytes.fromhex("0c010104")
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER


@pytest.mark.parametrize(
    "contents", [*(row[1] for row in MALFORMED), "00 00", "01 02fa00 00", "01 02fa00 01", "01 02fa00 01 ff"]
)
def test_appl_data_sn_n2_write(contents: str) -> None:
    association, device = associated()
    assert ask(association, bytes.fromhex("06" + contents)) == bytes.fromhex("0d0101fa")
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert device.reports == []


def test_appl_data_sn_n2_unknown_base_name() -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex("0601020001010f00")) == bytes.fromhex("0d010104")
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER


def test_appl_data_sn_n3_get() -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex("c001c1000c0000280000ff0100")) == bytes.fromhex("0e050302")
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER


def test_appl_data_ln_n4_read_where_names_are_long() -> None:
    association, _ = long_names.associated()
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80102")


def test_appl_rel_p1_a_release_ends_the_association() -> None:
    association, _ = associated()
    association.reset()
    assert ask(association, LOGICAL_NAME) == NO_CONTEXT


# --- refusals of a whole request ------------------------------------------------------------------

FAULTS = {
    ServiceFault.OPERATION_NOT_POSSIBLE: "0201",
    ServiceFault.SERVICE_NOT_SUPPORTED: "0302",
    ServiceFault.OTHER_REASON: "0300",
    ServiceFault.PDU_TOO_LONG: "0301",
    ServiceFault.DECIPHERING_ERROR: "0006",
    ServiceFault.INVOCATION_COUNTER_ERROR: "0006",
}
TAGS = {0x05: "0e05", 0x25: "0e05", 0x45: "0e05", 0x06: "0e06", 0x26: "0e06", 0x46: "0e06", 0xC0: "0e05", -1: "0e05"}


@pytest.mark.parametrize("fault", ServiceFault)
def test_every_reason_has_a_service_error_for_every_service(fault: ServiceFault) -> None:
    for tag, service in TAGS.items():
        assert refusal(tag, fault) == bytes.fromhex(service + FAULTS[fault])
    for tag in (0x16, 0x36, 0x56):
        assert refusal(tag, fault) is None


def test_a_request_that_is_too_long_is_refused() -> None:
    association, _ = associated()
    assert ask(association, b"\x05" + bytes(0x400)) == bytes.fromhex("0e050301")
    assert ask(association, b"\x06" + bytes(0x400)) == bytes.fromhex("0e060301")


@pytest.mark.parametrize("apdu", ["", "00", "0c0100", "d80101", "c1", "e0"])
def test_what_is_no_request_with_short_names_is_refused_as_a_read(apdu: str) -> None:
    association, _ = associated()
    assert ask(association, bytes.fromhex(apdu))[:3] == bytes.fromhex("0e0503")
    assert association.associated


@given(
    st.sampled_from([b"", b"\x05", b"\x06", b"\x05\x01", b"\x06\x01\x02", b"\x05\x01\x04\xfa"]), st.binary(max_size=40)
)
def test_any_octets_leave_the_association_as_it_was(head: bytes, tail: bytes) -> None:
    association, device = associated()
    association.handle(head + tail)
    if (head + tail)[:1] not in (b"\x60", b"\x62"):
        assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert device.reports == []


# --- definitions ----------------------------------------------------------------------------------


def test_an_association_with_short_names_needs_their_table_and_no_other_has_one() -> None:
    with pytest.raises(ValueError, match="short names, and only those, need their table"):
        definition(short_names=None)
    with pytest.raises(ValueError, match="short names, and only those, need their table"):
        definition(context=ApplicationContext.LN)
    assert isinstance(definition(view=VIEW_SN, short_names=NAMES), AssociationDefinition)
