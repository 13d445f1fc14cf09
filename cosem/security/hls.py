"""High level security: what the two sides prove to each other in passes 3 and 4 (Green Book 9.2.7.4).

The client sends the challenge CtoS in the AARQ, the server StoC in the AARE. The client then invokes
reply_to_HLS_authentication with f(StoC), the server answers f(CtoS):

| mechanism | f(StoC), by the client | f(CtoS), by the server |
|---|---|---|
| 2 manufacturer specific | the manufacturer's function | the same |
| 3 MD5 | MD5(StoC, secret) | MD5(CtoS, secret) |
| 4 SHA-1 | SHA-1(StoC, secret) | SHA-1(CtoS, secret) |
| 5 GMAC | SC, IC, tag over SC, AK, StoC | the same over CtoS |
| 6 SHA-256 | SHA-256(secret, ST-C, ST-S, StoC, CtoS) | SHA-256(secret, ST-S, ST-C, CtoS, StoC) |
| 7 ECDSA | signature of ST-C, ST-S, StoC, CtoS | signature of ST-S, ST-C, CtoS, StoC |

So each side proves with its own title first and the *other's* challenge first: `Exchange` names them own and peer, and
one formula serves both. A side that gets its own challenge back is talking to a mirror; StoC is drawn anew until it
differs from CtoS, and a client refuses an AARE where it does not.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, NamedTuple

from ..acse import Mechanism
from .elliptic import PrivateKey, PublicKey
from .errors import ChallengeRefused
from .security_context import SecurityContext

SHORTEST_CHALLENGE: Final = 8
LONGEST_CHALLENGE: Final = 64
"""Octets of a challenge (Green Book 9.2.7.4)."""


def new_challenge(mechanism: Mechanism, random: Callable[[int], bytes], peer: bytes = b"") -> bytes:
    """A challenge from a random source, other than the peer's.

    Of 16 octets, which every known client takes; of 32 with ECDSA, the least the Green Book has for it. Of a peer 8 are
    taken there as well (ours): clients in the field send 16 whatever the mechanism.
    """
    size = 32 if mechanism is Mechanism.HIGH_ECDSA else 16
    while (challenge := random(size)) == peer:
        pass
    return challenge


def check_challenge(challenge: bytes | None, own: bytes | None = None) -> bytes:
    """The peer's challenge; raises `ChallengeRefused` for its length, or where it is our own sent back."""
    if challenge is None or not SHORTEST_CHALLENGE <= len(challenge) <= LONGEST_CHALLENGE:
        found = "none" if challenge is None else f"{len(challenge)} octets"
        raise ChallengeRefused(
            f"a challenge of {SHORTEST_CHALLENGE} to {LONGEST_CHALLENGE} octets expected, found {found}"
        )
    if own is not None and hmac.compare_digest(challenge, own):
        raise ChallengeRefused("our own challenge came back")
    return challenge


class Exchange(NamedTuple):
    """What both sides know after the AARE, from one of them: the peer's challenge is the one this side answers."""

    own_title: bytes
    peer_title: bytes
    own_challenge: bytes
    peer_challenge: bytes

    def __repr__(self) -> str:
        """Silent: with what follows on the wire, the challenges try secrets."""
        return "Exchange(…)"

    @property
    def mirrored(self) -> Exchange:
        """The same from the other side."""
        return Exchange(self.peer_title, self.own_title, self.peer_challenge, self.own_challenge)


class HighLevelSecurity(ABC):
    """One mechanism with its secret; where both sides compute the same, a proof is verified by comparing."""

    @abstractmethod
    def prove(self, exchange: Exchange) -> bytes:
        """What this side sends: f of the peer's challenge."""

    def verify(self, exchange: Exchange, proof: bytes) -> bool:
        """Whether the peer sent f of our challenge; every wrong proof takes the same time."""
        return hmac.compare_digest(self.prove(exchange.mirrored), proof)


class ManufacturerSpecific(HighLevelSecurity):
    """Mechanism 2: `function(exchange)` is the manufacturer's, seen from the side that proves."""

    def __init__(self, function: Callable[[Exchange], bytes]) -> None:
        self._function = function

    def prove(self, exchange: Exchange) -> bytes:
        """The manufacturer's function of the exchange."""
        return self._function(exchange)


class Digest(HighLevelSecurity):
    """Mechanisms 3, 4 and 6: a hash over challenges and secret."""

    def __init__(self, mechanism: Mechanism, secret: bytes) -> None:
        self._mechanism = mechanism
        self._secret = secret

    def prove(self, exchange: Exchange) -> bytes:
        """The hash of the mechanism."""
        if self._mechanism is Mechanism.HIGH_SHA256:
            return hashlib.sha256(self._secret + _titles_and_challenges(exchange)).digest()
        name = {Mechanism.HIGH_MD5: "md5", Mechanism.HIGH_SHA1: "sha1"}[self._mechanism]
        # Both are broken as hashes and are what the mechanisms are made of: a meter must offer them, not like them.
        return hashlib.new(name, exchange.peer_challenge + self._secret, usedforsecurity=False).digest()


class Gmac(HighLevelSecurity):
    """Mechanism 5: the tag of the challenge under the global unicast key, with a counter of its own."""

    def __init__(self, context: SecurityContext) -> None:
        self._context = context

    def prove(self, exchange: Exchange) -> bytes:
        """SC, IC and tag over the peer's challenge."""
        return self._context.authenticate(exchange.peer_challenge)

    def verify(self, exchange: Exchange, proof: bytes) -> bool:
        """Whether the peer authenticated our challenge, with authentication alone in its security control."""
        return self._context.is_authentic(exchange.own_challenge, proof)


class Ecdsa(HighLevelSecurity):
    """Mechanism 7: signatures with both sides' signing keys."""

    def __init__(self, own: PrivateKey, peer: PublicKey) -> None:
        self._own = own
        self._peer = peer

    def prove(self, exchange: Exchange) -> bytes:
        """Our signature, r and s."""
        return self._own.sign(_titles_and_challenges(exchange))

    def verify(self, exchange: Exchange, proof: bytes) -> bool:
        """Whether the peer signed."""
        return self._peer.verify(_titles_and_challenges(exchange.mirrored), proof)


def _titles_and_challenges(exchange: Exchange) -> bytes:
    return exchange.own_title + exchange.peer_title + exchange.peer_challenge + exchange.own_challenge
