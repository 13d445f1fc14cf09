"""AES-GCM as DLMS/COSEM uses it (Green Book 9.2.3.3.7): one key, tags cut to 12 octets.

| protection | result | associated data |
|---|---|---|
| authenticated | text, tag | SC, AK, fields, text |
| encrypted | ciphertext | none |
| both | ciphertext, tag | SC, AK, fields |

SC is the security control octet, AK the authentication key (empty where none is used), fields the five header
fields of general-ciphering with their lengths, else nothing. The IV is the sender's system title and the counter.

The library's one-shot cipher keeps a key expanded, which is most of the work for a short APDU, but it only opens
whole tags of 16 octets. So `open` deciphers by enciphering once more (the key stream of GCM is its own inverse),
computes the tag over that text and compares 12 octets of it; the text leaves only when they are equal. That
is a third of the time a new `Cipher` object takes, and the tests compare the two.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import DecipheringError
from .security_control import AUTHENTICATED, ENCRYPTED

TAG_SIZE: Final = 12
_WHOLE_TAG: Final = 16
_CONTROL: Final = tuple(bytes((octet,)) for octet in range(0x100))


class BlockCipherKey:
    """One block cipher key (EK), expanded once. Its octets are not kept where a `repr` could show them."""

    __slots__ = ("_aes",)

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def __repr__(self) -> str:
        return "BlockCipherKey(…)"

    def seal(self, control: int, iv: bytes, text: bytes, associated: bytes) -> bytes:
        """Protect `text` as the bits of `control` say; `associated` is AK and fields."""
        if not control & AUTHENTICATED:
            return self._aes.encrypt(iv, text, None)[:-_WHOLE_TAG]
        if control & ENCRYPTED:
            return self._aes.encrypt(iv, text, _CONTROL[control] + associated)[: TAG_SIZE - _WHOLE_TAG]
        return text + self.tag(control, iv, text, associated)

    def tag(self, control: int, iv: bytes, text: bytes, associated: bytes) -> bytes:
        """The tag alone of a text that is authenticated and not encrypted."""
        return self._aes.encrypt(iv, b"", _CONTROL[control] + associated + text)[:TAG_SIZE]

    def open(self, control: int, iv: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The inverse of `seal`; raises `DecipheringError` where the tag is wrong or missing."""
        if not control & AUTHENTICATED:
            return self._aes.encrypt(iv, sealed, None)[:-_WHOLE_TAG]
        body, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
        if control & ENCRYPTED:
            text = self._aes.encrypt(iv, body, None)[:-_WHOLE_TAG]
            right = self._aes.encrypt(iv, text, _CONTROL[control] + associated)[-_WHOLE_TAG : TAG_SIZE - _WHOLE_TAG]
        else:
            text = body
            right = self.tag(control, iv, text, associated)
        # A tag that is too short is unequal in length, so it is wrong as well.
        if not hmac.compare_digest(right, tag):
            raise DecipheringError("the authentication tag is wrong")
        return text


def initialization_vector(system_title: bytes, counter: int) -> bytes:
    """The IV of an APDU: the sender's system title and its invocation counter."""
    return system_title + counter.to_bytes(4, "big")
