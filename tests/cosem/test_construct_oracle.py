"""`construct` as a second opinion: APDUs of fixed layout declared a second time, and compared with our codecs.

The declarations are written from the standards' tables, not from our code; where both agree over all values
that Hypothesis draws, a slip would have to have been made twice.
"""

from __future__ import annotations

from typing import Any

import construct as c
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse, initiate, xdlms
from cosem.data_types import Structure, decode_all
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult
from cosem.interface_classes import CAPTURE_OBJECT, SCALER_UNIT
from cosem.xdlms import AttributeRequest, Block, Descriptor
from obis import Obis

from .values import date_times

OCTET = st.integers(0, 0xFF)
WORD = st.integers(0, 0xFFFF)
NAMES = st.binary(min_size=6, max_size=6)

# --- data -----------------------------------------------------------------------------------------

DATE_TIME = c.Struct(
    "year" / c.Int16ub, "month" / c.Int8ub, "day" / c.Int8ub, "weekday" / c.Int8ub, "hour" / c.Int8ub,
    "minute" / c.Int8ub, "second" / c.Int8ub, "hundredths" / c.Int8ub, "deviation" / c.Int16sb, "status" / c.Int8ub,
    c.Terminated,
)  # fmt: skip


@given(date_times())
def test_date_time(value: DateTime) -> None:
    octets = DATE_TIME.build(value._asdict())
    assert value.to_bytes() == octets
    assert DateTime.from_bytes(octets)._asdict() == {key: DATE_TIME.parse(octets)[key] for key in DateTime._fields}


SCALER = c.Struct(
    c.Const(b"\x02\x02"), c.Const(b"\x0f"), "scaler" / c.Int8sb, c.Const(b"\x16"), "unit" / c.Int8ub, c.Terminated
)


@given(st.integers(-128, 127), OCTET)
def test_scaler_unit(scaler: int, unit: int) -> None:
    octets = SCALER.build({"scaler": scaler, "unit": unit})
    assert SCALER_UNIT.encode((scaler, unit)) == octets
    assert decode_all(SCALER_UNIT, octets) == (scaler, unit)


COLUMN = c.Struct(
    c.Const(b"\x02\x04\x12"), "class_id" / c.Int16ub, c.Const(b"\x09\x06"), "logical_name" / c.Bytes(6),
    c.Const(b"\x0f"), "attribute" / c.Int8sb, c.Const(b"\x12"), "data_index" / c.Int16ub, c.Terminated,
)  # fmt: skip


@given(WORD, NAMES, st.integers(-128, 127), WORD)
def test_capture_object(class_id: int, name: bytes, attribute: int, data_index: int) -> None:
    octets = COLUMN.build(
        {"class_id": class_id, "logical_name": name, "attribute": attribute, "data_index": data_index}
    )
    assert CAPTURE_OBJECT.encode((class_id, name, attribute, data_index)) == octets
    assert decode_all(CAPTURE_OBJECT, octets) == (class_id, name, attribute, data_index)
    assert isinstance(CAPTURE_OBJECT, Structure)


# --- initiate and ACSE ----------------------------------------------------------------------------


def optional(contents: Any) -> Any:
    """The presence flag of A-XDR, and what follows it."""
    return c.FocusedSeq(
        "value",
        "present" / c.Rebuild(c.Byte, lambda this: int(this.value is not None)),
        "value" / c.If(lambda this: this.present, contents),
    )


CONFORMANCE = c.FocusedSeq("bits", c.Const(b"\x5f\x1f\x04\x00"), "bits" / c.Int24ub)

INITIATE_REQUEST = c.Struct(
    c.Const(b"\x01"), "dedicated_key" / optional(c.PascalString(c.Byte, "latin-1")), c.Const(b"\x00"),
    "quality_of_service" / optional(c.Int8sb), "dlms_version" / c.Int8ub, "conformance" / CONFORMANCE,
    "max_receive_pdu" / c.Int16ub, c.Terminated,
)  # fmt: skip

INITIATE_RESPONSE = c.Struct(
    c.Const(b"\x08"), "quality_of_service" / optional(c.Int8sb), "dlms_version" / c.Int8ub,
    "conformance" / CONFORMANCE, "max_receive_pdu" / c.Int16ub, "vaa_name" / c.Int16ub, c.Terminated,
)  # fmt: skip

BITS = st.integers(0, 0xFFFFFF)
QUALITY = st.none() | st.integers(-128, 127)


@given(
    st.builds(initiate.InitiateRequest, BITS, WORD, OCTET, st.none() | st.binary(max_size=64), st.just(True), QUALITY)
)
def test_initiate_request(request: initiate.InitiateRequest) -> None:
    key = request.dedicated_key
    fields = request._asdict() | {"dedicated_key": None if key is None else key.decode("latin-1")}
    octets = INITIATE_REQUEST.build(fields)
    assert initiate.write_initiate_request(request) == octets
    assert initiate.read_initiate_request(octets) == request


@given(st.builds(initiate.InitiateResponse, BITS, WORD, WORD, OCTET, QUALITY))
def test_initiate_response(response: initiate.InitiateResponse) -> None:
    octets = INITIATE_RESPONSE.build(response._asdict())
    assert initiate.write_initiate_response(response) == octets
    assert initiate.read_initiate_response(octets) == response


# The AARE of the 382M: 43 octets, always these fields.
AARE = c.Struct(
    c.Const(bytes.fromhex("6129 a109 0607 60857405080101 a203 0201")), "result" / c.Int8ub,
    c.Const(bytes.fromhex("a305 a103 0201")), "diagnostic" / c.Int8ub, c.Const(bytes.fromhex("be10 040e 08 00")),
    "dlms_version" / c.Int8ub, "conformance" / CONFORMANCE, "max_receive_pdu" / c.Int16ub, "vaa_name" / c.Int16ub,
    c.Terminated,
)  # fmt: skip


@given(st.integers(0, 2), st.integers(0, 14), st.builds(initiate.InitiateResponse, BITS, WORD, WORD, OCTET, st.none()))
def test_aare(result: int, diagnostic: int, granted: initiate.InitiateResponse) -> None:
    octets = AARE.build(granted._asdict() | {"result": result, "diagnostic": diagnostic})
    assert len(octets) == 43
    name = acse.context_name(acse.ApplicationContext.LN)
    answer = acse.Aare(name, result, diagnostic, initiate.write_initiate_response(granted))
    assert acse.write_aare(answer) == octets
    assert acse.read_aare(octets) == answer


# --- services -------------------------------------------------------------------------------------

DESCRIPTOR = c.Struct("class_id" / c.Int16ub, "logical_name" / c.Bytes(6), "member" / c.Int8ub)
GET_NORMAL = c.Struct(
    c.Const(b"\xc0\x01"), "invoke" / c.Int8ub, "attribute" / DESCRIPTOR, c.Const(b"\x00"), c.Terminated
)
GET_NEXT = c.Struct(c.Const(b"\xc0\x02"), "invoke" / c.Int8ub, "number" / c.Int32ub, c.Terminated)
GET_FAILED = c.Struct(c.Const(b"\xc4\x01"), "invoke" / c.Int8ub, c.Const(b"\x01"), "result" / c.Int8ub, c.Terminated)
GET_BLOCK = c.Struct(
    c.Const(b"\xc4\x02"), "invoke" / c.Int8ub, "last" / c.Flag, "number" / c.Int32ub, c.Const(b"\x00\x82"),
    "raw" / c.PascalString(c.Int16ub, "latin-1"), c.Terminated,
)  # fmt: skip
GET_BLOCK_FAILED = c.Struct(
    c.Const(b"\xc4\x02"), "invoke" / c.Int8ub, c.Const(b"\x01"), "number" / c.Int32ub, c.Const(b"\x01"),
    "result" / c.Int8ub, c.Terminated,
)  # fmt: skip

DESCRIPTORS = st.builds(Descriptor, WORD, NAMES.map(Obis), OCTET)
NUMBERS = st.integers(0, 0xFFFFFFFF)
FAILURES = st.sampled_from([result for result in DataAccessResult if result])


@given(OCTET, DESCRIPTORS)
def test_get_request_normal(invoke: int, descriptor: Descriptor) -> None:
    octets = GET_NORMAL.build({"invoke": invoke, "attribute": descriptor._asdict()})
    assert xdlms.write_get(invoke, AttributeRequest(descriptor.to_bytes())) == octets
    assert Descriptor.from_bytes(octets[3:12]) == descriptor


@given(OCTET, NUMBERS)
def test_get_request_next(invoke: int, number: int) -> None:
    assert xdlms.write_get_next(invoke, number) == GET_NEXT.build({"invoke": invoke, "number": number})


@given(OCTET, FAILURES)
def test_get_response_normal(invoke: int, result: DataAccessResult) -> None:
    octets = GET_FAILED.build({"invoke": invoke, "result": result})
    assert xdlms.get_response(invoke, result) == octets
    assert xdlms.read_get_response(octets) == xdlms.GetReply(None, result)


@given(OCTET, st.booleans(), NUMBERS, st.binary(max_size=300))
def test_get_response_with_datablock(invoke: int, last: bool, number: int, raw: bytes) -> None:
    octets = GET_BLOCK.build({"invoke": invoke, "last": last, "number": number, "raw": raw.decode("latin-1")})
    assert xdlms.get_block(invoke, Block(last, number, raw)) == octets
    assert xdlms.read_get_response(octets) == xdlms.GetReply(raw, DataAccessResult.SUCCESS, number, last)


@given(OCTET, NUMBERS, FAILURES)
def test_get_response_with_datablock_that_failed(invoke: int, number: int, result: DataAccessResult) -> None:
    octets = GET_BLOCK_FAILED.build({"invoke": invoke, "number": number, "result": result})
    assert xdlms.get_block_failed(invoke, number, result) == octets
    assert xdlms.read_get_response(octets) == xdlms.GetReply(None, result, number, True)
