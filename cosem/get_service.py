"""The GET service: normal, next, with-list; selective access; long values in blocks (Green Book 9.3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import xdlms
from .access import read_attribute
from .errors import DataAccessResult, DecodeError, ScopeOfAccessViolated
from .initiate import Conformance
from .long_transfer import LongRead
from .reader import Reader, encode_length
from .rows import RowBuffer

if TYPE_CHECKING:
    from .association import Association


class GetService:
    """Serves the Get-Requests of one association and keeps its long transfer, of which there is one at most."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self.transfer: LongRead | None = None
        self._interrupted = False

    def handle(self, apdu: bytes) -> bytes:
        """Answer one Get-Request; raises `DecodeError` or `NotNegotiated`."""
        reader = Reader(apdu, 1)
        choice, invoke = reader.u8(), reader.u8()
        if choice == xdlms.GET_NEXT:
            return self._next(reader, invoke)
        self.interrupt()
        self._association.require(Conformance.GET)
        if choice == xdlms.NORMAL:
            return self._normal(reader, invoke, apdu)
        if choice == xdlms.GET_WITH_LIST:
            self._association.require(Conformance.MULTIPLE_REFERENCES)
            return self._with_list(reader, invoke, apdu)
        raise DecodeError(f"Get-Request choice {choice} (1 to 3 expected)", 1)

    def interrupt(self) -> None:
        """Another request came: a long transfer ends here, its next Get-Request-Next is told so."""
        if self.transfer is not None:
            self.transfer = None
            self._interrupted = True

    def _normal(self, reader: Reader, invoke: int, apdu: bytes) -> bytes:
        request = xdlms.read_attribute_request(reader)
        reader.end()
        try:
            value = self._read(request)
        except Exception as error:
            return xdlms.get_response(invoke, self._association.result_of(error, apdu))
        return self.respond(value, invoke)

    def respond(self, value: RowBuffer | bytes, invoke: int) -> bytes:
        """The response that carries an encoded value, or its first block where it is too long for one."""
        octets = value.data if isinstance(value, RowBuffer) else value
        if len(octets) + 4 <= self._association.room(Conformance.BLOCK_TRANSFER_WITH_GET):
            return bytes((xdlms.GET_RESPONSE, xdlms.NORMAL, invoke, 0x00)) + octets
        return self._begin(value, invoke)

    def _read(self, request: xdlms.AttributeRequest) -> RowBuffer | bytes:
        if request.selector is not None and not self._association.allows(Conformance.SELECTIVE_ACCESS):
            raise ScopeOfAccessViolated
        return read_attribute(self._association, request)

    def _with_list(self, reader: Reader, invoke: int, apdu: bytes) -> bytes:
        requests = [xdlms.read_attribute_request(reader) for _ in range(reader.count(xdlms.DESCRIPTOR_SIZE + 1))]
        reader.end()
        parts = [encode_length(len(requests))]
        for request in requests:
            try:
                value = self._read(request)
            except Exception as error:
                parts.append(bytes((0x01, self._association.result_of(error, apdu))))
                continue
            parts.append(b"\x00")
            parts.append(value.data if isinstance(value, RowBuffer) else value)
        octets = b"".join(parts)
        if len(octets) + 3 <= self._association.room(Conformance.BLOCK_TRANSFER_WITH_GET):
            return bytes((xdlms.GET_RESPONSE, xdlms.GET_WITH_LIST, invoke)) + octets
        return self._begin(octets, invoke)

    def _begin(self, value: RowBuffer | bytes, invoke: int) -> bytes:
        fits = self._association.capacity > xdlms.BLOCK_OVERHEAD
        if not fits or not self._association.allows(Conformance.BLOCK_TRANSFER_WITH_GET):
            return xdlms.get_response(invoke, DataAccessResult.OTHER_REASON)
        self._interrupted = False
        self.transfer = self._association.long_read(value)
        return self._send_block(self.transfer, invoke)

    def _next(self, reader: Reader, invoke: int) -> bytes:
        number = reader.unsigned(4)
        reader.end()
        self._association.require(Conformance.BLOCK_TRANSFER_WITH_GET)
        transfer = self.transfer
        if transfer is None:
            aborted, self._interrupted = self._interrupted, False
            reason = DataAccessResult.LONG_GET_ABORTED if aborted else DataAccessResult.NO_LONG_GET_IN_PROGRESS
            return xdlms.get_block_failed(invoke, number, reason)
        if number != transfer.number:
            self.transfer = None
            return xdlms.get_block_failed(invoke, number, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
        return self._send_block(transfer, invoke)

    def _send_block(self, transfer: LongRead, invoke: int) -> bytes:
        block = transfer.next_block()
        if block.last:
            self.transfer = None
        return xdlms.get_block(invoke, block)
