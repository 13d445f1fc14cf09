"""What a client needs for high level security and ciphering, and how it uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import xdlms
from .acse import Mechanism
from .errors import DecodeError
from .security.hls import HighLevelSecurity
from .security.layer import PLAIN
from .security.policy import Protection
from .security.security_context import How, SecurityContext
from .security.tags import PROTECTED, SERVICES, Envelope

INITIATE = How(Protection.AUTHENTICATED | Protection.ENCRYPTED, Envelope.SERVICE_GLOBAL)
"""How the InitiateRequest goes by default, and pass 3: authenticated and encrypted with the global keys."""


_GENERAL_FORM: Final = {
    Envelope.SERVICE_GLOBAL: Envelope.GENERAL_GLOBAL,
    Envelope.SERVICE_DEDICATED: Envelope.GENERAL_DEDICATED,
}


@dataclass
class ClientSecurity:
    """Titles, keys and mechanism of one client for one meter, whose title it must know before.

    `how` is the way its requests go in a ciphered context, `initiate` that of the InitiateRequest, of pass 3 where
    `how` uses the dedicated key, and of the release. Without `ciphered` the context serves high level security alone.
    """

    mechanism: Mechanism
    context: SecurityContext
    random: Callable[[int], bytes]
    high: HighLevelSecurity | None = None
    ciphered: bool = True
    how: How = INITIATE
    initiate: How = INITIATE
    dedicated_key: bytes | None = None

    def begin(self) -> None:
        """A new association begins: its dedicated key is in use from the InitiateRequest on."""
        if self.dedicated_key is not None:
            self.context.use_dedicated_key(self.dedicated_key, self.initiate)

    @property
    def of_pass_3(self) -> How:
        """How pass 3 goes."""
        dedicated = self.how.envelope in (Envelope.SERVICE_DEDICATED, Envelope.GENERAL_DEDICATED)
        return self.initiate if dedicated else self.how

    def of_request(self, apdu: bytes) -> How:
        """How a request goes: in the general form where its service has no ciphered tag."""
        general = _GENERAL_FORM.get(self.how.envelope)
        return self.how if general is None or apdu[0] in SERVICES else self.how._replace(envelope=general)

    def seal(self, apdu: bytes, how: How) -> bytes:
        """A request as it goes."""
        return self.context.seal(apdu, how) if self.ciphered and how is not PLAIN else apdu

    def open(self, apdu: bytes, how: How) -> bytes:
        """The plain response to a request that went as `how` says; raises `DecodeError` or `SecurityError`.

        A response has the protection of its request at least; an exception-response may come plain.
        """
        if not apdu or apdu[0] not in PROTECTED:
            plain = not self.ciphered or how is PLAIN or apdu[:1] == bytes((xdlms.EXCEPTION_RESPONSE,))
            if not plain:
                raise DecodeError("a response without protection")
            return apdu
        opened = self.context.open(apdu)
        if how.protection & ~opened.how.protection:
            raise DecodeError(f"a response with {opened.how.protection!r}")
        return opened.apdu
