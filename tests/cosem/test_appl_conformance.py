"""The APPL cases of the DLMS conformance test plan, each a test of the case's name.

S1, S2 … are the subtests as the plan numbers them. What the plan accepts as verdicts is wider; asserted is what
we answer, which lies within.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import pytest

from cosem import acse, initiate
from cosem.acse import Aare, AssociationResult, Mechanism, ProviderDiagnostic, UserDiagnostic
from cosem.association import Association
from cosem.initiate import Conformance, InitiateRequest, InitiateResponse

from .samples import CLASSIC, aarq, associated, idle, octets

CTT_PROPOSAL = 0x60FE9F
"""Everything that exists with logical names."""
ALL_SERVICES = reduce(or_, Conformance)
LOGICAL_NAME = bytes.fromhex("c001c1000f0000280000ff0100")
LOGICAL_NAME_ANSWER = bytes.fromhex("c401c1000906 0000280000ff")
RLRQ, RLRE = bytes.fromhex("6203800100"), bytes.fromhex("6303800100")
CONTEXT = "a109060760857405080101"
INFORMATION = "be10040e01000000065f1f040060fe9fffff"


def built(*fields: str) -> bytes:
    body = bytes.fromhex("".join(fields))
    return bytes((0x60, len(body))) + body


def ask(association: Association, apdu: bytes) -> bytes:
    answer = association.handle(apdu)
    assert answer is not None
    return answer


def open_(association: Association, apdu: bytes) -> Aare:
    return acse.read_aare(ask(association, apdu))


def accepted(apdu: bytes, **defined: Any) -> InitiateResponse:
    association, _ = idle(**defined)
    answer = open_(association, apdu)
    assert (answer.result, answer.diagnostic) == (AssociationResult.ACCEPTED, 0)
    assert answer.user_information is not None
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    return initiate.read_initiate_response(answer.user_information)


def rejected(apdu: bytes, **defined: Any) -> Aare:
    association, device = idle(**defined)
    answer = open_(association, apdu)
    assert answer.result == AssociationResult.REJECTED_PERMANENT
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80101")
    assert device.reports == []
    return answer


def test_appl_idle_n1_get_without_association() -> None:
    association, _ = idle()
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80101")


@pytest.mark.parametrize(("mechanism", "password"), [(Mechanism.LOWEST, None), (Mechanism.LOW, b"12345")])
def test_appl_open_1_open_check_release(mechanism: Mechanism, password: bytes | None) -> None:
    association, _ = idle(mechanism=mechanism)
    sent = aarq(conformance=CTT_PROPOSAL, password=password)
    answer = open_(association, sent)
    assert answer.context_name == acse.context_name(acse.ApplicationContext.LN)
    assert (answer.result, answer.diagnostic) == (0, UserDiagnostic.NULL)
    assert answer.user_information is not None
    granted = initiate.read_initiate_response(answer.user_information)
    assert granted.conformance == CTT_PROPOSAL & CLASSIC
    assert (granted.dlms_version, granted.vaa_name) == (6, 0x0007)
    assert granted.max_receive_pdu > 12
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert ask(association, RLRQ) == RLRE
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80101")


def test_appl_open_4_protocol_version() -> None:
    accepted(built("80020284", CONTEXT, INFORMATION))
    answer = rejected(built("80020244", CONTEXT, INFORMATION))
    assert answer.from_provider
    assert answer.diagnostic == ProviderDiagnostic.NO_COMMON_ACSE_VERSION


def test_appl_open_5_unknown_context() -> None:
    answer = rejected(octets("V296"))
    assert not answer.from_provider
    assert answer.diagnostic == UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED


def test_appl_open_6_unused_identifiers() -> None:
    called = ["a203040144", "a303040144", "a403020100", "a503020100", "a803020100"]
    # S1 and S4: dummy identifiers are passed over, and the AARE carries none.
    for extra in (called, ["a903020107"]):
        accepted(built(CONTEXT, *extra, INFORMATION))
        association, _ = idle()
        answer = ask(association, built(CONTEXT, *extra, INFORMATION))
        assert not {0xA4, 0xA5, 0xA6, 0xA7} & set(acse._fields(answer, acse.AARE, "AARE"))
    # S2 and S3: a calling-AP-title of 7 or 9 octets.
    for size in (7, 9):
        title = bytes((0xA6, size + 2, 0x04, size)).hex() + "43" * size
        answer = rejected(built(CONTEXT, title, INFORMATION))
        assert answer.diagnostic in (1, 3, 13, 14)


REQUIREMENTS, NO_AUTHENTICATION = "8a020780", "8a020700"
LOW, LOWEST = "8b0760857405080201", "8b0760857405080200"
RIGHT, WRONG = "ac0780053132333435", "ac0780053132333436"

AUTHENTICATION = [
    ("AFU_000", [], (1, 11, 12, 13, 14)),
    ("AFU_F11", [NO_AUTHENTICATION, LOW, RIGHT], (1, 12, 13, 14)),
    ("AFU_100", [REQUIREMENTS], (1, 11, 12, 13, 14)),
    ("AFU_101", [REQUIREMENTS, RIGHT], (1, 11, 12, 13, 14)),
    ("AFU_110", [REQUIREMENTS, LOW], (1, 13, 14)),
    ("AFU_1F1", [REQUIREMENTS, LOWEST, RIGHT], (1, 11, 12, 13, 14)),
    ("AFU_11F", [REQUIREMENTS, LOW, WRONG], (1, 13)),
]


@pytest.mark.parametrize("case", AUTHENTICATION, ids=lambda case: case[0])
def test_appl_open_7_authentication_functional_unit(case: tuple[str, list[str], tuple[int, ...]]) -> None:
    _, fields, diagnostics = case
    answer = rejected(built(CONTEXT, *fields, INFORMATION), mechanism=Mechanism.LOW)
    assert not answer.from_provider
    assert answer.diagnostic in diagnostics


def test_appl_open_7_the_right_password_is_accepted() -> None:
    accepted(built(CONTEXT, REQUIREMENTS, LOW, RIGHT, INFORMATION), mechanism=Mechanism.LOW)


def test_appl_open_9_dedicated_key_without_ciphering() -> None:
    answer = rejected(aarq(dedicated_key=bytes(16)))
    assert answer.diagnostic == UserDiagnostic.NO_REASON_GIVEN
    assert answer.user_information == octets("V438")


@pytest.mark.parametrize("quality", [-128, -1, 0, 1, 127])
def test_appl_open_11_quality_of_service(quality: int) -> None:
    assert accepted(aarq(quality_of_service=quality)).dlms_version == 6


def test_appl_open_12_dlms_version() -> None:
    answer = rejected(octets("V299"))
    assert answer.diagnostic == UserDiagnostic.NO_REASON_GIVEN
    assert answer.user_information == octets("V433")
    assert accepted(octets("V298")).dlms_version == 6


def test_appl_open_13_conformance() -> None:
    # S1: everything with logical names. S2: short names mixed in, or every bit there is.
    assert accepted(aarq(conformance=CTT_PROPOSAL)).conformance == CLASSIC & CTT_PROPOSAL
    for proposed in (CTT_PROPOSAL | 0x1C0320, 0xFFFFFF):
        granted = accepted(aarq(conformance=proposed), conformance=ALL_SERVICES).conformance
        assert granted == proposed & ALL_SERVICES & ~initiate.SN_ONLY
    # S3: nothing that exists with logical names, or that we serve.
    for proposed in (0, int(Conformance.READ), int(Conformance.ACCESS | Conformance.BLOCK_TRANSFER_WITH_GET)):
        answer = rejected(aarq(conformance=proposed))
        assert answer.user_information == octets("V434")


@pytest.mark.parametrize("size", [1, 11])
def test_appl_open_14_pdu_size_too_short(size: int) -> None:
    answer = rejected(aarq(max_pdu=size))
    assert answer.diagnostic == UserDiagnostic.NO_REASON_GIVEN
    assert answer.user_information == octets("V435")


def test_appl_open_14_as_published() -> None:
    assert rejected(octets("V300")).user_information == octets("V435")


def test_appl_open_14_twelve_octets_are_enough() -> None:
    association, _ = idle()
    assert open_(association, aarq(max_pdu=12)).result == AssociationResult.ACCEPTED


DATA_ERRORS: list[tuple[str, bytes, str]] = [
    ("LN_N1 S1 unknown choice", bytes.fromhex("c006c1000f0000280000ff0100"), "d80203"),
    ("LN_N1 S2 missing elements", octets("V302"), "d80203"),
    ("LN_N1 S3 illegal logical name", bytes.fromhex("c001c1000f6666666666660100"), "c401c10104"),
    ("LN_N1 S4 attribute 0x40", bytes.fromhex("c001c1000f0000280000ff4000"), "c401c10104"),
    ("LN_N3 S1 unknown choice", octets("V303"), "d80203"),
    ("LN_N3 S2 missing elements", octets("V304"), "d80203"),
    ("LN_N3 S3 illegal logical name", bytes.fromhex("c101c1000f666666666666010009060000280000ff"), "c501c104"),
    ("LN_N3 S4 attribute 0x40", bytes.fromhex("c101c1000f0000280000ff400009060000280000ff"), "c501c104"),
    ("LN_N4 ReadRequest", octets("V399"), "d80102"),
]


@pytest.mark.parametrize(("sent", "answer"), [row[1:] for row in DATA_ERRORS], ids=[row[0] for row in DATA_ERRORS])
def test_appl_data_ln_errors_leave_the_association_open(sent: bytes, answer: str) -> None:
    association, device = associated()
    assert ask(association, sent) == bytes.fromhex(answer)
    assert ask(association, LOGICAL_NAME) == LOGICAL_NAME_ANSWER
    assert device.reports == []


def test_appl_rel_p1_release_and_loss_of_the_link() -> None:
    association, _ = associated()
    association.reset()  # S1 and S2: DISC, or the connection is gone
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80101")
    association, _ = associated()
    assert ask(association, RLRQ) == RLRE  # S3
    assert ask(association, LOGICAL_NAME) == bytes.fromhex("d80101")


def test_the_proposal_of_a_conformance_tester_reads_back() -> None:
    request = InitiateRequest(CTT_PROPOSAL, 0xFFFF)
    assert initiate.write_initiate_request(request).hex() == INFORMATION[8:]
