"""Public keys, signatures, shared secrets and the keys derived from them: published vectors and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosem.security.agreement import (
    algorithm_id,
    derive_key,
    ephemeral_unified,
    one_pass,
    read_ephemeral,
    signed_ephemeral,
    static_unified,
)
from cosem.security.elliptic import PrivateKey, PublicKey
from cosem.security.errors import KeyRefused
from cosem.security.keys import KeyId
from cosem.security.suites import SUITE_0, SUITE_1, SUITE_2, Suite

from .samples import CLIENT, SERVER, octets, parameter, stream

AGREEING = [SUITE_1, SUITE_2]
# In its examples of key agreement; where it authenticates with GMAC the two are the other way round.
GREEN_BOOK_CLIENT = bytes.fromhex("4d4d4d0000bc614e")
GREEN_BOOK_SERVER = bytes.fromhex("4d4d4d0000000001")


def generated(suite: Suite, seed: bytes) -> PrivateKey:
    return PrivateKey.generate(suite, stream(seed))


# --- signatures -------------------------------------------------------------------------------------

SIGNATURES = {
    "V278": (SUITE_1, "public"),
    "V280": (SUITE_1, "signer_public"),
    "V285": (SUITE_1, "signer_public"),
    "P002": (SUITE_2, "public"),
}


@pytest.mark.parametrize("identifier", SIGNATURES)
def test_a_public_signature_is_verified_and_no_other(identifier: str) -> None:
    suite, name = SIGNATURES[identifier]
    signer = PublicKey.from_octets(suite, parameter(identifier, name))
    message, signature = octets(identifier), octets(identifier, "out")
    assert signer.verify(message, signature)
    altered = bytearray(signature)
    altered[-3] ^= 1
    for wrong in (bytes(altered), signature[:-1], signature + b"\x00", b"", bytes(len(signature))):
        assert not signer.verify(message, wrong)
    assert not signer.verify(message[1:], signature)


@pytest.mark.parametrize(("identifier", "suite"), [("V278", SUITE_1), ("P002", SUITE_2)])
def test_a_public_key_pair_signs(identifier: str, suite: Suite) -> None:
    private = PrivateKey.from_octets(suite, parameter(identifier, "private"))
    assert private.public.to_octets() == parameter(identifier, "public")
    assert private.to_octets() == parameter(identifier, "private")
    signature = private.sign(octets(identifier))
    assert len(signature) == 2 * suite.coordinate_size
    assert private.public.verify(octets(identifier), signature)


def test_a_public_key_follows_from_its_private_one() -> None:
    assert PrivateKey.from_octets(SUITE_1, octets("V279")).public.to_octets() == octets("V279", "out")


# --- shared secrets and derivation ------------------------------------------------------------------


def test_the_one_pass_key_of_the_green_book_is_agreed_client_to_server() -> None:
    names = ("ephemeral_private", "static_private", "ephemeral_public", "static_public")
    ephemeral, static = (PrivateKey.from_octets(SUITE_1, parameter("P005", name)) for name in names[:2])
    assert [key.public.to_octets() for key in (ephemeral, static)] == [parameter("P005", name) for name in names[2:]]
    assert ephemeral.agree(static.public) == static.agree(ephemeral.public) == octets("P005", "out")
    at_client = one_pass(ephemeral, static.public, GREEN_BOOK_CLIENT, GREEN_BOOK_SERVER)
    at_server = one_pass(static, ephemeral.public, GREEN_BOOK_CLIENT, GREEN_BOOK_SERVER)
    assert at_client == at_server == octets("V282", "out")[:16]


def test_the_one_pass_key_of_the_green_book_is_agreed_server_to_client() -> None:
    private = PrivateKey.from_octets(SUITE_1, parameter("V283", "static_private"))
    ephemeral = PublicKey.from_octets(SUITE_1, parameter("V283", "ephemeral_public"))
    assert private.public.to_octets() == parameter("V283", "static_public")
    assert private.agree(ephemeral) == octets("V283", "out")
    assert one_pass(private, ephemeral, GREEN_BOOK_SERVER, GREEN_BOOK_CLIENT) == octets("V284", "out")


def test_the_ephemeral_unified_secret_of_the_green_book_is_shared() -> None:
    private = PrivateKey.from_octets(SUITE_1, parameter("V286", "server_ephemeral_private"))
    assert private.public.to_octets() == parameter("V286", "server_ephemeral_public")
    peer = PublicKey.from_octets(SUITE_1, parameter("V286", "client_ephemeral_public"))
    assert private.agree(peer) == octets("V286", "out")
    # Published keys of this secret disagree with each other; this one follows from the published secret and titles.
    key = ephemeral_unified(private, peer, GREEN_BOOK_CLIENT, GREEN_BOOK_SERVER, KeyId.GLOBAL_UNICAST)
    assert key.hex() == "c5f4512846ede51cfb8ccf59f08a694e"


def test_the_published_secret_on_p_384_is_shared_by_both_sides() -> None:
    for own, peer in (("private", "peer_public"), ("peer_private", "public")):
        private = PrivateKey.from_octets(SUITE_2, parameter("P003", own))
        public = PublicKey.from_octets(SUITE_2, parameter("P003", peer))
        assert private.agree(public) == octets("P003", "out")


@pytest.mark.parametrize("identifier", ["V282", "V284"])
def test_a_key_is_derived_as_the_green_book_derives_it(identifier: str) -> None:
    counter, secret, algorithm, party_u, party_v = (
        octets(identifier)[start:stop] for start, stop in ((0, 4), (4, 36), (36, 43), (43, 51), (51, 59))
    )
    assert (counter, algorithm) == (b"\x00\x00\x00\x01", algorithm_id(SUITE_1))
    assert derive_key(SUITE_1, secret, algorithm, party_u, party_v) == octets(identifier, "out")[:16]


ALGORITHMS = [
    (SUITE_1, KeyId.GLOBAL_UNICAST, "60857405080300"),
    (SUITE_1, KeyId.AUTHENTICATION, "60857405080300"),
    (SUITE_1, KeyId.MASTER, "60857405080302"),
    (SUITE_2, KeyId.GLOBAL_BROADCAST, "60857405080301"),
    (SUITE_2, KeyId.MASTER, "60857405080303"),
]


@pytest.mark.parametrize(("suite", "key_id", "expected"), ALGORITHMS)
def test_a_derived_key_is_named_after_what_it_is_for(suite: Suite, key_id: KeyId, expected: str) -> None:
    assert algorithm_id(suite, key_id).hex() == expected


# --- the schemes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", AGREEING)
@pytest.mark.parametrize("key_id", KeyId)
def test_both_sides_of_a_key_agreement_get_the_same_key(suite: Suite, key_id: KeyId) -> None:
    client, server = generated(suite, b"1"), generated(suite, b"2")
    client_signs, server_signs = generated(suite, b"3"), generated(suite, b"4")
    to_server = signed_ephemeral(client, client_signs, key_id)
    to_client = signed_ephemeral(server, server_signs, key_id)
    at_server = ephemeral_unified(
        server, read_ephemeral(to_server, client_signs.public, key_id), CLIENT, SERVER, key_id
    )
    at_client = ephemeral_unified(
        client, read_ephemeral(to_client, server_signs.public, key_id), CLIENT, SERVER, key_id
    )
    assert at_server == at_client
    assert len(at_client) == suite.key_size


@pytest.mark.parametrize("suite", AGREEING)
def test_an_ephemeral_key_signed_for_one_key_id_is_refused_for_another(suite: Suite) -> None:
    ephemeral, signs = generated(suite, b"1"), generated(suite, b"2")
    data = signed_ephemeral(ephemeral, signs, KeyId.GLOBAL_UNICAST)
    for key_id in (KeyId.MASTER, KeyId.AUTHENTICATION, None):
        with pytest.raises(KeyRefused):
            read_ephemeral(data, signs.public, key_id)


@pytest.mark.parametrize("suite", AGREEING)
def test_ephemeral_data_that_is_not_the_signers_is_refused(suite: Suite) -> None:
    signs = generated(suite, b"signs")
    data = signed_ephemeral(generated(suite, b"1"), signs)
    no_point = bytes(2 * suite.coordinate_size)
    for wrong in (b"", data[:-1], data + b"\x00", data[1:] + data[:1], no_point + signs.sign(no_point)):
        with pytest.raises(KeyRefused):
            read_ephemeral(wrong, signs.public)
    with pytest.raises(KeyRefused):
        read_ephemeral(data, generated(suite, b"another").public)


@pytest.mark.parametrize("suite", AGREEING)
def test_static_keys_give_another_key_for_each_transaction_and_direction(suite: Suite) -> None:
    client, server = generated(suite, b"1"), generated(suite, b"2")
    keys = {
        static_unified(client, server.public, CLIENT, b"1", SERVER),
        static_unified(client, server.public, CLIENT, b"2", SERVER),
        static_unified(client, server.public, CLIENT, b"", SERVER),
        static_unified(client, server.public, SERVER, b"1", CLIENT),
    }
    assert len(keys) == 4
    assert static_unified(server, client.public, CLIENT, b"1", SERVER) in keys


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", AGREEING)
def test_what_is_no_public_key_is_refused(suite: Suite) -> None:
    right = generated(suite, b"1").public.to_octets()
    moved = right[:-1] + bytes((right[-1] ^ 1,))
    for wrong in (b"", right[:-1], right + b"\x00", moved, bytes(len(right)), b"\xff" * len(right)):
        with pytest.raises(KeyRefused):
            PublicKey.from_octets(suite, wrong)


@pytest.mark.parametrize("suite", AGREEING)
def test_what_is_no_private_key_is_refused(suite: Suite) -> None:
    size = suite.coordinate_size
    for wrong in (b"", bytes(size), b"\xff" * size, bytes(size - 1) + b"", b"\x01" * (size + 1)):
        with pytest.raises(KeyRefused):
            PrivateKey.from_octets(suite, wrong)


@pytest.mark.parametrize("suite", AGREEING)
def test_a_scalar_outside_the_group_is_drawn_again(suite: Suite) -> None:
    drawn = iter((bytes(suite.coordinate_size), b"\xff" * suite.coordinate_size, b"\x01" * suite.coordinate_size))
    assert PrivateKey.generate(suite, lambda size: next(drawn)).to_octets() == b"\x01" * suite.coordinate_size


def test_suite_0_has_no_public_keys() -> None:
    for refused in (
        lambda: PrivateKey.generate(SUITE_0, stream(b"")),
        lambda: PrivateKey.from_octets(SUITE_0, bytes(32)),
        lambda: PublicKey.from_octets(SUITE_0, bytes(64)),
        lambda: derive_key(SUITE_0, bytes(32), b"", b"", b""),
    ):
        with pytest.raises(KeyRefused):
            refused()


def test_keys_of_different_suites_do_not_agree() -> None:
    with pytest.raises(KeyRefused):
        generated(SUITE_1, b"1").agree(generated(SUITE_2, b"2").public)


def test_a_private_key_does_not_show_itself() -> None:
    private = generated(SUITE_1, b"1")
    assert repr(private) == "PrivateKey(suite 1, …)"
    assert private.public.to_octets().hex() in repr(private.public)


@settings(max_examples=15)
@given(st.sampled_from(AGREEING), st.binary(min_size=1, max_size=8), st.binary(max_size=100))
def test_what_is_signed_is_verified(suite: Suite, seed: bytes, message: bytes) -> None:
    private = generated(suite, seed)
    assert private.public.verify(message, private.sign(message))
    assert not private.public.verify(message + b"\x00", private.sign(message))
