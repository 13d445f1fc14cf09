"""Ciphering as others do it: Green Book examples, captured sessions of real meters, GBCS test data, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from cosem import acse
from cosem.errors import DecodeError
from cosem.initiate import read_initiate_request, read_initiate_response
from cosem.reader import Reader
from cosem.security import envelopes
from cosem.security.agreement import derive_key
from cosem.security.elliptic import PublicKey
from cosem.security.errors import DecipheringError, InvocationCounterError
from cosem.security.gcm import BlockCipherKey
from cosem.security.keys import Keys
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.suites import SUITE_0, SUITE_1
from cosem.security.tags import CIPHERED_SERVICES, GENERAL_GLO_CIPHERING, GENERAL_SIGNING, Envelope

from .samples import CLIENT, context, octets, parameter, vectors

BAD_LENGTH = "V193"
"""The client counts the 12 octets of a tag that encryption alone does not have."""

CIPHERED = [vector for vector in vectors("ciphered") if vector.get("params") and vector["id"] != BAD_LENGTH]
BOTH = Protection.AUTHENTICATED | Protection.ENCRYPTED


def sides(vector: dict[str, Any]) -> tuple[bytes, bytes]:
    """The ciphered and the plain APDU of a vector, whichever way round it is written."""
    first, second = bytes.fromhex(vector["hex_in"]), bytes.fromhex(vector["hex_out"])
    protected = {*CIPHERED_SERVICES, GENERAL_GLO_CIPHERING}
    return (first, second) if first[0] in protected else (second, first)


def held(vector: dict[str, Any]) -> Keys:
    parameters = vector["params"]
    return Keys(SUITE_0, bytes.fromhex(parameters["ek"]), bytes.fromhex(parameters["ak"]))


def how(ciphered: bytes, vector: dict[str, Any]) -> How:
    envelope = Envelope.GENERAL_GLOBAL if ciphered[0] == GENERAL_GLO_CIPHERING else Envelope.SERVICE_GLOBAL
    return How(Protection(int(vector["params"]["sc"], 16) >> 4), envelope)


@pytest.mark.parametrize("vector", CIPHERED, ids=lambda vector: vector["id"])
def test_a_public_ciphered_apdu_is_opened(vector: dict[str, Any]) -> None:
    ciphered, plain = sides(vector)
    peer = bytes.fromhex(vector["params"]["system_title"])
    opened = context(CLIENT, peer, held=held(vector)).open(ciphered)
    assert opened == (plain, how(ciphered, vector))


@pytest.mark.parametrize("vector", CIPHERED, ids=lambda vector: vector["id"])
def test_a_public_ciphered_apdu_is_sealed(vector: dict[str, Any]) -> None:
    ciphered, plain = sides(vector)
    title, counter = bytes.fromhex(vector["params"]["system_title"]), int(vector["params"]["ic"], 16)
    sealed = context(title, CLIENT, counter, held(vector)).seal(plain, how(ciphered, vector))
    assert sealed == ciphered


@pytest.mark.parametrize("vector", vectors("ciphered-negative"), ids=lambda vector: vector["id"])
def test_a_public_apdu_with_an_altered_tag_is_a_deciphering_error(vector: dict[str, Any]) -> None:
    title = bytes.fromhex(vector["params"]["system_title"])
    with pytest.raises(DecipheringError) as refused:
        context(CLIENT, title, held=held(vector)).open(bytes.fromhex(vector["hex_in"]))
    assert refused.value.response() == bytes.fromhex("d80205")


def test_a_length_that_counts_a_tag_that_is_not_there_is_refused_and_the_content_is_right() -> None:
    client = parameter(BAD_LENGTH, "system_title")
    captured = octets(BAD_LENGTH)
    with pytest.raises(DecodeError):
        context(CLIENT, client).open(captured)
    corrected = captured[:1] + bytes((captured[1] - 12,)) + captured[2:]
    assert context(CLIENT, client).open(corrected).apdu == octets(BAD_LENGTH, "out")


def test_general_glo_ciphering_without_a_title_is_read_as_of_the_peer() -> None:
    reader = Reader(octets("V131"), 1)
    title, content = envelopes.read_general(reader)
    assert (title, content.control, content.counter) == (b"", 0x30, 0x800000D1)
    assert envelopes.write_general(GENERAL_GLO_CIPHERING, title, content) == octets("V131")


# --- whole sessions of real meters ------------------------------------------------------------------


def released(apdu: bytes) -> bytes:
    """The user-information of an RLRQ or RLRE: `62 LL 80 01 00 BE LL 04 LL`, then it."""
    return apdu[9:]


METER = bytes.fromhex("4d454c6470b71b11")
HEAD_END = bytes.fromhex("4d454c0000000001")

SESSIONS: dict[str, tuple[bytes, bytes, list[tuple[bytes, str]], list[tuple[bytes, str]]]] = {
    "authenticated and encrypted": (
        HEAD_END,
        METER,
        [
            (acse.read_aarq(octets("V165")).user_information, "01"),
            (octets("V169"), "c301c1000f0000280000ff0101091110"),
            (octets("V173"), "c001c100010000600100ff0200"),
        ],
        [
            (acse.read_aare(octets("V165", "out")).user_information or b"", "08"),
            (octets("V171"), "c701c10001000911"),
            (octets("V173", "out"), "c401c1000908313230303030313"),
        ],
    ),
    "authenticated": (
        HEAD_END,
        METER,
        [(octets("V178"), "01"), (octets("V181"), "c301c1"), (octets("V185"), "c001c100010000600100ff0200")],
        [(octets("V179"), "08"), (octets("V183"), "c701c1"), (octets("V185", "out"), "c401c1000908313230303030313")],
    ),
    "encrypted": (
        HEAD_END,
        METER,
        [(acse.read_aarq(octets("V189")).user_information, "01000000065f1f040000fe1fffff")],
        [(octets("V191"), "08"), (octets("V195"), "c701c1"), (octets("V197", "out"), "c401c1000908313230303030313")],
    ),
    "released, and a SET of the next": (
        bytes(8),
        bytes.fromhex("4b464d6410000002"),
        [
            (acse.read_aarq(octets("V242")).user_information, "01000000065f1f0400001f1fffff"),
            (octets("V246"), "c301c1000f0000280000ff010109"),
            (octets("V251"), "c001c100080000010000ff0200"),
            (released(octets("V258")), "01000000065f1f0400001f1fffff"),
            (octets("V254"), "c101"),
        ],
        [
            (acse.read_aare(octets("V244")).user_information or b"", "08"),
            (octets("V248"), "c701c1000100091110"),
            (released(octets("V260")), "08"),
            (octets("V257"), "c501c100"),
        ],
    ),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_a_captured_session_is_opened_and_sealed_by_either_side_and_nothing_of_it_opened_twice(name: str) -> None:
    client, server, requests, responses = SESSIONS[name]
    for own, peer, apdus in ((server, client, requests), (client, server, responses)):
        side = context(own, peer)
        for apdu, beginning in apdus:
            opened = side.open(apdu)
            assert opened.apdu.hex().startswith(beginning)
            # Tag and length come first, then security control and counter.
            sender = context(peer, own, int.from_bytes(apdu[3:7], "big"))
            assert sender.seal(opened.apdu, opened.how) == apdu
        for apdu, _ in apdus:
            with pytest.raises(InvocationCounterError):
                side.open(apdu)


# --- initiate in ACSE -------------------------------------------------------------------------------

GREEN_BOOK_TITLE = bytes.fromhex("4d4d4d0000bc614e")


@pytest.mark.parametrize("identifier", ["V056", "V220"])
def test_the_ciphered_initiate_of_a_public_aarq_is_opened(identifier: str) -> None:
    aarq = acse.read_aarq(octets(identifier))
    assert aarq.calling_ap_title == GREEN_BOOK_TITLE
    opened = context(CLIENT, aarq.calling_ap_title).open(aarq.user_information)
    request = read_initiate_request(opened.apdu)
    assert opened.how == How(BOTH, Envelope.SERVICE_GLOBAL)
    assert request.dedicated_key == bytes.fromhex("00112233445566778899aabbccddeeff")


def test_the_ciphered_initiates_of_a_public_release_are_opened() -> None:
    request = context(CLIENT, GREEN_BOOK_TITLE).open(released(octets("V063")))
    response = context(CLIENT, GREEN_BOOK_TITLE).open(released(octets("V061")))
    assert read_initiate_request(request.apdu).conformance == 0x007E1F
    assert read_initiate_response(response.apdu).vaa_name == 7
    for opened, release in ((request, "V063"), (response, "V061")):
        assert context(GREEN_BOOK_TITLE, CLIENT, 0x01234567).seal(opened.apdu, opened.how) == released(octets(release))


# --- general-ciphering and general-signing: GBCS ----------------------------------------------------

PROTECTED_ACCESS = [vector for vector in vectors("access", "general-signing") if "aes_key" in vector["params"]]
SIGNED = [vector for vector in vectors("access", "general-signing") if "signer_public_key" in vector["params"]]
GBCS_ALGORITHM = bytes.fromhex("60857406080300")


@pytest.mark.parametrize("vector", PROTECTED_ACCESS, ids=lambda vector: vector["id"])
def test_a_gbcs_apdu_is_read_authenticated_and_written_back(vector: dict[str, Any]) -> None:
    apdu = bytes.fromhex(vector["hex_in"])
    outer = envelopes.read_general_ciphering(Reader(apdu, 1))
    assert (outer.header_octets, outer.key_info, outer.content.control) == (bytes(5), None, 0x11)
    cipher = BlockCipherKey(bytes.fromhex(vector["params"]["aes_key"]))
    iv = bytes.fromhex(vector["params"]["iv"])
    text = cipher.open(0x11, iv, outer.content.sealed, outer.header_octets)
    signing = envelopes.read_general_signing(Reader(text, 1))
    assert text[0] == GENERAL_SIGNING
    assert signing.content == bytes.fromhex(vector["hex_out"])
    assert cipher.seal(0x11, iv, text, outer.header_octets) == outer.content.sealed
    assert envelopes.write_general_ciphering(bytes(5), None, outer.content) == apdu
    assert envelopes.write_general_signing(signing.signed, signing.signature) == text
    assert envelopes.to_be_signed(signing.header, signing.content) == signing.signed


@pytest.mark.parametrize("vector", PROTECTED_ACCESS, ids=lambda vector: vector["id"])
def test_a_gbcs_key_is_derived_with_the_static_unified_model(vector: dict[str, Any]) -> None:
    names = ("shared_secret_Z", "orig", "recip", "transaction_id", "aes_key")
    secret, originator, recipient, transaction, key = (bytes.fromhex(vector["params"][name]) for name in names)
    party_u = originator + envelopes.write_octet_string(transaction)
    assert derive_key(SUITE_1, secret, GBCS_ALGORITHM, party_u, recipient) == key


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["id"])
def test_a_gbcs_signature_is_verified(vector: dict[str, Any]) -> None:
    apdu = bytes.fromhex(vector["hex_in"])
    if apdu[0] != GENERAL_SIGNING:
        apdu = envelopes.read_general_ciphering(Reader(apdu, 1)).content.sealed[:-12]
    signing = envelopes.read_general_signing(Reader(apdu, 1))
    signer = PublicKey.from_octets(SUITE_1, bytes.fromhex(vector["params"]["signer_public_key"]))
    assert signer.verify(signing.signed, signing.signature)
    assert not signer.verify(signing.signed + b"\x00", signing.signature)
    assert signing.header.transaction_id == bytes.fromhex(vector["params"]["transaction_id"])
