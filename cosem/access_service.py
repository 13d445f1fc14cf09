"""The ACCESS service (Green Book 9.3.9): several accesses of every kind in one request, done in their order.

Request: `D9`, long-invoke-id-and-priority (4 octets), date-time as octet string, the list of specifications, the list
of data, one for each. Response: `DA`, the same invoke-id, date-time, the specifications again where the request was
self-descriptive (else `00`), the list of data, the list of results.

| access | specification | data in the request | data in the response |
|---|---|---|---|
| get 01 | attribute | null-data | the value |
| set 02 | attribute | the value | null-data |
| action 03 | method | its parameter | what it returns, or null-data |
| get-with-selection 04 | attribute, selector, parameters | null-data | the selection |
| set-with-selection 05 | attribute, selector, parameters | the value | null-data |

Every access is really done, with the rights of the association, and has its own result; where it failed its data is
null-data. With *break on error* nothing is done after the first failure: what follows is other-reason, as GBCS meters
answer it. A request that is wrong as a whole is refused before anything is done.

Choices of ours: the response has no date-time (it is optional, and no clock is known here). Data that no longer fits
into the response is null-data with other-reason; when enough was read, or too long (`request_cost.py`), what follows is
other-reason and not done. A method takes its parameter as it stands: one without data is
invoked with null-data, so it fails where the method has another type.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from . import xdlms
from .access import action_failure, invoke_method, read_attribute, write_attribute
from .errors import DataAccessResult, DecodeError
from .initiate import Conformance
from .reader import Reader, encode_length
from .rows import RowBuffer
from .xdlms import AttributeRequest, ServiceFault, StateError, exception_response

if TYPE_CHECKING:
    from .association import Association

ACCESS_REQUEST: Final = 0xD9
ACCESS_RESPONSE: Final = 0xDA

SELF_DESCRIPTIVE: Final = 1 << 28
BREAK_ON_ERROR: Final = 1 << 29

_NULL: Final = b"\x00"
_SPECIFICATION_SIZE: Final = 1 + xdlms.DESCRIPTOR_SIZE
_ROOM_PER_ACCESS: Final = 3
"""Octets an access takes in the response at least: null-data, and kind and code of its result."""


class AccessKind(IntEnum):
    """The choices of Access-Request-Specification."""

    GET = 1
    SET = 2
    ACTION = 3
    GET_SELECTION = 4
    SET_SELECTION = 5

    @property
    def of_result(self) -> AccessKind:
        """The choice of Access-Response-Specification that answers it."""
        return AccessKind(self - 3) if self > AccessKind.ACTION else self


class Specification(NamedTuple):
    """What one access is: its kind, and the attribute (with its selection) or method."""

    kind: AccessKind
    target: AttributeRequest


class AccessRequest(NamedTuple):
    """An Access-Request; `invoke` are all four octets, `date_time` twelve octets or none."""

    invoke: int
    date_time: bytes
    specifications: list[Specification]
    data: list[bytes]

    def __repr__(self) -> str:
        """Silent: the data may be secrets."""
        return "AccessRequest(…)"


class AccessResult(NamedTuple):
    """The result of one access: get, set or action, and its data-access-result or action-result."""

    kind: AccessKind
    code: int


class AccessResponse(NamedTuple):
    """An Access-Response; `specifications` only where the request was self-descriptive."""

    invoke: int
    date_time: bytes
    specifications: list[Specification] | None
    data: list[bytes]
    results: list[AccessResult]


def _read_kind(reader: Reader, most: AccessKind) -> AccessKind:
    position = reader.position
    choice = reader.u8()
    if not 1 <= choice <= most:
        raise DecodeError(f"access {choice} (1 to {int(most)} expected)", position)
    return AccessKind(choice)


def _read_date_time(reader: Reader) -> bytes:
    position = reader.position
    octets = reader.octets(reader.length())
    if len(octets) not in (0, 12):
        raise DecodeError(f"a date-time of {len(octets)} octets (0 or 12 expected)", position)
    return octets


def _read_specifications(reader: Reader) -> list[Specification]:
    specifications = []
    for _ in range(reader.count(_SPECIFICATION_SIZE)):
        kind = _read_kind(reader, AccessKind.SET_SELECTION)
        descriptor = reader.octets(xdlms.DESCRIPTOR_SIZE)
        target = AttributeRequest(descriptor)
        if kind > AccessKind.ACTION:
            target = AttributeRequest(descriptor, reader.u8(), xdlms.read_raw_value(reader))
        specifications.append(Specification(kind, target))
    return specifications


def _write_specifications(specifications: list[Specification]) -> bytes:
    parts = [encode_length(len(specifications))]
    for kind, target in specifications:
        parts.append(bytes((kind,)) + target.descriptor)
        if target.selector is not None:
            parts.append(bytes((target.selector,)) + target.parameters)
    return b"".join(parts)


def _write_head(tag: int, invoke: int, date_time: bytes) -> bytes:
    return bytes((tag,)) + invoke.to_bytes(4, "big") + encode_length(len(date_time)) + date_time


def _write_list(values: list[bytes]) -> bytes:
    return encode_length(len(values)) + b"".join(values)


def read_access_request(octets: bytes) -> AccessRequest:
    """Read an Access-Request; raises `DecodeError`, also where there is not one data for each specification."""
    reader = Reader(octets)
    if (tag := reader.u8()) != ACCESS_REQUEST:
        raise DecodeError(f"Access-Request (0xd9) expected, found 0x{tag:02x}", 0)
    invoke, date_time = reader.unsigned(4), _read_date_time(reader)
    specifications = _read_specifications(reader)
    data = xdlms.read_raw_values(reader)
    reader.end()
    if len(data) != len(specifications):
        raise DecodeError(f"{len(data)} data for {len(specifications)} accesses")
    return AccessRequest(invoke, date_time, specifications, data)


def write_access_request(request: AccessRequest) -> bytes:
    """Write an Access-Request."""
    head = _write_head(ACCESS_REQUEST, request.invoke, request.date_time)
    return head + _write_specifications(request.specifications) + _write_list(request.data)


def read_access_response(octets: bytes) -> AccessResponse:
    """Read an Access-Response; raises `DecodeError`, also on an exception-response."""
    reader = xdlms.read_response_tag(octets, ACCESS_RESPONSE)
    invoke, date_time = reader.unsigned(4), _read_date_time(reader)
    specifications = _read_specifications(reader) if reader.u8() else None
    data = xdlms.read_raw_values(reader)
    results = [AccessResult(_read_kind(reader, AccessKind.ACTION), reader.u8()) for _ in range(reader.count(2))]
    reader.end()
    if len(data) != len(results):
        raise DecodeError(f"{len(data)} data for {len(results)} results")
    return AccessResponse(invoke, date_time, specifications, data, results)


def write_access_response(response: AccessResponse) -> bytes:
    """Write an Access-Response."""
    specifications = response.specifications
    return b"".join((
        _write_head(ACCESS_RESPONSE, response.invoke, response.date_time),
        _NULL if specifications is None else b"\x01" + _write_specifications(specifications),
        _write_list(response.data),
        encode_length(len(response.results)),
        *(bytes(result) for result in response.results),
    ))  # fmt: skip


class AccessService:
    """Serves the Access-Requests of one association."""

    def __init__(self, association: Association) -> None:
        self._association = association

    def handle(self, apdu: bytes) -> bytes:
        """Answer one Access-Request; raises `DecodeError` or `NotNegotiated`, and then did nothing."""
        association = self._association
        association.require(Conformance.ACCESS)
        request = read_access_request(apdu)
        association.get.interrupt()
        repeated = request.specifications if request.invoke & SELF_DESCRIPTIVE else None
        answer = AccessResponse(request.invoke, b"", repeated, [], [])
        count = len(request.specifications)
        # The two lists cost three octets for each access, and their lengths two to six where there are many.
        room = association.room() - len(write_access_response(answer)) - count * _ROOM_PER_ACCESS - 4
        if room < 0 or count > association.cost.limits.accesses:
            return exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
        broken = False
        for specification, data in zip(request.specifications, request.data, strict=True):
            value, code = _NULL, int(DataAccessResult.OTHER_REASON)
            if not broken:
                value, code = self._access(specification, data, apdu)
            if len(value) - len(_NULL) > room:
                value, code = _NULL, DataAccessResult.OTHER_REASON
            room -= len(value) - len(_NULL)
            answer.data.append(value)
            answer.results.append(AccessResult(specification.kind.of_result, code))
            broken = broken or (code != DataAccessResult.SUCCESS and bool(request.invoke & BREAK_ON_ERROR))
        return write_access_response(answer)

    def _access(self, specification: Specification, data: bytes, apdu: bytes) -> tuple[bytes, int]:
        """Do one access; gives the data of the response and the result."""
        association, (kind, target) = self._association, specification
        success = int(DataAccessResult.SUCCESS)
        if kind is AccessKind.ACTION:
            try:
                association.cost.reading()
                returned = invoke_method(association, target.descriptor, data)
            except Exception as error:
                return _NULL, action_failure(association, error, apdu)
            return _NULL if returned is None else returned, success
        try:
            if kind in (AccessKind.SET, AccessKind.SET_SELECTION):
                association.cost.access()
                write_attribute(association, target, data)
                return _NULL, success
            value = read_attribute(association, target)
        except Exception as error:
            return _NULL, association.result_of(error, apdu)
        return value.data if isinstance(value, RowBuffer) else value, success
