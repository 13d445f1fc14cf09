"""Between an association and its services: requests are made plain and checked, responses protected.

| what a request must do | else |
|---|---|
| be what its tag says, under our keys, not seen before (`SecurityContext`) | deciphering- or invocation-counter-error |
| have the protection that the policy asks of requests | service-not-allowed, operation-not-possible |
| have more than encryption alone, until the client has proved itself; but for the way to its proof | the same |
| be answerable as it came and as the policy asks of responses: keys are there | the same, before anything is done |
| leave values of our counter for the response | `CounterExhausted`: reported, other-reason |
| come in a general APDU only where general-protection was negotiated | service-not-allowed, service-not-supported |

A response goes as its request came, and at least as the policy asks. An exception-response has no ciphered tag of its
own: where only service-specific tags may be used, it goes plain; it holds nothing but its two codes.

What security needs of the meter is the server's to keep, where a restart finds it: `MeterSecurity`, `Guard`.
"""

from __future__ import annotations

from typing import Final, Protocol

from .. import xdlms
from .errors import GeneralProtectionRefused, InsufficientProtection, KeyRefused, SecurityError
from .key_establishment import KeyChoice
from .policy import Direction, Protection, SecurityPolicy, required
from .security_context import How, Opened, SecurityContext
from .tags import GENERAL, GLOBAL_TAGS, PROTECTED, Envelope


class MeterSecurity(Protocol):
    """What a meter holds for the associations of one Security setup.

    Counters that move and titles that are noted are the server's to make durable before the response goes out.
    """

    @property
    def system_title(self) -> bytes:
        """Our title: eight octets."""

    @property
    def policy(self) -> SecurityPolicy:
        """The policy in force now."""

    def random(self, size: int) -> bytes:
        """Octets of a source fit for challenges and keys."""

    def context(self, client_title: bytes) -> SecurityContext:
        """Keys and counters for an association with this client; raises `SystemTitleRefused` for one not known."""

    def opened(self, client_title: bytes) -> None:
        """An association with this client is open: it is the client_system_title of the Security setup."""

    def refused(self, client_title: bytes, error: SecurityError) -> None:
        """A protected APDU was refused, a replay among others: for log and event logger."""


class Guard(Protocol):
    """Counts what fails to prove itself to one association; delays and locks as the meter is set."""

    @property
    def locked(self) -> bool:
        """Whether nobody is let in now, right or wrong; what is tried meanwhile is not looked at."""

    def failed(self) -> None:
        """A wrong password, proof or tag of an AARQ."""

    def forged(self) -> None:
        """A wrong tag in an open association: blamed on the connection, and no failure of the association."""

    def succeeded(self) -> None:
        """A right one."""


PLAIN: Final = How(Protection.NONE, Envelope.NONE)

_CIPHERED: Final = int(Protection.AUTHENTICATED | Protection.ENCRYPTED)
_SIGNED: Final = int(Protection.SIGNED)
_GENERAL_FORM: Final = {
    Envelope.SERVICE_GLOBAL: Envelope.GENERAL_GLOBAL,
    Envelope.SERVICE_DEDICATED: Envelope.GENERAL_DEDICATED,
    Envelope.NONE: Envelope.GENERAL_GLOBAL,
}
_DEDICATED: Final = (Envelope.SERVICE_DEDICATED, Envelope.GENERAL_DEDICATED)

_CONTENT_OVERHEAD: Final = 21
"""Tag, length in three octets, security control, counter, authentication tag."""
_TITLE_OVERHEAD: Final = 9
"""A system title with its length, in general-glo and general-ded-ciphering."""
_HEADER_OVERHEAD: Final = 21
"""The fields of general-ciphering and general-signing: two titles, three empty ones."""
_SIGNING_OVERHEAD: Final = 6
"""Tag and two lengths."""


class SecurityLayer:
    """Protects one association; `initiate` says how the InitiateRequest came that opened it.

    `to_be_proved` says that high level security is to follow, and nothing is served before.
    """

    def __init__(self, security: MeterSecurity, context: SecurityContext, *, to_be_proved: bool = False) -> None:
        self.context = context
        self._to_be_proved = to_be_proved
        self.initiate = PLAIN
        self.general = True
        """Whether general APDUs may be used: in the AARQ always, then as negotiated."""
        self._security = security
        self._policy: SecurityPolicy | None = None
        self._of_request = self._of_response = 0

    def unprotect(self, apdu: bytes) -> Opened:
        """A request made plain, and how it came; raises `SecurityError` or `DecodeError`, and then nothing was done."""
        tag = apdu[0] if apdu else -1
        if tag in PROTECTED:
            if tag in GENERAL and not self.general:
                raise GeneralProtectionRefused("general-protection was not negotiated")
            opened = self.context.open(apdu)
            # Anybody can make octets that decipher to some APDU: one of 256 is enough.
            if not (self.context.proved or self._to_be_proved):
                raise InsufficientProtection("encryption alone, of a client that has proved nothing")
        else:
            opened = Opened(apdu, PLAIN)
        self._require(opened.how)
        return opened

    def _require(self, how: How) -> None:
        policy = self._security.policy
        if policy != self._policy:
            self._of_request = int(required(policy, Direction.REQUEST))
            self._of_response = int(required(policy, Direction.RESPONSE))
            self._policy = policy
        protection = int(how.protection)
        if self._of_request & ~protection:
            raise InsufficientProtection(f"{how.protection!r} ({policy} in force)")
        if (protection | self._of_response) & _SIGNED and not (self.general and self.context.asymmetric.signing):
            raise InsufficientProtection("the response must be signed, and cannot be")
        if (protection | self._of_response) & _CIPHERED:
            try:
                self.context.check_sealing(how.of_answer)
            except KeyRefused as refused:
                raise InsufficientProtection(f"the response cannot be protected: {refused}") from None

    def protect(self, response: bytes, how: How) -> bytes:
        """The response to a request that came as `how` says; raises `KeyRefused` where a key is missing."""
        protection = int(how.protection) | self._of_response
        if not protection:
            return response
        if protection != int(how.protection):
            how = how._replace(protection=Protection(protection))
        envelope = how.envelope
        if protection & _CIPHERED and envelope in _GENERAL_FORM:
            if envelope is Envelope.NONE:
                envelope = Envelope.SERVICE_GLOBAL
            if protection & _SIGNED or response[0] not in GLOBAL_TAGS:
                if not self.general and response[0] == xdlms.EXCEPTION_RESPONSE:
                    return response
                envelope = _GENERAL_FORM[envelope]
            if envelope is not how.envelope:
                how = how._replace(envelope=envelope)
        return self.context.seal(response, how.of_answer)

    def protection(self, how: How) -> int:
        """Protection of a request that came as `how` says and of its response, in the bits of access rights."""
        request = int(how.protection)
        return request << 2 | (request | self._of_response) << 5

    def of_event(self) -> How:
        """How goes what nobody asked for: as the InitiateRequest came, and at least as the policy asks of responses.

        Raises `InsufficientProtection` where that is a signature that cannot be made.
        """
        protection = self.initiate.protection | required(self._security.policy, Direction.RESPONSE)
        if protection & Protection.SIGNED and not (self.general and self.context.asymmetric.signing):
            raise InsufficientProtection("the event must be signed, and cannot be")
        return How(protection, Envelope.SERVICE_GLOBAL)

    def overhead(self, how: How) -> int:
        """Most octets that `protect` adds to a response to a request that came as `how` says."""
        protection = int(how.protection) | self._of_response
        octets = 0
        if protection & _CIPHERED:
            octets = _CONTENT_OVERHEAD
            if how.envelope is Envelope.GENERAL:
                octets += _HEADER_OVERHEAD + len(how.transaction_id) + self._key_info(how.key)
            elif protection & _SIGNED or how.envelope not in _GENERAL_FORM:
                octets += _TITLE_OVERHEAD
        if protection & _SIGNED:
            octets += _SIGNING_OVERHEAD + _HEADER_OVERHEAD + len(how.transaction_id)
            octets += 2 * self.context.keys.suite.coordinate_size
        return octets

    def _key_info(self, choice: KeyChoice) -> int:
        """Most octets of key-info; ephemeral keys and their signatures are four coordinates."""
        if choice is KeyChoice.WRAPPED:
            return 4 + self.context.keys.suite.key_size + 8
        if choice is KeyChoice.ONE_PASS:
            return 7 + 4 * self.context.keys.suite.coordinate_size
        return 5

    def read_release(self, user_information: bytes | None) -> Opened:
        """The InitiateRequest of an RLRQ; raises `SecurityError` or `DecodeError`: then the association stays.

        It must be protected as the one of the AARQ was, under a global key; where that came plain, as the policy asks.
        """
        if user_information is None:
            opened = Opened(b"", PLAIN)
            self._require(PLAIN)
        else:
            opened = self.unprotect(user_information)
        how = opened.how
        if int(self.initiate.protection) & ~int(how.protection) or how.envelope in _DEDICATED:
            raise InsufficientProtection(f"an RLRQ with {how.protection!r} ({self.initiate.protection!r} in the AARQ)")
        return opened

    def proof_allowed(self, how: How) -> None:
        """Raise `InsufficientProtection` for a pass 3 under the dedicated key: nobody has proved anything yet."""
        if how.envelope in _DEDICATED:
            raise InsufficientProtection("pass 3 under the dedicated key")

    def refused(self, error: SecurityError) -> None:
        """Tell the server what was refused."""
        self._security.refused(self.context.peer_title, error)
