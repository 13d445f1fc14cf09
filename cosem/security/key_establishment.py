"""Keys that travel with a general-ciphering APDU: wrapped, agreed, or known from before (Green Book 9.2.3).

| key-info | the originator | the recipient |
|---|---|---|
| wrapped | draws a key, wraps it with the master key | unwraps it |
| agreed, one pass | signs an ephemeral key, agrees with the recipient's static one | verifies, agrees with its own |
| agreed, static unified | agrees with both static keys and the transaction-id | the same |
| none | takes the key last established here, by either side | the same |

The ephemeral unified model needs two messages, so it is no key-info: it is the key_agreement of Security setup
(`agreement.ephemeral_unified`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeVar

from . import agreement, key_wrap
from .elliptic import PrivateKey, PublicKey
from .envelopes import AgreedKey, IdentifiedKey, KeyInfo, Scheme, WrappedKey
from .errors import KeyRefused
from .gcm import BlockCipherKey
from .invocation import KeyName
from .keys import Keys

_Key = TypeVar("_Key", PrivateKey, PublicKey)


class KeyChoice(Enum):
    """Which key protects a general-ciphering APDU; `KNOWN` goes without key-info."""

    IDENTIFIED = "identified"
    WRAPPED = "wrapped"
    ONE_PASS = "one-pass"
    STATIC_UNIFIED = "static unified"
    KNOWN = "known"


def choice_of(key_info: KeyInfo | None) -> KeyChoice:
    """What a received key-info chose."""
    match key_info:
        case None:
            return KeyChoice.KNOWN
        case IdentifiedKey():
            return KeyChoice.IDENTIFIED
        case WrappedKey():
            return KeyChoice.WRAPPED
        case AgreedKey(scheme):
            return KeyChoice.ONE_PASS if scheme is Scheme.ONE_PASS else KeyChoice.STATIC_UNIFIED


@dataclass(frozen=True)
class AsymmetricKeys:
    """Keys for signing and agreement, of suites 1 and 2; None where a side has none."""

    signing: PrivateKey | None = None
    agreement: PrivateKey | None = None
    peer_signing: PublicKey | None = None
    peer_agreement: PublicKey | None = None


class EstablishedKey(NamedTuple):
    """A key that came with an APDU, how it is counted, and the digest a dedicated one (`name` None) is counted by."""

    cipher: BlockCipherKey
    name: KeyName | None
    digest: bytes


class KeyEstablishment:
    """The keys of one association that are not global; what is missing or wrong is `KeyRefused`."""

    def __init__(
        self,
        keys: Keys,
        asymmetric: AsymmetricKeys,
        own_title: bytes,
        peer_title: bytes,
        random: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._asymmetric = asymmetric
        self._own_title = own_title
        self._peer_title = peer_title
        self._random = random
        self._known: EstablishedKey | None = None

    def establish(self, key: EstablishedKey) -> None:
        """The APDU that brought this key was genuine: from now on it is the one without key-info."""
        self._known = key

    def ready(self, key: bytes, name: KeyName | None = None) -> EstablishedKey:
        """A key as it is used and counted; without a name a dedicated one."""
        return EstablishedKey(self._keys.cipher(key), name, hashlib.sha256(b"key" + key).digest())

    def of_peer(self, key_info: WrappedKey | AgreedKey | None, transaction_id: bytes) -> EstablishedKey:
        """The key that an APDU of the peer brings."""
        if key_info is None:
            return self._last()
        if isinstance(key_info, WrappedKey):
            return self.ready(key_wrap.unwrap(self._keys.master, key_info.key_ciphered_data), KeyName.WRAPPED)
        own = _held(self._asymmetric.agreement, "key agreement key")
        if key_info.scheme is Scheme.ONE_PASS:
            signer = _held(self._asymmetric.peer_signing, "signing key of the peer")
            ephemeral = agreement.read_ephemeral(key_info.key_ciphered_data, signer)
            return self.ready(agreement.one_pass(own, ephemeral, self._peer_title, self._own_title), KeyName.AGREED)
        if key_info.key_ciphered_data:
            raise KeyRefused("the static unified model sends no data")
        peer = _held(self._asymmetric.peer_agreement, "key agreement key of the peer")
        key = agreement.static_unified(own, peer, self._peer_title, transaction_id, self._own_title)
        return self.ready(key, KeyName.AGREED)

    def of_ours(self, choice: KeyChoice, transaction_id: bytes) -> tuple[KeyInfo | None, BlockCipherKey]:
        """A key for an APDU of ours, and the key-info that brings it to the peer."""
        if choice is KeyChoice.KNOWN:
            return None, self._last().cipher
        key_info: KeyInfo
        if choice is KeyChoice.WRAPPED:
            key = self._random(self._keys.suite.key_size)
            key_info = WrappedKey(key_wrap.wrap(self._keys.master, key))
        else:
            peer = _held(self._asymmetric.peer_agreement, "key agreement key of the peer")
            if choice is KeyChoice.ONE_PASS:
                signing = _held(self._asymmetric.signing, "signing key")
                ephemeral = PrivateKey.generate(self._keys.suite, self._random)
                key = agreement.one_pass(ephemeral, peer, self._own_title, self._peer_title)
                key_info = AgreedKey(Scheme.ONE_PASS, agreement.signed_ephemeral(ephemeral, signing))
            else:
                own = _held(self._asymmetric.agreement, "key agreement key")
                key = agreement.static_unified(own, peer, self._own_title, transaction_id, self._peer_title)
                key_info = AgreedKey(Scheme.STATIC_UNIFIED, b"")
        self._known = self.ready(key, KeyName.WRAPPED if choice is KeyChoice.WRAPPED else KeyName.AGREED)
        return key_info, self._known.cipher

    def check(self, choice: KeyChoice) -> None:
        """Raise `KeyRefused` where `of_ours` would."""
        if choice is KeyChoice.WRAPPED:
            _ = self._keys.master
        elif choice is KeyChoice.KNOWN:
            self._last()
        elif choice is not KeyChoice.IDENTIFIED:
            _held(self._asymmetric.peer_agreement, "key agreement key of the peer")
            if choice is KeyChoice.ONE_PASS:
                _held(self._asymmetric.signing, "signing key")
            else:
                _held(self._asymmetric.agreement, "key agreement key")

    def _last(self) -> EstablishedKey:
        if self._known is None:
            raise KeyRefused("no key-info, and no key was established before")
        return self._known


def _held(key: _Key | None, name: str) -> _Key:
    if key is None:
        raise KeyRefused(f"there is no {name}")
    return key
