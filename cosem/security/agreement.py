"""Key agreement (Green Book 9.2.3.4.6; NIST SP 800-56A): three schemes, one key derivation.

| scheme | who has an ephemeral key | party U | where |
|---|---|---|---|
| ephemeral unified model C(2e, 0s) | both | title | key_agreement of Security setup |
| one-pass Diffie-Hellman C(1e, 1s) | the originator | title | key-info of general-ciphering, parameters 01 |
| static unified model C(0e, 2s) | neither | title, transaction-id with its length | the same, parameters 02 |

Party U is who begins: the client of key_agreement, the originator of the APDU. Party V has its title alone. Every
ephemeral key is signed by its owner: over `key_id` and key in key_agreement, over the key alone in key-info.

The derived key is the leftmost part of `hash(00000001, Z, algorithm, party U, party V)`; the hash of either suite
is longer than its key, so there is one round.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from .elliptic import PrivateKey, PublicKey
from .envelopes import write_octet_string
from .errors import KeyRefused
from .keys import KeyId
from .suites import Suite

_ALGORITHM_PREFIX: Final = bytes.fromhex("608574050803")
"""2.16.756.5.8.3: the cryptographic algorithms of DLMS/COSEM, an arc short."""


def algorithm_id(suite: Suite, key_id: KeyId = KeyId.GLOBAL_UNICAST) -> bytes:
    """What a derived key is for: AES-GCM, or AES key wrap for the master key, in the size of the suite."""
    arc = (0 if suite.key_size == 16 else 1) + (2 if key_id is KeyId.MASTER else 0)
    return _ALGORITHM_PREFIX + bytes((arc,))


def derive_key(suite: Suite, secret: bytes, algorithm: bytes, party_u: bytes, party_v: bytes) -> bytes:
    """The concatenation key derivation function over the shared secret Z."""
    if suite.hash is None:
        raise KeyRefused(f"{suite} has no key agreement")
    return ConcatKDFHash(suite.hash, suite.key_size, algorithm + party_u + party_v).derive(secret)


def signed_ephemeral(ephemeral: PrivateKey, signing: PrivateKey, key_id: KeyId | None = None) -> bytes:
    """The public part of an ephemeral key and its owner's signature, as key_data or key-ciphered-data.

    In key_agreement the signature covers the `key_id` as well.
    """
    public = ephemeral.public.to_octets()
    return public + signing.sign(_signed(public, key_id))


def read_ephemeral(data: bytes, signer: PublicKey, key_id: KeyId | None = None) -> PublicKey:
    """The peer's ephemeral key; raises `KeyRefused` for a wrong length, point or signature."""
    size = 2 * signer.suite.coordinate_size
    if len(data) != 2 * size:
        raise KeyRefused(f"ephemeral key and signature in {len(data)} octets ({2 * size} expected)")
    public, signature = data[:size], data[size:]
    if not signer.verify(_signed(public, key_id), signature):
        raise KeyRefused("the signature of the ephemeral key is wrong")
    return PublicKey.from_octets(signer.suite, public)


def _signed(public: bytes, key_id: KeyId | None) -> bytes:
    return public if key_id is None else bytes((key_id,)) + public


def ephemeral_unified(
    own: PrivateKey, peer: PublicKey, client_title: bytes, server_title: bytes, key_id: KeyId
) -> bytes:
    """The key of key_agreement, from two ephemeral keys; both sides compute the same."""
    return derive_key(own.suite, own.agree(peer), algorithm_id(own.suite, key_id), client_title, server_title)


def one_pass(private: PrivateKey, public: PublicKey, originator: bytes, recipient: bytes) -> bytes:
    """The key of one APDU: the originator's ephemeral key with the recipient's static one, from either side."""
    return derive_key(private.suite, private.agree(public), algorithm_id(private.suite), originator, recipient)


def static_unified(
    private: PrivateKey, public: PublicKey, originator: bytes, transaction_id: bytes, recipient: bytes
) -> bytes:
    """The key of one transaction, from two static keys; the transaction-id makes it differ from others."""
    party_u = originator + write_octet_string(transaction_id)
    return derive_key(private.suite, private.agree(public), algorithm_id(private.suite), party_u, recipient)
