"""Security setup (class 64, versions 0 and 1) and the invocation counter, as objects over what the server keeps.

Every method is all or nothing: what is wrong is found before anything changes, so a refused request left no trace.
What is changed is the server's to make durable before the response goes out (`SecuritySetupStore`).

| method | takes effect |
|---|---|
| security_activate | with the next request; a policy is never lowered, nor asks for signatures without a key |
| key_transfer, key_agreement | when the response is built, under the old keys still |
| generate_key_pair | not yet: the pair waits for its certificate, the old one stays in use |
| import_certificate | with the next association |
| remove_certificate | with the next association |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from obis import Obis

from .data_types import DOUBLE_LONG_UNSIGNED
from .errors import ObjectUnavailable, OtherReason, TypeUnmatched
from .interface_class import BoundAttribute, CosemObject, Invocation, Method
from .interface_classes import Data, SecuritySetup, SecuritySetupV1
from .security import agreement, key_wrap
from .security.certificates import (
    KEY_PAIRS,
    Certificate,
    CertificateEntity,
    CertificateType,
    certificate_request,
    check_issuer,
)
from .security.elliptic import PrivateKey
from .security.errors import KeyRefused
from .security.keys import KeyId, Keys
from .security.layer import MeterSecurity
from .security.policy import Direction, Protection, SecurityPolicy, required, strengthens
from .security.suites import Suite

MAX_CERTIFICATES: Final = 32
"""Certificates kept at most (ours): a dozen clients and their authorities."""

_BY_ENTITY, _BY_SERIAL_NUMBER = 0, 1


class SecuritySetupStore(MeterSecurity, Protocol):
    """What the server keeps for one Security setup; each change is whole and durable, or did not happen."""

    @property
    def suite(self) -> Suite:
        """The suite in force."""

    @property
    def keys(self) -> Keys:
        """The symmetric keys."""

    @property
    def client_title(self) -> bytes:
        """Title of the client whose association was opened last; empty before the first."""

    @property
    def invocation_counter(self) -> int:
        """The last counter accepted from it under the global unicast key."""

    @property
    def certificates(self) -> Sequence[bytes]:
        """All certificates in DER, authorities among them."""

    def private_key(self, usage: CertificateType) -> PrivateKey | None:
        """The private key in use for signature or key agreement."""

    def candidate(self, usage: CertificateType) -> PrivateKey | None:
        """A private key that was generated and has no certificate yet."""

    def activate(self, policy: SecurityPolicy) -> None:
        """Put a stronger policy in force."""

    def replace_keys(self, keys: Mapping[KeyId, bytes]) -> None:
        """Replace symmetric keys, all of them in one; counters accepted under those that differ start anew."""

    def keep_candidate(self, usage: CertificateType, key: PrivateKey) -> None:
        """Keep a generated private key, in place of the last one that got no certificate."""

    def keep_certificates(self, certificates: Sequence[bytes], certified: CertificateType | None = None) -> None:
        """Keep these certificates and no others; the candidate for `certified` has one now and is in use."""


Store = Callable[[Any], SecuritySetupStore]


def security_setup_object(logical_name: Obis, version: int, store: Store, name: str = "Security setup") -> CosemObject:
    """A Security setup of version 0 or 1; `store(context)` is what the meter keeps for it."""
    declared = SecuritySetup if version == 0 else SecuritySetupV1
    attributes = [
        BoundAttribute(declared.security_policy, lambda context: store(context).policy.value),
        BoundAttribute(declared.security_suite, lambda context: store(context).suite.number),
        BoundAttribute(declared.client_system_title, lambda context: store(context).client_title),
        BoundAttribute(declared.server_system_title, lambda context: store(context).system_title),
    ]
    methods: dict[Method, Invocation] = {
        declared.security_activate: lambda context, value: _activate(store(context), version, value)
    }
    if version == 0:
        methods[SecuritySetup.global_key_transfer] = lambda context, keys: _transfer(context, store(context), keys)
        return CosemObject(declared, logical_name, attributes, methods, name)
    attributes.append(BoundAttribute(SecuritySetupV1.certificates, lambda context: _list(store(context))))
    methods[SecuritySetupV1.key_transfer] = lambda context, keys: _transfer(context, store(context), keys)
    methods[SecuritySetupV1.key_agreement] = lambda context, keys: _agree(context, store(context), keys)
    methods[SecuritySetupV1.generate_key_pair] = lambda context, usage: _generate(store(context), usage)
    methods[SecuritySetupV1.generate_certificate_request] = lambda context, usage: _request(store(context), usage)
    methods[SecuritySetupV1.import_certificate] = lambda context, octets: _import(store(context), octets)
    methods[SecuritySetupV1.export_certificate] = lambda context, named: _find(store(context), named).octets
    methods[SecuritySetupV1.remove_certificate] = lambda context, named: _remove(store(context), named)
    return CosemObject(declared, logical_name, attributes, methods, name)


def invocation_counter_object(logical_name: Obis, store: Store, name: str = "Invocation counter") -> CosemObject:
    """The counter that a client without keys reads to know where to go on (0-0:43.1.x.255)."""
    value = BoundAttribute(Data.value, lambda context: store(context).invocation_counter, type_=DOUBLE_LONG_UNSIGNED)
    return CosemObject(Data, logical_name, [value], name=name)


# --- policy and symmetric keys ----------------------------------------------------------------------


def _activate(store: SecuritySetupStore, version: int, value: int) -> None:
    try:
        policy = SecurityPolicy.of(version, value)
    except ValueError as error:
        raise OtherReason(str(error)) from None
    if not strengthens(policy, store.policy):
        raise OtherReason(f"{policy} would lower {store.policy}")
    signed = any(required(policy, direction) & Protection.SIGNED for direction in Direction)
    if signed and store.private_key(CertificateType.DIGITAL_SIGNATURE) is None:
        raise OtherReason(f"{policy} asks for signatures, and there is no key for them")
    store.activate(policy)


def _key_ids(items: list[tuple[int, bytes]]) -> dict[KeyId, bytes]:
    found: dict[KeyId, bytes] = {}
    for number, data in items:
        if number not in KeyId.__members__.values() or number in found:
            raise KeyRefused(f"key_id {number} unknown, or there twice")
        found[KeyId(number)] = data
    if not found:
        raise KeyRefused("no key at all")
    return found


def _transfer(context: Any, store: SecuritySetupStore, items: list[tuple[int, bytes]]) -> None:
    master = store.keys.master
    keys = {key_id: key_wrap.unwrap(master, wrapped) for key_id, wrapped in _key_ids(items).items()}
    for octets in keys.values():
        store.keys.cipher(octets)
    context.association.afterwards(lambda: store.replace_keys(keys))


def _agree(context: Any, store: SecuritySetupStore, items: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    layer = context.association.layer
    if layer is None:
        raise KeyRefused("key agreement without ciphering: the client has no title")
    asymmetric, client_title = layer.context.asymmetric, layer.context.peer_title
    if asymmetric.signing is None or asymmetric.peer_signing is None:
        raise KeyRefused("key agreement needs signing keys of both sides")
    keys, answers = {}, []
    for key_id, data in _key_ids(items).items():
        peer = agreement.read_ephemeral(data, asymmetric.peer_signing, key_id)
        own = PrivateKey.generate(store.suite, store.random)
        keys[key_id] = agreement.ephemeral_unified(own, peer, client_title, store.system_title, key_id)
        answers.append((int(key_id), agreement.signed_ephemeral(own, asymmetric.signing, key_id)))
    context.association.afterwards(lambda: store.replace_keys(keys))
    return answers


# --- key pairs and certificates ---------------------------------------------------------------------


def _usage(number: int) -> CertificateType:
    if number not in KEY_PAIRS:
        raise OtherReason(f"a key pair for {number} (0 signature, 1 key agreement)")
    return CertificateType(number)


def _generate(store: SecuritySetupStore, number: int) -> None:
    usage = _usage(number)
    store.keep_candidate(usage, PrivateKey.generate(store.suite, store.random))


def _request(store: SecuritySetupStore, number: int) -> bytes:
    usage = _usage(number)
    key = store.candidate(usage) or store.private_key(usage)
    if key is None:
        raise OtherReason("no key pair was generated")
    return certificate_request(key, store.system_title)


def _certificates(store: SecuritySetupStore) -> list[Certificate]:
    return [Certificate.from_octets(store.suite, octets) for octets in store.certificates]


def _list(store: SecuritySetupStore) -> list[tuple[int, int, bytes, bytes, bytes, bytes]]:
    return [
        (
            certificate.entity(store.system_title),
            certificate.type,
            certificate.serial_number,
            certificate.issuer,
            certificate.subject,
            certificate.subject_alt_name,
        )
        for certificate in _certificates(store)
    ]


def _import(store: SecuritySetupStore, octets: bytes) -> None:
    certificate = Certificate.from_octets(store.suite, octets)
    known = _certificates(store)
    check_issuer(certificate, known)
    certified = None
    if certificate.entity(store.system_title) is CertificateEntity.SERVER:
        candidate, key = store.candidate(certificate.type), store.private_key(certificate.type)
        public = certificate.public.to_octets()
        if candidate is not None and candidate.public.to_octets() == public:
            certified = certificate.type
        elif key is None or key.public.to_octets() != public:
            raise KeyRefused("a certificate of ours for a key that is not ours")
    kept = [other.octets for other in known if not _replaces(certificate, other)]
    if len(kept) >= MAX_CERTIFICATES:
        raise OtherReason(f"there are {len(kept)} certificates already")
    store.keep_certificates([*kept, octets], certified)


def _replaces(new: Certificate, old: Certificate) -> bool:
    """One certificate for a title and a purpose; authorities may have several, none twice."""
    if new.title is None:
        return new.octets == old.octets
    return (new.title, new.type) == (old.title, old.type)


def _find(store: SecuritySetupStore, named: tuple[int, Any]) -> Certificate:
    how, what = named
    width = {_BY_ENTITY: 3, _BY_SERIAL_NUMBER: 2}.get(how)
    if not isinstance(what, list | tuple) or len(what) != width:
        raise TypeUnmatched(f"a certificate identified by {how} (0 entity, type and title; 1 serial number and issuer)")
    for certificate in _certificates(store):
        entity = certificate.entity(store.system_title)
        by_entity = int(entity), int(certificate.type), certificate.title or b""
        if tuple(what) == (by_entity if how == _BY_ENTITY else (certificate.serial_number, certificate.issuer)):
            return certificate
    raise ObjectUnavailable("no such certificate")


def _remove(store: SecuritySetupStore, named: tuple[int, Any]) -> None:
    found = _find(store, named)
    store.keep_certificates([octets for octets in store.certificates if octets != found.octets])
