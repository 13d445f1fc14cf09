"""Data protected end to end, apart from the APDU that carries them (Blue Book, class 30): one protection on another.

Each protection has its parameters; they are applied in their order and taken off in the opposite one.

| type | the octets it gives |
|---|---|
| 0 authentication | security control, counter, the data, tag |
| 1 encryption | security control, counter, ciphertext |
| 2 both | security control, counter, ciphertext, tag |
| 3 digital signature | the data and the signature, each as an octet string with its length |

The signature covers what that of general-signing does, with an empty date-time (which the parameters do not have).
Where the public text is silent we do as GBCS meters do, whose messages show it: the tag covers security control and
authentication key, not the parameters, and the protected attributes are one structure.

A party is named by its system title, or not at all: we protect for our peer, and take what our peer protected. Keys of
third parties are not held, so the end of "end to end" is the client of the association (ours).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from ..errors import DecodeError, OtherReason, ScopeOfAccessViolated
from ..reader import Reader
from . import envelopes
from .envelopes import Header, IdentifiedKey, KeyInfo
from .errors import SecurityError
from .key_establishment import choice_of
from .keys import KeyId
from .policy import Protection
from .security_context import Accept, How, SecurityContext
from .tags import Envelope

MOST_PROTECTIONS: Final = 4
"""Protections on each other: one of each type; more only cost time."""


class ProtectionType(IntEnum):
    """protection_type of protection_parameters."""

    AUTHENTICATION = 0
    ENCRYPTION = 1
    AUTHENTICATION_AND_ENCRYPTION = 2
    DIGITAL_SIGNATURE = 3


_GIVES: Final = {
    ProtectionType.AUTHENTICATION: Protection.AUTHENTICATED,
    ProtectionType.ENCRYPTION: Protection.ENCRYPTED,
    ProtectionType.AUTHENTICATION_AND_ENCRYPTION: Protection.AUTHENTICATED | Protection.ENCRYPTED,
    ProtectionType.DIGITAL_SIGNATURE: Protection.SIGNED,
}


class ProtectionParameters(NamedTuple):
    """One protection: its type, who protects for whom, and the key (which a signature has no use for)."""

    type: ProtectionType
    transaction_id: bytes = b""
    originator: bytes = b""
    recipient: bytes = b""
    other_information: bytes = b""
    key_info: KeyInfo = IdentifiedKey(KeyId.GLOBAL_UNICAST)

    @property
    def header(self) -> Header:
        """The fields as general-signing has them."""
        return Header(self.transaction_id, self.originator, self.recipient, b"", self.other_information)


def given_by(parameters: Iterable[ProtectionParameters]) -> Protection:
    """What these protections together give."""
    protection = Protection.NONE
    for item in parameters:
        protection |= _GIVES[item.type]
    return protection


def check_protecting(context: SecurityContext, wanted: Sequence[ProtectionParameters]) -> None:
    """Raise the `ServiceError` that `protect` would: before something is done whose result is to be protected."""
    _check_number(wanted)
    for item in wanted:
        if not {item.originator, item.recipient} <= {b"", context.own_title, context.peer_title}:
            raise ScopeOfAccessViolated("protection for somebody else")
        if item.type is ProtectionType.DIGITAL_SIGNATURE:
            context.check_signing()
        else:
            context.check_sealing(_how(item))


def protect(
    context: SecurityContext, data: bytes, wanted: Sequence[ProtectionParameters]
) -> tuple[list[ProtectionParameters], bytes]:
    """Protect data of ours as the peer wants; gives the parameters that open them: our title, and keys we drew.

    Raises `ServiceError`: for a party that is neither of us, a key or signature that we cannot make.
    """
    check_protecting(context, wanted)
    used = []
    for item in wanted:
        item = item._replace(originator=context.own_title, recipient=context.peer_title)
        if item.type is ProtectionType.DIGITAL_SIGNATURE:
            signature = context.sign_data(envelopes.to_be_signed(item.header, data))
            data = envelopes.write_octet_string(data) + envelopes.write_octet_string(signature)
        else:
            key_info, content = context.seal_data(data, _how(item))
            item = item._replace(key_info=key_info)
            data = envelopes.write_content(content)
        used.append(item)
    return used, data


def unprotect(context: SecurityContext, data: bytes, parameters: Sequence[ProtectionParameters]) -> bytes:
    """Data that the peer protected, made plain. Raises `ServiceError`, which does not say what was wrong."""
    _check_number(parameters)
    opened: list[Accept] = []
    try:
        for item in reversed(parameters):
            if item.originator not in (b"", context.peer_title) or item.recipient not in (b"", context.own_title):
                raise ScopeOfAccessViolated("protected by or for somebody else")
            data, accept = _remove(context, data, item)
            opened.append(accept)
        # Only now: the inner ones were counted before the outer ones.
        for accept in opened:
            accept()
    except (SecurityError, DecodeError) as error:
        raise OtherReason(str(error)) from error
    return data


def _check_number(parameters: Sequence[ProtectionParameters]) -> None:
    if not 1 <= len(parameters) <= MOST_PROTECTIONS:
        raise ScopeOfAccessViolated(f"{len(parameters)} protections (1 to {MOST_PROTECTIONS} expected)")


def _how(item: ProtectionParameters) -> How:
    broadcast = isinstance(item.key_info, IdentifiedKey) and item.key_info.key_id is KeyId.GLOBAL_BROADCAST
    return How(_GIVES[item.type], Envelope.GENERAL, broadcast, choice_of(item.key_info), item.transaction_id)


def _remove(context: SecurityContext, data: bytes, item: ProtectionParameters) -> tuple[bytes, Accept]:
    reader = Reader(data)
    if item.type is ProtectionType.DIGITAL_SIGNATURE:
        inner, signature = envelopes.read_octet_string(reader), envelopes.read_octet_string(reader)
        reader.end()
        signed = envelopes.to_be_signed(item.header, inner)
        return inner, context.verify_data(signed, signature, item.transaction_id)
    content = envelopes.read_content(reader)
    if Protection(content.control >> 4 & 3) != _GIVES[item.type]:
        raise DecodeError(f"security control 0x{content.control:02x} of {item.type.name.lower()}", 0)
    return context.open_data(content, item.key_info, item.transaction_id)
