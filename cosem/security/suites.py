"""The security suites (Green Book 9.2.3.7): which algorithms and which sizes go together.

| suite | ciphering | signature, agreement | hash | key transport |
|---|---|---|---|---|
| 0 | AES-GCM-128 | none | none | AES-128 key wrap |
| 1 | AES-GCM-128 | ECDSA, ECDH on P-256 | SHA-256 | AES-128 key wrap |
| 2 | AES-GCM-256 | ECDSA, ECDH on P-384 | SHA-384 | AES-256 key wrap |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Suite:
    """One suite; `curve` and `hash` are None where the suite has no public keys."""

    number: int
    key_size: int
    curve: ec.EllipticCurve | None
    hash: hashes.SHA256 | hashes.SHA384 | None

    @property
    def coordinate_size(self) -> int:
        """Octets of one coordinate: half a raw public key, half a raw signature."""
        assert self.curve is not None
        return self.curve.key_size // 8

    def __repr__(self) -> str:
        return f"suite {self.number}"


SUITE_0: Final = Suite(0, 16, None, None)
SUITE_1: Final = Suite(1, 16, ec.SECP256R1(), hashes.SHA256())
SUITE_2: Final = Suite(2, 32, ec.SECP384R1(), hashes.SHA384())

SUITES: Final = {suite.number: suite for suite in (SUITE_0, SUITE_1, SUITE_2)}
"""The suites by the number that security_suite and the security control octet carry."""
