"""Tags of protected APDUs, and which plain APDU belongs to which (Green Book 9.5, COSEMpdu).

An APDU with a short name or of an association sets bit 5 of its tag when ciphered with a global key, bit 6 with a
dedicated one; one with logical names adds 8 or 16. Services without tags of their own (data-notification, ACCESS)
are protected by the general APDUs only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

GENERAL_GLO_CIPHERING: Final = 0xDB
GENERAL_DED_CIPHERING: Final = 0xDC
GENERAL_CIPHERING: Final = 0xDD
GENERAL_SIGNING: Final = 0xDF

GENERAL: Final = frozenset((GENERAL_GLO_CIPHERING, GENERAL_DED_CIPHERING, GENERAL_CIPHERING, GENERAL_SIGNING))

_SHORT_NAMES_AND_INITIATE: Final = {
    0x01: "initiateRequest",
    0x05: "readRequest",
    0x06: "writeRequest",
    0x08: "initiateResponse",
    0x0C: "readResponse",
    0x0D: "writeResponse",
    0x0E: "confirmedServiceError",
    0x16: "unconfirmedWriteRequest",
    0x18: "informationReportRequest",
}
_LOGICAL_NAMES: Final = {
    0xC0: "get-request",
    0xC1: "set-request",
    0xC2: "event-notification-request",
    0xC3: "action-request",
    0xC4: "get-response",
    0xC5: "set-response",
    0xC7: "action-response",
}

SERVICES: Final = {**_SHORT_NAMES_AND_INITIATE, **_LOGICAL_NAMES}
"""Plain tags that have ciphered ones, and the name of their APDU."""

GLOBAL_TAGS: Final = {plain: plain | 0x20 if plain < 0x80 else plain + 0x08 for plain in SERVICES}
"""Plain tag to the tag with a global key."""

DEDICATED_TAGS: Final = {plain: plain | 0x40 if plain < 0x80 else plain + 0x10 for plain in SERVICES}
"""Plain tag to the tag with the dedicated key."""


class Envelope(StrEnum):
    """The forms a protected APDU may have; `NONE` is one that is signed at most."""

    NONE = "none"
    SERVICE_GLOBAL = "glo"
    SERVICE_DEDICATED = "ded"
    GENERAL_GLOBAL = "general-glo"
    GENERAL_DEDICATED = "general-ded"
    GENERAL = "general-ciphering"


CIPHERED_SERVICES: Final = {
    **{tag: (Envelope.SERVICE_GLOBAL, plain) for plain, tag in GLOBAL_TAGS.items()},
    **{tag: (Envelope.SERVICE_DEDICATED, plain) for plain, tag in DEDICATED_TAGS.items()},
}
"""Ciphered tag to its envelope and plain tag."""

PROTECTED: Final = frozenset(CIPHERED_SERVICES) | GENERAL
"""Every tag of a protected APDU."""

CARRIED: Final = frozenset(SERVICES) | {0x0F, 0xD8, 0xD9, 0xDA}
"""Tags a general APDU may hold: the services, data-notification, exception-response, ACCESS both ways.

A general-block-transfer goes around protected APDUs, never inside.
"""
