"""A meter with security for the tests: what a server keeps, in memory; its associations, and clients for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.association_object import association_object
from cosem.client import Client
from cosem.client_security import INITIATE, ClientSecurity
from cosem.data_types import DOUBLE_LONG_UNSIGNED, OCTET_STRING
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, CosemObject
from cosem.interface_classes import Data
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.security.certificates import CertificateType
from cosem.security.elliptic import PrivateKey
from cosem.security.errors import SecurityError, SystemTitleRefused
from cosem.security.hls import Digest, Ecdsa, Exchange, Gmac, HighLevelSecurity, ManufacturerSpecific
from cosem.security.invocation import Channel, KeyName, ReceiveCounters, SendCounter
from cosem.security.key_establishment import AsymmetricKeys
from cosem.security.keys import KeyId, Keys
from cosem.security.policy import SecurityPolicy
from cosem.security.security_context import How, SecurityContext
from cosem.security.suites import SUITE_0, Suite
from cosem.xdlms import Descriptor
from obis import Obis

from .samples import CLIENT, SERVER, context, keys, nothing, pair, stream

NOTE = Obis.parse("0.0.128.100.3.255")
NOTE_VALUE = Descriptor(1, NOTE, 2)
COUNT_VALUE = Descriptor(1, Obis.parse("0.0.96.1.1.255"), 2)
ASSOCIATION = Obis.parse("0.0.40.0.0.255")
STATUS = Descriptor(15, ASSOCIATION, 8)

SERVICES = Conformance.parse(
    [
        "get", "set", "action", "selective-access", "multiple-references", "block-transfer-with-get",
        "block-transfer-with-set", "block-transfer-with-action", "general-protection",
    ]
)  # fmt: skip


class Counter:
    """A guard that counts, and locks when told."""

    def __init__(self) -> None:
        self.locked = False
        self.failures = 0
        self.forgeries = 0
        self.successes = 0

    def failed(self) -> None:
        self.failures += 1

    def forged(self) -> None:
        self.forgeries += 1

    def succeeded(self) -> None:
        self.successes += 1


@dataclass
class Meter:
    """The device that sources and sinks see, and what it keeps for security: `cosem.security.layer.MeterSecurity`."""

    suite: Suite = SUITE_0
    version: int = 1
    value: int = 0
    note: bytes = b"first note"
    secret: bytes = b"12345678"
    guard: Counter = field(default_factory=Counter)
    clients: tuple[bytes, ...] = (CLIENT,)
    client_title: bytes = b""
    refusals: list[SecurityError] = field(default_factory=list)
    reports: list[Exception] = field(default_factory=list)
    association: Association | None = None
    system_title: bytes = SERVER

    def __post_init__(self) -> None:
        self.policy = SecurityPolicy.of(self.version, self.value)
        self.keys = keys(self.suite)
        self.sent = SendCounter(0, nothing)
        self.received = ReceiveCounters({}, nothing)
        self.random = stream(b"the meter")
        self.asymmetric: AsymmetricKeys = pair(self.suite).server.asymmetric
        self.certificates: Sequence[bytes] = ()
        self.candidates: dict[CertificateType, PrivateKey] = {}
        self.private: dict[CertificateType, PrivateKey] = {}
        if self.asymmetric.signing is not None and self.asymmetric.agreement is not None:
            self.private[CertificateType.DIGITAL_SIGNATURE] = self.asymmetric.signing
            self.private[CertificateType.KEY_AGREEMENT] = self.asymmetric.agreement

    def context(self, client_title: bytes) -> SecurityContext:
        if client_title not in self.clients:
            raise SystemTitleRefused("an unknown client")
        return SecurityContext(
            self.keys, self.system_title, client_title, self.sent, self.received, self.random, self.asymmetric
        )

    def opened(self, client_title: bytes) -> None:
        self.client_title = client_title

    def refused(self, client_title: bytes, error: SecurityError) -> None:
        self.refusals.append(error)

    # What Security setup keeps: `cosem.security_setup.SecuritySetupStore`.

    @property
    def invocation_counter(self) -> int:
        return self.received.last_accepted(Channel(KeyName.UNICAST, self.client_title))

    def private_key(self, usage: CertificateType) -> PrivateKey | None:
        return self.private.get(usage)

    def candidate(self, usage: CertificateType) -> PrivateKey | None:
        return self.candidates.get(usage)

    def keep_candidate(self, usage: CertificateType, key: PrivateKey) -> None:
        self.candidates[usage] = key

    def keep_certificates(self, certificates: Sequence[bytes], certified: CertificateType | None = None) -> None:
        self.certificates = tuple(certificates)
        if certified is not None:
            self.private[certified] = self.candidates.pop(certified)

    def replace_keys(self, replaced: Mapping[KeyId, bytes]) -> None:
        for key_id, octets in replaced.items():
            self.keys.install(key_id, octets)
        if KeyId.GLOBAL_UNICAST in replaced:
            self.received.replaced(KeyName.UNICAST)

    def activate(self, policy: SecurityPolicy) -> None:
        self.policy = policy

    def report(self, error: Exception, apdu: bytes) -> None:
        self.reports.append(error)


def _set_note(meter: Meter, value: bytes) -> None:
    meter.note = value


def xor(exchange: Exchange) -> bytes:
    """A manufacturer's function."""
    return bytes(octet ^ 0x5A for octet in exchange.peer_challenge)


def visible(cosem_object: CosemObject, *writable: int) -> VisibleObject:
    """Everything readable that has a source, these writable, every method callable."""
    modes = {
        index: (AccessMode.READ if bound.read else AccessMode.NO_ACCESS)
        for index, bound in cosem_object.attributes.items()
    }
    modes |= {index: AccessMode(modes[index] | AccessMode.WRITE) for index in writable}
    return VisibleObject(cosem_object, modes, frozenset(cosem_object.methods))


def definition(
    mechanism: Mechanism,
    application: ApplicationContext = ApplicationContext.LN_CIPHERED,
    *more: VisibleObject,
    conformance: Conformance = SERVICES,
    max_receive_pdu: int = 0x800,
) -> AssociationDefinition:
    """An association of the meter."""
    note = CosemObject(
        Data, NOTE, [BoundAttribute(Data.value, lambda meter: meter.note, _set_note, type_=OCTET_STRING)]
    )
    count = CosemObject(
        Data,
        COUNT_VALUE.logical_name,
        [BoundAttribute(Data.value, lambda meter: len(meter.note), type_=DOUBLE_LONG_UNSIGNED)],
    )
    current = association_object(
        ASSOCIATION, 1, 1, mechanism, lambda meter, value: setattr(meter, "secret", value), version=1
    )
    return AssociationDefinition(
        1,
        1,
        mechanism,
        conformance,
        max_receive_pdu,
        ObjectView([visible(note, 2), visible(count), visible(current, 7), *more]),
        secret=lambda meter: meter.secret,
        context=application,
        security=lambda meter: meter,
        guard=lambda meter: meter.guard,
        proof=(lambda meter, exchange: xor(exchange)) if mechanism is Mechanism.HIGH else None,
    )


def association(
    meter: Meter,
    mechanism: Mechanism = Mechanism.HIGH_GMAC,
    application: ApplicationContext = ApplicationContext.LN_CIPHERED,
    *more: VisibleObject,
    **other: Any,
) -> Association:
    """One link to the meter."""
    return Association(definition(mechanism, application, *more, **other), meter, meter.report)


def client(
    mechanism: Mechanism = Mechanism.HIGH_GMAC,
    suite: Suite = SUITE_0,
    *,
    ciphered: bool = True,
    how: How = INITIATE,
    initiate: How = INITIATE,
    dedicated_key: bytes | None = None,
    secret: bytes = b"12345678",
    held: Keys | None = None,
    counter: int = 0,
    max_pdu: int = 0xFFFF,
    conformance: Conformance = SERVICES,
) -> Client:
    """A client that has the meter's keys."""
    asymmetric = pair(suite).client.asymmetric
    security_context = context(CLIENT, SERVER, counter, held or keys(suite), asymmetric)
    high: HighLevelSecurity | None = None
    if mechanism is Mechanism.HIGH:
        high = ManufacturerSpecific(xor)
    elif mechanism in (Mechanism.HIGH_MD5, Mechanism.HIGH_SHA1, Mechanism.HIGH_SHA256):
        high = Digest(mechanism, secret)
    elif mechanism is Mechanism.HIGH_GMAC:
        high = Gmac(security_context)
    elif mechanism is Mechanism.HIGH_ECDSA:
        assert asymmetric.signing is not None
        assert asymmetric.peer_signing is not None
        high = Ecdsa(asymmetric.signing, asymmetric.peer_signing)
    return Client(
        secret if mechanism is Mechanism.LOW else None,
        max_pdu,
        conformance,
        ClientSecurity(
            mechanism, security_context, stream(b"the client"), high, ciphered, how, initiate, dedicated_key
        ),
    )
