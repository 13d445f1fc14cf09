"""Public keys of suites 1 and 2 as DLMS/COSEM writes them: points, signatures and shared secrets without wrapping.

| thing | octets | P-256 | P-384 |
|---|---|---|---|
| private key | scalar | 32 | 48 |
| public key | x, y | 64 | 96 |
| signature | r, s | 64 | 96 |
| shared secret Z | x of the common point | 32 | 48 |

Signatures are ECDSA with the suite's hash, secrets are ECDH with its curve (Green Book 9.2.3.4). A point that is not
on the curve is refused when it is read, so no secret is ever computed with one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ..reader import Reader
from .errors import KeyRefused
from .suites import Suite


def _curve(suite: Suite) -> ec.EllipticCurve:
    if suite.curve is None:
        raise KeyRefused(f"{suite} has no public keys")
    return suite.curve


class PublicKey:
    """A public key of a suite."""

    __slots__ = ("_key", "suite")

    def __init__(self, suite: Suite, key: ec.EllipticCurvePublicKey) -> None:
        self.suite = suite
        self._key = key

    @classmethod
    def from_octets(cls, suite: Suite, octets: bytes) -> PublicKey:
        """A key from x and y; raises `KeyRefused` for the wrong length or a point that is not on the curve."""
        curve = _curve(suite)
        if len(octets) != 2 * suite.coordinate_size:
            raise KeyRefused(f"a public key of {len(octets)} octets ({2 * suite.coordinate_size} expected)")
        try:
            return cls(suite, ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + octets))
        except ValueError:
            raise KeyRefused(f"a public key that is no point of the curve of {suite}") from None

    def to_octets(self) -> bytes:
        """x and y."""
        numbers, size = self._key.public_numbers(), self.suite.coordinate_size
        return numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature`, r and s, was made over `message` with the private key."""
        size = self.suite.coordinate_size
        if len(signature) != 2 * size:
            return False
        reader = Reader(signature)
        encoded = encode_dss_signature(reader.unsigned(size), reader.unsigned(size))
        assert self.suite.hash is not None
        try:
            self._key.verify(encoded, message, ec.ECDSA(self.suite.hash))
        except InvalidSignature:
            return False
        return True

    def __repr__(self) -> str:
        return f"PublicKey({self.suite}, {self.to_octets().hex()})"


class PrivateKey:
    """A private key of a suite; its scalar is never shown."""

    __slots__ = ("_key", "suite")

    def __init__(self, suite: Suite, key: ec.EllipticCurvePrivateKey) -> None:
        self.suite = suite
        self._key = key

    @classmethod
    def from_octets(cls, suite: Suite, octets: bytes) -> PrivateKey:
        """A key from its scalar; raises `KeyRefused` for the wrong length, 0, or one not below the group's order."""
        curve = _curve(suite)
        if len(octets) != suite.coordinate_size:
            raise KeyRefused(f"a private key of {len(octets)} octets ({suite.coordinate_size} expected)")
        try:
            return cls(suite, ec.derive_private_key(int.from_bytes(octets, "big"), curve))
        except ValueError:
            raise KeyRefused(f"a private key outside the group of {suite}") from None

    @classmethod
    def generate(cls, suite: Suite, random: Callable[[int], bytes]) -> PrivateKey:
        """A new key from a random source: scalars outside the group are drawn again."""
        size = _curve(suite).key_size // 8
        while True:
            with contextlib.suppress(KeyRefused):
                return cls.from_octets(suite, random(size))

    @property
    def public(self) -> PublicKey:
        """The public key that belongs to it."""
        return PublicKey(self.suite, self._key.public_key())

    def to_octets(self) -> bytes:
        """The scalar, for the key file."""
        return self._key.private_numbers().private_value.to_bytes(self.suite.coordinate_size, "big")

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`, r and s."""
        assert self.suite.hash is not None
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(self.suite.hash)))
        size = self.suite.coordinate_size
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def sign_request(self, request: x509.CertificateSigningRequestBuilder) -> x509.CertificateSigningRequest:
        """A request for a certificate, signed with the key that it is for."""
        assert self.suite.hash is not None
        return request.sign(self._key, self.suite.hash)

    def agree(self, public: PublicKey) -> bytes:
        """The shared secret Z with the owner of `public`; raises `KeyRefused` for a key of another suite."""
        if public.suite is not self.suite:
            raise KeyRefused(f"a public key of {public.suite} ({self.suite} expected)")
        return self._key.exchange(ec.ECDH(), public._key)

    def __repr__(self) -> str:
        return f"PrivateKey({self.suite}, …)"
