"""AARQ, AARE, RLRQ and RLRE: vectors both ways, fields in any order, refusals, round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse
from cosem.acse import Aare, ApplicationContext, Mechanism
from cosem.errors import DecodeError

from .samples import SESSIONS, octets

LN = acse.context_name(ApplicationContext.LN)
CONTEXT = "a109060760857405080101"
INFORMATION = "be10040e01000000065f1f0400007e1f04b0"

# Public AARQs that are written back octet by octet: password, and the InitiateRequest they carry.
AARQS = {
    "V053": (None, "01000000065f1f0400007e1f04b0"),
    "V054": (b"12345678", "01000000065f1f0400007e1f04b0"),
    "V058": (None, "01000000065f1f0400001e1dffff"),
    "V137": (b"33333333", "01000000065f1f0400007e1f0000"),
}

AARES = {
    "V048": Aare(LN, 0, 0, bytes.fromhex("0800065f1f040000501f01f40007")),
    "V049": Aare(LN, 1, 2, bytes.fromhex("0800065f1f040000501f01f40007")),
    "V050": Aare(LN, 1, 1, bytes.fromhex("0e010601")),
    "V052": Aare(LN, 0, 0, bytes.fromhex("0800065f1f0400001e1d04c80007")),
    "V136": Aare(LN, 0, 0, bytes.fromhex("0800065f1f040000381f009b0007")),
}


def aarq(*fields: str) -> bytes:
    body = bytes.fromhex("".join(fields))
    return bytes((0x60, len(body))) + body


@pytest.mark.parametrize("identifier", AARQS)
def test_a_public_aarq_is_read_and_written_back(identifier: str) -> None:
    password, information = AARQS[identifier]
    request = acse.read_aarq(octets(identifier))
    assert request.context is ApplicationContext.LN
    assert request.user_information.hex() == information
    assert request.authentication_value == password
    assert request.mechanism == (None if password is None else Mechanism.LOW)
    assert acse.write_aarq(ApplicationContext.LN, request.user_information, password) == octets(identifier)


@pytest.mark.parametrize("identifier", AARES)
def test_a_public_aare_is_read_and_written_back(identifier: str) -> None:
    assert acse.read_aare(octets(identifier)) == AARES[identifier]
    assert acse.write_aare(AARES[identifier]) == octets(identifier)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session["title"])
def test_the_aarq_and_aare_of_the_382m_are_written_back(session: dict[str, list[dict[str, str]]]) -> None:
    sent, answered = (bytes.fromhex(apdu["hex"]) for apdu in session["apdus"][:2])
    request = acse.read_aarq(sent)
    written = acse.write_aarq(ApplicationContext.LN, request.user_information, request.authentication_value)
    assert written == sent
    assert acse.write_aare(acse.read_aare(answered)) == answered


def test_an_aarq_of_a_ciphered_context_is_read() -> None:
    request = acse.read_aarq(octets("V056"))
    assert request.context is ApplicationContext.LN_CIPHERED
    assert request.calling_ap_title == b"MMM\x00\x00\xbcaN"
    assert request.user_information[0] == 0x21


def test_an_aarq_of_high_level_security_names_its_mechanism() -> None:
    assert acse.read_aarq(octets("V057")).mechanism == Mechanism.HIGH


def test_an_unknown_context_is_kept_as_it_was_sent() -> None:
    request = acse.read_aarq(octets("V296"))
    assert request.context is None
    assert request.context_name.hex() == "06075f857504070203"


def test_a_mechanism_of_another_arc_is_none_of_ours() -> None:
    assert acse.read_aarq(aarq(CONTEXT, "8b0760857405080301", INFORMATION)).mechanism == -1
    assert acse.read_aarq(aarq(CONTEXT, "8b00", INFORMATION)).mechanism == -1


@pytest.mark.parametrize(
    ("field", "bits"), [("80020284", "100001"), ("80020244", "010001"), ("80020780", "1"), ("80020001", "00000001")]
)
def test_a_protocol_version_is_read_as_its_bits(field: str, bits: str) -> None:
    assert acse.read_aarq(aarq(field, CONTEXT, INFORMATION)).protocol_version == bits


def test_fields_that_we_do_not_use_are_passed_over_in_any_order() -> None:
    called = (
        "a203040144",
        "a303040144",
        "a403020100",
        "a503020100",
        "a803020100",
        "a903020107",
        "bd0101",
        "bf8f010100",
    )
    request = acse.read_aarq(aarq(INFORMATION, *called, "bf900100", CONTEXT))
    assert request.context is ApplicationContext.LN
    assert acse.read_aarq(octets("V297")).context is ApplicationContext.LN


def test_a_challenge_as_bit_string_is_read() -> None:
    assert acse.read_aarq(aarq(CONTEXT, "ac0481020102", INFORMATION)).authentication_value == b"\x01\x02"


AARQ_REFUSALS = [
    ("nothing", b""),
    ("another tag", b"\x61\x00"),
    ("no length", b"\x60"),
    ("the indefinite length", b"\x60\x80" + bytes.fromhex(CONTEXT + INFORMATION) + b"\x00\x00"),
    ("a length beyond the octets", b"\x60\x7f" + bytes.fromhex(CONTEXT)),
    ("a length of four thousand million", bytes.fromhex("6084ffffffff") + bytes.fromhex(CONTEXT)),
    ("octets behind it", octets("V053") + b"\x00"),
    ("no context", aarq(INFORMATION)),
    ("no user-information", aarq(CONTEXT)),
    ("a field twice", aarq(CONTEXT, CONTEXT, INFORMATION)),
    ("an extension twice", aarq(CONTEXT, "bf8f0100", "bf8f0100", INFORMATION)),
    ("a tag without end", aarq(CONTEXT, "bf818181", "0100", INFORMATION)),
    ("a tag number that never ends", aarq(CONTEXT, INFORMATION, "bfffffff")),
    ("a field cut short", aarq(CONTEXT, "be10040e01")),
    ("user-information that is no octet-string", aarq(CONTEXT, "be03020100")),
    ("octets behind the user-information", aarq(CONTEXT, "be0404010000")),
    ("an AP title that is no octet-string", aarq(CONTEXT, "a603020100", INFORMATION)),
    ("an empty AP title field", aarq(CONTEXT, "a600", INFORMATION)),
    ("an empty authentication value", aarq(CONTEXT, "ac00", INFORMATION)),
    ("an external authentication value", aarq(CONTEXT, "ac03820100", INFORMATION)),
    ("a protocol version without bits", aarq("800100", CONTEXT, INFORMATION)),
    ("a protocol version with nine unused bits", aarq("80020984", CONTEXT, INFORMATION)),
]


@pytest.mark.parametrize("sent", [row[1] for row in AARQ_REFUSALS], ids=[row[0] for row in AARQ_REFUSALS])
def test_a_malformed_aarq_is_a_decode_error(sent: bytes) -> None:
    with pytest.raises(DecodeError):
        acse.read_aarq(sent)


@pytest.mark.parametrize(
    "body",
    [
        "",
        CONTEXT,
        CONTEXT + "a203020100",
        CONTEXT + "a2020200" + "a305a103020100",
        CONTEXT + "a20402020000" + "a305a103020100",
        CONTEXT + "a203020100" + "a300",
        CONTEXT + "a203020100" + "a305a103020100"[:-2],
        CONTEXT + "a203020100" + "a306a10302010000",
        CONTEXT + "a203020100" + "a305a103040100",
        "a203020100" + "a305a103020100",
    ],
)
def test_a_malformed_aare_is_a_decode_error(body: str) -> None:
    octets_of_body = bytes.fromhex(body)
    with pytest.raises(DecodeError):
        acse.read_aare(bytes((0x61, len(octets_of_body))) + octets_of_body)


@pytest.mark.parametrize(
    ("identifier", "tag"), [("V059", acse.RLRE), ("V060", acse.RLRE), ("V062", acse.RLRQ), ("V138", acse.RLRQ)]
)
def test_a_public_release_is_normal(identifier: str, tag: int) -> None:
    assert acse.read_release(octets(identifier), tag).reason == 0


@pytest.mark.parametrize(("identifier", "tag"), [("V059", acse.RLRE), ("V062", acse.RLRQ)])
def test_a_public_release_is_written(identifier: str, tag: int) -> None:
    assert acse.write_release(tag, acse.Release()) == octets(identifier)


@pytest.mark.parametrize("reason", [0, 1, 30])
@pytest.mark.parametrize("tag", [acse.RLRQ, acse.RLRE])
def test_a_reason_of_release_comes_back(tag: int, reason: int) -> None:
    assert acse.read_release(acse.write_release(tag, acse.Release(reason)), tag) == acse.Release(reason)


@pytest.mark.parametrize("sent", ["", "62", "6203", "6103800100", "620480020000", "62028000", "620380010000"])
def test_a_malformed_release_is_a_decode_error(sent: str) -> None:
    with pytest.raises(DecodeError):
        acse.read_release(bytes.fromhex(sent))


@given(st.sampled_from(ApplicationContext), st.binary(max_size=300), st.none() | st.binary(max_size=64))
def test_every_aarq_comes_back(context: ApplicationContext, information: bytes, password: bytes | None) -> None:
    request = acse.read_aarq(acse.write_aarq(context, information, password))
    assert (request.context, request.user_information, request.authentication_value) == (context, information, password)
    assert request.acse_requirements == (None if password is None else b"\x07\x80")


@given(
    st.builds(
        Aare,
        st.binary(max_size=20),
        st.integers(0, 2),
        st.integers(0, 14),
        st.none() | st.binary(max_size=300),
        st.booleans(),
        st.none() | st.binary(max_size=8),
        st.none() | st.sampled_from(Mechanism),
        st.none() | st.binary(max_size=64),
    )
)
def test_every_aare_comes_back(answer: Aare) -> None:
    assert acse.read_aare(acse.write_aare(answer)) == answer


def test_names_are_object_identifiers_of_the_dlms_user_association() -> None:
    assert acse.object_identifier(LN).hex() == "60857405080101"
    assert acse.mechanism_name(Mechanism.LOW).hex() == "60857405080201"


def test_a_tag_of_any_length_costs_the_same() -> None:
    body = b"\x1f" + b"\x80" * 64_000
    with pytest.raises(DecodeError, match="a tag of more than 2 further octets at octet 5"):
        acse.read_aarq(b"\x60\x83" + len(body).to_bytes(3, "big") + body)
