"""The function of authentication mechanism 2, which the Green Book leaves to the manufacturer.

That of Kamstrup's meters is not public. Ours is the one that clients in the field (gurux-dlms) bring along: the other
side's challenge, enciphered with AES-128 block by block under the secret. Both are filled up with zeros;
of a longer secret the first 16 octets count.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cosem.security.hls import Exchange

_BLOCK: Final = 16


def prove(secret: bytes, exchange: Exchange) -> bytes:
    """The proof of the side that the exchange names own."""
    key = secret[:_BLOCK].ljust(_BLOCK, b"\0")
    challenge = exchange.peer_challenge
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(challenge + bytes(-len(challenge) % _BLOCK)) + encryptor.finalize()
