"""Tags and general envelopes: tables, lengths at their edges, every key-info both ways, refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.errors import DecodeError
from cosem.reader import Reader
from cosem.security import envelopes
from cosem.security.envelopes import AgreedKey, Content, Header, IdentifiedKey, KeyInfo, Scheme, WrappedKey
from cosem.security.keys import KeyId
from cosem.security.tags import CARRIED, CIPHERED_SERVICES, DEDICATED_TAGS, GENERAL, GLOBAL_TAGS, PROTECTED, SERVICES

# Plain, with a global key, with the dedicated key: COSEMpdu, written out by hand.
TAGS = [
    (0x01, 0x21, 0x41),
    (0x05, 0x25, 0x45),
    (0x06, 0x26, 0x46),
    (0x08, 0x28, 0x48),
    (0x0C, 0x2C, 0x4C),
    (0x0D, 0x2D, 0x4D),
    (0x0E, 0x2E, 0x4E),
    (0x16, 0x36, 0x56),
    (0x18, 0x38, 0x58),
    (0xC0, 0xC8, 0xD0),
    (0xC1, 0xC9, 0xD1),
    (0xC2, 0xCA, 0xD2),
    (0xC3, 0xCB, 0xD3),
    (0xC4, 0xCC, 0xD4),
    (0xC5, 0xCD, 0xD5),
    (0xC7, 0xCF, 0xD7),
]


def test_every_service_has_its_two_ciphered_tags() -> None:
    assert [(plain, GLOBAL_TAGS[plain], DEDICATED_TAGS[plain]) for plain in sorted(SERVICES)] == TAGS


def test_every_ciphered_tag_leads_back_to_its_service() -> None:
    assert {tag: plain for tag, (_, plain) in CIPHERED_SERVICES.items()} == {
        tag: plain for plain, *ciphered in TAGS for tag in ciphered
    }


def test_no_tag_is_plain_and_protected() -> None:
    assert len(PROTECTED) == 2 * len(SERVICES) + len(GENERAL)
    assert not PROTECTED & CARRIED


FIELDS = st.sampled_from([0, 1, 8, 12, 127, 128, 255, 256]).map(bytes)
TITLES = st.sampled_from([b"", b"KAM\x00\x00\x00\x00\x02"])
HEADERS = st.builds(Header, FIELDS, TITLES, TITLES, FIELDS, FIELDS)
KEY_INFOS = st.one_of(
    st.none(),
    st.builds(IdentifiedKey, st.sampled_from([KeyId.GLOBAL_UNICAST, KeyId.GLOBAL_BROADCAST])),
    st.builds(WrappedKey, st.sampled_from([24, 40]).map(bytes)),
    st.builds(AgreedKey, st.sampled_from(Scheme), st.sampled_from([0, 128, 192]).map(bytes)),
)
CONTENTS = st.builds(
    Content,
    st.integers(0, 0xFF),
    st.integers(0, 0xFFFF_FFFF),
    st.sampled_from([0, 122, 123, 250, 251, 65530]).map(bytes),
)


@given(HEADERS, KEY_INFOS, CONTENTS)
def test_general_ciphering_is_written_and_read_back(header: Header, key_info: KeyInfo | None, content: Content) -> None:
    octets = envelopes.write_general_ciphering(header.to_bytes(), key_info, content)
    assert octets[0] == 0xDD
    read = envelopes.read_general_ciphering(Reader(octets, 1))
    assert read == (header, key_info, content, header.to_bytes())


@given(HEADERS, FIELDS, FIELDS)
def test_general_signing_is_written_and_read_back(header: Header, content: bytes, signature: bytes) -> None:
    signed = envelopes.to_be_signed(header, content)
    octets = envelopes.write_general_signing(signed, signature)
    assert octets[0] == 0xDF
    assert envelopes.read_general_signing(Reader(octets, 1)) == (header, content, signature, signed)


@given(st.sampled_from([0xDB, 0xDC]), TITLES, CONTENTS)
def test_general_glo_and_ded_ciphering_are_written_and_read_back(tag: int, title: bytes, content: Content) -> None:
    octets = envelopes.write_general(tag, title, content)
    assert octets[0] == tag
    assert envelopes.read_general(Reader(octets, 1)) == (title, content)


@pytest.mark.parametrize(
    ("size", "head"), [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65535, "82ffff")]
)
def test_a_length_takes_as_few_octets_as_it_can(size: int, head: str) -> None:
    octets = envelopes.write_octet_string(bytes(size))
    assert octets == bytes.fromhex(head) + bytes(size)
    assert envelopes.read_octet_string(Reader(octets)) == bytes(size)


KEY_INFO_OCTETS: list[tuple[str, KeyInfo | None]] = [
    ("00", None),
    ("010000", IdentifiedKey(KeyId.GLOBAL_UNICAST)),
    ("010001", IdentifiedKey(KeyId.GLOBAL_BROADCAST)),
    ("01010018" + "aa" * 24, WrappedKey(b"\xaa" * 24)),
    ("0102010181" + "80" + "bb" * 128, AgreedKey(Scheme.ONE_PASS, b"\xbb" * 128)),
    ("0102010200", AgreedKey(Scheme.STATIC_UNIFIED, b"")),
]


@pytest.mark.parametrize(("octets", "key_info"), KEY_INFO_OCTETS)
def test_key_info_is_these_octets(octets: str, key_info: KeyInfo | None) -> None:
    content = Content(0x30, 7, b"sealed")
    apdu = bytes.fromhex("dd0000000000" + octets + "0b3000000007") + b"sealed"
    assert envelopes.write_general_ciphering(bytes(5), key_info, content) == apdu
    assert envelopes.read_general_ciphering(Reader(apdu, 1)).key_info == key_info


def test_the_header_is_kept_as_it_came_whatever_way_its_lengths_are_written() -> None:
    header = bytes.fromhex("8101aa" + "00" + "00" + "00" + "820000")
    read = envelopes.read_general_ciphering(Reader(b"\xdd" + header + bytes.fromhex("00053000000001"), 1))
    assert read.header_octets == header
    assert read.header.transaction_id == b"\xaa"
    signed = header + b"\x01\xc0"
    assert envelopes.read_general_signing(Reader(b"\xdf" + signed + b"\x00", 1)).signed == signed


CONTENT = "053000000001"
REFUSED_CIPHERING = {
    "nothing at all": "",
    "a header cut short": "00000000",
    "a title of seven octets": "0007" + "00" * 7 + "000000" + "00" + CONTENT,
    "a title of nine octets": "000009" + "00" * 9 + "0000" + "00" + CONTENT,
    "a presence octet of 2": "0000000000" + "02" + CONTENT,
    "no key-info choice 3": "0000000000" + "0103" + CONTENT,
    "an identified key 2": "0000000000" + "010002" + CONTENT,
    "a key encrypting key 1": "0000000000" + "010101" + "00" + CONTENT,
    "an agreement scheme 3": "0000000000" + "01020103" + "00" + CONTENT,
    "two octets of key parameters": "0000000000" + "0102020101" + "00" + CONTENT,
    "a wrapped key cut short": "0000000000" + "010100" + "18aabb",
    "no content": "0000000000" + "00",
    "content without a whole counter": "0000000000" + "00" + "0430000000",
    "content longer than the APDU": "0000000000" + "00" + "063000000001",
    "octets after the content": "0000000000" + "00" + CONTENT + "00",
    "a length of five octets": "0000000000" + "00" + "85" + "0000000005" + "3000000001",
    "a length of four gigabytes": "84ffffffff",
}


@pytest.mark.parametrize("name", REFUSED_CIPHERING)
def test_general_ciphering_does_not_decode_with(name: str) -> None:
    with pytest.raises(DecodeError):
        envelopes.read_general_ciphering(Reader(bytes.fromhex("dd" + REFUSED_CIPHERING[name]), 1))


@pytest.mark.parametrize("octets", ["", "0000000000", "000000000001c0", "000000000001c000ff", "000000000002c000"])
def test_general_signing_does_not_decode_cut_short_or_too_long(octets: str) -> None:
    with pytest.raises(DecodeError):
        envelopes.read_general_signing(Reader(bytes.fromhex("df" + octets), 1))


@pytest.mark.parametrize("octets", ["", "08", "07" + "00" * 7 + CONTENT, "00", "000430000000", "00" + CONTENT + "00"])
def test_general_glo_ciphering_does_not_decode_cut_short_or_too_long(octets: str) -> None:
    with pytest.raises(DecodeError):
        envelopes.read_general(Reader(bytes.fromhex("db" + octets), 1))


@given(st.binary(max_size=60))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for read in (envelopes.read_general_ciphering, envelopes.read_general_signing, envelopes.read_general):
        try:
            read(Reader(octets))
        except DecodeError:
            continue
