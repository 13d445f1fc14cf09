"""What an association tells its client unasked: in which form, protected how, and when nothing at all."""

from __future__ import annotations

import dataclasses

import pytest

from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.client_security import INITIATE
from cosem.data_types import OCTET_STRING
from cosem.date_time import DateTime
from cosem.event_service import EVENT_TAGS, event_apdu
from cosem.initiate import Conformance
from cosem.notification import EventNotification
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.security.errors import DecipheringError, InvocationCounterError
from cosem.security.layer import PLAIN
from cosem.security.policy import Protection, SecurityPolicy
from cosem.security.security_context import How
from cosem.security.suites import SUITE_1
from cosem.security.tags import Envelope
from cosem.short_names.apdus import InformationReport, Variable
from cosem.short_names.client import ShortNameClient
from cosem.xdlms import Descriptor
from obis import Obis

from .samples import run
from .security.meter import NOTE_VALUE, SERVICES, Meter, association, client, definition
from .security.samples import DEDICATED
from .short_names import test_security as short_names

MOMENT = DateTime(2026, 3, 2, 1, 14, 1, 30, 255, -60, 0)
NEWS = Conformance.EVENT_NOTIFICATION
AUTHENTICATED = How(Protection.AUTHENTICATED, Envelope.SERVICE_GLOBAL)
EXPECTED = EventNotification(MOMENT.to_bytes(), NOTE_VALUE, OCTET_STRING.encode(b"first note"))


def opened(meter: Meter, speaking: object, mechanism: Mechanism, application: ApplicationContext) -> Association:
    server = association(meter, mechanism, application, conformance=SERVICES | NEWS)
    run(server, speaking.associate())  # type: ignore[attr-defined]
    return server


def test_a_plain_association_hears_an_event_notification() -> None:
    meter, speaking = Meter(), client(Mechanism.LOW, ciphered=False, conformance=SERVICES | NEWS)
    server = opened(meter, speaking, Mechanism.LOW, ApplicationContext.LN)
    apdu = event_apdu(server, NOTE_VALUE, MOMENT)
    assert apdu is not None
    assert apdu.hex() == "c2010c" + MOMENT.to_bytes().hex() + "0001000080640 3ff02".replace(" ", "") + "090a" + (
        b"first note".hex()
    )
    assert speaking.event(apdu) == EXPECTED


@pytest.mark.parametrize(
    ("initiate", "policy", "control"),
    [
        (PLAIN, 0x00, None),
        (PLAIN, 0x60, 0x30),
        (AUTHENTICATED, 0x00, 0x10),
        (AUTHENTICATED, 0x40, 0x30),
        (INITIATE, 0x00, 0x30),
    ],
)
def test_an_event_is_protected_as_the_initiate_was_and_as_the_policy_asks(
    initiate: How, policy: int, control: int | None
) -> None:
    meter = Meter(value=policy)
    speaking = client(Mechanism.LOW, initiate=initiate, conformance=SERVICES | NEWS)
    apdu = event_apdu(opened(meter, speaking, Mechanism.LOW, ApplicationContext.LN_CIPHERED), NOTE_VALUE, MOMENT)
    assert apdu is not None
    assert apdu[0] in EVENT_TAGS
    assert (apdu[0], apdu[2] if control else None) == ((0xC2, None) if control is None else (0xCA, control))
    assert speaking.event(apdu) == EXPECTED


def test_a_policy_that_becomes_stricter_counts_for_the_next_event() -> None:
    meter, speaking = Meter(), client(Mechanism.LOW, initiate=PLAIN, conformance=SERVICES | NEWS)
    server = opened(meter, speaking, Mechanism.LOW, ApplicationContext.LN_CIPHERED)
    assert (event_apdu(server, NOTE_VALUE, MOMENT) or b"")[0] == 0xC2
    meter.policy = SecurityPolicy.of(1, 0x60)
    assert (event_apdu(server, NOTE_VALUE, MOMENT) or b"")[0] == 0xCA


def test_a_dedicated_key_changes_nothing_for_events() -> None:
    speaking = client(dedicated_key=DEDICATED, conformance=SERVICES | NEWS)
    server = opened(Meter(), speaking, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED)
    apdu = event_apdu(server, NOTE_VALUE, MOMENT)
    assert apdu is not None
    assert apdu[0] == 0xCA
    assert speaking.event(apdu) == EXPECTED


def test_an_event_and_an_answer_share_one_counter_and_neither_is_taken_twice() -> None:
    speaking = client(conformance=SERVICES | NEWS)
    server = opened(Meter(), speaking, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED)
    first, second = (event_apdu(server, NOTE_VALUE, MOMENT) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first != second
    assert speaking.event(first) == EXPECTED
    assert run(server, speaking.get(NOTE_VALUE))[0] == EXPECTED.value
    with pytest.raises(InvocationCounterError):
        speaking.event(second)
    with pytest.raises(InvocationCounterError):
        speaking.event(first)


def test_an_event_that_was_tampered_with_is_not_taken() -> None:
    speaking = client(conformance=SERVICES | NEWS)
    server = opened(Meter(), speaking, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED)
    apdu = event_apdu(server, NOTE_VALUE, MOMENT)
    assert apdu is not None
    with pytest.raises(DecipheringError):
        speaking.event(apdu[:-1] + bytes((apdu[-1] ^ 1,)))


@pytest.mark.parametrize("mechanism", [Mechanism.LOWEST, Mechanism.HIGH_GMAC])
@pytest.mark.parametrize("application", [ApplicationContext.SN, ApplicationContext.SN_CIPHERED])
def test_with_short_names_it_is_an_information_report(mechanism: Mechanism, application: ApplicationContext) -> None:
    meter, ciphered = Meter(), application is ApplicationContext.SN_CIPHERED
    model = client(mechanism, ciphered=ciphered)
    wanted = short_names.CONFORMANCE | Conformance.INFORMATION_REPORT
    speaking = ShortNameClient(None, 0xFFFF, wanted, model.security)
    declared = short_names.definition(mechanism, application)
    offered = dataclasses.replace(declared, conformance=declared.conformance | Conformance.INFORMATION_REPORT)
    server = Association(offered, meter, meter.report)
    run(server, speaking.associate())
    apdu = event_apdu(server, NOTE_VALUE, MOMENT)
    assert apdu is not None
    assert apdu[0] == (0x38 if ciphered else 0x18)
    report = InformationReport("20260302140130", [Variable(short_names.NOTE_NAME)], [EXPECTED.value])
    assert speaking.event(apdu) == report


def test_before_the_client_has_proved_itself_and_after_its_release_nothing_is_told() -> None:
    speaking = client(conformance=SERVICES | NEWS)
    meter = Meter()
    server = association(meter, conformance=SERVICES | NEWS)
    opening = speaking.associate()
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None
    answer = server.handle(next(opening))
    assert answer is not None
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None
    proof = server.handle(opening.send(answer))
    assert proof is not None
    with pytest.raises(StopIteration):
        opening.send(proof)
    assert event_apdu(server, NOTE_VALUE, MOMENT) is not None
    run(server, speaking.release())
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None


@pytest.mark.parametrize(("offered", "wanted"), [(SERVICES, SERVICES | NEWS), (SERVICES | NEWS, SERVICES)])
def test_who_has_not_negotiated_the_service_hears_nothing(offered: Conformance, wanted: Conformance) -> None:
    speaking, meter = client(Mechanism.LOW, conformance=wanted), Meter()
    server = association(meter, Mechanism.LOW, conformance=offered)
    run(server, speaking.associate())
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None


def test_what_the_client_may_not_read_is_not_told() -> None:
    speaking, meter = client(Mechanism.LOW, conformance=SERVICES | NEWS), Meter()
    declared = definition(Mechanism.LOW, conformance=SERVICES | NEWS)
    hidden = ObjectView(
        VisibleObject(item.object, {2: AccessMode.WRITE}, frozenset())
        if item.object.logical_name == NOTE_VALUE[1]
        else item
        for item in declared.view.objects
    )
    server = Association(dataclasses.replace(declared, view=hidden), meter, meter.report)
    run(server, speaking.associate())
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None
    assert event_apdu(server, Descriptor(1, Obis.parse("0.0.99.99.99.255"), 2), MOMENT) is None


def test_what_is_longer_than_the_client_takes_is_not_told() -> None:
    meter = Meter(note=bytes(60))
    speaking = client(Mechanism.LOW, conformance=SERVICES | NEWS, max_pdu=100)
    server = opened(meter, speaking, Mechanism.LOW, ApplicationContext.LN_CIPHERED)
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None


def test_an_event_that_must_be_signed_and_cannot_be_is_not_told() -> None:
    meter, speaking = Meter(), client(Mechanism.LOW, initiate=PLAIN, conformance=SERVICES | NEWS)
    server = opened(meter, speaking, Mechanism.LOW, ApplicationContext.LN_CIPHERED)
    meter.policy = SecurityPolicy.of(1, 0x80)
    assert event_apdu(server, NOTE_VALUE, MOMENT) is None


def test_an_event_that_must_be_signed_is() -> None:
    meter = Meter(suite=SUITE_1)
    speaking = client(Mechanism.HIGH_ECDSA, SUITE_1, conformance=SERVICES | NEWS)
    server = opened(meter, speaking, Mechanism.HIGH_ECDSA, ApplicationContext.LN_CIPHERED)
    meter.policy = SecurityPolicy.of(1, 0x80)
    apdu = event_apdu(server, NOTE_VALUE, MOMENT)
    assert apdu is not None
    assert apdu[0] == 0xDB
    assert speaking.event(apdu) == EXPECTED
