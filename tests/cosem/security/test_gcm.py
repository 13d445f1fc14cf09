"""AES-GCM with short tags: published vectors, an independent implementation of opening, alterations."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from cosem.security.errors import DecipheringError
from cosem.security.gcm import TAG_SIZE, BlockCipherKey, initialization_vector

from .samples import octets, parameter

KEYS = st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
IVS = st.binary(min_size=12, max_size=12)
CONTROLS = st.sampled_from([0x10, 0x20, 0x30, 0x31, 0x72])


def test_the_published_vector_of_aes_256_is_sealed_and_opened() -> None:
    associated = parameter("P004", "aad")
    cipher, iv = BlockCipherKey(parameter("P004", "ek")), parameter("P004", "iv")
    # The vector's associated data begin with any octet, ours with a security control that asks for both.
    control = associated[0]
    assert control & 0x30 == 0x30
    assert cipher.seal(control, iv, octets("P004"), associated[1:]) == octets("P004", "out")
    assert cipher.open(control, iv, octets("P004", "out"), associated[1:]) == octets("P004")


def opened_by_the_library(key: bytes, control: int, iv: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What the table of `gcm.py` says, with the library's own check of short tags."""
    body, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
    head = bytes((control,)) + associated
    decryptor = Cipher(algorithms.AES(key), modes.GCM(iv, tag, min_tag_length=TAG_SIZE)).decryptor()
    if control & 0x20:
        decryptor.authenticate_additional_data(head)
        return decryptor.update(body) + decryptor.finalize()
    decryptor.authenticate_additional_data(head + body)
    decryptor.finalize()
    return body


@given(KEYS, CONTROLS, IVS, st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_is_opened(key: bytes, control: int, iv: bytes, text: bytes, associated: bytes) -> None:
    cipher = BlockCipherKey(key)
    sealed = cipher.seal(control, iv, text, associated)
    assert len(sealed) == len(text) + (TAG_SIZE if control & 0x10 else 0)
    assert cipher.open(control, iv, sealed, associated) == text
    if control & 0x10:
        assert opened_by_the_library(key, control, iv, sealed, associated) == text


@given(KEYS, st.sampled_from([0x10, 0x30]), IVS, st.binary(max_size=60), st.binary(max_size=20), st.data())
def test_one_altered_bit_is_refused_as_the_library_refuses_it(
    key: bytes, control: int, iv: bytes, text: bytes, associated: bytes, data: st.DataObject
) -> None:
    cipher = BlockCipherKey(key)
    sealed = bytearray(cipher.seal(control, iv, text, associated))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DecipheringError):
        cipher.open(control, iv, bytes(sealed), associated)
    with pytest.raises(InvalidTag):
        opened_by_the_library(key, control, iv, bytes(sealed), associated)


@pytest.mark.parametrize("control", [0x10, 0x30])
@pytest.mark.parametrize("size", range(TAG_SIZE))
def test_fewer_octets_than_a_tag_are_refused(control: int, size: int) -> None:
    cipher, iv = BlockCipherKey(bytes(16)), bytes(12)
    with pytest.raises(DecipheringError):
        cipher.open(control, iv, cipher.seal(control, iv, b"", b"")[:size], b"")


@pytest.mark.parametrize("control", [0x10, 0x30])
def test_a_tag_cut_short_or_made_longer_is_refused(control: int) -> None:
    cipher, iv = BlockCipherKey(bytes(16)), bytes(12)
    sealed = cipher.seal(control, iv, b"an APDU", b"")
    for wrong in (sealed[:-1], sealed + b"\x00", sealed[1:]):
        with pytest.raises(DecipheringError):
            cipher.open(control, iv, wrong, b"")


def test_the_initialization_vector_is_title_and_counter() -> None:
    assert initialization_vector(b"KAM00000", 0x01234567) == b"KAM00000\x01\x23\x45\x67"


def test_a_key_does_not_show_itself() -> None:
    assert repr(BlockCipherKey(b"0123456789abcdef")) == "BlockCipherKey(…)"
