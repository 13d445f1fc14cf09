"""The client side of an association with short names, sans-I/O: exchanges are generators, as in `cosem/client.py`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple

from obis import Obis

from ..acse import ApplicationContext
from ..client import AccessFailed, AssociationClient, AssociationRefused, Exchange
from ..client_security import ClientSecurity
from ..data_types import ANY, DataType, decode_all
from ..errors import DataAccessResult, DecodeError
from ..initiate import VAA_NAME_SN, Conformance
from ..interface_classes import AssociationSn
from ..reader import Reader
from . import apdus
from .apdus import Access, BlockNumber, DataBlock, Parameterized, Received, Variable, WriteBlock
from .base_names import STEP

FULL_SN_CONFORMANCE: Final = (
    Conformance.READ
    | Conformance.WRITE
    | Conformance.UNCONFIRMED_WRITE
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.BLOCK_TRANSFER_WITH_SET
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.INFORMATION_REPORT
    | Conformance.PARAMETERIZED_ACCESS
)

_METHODS: Final = VAA_NAME_SN + AssociationSn.method_offset
READ_BY_LOGICALNAME: Final = _METHODS + STEP * (AssociationSn.read_by_logicalname.index - 1)
REPLY_TO_HLS: Final = _METHODS + STEP * (AssociationSn.reply_to_hls_authentication.index - 1)
OBJECT_LIST: Final = VAA_NAME_SN + STEP * (AssociationSn.object_list.index - 1)


class ServiceRefused(DecodeError):
    """A ConfirmedServiceError: the service, and which of its errors in which family."""

    def __init__(self, service: int, family: int, code: int) -> None:
        super().__init__(f"confirmed-service-error: service {service}, family {family}, code {code}")
        self.service, self.family, self.code = service, family, code


class ListedObject(NamedTuple):
    """An element of the object list; `base_name` is 0..0xFFFF."""

    base_name: int
    class_id: int
    version: int
    logical_name: Obis


class ShortNameClient(AssociationClient):
    """Builds requests and reads responses of one association with short names."""

    def __init__(
        self,
        password: bytes | None = None,
        max_pdu: int = 0xFFFF,
        conformance: Conformance = FULL_SN_CONFORMANCE,
        security: ClientSecurity | None = None,
    ) -> None:
        super().__init__(password, max_pdu, conformance, security)

    @property
    def context_name(self) -> ApplicationContext:
        """With short names, ciphered or not."""
        ciphered = self.security is not None and self.security.ciphered
        return ApplicationContext.SN_CIPHERED if ciphered else ApplicationContext.SN

    def reply_to_high_level_security(
        self, proof: bytes, ask: Callable[[bytes], Generator[bytes, bytes, bytes]]
    ) -> Generator[bytes, bytes, bytes]:
        """Passes 3 and 4 by a READ of Association SN with parameters."""
        request = _read_request([Parameterized(REPLY_TO_HLS, 0, proof)])
        (result,) = apdus.read_read_results(_response((yield from ask(request)), apdus.READ_RESPONSE))
        if isinstance(result, DataAccessResult):
            raise AccessFailed("reply_to_HLS_authentication", result)
        if not isinstance(result, bytes):
            raise AssociationRefused("our proof was taken, but the server did not answer it")
        return result

    def read(self, name: int) -> Exchange:
        """Read one attribute; returns its octets, raises `AccessFailed` or `ServiceRefused`."""
        return (yield from self._read_one(Variable(name)))

    def read_value(self, name: int, type_: DataType = ANY) -> Exchange:
        """Read one attribute and decode it; by default whatever type comes."""
        return decode_all(type_, (yield from self._read_one(Variable(name))))

    def read_selected(self, name: int, selector: int, parameter: bytes) -> Exchange:
        """Read a selection from an attribute with encoded parameters; returns its octets."""
        return (yield from self._read_one(Parameterized(name, selector, parameter)))

    def invoke(self, name: int, parameter: bytes) -> Exchange:
        """Invoke a method by READ with an encoded parameter; returns what it returns, null-data if nothing."""
        return (yield from self._read_one(Parameterized(name, 0, parameter)))

    def object_list(self) -> Exchange:
        """The objects of the association, a list of `ListedObject`."""
        elements = yield from self.read_value(OBJECT_LIST, AssociationSn.object_list.type or ANY)
        return [
            ListedObject(base & 0xFFFF, class_id, version, Obis(name)) for base, class_id, version, name in elements
        ]

    def _read_one(self, access: Access) -> Generator[bytes, bytes, bytes]:
        (result,) = yield from self.read_list([access])
        if isinstance(result, DataAccessResult):
            raise AccessFailed(f"READ {access}", result)
        assert isinstance(result, bytes)
        return result

    def read_list(self, accesses: list[Access]) -> Exchange:
        """Read several in one request; returns octets, or a data-access-result, for each.

        Blocks come as the server wants; a request that is longer than the server takes goes in blocks.
        """
        request = _read_request(accesses)
        if self._fits(request):
            response = yield from self.ask(request)
        else:
            response = yield from self._ask_in_blocks(request)
        results = apdus.read_read_results(_response(response, apdus.READ_RESPONSE))
        if len(results) == 1 and isinstance(results[0], DataBlock):
            octets = yield from self._blocks(results[0])
            results = apdus.read_read_results(Reader(octets))
        if len(results) == 1 < len(accesses) and isinstance(results[0], DataAccessResult):
            raise AccessFailed("READ of a list", results[0])
        if len(results) != len(accesses) or not all(isinstance(item, bytes | DataAccessResult) for item in results):
            raise DecodeError(f"{len(results)} results for {len(accesses)} accesses, or of another kind")
        return results

    def _fits(self, request: bytes) -> bool:
        return self.negotiated is None or len(request) <= self.negotiated.max_receive_pdu

    def _blocks(self, block: DataBlock) -> Generator[bytes, bytes, bytes]:
        """A response in blocks from its first on, put together."""
        parts = [block.raw]
        while not block.last:
            response = yield from self.ask(_read_request([BlockNumber(block.number)]))
            (result,) = apdus.read_read_results(_response(response, apdus.READ_RESPONSE))
            if isinstance(result, DataAccessResult):
                raise AccessFailed(f"READ of the block after {block.number}", result)
            if not isinstance(result, DataBlock) or result.number != block.number + 1:
                raise DecodeError(f"block {block.number + 1} expected, found {result!r}")
            block = result
            parts.append(block.raw)
        return b"".join(parts)

    def _ask_in_blocks(self, request: bytes) -> Generator[bytes, bytes, bytes]:
        """A request that is too long, block after block; gives the response to the last."""
        assert self.negotiated is not None
        reading = request[0] == apdus.READ_REQUEST
        room = self.negotiated.max_receive_pdu - _BLOCK_OVERHEAD
        if self.security is not None:
            room -= _PROTECTION_OVERHEAD
        if room <= 0:
            raise ValueError(f"a server that takes {self.negotiated.max_receive_pdu} octets takes no blocks")
        contents = request[1:]
        cuts = range(0, len(contents), room)
        for number, begin in enumerate(cuts, 1):
            last, raw = number == len(cuts), contents[begin : begin + room]
            if reading:
                response = yield from self.ask(_read_request([DataBlock(last, number, raw)]))
            else:
                response = yield from self.ask(_write_request([WriteBlock(last, number)], apdus.block_contents(raw)))
            if last:
                break
            result: Any
            if reading:
                (result,) = apdus.read_read_results(_response(response, apdus.READ_RESPONSE))
            else:
                (result,) = apdus.read_write_results(_response(response, apdus.WRITE_RESPONSE))
            if isinstance(result, DataAccessResult):
                raise AccessFailed(f"block {number} of a request", result)
            if result != Received(number):
                raise DecodeError(f"block {number} to be acknowledged, found {result!r}")
        return response

    def write(self, name: int, value: bytes) -> Exchange:
        """Set an attribute to an encoded value, or invoke a method with it; raises `AccessFailed`."""
        (result,) = yield from self.write_list([Variable(name)], [value])
        if result is not DataAccessResult.SUCCESS:
            raise AccessFailed(f"WRITE 0x{name:04X}", result)

    def write_list(self, accesses: list[Access], values: list[bytes]) -> Exchange:
        """Write several in one request, in blocks where it is long; returns a data-access-result for each."""
        request = _write_request(accesses, values)
        if self._fits(request):
            response = yield from self.ask(request)
        else:
            response = yield from self._ask_in_blocks(request)
        results = apdus.read_write_results(_response(response, apdus.WRITE_RESPONSE))
        if len(results) == 1 < len(accesses) and isinstance(results[0], DataAccessResult):
            raise AccessFailed("WRITE of a list", results[0])
        if len(results) != len(accesses):
            raise DecodeError(f"{len(results)} results for {len(accesses)} accesses")
        return results

    def write_unconfirmed(self, accesses: list[Access], values: list[bytes]) -> bytes:
        """The request of an UnconfirmedWrite, to which nothing is answered."""
        request = bytes((apdus.UNCONFIRMED_WRITE_REQUEST,)) + apdus.write_contents(accesses, values)
        return request if self.security is None else self.security.seal(request, self.security.how)


_BLOCK_OVERHEAD: Final = 11
"""Octets around the raw data of a block of a request, at most: tag, lists, access, data with a long length."""
_PROTECTION_OVERHEAD: Final = 30
"""What general-glo-ciphering adds."""


def _read_request(accesses: list[Access]) -> bytes:
    return bytes((apdus.READ_REQUEST,)) + apdus.write_accesses(accesses)


def _write_request(accesses: list[Access], values: list[bytes]) -> bytes:
    return bytes((apdus.WRITE_REQUEST,)) + apdus.write_contents(accesses, values)


def _response(octets: bytes, tag: int) -> Reader:
    """A reader after the tag of a response; raises `ServiceRefused`, or `DecodeError` where it is another APDU."""
    reader = Reader(octets)
    found = reader.u8()
    if found == apdus.CONFIRMED_SERVICE_ERROR:
        raise ServiceRefused(reader.u8(), reader.u8(), reader.u8())
    if found != tag:
        raise DecodeError(f"response 0x{tag:02x} expected, found 0x{found:02x}", 0)
    return reader
