"""InitiateRequest, InitiateResponse and the conformance block: vectors both ways, refusals, round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import initiate
from cosem.errors import DecodeError
from cosem.initiate import Conformance, InitiateError, InitiateRequest, InitiateResponse

from .samples import octets

REQUESTS = {
    "V108": InitiateRequest(0x007E1F, 1200),
    "V109": InitiateRequest(0x007E1F, 1200, dedicated_key=bytes.fromhex("00112233445566778899aabbccddeeff")),
}
RESPONSES = {
    "V110": InitiateResponse(0x00501F, 500),
    "V111": InitiateResponse(0x001E1D, 1224, quality_of_service=0),
}


@pytest.mark.parametrize("identifier", REQUESTS)
def test_a_public_request_is_read_and_written_back(identifier: str) -> None:
    assert initiate.read_initiate_request(octets(identifier)) == REQUESTS[identifier]
    assert initiate.write_initiate_request(REQUESTS[identifier]) == octets(identifier)


@pytest.mark.parametrize("identifier", RESPONSES)
def test_a_public_response_is_read_and_written_back(identifier: str) -> None:
    assert initiate.read_initiate_response(octets(identifier)) == RESPONSES[identifier]
    assert initiate.write_initiate_response(RESPONSES[identifier]) == octets(identifier)


@pytest.mark.parametrize(
    ("identifier", "error"),
    [
        ("V433", InitiateError.DLMS_VERSION_TOO_LOW),
        ("V434", InitiateError.INCOMPATIBLE_CONFORMANCE),
        ("V435", InitiateError.PDU_SIZE_TOO_SHORT),
        ("V438", InitiateError.OTHER),
    ],
)
def test_a_refused_initiate_is_a_confirmed_service_error(identifier: str, error: InitiateError) -> None:
    assert initiate.write_initiate_error(error) == octets(identifier)
    with pytest.raises(DecodeError, match="refused the initiate"):
        initiate.read_initiate_response(octets(identifier))


def test_the_conformance_block_of_older_stacks_is_read() -> None:
    assert initiate.read_initiate_request(bytes.fromhex("01000000065f0400007e1f04b0")) == REQUESTS["V108"]


REFUSALS = [
    ("nothing", ""),
    ("another tag", "08000000065f1f0400007e1f04b0"),
    ("a version and nothing else", "0100000006"),
    ("no conformance", "0100000006ff1f0400007e1f04b0"),
    ("a conformance of 16 bits", "01000000065f1f03007e1f04b0"),
    ("a conformance with unused bits", "01000000065f1f0401007e1f04b0"),
    ("a PDU size cut short", "01000000065f1f0400007e1f04"),
    ("octets too many", "01000000065f1f0400007e1f04b000"),
    ("a dedicated key longer than what came", "01011000112233"),
    ("a dedicated key of four thousand million octets", "010184ffffffff"),
]


@pytest.mark.parametrize("sent", [row[1] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_malformed_request_is_a_decode_error(sent: str) -> None:
    with pytest.raises(DecodeError):
        initiate.read_initiate_request(bytes.fromhex(sent))


@pytest.mark.parametrize("sent", ["", "01", "0800065f1f040000501f01f4", "0800065f1f040000501f01f4000700"])
def test_a_malformed_response_is_a_decode_error(sent: str) -> None:
    with pytest.raises(DecodeError):
        initiate.read_initiate_response(bytes.fromhex(sent))


@given(
    st.builds(
        InitiateRequest,
        st.integers(0, 0xFFFFFF),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFF),
        st.none() | st.binary(max_size=200),
        st.booleans(),
        st.none() | st.integers(-128, 127),
    )
)
def test_every_request_comes_back(request: InitiateRequest) -> None:
    assert initiate.read_initiate_request(initiate.write_initiate_request(request)) == request


@given(
    st.builds(
        InitiateResponse,
        st.integers(0, 0xFFFFFF),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFF),
        st.none() | st.integers(-128, 127),
    )
)
def test_every_response_comes_back(response: InitiateResponse) -> None:
    assert initiate.read_initiate_response(initiate.write_initiate_response(response)) == response


# Bit numbers of the Green Book: bit 0 is the most significant of the first octet.
BIT_NUMBERS = {
    "general-protection": 1, "general-block-transfer": 2, "read": 3, "write": 4, "unconfirmed-write": 5,
    "attribute-0-with-set": 8, "priority-management": 9, "attribute-0-with-get": 10, "block-transfer-with-get": 11,
    "block-transfer-with-set": 12, "block-transfer-with-action": 13, "multiple-references": 14,
    "information-report": 15, "data-notification": 16, "access": 17, "parameterized-access": 18, "get": 19,
    "set": 20, "selective-access": 21, "event-notification": 22, "action": 23,
}  # fmt: skip


def test_every_bit_has_the_number_of_the_green_book() -> None:
    assert len(BIT_NUMBERS) == len(Conformance)
    for name, number in BIT_NUMBERS.items():
        assert Conformance.parse([name]) == 1 << 23 - number, name


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (0x001010, ["block-transfer-with-get", "get"]),
        (0x00101C, ["block-transfer-with-get", "get", "set", "selective-access"]),
    ],
)
def test_the_blocks_of_the_382m_are_these_names(block: int, names: list[str]) -> None:
    assert Conformance.parse(names) == block


def test_an_unknown_name_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"'gett' is no conformance bit \(allowed: general-protection, "):
        Conformance.parse(["get", "gett"])
