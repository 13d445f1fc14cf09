"""The SET service: normal, with-list, and both in blocks (Green Book 9.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import xdlms
from .access import write_attribute
from .errors import DataAccessResult, DecodeError
from .initiate import Conformance
from .long_transfer import LongWrite
from .reader import Reader, encode_length

if TYPE_CHECKING:
    from .association import Association


class SetService:
    """Serves the Set-Requests of one association and keeps its long transfer, of which there is one at most."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._transfer: LongWrite | None = None
        self._requests: list[xdlms.AttributeRequest] = []
        self._as_list = False

    def handle(self, apdu: bytes) -> bytes:
        """Answer one Set-Request; raises `DecodeError` or `NotNegotiated`."""
        reader = Reader(apdu, 1)
        choice, invoke = reader.u8(), reader.u8()
        self._association.require(Conformance.SET)
        self._association.get.interrupt()
        if choice == xdlms.SET_BLOCK:
            return self._block(reader, invoke, apdu)
        self._transfer = None
        if choice in (xdlms.SET_WITH_LIST, xdlms.SET_LIST_FIRST_BLOCK):
            self._association.require(Conformance.MULTIPLE_REFERENCES)
            requests = [xdlms.read_attribute_request(reader) for _ in range(reader.count(xdlms.DESCRIPTOR_SIZE + 1))]
        elif choice in (xdlms.NORMAL, xdlms.SET_FIRST_BLOCK):
            requests = [xdlms.read_attribute_request(reader)]
        else:
            raise DecodeError(f"Set-Request choice {choice} (1 to 5 expected)", 1)
        if choice in (xdlms.SET_FIRST_BLOCK, xdlms.SET_LIST_FIRST_BLOCK):
            self._association.require(Conformance.BLOCK_TRANSFER_WITH_SET)
            self._transfer = self._association.long_write()
            self._requests = requests
            self._as_list = choice == xdlms.SET_LIST_FIRST_BLOCK
            return self._block(reader, invoke, apdu)
        if choice == xdlms.NORMAL:
            result = self._write(requests[0], reader.rest(), apdu)
            return bytes((xdlms.SET_RESPONSE, xdlms.NORMAL, invoke, result))
        results = self._write_list(requests, reader, apdu)
        return bytes((xdlms.SET_RESPONSE, xdlms.SET_LIST_RESPONSE, invoke)) + results

    def _write(self, request: xdlms.AttributeRequest, value: bytes, apdu: bytes) -> DataAccessResult:
        try:
            self._association.cost.access()
            write_attribute(self._association, request, value)
        except Exception as error:
            return self._association.result_of(error, apdu)
        return DataAccessResult.SUCCESS

    def _write_list(self, requests: list[xdlms.AttributeRequest], reader: Reader, apdu: bytes) -> bytes:
        values = xdlms.read_raw_values(reader)
        reader.end()
        if len(values) != len(requests):
            raise DecodeError(f"{len(values)} values for {len(requests)} attributes")
        results = [self._write(request, value, apdu) for request, value in zip(requests, values, strict=True)]
        return encode_length(len(results)) + bytes(results)

    def _block(self, reader: Reader, invoke: int, apdu: bytes) -> bytes:
        block = xdlms.read_block(reader)
        reader.end()
        number = block.number.to_bytes(4, "big")
        transfer = self._transfer
        if transfer is None:
            return self._final(invoke, DataAccessResult.NO_LONG_SET_IN_PROGRESS, number)
        taken = transfer.add(block)
        if taken is not DataAccessResult.SUCCESS:
            self._transfer = None
            return self._final(invoke, taken, number)
        if not block.last:
            return bytes((xdlms.SET_RESPONSE, xdlms.SET_BLOCK_ACK, invoke)) + number
        self._transfer = None
        if self._as_list:
            results = self._write_list(self._requests, Reader(transfer.value), apdu)
            return bytes((xdlms.SET_RESPONSE, xdlms.SET_LAST_BLOCK_LIST_ACK, invoke)) + results + number
        return self._final(invoke, self._write(self._requests[0], transfer.value, apdu), number)

    @staticmethod
    def _final(invoke: int, result: DataAccessResult, number: bytes) -> bytes:
        return bytes((xdlms.SET_RESPONSE, xdlms.SET_LAST_BLOCK_ACK, invoke, result)) + number
