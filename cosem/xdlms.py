"""xDLMS service APDUs with logical names (Green Book 9.5): GET, SET, ACTION, exception-response.

Each request is a NamedTuple with `read_…` for the server and `write_…` for the client; responses are the
other way round. Attribute values stay octets here: their types are declared by the objects.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from obis import Obis

from .data_types import ANY
from .errors import ActionResult, DataAccessResult, DecodeError
from .reader import Reader, encode_length

GET_REQUEST: Final = 0xC0
SET_REQUEST: Final = 0xC1
ACTION_REQUEST: Final = 0xC3
GET_RESPONSE: Final = 0xC4
SET_RESPONSE: Final = 0xC5
ACTION_RESPONSE: Final = 0xC7
EXCEPTION_RESPONSE: Final = 0xD8

# Choices of the requests and responses.
NORMAL: Final = 0x01
GET_NEXT: Final = 0x02
GET_WITH_LIST: Final = 0x03
GET_WITH_DATABLOCK: Final = 0x02
SET_FIRST_BLOCK: Final = 0x02
SET_BLOCK: Final = 0x03
SET_WITH_LIST: Final = 0x04
SET_LIST_FIRST_BLOCK: Final = 0x05
SET_BLOCK_ACK: Final = 0x02
SET_LAST_BLOCK_ACK: Final = 0x03
SET_LAST_BLOCK_LIST_ACK: Final = 0x04
SET_LIST_RESPONSE: Final = 0x05
ACTION_NEXT_BLOCK: Final = 0x02
ACTION_WITH_LIST: Final = 0x03
ACTION_FIRST_BLOCK: Final = 0x04
ACTION_LIST_FIRST_BLOCK: Final = 0x05
ACTION_BLOCK: Final = 0x06
ACTION_LIST_RESPONSE: Final = 0x03
ACTION_WITH_BLOCK: Final = 0x02
ACTION_BLOCK_ACK: Final = 0x04

DESCRIPTOR_SIZE: Final = 9
"""Octets of a descriptor: class id, logical name, attribute or method index."""


class StateError(IntEnum):
    """First octet of an exception-response."""

    SERVICE_NOT_ALLOWED = 1
    SERVICE_UNKNOWN = 2


class ServiceFault(IntEnum):
    """Second octet of an exception-response."""

    OPERATION_NOT_POSSIBLE = 1
    SERVICE_NOT_SUPPORTED = 2
    OTHER_REASON = 3
    PDU_TOO_LONG = 4
    DECIPHERING_ERROR = 5
    INVOCATION_COUNTER_ERROR = 6


def exception_response(state: StateError, fault: ServiceFault) -> bytes:
    """`D8 state fault`."""
    return bytes((EXCEPTION_RESPONSE, state, fault))


class Descriptor(NamedTuple):
    """Names one attribute or method: `member` is its index in the class."""

    class_id: int
    logical_name: Obis
    member: int

    def to_bytes(self) -> bytes:
        """The nine octets on the wire."""
        return self.class_id.to_bytes(2, "big") + self.logical_name + (self.member & 0xFF).to_bytes(1, "big")

    @classmethod
    def from_bytes(cls, octets: bytes) -> Descriptor:
        """Read nine octets."""
        return cls(int.from_bytes(octets[:2], "big"), Obis(octets[2:8]), octets[8])

    def __str__(self) -> str:
        return f"class {self.class_id} {self.logical_name} member {self.member}"


class AttributeRequest(NamedTuple):
    """One attribute to read or write: the raw descriptor and, with selective access, selector and parameters."""

    descriptor: bytes
    selector: int | None = None
    parameters: bytes = b""


class Block(NamedTuple):
    """One block of a long SET or ACTION."""

    last: bool
    number: int
    raw: bytes

    def __repr__(self) -> str:
        """Silent: the raw octets may be of a secret."""
        return f"Block(last={self.last}, number={self.number}, …)"


def read_attribute_request(reader: Reader) -> AttributeRequest:
    """An attribute descriptor with its optional access selection."""
    descriptor = reader.octets(DESCRIPTOR_SIZE)
    if reader.u8() == 0:
        return AttributeRequest(descriptor)
    selector = reader.u8()
    return AttributeRequest(descriptor, selector, read_raw_value(reader))


def read_raw_value(reader: Reader) -> bytes:
    """One value of any type, as its octets."""
    start = reader.position
    ANY.decode(reader)
    return reader.data[start : reader.position]


def read_raw_values(reader: Reader) -> list[bytes]:
    """A list of values of any type, each as its octets."""
    return [read_raw_value(reader) for _ in range(reader.count())]


def read_block(reader: Reader) -> Block:
    """A data block: last-block flag, number, raw octets."""
    last = reader.u8() != 0
    number = reader.unsigned(4)
    return Block(last, number, reader.octets(reader.length()))


def write_block(block: Block) -> bytes:
    """The octets of a data block."""
    return (
        (b"\x01" if block.last else b"\x00")
        + block.number.to_bytes(4, "big")
        + encode_length(len(block.raw))
        + block.raw
    )


BLOCK_OVERHEAD: Final = 12
"""Octets around the raw data of a Get-Response-With-Datablock: head, number, choice, length in long form."""


def get_response(invoke: int, result: DataAccessResult) -> bytes:
    """Get-Response-Normal with a data-access-result."""
    return bytes((GET_RESPONSE, NORMAL, invoke, 0x01, result))


def get_block_failed(invoke: int, number: int, result: DataAccessResult) -> bytes:
    """Get-Response-With-Datablock that ends a transfer with a data-access-result."""
    return bytes((GET_RESPONSE, GET_WITH_DATABLOCK, invoke, 0x01)) + number.to_bytes(4, "big") + bytes((0x01, result))


def get_block(invoke: int, block: Block) -> bytes:
    """Get-Response-With-Datablock with raw data.

    The 382M always writes the length in its long form of two octets, also below 128 (382M DLMS description 4).
    """
    head = bytes((GET_RESPONSE, GET_WITH_DATABLOCK, invoke, block.last)) + block.number.to_bytes(4, "big")
    return head + b"\x00\x82" + len(block.raw).to_bytes(2, "big") + block.raw


def action_result(result: ActionResult, data: bytes | None) -> bytes:
    """Action-Response-With-Optional-Data: the result, and the encoded return value where there is one."""
    return bytes((result, 0x00)) if data is None else bytes((result, 0x01, 0x00)) + data


def action_block(invoke: int, block: Block) -> bytes:
    """Action-Response-With-Pblock."""
    return bytes((ACTION_RESPONSE, ACTION_WITH_BLOCK, invoke)) + write_block(block)


# --- the client's side ----------------------------------------------------------------------------


def write_attribute_request(request: AttributeRequest) -> bytes:
    """An attribute descriptor with its optional access selection."""
    if request.selector is None:
        return request.descriptor + b"\x00"
    return request.descriptor + bytes((0x01, request.selector)) + request.parameters


def write_get(invoke: int, request: AttributeRequest) -> bytes:
    """Get-Request-Normal."""
    return bytes((GET_REQUEST, NORMAL, invoke)) + write_attribute_request(request)


def write_get_next(invoke: int, number: int) -> bytes:
    """Get-Request-Next, acknowledging block `number`."""
    return bytes((GET_REQUEST, GET_NEXT, invoke)) + number.to_bytes(4, "big")


def write_set(invoke: int, request: AttributeRequest, value: bytes) -> bytes:
    """Set-Request-Normal with an encoded value."""
    return bytes((SET_REQUEST, NORMAL, invoke)) + write_attribute_request(request) + value


def write_action(invoke: int, descriptor: bytes, parameter: bytes | None) -> bytes:
    """Action-Request-Normal with an encoded parameter, or none."""
    head = bytes((ACTION_REQUEST, NORMAL, invoke)) + descriptor
    return head + (b"\x00" if parameter is None else b"\x01" + parameter)


class GetReply(NamedTuple):
    """A Get-Response: a value, a block of one, or a result that is not success."""

    data: bytes | None
    result: DataAccessResult
    block: int | None = None
    last: bool = True


def read_get_response(octets: bytes) -> GetReply:
    """Read a Get-Response-Normal or -With-Datablock; raises `DecodeError`, also on an exception-response."""
    reader = read_response_tag(octets, GET_RESPONSE)
    choice = reader.u8()
    reader.u8()
    if choice == NORMAL:
        if reader.u8() == 0:
            return GetReply(reader.rest(), DataAccessResult.SUCCESS)
        return GetReply(None, read_last_result(reader))
    if choice != GET_WITH_DATABLOCK:
        raise DecodeError(f"Get-Response choice {choice} (1 or 2 expected)", 1)
    last = reader.u8() != 0
    number = reader.unsigned(4)
    if reader.u8() == 0:
        data = reader.octets(reader.length())
        reader.end()
        return GetReply(data, DataAccessResult.SUCCESS, number, last)
    return GetReply(None, read_last_result(reader), number, True)


def read_set_response(octets: bytes) -> DataAccessResult:
    """Read a Set-Response-Normal; raises `DecodeError`, also on an exception-response."""
    reader = read_response_tag(octets, SET_RESPONSE)
    if reader.u8() != NORMAL:
        raise DecodeError("Set-Response-Normal expected", 1)
    reader.u8()
    return read_last_result(reader)


def read_result(reader: Reader) -> DataAccessResult:
    """A data-access-result; raises `DecodeError` where it is none that the standard knows."""
    position = reader.position
    code = reader.u8()
    try:
        return DataAccessResult(code)
    except ValueError:
        raise DecodeError(f"{code} is no data-access-result", position) from None


def read_last_result(reader: Reader) -> DataAccessResult:
    """A data-access-result, after which nothing may follow."""
    result = read_result(reader)
    reader.end()
    return result


class ActionReply(NamedTuple):
    """An Action-Response-Normal, or a block of its contents."""

    raw: bytes
    block: int | None = None
    last: bool = True


def read_action_response(octets: bytes) -> ActionReply:
    """Read an Action-Response-Normal or -With-Pblock; raises `DecodeError`, also on an exception-response."""
    reader = read_response_tag(octets, ACTION_RESPONSE)
    choice = reader.u8()
    reader.u8()
    if choice == NORMAL:
        return ActionReply(reader.rest())
    if choice != ACTION_WITH_BLOCK:
        raise DecodeError(f"Action-Response choice {choice} (1 or 2 expected)", 1)
    block = read_block(reader)
    reader.end()
    return ActionReply(block.raw, block.number, block.last)


def read_action_result(octets: bytes) -> tuple[ActionResult, bytes | None]:
    """Read what `action_result` wrote; raises `DecodeError`."""
    reader = Reader(octets)
    code = reader.u8()
    try:
        result = ActionResult(code)
    except ValueError:
        raise DecodeError(f"{code} is no action-result", 0) from None
    if not reader.remaining or reader.u8() == 0 or reader.u8() != 0:
        return result, None
    return result, reader.rest()


def write_action_next(invoke: int, number: int) -> bytes:
    """Action-Request-Next-Pblock, acknowledging block `number`."""
    return bytes((ACTION_REQUEST, ACTION_NEXT_BLOCK, invoke)) + number.to_bytes(4, "big")


def read_response_tag(octets: bytes, tag: int) -> Reader:
    """A reader behind the tag of a response; raises `DecodeError` on another, also on an exception-response."""
    reader = Reader(octets)
    found = reader.u8()
    if found == EXCEPTION_RESPONSE:
        raise DecodeError(f"the server answered an exception-response {octets.hex(' ')}")
    if found != tag:
        raise DecodeError(f"response 0x{tag:02x} expected, found 0x{found:02x}", 0)
    return reader
