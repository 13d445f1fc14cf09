"""The ACTION service: normal, with-list, and both in blocks (Green Book 9.3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import xdlms
from .access import action_failure, invoke_method
from .errors import ActionResult, DataAccessResult, DecodeError
from .initiate import Conformance
from .long_transfer import LongRead, LongWrite
from .reader import Reader, encode_length

if TYPE_CHECKING:
    from .association import Association


class ActionService:
    """Serves the Action-Requests of one association and keeps its long transfers: one each way at most."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._transfer: LongWrite | None = None
        self._response: LongRead | None = None
        self._descriptors: list[bytes] = []
        self._as_list = False

    def handle(self, apdu: bytes) -> bytes:
        """Answer one Action-Request; raises `DecodeError` or `NotNegotiated`."""
        reader = Reader(apdu, 1)
        choice, invoke = reader.u8(), reader.u8()
        self._association.require(Conformance.ACTION)
        self._association.get.interrupt()
        if choice == xdlms.ACTION_NEXT_BLOCK:
            return self._next(reader, invoke)
        self._response = None
        if choice == xdlms.ACTION_BLOCK:
            return self._block(reader, invoke, apdu)
        self._transfer = None
        if choice in (xdlms.ACTION_WITH_LIST, xdlms.ACTION_LIST_FIRST_BLOCK):
            self._association.require(Conformance.MULTIPLE_REFERENCES)
            descriptors = [reader.octets(xdlms.DESCRIPTOR_SIZE) for _ in range(reader.count(xdlms.DESCRIPTOR_SIZE))]
        elif choice in (xdlms.NORMAL, xdlms.ACTION_FIRST_BLOCK):
            descriptors = [reader.octets(xdlms.DESCRIPTOR_SIZE)]
        else:
            raise DecodeError(f"Action-Request choice {choice} (1 to 6 expected)", 1)
        if choice in (xdlms.ACTION_FIRST_BLOCK, xdlms.ACTION_LIST_FIRST_BLOCK):
            self._association.require(Conformance.BLOCK_TRANSFER_WITH_ACTION)
            self._transfer = self._association.long_write()
            self._descriptors = descriptors
            self._as_list = choice == xdlms.ACTION_LIST_FIRST_BLOCK
            return self._block(reader, invoke, apdu)
        if choice == xdlms.NORMAL:
            parameter = reader.rest() if reader.u8() else None
            reader.end()
            return self._respond(xdlms.NORMAL, invoke, self._invoke(descriptors[0], parameter, apdu))
        return self._list(invoke, descriptors, reader, apdu)

    def _invoke(self, descriptor: bytes, parameter: bytes | None, apdu: bytes) -> bytes:
        """The Action-Response-With-Optional-Data of one method."""
        try:
            self._association.cost.reading()
            data = invoke_method(self._association, descriptor, parameter)
        except Exception as error:
            return xdlms.action_result(action_failure(self._association, error, apdu), None)
        return xdlms.action_result(ActionResult.SUCCESS, data)

    def _respond(self, choice: int, invoke: int, octets: bytes) -> bytes:
        """The response that carries the results, or its first block where it is too long for one."""
        if len(octets) + 3 <= self._association.room(Conformance.BLOCK_TRANSFER_WITH_ACTION):
            return bytes((xdlms.ACTION_RESPONSE, choice, invoke)) + octets
        capacity = self._association.capacity
        blocks = self._association.allows(Conformance.BLOCK_TRANSFER_WITH_ACTION)
        if not blocks or capacity <= xdlms.BLOCK_OVERHEAD:
            return self._failed(invoke, ActionResult.OTHER_REASON)
        self._response = self._association.long_read(octets)
        return self._send_block(self._response, invoke)

    def _next(self, reader: Reader, invoke: int) -> bytes:
        number = reader.unsigned(4)
        reader.end()
        response, self._response = self._response, None
        if response is None:
            return self._failed(invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        if number != response.number:
            return self._failed(invoke, ActionResult.LONG_ACTION_ABORTED)
        return self._send_block(response, invoke)

    def _send_block(self, response: LongRead, invoke: int) -> bytes:
        block = response.next_block()
        self._response = None if block.last else response
        return xdlms.action_block(invoke, block)

    def _list(self, invoke: int, descriptors: list[bytes], reader: Reader, apdu: bytes) -> bytes:
        parameters = xdlms.read_raw_values(reader)
        reader.end()
        if len(parameters) != len(descriptors):
            raise DecodeError(f"{len(parameters)} parameters for {len(descriptors)} methods")
        results = [
            self._invoke(descriptor, parameter, apdu)
            for descriptor, parameter in zip(descriptors, parameters, strict=True)
        ]
        octets = encode_length(len(results)) + b"".join(results)
        return self._respond(xdlms.ACTION_LIST_RESPONSE, invoke, octets)

    def _block(self, reader: Reader, invoke: int, apdu: bytes) -> bytes:
        block = xdlms.read_block(reader)
        reader.end()
        transfer = self._transfer
        if transfer is None:
            return self._failed(invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        if transfer.add(block) is not DataAccessResult.SUCCESS:
            self._transfer = None
            return self._failed(invoke, ActionResult.LONG_ACTION_ABORTED)
        if not block.last:
            head = bytes((xdlms.ACTION_RESPONSE, xdlms.ACTION_BLOCK_ACK, invoke))
            return head + block.number.to_bytes(4, "big")
        self._transfer = None
        if self._as_list:
            return self._list(invoke, self._descriptors, Reader(transfer.value), apdu)
        return self._respond(xdlms.NORMAL, invoke, self._invoke(self._descriptors[0], transfer.value, apdu))

    @staticmethod
    def _failed(invoke: int, result: ActionResult) -> bytes:
        return bytes((xdlms.ACTION_RESPONSE, xdlms.NORMAL, invoke)) + xdlms.action_result(result, None)
