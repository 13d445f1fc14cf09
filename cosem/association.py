"""The server side of one application association: APDU in, APDU out.

A plain object without clock or socket. It has two states, idle and associated; `handle` takes one complete
APDU and gives the one to answer, or None for silence. The policy of a request is here in one place:

| what came | answer |
|---|---|
| AARQ | AARE, accepted or rejected with its diagnostic; the state follows |
| RLRQ | RLRE, and idle |
| GET, SET, ACTION while associated and negotiated | the service's response |
| the same, not negotiated | exception-response service-not-allowed, service-not-supported |
| the same while idle | exception-response service-not-allowed, operation-not-possible |
| octets that do not decode, an unknown tag | exception-response service-unknown, other-reason |
| a request over the receive PDU size | exception-response service-not-allowed, pdu-too-long |
| a fault of our own | reported, `other-reason`; the association lives on |

Every rejected AARQ leaves the association idle. A bad data request never ends an association.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from . import acse, initiate, xdlms
from .acse import ApplicationContext
from .action_service import ActionService
from .errors import DataAccessResult, DecodeError, ServiceError
from .get_service import GetService
from .initiate import NO_SERVICES, Conformance, InitiateError
from .object_model import ObjectView
from .rows import RowBuffer
from .security.hls import Exchange
from .security.layer import Guard, MeterSecurity
from .set_service import SetService
from .xdlms import ServiceFault, StateError

_NOTHING: Final[dict[bytes, Callable[[Any], RowBuffer | bytes]]] = {}
_GET_NORMAL: Final = b"\xc0\x01"
_PDU_UNLIMITED: Final = 0xFFFF


@dataclass(frozen=True)
class AssociationDefinition:
    """One association of a device profile, shared by all its meters.

    `conformance` is what the AARE may return; `tolerated` are services that are served although the AARE
    never returns their bit. `secret(context)` gives the password of low level security, or the secret of mechanisms
    3, 4 and 6. `context` is the application context: how objects are named, and whether APDUs are ciphered.
    """

    client_sap: int
    server_sap: int
    mechanism: acse.Mechanism
    conformance: Conformance
    max_receive_pdu: int
    view: ObjectView
    secret: Callable[[Any], bytes]
    tolerated: Conformance = NO_SERVICES
    value_limit: int = 0x10000
    """Most octets a value may have that arrives in blocks: bounds what a client can make the server keep."""
    context: ApplicationContext = ApplicationContext.LN
    security: Callable[[Any], MeterSecurity] | None = None
    """What high level security and ciphering need of the meter; none without them."""
    guard: Callable[[Any], Guard] | None = None
    """Who counts failures; None where they do not matter."""
    proof: Callable[[Any, Exchange], bytes] | None = None
    """The manufacturer's function of mechanism 2: proves `Exchange` from the side that it names own."""

    def __post_init__(self) -> None:
        if self.security is None and (self.mechanism >= acse.Mechanism.HIGH or self.context.ciphered):
            raise ValueError(f"client {self.client_sap} has {self.mechanism.name} in {self.context.name}, no security")
        if (self.proof is None) is (self.mechanism is acse.Mechanism.HIGH):
            raise ValueError(f"client {self.client_sap}: mechanism 2, and only that, needs a proof")


class Refusal(Exception):
    """An AARQ that is rejected: diagnostic and user-information of the AARE."""

    def __init__(self, diagnostic: int, error: InitiateError | None = None, *, from_provider: bool = False) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic
        self.user_information = None if error is None else initiate.write_initiate_error(error)
        self.from_provider = from_provider


class Association:
    """One association on one link; `definition` is None where client and server SAP name no association.

    `context` is handed to every source and sink; its attribute `association` is set to this object.
    `report(error, apdu)` is told of faults that are our own. `link_limit` is the most octets an APDU may
    have to leave the link in one frame: long values are cut into blocks that fit.
    """

    def __init__(
        self,
        definition: AssociationDefinition | None,
        context: Any,
        report: Callable[[Exception, bytes], None],
        link_limit: int | None = None,
    ) -> None:
        self.definition = definition
        self.context = context
        self.report = report
        self.link_limit = link_limit
        self.negotiated = NO_SERVICES
        self.client_max_pdu = 0
        self.associated = False
        context.association = self
        self._readers = _NOTHING
        self._capacity = 0
        self.reset()

    def reset(self) -> None:
        """Back to idle: the link went down, or the association was released."""
        self.associated = False
        self.negotiated = NO_SERVICES
        self._readers = _NOTHING
        self.get = GetService(self)
        table = SERVICES[self.definition is None or self.definition.context.long_names]
        self._services = {tag: service(self) for tag, service in table.items()}

    @property
    def view(self) -> ObjectView:
        """The objects of the association."""
        assert self.definition is not None
        return self.definition.view

    @property
    def capacity(self) -> int:
        """Most octets a response may have."""
        return self._capacity

    def allows(self, service: Conformance) -> bool:
        """Whether the services of these bits were all negotiated, or are tolerated."""
        assert self.definition is not None
        return service & ~(self.negotiated | self.definition.tolerated) == 0

    def handle(self, apdu: bytes) -> bytes | None:
        """Serve one APDU; gives the answer, None for silence."""
        # The hot path: GET of one attribute. One look-up on the octets of the request, one source, one pack.
        if len(apdu) == 13 and apdu[:2] == _GET_NORMAL:
            read = self._readers.get(apdu[3:])
            if read is not None and self.get.transfer is None:
                try:
                    value = read(self.context)
                    if type(value) is bytes and len(value) + 4 <= self._capacity:
                        return b"\xc4\x01" + apdu[2:3] + b"\x00" + value
                    return self.get.respond(value, apdu[2])
                except Exception as error:
                    return xdlms.get_response(apdu[2], self.result_of(error, apdu))
        return self._dispatch(apdu)

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
        if tag == acse.AARQ:
            return self._associate(apdu)
        if tag == acse.RLRQ:
            return self._release(apdu)
        service = self._services.get(tag)
        if service is None:
            if tag in _EVERY_SERVICE:
                return xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.SERVICE_NOT_SUPPORTED)
            return xdlms.exception_response(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)
        if not self.associated or self.definition is None:
            return xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.OPERATION_NOT_POSSIBLE)
        if len(apdu) > self.definition.max_receive_pdu:
            return xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
        try:
            return service.handle(apdu)
        except DecodeError:
            return xdlms.exception_response(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)
        except NotNegotiated:
            return xdlms.exception_response(StateError.SERVICE_NOT_ALLOWED, ServiceFault.SERVICE_NOT_SUPPORTED)

    def require(self, service: Conformance) -> None:
        """Raise `NotNegotiated` unless the service was negotiated or is tolerated."""
        if not self.allows(service):
            raise NotNegotiated(service)

    def _release(self, apdu: bytes) -> bytes:
        try:
            acse.read_release(apdu)
        except DecodeError:
            return xdlms.exception_response(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)
        self.reset()
        return acse.write_release(acse.RLRE, acse.Release())

    def _associate(self, apdu: bytes) -> bytes:
        self.reset()
        name = acse.context_name(ApplicationContext.LN)
        try:
            request = acse.read_aarq(apdu)
            name = request.context_name
            user_information = self._accept(request)
        except Refusal as refusal:
            return self._reject(name, refusal)
        except Exception as error:
            self.reset()
            if not isinstance(error, DecodeError):
                self.report(error, apdu)
            return self._reject(name, Refusal(acse.UserDiagnostic.NO_REASON_GIVEN))
        accepted = acse.AssociationResult.ACCEPTED
        return acse.write_aare(acse.Aare(name, accepted, acse.UserDiagnostic.NULL, user_information))

    @staticmethod
    def _reject(name: bytes, refusal: Refusal) -> bytes:
        result = acse.AssociationResult.REJECTED_PERMANENT
        return acse.write_aare(
            acse.Aare(name, result, refusal.diagnostic, refusal.user_information, refusal.from_provider)
        )

    def _accept(self, request: acse.Aarq) -> bytes:
        """Check an AARQ in the order of the Green Book; enter the associated state or raise `Refusal`."""
        definition = self.definition
        if request.protocol_version is not None and not request.protocol_version.startswith("1"):
            raise Refusal(acse.ProviderDiagnostic.NO_COMMON_ACSE_VERSION, from_provider=True)
        offered = ApplicationContext.LN if definition is None else definition.context
        if request.context is not offered:
            raise Refusal(acse.UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
        if request.calling_ap_title is not None and len(request.calling_ap_title) != 8:
            raise Refusal(acse.UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED)
        if definition is None:
            raise Refusal(acse.UserDiagnostic.NO_REASON_GIVEN)
        if not self._authentic(definition, request):
            raise Refusal(acse.UserDiagnostic.AUTHENTICATION_FAILURE)
        proposed = initiate.read_initiate_request(request.user_information)
        if proposed.dedicated_key is not None:  # a key has no meaning without ciphering
            raise Refusal(acse.UserDiagnostic.NO_REASON_GIVEN, InitiateError.OTHER)
        if proposed.dlms_version < initiate.DLMS_VERSION:
            raise Refusal(acse.UserDiagnostic.NO_REASON_GIVEN, InitiateError.DLMS_VERSION_TOO_LOW)
        foreign, least = initiate.FOREIGN_AND_LEAST[offered.long_names]
        negotiated = Conformance(proposed.conformance) & definition.conformance & ~foreign
        if not negotiated & least:
            raise Refusal(acse.UserDiagnostic.NO_REASON_GIVEN, InitiateError.INCOMPATIBLE_CONFORMANCE)
        if 0 < proposed.max_receive_pdu < initiate.SMALLEST_PDU:
            raise Refusal(acse.UserDiagnostic.NO_REASON_GIVEN, InitiateError.PDU_SIZE_TOO_SHORT)
        self._enter(definition, negotiated, proposed.max_receive_pdu or _PDU_UNLIMITED)
        vaa_name = initiate.VAA_NAME_LN if offered.long_names else initiate.VAA_NAME_SN
        response = initiate.InitiateResponse(negotiated, definition.max_receive_pdu, vaa_name)
        return initiate.write_initiate_response(response)

    def _authentic(self, definition: AssociationDefinition, request: acse.Aarq) -> bool:
        if definition.mechanism is acse.Mechanism.LOWEST:
            return request.mechanism in (None, acse.Mechanism.LOWEST)
        value = request.authentication_value
        return (
            request.acse_requirements == b"\x07\x80"
            and request.mechanism == definition.mechanism
            and value is not None
            and hmac.compare_digest(value, definition.secret(self.context))
        )

    def _enter(self, definition: AssociationDefinition, negotiated: Conformance, client_max_pdu: int) -> None:
        self.associated = True
        self.negotiated = negotiated
        self.client_max_pdu = client_max_pdu
        self._capacity = client_max_pdu
        if self.link_limit is not None and negotiated & Conformance.BLOCK_TRANSFER_WITH_GET:
            # A frame too small for any block carries segments of one.
            self._capacity = min(client_max_pdu, max(self.link_limit, xdlms.BLOCK_OVERHEAD + 1))
        if self.allows(Conformance.GET):
            self._readers = definition.view.readers


class NotNegotiated(Exception):
    """A service outside the conformance of the association."""


class Service(Protocol):
    """A service of one association, with the long transfers it keeps; made anew when the association begins."""

    def handle(self, apdu: bytes) -> bytes | None:
        """Answer a request, None for silence; raises `DecodeError` or `NotNegotiated`, and then did nothing."""


SERVICES: Final[dict[bool, dict[int, Callable[[Association], Service]]]] = {
    True: {
        xdlms.GET_REQUEST: lambda association: association.get,
        xdlms.SET_REQUEST: SetService,
        xdlms.ACTION_REQUEST: ActionService,
    },
    False: {},
}
"""The services by the tag of their requests: with long names (True), with short names (False)."""

_EVERY_SERVICE: Final = frozenset((0x05, 0x06, 0x16)).union(*SERVICES.values())
"""Requests that are known, whether the application context of an association has them or not."""
