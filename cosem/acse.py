"""ACSE APDUs in BER (Green Book 9.4.2, 9.5): AARQ, AARE, RLRQ, RLRE.

An AARQ is a sequence of context-tagged fields, each present or not. They are read into a dictionary by
tag once, in any order but none twice; unknown fields are passed over as BER extensibility asks. Lengths
are definite; nothing is allocated beyond what was received.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from .errors import DecodeError
from .reader import Reader, encode_length

AARQ: Final = 0x60
AARE: Final = 0x61
RLRQ: Final = 0x62
RLRE: Final = 0x63

_CONTEXT_PREFIX: Final = bytes.fromhex("06076085 74050801")
_MECHANISM_PREFIX: Final = bytes.fromhex("60857405 0802")

# Field tags of AARQ; AARE shares 0x80, 0xA1 and 0xBE, releases 0xBE.
_PROTOCOL_VERSION: Final = 0x80
_CONTEXT_NAME: Final = 0xA1
_RESULT: Final = 0xA2
_DIAGNOSTIC: Final = 0xA3
_CALLING_AP_TITLE: Final = 0xA6
_RESPONDING_AP_TITLE: Final = 0xA4
_RESPONDER_ACSE_REQUIREMENTS: Final = 0x88
_RESPONDING_MECHANISM_NAME: Final = 0x89
_RESPONDING_AUTHENTICATION_VALUE: Final = 0xAA
_CALLING_AE_INVOCATION_ID: Final = 0xA9
_ACSE_REQUIREMENTS: Final = 0x8A
_MECHANISM_NAME: Final = 0x8B
_AUTHENTICATION_VALUE: Final = 0xAC
_USER_INFORMATION: Final = 0xBE
_RELEASE_REASON: Final = 0x80

_MOST_TAG_OCTETS: Final = 2
"""Further octets of a tag: tag numbers up to 16383, ours. No extension is near; each octet more costs a client nothing
and us a longer number."""

AUTHENTICATION: Final = b"\x07\x80"
"""acse-requirements: the functional unit authentication, bit 0, and no other."""


class ApplicationContext(IntEnum):
    """The last arc of the application context names 2.16.756.5.8.1.x."""

    LN = 1
    SN = 2
    LN_CIPHERED = 3
    SN_CIPHERED = 4

    @property
    def long_names(self) -> bool:
        """Whether objects are referred to by their logical names."""
        return self in (ApplicationContext.LN, ApplicationContext.LN_CIPHERED)

    @property
    def ciphered(self) -> bool:
        """Whether APDUs may be ciphered."""
        return self in (ApplicationContext.LN_CIPHERED, ApplicationContext.SN_CIPHERED)


class Mechanism(IntEnum):
    """The last arc of the authentication mechanism names 2.16.756.5.8.2.x."""

    LOWEST = 0
    LOW = 1
    HIGH = 2
    HIGH_MD5 = 3
    HIGH_SHA1 = 4
    HIGH_GMAC = 5
    HIGH_SHA256 = 6
    HIGH_ECDSA = 7


class AssociationResult(IntEnum):
    """Result of an AARE."""

    ACCEPTED = 0
    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class UserDiagnostic(IntEnum):
    """acse-service-user diagnostics of an AARE."""

    NULL = 0
    NO_REASON_GIVEN = 1
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = 2
    CALLING_AP_TITLE_NOT_RECOGNIZED = 3
    CALLING_AE_INVOCATION_ID_NOT_RECOGNIZED = 6
    AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED = 11
    AUTHENTICATION_MECHANISM_NAME_REQUIRED = 12
    AUTHENTICATION_FAILURE = 13
    AUTHENTICATION_REQUIRED = 14


class ProviderDiagnostic(IntEnum):
    """acse-service-provider diagnostics of an AARE."""

    NULL = 0
    NO_REASON_GIVEN = 1
    NO_COMMON_ACSE_VERSION = 2


class Aarq(NamedTuple):
    """An association request. `context_name` holds the contents of the OID field as sent, so that an
    unknown one can be echoed; `context` is None where it is none of ours."""

    context_name: bytes
    context: ApplicationContext | None
    user_information: bytes
    protocol_version: str | None = None
    calling_ap_title: bytes | None = None
    acse_requirements: bytes | None = None
    mechanism: int | None = None
    authentication_value: bytes | None = None
    calling_ae_invocation_id: int | None = None
    """The user of the client."""

    def __repr__(self) -> str:
        """Silent: passwords and keys."""
        return "Aarq(…)"


class Aare(NamedTuple):
    """An association response. `diagnostic` is of the user, or of the provider where `from_provider`.

    The last three are there when high level security goes on with pass 3, the title also in ciphered contexts.
    """

    context_name: bytes
    result: int
    diagnostic: int
    user_information: bytes | None = None
    from_provider: bool = False
    responding_ap_title: bytes | None = None
    mechanism: int | None = None
    authentication_value: bytes | None = None


class Release(NamedTuple):
    """An RLRQ or RLRE: reason 0 is normal; the initiate APDU it carries in ciphered contexts."""

    reason: int = 0
    user_information: bytes | None = None

    def __repr__(self) -> str:
        """Silent: the initiate APDU may hold a key."""
        return "Release(…)"


def context_name(context: ApplicationContext) -> bytes:
    """The contents of the application-context-name field: tag, length and the seven octets of the OID."""
    return _CONTEXT_PREFIX + bytes((context,))


def object_identifier(name: bytes) -> bytes:
    """The OID octets inside a context-name field."""
    return name[2:]


def mechanism_name(mechanism: Mechanism) -> bytes:
    """The seven octets of the mechanism name's OID."""
    return _MECHANISM_PREFIX + bytes((mechanism,))


def _fields(octets: bytes, tag: int, name: str) -> dict[int, bytes]:
    reader = Reader(octets)
    found = reader.u8()
    if found != tag:
        raise DecodeError(f"{name} (tag 0x{tag:02x}) expected, found 0x{found:02x}", 0)
    body = reader.sub(reader.length())
    reader.end()
    fields: dict[int, bytes] = {}
    while body.remaining:
        position = body.position
        field = body.u8()
        if field & 0x1F == 0x1F:  # a tag number of 31 or more, in octets of its own: an extension
            for _ in range(_MOST_TAG_OCTETS):
                octet = body.u8()
                field = field << 8 | octet
                if not octet & 0x80:
                    break
            else:
                raise DecodeError(f"a tag of more than {_MOST_TAG_OCTETS} further octets", position)
        if field in fields:
            raise DecodeError(f"field 0x{field:02x} of the {name} stands twice", position)
        fields[field] = body.octets(body.length())
    return fields


def _inner(contents: bytes, tag: int, name: str) -> bytes:
    reader = Reader(contents)
    found = reader.u8()
    if found != tag:
        raise DecodeError(f"{name}: tag 0x{tag:02x} expected, found 0x{found:02x}")
    value = reader.octets(reader.length())
    reader.end()
    return value


def _small_integer(contents: bytes, name: str) -> int:
    octets = _inner(contents, 0x02, name)
    if len(octets) != 1:
        raise DecodeError(f"{name}: an INTEGER of one octet expected, found {len(octets)}")
    return octets[0]


def read_aarq(octets: bytes) -> Aarq:
    """Read an AARQ; raises `DecodeError`."""
    fields = _fields(octets, AARQ, "AARQ")
    try:
        name = fields[_CONTEXT_NAME]
    except KeyError:
        raise DecodeError("the AARQ names no application context") from None
    context = None
    if name[:-1] == _CONTEXT_PREFIX and name[-1] in ApplicationContext.__members__.values():
        context = ApplicationContext(name[-1])
    user_information = fields.get(_USER_INFORMATION)
    if user_information is None:
        raise DecodeError("the AARQ holds no InitiateRequest")
    version = fields.get(_PROTOCOL_VERSION)
    bits = None
    if version is not None:
        if len(version) < 2 or version[0] > 7:
            raise DecodeError("protocol-version is a bit string of one to eight bits")
        bits = "".join(f"{octet:08b}" for octet in version[1:])[: 8 * (len(version) - 1) - version[0]]
    return Aarq(
        context_name=name,
        context=context,
        user_information=_inner(user_information, 0x04, "user-information"),
        protocol_version=bits,
        calling_ap_title=_title(fields.get(_CALLING_AP_TITLE), "calling-AP-title"),
        acse_requirements=fields.get(_ACSE_REQUIREMENTS),
        mechanism=_mechanism(fields.get(_MECHANISM_NAME)),
        authentication_value=_authentication(fields.get(_AUTHENTICATION_VALUE), "calling-authentication-value"),
        calling_ae_invocation_id=_invocation_id(fields.get(_CALLING_AE_INVOCATION_ID)),
    )


def _invocation_id(contents: bytes | None) -> int | None:
    return None if contents is None else _small_integer(contents, "calling-AE-invocation-id")


def _title(contents: bytes | None, name: str) -> bytes | None:
    return None if contents is None else _inner(contents, 0x04, name)


def _mechanism(name: bytes | None) -> int | None:
    if name is None:
        return None
    return name[-1] if name[:-1] == _MECHANISM_PREFIX else -1


def _authentication(contents: bytes | None, name: str) -> bytes | None:
    """charstring [0] for passwords and challenges, bitstring [1] from some clients of mechanisms 6 and 7."""
    return None if contents is None else _inner(contents, 0x81 if contents[:1] == b"\x81" else 0x80, name)


def _field(tag: int, contents: bytes) -> bytes:
    return bytes((tag,)) + encode_length(len(contents)) + contents


def write_aarq(
    context: ApplicationContext,
    user_information: bytes,
    authentication_value: bytes | None = None,
    mechanism: Mechanism = Mechanism.LOW,
    calling_ap_title: bytes | None = None,
    user: int | None = None,
) -> bytes:
    """An AARQ without authentication, or with a password or challenge as `authentication_value`."""
    body = _field(_CONTEXT_NAME, context_name(context))
    if calling_ap_title is not None:
        body += _field(_CALLING_AP_TITLE, _field(0x04, calling_ap_title))
    if user is not None:
        body += _field(_CALLING_AE_INVOCATION_ID, bytes((0x02, 0x01, user)))
    if authentication_value is not None:
        body += _field(_ACSE_REQUIREMENTS, AUTHENTICATION)
        body += _field(_MECHANISM_NAME, mechanism_name(mechanism))
        body += _field(_AUTHENTICATION_VALUE, _field(0x80, authentication_value))
    body += _field(_USER_INFORMATION, _field(0x04, user_information))
    return _field(AARQ, body)


def read_aare(octets: bytes) -> Aare:
    """Read an AARE; raises `DecodeError`."""
    fields = _fields(octets, AARE, "AARE")
    try:
        result = _small_integer(fields[_RESULT], "result")
        diagnostic = Reader(fields[_DIAGNOSTIC])
        name = fields[_CONTEXT_NAME]
    except KeyError as missing:
        raise DecodeError(f"the AARE lacks field 0x{missing.args[0]:02x}") from None
    choice = diagnostic.u8()
    code = _small_integer(diagnostic.octets(diagnostic.length()), "result-source-diagnostic")
    diagnostic.end()
    information = fields.get(_USER_INFORMATION)
    return Aare(
        context_name=name,
        result=result,
        diagnostic=code,
        user_information=None if information is None else _inner(information, 0x04, "user-information"),
        from_provider=choice == 0xA2,
        responding_ap_title=_title(fields.get(_RESPONDING_AP_TITLE), "responding-AP-title"),
        mechanism=_mechanism(fields.get(_RESPONDING_MECHANISM_NAME)),
        authentication_value=_authentication(
            fields.get(_RESPONDING_AUTHENTICATION_VALUE), "responding-authentication-value"
        ),
    )


def write_aare(response: Aare) -> bytes:
    """Write an AARE; authentication fields only with high level security (382M DLMS description 4)."""
    choice = 0xA2 if response.from_provider else 0xA1
    body = _field(_CONTEXT_NAME, response.context_name)
    body += _field(_RESULT, bytes((0x02, 0x01, response.result)))
    body += _field(_DIAGNOSTIC, _field(choice, bytes((0x02, 0x01, response.diagnostic))))
    if response.responding_ap_title is not None:
        body += _field(_RESPONDING_AP_TITLE, _field(0x04, response.responding_ap_title))
    if response.mechanism is not None:
        body += _field(_RESPONDER_ACSE_REQUIREMENTS, AUTHENTICATION)
        body += _field(_RESPONDING_MECHANISM_NAME, mechanism_name(Mechanism(response.mechanism)))
    if response.authentication_value is not None:
        body += _field(_RESPONDING_AUTHENTICATION_VALUE, _field(0x80, response.authentication_value))
    if response.user_information is not None:
        body += _field(_USER_INFORMATION, _field(0x04, response.user_information))
    return _field(AARE, body)


def read_release(octets: bytes, tag: int = RLRQ) -> Release:
    """Read an RLRQ or RLRE; raises `DecodeError`."""
    fields = _fields(octets, tag, "RLRQ" if tag == RLRQ else "RLRE")
    reason = fields.get(_RELEASE_REASON, b"\x00")
    if len(reason) != 1:
        raise DecodeError("a release reason has one octet")
    information = fields.get(_USER_INFORMATION)
    return Release(reason[0], None if information is None else _inner(information, 0x04, "user-information"))


def write_release(tag: int, release: Release) -> bytes:
    """An RLRQ or RLRE."""
    body = _field(_RELEASE_REASON, bytes((release.reason,)))
    if release.user_information is not None:
        body += _field(_USER_INFORMATION, _field(0x04, release.user_information))
    return _field(tag, body)
