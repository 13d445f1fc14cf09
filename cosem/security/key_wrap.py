"""AES key wrap (RFC 3394): how keys travel under a key encrypting key (Green Book 9.2.3.3.8)."""

from __future__ import annotations

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from .errors import KeyRefused


def wrap(key_encrypting_key: bytes, key: bytes) -> bytes:
    """The wrapped key, eight octets longer than the key."""
    return aes_key_wrap(key_encrypting_key, key)


def unwrap(key_encrypting_key: bytes, wrapped: bytes) -> bytes:
    """The key; raises `KeyRefused` where length or check value is wrong."""
    try:
        return aes_key_unwrap(key_encrypting_key, wrapped)
    except (InvalidUnwrap, ValueError):
        raise KeyRefused(f"{len(wrapped)} octets that this master key did not wrap") from None
