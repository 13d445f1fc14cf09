"""xDLMS InitiateRequest and InitiateResponse (Green Book 9.4.2, 9.5), and the conformance block.

Constants in hex, the values, `read`, `write`: the same anatomy as every codec here. They travel in the
user-information of AARQ and AARE; a refused initiate is a confirmed-service-error `0E 01 06 xx`.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from .errors import DecodeError
from .reader import Reader, encode_length

INITIATE_REQUEST: Final = 0x01
INITIATE_RESPONSE: Final = 0x08
CONFIRMED_SERVICE_ERROR: Final = 0x0E
DLMS_VERSION: Final = 6
VAA_NAME_LN: Final = 0x0007
VAA_NAME_SN: Final = 0xFA00
"""The base name of the current Association SN."""
SMALLEST_PDU: Final = 12


class Conformance(IntFlag):
    """The 24 bits of the conformance block; bit 0 is the most significant of the first octet."""

    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    ATTRIBUTE_0_WITH_SET = 1 << 15
    PRIORITY_MANAGEMENT = 1 << 14
    ATTRIBUTE_0_WITH_GET = 1 << 13
    BLOCK_TRANSFER_WITH_GET = 1 << 12
    BLOCK_TRANSFER_WITH_SET = 1 << 11
    BLOCK_TRANSFER_WITH_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1 << 0

    @classmethod
    def parse(cls, names: list[str]) -> Conformance:
        """The block of these names (`get`, `block-transfer-with-get` …); raises `ValueError` on an unknown one."""
        block = cls(0)
        for name in names:
            member = name.upper().replace("-", "_")
            if member not in cls.__members__:
                allowed = ", ".join(text.lower().replace("_", "-") for text in cls.__members__)
                raise ValueError(f"{name!r} is no conformance bit (allowed: {allowed})")
            block |= cls[member]
        return block


NO_SERVICES: Final = Conformance(0)
"""An empty conformance block."""

SN_ONLY: Final = (
    Conformance.READ
    | Conformance.WRITE
    | Conformance.UNCONFIRMED_WRITE
    | Conformance.INFORMATION_REPORT
    | Conformance.PARAMETERIZED_ACCESS
)
"""Services that exist with short names only, never negotiated in an LN association."""

LN_ONLY: Final = (
    Conformance.ATTRIBUTE_0_WITH_SET
    | Conformance.PRIORITY_MANAGEMENT
    | Conformance.ATTRIBUTE_0_WITH_GET
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.ACCESS
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.EVENT_NOTIFICATION
    | Conformance.ACTION
)
"""Services that exist with long names only."""

EVENTS: Final = Conformance.EVENT_NOTIFICATION | Conformance.INFORMATION_REPORT
"""Services by which a server tells its client something unasked; an association has one of them at most."""

FOREIGN_AND_LEAST: Final = {
    True: (SN_ONLY, Conformance.GET | Conformance.SET | Conformance.ACTION | Conformance.ACCESS),
    False: (LN_ONLY, Conformance.READ | Conformance.WRITE | Conformance.UNCONFIRMED_WRITE),
}
"""What an association with long names (True) or short names never grants, and of what it must grant one at least."""


class InitiateError(IntEnum):
    """Why an initiate is refused: the last octet of `0E 01 06 xx`."""

    OTHER = 0
    DLMS_VERSION_TOO_LOW = 1
    INCOMPATIBLE_CONFORMANCE = 2
    PDU_SIZE_TOO_SHORT = 3
    REFUSED_BY_VDE_HANDLER = 4


class InitiateRequest(NamedTuple):
    """What the client proposes. A `max_receive_pdu` of 0 means no limit."""

    conformance: int
    max_receive_pdu: int
    dlms_version: int = DLMS_VERSION
    dedicated_key: bytes | None = None
    response_allowed: bool = True
    quality_of_service: int | None = None

    def __repr__(self) -> str:
        """Silent: the dedicated key."""
        return "InitiateRequest(…)"


class InitiateResponse(NamedTuple):
    """What the server grants."""

    conformance: int
    max_receive_pdu: int
    vaa_name: int = VAA_NAME_LN
    dlms_version: int = DLMS_VERSION
    quality_of_service: int | None = None


def _read_conformance(reader: Reader) -> int:
    # [APPLICATION 31] tag in both spellings: 5F 1F as BER wants, 5F alone as older stacks write.
    position = reader.position
    if reader.u8() != 0x5F:
        raise DecodeError("conformance block expected", position)
    if reader.peek() == 0x1F:
        reader.u8()
    if reader.octets(2) != b"\x04\x00":
        raise DecodeError("conformance block of 24 bits expected", position)
    return reader.unsigned(3)


def _write_conformance(conformance: int) -> bytes:
    return b"\x5f\x1f\x04\x00" + int(conformance).to_bytes(3, "big")


def read_initiate_request(octets: bytes) -> InitiateRequest:
    """Read an InitiateRequest; raises `DecodeError`."""
    reader = Reader(octets)
    if reader.u8() != INITIATE_REQUEST:
        raise DecodeError("InitiateRequest (tag 0x01) expected", 0)
    dedicated_key = reader.octets(reader.length()) if reader.u8() else None
    response_allowed = bool(reader.u8()) if reader.u8() else True
    quality_of_service = reader.signed(1) if reader.u8() else None
    version = reader.u8()
    conformance = _read_conformance(reader)
    max_receive_pdu = reader.unsigned(2)
    reader.end()
    return InitiateRequest(conformance, max_receive_pdu, version, dedicated_key, response_allowed, quality_of_service)


def write_initiate_request(request: InitiateRequest) -> bytes:
    """Write an InitiateRequest."""
    key, quality = request.dedicated_key, request.quality_of_service
    return b"".join((
        b"\x01",
        b"\x00" if key is None else b"\x01" + encode_length(len(key)) + key,
        b"\x00" if request.response_allowed else b"\x01\x00",
        b"\x00" if quality is None else b"\x01" + quality.to_bytes(1, "big", signed=True),
        bytes((request.dlms_version,)),
        _write_conformance(request.conformance),
        request.max_receive_pdu.to_bytes(2, "big"),
    ))  # fmt: skip


def read_initiate_response(octets: bytes) -> InitiateResponse:
    """Read an InitiateResponse; raises `DecodeError`, with the reason where it is an initiate error."""
    reader = Reader(octets)
    tag = reader.u8()
    if tag == CONFIRMED_SERVICE_ERROR:
        raise DecodeError(f"the server refused the initiate: confirmed-service-error {octets.hex(' ')}")
    if tag != INITIATE_RESPONSE:
        raise DecodeError("InitiateResponse (tag 0x08) expected", 0)
    quality_of_service = reader.signed(1) if reader.u8() else None
    version = reader.u8()
    conformance = _read_conformance(reader)
    max_receive_pdu = reader.unsigned(2)
    vaa_name = reader.unsigned(2)
    reader.end()
    return InitiateResponse(conformance, max_receive_pdu, vaa_name, version, quality_of_service)


def write_initiate_response(response: InitiateResponse) -> bytes:
    """Write an InitiateResponse."""
    quality = response.quality_of_service
    return b"".join((
        b"\x08",
        b"\x00" if quality is None else b"\x01" + quality.to_bytes(1, "big", signed=True),
        bytes((response.dlms_version,)),
        _write_conformance(response.conformance),
        response.max_receive_pdu.to_bytes(2, "big"),
        response.vaa_name.to_bytes(2, "big"),
    ))  # fmt: skip


def write_initiate_error(error: InitiateError) -> bytes:
    """The confirmed-service-error that refuses an initiate."""
    return bytes((CONFIRMED_SERVICE_ERROR, 0x01, 0x06, error))
