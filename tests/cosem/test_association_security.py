"""Associations with high level security and ciphering: every mechanism, every envelope, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosem import acse, initiate, xdlms
from cosem.acse import ApplicationContext, AssociationResult, Mechanism, UserDiagnostic
from cosem.association import Association, AssociationStatus
from cosem.association_definition import AssociationDefinition
from cosem.association_object import association_object
from cosem.client import AccessFailed, AssociationRefused, Client
from cosem.client_security import INITIATE
from cosem.data_types import OCTET_STRING, UNSIGNED
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Register
from cosem.object_model import NOTHING_VISIBLE, AccessMode, ObjectView, VisibleObject
from cosem.security.errors import DecipheringError, InsufficientProtection, InvocationCounterError, ReplayRefused
from cosem.security.hls import Exchange
from cosem.security.invocation import Channel, KeyName
from cosem.security.key_establishment import KeyChoice
from cosem.security.keys import KeyId
from cosem.security.layer import PLAIN
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite
from cosem.security.tags import PROTECTED, Envelope
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis

from .samples import run
from .security.meter import ASSOCIATION, NOTE_VALUE, SERVICES, STATUS, Meter, association, client, visible
from .security.samples import CLIENT, DEDICATED, SERVER, context, keys

CIPHERED, PLAIN_LN = ApplicationContext.LN_CIPHERED, ApplicationContext.LN
A, E, AE = Protection.AUTHENTICATED, Protection.ENCRYPTED, Protection.AUTHENTICATED | Protection.ENCRYPTED
NOTE_OCTETS = OCTET_STRING.encode(b"first note")
WRITE_NOTE = xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(b"second"))
READ_NOTE = xdlms.write_get(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()))

NOT_POSSIBLE = bytes.fromhex("d80101")
NOT_SUPPORTED = bytes.fromhex("d80102")
DECIPHERING = bytes.fromhex("d80205")

MECHANISMS = [
    (mechanism, suite)
    for mechanism in Mechanism
    for suite in (SUITE_0, SUITE_1, SUITE_2)
    if suite is not SUITE_0 or mechanism is not Mechanism.HIGH_ECDSA
]


def ask(server: Association, apdu: bytes) -> bytes:
    response = server.handle(apdu)
    assert response is not None
    return response


def opened(meter: Meter, of: Client, mechanism: Mechanism = Mechanism.HIGH_GMAC, **other: Conformance) -> Association:
    server = association(meter, mechanism, **other)
    run(server, of.associate())
    assert server.associated
    return server


def sealed(of: Client, apdu: bytes, how: How = INITIATE) -> bytes:
    assert of.security is not None
    return of.security.context.seal(apdu, how)


# --- every mechanism ------------------------------------------------------------------------------


@pytest.mark.parametrize("application", [PLAIN_LN, CIPHERED])
@pytest.mark.parametrize(("mechanism", "suite"), MECHANISMS)
def test_a_client_that_proves_itself_is_served_and_released(
    mechanism: Mechanism, suite: Suite, application: ApplicationContext
) -> None:
    meter = Meter(suite)
    server = association(meter, mechanism, application)
    speaking = client(mechanism, suite, ciphered=application.ciphered)
    run(server, speaking.associate())
    assert server.associated
    assert run(server, speaking.get(NOTE_VALUE))[0] == NOTE_OCTETS
    run(server, speaking.set(NOTE_VALUE, OCTET_STRING.encode(b"second")))
    assert meter.note == b"second"
    assert run(server, speaking.get(STATUS))[0] == b"\x16\x02"
    assert run(server, speaking.release())[0] == 0
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert meter.guard.failures == 0
    assert meter.guard.successes == (mechanism is not Mechanism.LOWEST or application.ciphered)
    assert (meter.refusals, meter.reports) == ([], [])


HIGH = [row for row in MECHANISMS if row[0] >= Mechanism.HIGH]


@pytest.mark.parametrize(("mechanism", "suite"), HIGH)
def test_the_aare_of_high_level_security_asks_for_the_proof(mechanism: Mechanism, suite: Suite) -> None:
    server = association(Meter(suite), mechanism, PLAIN_LN)
    answer = acse.read_aare(ask(server, next(client(mechanism, suite, ciphered=False).associate())))
    assert (answer.result, answer.diagnostic) == (AssociationResult.ACCEPTED, UserDiagnostic.AUTHENTICATION_REQUIRED)
    assert answer.mechanism == mechanism
    assert answer.authentication_value is not None
    assert 8 <= len(answer.authentication_value) <= 64
    with_title = mechanism in (Mechanism.HIGH_GMAC, Mechanism.HIGH_SHA256, Mechanism.HIGH_ECDSA)
    assert answer.responding_ap_title == (SERVER if with_title else None)
    assert server.status is AssociationStatus.PENDING


def pending(mechanism: Mechanism = Mechanism.HIGH_MD5, meter: Meter | None = None) -> tuple[Association, bytes]:
    """An association that awaits its proof, and the server's challenge."""
    server = association(meter or Meter(), mechanism, PLAIN_LN)
    answer = acse.read_aare(ask(server, next(client(mechanism, ciphered=False).associate())))
    assert answer.authentication_value is not None
    return server, answer.authentication_value


def reply(proof: bytes) -> bytes:
    return bytes.fromhex("c301c1 000f0000280000ff01 01") + OCTET_STRING.encode(proof)


WHILE_PENDING = [
    ("GET", READ_NOTE),
    ("GET of the association", bytes.fromhex("c001c1000f0000280000ff0800")),
    ("SET", xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), b"\x09\x00")),
    ("GET with list", bytes.fromhex("c003c101") + NOTE_VALUE.to_bytes() + b"\x00"),
]


@pytest.mark.parametrize("apdu", [row[1] for row in WHILE_PENDING], ids=[row[0] for row in WHILE_PENDING])
def test_nothing_is_served_before_the_proof(apdu: bytes) -> None:
    meter = Meter()
    server, _ = pending(meter=meter)
    assert ask(server, apdu) == NOT_POSSIBLE
    assert server.status is AssociationStatus.PENDING
    assert meter.note == b"first note"


def test_no_other_method_is_invoked_before_the_proof() -> None:
    meter = Meter()
    server, _ = pending(meter=meter)
    change = bytes.fromhex("c301c1 000f0000280000ff02 01") + OCTET_STRING.encode(b"new secret")
    assert ask(server, change) == bytes.fromhex("c701c10300")
    assert meter.secret == b"12345678"


WRONG_PROOFS = [b"", bytes(16), bytes(64)]


@pytest.mark.parametrize("proof", WRONG_PROOFS, ids=len)
@pytest.mark.parametrize("mechanism", [row[0] for row in HIGH if row[1] is SUITE_0])
def test_a_wrong_proof_counts_and_ends_the_association(mechanism: Mechanism, proof: bytes) -> None:
    meter = Meter()
    server, _ = pending(mechanism, meter)
    assert ask(server, reply(proof)) == bytes.fromhex("c701c10300")
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert ask(server, READ_NOTE) == NOT_POSSIBLE
    assert ask(server, reply(proof)) == NOT_POSSIBLE
    assert (meter.guard.failures, meter.guard.successes) == (1, 0)


def test_after_a_wrong_proof_in_a_list_nothing_else_of_the_list_is_done() -> None:
    meter = Meter()
    server, _ = pending(meter=meter)
    both = bytes.fromhex("c303c102 000f0000280000ff01 000f0000280000ff02 02") + 2 * OCTET_STRING.encode(b"new secret")
    ask(server, both)
    assert meter.secret == b"12345678"
    assert not server.associated


def test_the_secret_after_the_challenge_is_no_proof() -> None:
    meter = Meter()
    speaking = client(Mechanism.HIGH_MD5, ciphered=False)
    assert speaking.security is not None

    class Swapped:
        def prove(self, exchange: Exchange) -> bytes:
            import hashlib

            return hashlib.md5(b"12345678" + exchange.peer_challenge, usedforsecurity=False).digest()

    server, challenge = pending(meter=meter)
    proof = Swapped().prove(Exchange(CLIENT, SERVER, b"", challenge))
    assert ask(server, reply(proof)) == bytes.fromhex("c701c10300")
    assert not server.associated


def test_a_gmac_with_another_security_control_is_no_proof() -> None:
    server, challenge = pending(Mechanism.HIGH_GMAC)
    tag = context(CLIENT, SERVER, 5).authenticate(challenge)
    assert ask(server, reply(b"\x20" + tag[1:])) == bytes.fromhex("c701c10300")
    assert not server.associated


def test_a_proof_is_taken_once() -> None:
    speaking = client(Mechanism.HIGH_MD5, ciphered=False)
    server = association(Meter(), Mechanism.HIGH_MD5, PLAIN_LN)
    requests = []
    exchange = speaking.associate()
    request = next(exchange)
    try:
        while True:
            requests.append(request)
            request = exchange.send(ask(server, request))
    except StopIteration:
        pass
    assert server.associated
    assert ask(server, requests[-1]) == bytes.fromhex("c701c10300")
    assert server.associated


CHALLENGES = [(0, 13), (7, 13), (8, 14), (64, 14), (65, 13)]


@pytest.mark.parametrize(("size", "diagnostic"), CHALLENGES)
def test_a_challenge_has_8_to_64_octets(size: int, diagnostic: int) -> None:
    server = association(Meter(), Mechanism.HIGH_MD5, PLAIN_LN)
    proposal = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    aarq = acse.write_aarq(PLAIN_LN, proposal, bytes(range(size)), Mechanism.HIGH_MD5)
    assert acse.read_aare(ask(server, aarq)).diagnostic == diagnostic


# APPL_OPEN_7 for high level security: requirements, mechanism, value.
@pytest.mark.parametrize("mechanism", [Mechanism.LOW, Mechanism.HIGH_MD5])
@pytest.mark.parametrize(
    "fields",
    [
        "", "8a020700 8b0760857405080203 ac0a80083132333435363738", "8a020780", "8a020780 ac0a80083132333435363738",
        "8a020780 8b0760857405080203", "8a020780 8b0760857405080200 ac0a80083132333435363738",
    ],
)  # fmt: skip
def test_authentication_fields_that_lack_something_are_refused(mechanism: Mechanism, fields: str) -> None:
    meter = Meter()
    proposal = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    right = f"{mechanism:02x}"
    body = bytes.fromhex("a109060760857405080101" + fields.replace("60857405080203", "608574050802" + right))
    body += bytes((0xBE, len(proposal) + 2, 4, len(proposal))) + proposal
    answer = acse.read_aare(ask(association(meter, mechanism, PLAIN_LN), bytes((0x60, len(body))) + body))
    assert (answer.result, answer.diagnostic) == (1, UserDiagnostic.AUTHENTICATION_FAILURE)
    assert meter.guard.failures == 0  # nothing was tried


def test_a_wrong_password_counts_and_a_right_one_clears() -> None:
    meter = Meter()
    server = association(meter, Mechanism.LOW, PLAIN_LN)
    with pytest.raises(AssociationRefused, match="authentication-failure"):
        run(server, client(Mechanism.LOW, ciphered=False, secret=b"87654321").associate())
    assert (meter.guard.failures, meter.guard.successes) == (1, 0)
    run(server, client(Mechanism.LOW, ciphered=False).associate())
    assert (meter.guard.failures, meter.guard.successes) == (1, 1)


@pytest.mark.parametrize("mechanism", [Mechanism.LOW, Mechanism.HIGH_MD5, Mechanism.HIGH_GMAC])
def test_a_locked_association_lets_nobody_in_and_counts_nothing(mechanism: Mechanism) -> None:
    meter = Meter()
    meter.guard.locked = True
    server = association(meter, mechanism, PLAIN_LN)
    for secret in (b"12345678", b"87654321"):
        answer = acse.read_aare(ask(server, next(client(mechanism, ciphered=False, secret=secret).associate())))
        assert (answer.result, answer.diagnostic) == (2, UserDiagnostic.AUTHENTICATION_FAILURE)
    assert (meter.guard.failures, meter.guard.successes) == (0, 0)


def test_an_association_locked_meanwhile_takes_no_proof() -> None:
    meter = Meter()
    server, _ = pending(meter=meter)
    meter.guard.locked = True
    assert ask(server, reply(bytes(16))) == bytes.fromhex("c701c10300")
    assert not server.associated
    assert meter.guard.failures == 0


def test_change_hls_secret_is_in_force_with_the_next_association() -> None:
    meter = Meter()
    server = association(meter, Mechanism.HIGH_SHA256, PLAIN_LN)
    speaking = client(Mechanism.HIGH_SHA256, ciphered=False)
    run(server, speaking.associate())
    changed = xdlms.Descriptor(15, STATUS.logical_name, 2)
    run(server, speaking.action(changed, OCTET_STRING.encode(b"another secret")))
    with pytest.raises(AssociationRefused):
        run(server, speaking.associate())
    run(server, client(Mechanism.HIGH_SHA256, ciphered=False, secret=b"another secret").associate())


@pytest.mark.parametrize("title", [None, bytes(7), bytes(9), SERVER, b"UNKNOWN!"])
def test_a_title_that_is_needed_and_wrong_is_not_recognized(title: bytes | None) -> None:
    server = association(Meter(clients=(CLIENT, SERVER)), Mechanism.HIGH_GMAC, PLAIN_LN)
    proposal = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    aarq = acse.write_aarq(PLAIN_LN, proposal, bytes(range(16)), Mechanism.HIGH_GMAC, title)
    answer = acse.read_aare(ask(server, aarq))
    assert (answer.result, answer.diagnostic) == (1, UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED)


def test_a_definition_without_what_its_mechanism_needs_is_refused_at_the_start() -> None:
    for mechanism, application in (
        (Mechanism.HIGH_MD5, PLAIN_LN),
        (Mechanism.LOW, CIPHERED),
        (Mechanism.HIGH, PLAIN_LN),
    ):
        with pytest.raises(ValueError, match=r"no security|needs a proof"):
            AssociationDefinition(
                1, 1, mechanism, SERVICES, 500, NOTHING_VISIBLE, lambda meter: b"", context=application,
                security=None if mechanism is not Mechanism.HIGH else lambda meter: meter,
            )  # fmt: skip


@pytest.mark.parametrize(("user", "diagnostic"), [(None, 6), (1, 0), (2, 6), (7, 0)])
def test_a_client_with_users_names_one_of_them(user: int | None, diagnostic: int) -> None:
    meter = Meter()
    current = association_object(ASSOCIATION, 1, 1, Mechanism.LOWEST, None, version=2)
    users = {7: "reader", 1: "installer"}
    of_users = AssociationDefinition(
        1, 1, Mechanism.LOWEST, SERVICES, 500, ObjectView([visible(current)]), lambda meter: b"", users=users
    )
    server = Association(of_users, meter, meter.report)
    proposal = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    answer = acse.read_aare(ask(server, acse.write_aarq(PLAIN_LN, proposal, user=user)))
    assert (answer.result, answer.diagnostic) == (bool(diagnostic), diagnostic)
    if user in users:
        assert run(server, Client().get_value(Descriptor(15, ASSOCIATION, 11)))[0] == (user, users[user])
        everybody = run(server, Client().get_value(Descriptor(15, ASSOCIATION, 10)))[0]
        assert everybody == [(1, "installer"), (7, "reader")]


def test_a_client_does_not_speak_with_a_server_of_another_title() -> None:
    with pytest.raises(AssociationRefused, match="another system title"):
        run(association(Meter(system_title=b"KAM00009")), client().associate())


# --- every envelope -------------------------------------------------------------------------------

ENVELOPES = [
    pytest.param(How(protection, envelope), id=f"{envelope} {int(protection)}")
    for envelope in (
        Envelope.SERVICE_GLOBAL, Envelope.SERVICE_DEDICATED, Envelope.GENERAL_GLOBAL, Envelope.GENERAL_DEDICATED,
        Envelope.GENERAL,
    )
    for protection in (A, E, AE)
]  # fmt: skip
KEYS = [
    pytest.param(How(AE | signed, Envelope.GENERAL, key=key, transaction_id=b"12345678"), id=f"{key} {int(signed)}")
    for key in (KeyChoice.WRAPPED, KeyChoice.ONE_PASS, KeyChoice.STATIC_UNIFIED)
    for signed in (Protection.NONE, Protection.SIGNED)
]


@pytest.mark.parametrize("how", ENVELOPES)
def test_requests_are_served_in_every_envelope_and_answered_in_it(how: How) -> None:
    meter = Meter()
    speaking = client(how=how, dedicated_key=DEDICATED)
    server = opened(meter, speaking)
    value, (response,) = run(server, speaking.get(NOTE_VALUE))
    assert value == NOTE_OCTETS
    assert speaking.security is not None
    run(server, speaking.set(NOTE_VALUE, OCTET_STRING.encode(b"second")))
    assert meter.note == b"second"
    request = speaking.security.seal(READ_NOTE, how)
    assert ask(server, request)[0] == response[0]
    run(server, speaking.release())
    assert not server.associated


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("how", [*KEYS, pytest.param(How(Protection.SIGNED, Envelope.NONE), id="signed")])
def test_requests_with_keys_of_their_own_and_signatures_are_answered_alike(how: How, suite: Suite) -> None:
    speaking = client(suite=suite, how=how)
    server = opened(Meter(suite), speaking)
    value, (response,) = run(server, speaking.get(NOTE_VALUE))
    assert value == NOTE_OCTETS
    assert response[0] == (0xDF if how.envelope is Envelope.NONE else 0xDD)


@pytest.mark.parametrize("how", [*ENVELOPES, *KEYS])
def test_no_response_is_longer_than_the_client_takes_also_when_protected(how: How) -> None:
    suite = SUITE_1
    meter = Meter(suite, note=bytes(range(200)))
    speaking = client(suite=suite, how=how, dedicated_key=DEDICATED, max_pdu=400)
    server = opened(meter, speaking)
    for size in range(0, 1000, 45):
        meter.note = bytes(size)
        value, responses = run(server, speaking.get(NOTE_VALUE))
        assert value == OCTET_STRING.encode(bytes(size))
        assert max(map(len, responses)) <= 400


def test_a_general_apdu_needs_general_protection_to_be_negotiated() -> None:
    speaking = client(conformance=SERVICES & ~Conformance.GENERAL_PROTECTION)
    server = opened(Meter(), speaking)
    for envelope in (Envelope.GENERAL_GLOBAL, Envelope.GENERAL):
        assert ask(server, sealed(speaking, READ_NOTE, How(AE, envelope))) == NOT_SUPPORTED
    assert run(server, speaking.get(NOTE_VALUE))[0] == NOTE_OCTETS


def test_an_exception_has_no_service_specific_tag_and_goes_in_a_general_apdu_or_plain() -> None:
    speaking = client()
    server = opened(Meter(), speaking)
    malformed = READ_NOTE[:-1]
    response = ask(server, sealed(speaking, malformed))
    assert response[0] == 0xDB
    assert speaking.security is not None
    assert speaking.security.context.open(response).apdu == bytes.fromhex("d80203")
    speaking = client(conformance=SERVICES & ~Conformance.GENERAL_PROTECTION)
    server = opened(Meter(), speaking)
    assert ask(server, sealed(speaking, malformed)) == bytes.fromhex("d80203")


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [*ENVELOPES, *KEYS, pytest.param(How(Protection.SIGNED, Envelope.NONE), id="signed")])
def test_a_request_is_answered_once(how: How) -> None:
    meter = Meter(SUITE_1)
    speaking = client(suite=SUITE_1, dedicated_key=DEDICATED)
    server = opened(meter, speaking)
    write = xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(b"second"))
    request = sealed(speaking, write, how)
    assert ask(server, request)[0] in PROTECTED
    assert meter.note == b"second"
    meter.note = b"third"
    again = ask(server, request)
    (refusal,) = meter.refusals
    if isinstance(refusal, InvocationCounterError):
        assert again == bytes.fromhex("d80206") + refusal.lowest.to_bytes(4, "big")
    else:
        assert isinstance(refusal, ReplayRefused)  # signatures have no counter
        assert again == DECIPHERING
    assert meter.note == b"third"
    assert run(server, speaking.get(NOTE_VALUE))[0] == OCTET_STRING.encode(b"third")


def test_a_request_of_one_association_is_not_answered_in_the_next() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    request = sealed(speaking, READ_NOTE)
    ask(server, request)
    run(server, speaking.associate())
    assert ask(server, request)[:3] == bytes.fromhex("d80206")


def test_an_aarq_that_was_seen_before_is_refused() -> None:
    meter = Meter()
    aarq = next(client(Mechanism.LOW).associate())
    server = association(meter, Mechanism.LOW)
    assert acse.read_aare(ask(server, aarq)).result == AssociationResult.ACCEPTED
    answer = acse.read_aare(ask(server, aarq))
    assert (answer.result, answer.diagnostic) == (1, UserDiagnostic.AUTHENTICATION_FAILURE)
    assert not server.associated
    assert [type(error) for error in meter.refusals] == [InvocationCounterError]


# Version 1, requests: bits 2 authenticated, 3 encrypted, 4 signed.
POLICIES: list[tuple[int, int, dict[int, bool]]] = [
    (0, 0, {0: True, 1: True, 2: True, 3: True}),
    (0, 1, {0: False, 1: True, 2: False, 3: True}),
    (0, 2, {0: False, 1: False, 2: True, 3: True}),
    (0, 3, {0: False, 1: False, 2: False, 3: True}),
    (1, 0x00, {0: True, 1: True, 2: True, 3: True}),
    (1, 0x04, {0: False, 1: True, 2: False, 3: True}),
    (1, 0x08, {0: False, 1: False, 2: True, 3: True}),
    (1, 0x0C, {0: False, 1: False, 2: False, 3: True}),
    (1, 0x10, {0: False, 1: False, 2: False, 3: False}),
]


@pytest.mark.parametrize(("version", "value", "served"), POLICIES)
def test_a_request_with_less_protection_than_the_policy_asks_is_not_served(
    version: int, value: int, served: dict[int, bool]
) -> None:
    meter = Meter(version=version)
    speaking = client()
    server = opened(meter, speaking)
    meter.policy = type(meter.policy).of(version, value)
    for protection, expected in served.items():
        how = How(Protection(protection), Envelope.SERVICE_GLOBAL) if protection else PLAIN
        request = READ_NOTE if how is PLAIN else sealed(speaking, READ_NOTE, how)
        response = ask(server, request)
        if expected:
            assert response[0] == (0xC4 if how is PLAIN else 0xCC)
        else:
            assert response == NOT_POSSIBLE
            assert isinstance(meter.refusals[-1], InsufficientProtection)


RESPONSES = [(0x20, A), (0x40, E), (0x60, AE)]


@pytest.mark.parametrize(("value", "protection"), RESPONSES)
def test_a_response_has_the_protection_of_its_request_and_of_the_policy(value: int, protection: Protection) -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    meter.policy = type(meter.policy).of(1, value)
    assert speaking.security is not None
    for asked in (PLAIN, How(A, Envelope.SERVICE_GLOBAL), How(E, Envelope.GENERAL_GLOBAL)):
        request = READ_NOTE if asked is PLAIN else sealed(speaking, READ_NOTE, asked)
        answer = speaking.security.context.open(ask(server, request))
        assert answer.how.protection == protection | asked.protection
        assert answer.apdu[:4] == bytes.fromhex("c401c100")


def test_where_responses_must_be_signed_and_cannot_be_nothing_is_done() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    meter.policy = type(meter.policy).of(1, 0x80)
    write = xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(b"second"))
    assert ask(server, sealed(speaking, write)) == NOT_POSSIBLE
    assert meter.note == b"first note"


@pytest.mark.parametrize("value", [0x04, 0x08, 0x20, 0x40, 0x6C])
@pytest.mark.parametrize("mechanism", [Mechanism.HIGH_MD5, Mechanism.HIGH_GMAC])
def test_a_plain_association_is_refused_where_its_policy_asks_for_protection(mechanism: Mechanism, value: int) -> None:
    meter = Meter(value=value)
    server = association(meter, mechanism, PLAIN_LN)
    with pytest.raises(AssociationRefused, match="no-reason-given"):
        run(server, client(mechanism, ciphered=False).associate())
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert meter.guard.failures == 0


UNANSWERABLE = [
    (KeyChoice.ONE_PASS, {"peer_agreement": None}),
    (KeyChoice.ONE_PASS, {"signing": None}),
]


@pytest.mark.parametrize(("key", "lacking"), UNANSWERABLE)
def test_a_request_whose_answer_cannot_have_its_key_is_not_served(key: KeyChoice, lacking: dict[str, None]) -> None:
    meter = Meter(SUITE_1)
    meter.asymmetric = replace(meter.asymmetric, **lacking)
    speaking = client(suite=SUITE_1)
    server = opened(meter, speaking)
    how = How(AE, Envelope.GENERAL, key=key, transaction_id=b"12345678")
    assert ask(server, sealed(speaking, WRITE_NOTE, how)) == NOT_POSSIBLE
    assert meter.note == b"first note"
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    rlrq = acse.write_release(acse.RLRQ, acse.Release(user_information=sealed(speaking, request, how)))
    assert ask(server, rlrq) == NOT_POSSIBLE
    assert server.associated
    assert meter.reports == []
    run(server, speaking.release())


def test_responses_that_must_be_signed_are() -> None:
    meter = Meter(SUITE_1)
    speaking = client(suite=SUITE_1)
    server = opened(meter, speaking)
    meter.policy = type(meter.policy).of(1, 0x80)
    assert speaking.security is not None
    for asked in (PLAIN, INITIATE):
        answer = speaking.security.context.open(
            ask(server, READ_NOTE if asked is PLAIN else sealed(speaking, READ_NOTE))
        )
        assert answer.how.protection == asked.protection | Protection.SIGNED


ANOTHER_KEY = keys()
ANOTHER_KEY.install(KeyId.GLOBAL_UNICAST, bytes(16))
ANOTHER_AUTHENTICATION_KEY = keys()
ANOTHER_AUTHENTICATION_KEY.install(KeyId.AUTHENTICATION, bytes(16))


def test_wrong_keys_and_altered_apdus_are_not_served() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    right = sealed(speaking, READ_NOTE)
    wrong_keys = context(CLIENT, SERVER, 500, ANOTHER_KEY), context(CLIENT, SERVER, 500, ANOTHER_AUTHENTICATION_KEY)
    requests = [wrong.seal(READ_NOTE, INITIATE) for wrong in wrong_keys]
    requests.append(right[:2] + bytes((right[2] | 0x0F,)) + right[3:])  # suite 15
    requests.append(right[:2] + bytes((right[2] | 0x40,)) + right[3:])  # the broadcast key
    requests.append(right[:10] + bytes((right[10] ^ 1,)) + right[11:])
    requests.append(bytes((0xD0,)) + right[1:])  # a tag of the dedicated key, of which there is none
    requests.append(bytes((0xC9,)) + right[1:])  # a SET by its tag
    for request in requests:
        assert ask(server, request) == DECIPHERING
    short = bytes((right[0], right[1] - 1)) + right[2:-1]
    assert ask(server, short) == DECIPHERING
    assert all(isinstance(error, DecipheringError) for error in meter.refusals)
    assert len(meter.refusals) == 8
    assert ask(server, right)[0] == 0xCC
    assert meter.guard.failures == 0


def test_the_compression_bit_is_a_service_that_is_not_supported() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    right = sealed(speaking, READ_NOTE)
    assert ask(server, right[:2] + bytes((right[2] | 0x80,)) + right[3:]) == NOT_SUPPORTED
    assert ask(server, right)[0] == 0xCC


def test_an_aarq_under_a_wrong_key_counts_as_a_failure() -> None:
    for held in (ANOTHER_KEY, ANOTHER_AUTHENTICATION_KEY):
        meter = Meter()
        server = association(meter, Mechanism.LOW)
        with pytest.raises(AssociationRefused, match="authentication-failure"):
            run(server, client(Mechanism.LOW, held=held).associate())
        assert (meter.guard.failures, meter.guard.successes) == (1, 0)


DEDICATED_REFUSED = [
    ("plain", PLAIN, DEDICATED),
    ("encrypted", How(E, Envelope.SERVICE_GLOBAL), DEDICATED),
    ("authenticated", How(A, Envelope.SERVICE_GLOBAL), DEDICATED),
    ("15 octets", INITIATE, bytes(15)),
    ("17 octets", INITIATE, bytes(17)),
    ("none", INITIATE, b""),
]


@pytest.mark.parametrize(
    ("how", "key"), [row[1:] for row in DEDICATED_REFUSED], ids=[row[0] for row in DEDICATED_REFUSED]
)
def test_a_dedicated_key_of_another_length_or_less_protected_is_refused(how: How, key: bytes) -> None:
    server = association(Meter(), Mechanism.LOW)
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500, dedicated_key=key))
    side = context(CLIENT, SERVER)
    information = request if how is PLAIN else side.seal(request, how)
    answer = acse.read_aare(ask(server, acse.write_aarq(CIPHERED, information, b"12345678", calling_ap_title=CLIENT)))
    assert (answer.result, answer.diagnostic) == (1, UserDiagnostic.NO_REASON_GIVEN)
    assert answer.user_information is not None
    plain = not how.protection & A  # encryption alone of who has proved nothing is not gone into
    error = answer.user_information if plain else side.open(answer.user_information).apdu
    assert error == bytes.fromhex("0e010600")
    assert not server.associated


def test_a_client_reads_why_its_ciphered_initiate_is_refused() -> None:
    with pytest.raises(AssociationRefused, match=r"no-reason-given \(incompatible-conformance\)"):
        run(association(Meter()), client(conformance=Conformance(0)).associate())


def test_the_dedicated_key_of_an_earlier_association_is_dead() -> None:
    meter = Meter()
    how = How(AE, Envelope.SERVICE_DEDICATED)
    first = client(how=how, dedicated_key=DEDICATED)
    server = opened(meter, first)
    run(server, first.get(NOTE_VALUE))
    assert first.security is not None
    counter = first.security.context.authenticate(b"")[1:5]
    run(server, client(counter=int.from_bytes(counter, "big") + 1).associate())
    assert ask(server, sealed(first, READ_NOTE, how)) == DECIPHERING


def test_pass_3_under_the_dedicated_key_is_refused() -> None:
    meter = Meter()
    server = association(meter)
    speaking = client(dedicated_key=DEDICATED)
    exchange = speaking.associate()
    answer = acse.read_aare(ask(server, next(exchange)))
    assert answer.authentication_value is not None
    assert speaking.security is not None
    proof = speaking.security.context.authenticate(answer.authentication_value)
    under_dedicated = sealed(speaking, reply(proof), How(AE, Envelope.SERVICE_DEDICATED))
    assert ask(server, under_dedicated) == NOT_POSSIBLE
    assert server.status is AssociationStatus.PENDING


RELEASES: list[tuple[str, How | None]] = [
    ("without an InitiateRequest", None),
    ("plain", PLAIN),
    ("encrypted", How(E, Envelope.SERVICE_GLOBAL)),
    ("authenticated", How(A, Envelope.SERVICE_GLOBAL)),
    ("under the dedicated key", How(AE, Envelope.SERVICE_DEDICATED)),
]


@pytest.mark.parametrize("how", [row[1] for row in RELEASES], ids=[row[0] for row in RELEASES])
def test_a_release_with_less_protection_than_the_aarq_releases_nothing(how: How | None) -> None:
    speaking = client(dedicated_key=DEDICATED)
    server = opened(Meter(), speaking)
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    information = None if how is None else request if how is PLAIN else sealed(speaking, request, how)
    rlrq = acse.write_release(acse.RLRQ, acse.Release(user_information=information))
    assert ask(server, rlrq) == NOT_POSSIBLE
    assert server.associated
    assert run(server, speaking.get(NOTE_VALUE))[0] == NOTE_OCTETS


def test_a_release_under_a_wrong_key_or_seen_before_releases_nothing() -> None:
    speaking = client()
    server = opened(Meter(), speaking)
    exchange = speaking.release()
    rlrq = next(exchange)
    altered = rlrq[:-1] + bytes((rlrq[-1] ^ 1,))
    assert ask(server, altered) == DECIPHERING
    assert server.associated
    assert ask(server, rlrq)[0] == acse.RLRE
    run(server, speaking.associate())
    assert ask(server, rlrq)[:3] == bytes.fromhex("d80206")
    assert server.associated


def test_the_rlre_of_a_ciphered_association_holds_the_initiate_response_and_no_other_anything() -> None:
    speaking = client()
    server = opened(Meter(), speaking)
    rlre = acse.read_release(ask(server, next(speaking.release())), acse.RLRE)
    assert rlre.user_information is not None
    assert speaking.security is not None
    inner = speaking.security.context.open(rlre.user_information).apdu
    assert initiate.read_initiate_response(inner) == speaking.negotiated
    plain = association(Meter(), Mechanism.LOW, PLAIN_LN)
    speaking = client(Mechanism.LOW, ciphered=False)
    run(plain, speaking.associate())
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500))
    rlrq = acse.write_release(acse.RLRQ, acse.Release(user_information=request))
    assert ask(plain, rlrq) == bytes.fromhex("6303800100")


def test_plain_initiates_are_taken_and_released_where_the_policy_asks_for_nothing() -> None:
    meter = Meter()
    speaking = client(Mechanism.LOW, initiate=PLAIN, how=PLAIN)
    server = association(meter, Mechanism.LOW)
    run(server, speaking.associate())
    assert run(server, speaking.get(NOTE_VALUE))[0] == NOTE_OCTETS
    assert ask(server, bytes.fromhex("6203800100")) == bytes.fromhex("6303800100")
    meter.policy = type(meter.policy).of(1, 0x0C)
    with pytest.raises(AssociationRefused, match="no-reason-given"):
        run(server, speaking.associate())


def test_what_a_client_may_not_is_refused_in_ciphered_associations_as_in_plain_ones() -> None:
    speaking = client()
    server = opened(Meter(), speaking)
    with pytest.raises(AccessFailed, match="type-unmatched"):
        run(server, speaking.set(NOTE_VALUE, UNSIGNED.encode(1)))
    with pytest.raises(AccessFailed, match="read-write-denied"):
        run(server, speaking.set(STATUS, b"\x16\x02"))


def test_a_ciphered_apdu_before_any_association_is_not_possible() -> None:
    assert ask(association(Meter()), sealed(client(), READ_NOTE)) == NOT_POSSIBLE


def test_a_request_longer_than_our_receive_pdu_is_not_deciphered() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    long = xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(bytes(0x800)))
    assert ask(server, sealed(speaking, long)) == bytes.fromhex("d80104")
    assert meter.note == b"first note"


def test_when_our_counter_is_at_its_end_nothing_is_sent_that_needs_it() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    meter.sent._next = meter.sent._quiet = 0x1_0000_0000
    assert ask(server, sealed(speaking, READ_NOTE)) == bytes.fromhex("d80103")
    assert ask(server, sealed(speaking, WRITE_NOTE)) == bytes.fromhex("d80103")
    assert meter.note == b"first note"
    assert [str(error) for error in meter.reports] == ["fewer than 16 values are left to the invocation counter"] * 2


@pytest.mark.parametrize(("left", "done"), [(16, True), (15, False)])
def test_a_request_is_served_where_the_counter_has_values_for_its_whole_response(left: int, done: bool) -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    meter.sent._next, meter.sent._quiet = 0x1_0000_0000 - left, 0x1_0000_0000
    ask(server, sealed(speaking, WRITE_NOTE))
    assert meter.note == (b"second" if done else b"first note")


def test_when_our_counter_is_at_its_end_a_release_fails_and_is_reported() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    meter.sent._next = meter.sent._quiet = 0x1_0000_0000
    assert ask(server, next(speaking.release())) == bytes.fromhex("d80103")
    assert server.associated
    assert len(meter.reports) == 1


def test_when_our_counter_is_at_its_end_no_proof_is_given_and_nobody_is_let_in() -> None:
    meter = Meter()
    server, challenge = pending(Mechanism.HIGH_GMAC, meter)
    meter.sent._next = meter.sent._quiet = 0x1_0000_0000
    assert ask(server, reply(context(CLIENT, SERVER).authenticate(challenge))) == bytes.fromhex("c701c1fa00")
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert len(meter.reports) == 1


def test_the_title_of_a_client_is_noted_when_it_has_proved_itself() -> None:
    meter = Meter()
    server = association(meter)
    exchange = client().associate()
    request = next(exchange)
    request = exchange.send(ask(server, request))
    assert meter.client_title == b""
    with pytest.raises(StopIteration):
        exchange.send(ask(server, request))
    assert meter.client_title == CLIENT


def test_a_title_that_nothing_depends_on_is_not_noted() -> None:
    meter = Meter()
    run(association(meter, Mechanism.HIGH_MD5, PLAIN_LN), client(Mechanism.HIGH_MD5, ciphered=False).associate())
    assert meter.client_title == b""


def test_every_answer_has_a_counter_of_its_own() -> None:
    meter = Meter()
    speaking = client(how=How(AE, Envelope.SERVICE_GLOBAL))
    server = opened(meter, speaking)
    counters = []
    for _ in range(5):
        _, (response,) = run(server, speaking.get(NOTE_VALUE))
        counters.append(int.from_bytes(response[3:7], "big"))
    assert counters == list(range(counters[0], counters[0] + 5))


def test_challenges_are_new_with_every_aarq() -> None:
    meter = Meter()
    challenges = {pending(meter=meter)[1] for _ in range(20)}
    assert len(challenges) == 20


# --- rights that need protection --------------------------------------------------------------------

GUARDED = Obis.parse("0.0.128.100.4.255")
RESET = Descriptor(3, GUARDED, 1)


def guarded(mode: AccessMode) -> VisibleObject:
    """A register whose value and reset need protection."""
    register = CosemObject(
        Register,
        GUARDED,
        [
            BoundAttribute(Register.value, lambda meter: meter.note, _write, type_=OCTET_STRING),
            BoundAttribute(Register.scaler_unit, Constant((0, 30))),
        ],
        {Register.reset: lambda meter, value: _write(meter, b"reset")},
    )
    return VisibleObject(
        register,
        {1: AccessMode.READ, 2: AccessMode.READ_WRITE | mode, 3: AccessMode.READ},
        frozenset({1}),
        {1: mode},
    )


def _write(meter: Meter, value: bytes) -> None:
    meter.note = value


GUARDS = [
    (AccessMode.AUTHENTICATED_REQUEST, (A, AE)),
    (AccessMode.ENCRYPTED_REQUEST, (E, AE)),
    (AccessMode.AUTHENTICATED_REQUEST | AccessMode.ENCRYPTED_REQUEST, (AE,)),
    (AccessMode.AUTHENTICATED_RESPONSE, (A, AE)),
    (AccessMode.ENCRYPTED_RESPONSE, (E, AE)),
    (AccessMode.SIGNED_REQUEST, ()),
]


@pytest.mark.parametrize(("mode", "enough"), GUARDS, ids=[str(int(row[0])) for row in GUARDS])
def test_what_needs_protection_is_denied_without(mode: AccessMode, enough: tuple[Protection, ...]) -> None:
    meter = Meter()
    register = Descriptor(3, GUARDED, 2)
    for protection in (Protection.NONE, A, E, AE):
        speaking = client(
            how=How(protection, Envelope.SERVICE_GLOBAL) if protection else PLAIN, counter=meter_next(meter)
        )
        server = association(meter, Mechanism.HIGH_GMAC, CIPHERED, guarded(mode))
        run(server, speaking.associate())
        meter.note = b"before"
        accesses = (
            speaking.get(register),
            speaking.set(register, OCTET_STRING.encode(b"written")),
            speaking.action(RESET, b"\x0f\x00"),
        )
        for exchange, after in zip(accesses, (b"before", b"written", b"reset"), strict=True):
            if protection in enough:
                run(server, exchange)
                assert meter.note == after
            else:
                with pytest.raises(AccessFailed, match="read-write-denied"):
                    run(server, exchange)
                assert meter.note == b"before"
        assert run(server, speaking.get(Descriptor(3, GUARDED, 3)))[0] == bytes.fromhex("02020f00161e")


def meter_next(meter: Meter) -> int:
    """The first counter that the meter accepts from the client."""
    return meter.received.last_accepted(Channel(KeyName.UNICAST, CLIENT)) + 1


def test_a_response_that_the_policy_protects_satisfies_rights_on_responses() -> None:
    meter = Meter(value=0x20)
    server = association(meter, Mechanism.HIGH_GMAC, CIPHERED, guarded(AccessMode.AUTHENTICATED_RESPONSE))
    speaking = client()
    run(server, speaking.associate())
    plain = xdlms.write_get(0xC1, AttributeRequest(Descriptor(3, GUARDED, 2).to_bytes()))
    assert speaking.security is not None
    assert speaking.security.context.open(ask(server, plain)).apdu[:4] == bytes.fromhex("c401c100")


def test_nothing_is_cleared_by_who_proved_nothing() -> None:
    meter = Meter()
    server = association(meter, Mechanism.LOWEST)
    run(server, client(Mechanism.LOWEST, initiate=PLAIN, how=PLAIN).associate())
    with pytest.raises(AssociationRefused):
        run(server, client(Mechanism.LOWEST, initiate=How(E, Envelope.SERVICE_GLOBAL)).associate())
    assert (meter.guard.failures, meter.guard.successes) == (0, 0)
