"""What the tests of `cosem.security` share: public vectors, and two contexts that talk to each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cosem.security.elliptic import PrivateKey
from cosem.security.invocation import Channel, ReceiveCounters, SendCounter
from cosem.security.key_establishment import AsymmetricKeys
from cosem.security.keys import Keys
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite

_VECTORS: dict[str, dict[str, Any]] = {
    vector["id"]: vector for vector in json.loads((Path(__file__).parent / "data" / "public_security.json").read_text())
}


def vectors(*categories: str) -> list[dict[str, Any]]:
    """The public vectors of these categories; each names its source."""
    return [vector for vector in _VECTORS.values() if vector["category"] in categories]


def octets(identifier: str, side: str = "in") -> bytes:
    """The octets of one public vector, by its number."""
    return bytes.fromhex(_VECTORS[identifier][f"hex_{side}"])


def parameter(identifier: str, name: str) -> bytes:
    """One parameter of a public vector."""
    return bytes.fromhex(_VECTORS[identifier]["params"][name])


GUEK = bytes(range(16))
GAK = bytes(range(0xD0, 0xE0))
GBEK = bytes(range(0x40, 0x50))
MASTER = bytes.fromhex("00112233445566778899aabbccddeeff")
DEDICATED = bytes.fromhex("8899aabbccddeeff0011223344556677")
CLIENT = b"CLI\x00\x00\x00\x00\x01"
SERVER = b"KAM\x00\x00\x00\x00\x02"

GET_CLOCK = bytes.fromhex("c0010000080000010000ff0200")


def stream(seed: bytes) -> Callable[[int], bytes]:
    """A random source that gives the same octets every time."""
    state = hashlib.shake_256(seed)
    position = 0

    def draw(size: int) -> bytes:
        nonlocal position
        position += size
        return state.digest(position)[-size:]

    return draw


def nothing(*_: object) -> None:
    """Where counters are stored by a test that does not look."""


def received(lowest: dict[Channel, int] | None = None) -> ReceiveCounters:
    """Counters of what comes in."""
    return ReceiveCounters(lowest or {}, nothing)


def keys(suite: Suite = SUITE_0, **other: Any) -> Keys:
    """All keys of a suite; those of suite 2 are the others twice."""
    times = suite.key_size // 16
    return Keys(suite, GUEK * times, GAK * times, GBEK * times, MASTER * times, **other)


def context(
    own: bytes = SERVER,
    peer: bytes = CLIENT,
    counter: int = 0,
    held: Keys | None = None,
    asymmetric: AsymmetricKeys | None = None,
    counters: ReceiveCounters | None = None,
) -> SecurityContext:
    """One side; by default a server of suite 0."""
    return SecurityContext(
        held or keys(),
        own,
        peer,
        SendCounter(counter, nothing),
        counters or received(),
        stream(b"keys of " + own),
        asymmetric,
    )


class Pair(NamedTuple):
    """Two sides that hold each other's keys."""

    client: SecurityContext
    server: SecurityContext


def pair(suite: Suite = SUITE_0) -> Pair:
    """A client and a server."""
    if suite is SUITE_0:
        return Pair(context(CLIENT, SERVER), context(SERVER, CLIENT))
    private = [PrivateKey.generate(suite, stream(bytes((suite.number, number)))) for number in range(4)]
    public = [key.public for key in private]
    of_client = AsymmetricKeys(private[0], private[1], public[2], public[3])
    of_server = AsymmetricKeys(private[2], private[3], public[0], public[1])
    return Pair(
        context(CLIENT, SERVER, held=keys(suite), asymmetric=of_client),
        context(SERVER, CLIENT, held=keys(suite), asymmetric=of_server),
    )


SUITES = [SUITE_0, SUITE_1, SUITE_2]
