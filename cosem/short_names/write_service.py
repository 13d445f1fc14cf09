"""The WRITE service and UnconfirmedWrite: variables, methods, lists, blocks (Green Book 9.3.15, 9.3.16).

| access | does |
|---|---|
| variable-name of an attribute | sets it to the data |
| variable-name of a method | invokes it with the data; what it returns, if anything, is not told |
| parameterised access | nothing, scope-of-access-violated: no attribute can be set in part, methods go the other way |
| write-data-block-access, alone | takes the data, an octet-string, for a block; after the last the request is served |

A request that does not decode, or writes nothing, is answered with one data-access-error, as conformance tests want.
A list whose results might be longer than the client takes is refused before anything is written.
Of an unconfirmed request nobody learns anything; it has no blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import xdlms
from ..access import invoke_method, write_attribute
from ..data_types import OCTET_STRING, decode_all
from ..errors import DataAccessResult, DecodeError, ScopeOfAccessViolated, ServiceError
from ..initiate import Conformance
from ..long_transfer import LongWrite
from ..reader import Reader
from ..xdlms import AttributeRequest, ServiceFault
from . import apdus
from .apdus import Access, Parameterized, Received, Variable, WriteBlock, WriteResult
from .refusals import refusal

if TYPE_CHECKING:
    from ..association import Association


class WriteService:
    """Serves the WriteRequests of one association and keeps its long transfer, of which there is one at most."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._transfer: LongWrite | None = None

    def handle(self, apdu: bytes) -> bytes | None:
        """Answer one WriteRequest; raises `NotNegotiated`."""
        self._association.require(Conformance.WRITE)
        try:
            accesses, values = apdus.read_contents(Reader(apdu, 1))
        except DecodeError:
            return _response([DataAccessResult.OTHER_REASON])
        if len(accesses) == 1 and isinstance(accesses[0], WriteBlock):
            return self._block(accesses[0], values[0], apdu)
        self._transfer = None
        return self._write_all(accesses, values, apdu)

    def _write_all(self, accesses: list[Access], values: list[bytes], apdu: bytes) -> bytes | None:
        if not accesses:
            return _response([DataAccessResult.OTHER_REASON])
        failures: list[WriteResult] = [DataAccessResult.OTHER_REASON] * len(accesses)
        if len(accesses) > 1 and len(_response(failures)) > self._association.room():
            return refusal(apdus.WRITE_REQUEST, ServiceFault.PDU_TOO_LONG)
        return _response(write_all(self._association, accesses, values, apdu))

    def _block(self, access: WriteBlock, value: bytes, apdu: bytes) -> bytes | None:
        self._association.require(Conformance.BLOCK_TRANSFER_WITH_SET)
        if access.number == 1:
            self._transfer = self._association.long_write()
        transfer, self._transfer = self._transfer, None
        if transfer is None:
            return _response([DataAccessResult.NO_LONG_SET_IN_PROGRESS])
        try:
            raw = decode_all(OCTET_STRING, value)
        except (DecodeError, ServiceError) as error:
            return _response([self._association.result_of(error, apdu)])
        taken = transfer.add(xdlms.Block(access.last, access.number, raw))
        if taken is not DataAccessResult.SUCCESS:
            return _response([taken])
        if not access.last:
            self._transfer = transfer
            return _response([Received(access.number)])
        try:
            accesses, values = apdus.read_contents(Reader(transfer.value))
        except DecodeError:
            return _response([DataAccessResult.OTHER_REASON])
        return self._write_all(accesses, values, apdu)


class UnconfirmedWriteService:
    """Serves the UnconfirmedWriteRequests of one association, in silence."""

    def __init__(self, association: Association) -> None:
        self._association = association

    def handle(self, apdu: bytes) -> None:
        """Do what one UnconfirmedWriteRequest asks; raises `DecodeError` or `NotNegotiated`, and then did nothing."""
        self._association.require(Conformance.UNCONFIRMED_WRITE)
        accesses, values = apdus.read_contents(Reader(apdu, 1))
        write_all(self._association, accesses, values, apdu)


def write_all(association: Association, accesses: list[Access], values: list[bytes], apdu: bytes) -> list[WriteResult]:
    """Write each value where its access says, and say how that went; raises `NotNegotiated`."""
    if len(accesses) > 1:
        association.require(Conformance.MULTIPLE_REFERENCES)
    results: list[WriteResult] = []
    for access, value in zip(accesses, values, strict=True):
        try:
            association.cost.access()
            _write(association, access, value)
            results.append(DataAccessResult.SUCCESS)
        except Exception as error:
            results.append(association.result_of(error, apdu))
    return results


def _write(association: Association, access: Access, value: bytes) -> None:
    if isinstance(access, Parameterized):
        raise ScopeOfAccessViolated
    if not isinstance(access, Variable):
        raise DecodeError(f"{type(access).__name__} among other accesses")
    descriptor, is_method = association.short_names.find(access.name)
    if is_method:
        invoke_method(association, descriptor, value)
    else:
        write_attribute(association, AttributeRequest(descriptor), value)


def _response(results: list[WriteResult]) -> bytes:
    return bytes((apdus.WRITE_RESPONSE,)) + apdus.write_write_results(results)
