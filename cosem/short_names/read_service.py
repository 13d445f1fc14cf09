"""The READ service: variables, parameterised access, lists, blocks both ways (Green Book 9.3.14).

| access | gives |
|---|---|
| variable-name of an attribute | its value |
| parameterised access to an attribute | the selection from it |
| parameterised access to a method | what it returns, null-data where it returns nothing; the selector does not matter |
| block-number-access, alone | the next block of a long response |
| read-data-block-access, alone | a block of a long request is taken; after the last, the request is answered |

A request that does not decode, or asks for nothing, is answered with one data-access-error, as conformance tests want
it; the association lives on. What the blocks of a response hold together is the list of results with its count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import xdlms
from ..access import invoke_method, read_attribute
from ..errors import DataAccessResult, DecodeError, ScopeOfAccessViolated, TypeUnmatched
from ..initiate import Conformance
from ..long_transfer import LongRead, LongWrite
from ..reader import Reader
from ..rows import RowBuffer
from ..xdlms import AttributeRequest, ServiceFault
from . import apdus
from .apdus import Access, BlockNumber, DataBlock, Parameterized, ReadResult, Received, Variable
from .refusals import refusal

if TYPE_CHECKING:
    from ..association import Association


class ReadService:
    """Serves the ReadRequests of one association and keeps its long transfers: one each way at most."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._request: LongWrite | None = None
        self._response: LongRead | None = None
        self._interrupted = False

    def handle(self, apdu: bytes) -> bytes | None:
        """Answer one ReadRequest; raises `NotNegotiated`."""
        self._association.require(Conformance.READ)
        try:
            reader = Reader(apdu, 1)
            accesses = apdus.read_accesses(reader)
            reader.end()
        except DecodeError:
            return _failed(DataAccessResult.OTHER_REASON)
        if len(accesses) == 1:
            if isinstance(accesses[0], BlockNumber):
                return self._next(accesses[0].number)
            if isinstance(accesses[0], DataBlock):
                return self._block(accesses[0], apdu)
        self._request = None
        return self._read_all(accesses, apdu)

    def _read_all(self, accesses: list[Access], apdu: bytes) -> bytes | None:
        if len(accesses) > 1:
            self._association.require(Conformance.MULTIPLE_REFERENCES)
        if self._response is not None:
            self._response, self._interrupted = None, True
        if not accesses:
            return _failed(DataAccessResult.OTHER_REASON)
        results = [self._result(access, apdu) for access in accesses]
        octets = apdus.write_read_results(results)
        if len(octets) < self._association.room(Conformance.BLOCK_TRANSFER_WITH_GET):
            return bytes((apdus.READ_RESPONSE,)) + octets
        room = self._association.capacity - apdus.BLOCK_OVERHEAD
        if room <= 0 or not self._association.allows(Conformance.BLOCK_TRANSFER_WITH_GET):
            return refusal(apdus.READ_REQUEST, ServiceFault.PDU_TOO_LONG)
        self._interrupted = False
        self._response = self._association.long_read(octets, apdus.BLOCK_OVERHEAD)
        return self._send_block(self._response)

    def _result(self, access: Access, apdu: bytes) -> ReadResult:
        try:
            return self._read(access)
        except Exception as error:
            return self._association.result_of(error, apdu)

    def _read(self, access: Access) -> bytes:
        association = self._association
        if not isinstance(access, Variable | Parameterized):
            raise DecodeError(f"{type(access).__name__} among other accesses")
        descriptor, is_method = association.short_names.find(access.name)
        request = AttributeRequest(descriptor)
        if isinstance(access, Parameterized):
            if not association.allows(Conformance.PARAMETERIZED_ACCESS):
                raise ScopeOfAccessViolated
            if is_method:
                association.cost.reading()
                returned = invoke_method(association, descriptor, access.parameter)
                return b"\x00" if returned is None else returned
            request = AttributeRequest(descriptor, access.selector, access.parameter)
        elif is_method:
            raise TypeUnmatched("a method has a parameter")
        value = read_attribute(association, request)
        return value.data if isinstance(value, RowBuffer) else value

    def _next(self, number: int) -> bytes:
        self._association.require(Conformance.BLOCK_TRANSFER_WITH_GET)
        response = self._response
        if response is None:
            aborted, self._interrupted = self._interrupted, False
            return _failed(DataAccessResult.LONG_GET_ABORTED if aborted else DataAccessResult.NO_LONG_GET_IN_PROGRESS)
        if number != response.number:
            self._response = None
            return _failed(DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
        return self._send_block(response)

    def _send_block(self, response: LongRead) -> bytes:
        if response.number == apdus.LAST_NUMBER:
            self._response = None
            return _failed(DataAccessResult.DATA_BLOCK_UNAVAILABLE)
        block = response.next_block()
        if block.last:
            self._response = None
        return _response(DataBlock(block.last, block.number, block.raw))

    def _block(self, block: DataBlock, apdu: bytes) -> bytes | None:
        self._association.require(Conformance.BLOCK_TRANSFER_WITH_GET)
        if block.number == 1:
            self._request = self._association.long_write()
        request, self._request = self._request, None
        if request is None:
            return _failed(DataAccessResult.NO_LONG_GET_IN_PROGRESS)
        taken = request.add(xdlms.Block(block.last, block.number, block.raw))
        if taken is not DataAccessResult.SUCCESS:
            too_long = taken is DataAccessResult.LONG_SET_ABORTED
            return _failed(DataAccessResult.LONG_GET_ABORTED if too_long else taken)
        if not block.last:
            self._request = request
            return _response(Received(block.number))
        try:
            reader = Reader(request.value)
            accesses = apdus.read_accesses(reader)
            reader.end()
        except DecodeError:
            return _failed(DataAccessResult.OTHER_REASON)
        return self._read_all(accesses, apdu)


def _response(result: ReadResult) -> bytes:
    return bytes((apdus.READ_RESPONSE,)) + apdus.write_read_results([result])


_failed = _response
