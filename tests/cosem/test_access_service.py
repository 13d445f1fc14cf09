"""ACCESS: public vectors both ways, every kind of access really done, each with its own result."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.access_service import (
    BREAK_ON_ERROR,
    SELF_DESCRIPTIVE,
    AccessKind,
    AccessRequest,
    AccessResponse,
    AccessResult,
    Specification,
    read_access_request,
    read_access_response,
    write_access_request,
    write_access_response,
)
from cosem.association import Association
from cosem.client import range_parameters
from cosem.client_security import INITIATE
from cosem.data_types import INTEGER, LONG, LONG_UNSIGNED, OCTET_STRING, VISIBLE_STRING, Array, decode_all
from cosem.date_time import DateTime
from cosem.errors import DecodeError
from cosem.initiate import Conformance
from cosem.request_cost import RequestLimits
from cosem.security.key_establishment import KeyChoice
from cosem.security.tags import Envelope
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis

from .samples import (
    BUFFER,
    CLASSIC,
    CLOCK,
    DISCONNECTOR,
    ENERGY,
    ENERGY_VALUE,
    FAULTY_VALUE,
    LABEL,
    NOTE_VALUE,
    ROW,
    Device,
    associated,
    idle,
    run,
)
from .security import meter as security_meter
from .security.samples import DEDICATED
from .service_vectors import octets, vectors

INVOKE = 0x40000001
NULL = b"\x00"
GET, SET, ACTION = AccessKind.GET, AccessKind.SET, AccessKind.ACTION
SUCCESS, DENIED, UNDEFINED, MISFIT, SCOPE, OTHER = 0, 3, 4, 12, 13, 250
SHIFT = Descriptor(8, CLOCK, 6)
RESET = Descriptor(3, ENERGY, 1)
UNKNOWN = Descriptor(3, Obis.parse("1.1.2.8.0.255"), 2)

PLAIN = {
    **{v["id"]: bytes.fromhex(v["hex_in"]) for v in vectors("access") if v["hex_in"].startswith("D9")},
    **{v["id"]: bytes.fromhex(v["hex_out"]) for v in vectors("access") if "hex_out" in v},
}
"""Requests and responses as they stood inside the messages of GBCS meters, and two from elsewhere."""


def access(kind: AccessKind, descriptor: Descriptor, data: bytes = NULL, selector: int | None = None,
           parameters: bytes = b"") -> tuple[Specification, bytes]:  # fmt: skip
    """One access and its data."""
    return Specification(kind, AttributeRequest(descriptor.to_bytes(), selector, parameters)), data


def request(*accesses: tuple[Specification, bytes], invoke: int = INVOKE, date_time: bytes = b"") -> bytes:
    specifications, data = [item[0] for item in accesses], [item[1] for item in accesses]
    return write_access_request(AccessRequest(invoke, date_time, specifications, data))


def opened(**other: Any) -> tuple[Association, Device]:
    """An association that serves ACCESS and nothing else, unless told."""
    return associated(**{"proposed": Conformance.ACCESS, "conformance": Conformance.ACCESS} | other)


def ask(association: Association, sent: bytes) -> AccessResponse:
    response = association.handle(sent)
    assert response is not None
    return read_access_response(response)


# --- octets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("apdu", PLAIN.values(), ids=PLAIN)
def test_a_public_access_apdu_is_read_and_written_back_octet_for_octet(apdu: bytes) -> None:
    if apdu[0] == 0xD9:
        assert write_access_request(read_access_request(apdu)) == apdu
    else:
        assert write_access_response(read_access_response(apdu)) == apdu


def test_there_are_public_requests_and_responses() -> None:
    assert sum(apdu[0] == 0xD9 for apdu in PLAIN.values()) == 17
    assert sum(apdu[0] == 0xDA for apdu in PLAIN.values()) == 7


def test_the_request_of_a_gbcs_head_end_is_read() -> None:
    read = read_access_request(octets("V321", "out"))
    assert read.invoke == BREAK_ON_ERROR | 0x3EC
    assert read.specifications == [access(SET, Descriptor(1, Obis.parse("0.2.96.13.1.255"), 2))[0]]
    assert read.data == [OCTET_STRING.encode(b"Reset")]


def test_the_response_of_a_gbcs_meter_is_read() -> None:
    read = read_access_response(octets("V330", "out"))
    assert read.specifications is None
    assert read.results == [AccessResult(GET, code) for code in (0, 0, 1, OTHER)]


def test_a_selection_is_these_octets() -> None:
    selected = access(AccessKind.GET_SELECTION, BUFFER, NULL, 2, bytes.fromhex("0204060000000106000000021200011200 00"))
    written = "d9 40000001 00 01 04 0007 0100630100ff 02 02 02040600000001060000000212000112 0000 01 00"
    assert request(selected) == bytes.fromhex(written)
    assert read_access_request(bytes.fromhex(written)).specifications == [selected[0]]


REFUSED = {
    "another tag": "da 40000001 00 00 00",
    "no invoke-id": "d9 400000",
    "a date-time of 11 octets": "d9 40000001 0b 07e3020401173416ff8000 00 00",
    "no specifications": "d9 40000001 00",
    "access 0": "d9 40000001 00 01 00 0003 0101010800ff 02 01 00",
    "access 6": "d9 40000001 00 01 06 0003 0101010800ff 02 01 00",
    "more specifications than octets": "d9 40000001 00 82ffff 01 0003 0101010800ff 02 01 00",
    "no data": "d9 40000001 00 01 01 0003 0101010800ff 02",
    "less data than accesses": "d9 40000001 00 01 01 0003 0101010800ff 02 00",
    "more data than accesses": "d9 40000001 00 01 01 0003 0101010800ff 02 02 0000",
    "data of no type": "d9 40000001 00 01 01 0003 0101010800ff 02 01 ff",
    "octets behind the data": "d9 40000001 00 01 01 0003 0101010800ff 02 01 00 00",
    "a selection without parameters": "d9 40000001 00 01 04 0007 0100630100ff 02 02",
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_octets_that_are_no_request_are_refused_and_nothing_is_done(sent: str) -> None:
    with pytest.raises(DecodeError):
        read_access_request(bytes.fromhex(sent))
    if sent.startswith("d9"):
        association, _ = opened()
        assert association.handle(bytes.fromhex(sent)) == bytes.fromhex("d80203")


@pytest.mark.parametrize("sent", ["da 00000000 00 00 01 00 00", "da 00000000 00 00 01 00 01 04 00", "d80203",
                                  "da 00000000 00 00 00 01 01 00", "da 00000000 00 00 00 00 00"])  # fmt: skip
def test_octets_that_are_no_response_are_refused(sent: str) -> None:
    with pytest.raises(DecodeError):
        read_access_response(bytes.fromhex(sent))


@given(st.binary(max_size=60))
def test_whatever_octets_come_they_are_read_or_refused(sent: bytes) -> None:
    for tag, read in ((b"\xd9", read_access_request), (b"\xda", read_access_response)):
        with contextlib.suppress(DecodeError):
            read(tag + sent)
    association, _ = opened()
    assert association.handle(b"\xd9" + sent)


# --- accesses ---------------------------------------------------------------------------------------


def test_the_octets_of_an_answer() -> None:
    association, device = opened()
    answer = association.handle(request(access(GET, ENERGY_VALUE), access(SET, NOTE_VALUE, OCTET_STRING.encode(b"x"))))
    assert answer == bytes.fromhex("da 40000001 00 00 02 06") + device.energy.to_bytes(4, "big") + bytes.fromhex(
        "00 02 0100 0200"
    )


def test_a_get_reads() -> None:
    association, device = opened()
    response = ask(association, request(access(GET, ENERGY_VALUE), access(GET, Descriptor(1, LABEL, 2))))
    assert response.invoke == INVOKE
    assert response.data == [b"\x06" + device.energy.to_bytes(4, "big"), VISIBLE_STRING.encode("000")]
    assert response.results == [AccessResult(GET, SUCCESS)] * 2


def test_a_set_writes() -> None:
    association, device = opened()
    response = ask(association, request(access(SET, NOTE_VALUE, OCTET_STRING.encode(b"written"))))
    assert device.note == b"written"
    assert (response.data, response.results) == ([NULL], [AccessResult(SET, SUCCESS)])


def test_an_action_invokes() -> None:
    association, device = opened()
    response = ask(
        association, request(access(ACTION, SHIFT, LONG.encode(60)), access(ACTION, RESET, INTEGER.encode(0)))
    )
    assert device.invoked == [("shift", 60), ("reset", 0)]
    assert (response.data, response.results) == ([NULL] * 2, [AccessResult(ACTION, SUCCESS)] * 2)


def test_accesses_are_done_in_their_order_and_see_what_went_before() -> None:
    association, device = opened()
    notes = [OCTET_STRING.encode(text) for text in (b"one", b"two")]
    response = ask(association, request(
        access(SET, NOTE_VALUE, notes[0]), access(GET, NOTE_VALUE), access(SET, NOTE_VALUE, notes[1]),
        access(GET, NOTE_VALUE), access(ACTION, SHIFT, LONG.encode(1)),
    ))  # fmt: skip
    assert response.data == [NULL, notes[0], NULL, notes[1], NULL]
    assert device.note == b"two"
    assert device.invoked == [("shift", 1)]


def test_a_selection_is_read() -> None:
    association, device = opened()
    begin, end = DateTime(2024, 1, 3, hour=0), DateTime(2024, 1, 5, hour=0)
    response = ask(
        association,
        request(access(AccessKind.GET_SELECTION, BUFFER, NULL, 1, range_parameters(CLOCK, begin, end))),
    )
    assert response.results == [AccessResult(GET, SUCCESS)]
    rows = decode_all(Array(ROW), response.data[0])
    assert rows == [row for row in device.rows if 3 <= row[0] <= 5]


def test_nothing_can_be_set_in_part() -> None:
    association, device = opened()
    part = access(AccessKind.SET_SELECTION, NOTE_VALUE, OCTET_STRING.encode(b"x"), 1, NULL)
    assert ask(association, request(part)).results == [AccessResult(SET, SCOPE)]
    assert device.note != b"x"


FAILURES = {
    "get, an unknown object": (access(GET, UNKNOWN), GET, UNDEFINED),
    "get, an unknown attribute": (access(GET, ENERGY_VALUE._replace(member=9)), GET, UNDEFINED),
    "get, another class": (access(GET, ENERGY_VALUE._replace(class_id=1)), GET, 9),
    "get, an attribute for writing only": (access(GET, Descriptor(15, Obis.parse("0.0.40.0.0.255"), 7)), GET, DENIED),
    "get, a fault of ours": (access(GET, FAULTY_VALUE), GET, OTHER),
    "get, an unknown selector": (access(AccessKind.GET_SELECTION, BUFFER, NULL, 3, NULL), GET, MISFIT),
    "get, a selection of what has none": (access(AccessKind.GET_SELECTION, ENERGY_VALUE, NULL, 1, NULL), GET, MISFIT),
    "set, an attribute for reading only": (access(SET, ENERGY_VALUE, b"\x06" + bytes(4)), SET, DENIED),
    "set, another type": (access(SET, NOTE_VALUE, LONG_UNSIGNED.encode(1)), SET, MISFIT),
    "set, without a value": (access(SET, NOTE_VALUE), SET, MISFIT),
    "set, a value that cannot be now": (access(SET, NOTE_VALUE, OCTET_STRING.encode(b"later")), SET, 2),
    "set, a value that can never be": (access(SET, NOTE_VALUE, OCTET_STRING.encode(b"never")), SET, OTHER),
    "action, an unknown method": (access(ACTION, SHIFT._replace(member=9), LONG.encode(1)), ACTION, UNDEFINED),
    "action, without the right": (access(ACTION, Descriptor(70, DISCONNECTOR, 1), INTEGER.encode(0)), ACTION, DENIED),
    "action, another type": (access(ACTION, SHIFT, INTEGER.encode(1)), ACTION, MISFIT),
    "action, without a parameter": (access(ACTION, SHIFT), ACTION, MISFIT),
}


@pytest.mark.parametrize(("failing", "kind", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failed_access_has_its_own_result_and_the_others_are_done(
    failing: tuple[Specification, bytes], kind: AccessKind, code: int
) -> None:
    association, device = opened()
    note = device.note
    response = ask(association, request(failing, access(GET, NOTE_VALUE), access(ACTION, SHIFT, LONG.encode(7))))
    assert response.results == [AccessResult(kind, code), AccessResult(GET, SUCCESS), AccessResult(ACTION, SUCCESS)]
    assert response.data == [NULL, OCTET_STRING.encode(note), NULL]
    assert device.invoked == [("shift", 7)]


def test_a_fault_of_ours_is_reported() -> None:
    association, device = opened()
    ask(association, request(access(GET, FAULTY_VALUE)))
    assert [type(error) for error, _ in device.reports] == [ZeroDivisionError]


def test_break_on_error_leaves_the_rest_undone() -> None:
    association, device = opened()
    response = ask(association, request(
        access(GET, ENERGY_VALUE), access(GET, UNKNOWN), access(SET, NOTE_VALUE, OCTET_STRING.encode(b"x")),
        access(ACTION, SHIFT, LONG.encode(7)), invoke=INVOKE | BREAK_ON_ERROR,
    ))  # fmt: skip
    assert [tuple(result) for result in response.results] == [(1, SUCCESS), (1, UNDEFINED), (2, OTHER), (3, OTHER)]
    assert response.data[1:] == [NULL] * 3
    assert device.note != b"x"
    assert device.invoked == []


def test_a_self_descriptive_request_gets_its_specifications_back() -> None:
    association, _ = opened()
    selection = access(AccessKind.GET_SELECTION, BUFFER, NULL, 3, b"\x11\x01")
    response = ask(association, request(access(GET, ENERGY_VALUE), selection, invoke=INVOKE | SELF_DESCRIPTIVE))
    assert response.specifications == [access(GET, ENERGY_VALUE)[0], selection[0]]
    assert response.invoke == INVOKE | SELF_DESCRIPTIVE


def test_a_request_with_a_date_time_is_served_and_answered_without() -> None:
    association, _ = opened()
    response = ask(association, request(access(GET, ENERGY_VALUE), date_time=bytes.fromhex("07e3020401173416ff800000")))
    assert response.date_time == b""
    assert response.results == [AccessResult(GET, SUCCESS)]


def test_a_request_for_nothing_is_answered_with_nothing() -> None:
    association, _ = opened()
    assert association.handle(request()) == bytes.fromhex("da 40000001 00 00 00 00")


# --- limits -----------------------------------------------------------------------------------------


def test_data_beyond_the_clients_pdu_size_is_null_and_everything_is_done() -> None:
    association, device = opened(max_pdu=40)
    response = association.handle(request(
        access(GET, ENERGY_VALUE), access(GET, BUFFER), access(GET, ENERGY_VALUE),
        access(ACTION, SHIFT, LONG.encode(7)),
    ))  # fmt: skip
    assert response is not None
    assert len(response) <= 40
    read = read_access_response(response)
    assert [result.code for result in read.results] == [SUCCESS, OTHER, SUCCESS, SUCCESS]
    assert device.invoked == [("shift", 7)]


def test_a_request_whose_results_do_not_fit_is_not_done_at_all() -> None:
    association, device = opened(max_pdu=12)
    assert association.handle(request(*[access(ACTION, SHIFT, LONG.encode(7))] * 3)) == bytes.fromhex("d80104")
    assert device.invoked == []


@given(st.lists(st.sampled_from([access(GET, ENERGY_VALUE), access(GET, BUFFER), access(GET, UNKNOWN),
                                 access(SET, NOTE_VALUE, OCTET_STRING.encode(b"x"))]), max_size=12),
       st.integers(12, 300), st.booleans())  # fmt: skip
def test_no_response_is_longer_than_the_client_takes(
    accesses: list[tuple[Specification, bytes]], max_pdu: int, described: bool
) -> None:
    association, _ = opened(max_pdu=max_pdu)
    response = association.handle(request(*accesses, invoke=SELF_DESCRIPTIVE if described else 0))
    assert response is not None
    assert len(response) <= max_pdu
    assert response == bytes.fromhex("d80104") or len(read_access_response(response).results) == len(accesses)


def test_one_request_has_a_bounded_number_of_accesses() -> None:
    association, _ = opened(max_receive_pdu=0xFFFF)
    most = [access(GET, ENERGY_VALUE)] * RequestLimits().accesses
    assert len(ask(association, request(*most)).results) == RequestLimits().accesses
    assert association.handle(request(*most, most[0])) == bytes.fromhex("d80104")


def test_access_is_a_service_of_its_own() -> None:
    sent = request(access(GET, ENERGY_VALUE))
    association, _ = idle(conformance=CLASSIC | Conformance.ACCESS)
    assert association.handle(sent) == bytes.fromhex("d80101")
    association, _ = associated(proposed=CLASSIC, conformance=CLASSIC | Conformance.ACCESS)
    assert association.handle(sent) == bytes.fromhex("d80102")
    association, _ = associated(proposed=CLASSIC | Conformance.ACCESS)
    assert association.handle(sent) == bytes.fromhex("d80102")


def test_a_public_request_is_served() -> None:
    association, device = opened()
    response = ask(association, octets("V426"))
    assert response.results[0] == AccessResult(GET, SUCCESS)
    assert DateTime.from_bytes(response.data[0][2:]) == device.time
    assert decode_all(OCTET_STRING, response.data[1]) == b"KAM0123456"


# --- ciphered ---------------------------------------------------------------------------------------

CIPHERED: dict[str, dict[str, Any]] = {
    "global": {},
    "dedicated": {"how": INITIATE._replace(envelope=Envelope.SERVICE_DEDICATED), "dedicated_key": DEDICATED},
    "wrapped": {"how": INITIATE._replace(envelope=Envelope.GENERAL, key=KeyChoice.WRAPPED)},
}


@pytest.mark.parametrize("way", CIPHERED.values(), ids=CIPHERED)
def test_a_ciphered_access_goes_in_the_general_form(way: dict[str, Any]) -> None:
    services = Conformance.ACCESS | Conformance.ACTION | Conformance.GENERAL_PROTECTION
    served = security_meter.association(meter := security_meter.Meter(), conformance=services)
    asking = security_meter.client(conformance=services, **way)
    run(served, asking.associate())
    note = security_meter.NOTE_VALUE
    accesses = [access(SET, note, OCTET_STRING.encode(b"ciphered")), access(GET, note), access(GET, UNKNOWN)]
    wanted = AccessRequest(1, b"", [item[0] for item in accesses], [item[1] for item in accesses])
    answer, (response,) = run(served, asking.access(wanted))
    assert response[0] == (0xDD if way.get("how") == CIPHERED["wrapped"]["how"] else 0xDC if way else 0xDB)
    assert meter.note == b"ciphered"
    assert answer.data == [NULL, OCTET_STRING.encode(b"ciphered"), NULL]
    assert [result.code for result in answer.results] == [SUCCESS, SUCCESS, UNDEFINED]


def test_a_plain_access_does_nothing_where_the_policy_asks_for_more() -> None:
    services = Conformance.ACCESS | Conformance.ACTION | Conformance.GENERAL_PROTECTION
    served = security_meter.association(meter := security_meter.Meter(version=0, value=3), conformance=services)
    run(served, security_meter.client(conformance=services).associate())
    plain = request(access(SET, security_meter.NOTE_VALUE, OCTET_STRING.encode(b"plain")))
    assert served.handle(plain) == bytes.fromhex("d80101")
    assert meter.note == b"first note"


def test_no_access_is_done_before_the_client_has_proved_itself() -> None:
    services = Conformance.ACCESS | Conformance.ACTION | Conformance.GENERAL_PROTECTION
    served = security_meter.association(meter := security_meter.Meter(), conformance=services)
    asking = security_meter.client(conformance=services)
    served.handle(next(asking.associate()))
    assert asking.security is not None
    sealed = asking.security.context.seal(
        request(access(SET, security_meter.NOTE_VALUE, OCTET_STRING.encode(b"early"))),
        INITIATE._replace(envelope=Envelope.GENERAL_GLOBAL),
    )
    response = served.handle(sealed)
    assert response is not None
    assert asking.security.context.open(response).apdu == bytes.fromhex("d80101")
    assert meter.note == b"first note"
