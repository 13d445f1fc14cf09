"""How an association opens: the checks of an AARQ, and what it is to be answered (Green Book 9.3.2, 9.4.4).

The first thing wrong decides, in this order:

| what | diagnostic of the AARE |
|---|---|
| protocol version | provider: no-common-acse-version |
| application context | application-context-name-not-supported |
| calling-AP-title: eight octets; there where titles are needed; known to the meter | calling-AP-title-not-recognized |
| no association for this client | no-reason-given |
| calling-AE-invocation-id, where the client has users | calling-AE-invocation-identifier-not-recognized |
| the association is locked | authentication-failure, transient |
| no ciphering where the policy of the Security setup asks for protection, either way | no-reason-given, other |
| requirements, mechanism, password or challenge; ciphering of the InitiateRequest | authentication-failure |
| protection that the policy asks for, dedicated key | no-reason-given, initiate error other |
| DLMS version, conformance, PDU size | no-reason-given with their initiate error |

Titles are needed by ciphered contexts and by the mechanisms 5, 6 and 7. A ciphered InitiateRequest is answered with an
InitiateResponse, or initiate error, that is ciphered as it was.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import acse, initiate, xdlms
from .acse import ApplicationContext, Mechanism, ProviderDiagnostic, UserDiagnostic
from .initiate import Conformance, InitiateError, InitiateRequest
from .security.errors import AssociationRefused, InvocationCounterError, SecurityError
from .security.hls import (
    Digest,
    Ecdsa,
    Exchange,
    Gmac,
    HighLevelSecurity,
    ManufacturerSpecific,
    check_challenge,
    new_challenge,
)
from .security.layer import PLAIN, Guard, MeterSecurity, SecurityLayer
from .security.policy import Direction, Protection, SecurityPolicy, required
from .security.security_context import How, SecurityContext

if TYPE_CHECKING:
    from .association_definition import AssociationDefinition

_PDU_UNLIMITED: Final = 0xFFFF
_WITH_TITLES: Final = (Mechanism.HIGH_GMAC, Mechanism.HIGH_SHA256, Mechanism.HIGH_ECDSA)


class Refusal(Exception):
    """An AARQ that is rejected: diagnostic and user-information of the AARE."""

    def __init__(
        self,
        diagnostic: int,
        error: InitiateError | None = None,
        *,
        from_provider: bool = False,
        transient: bool = False,
    ) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic
        self.user_information = None if error is None else initiate.write_initiate_error(error)
        self.from_provider = from_provider
        self.transient = transient

    def aare(self, context_name: bytes) -> bytes:
        """The AARE that rejects."""
        result = acse.AssociationResult.REJECTED_PERMANENT
        if self.transient:
            result = acse.AssociationResult.REJECTED_TRANSIENT
        return acse.write_aare(
            acse.Aare(context_name, result, self.diagnostic, self.user_information, self.from_provider)
        )


class Pending(NamedTuple):
    """High level security after pass 2: how the client's proof is verified, and ours made."""

    high: HighLevelSecurity
    exchange: Exchange


class Opening(NamedTuple):
    """An AARQ that is accepted: what the association is to be, and what its AARE says."""

    context_name: bytes
    mechanism: Mechanism
    negotiated: Conformance
    client_max_pdu: int
    initiate_response: bytes
    how: How
    layer: SecurityLayer | None
    pending: Pending | None
    title: bytes | None
    user: int | None
    note: Callable[[], None]
    """To be called when the association is open, after pass 3 where there is one."""

    def aare(self) -> bytes:
        """The AARE that accepts, or goes on with pass 3; its InitiateResponse is protected as the request was."""
        information = self.initiate_response
        if self.layer is not None:
            information = self.layer.protect(information, self.how)
        diagnostic, mechanism, challenge = UserDiagnostic.NULL, None, None
        if self.pending is not None:
            diagnostic = UserDiagnostic.AUTHENTICATION_REQUIRED
            mechanism, challenge = self.mechanism, self.pending.exchange.own_challenge
        return acse.write_aare(
            acse.Aare(
                self.context_name,
                acse.AssociationResult.ACCEPTED,
                diagnostic,
                information,
                responding_ap_title=self.title,
                mechanism=mechanism,
                authentication_value=challenge,
            )
        )


def nothing() -> None:
    """What is noted of a client whose title does not matter, or who is not there."""


def accept(definition: AssociationDefinition | None, context: Any, request: acse.Aarq) -> Opening:
    """Check an AARQ; raises `Refusal`, or `DecodeError` where its InitiateRequest does not decode."""
    if request.protocol_version is not None and not request.protocol_version.startswith("1"):
        raise Refusal(ProviderDiagnostic.NO_COMMON_ACSE_VERSION, from_provider=True)
    if request.context is not (ApplicationContext.LN if definition is None else definition.context):
        raise Refusal(UserDiagnostic.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
    if request.calling_ap_title is not None and len(request.calling_ap_title) != 8:
        raise Refusal(UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED)
    if definition is None:
        raise Refusal(UserDiagnostic.NO_REASON_GIVEN)
    if definition.users and request.calling_ae_invocation_id not in definition.users:
        raise Refusal(UserDiagnostic.CALLING_AE_INVOCATION_ID_NOT_RECOGNIZED)
    try:
        return _Check(definition, context, request).opening()
    except AssociationRefused as refused:
        raise Refusal(refused.diagnostic, refused.initiate_error) from refused


def _asks_for_protection(policy: SecurityPolicy) -> bool:
    return any(required(policy, direction) for direction in Direction)


class _Check:
    """The checks of one AARQ against one association."""

    def __init__(self, definition: AssociationDefinition, context: Any, request: acse.Aarq) -> None:
        self.definition = definition
        self.context = context
        self.request = request
        self.context_of_client: SecurityContext | None = None
        self.guard: Guard | None = None if definition.guard is None else definition.guard(context)
        self.security: MeterSecurity | None = None if definition.security is None else definition.security(context)

    def opening(self) -> Opening:
        mechanism, ciphered = self.definition.mechanism, self.definition.context.ciphered
        proved = mechanism is not Mechanism.LOWEST or ciphered
        with_title = ciphered or mechanism in _WITH_TITLES
        security_context = self.context_of_client = self._security_context() if with_title else None
        if proved and self.guard is not None and self.guard.locked:
            raise Refusal(UserDiagnostic.AUTHENTICATION_FAILURE, transient=True)
        if not ciphered and self.security is not None and _asks_for_protection(self.security.policy):
            raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.OTHER)
        pending = self._authenticate(security_context)
        layer, how, octets = None, PLAIN, self.request.user_information
        if ciphered:
            assert self.security is not None
            assert security_context is not None
            layer = SecurityLayer(self.security, security_context, to_be_proved=pending is not None)
            octets, how = self._initiate_request(layer)
        try:
            proposed = initiate.read_initiate_request(octets)
            if proposed.dedicated_key is not None:
                if layer is None:  # a key has no meaning without ciphering
                    raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.OTHER)
                layer.context.use_dedicated_key(proposed.dedicated_key, None if how is PLAIN else how)
            negotiated = self._negotiate(proposed)
        except (Refusal, AssociationRefused) as error:
            refusal = error if isinstance(error, Refusal) else Refusal(error.diagnostic, error.initiate_error)
            if layer is not None and refusal.user_information is not None:
                refusal.user_information = layer.protect(refusal.user_information, how)
            raise refusal from error
        if layer is not None:
            layer.initiate = how
            layer.general = bool(negotiated & Conformance.GENERAL_PROTECTION)
        by_tag = bool(how.protection & Protection.AUTHENTICATED)
        if pending is None and self.guard is not None and (mechanism is Mechanism.LOW or by_tag):
            self.guard.succeeded()
        vaa_name = initiate.VAA_NAME_LN if self.definition.context.long_names else initiate.VAA_NAME_SN
        granted = initiate.InitiateResponse(negotiated, self.definition.max_receive_pdu, vaa_name)
        return Opening(
            self.request.context_name,
            mechanism,
            negotiated,
            proposed.max_receive_pdu or _PDU_UNLIMITED,
            initiate.write_initiate_response(granted),
            how,
            layer,
            pending,
            self.security.system_title if with_title and self.security is not None else None,
            self.request.calling_ae_invocation_id if self.definition.users else None,
            self._note if with_title else nothing,
        )

    def _note(self) -> None:
        assert self.security is not None
        assert self.request.calling_ap_title is not None
        if self.context_of_client is not None and self.definition.mechanism >= Mechanism.HIGH:
            self.context_of_client.prove()
        self.security.opened(self.request.calling_ap_title)

    def _security_context(self) -> SecurityContext:
        title = self.request.calling_ap_title
        if title is None:
            raise Refusal(UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED)
        assert self.security is not None
        return self.security.context(title)

    def _authenticate(self, security_context: SecurityContext | None) -> Pending | None:
        definition, request = self.definition, self.request
        if definition.mechanism is Mechanism.LOWEST:
            if request.mechanism not in (None, Mechanism.LOWEST):
                raise Refusal(UserDiagnostic.AUTHENTICATION_FAILURE)
            return None
        value = request.authentication_value
        if (
            request.acse_requirements != acse.AUTHENTICATION
            or request.mechanism != definition.mechanism
            or value is None
        ):
            raise Refusal(UserDiagnostic.AUTHENTICATION_FAILURE)
        if definition.mechanism is Mechanism.LOW:
            if not hmac.compare_digest(value, definition.secret(self.context)):
                raise self._failed()
            return None
        assert self.security is not None
        client_challenge = check_challenge(value)
        return Pending(
            self._high(security_context),
            Exchange(
                self.security.system_title,
                request.calling_ap_title or b"",
                new_challenge(definition.mechanism, self.security.random, client_challenge),
                client_challenge,
            ),
        )

    def _high(self, security_context: SecurityContext | None) -> HighLevelSecurity:
        definition, context = self.definition, self.context
        if definition.mechanism is Mechanism.HIGH:
            proof = definition.proof
            assert proof is not None
            return ManufacturerSpecific(lambda exchange: proof(context, exchange))
        if definition.mechanism in (Mechanism.HIGH_MD5, Mechanism.HIGH_SHA1, Mechanism.HIGH_SHA256):
            return Digest(definition.mechanism, definition.secret(context))
        assert security_context is not None
        if definition.mechanism is Mechanism.HIGH_GMAC:
            return Gmac(security_context)
        keys = security_context.asymmetric
        if keys.signing is None or keys.peer_signing is None:  # nothing to prove with: not a failure of the client's
            raise Refusal(UserDiagnostic.AUTHENTICATION_FAILURE)
        return Ecdsa(keys.signing, keys.peer_signing)

    def _initiate_request(self, layer: SecurityLayer) -> tuple[bytes, How]:
        try:
            return layer.unprotect(self.request.user_information)
        except SecurityError as error:
            layer.refused(error)
            if error.fault is xdlms.ServiceFault.DECIPHERING_ERROR:
                raise self._failed() from error
            if isinstance(error, InvocationCounterError):
                raise Refusal(UserDiagnostic.AUTHENTICATION_FAILURE) from error
            raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.OTHER) from error

    def _failed(self) -> Refusal:
        if self.guard is not None:
            self.guard.failed()
        return Refusal(UserDiagnostic.AUTHENTICATION_FAILURE)

    def _negotiate(self, proposed: InitiateRequest) -> Conformance:
        if proposed.dlms_version < initiate.DLMS_VERSION:
            raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.DLMS_VERSION_TOO_LOW)
        foreign, least = initiate.FOREIGN_AND_LEAST[self.definition.context.long_names]
        negotiated = Conformance(proposed.conformance) & self.definition.conformance & ~foreign
        if not negotiated & least:
            raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.INCOMPATIBLE_CONFORMANCE)
        if 0 < proposed.max_receive_pdu < initiate.SMALLEST_PDU:
            raise Refusal(UserDiagnostic.NO_REASON_GIVEN, InitiateError.PDU_SIZE_TOO_SHORT)
        return negotiated
