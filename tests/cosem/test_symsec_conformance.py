"""The test group SYMSEC_0 of DLMS UA 1001-6 by its identifiers: a Security setup of suite 0, versions 0 and 1.

STA1 is the note of the meter, readable and writable; STA2 a register that needs authentication. {A}, {E} and {AE} are
the protections of the requests, with the global key or the dedicated one.
"""

from __future__ import annotations

import pytest

from cosem import acse, initiate, xdlms
from cosem.acse import ApplicationContext, AssociationResult, Mechanism
from cosem.association import Association
from cosem.client import AccessFailed, Client
from cosem.client_security import INITIATE
from cosem.data_types import ENUM, OCTET_STRING
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import KEY_DATA, Data
from cosem.object_model import AccessMode, VisibleObject
from cosem.security import key_wrap
from cosem.security.keys import KeyId
from cosem.security.layer import PLAIN
from cosem.security.policy import Protection, SecurityPolicy
from cosem.security.security_context import How
from cosem.security.suites import SUITE_0
from cosem.security.tags import Envelope
from cosem.security_setup import security_setup_object
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis

from .samples import run
from .security.meter import NOTE, SERVICES, Meter, association, client, visible
from .security.samples import CLIENT, DEDICATED, MASTER, SERVER, context, keys

STA1 = Descriptor(1, NOTE, 2)
STA2 = Descriptor(1, Obis.parse("0.0.128.100.4.255"), 2)
SETUP = Obis.parse("0.0.43.0.0.255")
POLICY, SUITE = Descriptor(64, SETUP, 2), Descriptor(64, SETUP, 3)
ACTIVATE, TRANSFER = Descriptor(64, SETUP, 1), Descriptor(64, SETUP, 2)
A, E, AE = (Protection(value) for value in (1, 2, 3))
GLOBAL, DED = Envelope.SERVICE_GLOBAL, Envelope.SERVICE_DEDICATED
VALUES = b"12345678", b"87654321"

versions = pytest.mark.parametrize("version", [0, 1])
envelopes = pytest.mark.parametrize("envelope", [GLOBAL, DED, Envelope.GENERAL_GLOBAL, Envelope.GENERAL_DEDICATED])


def _write(meter: Meter, value: bytes) -> None:
    meter.secret = value  # any octets that the meter keeps will do


def policy(version: int, protection: int) -> int:
    """A policy for requests and responses, as the version of the class has it."""
    return protection if version == 0 else protection << 2 | protection << 5


class Bench:
    """The implementation under test, and a client of it with an open association."""

    def __init__(
        self, version: int = 1, least: int = 0, how: How = INITIATE, dedicated: bytes | None = DEDICATED
    ) -> None:
        self.meter = Meter(SUITE_0, version, policy(version, least))
        setup = visible(security_setup_object(SETUP, version, lambda meter: meter))
        sta2 = CosemObject(
            Data,
            STA2.logical_name,
            [BoundAttribute(Data.value, lambda meter: meter.secret, _write, type_=OCTET_STRING)],
        )
        mode = AccessMode.READ_WRITE | AccessMode.AUTHENTICATED_REQUEST
        guarded = VisibleObject(sta2, {1: AccessMode.READ, 2: mode})
        self.server: Association = association(
            self.meter, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED, setup, guarded
        )
        self.client: Client = client(how=how, dedicated_key=dedicated)
        run(self.server, self.client.associate())

    def speak(self, how: How) -> None:
        """Requests go like this from now on."""
        assert self.client.security is not None
        self.client.security.how = how

    def seal(self, apdu: bytes, how: How) -> bytes:
        assert self.client.security is not None
        return self.client.security.context.seal(apdu, how)

    def get(self, descriptor: Descriptor = STA1) -> bytes:
        value = run(self.server, self.client.get(descriptor))[0]
        assert isinstance(value, bytes)
        return value

    def set(self, value: bytes, descriptor: Descriptor = STA1) -> None:
        run(self.server, self.client.set(descriptor, OCTET_STRING.encode(value)))

    def action(self, descriptor: Descriptor, parameter: bytes) -> None:
        run(self.server, self.client.action(descriptor, parameter))

    def refuses(self, apdu: bytes) -> bool:
        """Whether the answer is an exception, nothing is different, and the association lives on."""
        before = self.meter.note, self.meter.secret, self.meter.policy
        response = self.server.handle(apdu)
        assert response is not None
        assert (self.meter.note, self.meter.secret, self.meter.policy) == before
        assert self.server.associated
        return response[0] == xdlms.EXCEPTION_RESPONSE


def read(descriptor: Descriptor = STA1) -> bytes:
    return xdlms.write_get(0xC1, AttributeRequest(descriptor.to_bytes()))


def write(value: bytes, descriptor: Descriptor = STA1) -> bytes:
    return xdlms.write_set(0xC1, AttributeRequest(descriptor.to_bytes()), OCTET_STRING.encode(value))


@versions
@envelopes
def test_symsec_0_basic_cap_1(version: int, envelope: Envelope) -> None:
    bench = Bench(version)
    assert bench.get(POLICY) == b"\x16\x00"
    for how in (PLAIN, How(AE, envelope)):
        bench.speak(how)
        for value in VALUES:
            bench.set(value)
            assert bench.get() == OCTET_STRING.encode(value)
    bench.set(b"STA2", STA2)
    assert bench.get(STA2) == OCTET_STRING.encode(b"STA2")
    assert run(bench.server, bench.client.release())[0] == 0
    assert not bench.server.associated


@envelopes
def test_symsec_0_fra_count_1(envelope: Envelope) -> None:
    bench = Bench()
    how = How(AE, envelope)
    assert bench.client.security is not None
    sealing = bench.client.security.context
    first = bench.seal(write(VALUES[0]), how)
    counter = sealing._sent._next - 1
    assert bench.server.handle(first) is not None
    sealing._sent._next = counter  # the second write takes the counter of the first
    assert bench.refuses(bench.seal(write(VALUES[1]), how))
    assert bench.get() == OCTET_STRING.encode(VALUES[0])


@envelopes
def test_symsec_0_fra_count_3(envelope: Envelope) -> None:
    bench = Bench(how=How(AE, envelope))
    counters = []
    for _ in range(2):
        (response,) = run(bench.server, bench.client.get(STA1))[1]
        start = 2 if envelope in (GLOBAL, DED) else 11
        counters.append(int.from_bytes(response[start + 1 : start + 5], "big"))
    assert counters[1] > counters[0]


@versions
@pytest.mark.parametrize("key_ids", [(0,), (2,), (0, 2)], ids=["P1", "P2", "P3"])
def test_symsec_0_key_tx_p(version: int, key_ids: tuple[int, ...]) -> None:
    bench = Bench(version)
    present = {KeyId.GLOBAL_UNICAST: bytes(range(16)), KeyId.AUTHENTICATION: bytes(range(0xD0, 0xE0))}
    new = {KeyId(number): bytes((number,)) * 16 for number in key_ids}
    assert bench.client.security is not None
    for replaced in (new, {key_id: present[key_id] for key_id in new}):  # and restored
        wrapped = [(int(key_id), key_wrap.wrap(MASTER, octets)) for key_id, octets in replaced.items()]
        bench.action(TRANSFER, KEY_DATA.encode(wrapped))
        assert bench.refuses(bench.seal(read(), INITIATE))  # the keys of before
        for key_id, octets in replaced.items():
            bench.client.security.context.keys.install(key_id, octets)
        assert bench.get() == OCTET_STRING.encode(b"first note")


@versions
@pytest.mark.parametrize(("number", "master"), [(0x80, MASTER), (0, bytes(16))], ids=["N1", "N2"])
def test_symsec_0_key_tx_n(version: int, number: int, master: bytes) -> None:
    bench = Bench(version)
    with pytest.raises(AccessFailed):
        bench.action(TRANSFER, KEY_DATA.encode([(number, key_wrap.wrap(master, bytes(16)))]))
    assert bench.get() == OCTET_STRING.encode(b"first note")


@pytest.mark.parametrize(
    ("how", "key"),
    [(PLAIN, DEDICATED), (How(E, GLOBAL), DEDICATED), (How(A, GLOBAL), DEDICATED)]
    + [(INITIATE, bytes(size)) for size in (15, 17, 0)],
)
def test_symsec_0_ded_key_n1_dedicated_keys_that_are_refused(how: How, key: bytes) -> None:
    bench = Bench()
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 500, dedicated_key=key))
    information = request if how is PLAIN else bench.seal(request, how)
    aarq = acse.write_aarq(ApplicationContext.LN_CIPHERED, information, bytes(range(16)), Mechanism.HIGH_GMAC, CLIENT)
    response = bench.server.handle(aarq)
    assert response is not None
    assert acse.read_aare(response).result == AssociationResult.REJECTED_PERMANENT
    assert not bench.server.associated


def test_symsec_0_ded_key_n1_a_tag_without_its_key_and_the_key_of_before() -> None:
    bench = Bench(dedicated=None)
    sealing = context(CLIENT, SERVER, 100)
    sealing.use_dedicated_key(DEDICATED, INITIATE)
    assert bench.refuses(sealing.seal(read(), How(AE, DED)))
    bench = Bench()
    assert bench.client.security is not None
    bench.client.security.dedicated_key = bytes(16)
    run(bench.server, bench.client.associate())
    sealing = context(CLIENT, SERVER, 500)
    sealing.use_dedicated_key(DEDICATED, INITIATE)
    assert bench.refuses(sealing.seal(read(), How(AE, DED)))


@pytest.mark.parametrize("envelope", [GLOBAL, DED])
def test_symsec_0_sec_data_x_p1(envelope: Envelope) -> None:
    bench = Bench()
    for number, protection in enumerate((A, E, AE)):
        bench.speak(How(protection, envelope))
        bench.set(bytes((number,)))
        assert bench.get() == OCTET_STRING.encode(bytes((number,)))
    bench.speak(How(AE, envelope))
    bench.set(b"STA2", STA2)
    assert bench.get(STA2) == OCTET_STRING.encode(b"STA2")
    bench.speak(How(E, envelope))
    for exchange in (bench.client.get(STA2), bench.client.set(STA2, OCTET_STRING.encode(b"no"))):
        with pytest.raises(AccessFailed):
            run(bench.server, exchange)
    bench.speak(How(A, envelope))
    assert bench.get(STA2) == OCTET_STRING.encode(b"STA2")


def test_symsec_0_sec_data_x_n1() -> None:
    bench = Bench()
    apdu = write(VALUES[1])
    for key_id in (KeyId.GLOBAL_UNICAST, KeyId.AUTHENTICATION):
        wrong = keys()
        wrong.install(key_id, bytes(16))
        assert bench.refuses(context(CLIENT, SERVER, 100, wrong).seal(apdu, INITIATE))
    right = bench.seal(apdu, INITIATE)
    under_global = context(CLIENT, SERVER, 100).seal(apdu, INITIATE)
    assert bench.refuses(bytes((0xD1,)) + under_global[1:])  # the global key under a tag of the dedicated one
    for control in (0x70, 0x3F):  # the broadcast key, suite 15
        assert bench.refuses(right[:2] + bytes((control,)) + right[3:])
    for bit in range(8):
        assert bench.refuses(right[:9] + bytes((right[9] ^ 1 << bit,)) + right[10:])
    assert bench.refuses(bytes((right[0], right[1] - 1)) + right[2:-1])
    assert bench.server.handle(right) is not None
    assert bench.meter.note == VALUES[1]


@pytest.mark.parametrize("how", [PLAIN, How(E, GLOBAL), How(A, GLOBAL), How(AE, DED)])
def test_symsec_rel_n1(how: How) -> None:
    bench = Bench()
    request = initiate.write_initiate_request(initiate.InitiateRequest(SERVICES, 0xFFFF))
    information = request if how is PLAIN else bench.seal(request, how)
    assert bench.refuses(acse.write_release(acse.RLRQ, acse.Release(user_information=information)))
    assert bench.get() == OCTET_STRING.encode(b"first note")


@versions
@pytest.mark.parametrize(
    ("activated", "served"),
    [(1, {0: False, 1: True}), (2, {0: False, 1: False, 2: True}), (3, {0: False, 1: False, 2: False, 3: True})],
    ids=["1", "2", "3"],
)
def test_symsec_0_sec_pol(version: int, activated: int, served: dict[int, bool]) -> None:
    bench = Bench(version, how=PLAIN)
    bench.set(VALUES[0])
    bench.action(ACTIVATE, ENUM.encode(policy(version, activated)))
    for protection, expected in served.items():
        how = How(Protection(protection), GLOBAL) if protection else PLAIN
        request = read() if how is PLAIN else bench.seal(read(), how)
        assert bench.refuses(request) is not expected
    bench.speak(INITIATE)
    with pytest.raises(AccessFailed):
        bench.action(ACTIVATE, ENUM.encode(0))
    assert bench.get(POLICY) == ENUM.encode(policy(version, activated))
    assert bench.meter.policy == SecurityPolicy.of(version, policy(version, activated))
    assert bench.get(SUITE) == b"\x16\x00"
