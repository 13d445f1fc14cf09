"""What security refuses, each error carrying its answer on the wire.

Three families:

* `SecurityError`: a protected APDU is refused. `response()` is the exception-response; nothing was accessed and
  nothing changed. The text says what was wrong for our log, the answer says no more than the standard asks:
  a wrong tag, a wrong key and a wrong title look alike to the peer.
* `KeyRefused`: a key that a method of Security setup was given. A `ServiceError`, so the class carries the result.
* `AssociationRefused`: an AARQ whose security is wrong; the class carries the diagnostic of the AARE.

Octets that do not follow an encoding stay `DecodeError`. Which state error accompanies a fault is not in the public
text for all of them: `service-unknown` for what cannot be deciphered, `service-not-allowed` for what is understood
and not allowed (ours).
"""

from __future__ import annotations

from typing import ClassVar, Final

from ..acse import UserDiagnostic
from ..errors import ActionResult, DataAccessResult, ServiceError
from ..initiate import InitiateError
from ..xdlms import ServiceFault, StateError, exception_response

MAX_COUNTER: Final = 0xFFFF_FFFF
"""Invocation counters have four octets and never wrap (Green Book 9.2.3.3.7.3)."""


class SecurityError(Exception):
    """A protected APDU that is refused; the class says with which exception-response."""

    state: ClassVar[StateError] = StateError.SERVICE_UNKNOWN
    fault: ClassVar[ServiceFault] = ServiceFault.DECIPHERING_ERROR

    def response(self) -> bytes:
        """The exception-response that answers the APDU."""
        return exception_response(self.state, self.fault)


class DecipheringError(SecurityError):
    """Wrong tag, key, title or security control, or an APDU inside that does not fit its envelope."""


class ReplayRefused(DecipheringError):
    """A signed APDU that was or may have been seen before; there is no counter that could be named in the answer."""


class InvocationCounterError(SecurityError):
    """A counter that is not above the last one accepted; the answer names the lowest acceptable."""

    fault = ServiceFault.INVOCATION_COUNTER_ERROR

    def __init__(self, received: int, lowest: int) -> None:
        super().__init__(f"invocation counter {received}, at least {lowest} expected")
        self.lowest = lowest

    def response(self) -> bytes:
        """The exception-response, with the counter as double-long-unsigned."""
        return super().response() + min(self.lowest, MAX_COUNTER).to_bytes(4, "big")


class CompressionRefused(SecurityError):
    """The compression bit is set: a function that is known and not offered."""

    state = StateError.SERVICE_NOT_ALLOWED
    fault = ServiceFault.SERVICE_NOT_SUPPORTED


class GeneralProtectionRefused(SecurityError):
    """A general APDU in an association that did not negotiate general-protection."""

    state = StateError.SERVICE_NOT_ALLOWED
    fault = ServiceFault.SERVICE_NOT_SUPPORTED


class InsufficientProtection(SecurityError):
    """Less protection than the security policy of the association requires."""

    state = StateError.SERVICE_NOT_ALLOWED
    fault = ServiceFault.OPERATION_NOT_POSSIBLE


class CounterJumps(InsufficientProtection):
    """A counter without a tag that jumps too far ahead: an APDU with a tag may."""


class AssociationRefused(Exception):
    """An AARQ whose security is refused: `diagnostic` of the AARE, and the initiate error where there is one."""

    diagnostic: ClassVar[UserDiagnostic] = UserDiagnostic.NO_REASON_GIVEN
    initiate_error: ClassVar[InitiateError | None] = None


class DedicatedKeyRefused(AssociationRefused):
    """A dedicated key of the wrong length, or in an InitiateRequest that is not authenticated and encrypted."""

    initiate_error = InitiateError.OTHER


class SystemTitleRefused(AssociationRefused):
    """A system title that is not eight octets long, or is our own: the same key would meet the same IV twice."""

    diagnostic = UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED


class ChallengeRefused(AssociationRefused):
    """A challenge of the wrong length."""

    diagnostic = UserDiagnostic.AUTHENTICATION_FAILURE


class KeyRefused(ServiceError):
    """A wrapped or agreed key that cannot be taken: wrong length, check value, point or signature."""

    result = DataAccessResult.OTHER_REASON
    action_result = ActionResult.OTHER_REASON


class CounterExhausted(Exception):
    """Our own counter has reached its end: no more may be sent before the keys are replaced (ours to report)."""
