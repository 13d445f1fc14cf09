"""The function of authentication mechanism 2, which the Green Book leaves to the manufacturer.

That of Kamstrup's meters is not public; ours is HMAC-SHA-256 with the secret as key, over the challenge of the other
side, then one's own: either side proves something else, and a proof that is sent back proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac

from cosem.security.hls import Exchange


def prove(secret: bytes, exchange: Exchange) -> bytes:
    """The proof of the side that the exchange names own."""
    return hmac.new(secret, exchange.peer_challenge + exchange.own_challenge, hashlib.sha256).digest()
