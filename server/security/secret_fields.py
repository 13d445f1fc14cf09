"""Where an APDU of a client holds secrets, found as the server would read it: field by field, with the same reader.

| APDU | secret |
|---|---|
| AARQ | the authentication value, whatever its type and length; the dedicated key of a plain InitiateRequest |
| RLRQ | the dedicated key |
| SET, ACTION, ACCESS | values for the secret of an association, for change_HLS_secret, for Data protection |
| READ, WRITE, UnconfirmedWrite | the parameter of change_secret |
| blocks of a SET, an ACTION, a READ or a WRITE | all, but for the first of those above when it is for something else |
| general-block-transfer | of the first block as of an APDU that is cut off; all of the others |
| ciphered without encryption, signed | as what they hold |

Of an APDU that can hold a secret and does not decode, everything is secret from the place on where reading ended.
Positions are of the octets given, whatever lengths and orders of fields a client chose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cosem import access_service, acse, xdlms
from cosem.access_service import AccessKind
from cosem.errors import DecodeError
from cosem.general_block_transfer import GENERAL_BLOCK_TRANSFER
from cosem.reader import Reader
from cosem.security import envelopes
from cosem.security.gcm import TAG_SIZE
from cosem.security.security_control import AUTHENTICATED, ENCRYPTED
from cosem.security.tags import (
    CIPHERED_SERVICES,
    GENERAL_CIPHERING,
    GENERAL_DED_CIPHERING,
    GENERAL_GLO_CIPHERING,
    GENERAL_SIGNING,
)
from cosem.short_names import apdus

_INITIATE: Final = 0x01
_AUTHENTICATION_VALUE: Final = 0xAC
_USER_INFORMATION: Final = 0xBE

_SECRET_ATTRIBUTES: Final = {(15, 7), (30, 2)}
"""Class and attribute: secret of Association LN, protection_buffer of Data protection."""
_SECRET_METHODS: Final = {(15, 2), (12, 5), (30, 2), (30, 3)}
"""Class and method: change_HLS_secret, change_secret, what Data protection sets and invokes."""
_SECRET_NAMES: Final = {0xFA40}
"""change_secret of the current association by its short name."""

# Choices of Variable-Access-Specification.
_VARIABLE_NAME: Final = 0x02
_PARAMETERIZED: Final = 0x04
_READ_BLOCK: Final = 0x06
_WRITE_BLOCK: Final = 0x07

_MOST_DEPTH: Final = 4

Slices = list[slice]


def secrets_of_apdu(octets: bytes, start: int = 0, stop: int | None = None) -> Slices:
    """Slices of `octets` that hold secrets of the APDU in `octets[start:stop]`."""
    found: Slices = []
    _apdu(Reader(octets, start, stop), found, 0)
    return found


def _apdu(reader: Reader, found: Slices, depth: int) -> None:
    if not reader.remaining:
        return
    tag = reader.peek()
    walk = _WALKS.get(tag)
    try:
        if walk is not None:
            reader.u8()
            walk(reader, found)
        elif tag in CIPHERED_SERVICES or tag in (GENERAL_GLO_CIPHERING, GENERAL_DED_CIPHERING, GENERAL_CIPHERING):
            _ciphered(reader, found, depth)
        elif tag == GENERAL_SIGNING:
            reader.u8()
            envelopes.read_header(reader)
            _deeper(reader.sub(reader.length()), found, depth)
        elif tag == GENERAL_BLOCK_TRANSFER:
            _general_block(reader, found, depth)
    except DecodeError:
        _hide(reader, found)


def _hide(reader: Reader, found: Slices) -> None:
    """All that is left."""
    found.append(slice(reader.position, reader.stop))


def _sub(reader: Reader, count: int) -> Reader:
    """The next octets, or what there is of them: a trace may see part of a message."""
    return reader.sub(min(count, reader.remaining))


def _deeper(reader: Reader, found: Slices, depth: int) -> None:
    if depth == _MOST_DEPTH:
        _hide(reader, found)
    else:
        _apdu(reader, found, depth + 1)


# --- envelopes ------------------------------------------------------------------------------------


def _ciphered(reader: Reader, found: Slices, depth: int) -> None:
    tag = reader.u8()
    if tag == GENERAL_CIPHERING:
        sealed = len(envelopes.read_general_ciphering(Reader(reader.data, reader.position, reader.stop)).content.sealed)
        reader.position = reader.stop - sealed - 5
    elif tag in CIPHERED_SERVICES:
        reader.length()
    else:
        envelopes.read_title(reader)
        reader.length()
    control = reader.u8()
    reader.octets(4)
    if control & ENCRYPTED:
        return
    tag_size = TAG_SIZE if control & AUTHENTICATED else 0
    _deeper(reader.sub(max(reader.remaining - tag_size, 0)), found, depth)


def _general_block(reader: Reader, found: Slices, depth: int) -> None:
    reader.octets(2)
    number = reader.unsigned(2)
    reader.octets(2)
    data = _sub(reader, reader.length())
    if number == 1:
        _deeper(data, found, depth)
    else:
        _hide(data, found)


# --- opening and closing --------------------------------------------------------------------------


def _acse(reader: Reader, found: Slices) -> None:
    fields = _sub(reader, reader.length())
    while fields.remaining:
        try:
            tag = fields.u8()
            if tag & 0x1F == 0x1F:
                while fields.u8() & 0x80:
                    pass
            contents = _sub(fields, fields.length())
        except DecodeError:
            _hide(fields, found)
            return
        if tag == _AUTHENTICATION_VALUE:
            _within(contents, found, _hide)
        elif tag == _USER_INFORMATION:
            _within(contents, found, lambda inner, into: _apdu(inner, into, 0))


def _within(contents: Reader, found: Slices, walk: Callable[[Reader, Slices], None]) -> None:
    """The value of a field: a tag and a length, and nothing behind."""
    whole = Reader(contents.data, contents.position, contents.stop)
    try:
        contents.u8()
        inner = _sub(contents, contents.length())
        contents.end()
    except DecodeError:
        _hide(whole, found)
        return
    walk(inner, found)


def _initiate(reader: Reader, found: Slices) -> None:
    if reader.u8():
        _hide(_sub(reader, reader.length()), found)


# --- services -------------------------------------------------------------------------------------


def _is_secret(descriptor: bytes, of: set[tuple[int, int]]) -> bool:
    return (int.from_bytes(descriptor[:2], "big"), descriptor[8]) in of


def _values(reader: Reader, found: Slices, secret: list[bool]) -> None:
    """A list of values, some of them secret."""
    reader.count()
    for hidden in secret:
        start = reader.position
        try:
            xdlms.read_raw_value(reader)
        except DecodeError:
            if any(secret):
                reader.position = start
                _hide(reader, found)
            return
        if hidden:
            found.append(slice(start, reader.position))


def _block(reader: Reader, found: Slices) -> None:
    """The octets of a block."""
    reader.octets(5)
    reader.length()
    _hide(reader, found)


def _set(reader: Reader, found: Slices) -> None:
    choice, _ = reader.u8(), reader.u8()
    if choice == xdlms.SET_BLOCK:
        _block(reader, found)
        return
    as_list = choice in (xdlms.SET_WITH_LIST, xdlms.SET_LIST_FIRST_BLOCK)
    count = reader.count(xdlms.DESCRIPTOR_SIZE + 1) if as_list else 1
    requests = [xdlms.read_attribute_request(reader) for _ in range(count)]
    secret = [_is_secret(request.descriptor, _SECRET_ATTRIBUTES) for request in requests]
    _data(reader, found, secret, as_list, choice in (xdlms.SET_FIRST_BLOCK, xdlms.SET_LIST_FIRST_BLOCK))


def _action(reader: Reader, found: Slices) -> None:
    choice, _ = reader.u8(), reader.u8()
    if choice == xdlms.ACTION_BLOCK:
        _block(reader, found)
        return
    if choice == xdlms.ACTION_NEXT_BLOCK:
        return
    as_list = choice in (xdlms.ACTION_WITH_LIST, xdlms.ACTION_LIST_FIRST_BLOCK)
    count = reader.count(xdlms.DESCRIPTOR_SIZE) if as_list else 1
    secret = [_is_secret(reader.octets(xdlms.DESCRIPTOR_SIZE), _SECRET_METHODS) for _ in range(count)]
    if choice == xdlms.NORMAL:
        reader.u8()
    _data(reader, found, secret, as_list, choice in (xdlms.ACTION_FIRST_BLOCK, xdlms.ACTION_LIST_FIRST_BLOCK))


def _data(reader: Reader, found: Slices, secret: list[bool], as_list: bool, in_blocks: bool) -> None:
    if not any(secret):
        return
    if in_blocks:
        _block(reader, found)
    elif as_list:
        _values(reader, found, secret)
    else:
        _hide(reader, found)


def _access(reader: Reader, found: Slices) -> None:
    reader.octets(4)
    reader.octets(reader.length())
    secret = []
    for _ in range(reader.count(1 + xdlms.DESCRIPTOR_SIZE)):
        kind = reader.u8()
        descriptor = reader.octets(xdlms.DESCRIPTOR_SIZE)
        if kind > AccessKind.ACTION:
            reader.u8()
            xdlms.read_raw_value(reader)
        secret.append(_is_secret(descriptor, _SECRET_METHODS if kind == AccessKind.ACTION else _SECRET_ATTRIBUTES))
    if any(secret):
        _values(reader, found, secret)


def _short_names(reader: Reader, found: Slices) -> None:
    tag = reader.data[reader.position - 1]
    secret = []
    for _ in range(reader.count()):
        choice = reader.u8()
        if choice in (_READ_BLOCK, _WRITE_BLOCK):
            reader.u8()
        named = reader.unsigned(2) in _SECRET_NAMES and choice in (_VARIABLE_NAME, _PARAMETERIZED)
        if choice == _PARAMETERIZED:
            reader.u8()
        if choice == _READ_BLOCK:
            reader.length()
        if choice == _READ_BLOCK or (named and choice == _PARAMETERIZED):
            _hide(reader, found)  # and what else stands in the list
            return
        if choice == _PARAMETERIZED:
            xdlms.read_raw_value(reader)
        secret.append(named or choice == _WRITE_BLOCK)
    if any(secret) and tag != apdus.READ_REQUEST:
        _values(reader, found, secret)


_WALKS: Final[dict[int, Callable[[Reader, Slices], None]]] = {
    acse.AARQ: _acse,
    acse.RLRQ: _acse,
    _INITIATE: _initiate,
    xdlms.SET_REQUEST: _set,
    xdlms.ACTION_REQUEST: _action,
    access_service.ACCESS_REQUEST: _access,
    apdus.READ_REQUEST: _short_names,
    apdus.WRITE_REQUEST: _short_names,
    apdus.UNCONFIRMED_WRITE_REQUEST: _short_names,
}
