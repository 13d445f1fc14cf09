"""Certificates of suites 1 and 2: X.509 as Security setup takes and gives them (Green Book 9.2.6, Blue Book class 64).

The common name of the subject is the system title as 16 hexadecimal digits; what the key is for stands in key usage. A
certificate is taken when a certification authority that is already known issued it: the first of them comes with
the key file. Validity in time is not looked at (ours): a meter whose clock is wrong would shut out who can set it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from .elliptic import PrivateKey, PublicKey
from .errors import KeyRefused
from .key_establishment import AsymmetricKeys
from .suites import Suite


class CertificateEntity(IntEnum):
    """certificate_entity: whose certificate it is."""

    SERVER = 0
    CLIENT = 1
    CERTIFICATION_AUTHORITY = 2
    OTHER = 3


class CertificateType(IntEnum):
    """certificate_type, and what a key pair is for."""

    DIGITAL_SIGNATURE = 0
    KEY_AGREEMENT = 1
    TLS = 2
    OTHER = 3


KEY_PAIRS: Final = (CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT)
"""The key pairs that a meter has."""


class Certificate(NamedTuple):
    """One certificate, read once; `title` is None for an authority."""

    octets: bytes
    type: CertificateType
    title: bytes | None
    public: PublicKey
    x509: x509.Certificate

    @classmethod
    def from_octets(cls, suite: Suite, octets: bytes) -> Certificate:
        """Read DER; raises `KeyRefused` for what is no certificate of this suite."""
        try:
            certificate = x509.load_der_x509_certificate(octets)
            key = certificate.public_key()
            usage = _usage(certificate)
            authority = _is_authority(certificate)
            names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            _alternative_name(certificate)
        except _UNREADABLE as error:
            raise KeyRefused(f"{len(octets)} octets that are no certificate: {type(error).__name__}") from None
        if suite.curve is None or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != suite.curve.name:
            raise KeyRefused(f"a certificate whose key is none of {suite}")
        public = PublicKey(suite, key)
        if authority:
            return cls(octets, CertificateType.OTHER, None, public, certificate)
        if usage is CertificateType.OTHER:
            raise KeyRefused("a certificate for neither signature nor key agreement alone")
        return cls(octets, usage, _title([str(name.value) for name in names]), public, certificate)

    def entity(self, own_title: bytes) -> CertificateEntity:
        """Whose it is, seen from the server with this title."""
        if self.title is None:
            return CertificateEntity.CERTIFICATION_AUTHORITY
        return CertificateEntity.SERVER if self.title == own_title else CertificateEntity.CLIENT

    @property
    def serial_number(self) -> bytes:
        """The contents of its INTEGER."""
        number = self.x509.serial_number
        return number.to_bytes(number.bit_length() // 8 + 1, "big")

    @property
    def issuer(self) -> bytes:
        """The issuer's name in DER."""
        return self.x509.issuer.public_bytes()

    @property
    def subject(self) -> bytes:
        """The subject's name in DER."""
        return self.x509.subject.public_bytes()

    @property
    def subject_alt_name(self) -> bytes:
        """The extension's value in DER, empty without."""
        return _alternative_name(self.x509)

    def is_issued_by(self, authority: Certificate) -> bool:
        """Whether an authority signed it."""
        try:
            self.x509.verify_directly_issued_by(authority.x509)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return authority.title is None


_UNREADABLE: Final = (
    ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType
)  # fmt: skip


def _alternative_name(certificate: x509.Certificate) -> bytes:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return b""
    return extension.value.public_bytes()


def _usage(certificate: x509.Certificate) -> CertificateType:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return CertificateType.OTHER
    if usage.digital_signature is usage.key_agreement:
        return CertificateType.OTHER
    return CertificateType.DIGITAL_SIGNATURE if usage.digital_signature else CertificateType.KEY_AGREEMENT


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _title(common_names: Sequence[str]) -> bytes:
    try:
        (name,) = common_names
        title = bytes.fromhex(name)
    except ValueError:
        title = b""
    if len(title) != 8:
        raise KeyRefused("a certificate whose common name is no system title")
    return title


def check_issuer(certificate: Certificate, known: Iterable[Certificate]) -> None:
    """Raise `KeyRefused` unless a known authority issued the certificate."""
    if not any(certificate.is_issued_by(authority) for authority in known):
        raise KeyRefused("a certificate that no known authority issued")


def certificate_request(key: PrivateKey, title: bytes) -> bytes:
    """A request (PKCS #10, DER) for a certificate of this key for this system title."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title.hex().upper())])
    return key.sign_request(x509.CertificateSigningRequestBuilder().subject_name(subject)).public_bytes(Encoding.DER)


def asymmetric_keys(
    signing: PrivateKey | None, agreement: PrivateKey | None, certificates: Iterable[Certificate], peer_title: bytes
) -> AsymmetricKeys:
    """What an association with this peer uses: our private keys, the peer's certified ones."""
    of_peer = {certificate.type: certificate.public for certificate in certificates if certificate.title == peer_title}
    return AsymmetricKeys(
        signing,
        agreement,
        of_peer.get(CertificateType.DIGITAL_SIGNATURE),
        of_peer.get(CertificateType.KEY_AGREEMENT),
    )
