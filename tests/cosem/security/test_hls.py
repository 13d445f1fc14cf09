"""High level security: what each mechanism proves, as published and as two sides play it; challenges and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cosem.acse import Mechanism, UserDiagnostic
from cosem.security.errors import ChallengeRefused
from cosem.security.hls import (
    Digest,
    Ecdsa,
    Exchange,
    Gmac,
    HighLevelSecurity,
    ManufacturerSpecific,
    check_challenge,
    new_challenge,
)
from cosem.security.keys import Keys
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2

from .samples import CLIENT, SERVER, context, octets, pair, parameter, stream, vectors

STOC, CTOS = bytes.fromhex("503677524a323146"), bytes.fromhex("4b35366956616759")
SECRET = b"12345678"
GREEN_BOOK_CLIENT = bytes.fromhex("4d4d4d0000000001")
GREEN_BOOK_SERVER = bytes.fromhex("4d4d4d0000bc614e")
CLIENT_SIDE = Exchange(GREEN_BOOK_CLIENT, GREEN_BOOK_SERVER, CTOS, STOC)

DIGESTS = [
    ("V274", Mechanism.HIGH_MD5, CLIENT_SIDE),
    ("V275", Mechanism.HIGH_SHA1, CLIENT_SIDE),
    ("V276", Mechanism.HIGH_SHA256, CLIENT_SIDE),
    ("V277", Mechanism.HIGH_SHA256, CLIENT_SIDE.mirrored),
]


@pytest.mark.parametrize(("identifier", "mechanism", "exchange"), DIGESTS)
def test_a_digest_is_the_formula_of_the_green_book(identifier: str, mechanism: Mechanism, exchange: Exchange) -> None:
    assert exchange.peer_challenge == octets(identifier)
    digest = Digest(mechanism, SECRET)
    assert digest.prove(exchange) == octets(identifier, "out")
    assert digest.verify(exchange.mirrored, octets(identifier, "out"))


GMACS = [vector for vector in vectors("hls") if "ek" in vector["params"]]


@pytest.mark.parametrize("vector", GMACS, ids=lambda vector: vector["id"])
def test_a_public_gmac_is_proved_and_verified(vector: dict[str, Any]) -> None:
    title = bytes.fromhex(vector["params"]["system_title"])
    held = Keys(SUITE_0, bytes.fromhex(vector["params"]["ek"]), bytes.fromhex(vector["params"]["ak"]))
    challenge, proof = bytes.fromhex(vector["hex_in"]), bytes.fromhex(vector["hex_out"])
    exchange = Exchange(title, SERVER, b"another challenge", challenge)
    prover = Gmac(context(title, SERVER, int(vector["params"]["ic"], 16), held))
    assert prover.prove(exchange) == proof
    assert Gmac(context(SERVER, title, held=held)).verify(exchange.mirrored, proof)


def test_the_apdu_that_carries_a_proof_counts_higher_and_both_are_accepted() -> None:
    server = context(SERVER, parameter("V170", "system_title"))
    carried = server.open(octets("V169")).apdu
    assert carried.endswith(octets("V170", "out"))
    assert server.is_authentic(octets("V170"), octets("V170", "out"))


# --- every mechanism, both sides --------------------------------------------------------------------


def _xor(exchange: Exchange) -> bytes:
    return bytes(octet ^ 0x5A for octet in exchange.own_title + exchange.peer_challenge)


def _gmac(number: int) -> Callable[[], tuple[HighLevelSecurity, HighLevelSecurity]]:
    def sides() -> tuple[HighLevelSecurity, HighLevelSecurity]:
        both = pair((SUITE_0, SUITE_1, SUITE_2)[number])
        return Gmac(both.client), Gmac(both.server)

    return sides


def _ecdsa(number: int) -> Callable[[], tuple[HighLevelSecurity, HighLevelSecurity]]:
    def sides() -> tuple[HighLevelSecurity, HighLevelSecurity]:
        client, server = (side.asymmetric for side in pair((SUITE_0, SUITE_1, SUITE_2)[number]))
        assert client.signing is not None
        assert server.signing is not None
        return Ecdsa(client.signing, server.signing.public), Ecdsa(server.signing, client.signing.public)

    return sides


def _same(make: Callable[[], HighLevelSecurity]) -> Callable[[], tuple[HighLevelSecurity, HighLevelSecurity]]:
    return lambda: (make(), make())


MECHANISMS: dict[str, tuple[Mechanism, Callable[[], tuple[HighLevelSecurity, HighLevelSecurity]], int]] = {
    "manufacturer specific": (Mechanism.HIGH, _same(lambda: ManufacturerSpecific(_xor)), 24),
    "MD5": (Mechanism.HIGH_MD5, _same(lambda: Digest(Mechanism.HIGH_MD5, SECRET)), 16),
    "SHA-1": (Mechanism.HIGH_SHA1, _same(lambda: Digest(Mechanism.HIGH_SHA1, SECRET)), 20),
    "GMAC, suite 0": (Mechanism.HIGH_GMAC, _gmac(0), 17),
    "GMAC, suite 1": (Mechanism.HIGH_GMAC, _gmac(1), 17),
    "GMAC, suite 2": (Mechanism.HIGH_GMAC, _gmac(2), 17),
    "SHA-256": (Mechanism.HIGH_SHA256, _same(lambda: Digest(Mechanism.HIGH_SHA256, SECRET)), 32),
    "ECDSA, suite 1": (Mechanism.HIGH_ECDSA, _ecdsa(1), 64),
    "ECDSA, suite 2": (Mechanism.HIGH_ECDSA, _ecdsa(2), 96),
}


def exchange_of(mechanism: Mechanism) -> Exchange:
    """The exchange from the client's side, with challenges as they are drawn."""
    random = stream(b"challenges")
    ctos = new_challenge(mechanism, random)
    return Exchange(CLIENT, SERVER, ctos, new_challenge(mechanism, random, ctos))


@pytest.mark.parametrize("name", MECHANISMS)
def test_client_and_server_prove_themselves(name: str) -> None:
    mechanism, make, size = MECHANISMS[name]
    client, server = make()
    exchange = exchange_of(mechanism)
    by_client = client.prove(exchange)
    assert len(by_client) == size
    assert server.verify(exchange.mirrored, by_client)
    by_server = server.prove(exchange.mirrored)
    assert by_server != by_client
    assert client.verify(exchange, by_server)


@pytest.mark.parametrize("name", MECHANISMS)
def test_no_other_proof_is_accepted(name: str) -> None:
    mechanism, make, _ = MECHANISMS[name]
    client, server = make()
    exchange = exchange_of(mechanism)
    proof = client.prove(exchange)
    wrong = [b"", proof[:-1], proof + b"\x00", bytes(len(proof)), exchange.own_challenge, exchange.peer_challenge]
    # A proof for another challenge, one made by the server itself, and the sides swapped.
    wrong.append(client.prove(exchange._replace(peer_challenge=exchange.peer_challenge[::-1])))
    wrong.append(server.prove(exchange.mirrored))
    for bit in range(0, len(proof) * 8, 7):
        altered = bytearray(proof)
        altered[bit // 8] ^= 1 << bit % 8
        wrong.append(bytes(altered))
    for candidate in wrong:
        assert not server.verify(exchange.mirrored, candidate)
    assert server.verify(exchange.mirrored, proof)


def test_a_digest_with_secret_and_challenge_swapped_is_refused() -> None:
    exchange = exchange_of(Mechanism.HIGH_MD5)
    swapped = Digest(Mechanism.HIGH_MD5, exchange.peer_challenge).prove(exchange._replace(peer_challenge=SECRET))
    assert not Digest(Mechanism.HIGH_MD5, SECRET).verify(exchange.mirrored, swapped)


@pytest.mark.parametrize("control", [octet for octet in range(0x100) if octet != 0x10])
def test_a_gmac_under_any_other_security_control_is_refused(control: int) -> None:
    sides = pair()
    exchange = exchange_of(Mechanism.HIGH_GMAC)
    iv = CLIENT + bytes(4)
    tag = sides.client.keys.unicast.tag(control, iv, exchange.peer_challenge, sides.client.keys.authentication)
    assert not Gmac(sides.server).verify(exchange.mirrored, bytes((control,)) + bytes(4) + tag)


def test_a_gmac_over_more_than_the_challenge_is_refused() -> None:
    sides = pair()
    longer = STOC + b"and more"
    proof = sides.client.authenticate(longer)
    assert not sides.server.is_authentic(STOC, proof[:5] + b"and more" + proof[5:])


# --- challenges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 9, 16, 32, 63, 64])
def test_a_challenge_has_8_to_64_octets(size: int) -> None:
    assert check_challenge(bytes(size), b"our own") == bytes(size)


@pytest.mark.parametrize("challenge", [None, b"", bytes(7), bytes(65), bytes(200)])
def test_a_challenge_that_is_absent_too_short_or_too_long_is_refused(challenge: bytes | None) -> None:
    with pytest.raises(ChallengeRefused) as refused:
        check_challenge(challenge)
    assert refused.value.diagnostic is UserDiagnostic.AUTHENTICATION_FAILURE


def test_our_own_challenge_sent_back_is_refused() -> None:
    with pytest.raises(ChallengeRefused):
        check_challenge(STOC, STOC)


def test_a_new_challenge_is_drawn_until_it_is_not_the_peers() -> None:
    drawn = iter((bytes(16), bytes(16), b"\x01" * 16))
    assert new_challenge(Mechanism.HIGH_GMAC, lambda size: next(drawn), bytes(16)) == b"\x01" * 16


@pytest.mark.parametrize("mechanism", [mechanism for mechanism in Mechanism if mechanism >= Mechanism.HIGH])
def test_a_new_challenge_may_be_sent(mechanism: Mechanism) -> None:
    check_challenge(new_challenge(mechanism, stream(b"")))
