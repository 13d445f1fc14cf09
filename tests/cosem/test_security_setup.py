"""Security setup: policies that only grow, keys that change when the answer is built, key pairs and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cosem import xdlms
from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.client import AccessFailed, Client
from cosem.data_types import ENUM, OCTET_STRING, Array, Structure, decode_all
from cosem.errors import DecodeError
from cosem.interface_classes import KEY_DATA
from cosem.security import agreement, key_wrap
from cosem.security.certificates import Certificate, CertificateEntity, CertificateType, asymmetric_keys
from cosem.security.elliptic import PrivateKey, PublicKey
from cosem.security.errors import KeyRefused
from cosem.security.invocation import SendCounter
from cosem.security.keys import KeyId
from cosem.security.policy import Direction, SecurityPolicy, required
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite
from cosem.security_setup import MAX_CERTIFICATES, invocation_counter_object, security_setup_object
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis

from .samples import run
from .security.meter import NOTE_VALUE, Meter, association, client, visible
from .security.samples import CLIENT, GUEK, MASTER, SERVER, nothing, pair, stream

SETUP = Obis.parse("0.0.43.0.1.255")
COUNTER = Obis.parse("0.0.43.1.1.255")
READ_NOTE = xdlms.write_get(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()))
OTHER = "other-reason"


def attribute(index: int) -> Descriptor:
    return Descriptor(64, SETUP, index)


ACTIVATE, TRANSFER, AGREE, GENERATE, REQUEST, IMPORT, EXPORT, REMOVE = (attribute(index) for index in range(1, 9))


class Talk:
    """A meter with a Security setup, and a client with an open association."""

    def __init__(self, suite: Suite = SUITE_0, version: int = 1, value: int = 0) -> None:
        self.meter = Meter(suite, version, value)
        self.client: Client = client(suite=suite)
        self.server = self.open()

    def open(self) -> Association:
        """An association of the meter with the client."""
        setup = security_setup_object(SETUP, self.meter.version, lambda meter: meter)
        counter = invocation_counter_object(COUNTER, lambda meter: meter)
        server = association(
            self.meter, Mechanism.HIGH_GMAC, ApplicationContext.LN_CIPHERED, visible(setup), visible(counter)
        )
        run(server, self.client.associate())
        return server

    def get(self, descriptor: Descriptor) -> bytes:
        value = run(self.server, self.client.get(descriptor))[0]
        assert isinstance(value, bytes)
        return value

    def action(self, descriptor: Descriptor, parameter: bytes) -> Any:
        return run(self.server, self.client.action(descriptor, parameter))[0]

    def refused(self, descriptor: Descriptor, parameter: bytes, why: str = OTHER) -> None:
        before = self.state
        with pytest.raises(AccessFailed, match=why):
            self.action(descriptor, parameter)
        assert self.state == before
        assert self.meter.reports == []

    @property
    def state(self) -> Any:
        meter = self.meter
        pairs = sorted((usage, key.to_octets()) for usage, key in (*meter.private.items(), *meter.candidates.items()))
        return meter.policy, meter.keys.unicast, meter.keys.authentication, tuple(meter.certificates), pairs

    @property
    def works(self) -> bool:
        """Whether the client's keys are the meter's."""
        assert self.client.security is not None
        response = self.server.handle(self.client.security.context.seal(READ_NOTE, self.client.security.how))
        return response is not None and response[0] == 0xCC


# --- attributes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("suite", [SUITE_0, SUITE_1, SUITE_2])
def test_the_attributes_say_what_is_in_force(version: int, suite: Suite) -> None:
    talk = Talk(suite, version, 0x0C if version else 3)
    assert talk.get(attribute(2)) == bytes((0x16, 0x0C if version else 3))
    assert talk.get(attribute(3)) == bytes((0x16, suite.number))
    assert talk.get(attribute(4)) == OCTET_STRING.encode(CLIENT)
    assert talk.get(attribute(5)) == OCTET_STRING.encode(SERVER)
    if version:
        assert talk.get(attribute(6)) == b"\x01\x00"


def test_the_invocation_counter_is_the_last_one_accepted() -> None:
    talk = Talk()
    first = int.from_bytes(talk.get(Descriptor(1, COUNTER, 2))[1:], "big")
    assert int.from_bytes(talk.get(Descriptor(1, COUNTER, 2))[1:], "big") == first + 1
    assert talk.meter.invocation_counter == first + 1


# --- policy ---------------------------------------------------------------------------------------

STEPS = [
    (version, old, new)
    for version, values in ((0, range(4)), (1, (0, 0x04, 0x08, 0x0C, 0x20, 0x2C, 0x60, 0x6C)))
    for old in (values if version else (0, 3))  # the client speaks authenticated and encrypted
    for new in (*values, 0x01, 0x05, 0x100 - 1)
]


@pytest.mark.parametrize(("version", "old", "new"), STEPS)
def test_a_policy_is_activated_when_it_keeps_what_was_required(version: int, old: int, new: int) -> None:
    talk = Talk(version=version, value=old)
    try:
        wanted = SecurityPolicy.of(version, new)
    except ValueError:
        talk.refused(ACTIVATE, ENUM.encode(new))
        return
    if any(required(talk.meter.policy, direction) & ~required(wanted, direction) for direction in Direction):
        talk.refused(ACTIVATE, ENUM.encode(new))
    else:
        talk.action(ACTIVATE, ENUM.encode(new))
        assert talk.meter.policy == wanted


@pytest.mark.parametrize("version", [0, 1])
def test_a_policy_of_everything_is_never_lowered(version: int) -> None:
    talk = Talk(version=version, value=0x6C if version else 3)
    for lower in range(0x100):
        if lower & 0x6C != 0x6C if version else lower != 3:
            talk.refused(ACTIVATE, ENUM.encode(lower))
    assert talk.get(attribute(2)) == bytes((0x16, 0x6C if version else 3))


def test_the_answer_to_activate_goes_as_before_the_next_request_needs_more() -> None:
    talk = Talk(version=0)
    plain = xdlms.write_action(0xC1, ACTIVATE.to_bytes(), ENUM.encode(1))
    assert talk.server.handle(plain) == bytes.fromhex("c701c10000")
    assert talk.server.handle(READ_NOTE) == bytes.fromhex("d80101")
    assert talk.works


def test_signatures_are_asked_for_only_where_they_can_be_made() -> None:
    Talk(SUITE_0).refused(ACTIVATE, ENUM.encode(0x80))
    talk = Talk(SUITE_1)
    talk.action(ACTIVATE, ENUM.encode(0x80))
    assert talk.meter.policy.value == 0x80


# --- keys -----------------------------------------------------------------------------------------


def wrapped(suite: Suite, *keys: tuple[int, bytes], master: bytes = MASTER) -> bytes:
    times = suite.key_size // 16
    return KEY_DATA.encode([(number, key_wrap.wrap(master * times, key)) for number, key in keys])


NEW_KEYS = [(0,), (1,), (2,), (3,), (0, 2), (0, 1, 2, 3)]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("suite", [SUITE_0, SUITE_1, SUITE_2])
@pytest.mark.parametrize("key_ids", NEW_KEYS)
def test_keys_that_are_transferred_are_in_force_after_the_answer(
    suite: Suite, version: int, key_ids: tuple[int, ...]
) -> None:
    talk = Talk(suite, version)
    new = {KeyId(number): bytes((number + 1,)) * suite.key_size for number in key_ids}
    talk.action(TRANSFER, wrapped(suite, *new.items()))  # the answer opens under the old keys
    changed = bool({0, 2} & set(key_ids))
    assert talk.works is not changed
    assert talk.client.security is not None
    for key_id, octets in new.items():
        talk.client.security.context.keys.install(key_id, octets)
    assert talk.works
    assert talk.get(NOTE_VALUE) == OCTET_STRING.encode(b"first note")
    if KeyId.MASTER in new:
        assert talk.meter.keys.master == new[KeyId.MASTER]


def test_after_a_key_transfer_counters_start_anew() -> None:
    talk = Talk()
    talk.action(TRANSFER, wrapped(SUITE_0, (0, bytes(16))))
    talk.client = client(counter=0)
    assert talk.client.security is not None
    talk.client.security.context.keys.install(KeyId.GLOBAL_UNICAST, bytes(16))
    assert talk.works


def test_several_keys_are_replaced_together_or_not_at_all() -> None:
    right, wrong = key_wrap.wrap(MASTER, bytes(16)), key_wrap.wrap(bytes(16), bytes(16))
    talk = Talk()
    talk.refused(TRANSFER, KEY_DATA.encode([(0, right), (2, wrong)]))
    assert talk.works


TRANSFERS_REFUSED: list[tuple[str, bytes, str]] = [
    ("an unknown key_id", KEY_DATA.encode([(0x80, key_wrap.wrap(MASTER, bytes(16)))]), OTHER),
    ("a key_id of 4", KEY_DATA.encode([(4, key_wrap.wrap(MASTER, bytes(16)))]), OTHER),
    ("another master key", KEY_DATA.encode([(0, key_wrap.wrap(bytes(16), bytes(16)))]), OTHER),
    ("a key of another suite", KEY_DATA.encode([(0, key_wrap.wrap(MASTER, bytes(32)))]), OTHER),
    ("a key that is not wrapped", KEY_DATA.encode([(0, bytes(16))]), OTHER),
    ("an empty key", KEY_DATA.encode([(0, b"")]), OTHER),
    ("a key twice", wrapped(SUITE_0, (0, bytes(16)), (0, GUEK)), OTHER),
    ("no key", b"\x01\x00", OTHER),
    ("no array", b"\x09\x00", "type-unmatched"),
]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(
    ("sent", "why"), [row[1:] for row in TRANSFERS_REFUSED], ids=[row[0] for row in TRANSFERS_REFUSED]
)
def test_a_transfer_that_is_wrong_changes_nothing(version: int, sent: bytes, why: str) -> None:
    talk = Talk(version=version)
    talk.refused(TRANSFER, sent, why)
    assert talk.works


def test_two_transfers_in_a_list_are_both_unwrapped_with_the_present_master_key() -> None:
    talk = Talk()
    head = bytes.fromhex("c303c102") + 2 * TRANSFER.to_bytes() + b"\x02"
    request = head + wrapped(SUITE_0, (3, bytes(16))) + wrapped(SUITE_0, (0, bytes(16)))
    assert talk.server.handle(request) == bytes.fromhex("c703c102 0000 0000")
    assert talk.meter.keys.master == bytes(16)
    assert not talk.works


def test_keys_are_not_replaced_when_the_answer_cannot_be_protected() -> None:
    talk = Talk()
    assert talk.client.security is not None
    request = xdlms.write_action(0xC1, TRANSFER.to_bytes(), wrapped(SUITE_0, (0, bytes(16))))
    before, talk.meter.sent = talk.meter.sent, SendCounter(1000, nothing)
    before._next = before._quiet = 0x1_0000_0000
    sealed = talk.client.security.context.seal(request, talk.client.security.how)
    assert talk.server.handle(sealed) == bytes.fromhex("d80103")
    run(talk.server, talk.client.associate())
    assert talk.works


def test_keys_that_cannot_be_kept_are_not_acknowledged() -> None:
    class Full(Meter):
        """A meter whose disk is full."""

        def replace_keys(self, replaced: Mapping[KeyId, bytes]) -> None:
            raise OSError("no space left on device")

    talk = Talk()
    talk.meter, talk.client = Full(), client()
    talk.server = talk.open()
    with pytest.raises(DecodeError, match="exception-response d8 01 03"):
        talk.action(TRANSFER, wrapped(SUITE_0, (0, bytes(16))))
    assert [type(error) for error in talk.meter.reports] == [OSError]
    assert talk.works


# --- key agreement --------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("key_ids", [(0,), (2,), (3,), (0, 1, 2, 3)])
def test_both_sides_have_the_agreed_keys(suite: Suite, key_ids: tuple[int, ...]) -> None:
    talk = Talk(suite)
    ours = pair(suite).client.asymmetric
    assert ours.signing is not None
    assert ours.peer_signing is not None
    ephemeral = {KeyId(number): PrivateKey.generate(suite, stream(bytes((number,)))) for number in key_ids}
    sent = [(int(number), agreement.signed_ephemeral(key, ours.signing, number)) for number, key in ephemeral.items()]
    answer = decode_all(KEY_DATA, talk.action(AGREE, KEY_DATA.encode(sent)))
    assert [number for number, _ in answer] == list(key_ids)
    assert talk.client.security is not None
    for number, data in answer:
        peer = agreement.read_ephemeral(data, ours.peer_signing, KeyId(number))
        agreed = agreement.ephemeral_unified(ephemeral[KeyId(number)], peer, CLIENT, SERVER, KeyId(number))
        talk.client.security.context.keys.install(KeyId(number), agreed)
    assert talk.works
    assert talk.meter.keys.master == talk.client.security.context.keys.master


def test_an_ephemeral_key_that_is_not_signed_for_this_key_id_is_refused() -> None:
    talk = Talk(SUITE_1)
    ours = pair(SUITE_1).client.asymmetric
    assert ours.signing is not None
    ephemeral = PrivateKey.generate(SUITE_1, stream(b""))
    for_another = agreement.signed_ephemeral(ephemeral, ours.signing, KeyId.AUTHENTICATION)
    talk.refused(AGREE, KEY_DATA.encode([(0, for_another)]))
    talk.refused(AGREE, KEY_DATA.encode([(0, for_another[:-1])]))
    talk.refused(AGREE, KEY_DATA.encode([(0, bytes(128))]))
    assert talk.works


def test_suite_0_has_no_key_agreement_and_no_key_pairs() -> None:
    talk = Talk()
    talk.refused(AGREE, KEY_DATA.encode([(0, bytes(128))]))
    for usage in range(4):
        talk.refused(GENERATE, ENUM.encode(usage))
        talk.refused(REQUEST, ENUM.encode(usage))


# --- key pairs and certificates -------------------------------------------------------------------


class Authority:
    """A certification authority of the tests."""

    def __init__(self, name: str = "Root of the tests", suite: Suite = SUITE_1, seed: int = 1) -> None:
        assert suite.curve is not None
        self.key = ec.derive_private_key(1000 + seed, suite.curve)
        self.hash = suite.hash
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.octets = self.issue(self.name, self.key.public_key(), authority=True)

    def issue(
        self,
        subject: x509.Name | bytes,
        public: Any,
        usage: CertificateType = CertificateType.DIGITAL_SIGNATURE,
        serial_number: int = 0xC0FFEE,
        *,
        authority: bool = False,
    ) -> bytes:
        if isinstance(subject, bytes):
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject.hex().upper())])
        signature, agree = usage is CertificateType.DIGITAL_SIGNATURE, usage is CertificateType.KEY_AGREEMENT
        if usage is CertificateType.TLS:
            signature = agree = True
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(serial_number)
            .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2044, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            bits = x509.KeyUsage(signature, False, False, False, agree, False, False, False, False)
            builder = builder.add_extension(bits, critical=True)
        return builder.sign(self.key, self.hash).public_bytes(Encoding.DER)


ROOT = {1: Authority(), 2: Authority(suite=SUITE_2)}
CLIENT_KEY = {1: ec.derive_private_key(2000, ec.SECP256R1()), 2: ec.derive_private_key(2000, ec.SECP384R1())}


def certified(suite: Suite = SUITE_1) -> Talk:
    talk = Talk(suite)
    talk.meter.certificates = (ROOT[suite.number].octets,)
    return talk


def by_entity(entity: CertificateEntity, usage: CertificateType, title: bytes) -> bytes:
    return Structure(ENUM, Structure(ENUM, ENUM, OCTET_STRING)).encode((0, (entity, usage, title)))


def by_serial_number(serial_number: bytes, issuer: bytes) -> bytes:
    return Structure(ENUM, Structure(OCTET_STRING, OCTET_STRING)).encode((1, (serial_number, issuer)))


@pytest.mark.parametrize("suite", [SUITE_1, SUITE_2])
@pytest.mark.parametrize("usage", [CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT])
def test_a_key_pair_is_generated_requested_certified_and_then_in_use(suite: Suite, usage: CertificateType) -> None:
    talk = certified(suite)
    old = talk.meter.private_key(usage)
    talk.action(GENERATE, ENUM.encode(usage))
    assert talk.meter.private_key(usage) is old
    request = x509.load_der_x509_csr(decode_all(OCTET_STRING, talk.action(REQUEST, ENUM.encode(usage))))
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == f"CN={SERVER.hex().upper()}"
    certificate = ROOT[suite.number].issue(request.subject, request.public_key(), usage)
    talk.action(IMPORT, OCTET_STRING.encode(certificate))
    new = talk.meter.private_key(usage)
    assert new is not None
    assert new is not old
    assert PublicKey(suite, request.public_key()).to_octets() == new.public.to_octets()  # type: ignore[arg-type]
    assert talk.meter.candidate(usage) is None
    exported = talk.action(EXPORT, by_entity(CertificateEntity.SERVER, usage, SERVER))
    assert decode_all(OCTET_STRING, exported) == certificate


def test_without_a_new_pair_the_present_key_is_requested_and_certified() -> None:
    talk = certified()
    old = talk.meter.private_key(CertificateType.DIGITAL_SIGNATURE)
    request = x509.load_der_x509_csr(decode_all(OCTET_STRING, talk.action(REQUEST, ENUM.encode(0))))
    talk.action(IMPORT, OCTET_STRING.encode(ROOT[1].issue(SERVER, request.public_key())))
    assert talk.meter.private_key(CertificateType.DIGITAL_SIGNATURE) is old
    assert len(talk.meter.certificates) == 2


def test_a_clients_certificate_is_listed_exported_replaced_and_removed() -> None:
    talk = certified()
    public = CLIENT_KEY[1].public_key()
    for serial_number in (0x80, 0x7F):
        octets = ROOT[1].issue(CLIENT, public, serial_number=serial_number)
        talk.action(IMPORT, OCTET_STRING.encode(octets))
    info = Array(Structure(ENUM, ENUM, OCTET_STRING, OCTET_STRING, OCTET_STRING, OCTET_STRING))
    authority, ours = decode_all(info, talk.get(attribute(6)))
    root = ROOT[1].name.public_bytes()
    assert authority[:2] == (CertificateEntity.CERTIFICATION_AUTHORITY, CertificateType.OTHER)
    assert authority[3:] == (root, root, b"")
    assert ours[:4] == (CertificateEntity.CLIENT, CertificateType.DIGITAL_SIGNATURE, b"\x7f", root)
    assert CLIENT.hex().upper().encode() in ours[4]
    for named in (
        by_entity(CertificateEntity.CLIENT, CertificateType.DIGITAL_SIGNATURE, CLIENT),
        by_serial_number(b"\x7f", root),
    ):
        assert decode_all(OCTET_STRING, talk.action(EXPORT, named)) == octets
    talk.action(REMOVE, by_serial_number(b"\x7f", root))
    assert talk.meter.certificates == (ROOT[1].octets,)
    talk.refused(REMOVE, by_serial_number(b"\x7f", root), "object-unavailable")


def test_an_authority_under_a_known_one_is_taken_and_what_it_issues() -> None:
    talk = certified()
    below = Authority("Below the root", seed=2)
    public = CLIENT_KEY[1].public_key()
    issued = below.issue(CLIENT, public)
    talk.refused(IMPORT, OCTET_STRING.encode(issued))
    crossed = ROOT[1].issue(below.name, below.key.public_key(), authority=True)
    talk.action(IMPORT, OCTET_STRING.encode(crossed))
    talk.action(IMPORT, OCTET_STRING.encode(crossed))
    talk.action(IMPORT, OCTET_STRING.encode(issued))
    assert list(talk.meter.certificates) == [ROOT[1].octets, crossed, issued]


def _altered(octets: bytes) -> bytes:
    return octets[:-1] + bytes((octets[-1] ^ 1,))


PUBLIC = CLIENT_KEY[1].public_key()
GOOD = ROOT[1].issue(CLIENT, PUBLIC)
IMPORTS_REFUSED: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no DER", bytes(100)),
    ("a certificate cut short", GOOD[:-1]),
    ("octets behind it", GOOD + b"\x00"),
    ("an altered signature", _altered(GOOD)),
    ("an unknown authority", Authority("Unknown", seed=3).issue(CLIENT, PUBLIC)),
    ("an authority of the same name", Authority(seed=4).issue(CLIENT, PUBLIC)),
    ("another root", Authority("Unknown", seed=3).octets),
    ("a key of the other suite", ROOT[1].issue(CLIENT, CLIENT_KEY[2].public_key())),
    ("a title that is none", ROOT[1].issue(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Head-end")]), PUBLIC)),
    ("no common name", ROOT[1].issue(x509.Name([]), PUBLIC)),
    ("a title of 7 octets", ROOT[1].issue(bytes(7), PUBLIC)),
    ("both usages", ROOT[1].issue(CLIENT, PUBLIC, CertificateType.TLS)),
    ("no usage", ROOT[1].issue(CLIENT, PUBLIC, CertificateType.OTHER)),
    ("our title on a key that is not ours", ROOT[1].issue(SERVER, PUBLIC)),
]


@pytest.mark.parametrize("octets", [row[1] for row in IMPORTS_REFUSED], ids=[row[0] for row in IMPORTS_REFUSED])
def test_a_certificate_that_is_wrong_is_refused(octets: bytes) -> None:
    talk = certified()
    talk.action(GENERATE, ENUM.encode(0))
    talk.refused(IMPORT, OCTET_STRING.encode(octets))


def test_who_has_a_certificate_cannot_issue_one() -> None:
    talk = certified()
    impostor = Authority(seed=5)
    impostor.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CLIENT.hex().upper())])
    talk.action(IMPORT, OCTET_STRING.encode(ROOT[1].issue(CLIENT, impostor.key.public_key())))
    talk.refused(IMPORT, OCTET_STRING.encode(impostor.issue(b"CLIENT 2", PUBLIC)))


def test_no_more_certificates_are_taken_than_are_kept() -> None:
    talk = certified()
    titles = [number.to_bytes(8, "big") for number in range(MAX_CERTIFICATES)]
    talk.meter.certificates = (ROOT[1].octets, *(ROOT[1].issue(title, PUBLIC) for title in titles[:-1]))
    talk.refused(IMPORT, OCTET_STRING.encode(ROOT[1].issue(titles[-1], PUBLIC)))
    talk.action(IMPORT, OCTET_STRING.encode(ROOT[1].issue(titles[0], PUBLIC, serial_number=2)))
    assert len(talk.meter.certificates) == MAX_CERTIFICATES


@pytest.mark.parametrize("usage", [2, 3, 4, 0xFF])
def test_there_are_key_pairs_for_signature_and_agreement_only(usage: int) -> None:
    certified().refused(GENERATE, ENUM.encode(usage))


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (by_entity(CertificateEntity.CLIENT, CertificateType.DIGITAL_SIGNATURE, CLIENT), "object-unavailable"),
        (by_serial_number(b"\x01", b""), "object-unavailable"),
        (Structure(ENUM, OCTET_STRING).encode((0, b"title")), "type-unmatched"),
        (Structure(ENUM, Structure(OCTET_STRING)).encode((1, (b"",))), "type-unmatched"),
        (Structure(ENUM, Structure(OCTET_STRING, OCTET_STRING)).encode((2, (b"", b""))), "type-unmatched"),
    ],
)
def test_a_certificate_that_is_not_there_or_not_named_is_refused(named: bytes, why: str) -> None:
    talk = certified()
    talk.refused(EXPORT, named, why)
    talk.refused(REMOVE, named, why)


def test_an_association_uses_the_certified_keys_of_its_client() -> None:
    signing, agreeing = (ROOT[1].issue(CLIENT, PUBLIC, usage) for usage in list(CertificateType)[:2])
    known = [Certificate.from_octets(SUITE_1, octets) for octets in (ROOT[1].octets, signing, agreeing)]
    keys = asymmetric_keys(None, None, known, CLIENT)
    assert keys.peer_signing is not None
    assert keys.peer_agreement is not None
    assert keys.peer_signing.to_octets() == PublicKey(SUITE_1, PUBLIC).to_octets()
    none = asymmetric_keys(None, None, known, b"CLIENT 2")
    assert (none.peer_signing, none.peer_agreement) == (None, None)


def test_suite_0_takes_no_certificates() -> None:
    with pytest.raises(KeyRefused):
        Certificate.from_octets(SUITE_0, GOOD)


def test_a_long_certificate_is_exported_in_blocks_and_imported_in_blocks() -> None:
    talk = certified()
    talk.client = client(suite=SUITE_1, max_pdu=128, counter=1000)
    run(talk.server, talk.client.associate())
    talk.action(IMPORT, OCTET_STRING.encode(GOOD))
    named = by_entity(CertificateEntity.CLIENT, CertificateType.DIGITAL_SIGNATURE, CLIENT)
    value, responses = run(talk.server, talk.client.action(EXPORT, named))
    assert decode_all(OCTET_STRING, value) == GOOD
    assert len(responses) > 3
    assert max(map(len, responses)) <= 128
