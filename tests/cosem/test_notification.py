"""Data-Notification and Event-Notification, plain and ciphered; pushes of real meters both ways."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.data_types import ANY, decode_all
from cosem.date_time import DateTime
from cosem.errors import DecodeError
from cosem.notification import (
    DataNotification,
    EventNotification,
    read_data_notification,
    read_event_notification,
    write_data_notification,
    write_event_notification,
)
from cosem.security.invocation import SendCounter
from cosem.security.keys import Keys
from cosem.security.policy import Protection
from cosem.security.security_context import How, SecurityContext
from cosem.security.suites import SUITE_0
from cosem.security.tags import Envelope
from cosem.xdlms import Descriptor
from obis import Obis

from .security.samples import nothing, pair, received, stream
from .service_vectors import apdu_of, octets, parameter, vectors

BOTH = Protection.AUTHENTICATED | Protection.ENCRYPTED

PLAIN_PUSHES = {
    **{vector["id"]: bytes.fromhex(vector["hex_in"]) for vector in vectors("data-notification")},
    **{name: apdu_of(octets(name)) for name in ("V370", "V373", "V374", "V375", "K1", "K2")},
    "V378": octets("V378", "out"),
    "K3": octets("K3", "out"),
}


@pytest.mark.parametrize("apdu", PLAIN_PUSHES.values(), ids=PLAIN_PUSHES)
def test_a_captured_push_is_read_and_written_back_octet_for_octet(apdu: bytes) -> None:
    notification = read_data_notification(apdu)
    decode_all(ANY, notification.body)
    if notification.date_time:
        assert DateTime.from_bytes(notification.date_time).is_complete
    assert write_data_notification(notification) == apdu


def test_a_date_time_is_read_with_the_tag_of_data_and_without() -> None:
    assert read_data_notification(octets("V362")) == DataNotification(
        0x40000000, bytes.fromhex("07e3020401173416ff800000"), bytes.fromhex("020106000016dc"), tagged=True
    )
    assert not read_data_notification(octets("V359")).tagged
    assert read_data_notification(octets("V359")).date_time == b""


def test_list_1_of_a_kamstrup_meter_is_its_name_and_25_elements() -> None:
    notification = read_data_notification(apdu_of(octets("K1")))
    assert notification.invoke == 0
    assert DateTime.from_bytes(notification.date_time) == DateTime(2022, 2, 17, 4, 22, 33, 50, status=0)
    elements = decode_all(ANY, notification.body)
    assert len(elements) == 25
    assert elements[:3] == ("Kamstrup_V0001", Obis.parse("1.1.0.0.5.255"), "5706567331323526")
    values = dict(zip(elements[1::2], elements[2::2], strict=True))
    assert values[Obis.parse("1.1.1.7.0.255")] == 3503
    assert values[Obis.parse("1.1.32.7.0.255")] == 243


def kamstrup(counter: int) -> SecurityContext:
    """Either side of the meter whose keys Radius published with its frame."""
    keys = Keys(SUITE_0, parameter("K3", "encryption_key"), parameter("K3", "authentication_key"))
    title, reader = parameter("K3", "system_title"), b"READER\x00\x01"
    own, peer = (title, reader) if counter else (reader, title)
    return SecurityContext(keys, own, peer, SendCounter(counter, nothing), received(), stream(b""))


def test_the_encrypted_push_of_a_kamstrup_meter_is_opened_with_its_published_keys() -> None:
    opened = kamstrup(0).open(apdu_of(octets("K3")))
    assert opened.apdu == octets("K3", "out")
    assert opened.how == How(BOTH, Envelope.GENERAL_GLOBAL)
    elements = decode_all(ANY, read_data_notification(opened.apdu).body)
    values = dict(zip(elements[1::2], elements[2::2], strict=True))
    assert values[Obis.parse("1.1.1.8.0.255")] == 866636
    assert values[Obis.parse("1.1.0.0.1.255")] == 27581522


def test_the_encrypted_push_of_a_kamstrup_meter_is_sealed_octet_for_octet() -> None:
    counter = int.from_bytes(parameter("K3", "invocation_counter"), "big")
    sealed = kamstrup(counter).seal(octets("K3", "out"), How(BOTH, Envelope.GENERAL_GLOBAL))
    assert sealed == apdu_of(octets("K3"))


EVENT = EventNotification(
    bytes.fromhex("07e3020401173416ff800000"), Descriptor(1, Obis.parse("0.0.96.11.0.255"), 2), b"\x11\x2a"
)


@pytest.mark.parametrize(
    ("event", "written"),
    [
        (EVENT, "c2 01 0c 07e3020401173416ff800000 0001 0000600b00ff 02 112a"),
        (EVENT._replace(date_time=None), "c2 00 0001 0000600b00ff 02 112a"),
    ],
    ids=["with a date-time", "without"],
)
def test_an_event_notification_is_these_octets(event: EventNotification, written: str) -> None:
    assert write_event_notification(event) == bytes.fromhex(written)
    assert read_event_notification(bytes.fromhex(written)) == event


@pytest.mark.parametrize("envelope", [Envelope.SERVICE_GLOBAL, Envelope.GENERAL_GLOBAL, Envelope.GENERAL])
def test_a_ciphered_event_notification_is_opened_by_the_client(envelope: Envelope) -> None:
    client, server = pair()
    sealed = server.seal(write_event_notification(EVENT), How(BOTH, envelope))
    assert sealed[0] == {Envelope.SERVICE_GLOBAL: 0xCA, Envelope.GENERAL_GLOBAL: 0xDB, Envelope.GENERAL: 0xDD}[envelope]
    opened = client.open(sealed)
    assert read_event_notification(opened.apdu) == EVENT
    assert opened.how.protection == BOTH


@pytest.mark.parametrize("protection", [Protection.AUTHENTICATED, Protection.ENCRYPTED, BOTH])
def test_a_ciphered_data_notification_is_opened_by_the_client(protection: Protection) -> None:
    client, server = pair()
    sealed = server.seal(PLAIN_PUSHES["K1"], How(protection, Envelope.GENERAL_GLOBAL))
    assert client.open(sealed).apdu == PLAIN_PUSHES["K1"]


REFUSED: list[tuple[str, Any, str]] = [
    ("another tag", read_data_notification, "10 00000000 00 00"),
    ("no invoke-id", read_data_notification, "0f 000000"),
    ("a date-time of 11 octets", read_data_notification, "0f 00000000 0b 07e3020401173416ff8000 00"),
    ("a date-time that is not there", read_data_notification, "0f 00000000 0c 07e3"),
    ("no value", read_data_notification, "0f 00000000 00"),
    ("two values", read_data_notification, "0f 00000000 00 00 00"),
    ("a value of no type", read_data_notification, "0f 00000000 00 ff"),
    ("another tag", read_event_notification, "c3 00 0001 0000600b00ff 02 112a"),
    ("a presence octet of 2", read_event_notification, "c2 02 0001 0000600b00ff 02 112a"),
    ("a date-time of no octets", read_event_notification, "c2 01 00 0001 0000600b00ff 02 112a"),
    ("half a descriptor", read_event_notification, "c2 00 0001 000060"),
    ("no value", read_event_notification, "c2 00 0001 0000600b00ff 02"),
    ("octets behind the value", read_event_notification, "c2 00 0001 0000600b00ff 02 112a 00"),
]


@pytest.mark.parametrize(("name", "read", "sent"), REFUSED, ids=[f"{r[1].__name__}: {r[0]}" for r in REFUSED])
def test_octets_that_are_no_notification_are_refused(name: str, read: Any, sent: str) -> None:
    with pytest.raises(DecodeError):
        read(bytes.fromhex(sent))


@given(
    invoke=st.integers(0, 0xFFFFFFFF),
    date_time=st.binary(min_size=12, max_size=12) | st.just(b""),
    body=st.sampled_from([b"\x00", b"\x11\x01", bytes.fromhex("0202090101 0600000001")]),
    tagged=st.booleans(),
)
def test_what_is_written_is_read(invoke: int, date_time: bytes, body: bytes, tagged: bool) -> None:
    notification = DataNotification(invoke, date_time, body, tagged)
    assert read_data_notification(write_data_notification(notification)) == notification


@given(octets=st.binary(max_size=60))
def test_a_notification_is_read_or_refused(octets: bytes) -> None:
    for tag, read in ((b"\x0f", read_data_notification), (b"\xc2", read_event_notification)):
        with contextlib.suppress(DecodeError):
            read(tag + octets)
