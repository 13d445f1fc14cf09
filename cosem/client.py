"""The client side of an association, sans-I/O.

Every exchange is a generator: it yields a request APDU, is sent the response, and returns the result.
Whoever drives it brings the link::

    exchange = client.get(descriptor)
    request = next(exchange)
    while True:
        response = link.ask(request)
        try:
            request = exchange.send(response)
        except StopIteration as done:
            return done.value
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Any, Final

from obis import Obis

from . import acse, initiate, xdlms
from .access_service import AccessRequest, read_access_response, write_access_request
from .acse import ApplicationContext, Mechanism
from .client_security import ClientSecurity
from .data_types import ANY, DATE_TIME_STRING, INTEGER, LONG_UNSIGNED, OCTET_STRING, DataType, decode_all
from .date_time import DateTime
from .errors import ActionResult, DataAccessResult, DecodeError
from .event_service import Event, read_event
from .initiate import Conformance
from .reader import Reader, encode_length
from .security.errors import SecurityError
from .security.hls import Exchange as SecurityExchange
from .security.hls import HighLevelSecurity, check_challenge, new_challenge
from .xdlms import AttributeRequest, Descriptor

Exchange = Generator[bytes, bytes, Any]

INVOKE: Final = 0xC1
"""Invoke id 1, confirmed, high priority."""

_REPLY_TO_HLS: Final = Descriptor(15, Obis.parse("0.0.40.0.0.255"), 1)

FULL_LN_CONFORMANCE: Final = (
    Conformance.PRIORITY_MANAGEMENT
    | Conformance.BLOCK_TRANSFER_WITH_GET
    | Conformance.BLOCK_TRANSFER_WITH_SET
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.ACTION
)


class AssociationRefused(Exception):
    """The server rejected the association; the text names result and diagnostic."""


class AccessFailed(Exception):
    """A GET or SET came back with a result other than success."""

    def __init__(self, what: str, result: DataAccessResult | ActionResult) -> None:
        super().__init__(f"{what}: {result.name.lower().replace('_', '-')} ({int(result)})")
        self.result = result


class AssociationClient(ABC):
    """Opens and ends an association, whatever its names; what is asked meanwhile is its subclasses'.

    With a `password` low level security is used; high level security and ciphering need `security`.
    """

    def __init__(
        self,
        password: bytes | None = None,
        max_pdu: int = 0xFFFF,
        conformance: Conformance = FULL_LN_CONFORMANCE,
        security: ClientSecurity | None = None,
    ) -> None:
        self.password = password
        self.max_pdu = max_pdu
        self.conformance = conformance
        self.security = security
        self.negotiated: initiate.InitiateResponse | None = None

    @property
    @abstractmethod
    def context_name(self) -> ApplicationContext:
        """The application context that is proposed."""

    @abstractmethod
    def reply_to_high_level_security(
        self, proof: bytes, ask: Callable[[bytes], Generator[bytes, bytes, bytes]]
    ) -> Generator[bytes, bytes, bytes]:
        """Passes 3 and 4 by way of `ask`: our proof out, the server's in, both encoded; raises `AccessFailed`."""

    def associate(self) -> Exchange:
        """AARQ and AARE, passes 3 and 4; returns the InitiateResponse, raises `AssociationRefused`."""
        security, value, mechanism, title = self.security, self.password, Mechanism.LOW, None
        if security is not None:
            security.begin()
            title = security.context.own_title
            if security.high is not None:
                mechanism = security.mechanism
                value = new_challenge(mechanism, security.random)
        proposal = self._initiate_request(None if security is None else security.dedicated_key)
        response = yield acse.write_aarq(self.context_name, proposal, value, mechanism, title)
        answer = acse.read_aare(response)
        if answer.result != acse.AssociationResult.ACCEPTED:
            if security is not None and answer.user_information is not None:
                with contextlib.suppress(SecurityError, DecodeError):  # then the diagnostic has to do
                    opened = security.open(answer.user_information, security.initiate)
                    answer = answer._replace(user_information=opened)
            raise AssociationRefused(_refusal(answer))
        if security is not None and answer.responding_ap_title not in (None, security.context.peer_title):
            raise AssociationRefused("accepted, but by a server with another system title")
        if answer.user_information is None:
            raise AssociationRefused("accepted, but without an InitiateResponse")
        granted = answer.user_information
        if security is not None:
            granted = security.open(granted, security.initiate)
        self.negotiated = initiate.read_initiate_response(granted)
        if security is not None and security.high is not None:
            assert value is not None
            yield from self._prove(security, security.high, value, answer.authentication_value)
        return self.negotiated

    def _initiate_request(self, dedicated_key: bytes | None) -> bytes:
        request = initiate.InitiateRequest(self.conformance, self.max_pdu, dedicated_key=dedicated_key)
        octets = initiate.write_initiate_request(request)
        return octets if self.security is None else self.security.seal(octets, self.security.initiate)

    def _prove(
        self, security: ClientSecurity, high: HighLevelSecurity, challenge: bytes, servers: bytes | None
    ) -> Generator[bytes, bytes, None]:
        titles = security.context.own_title, security.context.peer_title
        exchange = SecurityExchange(*titles, challenge, check_challenge(servers, challenge))

        def ask(apdu: bytes) -> Generator[bytes, bytes, bytes]:
            how = security.of_pass_3
            return security.open((yield security.seal(apdu, how)), how)

        try:
            data = yield from self.reply_to_high_level_security(OCTET_STRING.encode(high.prove(exchange)), ask)
        except AccessFailed as error:
            reason = error.result.name.lower().replace("_", "-")
            raise AssociationRefused(f"our proof was refused: {reason}") from error
        if not high.verify(exchange, decode_all(OCTET_STRING, data)):
            raise AssociationRefused("the server's proof is wrong")

    def release(self) -> Exchange:
        """RLRQ and RLRE; returns the reason."""
        information = None if self.security is None or not self.security.ciphered else self._initiate_request(None)
        response = yield acse.write_release(acse.RLRQ, acse.Release(user_information=information))
        answer = acse.read_release(response, acse.RLRE)
        if self.security is not None and answer.user_information is not None:
            initiate.read_initiate_response(self.security.open(answer.user_information, self.security.initiate))
        return answer.reason

    def ask(self, apdu: bytes) -> Generator[bytes, bytes, bytes]:
        """One request and its response, protected on the way where the association is ciphered."""
        if self.security is None:
            return (yield apdu)
        how = self.security.of_request(apdu)
        return self.security.open((yield self.security.seal(apdu, how)), how)

    def event(self, apdu: bytes) -> Event:
        """What the server tells unasked, as `EVENT_TAGS` say; raises `DecodeError` or `SecurityError`.

        In a ciphered association it is protected as the InitiateRequest was.
        """
        return read_event(apdu if self.security is None else self.security.open(apdu, self.security.initiate))


class Client(AssociationClient):
    """Builds requests and reads responses of one association with logical names."""

    @property
    def context_name(self) -> ApplicationContext:
        """With logical names, ciphered or not."""
        ciphered = self.security is not None and self.security.ciphered
        return ApplicationContext.LN_CIPHERED if ciphered else ApplicationContext.LN

    def reply_to_high_level_security(
        self, proof: bytes, ask: Callable[[bytes], Generator[bytes, bytes, bytes]]
    ) -> Generator[bytes, bytes, bytes]:
        """Passes 3 and 4 by an ACTION of Association LN."""
        response = yield from ask(xdlms.write_action(INVOKE, _REPLY_TO_HLS.to_bytes(), proof))
        result, data = xdlms.read_action_result(xdlms.read_action_response(response).raw)
        if result is not ActionResult.SUCCESS:
            raise AccessFailed("reply_to_HLS_authentication", result)
        if data is None:
            raise AssociationRefused("our proof was taken, but the server did not answer it")
        return data

    def get(self, descriptor: Descriptor, selector: int | None = None, parameters: bytes = b"") -> Exchange:
        """Read one attribute, in blocks where the server wants; returns its octets, raises `AccessFailed`."""
        request = AttributeRequest(descriptor.to_bytes(), selector, parameters)
        reply = xdlms.read_get_response((yield from self.ask(xdlms.write_get(INVOKE, request))))
        parts = []
        while True:
            if reply.data is None:
                raise AccessFailed(f"GET {descriptor}", reply.result)
            parts.append(reply.data)
            if reply.last or reply.block is None:
                return b"".join(parts)
            reply = xdlms.read_get_response((yield from self.ask(xdlms.write_get_next(INVOKE, reply.block))))

    def get_value(self, descriptor: Descriptor, type_: DataType = ANY) -> Exchange:
        """Read one attribute and decode it; by default whatever type comes."""
        octets = yield from self.get(descriptor)
        return decode_all(type_, octets)

    def get_list(self, descriptors: list[Descriptor]) -> Exchange:
        """Read several attributes in one request; returns a list of octets, or a result where one failed."""
        items = b"".join(xdlms.write_attribute_request(AttributeRequest(item.to_bytes())) for item in descriptors)
        head = bytes((xdlms.GET_REQUEST, xdlms.GET_WITH_LIST, INVOKE))
        response = yield from self.ask(head + encode_length(len(descriptors)) + items)
        if response[:2] == bytes((xdlms.GET_RESPONSE, xdlms.GET_WITH_LIST)):
            reader = Reader(response, 3)
        else:
            reply = xdlms.read_get_response(response)
            parts = []
            while True:
                if reply.data is None or reply.block is None:
                    raise AccessFailed("GET with list", reply.result)
                parts.append(reply.data)
                if reply.last:
                    break
                reply = xdlms.read_get_response((yield from self.ask(xdlms.write_get_next(INVOKE, reply.block))))
            reader = Reader(b"".join(parts))
        results: list[bytes | DataAccessResult] = []
        for _ in range(reader.count()):
            if reader.u8():
                results.append(xdlms.read_result(reader))
            else:
                results.append(xdlms.read_raw_value(reader))
        reader.end()
        return results

    def set(self, descriptor: Descriptor, value: bytes) -> Exchange:
        """Write one attribute with an encoded value; raises `AccessFailed`."""
        response = yield from self.ask(xdlms.write_set(INVOKE, AttributeRequest(descriptor.to_bytes()), value))
        result = xdlms.read_set_response(response)
        if result is not DataAccessResult.SUCCESS:
            raise AccessFailed(f"SET {descriptor}", result)

    def action(self, descriptor: Descriptor, parameter: bytes | None = INTEGER.encode(0)) -> Exchange:
        """Invoke one method; returns the encoded return value, if any; raises `AccessFailed`."""
        request = xdlms.write_action(INVOKE, descriptor.to_bytes(), parameter)
        reply = xdlms.read_action_response((yield from self.ask(request)))
        parts = [reply.raw]
        while not reply.last and reply.block is not None:
            reply = xdlms.read_action_response((yield from self.ask(xdlms.write_action_next(INVOKE, reply.block))))
            parts.append(reply.raw)
        result, data = xdlms.read_action_result(b"".join(parts))
        if result is not ActionResult.SUCCESS:
            raise AccessFailed(f"ACTION {descriptor}", result)
        return data

    def access(self, request: AccessRequest) -> Exchange:
        """Several accesses in one request; returns the `AccessResponse`, each access with its own result."""
        return read_access_response((yield from self.ask(write_access_request(request))))


def range_parameters(clock: Obis, begin: DateTime, end: DateTime) -> bytes:
    """Parameters of access selector 1: rows from `begin` to `end` by the clock column, all columns."""
    head = b"\x02\x04\x02\x04" + LONG_UNSIGNED.encode(8) + b"\x09\x06" + clock + INTEGER.encode(2)
    return head + LONG_UNSIGNED.encode(0) + DATE_TIME_STRING.encode(begin) + DATE_TIME_STRING.encode(end) + b"\x01\x00"


def _refusal(answer: acse.Aare) -> str:
    provider = acse.ProviderDiagnostic.__members__.values()
    user = acse.UserDiagnostic.__members__.values()
    known = {int(item): item.name for item in (provider if answer.from_provider else user)}
    reason = known.get(answer.diagnostic, str(answer.diagnostic)).lower().replace("_", "-")
    text = f"association rejected: {reason}"
    information = answer.user_information
    if information is not None and len(information) == 4 and information[0] == initiate.CONFIRMED_SERVICE_ERROR:
        try:
            error = initiate.InitiateError(information[3]).name.lower().replace("_", "-")
        except ValueError:
            raise DecodeError(f"initiate error {information[3]} unknown") from None
        text += f" ({error})"
    return text
