"""The client side of an association, sans-I/O.

Every exchange is a generator: it yields a request APDU, is sent the response, and returns the result.
Whoever drives it brings the link::

    exchange = client.get(descriptor)
    request = next(exchange)
    while True:
        response = link.ask(request)
        try:
            request = exchange.send(response)
        except StopIteration as done:
            return done.value
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from obis import Obis

from . import acse, initiate, xdlms
from .data_types import ANY, DATE_TIME_STRING, INTEGER, LONG_UNSIGNED, DataType, decode_all
from .date_time import DateTime
from .errors import ActionResult, DataAccessResult, DecodeError
from .initiate import Conformance
from .reader import Reader, encode_length
from .xdlms import AttributeRequest, Descriptor

Exchange = Generator[bytes, bytes, Any]

INVOKE: Final = 0xC1
"""Invoke id 1, confirmed, high priority."""

FULL_LN_CONFORMANCE: Final = (
    Conformance.PRIORITY_MANAGEMENT
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.BLOCK_TRANSFER_WITH_SET
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.ACTION
)


class AssociationRefused(Exception):
    """The server rejected the association; the text names result and diagnostic."""


class AccessFailed(Exception):
    """A GET or SET came back with a result other than success."""

    def __init__(self, what: str, result: DataAccessResult | ActionResult) -> None:
        super().__init__(f"{what}: {result.name.lower().replace('_', '-')} ({int(result)})")
        self.result = result


class Client:
    """Builds requests and reads responses of one association with logical names."""

    def __init__(
        self, password: bytes | None = None, max_pdu: int = 0xFFFF, conformance: Conformance = FULL_LN_CONFORMANCE
    ) -> None:
        self.password = password
        self.max_pdu = max_pdu
        self.conformance = conformance
        self.negotiated: initiate.InitiateResponse | None = None

    def associate(self) -> Exchange:
        """AARQ and AARE; returns the InitiateResponse, raises `AssociationRefused`."""
        proposal = initiate.write_initiate_request(initiate.InitiateRequest(self.conformance, self.max_pdu))
        response = yield acse.write_aarq(acse.ApplicationContext.LN, proposal, self.password)
        answer = acse.read_aare(response)
        if answer.result != acse.AssociationResult.ACCEPTED:
            raise AssociationRefused(_refusal(answer))
        if answer.user_information is None:
            raise AssociationRefused("accepted, but without an InitiateResponse")
        self.negotiated = initiate.read_initiate_response(answer.user_information)
        return self.negotiated

    def release(self) -> Exchange:
        """RLRQ and RLRE."""
        response = yield acse.write_release(acse.RLRQ, acse.Release())
        return acse.read_release(response, acse.RLRE).reason

    def get(self, descriptor: Descriptor, selector: int | None = None, parameters: bytes = b"") -> Exchange:
        """Read one attribute, in blocks where the server wants; returns its octets, raises `AccessFailed`."""
        request = AttributeRequest(descriptor.to_bytes(), selector, parameters)
        reply = xdlms.read_get_response((yield xdlms.write_get(INVOKE, request)))
        parts = []
        while True:
            if reply.data is None:
                raise AccessFailed(f"GET {descriptor}", reply.result)
            parts.append(reply.data)
            if reply.last or reply.block is None:
                return b"".join(parts)
            reply = xdlms.read_get_response((yield xdlms.write_get_next(INVOKE, reply.block)))

    def get_value(self, descriptor: Descriptor, type_: DataType = ANY) -> Exchange:
        """Read one attribute and decode it; by default whatever type comes."""
        octets = yield from self.get(descriptor)
        return decode_all(type_, octets)

    def get_list(self, descriptors: list[Descriptor]) -> Exchange:
        """Read several attributes in one request; returns a list of octets, or a result where one failed."""
        items = b"".join(xdlms.write_attribute_request(AttributeRequest(item.to_bytes())) for item in descriptors)
        head = bytes((xdlms.GET_REQUEST, xdlms.GET_WITH_LIST, INVOKE))
        response = yield head + encode_length(len(descriptors)) + items
        if response[:2] == bytes((xdlms.GET_RESPONSE, xdlms.GET_WITH_LIST)):
            reader = Reader(response, 3)
        else:
            reply = xdlms.read_get_response(response)
            parts = []
            while True:
                if reply.data is None or reply.block is None:
                    raise AccessFailed("GET with list", reply.result)
                parts.append(reply.data)
                if reply.last:
                    break
                reply = xdlms.read_get_response((yield xdlms.write_get_next(INVOKE, reply.block)))
            reader = Reader(b"".join(parts))
        results: list[bytes | DataAccessResult] = []
        for _ in range(reader.count()):
            if reader.u8():
                results.append(xdlms.read_result(reader))
            else:
                results.append(xdlms.read_raw_value(reader))
        reader.end()
        return results

    def set(self, descriptor: Descriptor, value: bytes) -> Exchange:
        """Write one attribute with an encoded value; raises `AccessFailed`."""
        response = yield xdlms.write_set(INVOKE, AttributeRequest(descriptor.to_bytes()), value)
        result = xdlms.read_set_response(response)
        if result is not DataAccessResult.SUCCESS:
            raise AccessFailed(f"SET {descriptor}", result)

    def action(self, descriptor: Descriptor, parameter: bytes | None = INTEGER.encode(0)) -> Exchange:
        """Invoke one method; returns the encoded return value, if any; raises `AccessFailed`."""
        reply = xdlms.read_action_response((yield xdlms.write_action(INVOKE, descriptor.to_bytes(), parameter)))
        parts = [reply.raw]
        while not reply.last and reply.block is not None:
            reply = xdlms.read_action_response((yield xdlms.write_action_next(INVOKE, reply.block)))
            parts.append(reply.raw)
        result, data = xdlms.read_action_result(b"".join(parts))
        if result is not ActionResult.SUCCESS:
            raise AccessFailed(f"ACTION {descriptor}", result)
        return data


def range_parameters(clock: Obis, begin: DateTime, end: DateTime) -> bytes:
    """Parameters of access selector 1: rows from `begin` to `end` by the clock column, all columns."""
    head = b"\x02\x04\x02\x04" + LONG_UNSIGNED.encode(8) + b"\x09\x06" + clock + INTEGER.encode(2)
    return head + LONG_UNSIGNED.encode(0) + DATE_TIME_STRING.encode(begin) + DATE_TIME_STRING.encode(end) + b"\x01\x00"


def _refusal(answer: acse.Aare) -> str:
    provider = acse.ProviderDiagnostic.__members__.values()
    user = acse.UserDiagnostic.__members__.values()
    known = {int(item): item.name for item in (provider if answer.from_provider else user)}
    reason = known.get(answer.diagnostic, str(answer.diagnostic)).lower().replace("_", "-")
    text = f"association rejected: {reason}"
    information = answer.user_information
    if information is not None and len(information) == 4 and information[0] == initiate.CONFIRMED_SERVICE_ERROR:
        try:
            error = initiate.InitiateError(information[3]).name.lower().replace("_", "-")
        except ValueError:
            raise DecodeError(f"initiate error {information[3]} unknown") from None
        text += f" ({error})"
    return text
