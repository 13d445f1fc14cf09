"""Short names with high level security and ciphering: every mechanism, the policy, what is refused and how."""

from __future__ import annotations

from typing import Any

import pytest

from cosem import acse
from cosem.acse import ApplicationContext, Mechanism, UserDiagnostic
from cosem.association import Association, AssociationStatus
from cosem.association_definition import AssociationDefinition
from cosem.client import AssociationRefused
from cosem.client_security import INITIATE
from cosem.data_types import OCTET_STRING
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import Data
from cosem.object_model import ObjectView
from cosem.security.errors import DecipheringError, InsufficientProtection, InvocationCounterError
from cosem.security.layer import PLAIN
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite
from cosem.security.tags import Envelope
from cosem.short_names import apdus
from cosem.short_names.apdus import Parameterized, Variable
from cosem.short_names.association_sn import association_sn_object
from cosem.short_names.base_names import ShortNames, base_names
from cosem.short_names.client import FULL_SN_CONFORMANCE, REPLY_TO_HLS, ServiceRefused, ShortNameClient

from ..samples import run
from ..security.meter import NOTE, NOTE_VALUE, Meter, visible, xor
from ..security.meter import client as with_long_names
from ..security.samples import DEDICATED

SN, SN_CIPHERED = ApplicationContext.SN, ApplicationContext.SN_CIPHERED
CONFORMANCE = FULL_SN_CONFORMANCE | Conformance.GENERAL_PROTECTION
AE = Protection.AUTHENTICATED | Protection.ENCRYPTED


def set_note(meter: Meter, value: bytes) -> None:
    meter.note = value


def set_secret(meter: Meter, value: bytes) -> None:
    meter.secret = value


def definition(mechanism: Mechanism, application: ApplicationContext) -> AssociationDefinition:
    note = CosemObject(Data, NOTE, [BoundAttribute(Data.value, lambda meter: meter.note, set_note, type_=OCTET_STRING)])
    objects = [visible(note, 2), visible(association_sn_object(mechanism, set_secret))]
    view = ObjectView(objects)
    return AssociationDefinition(
        1,
        1,
        mechanism,
        CONFORMANCE,
        0x800,
        view,
        secret=lambda meter: meter.secret,
        context=application,
        security=lambda meter: meter,
        guard=lambda meter: meter.guard,
        proof=(lambda meter, exchange: xor(exchange)) if mechanism is Mechanism.HIGH else None,
        short_names=ShortNames(view, base_names(item.object for item in objects)),
    )


NOTE_NAME = definition(Mechanism.LOWEST, SN).short_names.name_of(NOTE_VALUE)  # type: ignore[union-attr]
READ_NOTE = bytes((apdus.READ_REQUEST,)) + apdus.write_accesses([Variable(NOTE_NAME)])
NOTE_ANSWER = b"\x0c\x01\x00" + OCTET_STRING.encode(b"first note")


def association(
    meter: Meter, mechanism: Mechanism = Mechanism.HIGH_GMAC, application: ApplicationContext = SN_CIPHERED
) -> Association:
    return Association(definition(mechanism, application), meter, meter.report)


def client(mechanism: Mechanism = Mechanism.HIGH_GMAC, suite: Suite = SUITE_0, **other: Any) -> ShortNameClient:
    """The client of the same keys with long names, speaking short ones."""
    model = with_long_names(mechanism, suite, **other)
    return ShortNameClient(model.password, model.max_pdu, CONFORMANCE, model.security)


def opened(meter: Meter, speaking: ShortNameClient, mechanism: Mechanism = Mechanism.HIGH_GMAC) -> Association:
    server = association(meter, mechanism)
    run(server, speaking.associate())
    assert server.associated
    return server


def ask(server: Association, apdu: bytes) -> bytes:
    response = server.handle(apdu)
    assert response is not None
    return response


MECHANISMS = [
    (mechanism, suite)
    for mechanism in Mechanism
    for suite in (SUITE_0, SUITE_1, SUITE_2)
    if suite is not SUITE_0 or mechanism is not Mechanism.HIGH_ECDSA
]


@pytest.mark.parametrize("application", [SN, SN_CIPHERED])
@pytest.mark.parametrize(("mechanism", "suite"), MECHANISMS)
def test_a_client_that_proves_itself_is_served_and_released(
    mechanism: Mechanism, suite: Suite, application: ApplicationContext
) -> None:
    meter = Meter(suite)
    server = association(meter, mechanism, application)
    speaking = client(mechanism, suite, ciphered=application.ciphered)
    run(server, speaking.associate())
    assert server.associated
    assert run(server, speaking.read_value(NOTE_NAME))[0] == b"first note"
    run(server, speaking.write(NOTE_NAME, OCTET_STRING.encode(b"second")))
    assert meter.note == b"second"
    assert run(server, speaking.release())[0] == 0
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert meter.guard.failures == 0
    assert (meter.refusals, meter.reports) == ([], [])


# --- before the proof -----------------------------------------------------------------------------


def pending(meter: Meter) -> tuple[Association, bytes]:
    """An association that awaits its proof, and the server's challenge."""
    server = association(meter, Mechanism.HIGH_MD5, SN)
    answer = acse.read_aare(ask(server, next(client(Mechanism.HIGH_MD5, ciphered=False).associate())))
    assert answer.diagnostic == UserDiagnostic.AUTHENTICATION_REQUIRED
    assert answer.authentication_value is not None
    return server, answer.authentication_value


def reply(proof: bytes) -> bytes:
    access = Parameterized(REPLY_TO_HLS, 0, OCTET_STRING.encode(proof))
    return bytes((apdus.READ_REQUEST,)) + apdus.write_accesses([access])


def test_nothing_is_read_written_or_invoked_before_the_proof() -> None:
    meter = Meter()
    server, _ = pending(meter)
    assert ask(server, READ_NOTE) == bytes.fromhex("0c010104")
    assert ask(server, bytes.fromhex("050102fa08")) == bytes.fromhex("0c010103")
    write = b"\x06" + apdus.write_contents([Variable(NOTE_NAME), Variable(0xFA40)], [b"\x09\x00", b"\x09\x00"])
    assert ask(server, write) == bytes.fromhex("0d02 0104 0103")
    assert server.handle(b"\x16" + write[1:]) is None
    assert server.status is AssociationStatus.PENDING
    assert (meter.note, meter.secret) == (b"first note", b"12345678")


def test_a_wrong_proof_counts_and_ends_the_association() -> None:
    meter = Meter()
    server, _ = pending(meter)
    assert ask(server, reply(bytes(16))) == bytes.fromhex("0c010103")
    assert server.status is AssociationStatus.NON_ASSOCIATED
    assert ask(server, READ_NOTE) == bytes.fromhex("0e050201")
    assert (meter.guard.failures, meter.guard.successes) == (1, 0)


def test_after_a_wrong_proof_in_a_list_nothing_else_of_the_list_is_done() -> None:
    meter = Meter()
    server, _ = pending(meter)
    change = Parameterized(0xFA40, 0, OCTET_STRING.encode(b"new secret"))
    proof = Parameterized(REPLY_TO_HLS, 0, OCTET_STRING.encode(bytes(16)))
    response = ask(server, b"\x05" + apdus.write_accesses([proof, change, Variable(NOTE_NAME)]))
    assert response == bytes.fromhex("0c03 0103 0103 0104")
    assert meter.secret == b"12345678"


def test_a_wrong_secret_is_refused() -> None:
    meter = Meter()
    server = association(meter, Mechanism.HIGH_SHA256, SN)
    with pytest.raises(AssociationRefused, match="our proof was refused: read-write-denied"):
        run(server, client(Mechanism.HIGH_SHA256, ciphered=False, secret=b"other").associate())
    assert meter.guard.failures == 1


def test_a_proof_may_come_by_write_and_is_then_not_answered_with_ours() -> None:
    meter = Meter()
    server = association(meter, Mechanism.HIGH_MD5, SN)
    exchange = client(Mechanism.HIGH_MD5, ciphered=False).associate()
    request = exchange.send(ask(server, next(exchange)))
    (access,) = apdus.read_accesses(apdus.Reader(request, 1))
    assert isinstance(access, Parameterized)
    written = b"\x06" + apdus.write_contents([Variable(access.name)], [access.parameter])
    assert ask(server, written) == bytes.fromhex("0d0100")
    assert server.associated


# --- ciphering ------------------------------------------------------------------------------------

ENVELOPES = [
    How(protection, envelope)
    for envelope in (
        Envelope.SERVICE_GLOBAL, Envelope.SERVICE_DEDICATED, Envelope.GENERAL_GLOBAL, Envelope.GENERAL_DEDICATED
    )
    for protection in (Protection.AUTHENTICATED, Protection.ENCRYPTED, AE)
]  # fmt: skip


@pytest.mark.parametrize("how", ENVELOPES, ids=str)
def test_requests_are_served_in_every_envelope_and_answered_in_it(how: How) -> None:
    meter = Meter()
    speaking = client(how=how, dedicated_key=DEDICATED)
    server = opened(meter, speaking)
    value, responses = run(server, speaking.read(NOTE_NAME))
    assert value == OCTET_STRING.encode(b"first note")
    tags = {
        Envelope.SERVICE_GLOBAL: 0x2C, Envelope.SERVICE_DEDICATED: 0x4C,
        Envelope.GENERAL_GLOBAL: 0xDB, Envelope.GENERAL_DEDICATED: 0xDC,
    }  # fmt: skip
    assert responses[0][0] == tags[how.envelope]
    run(server, speaking.write(NOTE_NAME, OCTET_STRING.encode(b"second")))
    assert meter.note == b"second"


def test_an_unconfirmed_write_is_ciphered_as_any_request() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    apdu = speaking.write_unconfirmed([Variable(NOTE_NAME)], [OCTET_STRING.encode(b"second")])
    assert apdu[0] == 0x36
    assert server.handle(apdu) is None
    assert meter.note == b"second"
    assert server.handle(apdu) is None  # a replay is refused in silence as well
    assert [type(error) for error in meter.refusals] == [InvocationCounterError]


def test_no_response_is_longer_than_the_client_takes_also_when_protected() -> None:
    meter = Meter(note=bytes(300))
    speaking = client(max_pdu=80)
    server = opened(meter, speaking)
    value, responses = run(server, speaking.read(NOTE_NAME))
    assert value == OCTET_STRING.encode(meter.note)
    assert len(responses) > 4
    assert max(map(len, responses)) <= 80


def test_a_refusal_is_protected_as_the_request_was() -> None:
    speaking = client()
    server = opened(Meter(), speaking)
    assert speaking.security is not None
    response = ask(server, speaking.security.seal(bytes.fromhex("c001c1000100008000 00ff0200"), INITIATE))
    assert response[0] == 0x2E
    assert speaking.security.open(response, INITIATE) == bytes.fromhex("0e050302")
    speaking.conformance = CONFORMANCE & ~Conformance.WRITE
    run(server, speaking.associate())
    with pytest.raises(ServiceRefused):
        run(server, speaking.write(NOTE_NAME, b"\x09\x00"))


def test_a_request_is_answered_once() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    assert speaking.security is not None
    request = speaking.security.seal(READ_NOTE, INITIATE)
    assert speaking.security.open(ask(server, request), INITIATE) == NOTE_ANSWER
    assert ask(server, request) == bytes.fromhex("0e050006")
    assert [type(error) for error in meter.refusals] == [InvocationCounterError]


def test_altered_octets_are_not_served() -> None:
    meter = Meter()
    speaking = client()
    server = opened(meter, speaking)
    assert speaking.security is not None
    request = bytearray(
        speaking.security.seal(b"\x06" + apdus.write_contents([Variable(NOTE_NAME)], [b"\x09\x00"]), INITIATE)
    )
    request[-13] ^= 1
    assert ask(server, bytes(request)) == bytes.fromhex("0e060006")
    assert [type(error) for error in meter.refusals] == [DecipheringError]
    assert meter.note == b"first note"


def test_plaintext_is_not_served_where_the_policy_asks_for_protection() -> None:
    meter = Meter(value=0x0C)  # authenticated and encrypted requests
    speaking = client()
    server = opened(meter, speaking)
    assert ask(server, READ_NOTE) == bytes.fromhex("0e050201")
    assert [type(error) for error in meter.refusals] == [InsufficientProtection]
    assert run(server, speaking.read_value(NOTE_NAME))[0] == b"first note"


def test_plaintext_is_served_plain_where_the_policy_asks_for_nothing() -> None:
    speaking = client(how=PLAIN)
    server = opened(Meter(), speaking, Mechanism.HIGH_GMAC)
    assert ask(server, READ_NOTE) == NOTE_ANSWER


def test_a_ciphered_request_before_any_association_is_not_possible() -> None:
    server = association(Meter())
    speaking = client()
    assert speaking.security is not None
    assert ask(server, speaking.security.seal(READ_NOTE, INITIATE)) == bytes.fromhex("0e050201")
