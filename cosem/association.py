"""The server side of one application association: APDU in, APDU out.

A plain object without clock or socket. It has three states: idle; pending, while high level security awaits the
client's proof; associated. `handle` takes one complete APDU and gives the one to answer, or None for silence. The
policy of a request is here in one place:

| what came | answer |
|---|---|
| AARQ | AARE, accepted or rejected with its diagnostic (`opening.py`); the state follows |
| RLRQ | RLRE, and idle; with ciphering only when protected as the AARQ was |
| a service while associated and negotiated | the service's response, protected as the request (`security/layer.py`) |
| reply_to_HLS_authentication while pending | the server's proof, and associated; or idle again |
| the same, not negotiated | exception-response service-not-allowed, service-not-supported |
| a service while idle, any other while pending | exception-response service-not-allowed, operation-not-possible |
| an APDU with less protection than the policy asks for | the same |
| an APDU that cannot be deciphered, or was seen before | exception-response deciphering- or invocation-counter-error |
| octets that do not decode, an unknown tag | exception-response service-unknown, other-reason |
| a request over the receive PDU size | exception-response service-not-allowed, pdu-too-long |
| a fault of our own | reported, `other-reason`; the association lives on |

With short names a ConfirmedServiceError stands for an exception-response (`short_names/refusals.py`). Every rejected
AARQ leaves the association idle. A bad data request never ends an association.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeVar
from weakref import WeakSet

from . import acse, initiate, xdlms
from .acse import ApplicationContext
from .association_definition import AssociationDefinition
from .errors import DataAccessResult, DecodeError, ReadWriteDenied, ServiceError
from .general_block_transfer import BLOCK_OVERHEAD
from .get_service import GetService
from .initiate import EVENTS, NO_SERVICES, Conformance
from .long_transfer import LongRead, LongWrite
from .object_model import NOTHING_VISIBLE
from .opening import Opening, Pending, Refusal, accept, nothing
from .request_cost import RequestCost
from .rows import RowBuffer
from .security.errors import SecurityError
from .security.layer import SecurityLayer
from .security.tags import PROTECTED
from .services import EVERY_SERVICE, PASS_3, SERVICES
from .short_names.base_names import ShortNames
from .short_names.refusals import refusal
from .xdlms import ServiceFault, StateError

_GET_NORMAL: Final = b"\xc0\x01"
_NOT_POSSIBLE: Final = xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.OPERATION_NOT_POSSIBLE)
_NOT_SUPPORTED: Final = xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.SERVICE_NOT_SUPPORTED)
_FAILED: Final = xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.OTHER_REASON)
_TOO_LONG: Final = xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
_UNKNOWN: Final = xdlms.exception_response(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)


_Transfer = TypeVar("_Transfer", LongRead, LongWrite)


class AssociationStatus(IntEnum):
    """association_status of the association objects (Blue Book 4.4.4)."""

    NON_ASSOCIATED = 0
    PENDING = 1
    ASSOCIATED = 2


class Association:
    """One association on one link; `definition` is None where client and server SAP name no association.

    `context` is handed to every source and sink; its attribute `association` is set to this object.
    `report(error, apdu)` is told of faults that are our own. `link_limit` is the most octets an APDU may
    have to leave the link in one frame: long values are cut into blocks that fit. Where the link does not `segment`, no
    APDU may be longer. `cost` has the bounds of requests, and counts.
    """

    def __init__(
        self,
        definition: AssociationDefinition | None,
        context: Any,
        report: Callable[[Exception, bytes], None],
        link_limit: int | None = None,
        *,
        segments: bool = True,
        cost: RequestCost | None = None,
    ) -> None:
        self.definition = definition
        self.context = context
        self.report = report
        self.link_limit = link_limit
        self.segments = segments
        self.cost = cost or RequestCost()
        context.association = self
        self.reset()

    def reset(self) -> None:
        """Back to idle: the link went down, or the association was released."""
        self.status = AssociationStatus.NON_ASSOCIATED
        self.negotiated = NO_SERVICES
        self.client_max_pdu = 0
        self.hears_events = False
        """Whether the client is to be told events (`event_service.py`)."""
        self.most_octets = 0
        """Of an APDU that reaches the client whole: its PDU size, or less where the link carries less."""
        self.view = NOTHING_VISIBLE
        self.layer: SecurityLayer | None = None
        self.protection = 0
        """How the request that is being served is protected, and its response will be: bits of `AccessMode`."""
        self._pending: Pending | None = None
        self.user: int | None = None
        """The user of the client, where it has users."""
        self._initiate_response = b""
        self._note: Callable[[], None] = nothing
        self._readers = self._protected_readers = NOTHING_VISIBLE.readers
        self._capacity = self._overhead = 0
        self.general_block_size: int | None = None
        """Most octets of an APDU in general-block-transfer; None where that was not negotiated."""
        self._whole = False
        self._afterwards: list[Callable[[], None]] = []
        self.end_transfers()

    def end_transfers(self) -> None:
        """What goes in blocks is forgotten; the association stays."""
        self.holding = False
        """Whether a service may keep something that goes in blocks; `held_octets` says how much."""
        self._transfers = WeakSet[LongRead | LongWrite]()
        self.get: GetService = GetService(self)
        table = SERVICES[self.definition is None or self.definition.context.long_names]
        self._services = {tag: service(self) for tag, service in table.items()}

    def long_read(self, value: RowBuffer | bytes, overhead: int = xdlms.BLOCK_OVERHEAD) -> LongRead:
        """A value to be read in blocks that have so many octets around their data; whoever asked for it keeps it."""
        return self._begun(LongRead(value, self.capacity - overhead))

    def long_write(self) -> LongWrite:
        """A value that will arrive in blocks; whoever asked for it keeps it."""
        return self._begun(LongWrite(self.cost.limits.value_octets))

    def _begun(self, transfer: _Transfer) -> _Transfer:
        self._transfers.add(transfer)
        self.holding = True
        return transfer

    def held_octets(self) -> int:
        """Octets of what goes in blocks, both ways."""
        octets = sum(transfer.octets for transfer in self._transfers)
        self.holding = bool(self._transfers)
        return octets

    @property
    def associated(self) -> bool:
        """Whether the association is open, with everything proved."""
        return self.status is AssociationStatus.ASSOCIATED

    @property
    def short_names(self) -> ShortNames:
        """The short names of the association's objects."""
        assert self.definition is not None
        assert self.definition.short_names is not None
        return self.definition.short_names

    @property
    def capacity(self) -> int:
        """Most octets a response may have, before it is protected."""
        return self._capacity - self._overhead

    def room(self, blocks: Conformance | None = None) -> int:
        """Most octets of a response that may go out in general blocks, unless the service has these `blocks` itself."""
        own = blocks is not None and self.allows(blocks) and not self._whole
        return self.capacity if own or self.general_block_size is None else self.cost.limits.response_octets

    def allows(self, service: Conformance) -> bool:
        """Whether the services of these bits were all negotiated, or are tolerated."""
        assert self.definition is not None
        # As plain integers: operations of flags build a flag each.
        return int(service) & ~(int(self.negotiated) | int(self.definition.tolerated)) == 0

    def require(self, service: Conformance) -> None:
        """Raise `NotNegotiated` unless the service was negotiated or is tolerated."""
        if not self.allows(service):
            raise NotNegotiated(service)

    def afterwards(self, action: Callable[[], None]) -> None:
        """Have `action` done when the response to this request is built and protected, as keys are replaced.

        It must not fail: what can be refused is refused before. Fails it all the same, or cannot the response be
        protected, then the request failed.
        """
        self._afterwards.append(action)

    def handle(self, apdu: bytes) -> bytes | None:
        """Serve one APDU; gives the answer, None for silence."""
        # The hot path: GET of one attribute. One look-up on the octets of the request, one source, one pack.
        if len(apdu) == 13 and apdu[:2] == _GET_NORMAL:
            read = self._readers.get(apdu[3:])
            if read is not None and self.get.transfer is None:
                return self._get(read, apdu)
        return self._dispatch(apdu)

    def handle_whole(self, apdu: bytes) -> bytes | None:
        """Serve an APDU that came in general blocks: so will its answer go, the PDU sizes bound neither."""
        self._whole = True
        try:
            return self.handle(apdu)
        finally:
            self._whole = False

    def _get(self, read: Callable[[Any], RowBuffer | bytes], apdu: bytes) -> bytes:
        try:
            value = read(self.context)
            if type(value) is bytes and len(value) + 4 <= self._capacity - self._overhead:
                return b"\xc4\x01" + apdu[2:3] + b"\x00" + value
            return self.get.respond(value, apdu[2])
        except Exception as error:
            return xdlms.get_response(apdu[2], self.result_of(error, apdu))

    def result_of(self, error: Exception, apdu: bytes) -> DataAccessResult:
        """The data-access-result of a failed access; our own faults are reported."""
        if isinstance(error, ServiceError):
            return error.result
        if isinstance(error, DecodeError):
            return DataAccessResult.TYPE_UNMATCHED
        self.report(error, apdu)
        return DataAccessResult.OTHER_REASON

    def _dispatch(self, apdu: bytes) -> bytes | None:
        tag = apdu[0] if apdu else -1
        self.cost.begin()
        try:
            if tag == acse.AARQ:
                return self._associate(apdu)
            if tag == acse.RLRQ:
                return self._release(apdu)
            response = self._serve(apdu) if self.layer is None else self._unprotect(apdu, self.layer)
            actions, self._afterwards = self._afterwards, []
            for action in actions:
                action()
        except Exception as error:  # a fault of our own, or no key or counter left to protect the response with
            self._afterwards = []
            self.report(error, apdu)
            response = _FAILED
        return self.refused(response, tag)

    def refused(self, response: bytes | None, tag: int) -> bytes | None:
        """The response; where it is an exception-response and names are short, the refusal that stands for it."""
        long_names = self.definition is None or self.definition.context.long_names
        if long_names or response is None or response[0] != xdlms.EXCEPTION_RESPONSE:
            return response
        return refusal(tag, ServiceFault(response[2]))

    def _unprotect(self, apdu: bytes, layer: SecurityLayer) -> bytes | None:
        """Serve an APDU of an association with ciphering: plain or protected, as the policy allows."""
        assert self.definition is not None
        if len(apdu) > self.definition.max_receive_pdu and not self._whole:
            return _TOO_LONG
        try:
            inner, how = layer.unprotect(apdu)
            if self.status is AssociationStatus.PENDING:
                layer.proof_allowed(how)
        except SecurityError as error:
            self._blame(layer, error)
            return error.response()
        except DecodeError:
            return _UNKNOWN
        self.protection = layer.protection(how)
        self._overhead = layer.overhead(how)
        read = self._protected_readers.get(inner[3:]) if inner[:2] == _GET_NORMAL else None
        if read is not None and self.get.transfer is None:
            response: bytes | None = self._get(read, inner)
        else:
            response = self.refused(self._serve(inner), inner[0])
        return None if response is None else layer.protect(response, how)

    def _blame(self, layer: SecurityLayer, error: SecurityError) -> None:
        layer.refused(error)
        assert self.definition is not None
        if error.fault is ServiceFault.DECIPHERING_ERROR and self.definition.guard is not None:
            self.definition.guard(self.context).forged()

    def _serve(self, apdu: bytes) -> bytes | None:
        tag = apdu[0] if apdu else -1
        definition = self.definition
        service = self._services.get(tag)
        if service is None:
            if tag in PROTECTED and definition is not None and definition.context.ciphered:
                return _NOT_POSSIBLE  # not associated
            return _NOT_SUPPORTED if tag in EVERY_SERVICE else _UNKNOWN
        if definition is None or self.status is AssociationStatus.NON_ASSOCIATED:
            return _NOT_POSSIBLE
        if self.status is AssociationStatus.PENDING and tag not in PASS_3:
            return _NOT_POSSIBLE
        if len(apdu) > definition.max_receive_pdu and not self._whole:
            return _TOO_LONG
        try:
            return service.handle(apdu)
        except DecodeError:
            return _UNKNOWN
        except NotNegotiated:
            return _NOT_SUPPORTED

    def _release(self, apdu: bytes) -> bytes:
        layer, information = self.layer, None
        try:
            request = acse.read_release(apdu)
            if layer is not None:
                inner, how = layer.read_release(request.user_information)
                if request.user_information is not None:
                    initiate.read_initiate_request(inner)
                    information = layer.protect(self._initiate_response, how)
        except SecurityError as error:
            assert layer is not None
            self._blame(layer, error)
            return error.response()
        except DecodeError:
            return _UNKNOWN
        self.reset()
        return acse.write_release(acse.RLRE, acse.Release(user_information=information))

    # --- opening --------------------------------------------------------------------------------------

    def _associate(self, apdu: bytes) -> bytes:
        self.reset()
        name = acse.context_name(ApplicationContext.LN)
        try:
            request = acse.read_aarq(apdu)
            name = request.context_name
            return self._enter(accept(self.definition, self.context, request))
        except Refusal as refusal:
            return refusal.aare(name)
        except Exception as error:
            self.reset()
            if not isinstance(error, DecodeError):
                self.report(error, apdu)
            return Refusal(acse.UserDiagnostic.NO_REASON_GIVEN).aare(name)

    def _enter(self, opening: Opening) -> bytes:
        """Take over what was negotiated; gives the AARE."""
        definition = self.definition
        assert definition is not None
        self.layer, self._pending, self._note = opening.layer, opening.pending, opening.note
        self.negotiated = opening.negotiated
        self.user = opening.user
        self.client_max_pdu = self.most_octets = self._capacity = opening.client_max_pdu
        if self.link_limit is not None and not self.segments:
            self._capacity = self.most_octets = min(opening.client_max_pdu, self.link_limit)
        elif (
            self.link_limit is not None
            and opening.negotiated & Conformance.BLOCK_TRANSFER_WITH_GET
            and definition.context.long_names  # blocks of a READ are little known: segments of the link instead
        ):
            # A frame too small for any block carries segments of one.
            self._capacity = min(opening.client_max_pdu, max(self.link_limit, xdlms.BLOCK_OVERHEAD + 1))
        if opening.negotiated & Conformance.GENERAL_BLOCK_TRANSFER:
            limit = opening.client_max_pdu if self.link_limit is None else self.link_limit
            self.general_block_size = min(opening.client_max_pdu, max(limit, BLOCK_OVERHEAD + 1))
        self._initiate_response = opening.initiate_response
        if self._pending is None:
            self._open()
        else:
            self.status = AssociationStatus.PENDING
            self.view = definition.view.of_pass_3
        return opening.aare()

    def _open(self) -> None:
        definition = self.definition
        assert definition is not None
        self.status = AssociationStatus.ASSOCIATED
        self.view = definition.view
        self.hears_events = bool(self.negotiated & EVENTS)
        self._note()
        if self.allows(Conformance.GET):
            if self.layer is None:
                self._readers = definition.view.readers
            else:
                self._protected_readers = definition.view.readers

    def reply_to_high_level_security(self, proof: bytes) -> bytes:
        """Passes 3 and 4: the client's proof in, ours out; raises `ReadWriteDenied`, and is idle, for a wrong one.

        One proof a challenge: who fails begins again with an AARQ.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            raise ReadWriteDenied("no proof is awaited")
        definition = self.definition
        assert definition is not None
        guard = None if definition.guard is None else definition.guard(self.context)
        try:
            if guard is not None and guard.locked:
                raise ReadWriteDenied("the association is locked")
            if not pending.high.verify(pending.exchange, proof):
                if guard is not None:
                    guard.failed()
                raise ReadWriteDenied("the proof is wrong")
            answer = pending.high.prove(pending.exchange)
        except Exception:
            self.afterwards(self.reset)
            raise
        if guard is not None:
            guard.succeeded()
        self._open()
        return answer


class NotNegotiated(Exception):
    """A service outside the conformance of the association."""
