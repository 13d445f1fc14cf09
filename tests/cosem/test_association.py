"""The association: every row of its table, and faults of our own that it survives."""

from __future__ import annotations

from typing import Any

import pytest

from cosem import acse, initiate
from cosem.acse import ApplicationContext, AssociationResult, Mechanism, ProviderDiagnostic, UserDiagnostic
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.data_types import OCTET_STRING
from cosem.initiate import Conformance, InitiateResponse
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Data
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.xdlms import Descriptor

from .samples import (
    CLASSIC,
    ENERGY,
    ENERGY_VALUE,
    FAULTY_VALUE,
    NOTE_VALUE,
    SESSIONS,
    Device,
    aarq,
    associated,
    definition,
    idle,
    octets,
    vectors,
)

NAME_REQUEST = bytes.fromhex("c001c1000f0000280000ff0100")
NAME_RESPONSE = bytes.fromhex("c401c100090600002800 00ff")
NOT_POSSIBLE = bytes.fromhex("d80101")
NOT_SUPPORTED = bytes.fromhex("d80102")
UNKNOWN = bytes.fromhex("d80203")
TOO_LONG = bytes.fromhex("d80104")

SET_NOTE = b"\xc1\x01\xc1" + NOTE_VALUE.to_bytes() + b"\x00\x09\x01A"
RESET = bytes.fromhex("c301c1000301010108 00ff01010f00")


def answer(association: Association, apdu: bytes) -> acse.Aare:
    response = association.handle(apdu)
    assert response is not None
    return acse.read_aare(response)


# --- AARQ -----------------------------------------------------------------------------------------


def test_an_accepted_aarq_answers_what_was_negotiated() -> None:
    association, _ = idle(conformance=Conformance.GET | Conformance.SET, max_receive_pdu=125)
    answered = answer(association, aarq(conformance=CLASSIC))
    assert (answered.result, answered.diagnostic) == (AssociationResult.ACCEPTED, UserDiagnostic.NULL)
    assert answered.user_information is not None
    granted = initiate.read_initiate_response(answered.user_information)
    assert granted == InitiateResponse(Conformance.GET | Conformance.SET, 125)
    assert association.associated
    assert association.negotiated == Conformance.GET | Conformance.SET


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session["title"])
def test_the_382m_answers_its_published_aarqs_octet_by_octet(session: dict[str, Any]) -> None:
    sent, expected = (bytes.fromhex(apdu["hex"]) for apdu in session["apdus"][:2])
    password = acse.read_aarq(sent).authentication_value
    conformance = initiate.Conformance(0x00101C if password else 0x001010)
    mechanism = Mechanism.LOW if password else Mechanism.LOWEST
    association, _ = idle(mechanism=mechanism, conformance=conformance, max_receive_pdu=125)
    assert association.handle(sent) == expected


@pytest.mark.parametrize(
    "identifier", ["V053", "V058", "V237", "V297", "V298"], ids=["plain", "small", "AP title", "called fields", "v7"]
)
def test_a_public_aarq_without_security_is_accepted(identifier: str) -> None:
    association, _ = idle()
    assert answer(association, octets(identifier)).result == AssociationResult.ACCEPTED


@pytest.mark.parametrize(("identifier", "password"), [("V054", b"12345678"), ("V137", b"33333333")])
def test_a_public_aarq_with_a_password_is_accepted_by_who_has_it(identifier: str, password: bytes) -> None:
    association, _ = idle(Device(secret=password), mechanism=Mechanism.LOW)
    assert answer(association, octets(identifier)).result == AssociationResult.ACCEPTED
    other, _ = idle(Device(secret=b"other"), mechanism=Mechanism.LOW)
    assert answer(other, octets(identifier)).diagnostic == UserDiagnostic.AUTHENTICATION_FAILURE


REJECTED: list[tuple[str, bytes, int]] = [
    ("octets that do not decode", b"\x60\x05\x01\x02", UserDiagnostic.NO_REASON_GIVEN),
    ("a ciphered context", octets("V056"), UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
    (
        "short names",
        acse.write_aarq(ApplicationContext.SN, initiate.write_initiate_request(initiate.InitiateRequest(1, 99))),
        UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED,
    ),
    ("a password where none is wanted", aarq(password=b"12345"), UserDiagnostic.AUTHENTICATION_FAILURE),
    ("high level security", octets("V057"), UserDiagnostic.AUTHENTICATION_FAILURE),
    (
        "an InitiateRequest that does not decode",
        acse.write_aarq(ApplicationContext.LN, b"\x01\x00\x00"),
        UserDiagnostic.NO_REASON_GIVEN,
    ),
]


@pytest.mark.parametrize(("sent", "diagnostic"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED])
def test_a_rejected_aarq_says_why_and_leaves_the_association_idle(sent: bytes, diagnostic: int) -> None:
    association, device = associated()
    rejected = answer(association, sent)
    assert rejected.result == AssociationResult.REJECTED_PERMANENT
    assert (rejected.diagnostic, rejected.from_provider) == (diagnostic, False)
    assert not association.associated
    assert association.handle(NAME_REQUEST) == NOT_POSSIBLE
    assert device.reports == []


def test_saps_without_an_association_reject_every_aarq() -> None:
    device = Device()
    association = Association(None, device, device.report)
    rejected = answer(association, aarq())
    assert (rejected.result, rejected.diagnostic) == (
        AssociationResult.REJECTED_PERMANENT,
        UserDiagnostic.NO_REASON_GIVEN,
    )
    assert association.handle(NAME_REQUEST) == NOT_POSSIBLE


def test_a_second_aarq_opens_anew_with_what_it_proposes() -> None:
    association, _ = associated()
    assert answer(association, aarq(conformance=Conformance.GET, max_pdu=50)).result == AssociationResult.ACCEPTED
    assert association.negotiated == Conformance.GET
    assert association.capacity == 50
    assert association.handle(SET_NOTE) == NOT_SUPPORTED


def test_a_client_without_limit_gets_long_answers_in_one() -> None:
    association, _ = associated(max_pdu=0)
    assert association.capacity == 0xFFFF


def test_protocol_version_is_a_matter_of_the_provider() -> None:
    sent = aarq()
    body = b"\x80\x02\x02\x44" + sent[2:]
    association, _ = idle()
    rejected = answer(association, bytes((0x60, len(body))) + body)
    assert rejected.from_provider
    assert rejected.diagnostic == ProviderDiagnostic.NO_COMMON_ACSE_VERSION


# --- RLRQ, and data requests in each state --------------------------------------------------------


@pytest.mark.parametrize("identifier", ["V062", "V063", "V138"])
def test_a_release_is_answered_and_ends_the_association(identifier: str) -> None:
    association, _ = associated()
    assert association.handle(octets(identifier)) == bytes.fromhex("6303800100")
    assert not association.associated
    assert association.handle(NAME_REQUEST) == NOT_POSSIBLE


def test_a_release_while_idle_is_answered() -> None:
    association, _ = idle()
    assert association.handle(octets("V062")) == bytes.fromhex("6303800100")


def test_a_release_that_does_not_decode_ends_nothing() -> None:
    association, _ = associated()
    assert association.handle(b"\x62\x05\x00") == UNKNOWN
    assert association.handle(NAME_REQUEST) == NAME_RESPONSE


@pytest.mark.parametrize("request_", [NAME_REQUEST, SET_NOTE, RESET], ids=["GET", "SET", "ACTION"])
def test_a_service_needs_an_association_that_negotiated_it(request_: bytes) -> None:
    association, _ = idle()
    assert association.handle(request_) == NOT_POSSIBLE
    association, _ = associated()
    response = association.handle(request_)
    assert response is not None
    assert response[0] == request_[0] + 4
    bit = {0xC0: Conformance.GET, 0xC1: Conformance.SET, 0xC3: Conformance.ACTION}[request_[0]]
    association, _ = associated(proposed=CLASSIC & ~bit)
    assert association.handle(request_) == NOT_SUPPORTED
    association, _ = associated(conformance=CLASSIC & ~bit)
    assert association.handle(request_) == NOT_SUPPORTED


def test_a_tolerated_service_is_served_although_it_is_never_negotiated() -> None:
    association, device = associated(conformance=Conformance.GET, tolerated=Conformance.ACTION)
    assert association.negotiated == Conformance.GET
    assert association.handle(RESET) == bytes.fromhex("c701c10000")
    assert device.invoked == [("reset", 0)]
    assert association.handle(SET_NOTE) == NOT_SUPPORTED


@pytest.mark.parametrize("vector", vectors("sn"), ids=lambda vector: vector["id"])
def test_short_name_services_are_never_supported(vector: dict[str, Any]) -> None:
    for association, _ in (idle(), associated()):
        assert association.handle(bytes.fromhex(vector["hex_in"])) == NOT_SUPPORTED


@pytest.mark.parametrize("sent", ["21", "c8", "cb", "d0", "db", "dc", "dd", "df"])
def test_an_association_without_ciphering_has_no_protected_services(sent: str) -> None:
    for association, _ in (idle(), associated()):
        assert association.handle(bytes.fromhex(sent) + bytes(20)) == NOT_SUPPORTED


@pytest.mark.parametrize("sent", ["", "00", "c2", "c4", "d8", "ff", "0f", "61", "63"])
def test_an_unknown_tag_is_an_unknown_service(sent: str) -> None:
    for association, _ in (idle(), associated()):
        assert association.handle(bytes.fromhex(sent) + bytes(bool(sent) * 5)) == UNKNOWN


def test_a_request_over_the_receive_pdu_size_is_too_long() -> None:
    association, device = associated(max_receive_pdu=21)
    sent = b"\xc1\x01\xc1" + NOTE_VALUE.to_bytes() + b"\x00\x09"
    assert association.handle(sent + b"\x05AAAAA") == bytes.fromhex("c501c100")
    assert len(sent + b"\x06AAAAAA") == 21
    assert association.handle(sent + b"\x06AAAAAA") == bytes.fromhex("c501c100")
    assert association.handle(sent + b"\x07AAAAAAA") == TOO_LONG
    assert device.note == b"AAAAAA"
    assert association.associated


@pytest.mark.parametrize("vector", vectors("malformed"), ids=lambda vector: vector["id"])
def test_a_public_malformed_apdu_leaves_the_association_open(vector: dict[str, Any]) -> None:
    association, device = associated()
    response = association.handle(bytes.fromhex(vector["hex_in"]))
    assert response in (UNKNOWN, NOT_SUPPORTED)
    assert association.handle(NAME_REQUEST) == NAME_RESPONSE
    assert (device.reports, device.invoked) == ([], [])


# --- faults of our own ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (b"\xc0\x01\xc1" + FAULTY_VALUE.to_bytes() + b"\x00", "c401c101fa"),
        (b"\xc0\x03\xc1\x01" + FAULTY_VALUE.to_bytes() + b"\x00", "c403c10101fa"),
        (b"\xc1\x01\xc1" + FAULTY_VALUE.to_bytes() + b"\x00\x11\x01", "c501c1fa"),
    ],
    ids=["GET", "GET with list", "SET"],
)
def test_a_fault_of_our_own_is_reported_and_answered_other_reason(request_: bytes, response: str) -> None:
    association, device = associated()
    assert association.handle(request_) == bytes.fromhex(response)
    ((error, apdu),) = device.reports
    assert isinstance(error, ZeroDivisionError)
    assert apdu == request_
    assert association.handle(NAME_REQUEST) == NAME_RESPONSE


def test_a_source_that_gives_no_octets_is_a_fault_of_our_own() -> None:
    association, device = associated(device=Device(energy=-1))
    request_ = b"\xc0\x01\xc1" + ENERGY_VALUE.to_bytes() + b"\x00"
    assert association.handle(request_) == bytes.fromhex("c401c101fa")
    assert len(device.reports) == 1


def test_a_selection_that_gives_nothing_is_a_fault_of_our_own() -> None:
    bound = BoundAttribute(
        Data.value, Constant(b""), type_=OCTET_STRING, select=lambda device, selector, reader: None, selectors=(1,)
    )  # type: ignore[arg-type,return-value]
    view = ObjectView([VisibleObject(CosemObject(Data, ENERGY, [bound]), {1: AccessMode.READ, 2: AccessMode.READ})])
    device = Device()
    served = AssociationDefinition(16, 1, Mechanism.LOWEST, CLASSIC, 500, view, lambda device: b"")
    association = Association(served, device, device.report)
    association.handle(aarq())
    request_ = b"\xc0\x01\xc1" + Descriptor(1, ENERGY, 2).to_bytes() + b"\x01\x01\x00"
    assert association.handle(request_) == bytes.fromhex("c401c101fa")
    assert [type(error) for error, _ in device.reports] == [TypeError]
    assert association.associated


def test_a_fault_while_checking_the_password_rejects_and_is_reported() -> None:
    class Broken(Device):
        """A device that lost its password."""

        @property
        def secret(self) -> bytes:  # type: ignore[override]
            raise OSError("the memory is gone")

        @secret.setter
        def secret(self, value: bytes) -> None:
            pass

    device = Broken()
    association = Association(definition(Mechanism.LOW), device, device.report)
    rejected = answer(association, aarq(password=b"12345"))
    assert rejected.result == AssociationResult.REJECTED_PERMANENT
    assert [type(error) for error, _ in device.reports] == [OSError]
    assert not association.associated


def test_a_reset_of_the_link_leaves_nothing() -> None:
    association, _ = associated(max_pdu=40)
    assert association.handle(b"\xc0\x01\xc1" + NOTE_VALUE.to_bytes() + b"\x00") is not None
    assert association.get.transfer is not None
    association.reset()
    assert association.get.transfer is None
    assert association.handle(bytes.fromhex("c002c100000001")) == NOT_POSSIBLE
