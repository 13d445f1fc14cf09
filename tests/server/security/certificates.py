"""An authority of the tests, and what it certifies."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cosem.security.elliptic import PrivateKey
from cosem.security.suites import Suite

_FROM, _UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)
_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
_SIGNATURE_ONLY = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _hash(suite: Suite) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA256() if suite.number == 1 else hashes.SHA384()


def authority(suite: Suite) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """The key of an authority on the curve of a suite, and its own certificate in DER."""
    assert suite.curve is not None
    key = ec.derive_private_key(0xA0710217, suite.curve)
    builder = (
        x509.CertificateBuilder(_AUTHORITY, _AUTHORITY, key.public_key(), 1, _FROM, _UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )  # fmt: skip
    return key, builder.sign(key, _hash(suite)).public_bytes(Encoding.DER)


def certificate(
    authority_key: ec.EllipticCurvePrivateKey, authority_certificate: bytes, key: PrivateKey, title: bytes
) -> bytes:
    """A certificate for signatures of the owner of `title`, in DER."""
    assert key.suite.curve is not None
    issuer = x509.load_der_x509_certificate(authority_certificate).subject
    public = ec.EllipticCurvePublicKey.from_encoded_point(key.suite.curve, b"\x04" + key.public.to_octets())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title.hex().upper())])
    builder = x509.CertificateBuilder(issuer, subject, public, 2, _FROM, _UNTIL)
    builder = builder.add_extension(_SIGNATURE_ONLY, critical=True)
    return builder.sign(authority_key, _hash(key.suite)).public_bytes(Encoding.DER)
