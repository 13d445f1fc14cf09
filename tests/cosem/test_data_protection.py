"""Data protection: protected attributes and methods through an association, with every protection and key."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cosem.access_service import read_access_response
from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.client import AccessFailed, Client
from cosem.data_protection import (
    MOST_OBJECTS,
    OBJECT_LIST,
    PARAMETERS,
    Binding,
    DataProtection,
    data_protection_object,
)
from cosem.data_types import DOUBLE_LONG_UNSIGNED, ENUM, INTEGER, OCTET_STRING, decode_all
from cosem.errors import ActionResult, DataAccessResult
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Register
from cosem.object_model import VisibleObject
from cosem.request_cost import RequestCost, RequestLimits
from cosem.security.envelopes import AgreedKey, IdentifiedKey, KeyInfo, Scheme, WrappedKey
from cosem.security.gcm import BlockCipherKey, initialization_vector
from cosem.security.keys import KeyId
from cosem.security.policy import Protection
from cosem.security.protected_data import MOST_PROTECTIONS, ProtectionParameters, ProtectionType, given_by
from cosem.security.protected_data import protect as protect_data
from cosem.security.protected_data import unprotect as unprotect_data
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite
from cosem.xdlms import Descriptor
from obis import Obis

from .samples import run
from .security.meter import COUNT_VALUE, NOTE_VALUE, Meter, association, client, visible
from .security.samples import CLIENT, SERVER, pair
from .service_vectors import octets, parameter

AUTHENTICATION, ENCRYPTION, BOTH, SIGNATURE = ProtectionType
GLOBAL = IdentifiedKey(KeyId.GLOBAL_UNICAST)
STATIC = AgreedKey(Scheme.STATIC_UNIFIED, b"")
ONE_PASS = AgreedKey(Scheme.ONE_PASS, b"")
WRAPPED = WrappedKey(b"")
TRANSACTION = bytes.fromhex("0400000000000003e8")

PROTECTION = Obis.parse("0.0.43.2.0.255")
ENERGY = Obis.parse("1.0.1.8.0.255")
BUFFER, OBJECTS, PARAMETERS_GET, PARAMETERS_SET, REQUIRED = (Descriptor(30, PROTECTION, index) for index in range(2, 7))
GET, SET, INVOKE = (Descriptor(30, PROTECTION, index) for index in range(1, 4))
RESET = Descriptor(3, ENERGY, 1)
NOTE_OBJECT = (1, NOTE_VALUE.logical_name, 2, 0, (0, None))
COUNT_OBJECT = (1, COUNT_VALUE.logical_name, 2, 0, (0, None))

FIRST_NOTE = OCTET_STRING.encode(b"first note")
TWO_VALUES = b"\x02\x02" + FIRST_NOTE + DOUBLE_LONG_UNSIGNED.encode(10)


@dataclass
class Protecting(Meter):
    """The meter, with what its Data protection holds."""

    objects: Any = field(default_factory=lambda: [NOTE_OBJECT, COUNT_OBJECT])
    parameters_get: Any = field(default_factory=lambda: [ProtectionParameters(BOTH)])
    parameters_set: Any = field(default_factory=lambda: [ProtectionParameters(BOTH)])
    required_protection: int = 0
    resets: list[int] = field(default_factory=list)


def _bound(name: str) -> Binding:
    return Binding(lambda meter: getattr(meter, name), lambda meter, value: setattr(meter, name, value))


def _objects() -> list[VisibleObject]:
    protection = data_protection_object(
        PROTECTION, _bound("objects"), _bound("parameters_get"), _bound("parameters_set"), _bound("required_protection")
    )
    register = CosemObject(
        Register, ENERGY,
        [BoundAttribute(Register.value, Constant(7), type_=DOUBLE_LONG_UNSIGNED),
         BoundAttribute(Register.scaler_unit, Constant((0, 30)))],
        {Register.reset: lambda meter, value: meter.resets.append(value)},
    )  # fmt: skip
    return [visible(protection, 2, 3, 4, 5, 6), visible(register)]


def opened(suite: Suite = SUITE_0, **other: Any) -> tuple[Association, Client, Protecting]:
    """An open association of a meter with Data protection, and its client."""
    meter = Protecting(suite, **other)
    served = association(meter, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED, *_objects())
    asking = client(Mechanism.HIGH_GMAC, suite)
    run(served, asking.associate())
    return served, asking, meter


def keys_of(asking: Client) -> SecurityContext:
    assert asking.security is not None
    return asking.security.context


def get(served: Association, asking: Client, wanted: list[ProtectionParameters], objects: Any = None) -> bytes:
    """get_protected_attributes, its answer opened."""
    request = b"\x02\x02" + OBJECT_LIST.encode(objects or [NOTE_OBJECT, COUNT_OBJECT]) + PARAMETERS.encode(wanted)
    answer, _ = run(served, asking.action(GET, request))
    used, protected = decode_all(DataProtection.get_protected_attributes.returns, answer)
    assert given_by(used) == given_by(wanted)
    return unprotect_data(keys_of(asking), protected, used)


def set_(served: Association, asking: Client, wanted: list[ProtectionParameters], value: bytes, objects: Any) -> bytes:
    """set_protected_attributes; gives the request, to be repeated."""
    used, protected = protect_data(keys_of(asking), value, wanted)
    request = b"\x02\x03" + OBJECT_LIST.encode(objects) + PARAMETERS.encode(used) + OCTET_STRING.encode(protected)
    run(served, asking.action(SET, request))
    return request


def invoke(served: Association, asking: Client, wanted: list[ProtectionParameters], method: Descriptor) -> bytes:
    """invoke_protected_method with an integer 5; gives what it returned."""
    used, protected = protect_data(keys_of(asking), INTEGER.encode(5), wanted)
    definition = DataProtection.invoke_protected_method.parameter
    request = definition.encode((tuple(method), used, protected))
    answer, _ = run(served, asking.action(INVOKE, request))
    used, protected = decode_all(DataProtection.invoke_protected_method.returns, answer)
    return unprotect_data(keys_of(asking), protected, used)


def refused(exchange: Any, served: Association) -> int:
    """The result of what is refused."""
    with pytest.raises(AccessFailed) as failure:
        run(served, exchange)
    return failure.value.result


# --- vectors ----------------------------------------------------------------------------------------


def test_the_protected_attributes_of_a_gbcs_meter_are_read_and_opened() -> None:
    (data,) = read_access_response(octets("P1")).data
    used, protected = decode_all(DataProtection.get_protected_attributes.returns, data)
    title, recipient = parameter("P1", "orig"), parameter("P1", "recip")
    assert used == [ProtectionParameters(BOTH, TRANSACTION, title, recipient, b"", STATIC)]
    assert DataProtection.get_protected_attributes.returns.encode((used, protected)) == data  # type: ignore[union-attr]
    cipher = BlockCipherKey(parameter("P1", "aes_key"))
    assert protected[:5] == bytes.fromhex("3100000000")
    assert cipher.open(0x31, initialization_vector(title, 0), protected[5:], b"") == octets("P1", "out")
    assert cipher.seal(0x31, initialization_vector(title, 0), octets("P1", "out"), b"") == protected[5:]


def test_what_a_gbcs_head_end_asks_of_data_protection_is_read_and_written_back() -> None:
    apdu = octets("V324", "out")
    parameter_ = apdu[apdu.index(bytes.fromhex("0202010102051200")) :]
    request = decode_all(DataProtection.get_protected_attributes.parameter, parameter_)
    assert request[0] == [(1, Obis.parse("0.0.94.44.34.10"), 2, 0, (0, None))]
    assert DataProtection.get_protected_attributes.parameter.encode(request) == parameter_


# --- methods ----------------------------------------------------------------------------------------

KEYS: dict[str, tuple[Suite, KeyInfo]] = {
    "global unicast": (SUITE_0, GLOBAL),
    "global broadcast": (SUITE_0, IdentifiedKey(KeyId.GLOBAL_BROADCAST)),
    "wrapped": (SUITE_0, WRAPPED),
    "one pass": (SUITE_1, ONE_PASS),
    "static unified": (SUITE_1, STATIC),
    "static unified, suite 2": (SUITE_2, STATIC),
}


@pytest.mark.parametrize("type_", [AUTHENTICATION, ENCRYPTION, BOTH])
@pytest.mark.parametrize(("suite", "key"), KEYS.values(), ids=KEYS)
def test_attributes_and_methods_are_served_under_every_key(suite: Suite, key: KeyInfo, type_: ProtectionType) -> None:
    served, asking, meter = opened(suite)
    wanted = [ProtectionParameters(type_, TRANSACTION, key_info=key)]
    assert get(served, asking, wanted) == TWO_VALUES
    set_(served, asking, wanted, b"\x02\x01" + OCTET_STRING.encode(b"new"), [NOTE_OBJECT])
    assert meter.note == b"new"
    assert invoke(served, asking, wanted, RESET) == b"\x00"
    assert meter.resets == [5]


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("order", [[SIGNATURE], [BOTH, SIGNATURE], [SIGNATURE, BOTH], [ENCRYPTION, AUTHENTICATION]])
def test_protections_stand_on_each_other_in_any_order(suite: Suite, order: list[ProtectionType]) -> None:
    served, asking, meter = opened(suite)
    first, second, third = (
        [ProtectionParameters(type_, bytes((number,)), CLIENT, SERVER, b"other") for type_ in order]
        for number in (1, 2, 3)
    )
    assert get(served, asking, first) == TWO_VALUES
    set_(served, asking, second, b"\x02\x01" + OCTET_STRING.encode(b"new"), [NOTE_OBJECT])
    assert meter.note == b"new"
    assert invoke(served, asking, third, RESET) == b"\x00"


def test_what_a_method_returns_is_protected() -> None:
    served, asking, _ = opened()
    wanted = [ProtectionParameters(BOTH)]
    used, protected = protect_data(keys_of(asking), INTEGER.encode(0), wanted)
    request = DataProtection.invoke_protected_method.parameter.encode((tuple(RESET), used, protected))
    answer, _ = run(served, asking.action(INVOKE, request))
    assert INTEGER.encode(0) not in answer
    (used,), _ = decode_all(DataProtection.invoke_protected_method.returns, answer)
    assert (used.originator, used.recipient) == (SERVER, CLIENT)


# --- what is refused --------------------------------------------------------------------------------


def test_protected_values_are_set_once() -> None:
    served, asking, meter = opened()
    wanted = [ProtectionParameters(BOTH)]
    request = set_(served, asking, wanted, b"\x02\x01" + OCTET_STRING.encode(b"once"), [NOTE_OBJECT])
    meter.note = b"after"
    assert refused(asking.action(SET, request), served) == ActionResult.OTHER_REASON
    assert meter.note == b"after"


@pytest.mark.parametrize("order", [[SIGNATURE], [BOTH]])
def test_signed_and_agreed_values_are_set_once_as_well(order: list[ProtectionType]) -> None:
    served, asking, meter = opened(SUITE_1)
    wanted = [ProtectionParameters(type_, TRANSACTION, key_info=STATIC) for type_ in order]
    request = set_(served, asking, wanted, b"\x02\x01" + OCTET_STRING.encode(b"once"), [NOTE_OBJECT])
    meter.note = b"after"
    assert refused(asking.action(SET, request), served) == ActionResult.OTHER_REASON
    assert meter.note == b"after"


def test_a_flipped_bit_sets_nothing() -> None:
    served, asking, meter = opened(SUITE_1)
    for type_ in (AUTHENTICATION, BOTH, SIGNATURE):
        value = b"\x02\x01" + OCTET_STRING.encode(b"new")
        used, protected = protect_data(keys_of(asking), value, [ProtectionParameters(type_)])
        for position in (len(protected) // 2, -1):
            damaged = bytearray(protected)
            damaged[position] ^= 1
            request = DataProtection.set_protected_attributes.parameter.encode(([NOTE_OBJECT], used, bytes(damaged)))
            assert refused(asking.action(SET, request), served) == ActionResult.OTHER_REASON
    assert meter.note == b"first note"


def test_values_under_another_type_than_named_set_nothing() -> None:
    served, asking, meter = opened()
    value = b"\x02\x01" + OCTET_STRING.encode(b"new")
    used, protected = protect_data(keys_of(asking), value, [ProtectionParameters(ENCRYPTION)])
    named = [used[0]._replace(type=BOTH)]
    request = DataProtection.set_protected_attributes.parameter.encode(([NOTE_OBJECT], named, protected))
    assert refused(asking.action(SET, request), served) == ActionResult.OTHER_REASON
    assert meter.note == b"first note"


SETTINGS: dict[str, tuple[Any, bytes, ActionResult]] = {
    "without the right": ([COUNT_OBJECT], b"\x02\x01" + DOUBLE_LONG_UNSIGNED.encode(1), ActionResult.READ_WRITE_DENIED),
    "one of two without the right": (
        [NOTE_OBJECT, COUNT_OBJECT],
        b"\x02\x02" + OCTET_STRING.encode(b"new") + DOUBLE_LONG_UNSIGNED.encode(1),
        ActionResult.READ_WRITE_DENIED,
    ),
    "another type": ([NOTE_OBJECT], b"\x02\x01" + DOUBLE_LONG_UNSIGNED.encode(1), ActionResult.TYPE_UNMATCHED),
    "the second of another type": (
        [NOTE_OBJECT, NOTE_OBJECT],
        b"\x02\x02" + OCTET_STRING.encode(b"new") + DOUBLE_LONG_UNSIGNED.encode(1),
        ActionResult.TYPE_UNMATCHED,
    ),
    "too few values": ([NOTE_OBJECT, NOTE_OBJECT], b"\x02\x01" + FIRST_NOTE, ActionResult.TYPE_UNMATCHED),
    "no structure": ([NOTE_OBJECT], FIRST_NOTE, ActionResult.TYPE_UNMATCHED),
    "octets behind": ([NOTE_OBJECT], b"\x02\x01" + FIRST_NOTE + b"\x00", ActionResult.TYPE_UNMATCHED),
    "an unknown object": ([(1, ENERGY, 2, 0, (0, None))], b"\x02\x01\x00", ActionResult.OBJECT_CLASS_INCONSISTENT),
    "itself": ([(30, PROTECTION, 2, 0, (0, None))], b"\x02\x01\x09\x00", ActionResult.SCOPE_OF_ACCESS_VIOLATED),
    "part of one": ([(*NOTE_OBJECT[:3], 1, (0, None))], b"\x02\x01\x00", ActionResult.SCOPE_OF_ACCESS_VIOLATED),
    "no object": ([], b"\x02\x00", ActionResult.SCOPE_OF_ACCESS_VIOLATED),
    "too many objects": (
        [NOTE_OBJECT] * (MOST_OBJECTS + 1), b"\x02\x41" + b"\x00" * 65, ActionResult.SCOPE_OF_ACCESS_VIOLATED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("objects", "value", "result"), SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_is_refused_sets_nothing(objects: Any, value: bytes, result: ActionResult) -> None:
    served, asking, meter = opened()
    used, protected = protect_data(keys_of(asking), value, [ProtectionParameters(BOTH)])
    request = b"\x02\x03" + OBJECT_LIST.encode(objects) + PARAMETERS.encode(used) + OCTET_STRING.encode(protected)
    assert refused(asking.action(SET, request), served) == result
    assert meter.note == b"first note"
    assert meter.reports == []


def test_what_is_read_protected_counts_against_the_request() -> None:
    served, asking, meter = opened(note=bytes(1000))
    served.cost = RequestCost(RequestLimits(response_octets=2000))
    request = b"\x02\x02" + OBJECT_LIST.encode([NOTE_OBJECT] * 3) + PARAMETERS.encode([ProtectionParameters(BOTH)])
    assert refused(asking.action(GET, request), served) == ActionResult.OTHER_REASON
    assert len(get(served, asking, [ProtectionParameters(BOTH)], [NOTE_OBJECT] * 2)) == 2010
    assert meter.reports == []


def test_what_has_begun_to_be_set_is_set_to_its_end_however_long_it_takes() -> None:
    served, asking, meter = opened()
    served.cost = RequestCost(RequestLimits(request_s=0.0))
    values = b"\x02\x03" + b"".join(OCTET_STRING.encode(note) for note in (b"one", b"two", b"three"))
    set_(served, asking, [ProtectionParameters(BOTH)], values, [NOTE_OBJECT] * 3)
    assert meter.note == b"three"


def test_a_protected_method_needs_its_right_and_its_type() -> None:
    served, asking, meter = opened()
    used, protected = protect_data(keys_of(asking), OCTET_STRING.encode(b"x"), [ProtectionParameters(BOTH)])
    unknown = RESET._replace(member=9)
    for method, result in ((RESET, ActionResult.TYPE_UNMATCHED), (unknown, ActionResult.OBJECT_UNDEFINED),
                           (INVOKE, ActionResult.SCOPE_OF_ACCESS_VIOLATED)):  # fmt: skip
        request = DataProtection.invoke_protected_method.parameter.encode((tuple(method), used, protected))
        assert refused(asking.action(INVOKE, request), served) == result
    assert meter.resets == []


WANTED: dict[str, tuple[list[ProtectionParameters], ActionResult]] = {
    "no protection": ([], ActionResult.SCOPE_OF_ACCESS_VIOLATED),
    "too many": ([ProtectionParameters(BOTH)] * (MOST_PROTECTIONS + 1), ActionResult.SCOPE_OF_ACCESS_VIOLATED),
    "a signature without keys": ([ProtectionParameters(SIGNATURE)], ActionResult.OTHER_REASON),
    "an agreed key without keys": ([ProtectionParameters(BOTH, key_info=STATIC)], ActionResult.OTHER_REASON),
    "for a third party": ([ProtectionParameters(BOTH, recipient=b"SOMEBODY")], ActionResult.SCOPE_OF_ACCESS_VIOLATED),
}


@pytest.mark.parametrize(("wanted", "result"), WANTED.values(), ids=WANTED)
def test_a_protection_that_cannot_be_is_refused(wanted: list[ProtectionParameters], result: ActionResult) -> None:
    served, asking, meter = opened()
    request = DataProtection.get_protected_attributes.parameter.encode(([NOTE_OBJECT], wanted))
    assert refused(asking.action(GET, request), served) == result
    assert meter.reports == []


def test_a_method_whose_result_cannot_be_protected_is_not_invoked() -> None:
    served, asking, meter = opened(SUITE_1)
    meter.asymmetric = replace(meter.asymmetric, peer_agreement=None)
    run(served, asking.associate())
    wanted = [ProtectionParameters(BOTH, key_info=AgreedKey(Scheme.ONE_PASS, b""))]
    used, protected = protect_data(keys_of(asking), INTEGER.encode(5), wanted)
    request = DataProtection.invoke_protected_method.parameter.encode((tuple(RESET), used, protected))
    assert refused(asking.action(INVOKE, request), served) == ActionResult.OTHER_REASON
    assert meter.resets == []


MALFORMED = {
    "protection_type 4": "0201 16 04",
    "key_info 3": "0202 1603 1600",
    "identified key 2": "0202 1600 1602",
    "key encrypting key 1": "0202 1601 0202 1601 0900",
    "key agreement 3": "0202 1602 0202 090103 0900",
    "key_info of three": "0203 1600 1600 00",
}


@pytest.mark.parametrize(("name", "octets_"), MALFORMED.items(), ids=MALFORMED)
def test_parameters_that_do_not_exist_are_refused(name: str, octets_: str) -> None:
    served, asking, meter = opened()
    head = "0202" + OBJECT_LIST.encode([NOTE_OBJECT]).hex() + "0101 0202"
    options = (
        "1602 0205 0900 0900 0900 0900 " + octets_ if "key" in name else "1604 0205 0900 0900 0900 0900 02021600 1600"
    )
    result = refused(asking.action(GET, bytes.fromhex(head + options)), served)
    assert result in (ActionResult.SCOPE_OF_ACCESS_VIOLATED, ActionResult.TYPE_UNMATCHED)
    assert meter.reports == []


# --- required protection ----------------------------------------------------------------------------


def test_less_protection_than_required_is_refused() -> None:
    served, asking, meter = opened(required_protection=0x0C | 0x20)  # both in requests, authentication in responses
    set_(served, asking, [ProtectionParameters(BOTH)], b"\x02\x01" + OCTET_STRING.encode(b"new"), [NOTE_OBJECT])
    assert meter.note == b"new"
    assert get(served, asking, [ProtectionParameters(AUTHENTICATION)], [NOTE_OBJECT])
    for type_, called in ((ENCRYPTION, GET), (AUTHENTICATION, SET), (AUTHENTICATION, INVOKE)):
        used, protected = protect_data(keys_of(asking), b"\x02\x01" + FIRST_NOTE, [ProtectionParameters(type_)])
        method = {GET: DataProtection.get_protected_attributes, SET: DataProtection.set_protected_attributes,
                  INVOKE: DataProtection.invoke_protected_method}[called]  # fmt: skip
        target: Any = tuple(RESET) if called is INVOKE else [NOTE_OBJECT]
        request = method.parameter.encode((target, used, protected)[: 2 if called is GET else 3])
        assert refused(asking.action(called, request), served) == ActionResult.READ_WRITE_DENIED
    assert meter.note == b"new"


def test_required_protection_is_a_policy() -> None:
    served, asking, meter = opened()
    run(served, asking.set(REQUIRED, ENUM.encode(0x6C)))
    assert meter.required_protection == 0x6C
    assert refused(asking.set(REQUIRED, ENUM.encode(0x01)), served) == DataAccessResult.OTHER_REASON
    assert meter.required_protection == 0x6C


def test_protections_give_what_their_types_say() -> None:
    everything = [ProtectionParameters(type_) for type_ in (AUTHENTICATION, ENCRYPTION, SIGNATURE)]
    assert given_by(everything) == Protection.AUTHENTICATED | Protection.ENCRYPTED | Protection.SIGNED
    assert given_by([]) == Protection.NONE


# --- buffer and attributes --------------------------------------------------------------------------


def test_the_buffer_holds_the_objects_of_the_list() -> None:
    served, asking, meter = opened()
    buffer, _ = run(served, asking.get_value(BUFFER, OCTET_STRING))
    assert unprotect_data(keys_of(asking), buffer, meter.parameters_get) == TWO_VALUES
    again, _ = run(served, asking.get_value(BUFFER, OCTET_STRING))
    assert again != buffer


def test_what_is_written_to_the_buffer_goes_to_the_objects() -> None:
    served, asking, meter = opened()
    run(served, asking.set(OBJECTS, OBJECT_LIST.encode([NOTE_OBJECT])))
    value = b"\x02\x01" + OCTET_STRING.encode(b"buffered")
    _, protected = protect_data(keys_of(asking), value, meter.parameters_set)
    run(served, asking.set(BUFFER, OCTET_STRING.encode(protected)))
    assert meter.note == b"buffered"
    assert refused(asking.set(BUFFER, OCTET_STRING.encode(protected)), served) == DataAccessResult.OTHER_REASON


def test_the_attributes_are_read_as_they_were_written() -> None:
    served, asking, _ = opened()
    parameters = PARAMETERS.encode([ProtectionParameters(AUTHENTICATION, TRANSACTION, SERVER, CLIENT, b"x", STATIC)])
    for descriptor, value in ((OBJECTS, OBJECT_LIST.encode([COUNT_OBJECT])), (PARAMETERS_GET, parameters),
                              (PARAMETERS_SET, parameters), (REQUIRED, ENUM.encode(0))):  # fmt: skip
        run(served, asking.set(descriptor, value))
        assert run(served, asking.get(descriptor))[0] == value


def test_a_buffer_whose_key_nobody_would_get_is_refused() -> None:
    served, asking, meter = opened(SUITE_1)
    drawn = [ProtectionParameters(BOTH, key_info=WRAPPED)]
    assert refused(asking.set(PARAMETERS_GET, PARAMETERS.encode(drawn)), served) == DataAccessResult.OTHER_REASON
    meter.parameters_get = drawn
    assert refused(asking.get(BUFFER), served) == DataAccessResult.OTHER_REASON


def test_an_association_without_ciphering_has_no_keys_for_it() -> None:
    meter = Protecting()
    served = association(meter, Mechanism.LOWEST, ApplicationContext.LN, *_objects())
    asking = Client()
    run(served, asking.associate())
    assert refused(asking.get(BUFFER), served) == DataAccessResult.READ_WRITE_DENIED


def test_either_side_opens_what_the_other_protected() -> None:
    ours, theirs = pair(SUITE_1)
    for number, key in enumerate((GLOBAL, WRAPPED, ONE_PASS, STATIC)):
        for one, other in ((ours, theirs), (theirs, ours)):
            wanted = [
                ProtectionParameters(BOTH, TRANSACTION, key_info=key),
                ProtectionParameters(SIGNATURE, bytes((number,))),
            ]
            used, protected = protect_data(one, b"data", wanted)
            assert unprotect_data(other, protected, used) == b"data"
