"""Requests that are refused as a whole where names are short: a ConfirmedServiceError (Green Book 9.5).

The exception-response belongs to logical names, as clients with short names and their conformance tests see it; so the
reasons of an exception-response get the ServiceError that is nearest, and an unconfirmed request gets silence.

| reason | ServiceError |
|---|---|
| operation-not-possible | vde-state-error, no-dlms-context |
| service-not-supported | service, service-unsupported |
| other-reason | service, other |
| pdu-too-long | service, pdu-size |
| deciphering-error, invocation-counter-error | application-reference, deciphering-error |
"""

from __future__ import annotations

from typing import Final

from ..xdlms import ServiceFault
from .apdus import CONFIRMED_SERVICE_ERROR, UNCONFIRMED_WRITE_REQUEST, WRITE_REQUEST

_READ: Final = 0x05
_WRITE: Final = 0x06

_SERVICE_ERRORS: Final = {
    ServiceFault.OPERATION_NOT_POSSIBLE: (2, 1),
    ServiceFault.SERVICE_NOT_SUPPORTED: (3, 2),
    ServiceFault.OTHER_REASON: (3, 0),
    ServiceFault.PDU_TOO_LONG: (3, 1),
    ServiceFault.DECIPHERING_ERROR: (0, 6),
    ServiceFault.INVOCATION_COUNTER_ERROR: (0, 6),
}

_WRITES: Final = frozenset((WRITE_REQUEST, WRITE_REQUEST | 0x20, WRITE_REQUEST | 0x40))
_SILENT: Final = frozenset(
    (UNCONFIRMED_WRITE_REQUEST, UNCONFIRMED_WRITE_REQUEST | 0x20, UNCONFIRMED_WRITE_REQUEST | 0x40)
)


def refusal(tag: int, fault: ServiceFault) -> bytes | None:
    """The answer to a request with this tag, plain or ciphered; None for silence.

    A service that is neither READ nor WRITE has no ConfirmedServiceError of its own: it gets that of READ (ours).
    """
    if tag in _SILENT:
        return None
    family, code = _SERVICE_ERRORS[fault]
    return bytes((CONFIRMED_SERVICE_ERROR, _WRITE if tag in _WRITES else _READ, family, code))
