"""Codecs of the general protection APDUs and of ciphered content (Green Book 9.5, COSEMpdu): octets, no keys.

Every octet string carries its length; an option is a presence octet; a choice is its number in one octet. What is
authenticated or signed is kept as it was received (`header_octets`, `signed`): a length may be written in more than one
way, and the tag covers the one that was chosen.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from ..errors import DecodeError
from ..reader import Reader, encode_length
from .keys import KeyId
from .tags import GENERAL_CIPHERING, GENERAL_SIGNING

TITLE_SIZE: Final = 8
"""Octets of a system title."""


class Content(NamedTuple):
    """Ciphered content: security control, invocation counter, and what `BlockCipherKey.open` takes."""

    control: int
    counter: int
    sealed: bytes


def read_content(reader: Reader) -> Content:
    """All that is left of an APDU: the contents of its ciphered octet string."""
    return Content(reader.u8(), reader.unsigned(4), reader.rest())


def write_content(content: Content) -> bytes:
    """The octets, without a length before them."""
    return bytes((content.control,)) + content.counter.to_bytes(4, "big") + content.sealed


def read_octet_string(reader: Reader) -> bytes:
    """An octet string with its length."""
    return reader.octets(reader.length())


def write_octet_string(octets: bytes) -> bytes:
    """An octet string with its length."""
    return encode_length(len(octets)) + octets


def read_last_length(reader: Reader) -> None:
    """The length of an octet string that is all that is left."""
    length = reader.length()
    if length != reader.remaining:
        raise DecodeError(f"the last octet string has {length} octets, {reader.remaining} are left", reader.position)


def read_title(reader: Reader) -> bytes:
    """A system title of eight octets, or an empty one: the association's."""
    position = reader.position
    title = read_octet_string(reader)
    if len(title) not in (0, TITLE_SIZE):
        raise DecodeError(f"a system title of {len(title)} octets (0 or {TITLE_SIZE} expected)", position)
    return title


class Header(NamedTuple):
    """The fields that general-ciphering and general-signing begin with."""

    transaction_id: bytes = b""
    originator: bytes = b""
    recipient: bytes = b""
    date_time: bytes = b""
    other_information: bytes = b""

    def to_bytes(self) -> bytes:
        """The five octet strings with their lengths, as they are authenticated and signed."""
        return b"".join(write_octet_string(field) for field in self)


def read_header(reader: Reader) -> Header:
    """The five fields."""
    return Header(
        read_octet_string(reader),
        read_title(reader),
        read_title(reader),
        read_octet_string(reader),
        read_octet_string(reader),
    )


class IdentifiedKey(NamedTuple):
    """key-info [0]: a global key both sides have."""

    key_id: KeyId


class WrappedKey(NamedTuple):
    """key-info [1]: a key wrapped with the master key."""

    key_ciphered_data: bytes


class Scheme(IntEnum):
    """key-parameters of an agreed key."""

    ONE_PASS = 1
    STATIC_UNIFIED = 2


class AgreedKey(NamedTuple):
    """key-info [2]: a key agreed by `scheme`; with one pass the data is ephemeral public key and signature."""

    scheme: Scheme
    key_ciphered_data: bytes


KeyInfo: TypeAlias = IdentifiedKey | WrappedKey | AgreedKey

_MASTER_KEK: Final = 0


def _read_key_info(reader: Reader) -> KeyInfo:
    position = reader.position
    choice = reader.u8()
    if choice == 0:
        key_id = reader.u8()
        if key_id not in (KeyId.GLOBAL_UNICAST, KeyId.GLOBAL_BROADCAST):
            raise DecodeError(f"identified key {key_id} (0 or 1 expected)", position)
        return IdentifiedKey(KeyId(key_id))
    if choice == 1:
        if (kek := reader.u8()) != _MASTER_KEK:
            raise DecodeError(f"key encrypting key {kek} (only the master key, 0, is known)", position)
        return WrappedKey(read_octet_string(reader))
    if choice == 2:
        parameters = read_octet_string(reader)
        if parameters not in (b"\x01", b"\x02"):
            raise DecodeError(f"key agreement {parameters.hex()!r} (01 or 02 expected)", position)
        return AgreedKey(Scheme(parameters[0]), read_octet_string(reader))
    raise DecodeError(f"key-info choice {choice} (0 to 2 expected)", position)


def _write_key_info(key_info: KeyInfo | None) -> bytes:
    match key_info:
        case None:
            return b"\x00"
        case IdentifiedKey(key_id):
            return bytes((0x01, 0x00, key_id))
        case WrappedKey(data):
            return bytes((0x01, 0x01, _MASTER_KEK)) + write_octet_string(data)
        case AgreedKey(scheme, data):
            return bytes((0x01, 0x02, 0x01, scheme)) + write_octet_string(data)


class GeneralCiphering(NamedTuple):
    """general-ciphering; no `key_info` where both sides know the key."""

    header: Header
    key_info: KeyInfo | None
    content: Content
    header_octets: bytes


def read_general_ciphering(reader: Reader) -> GeneralCiphering:
    """What follows the tag."""
    start = reader.position
    header = read_header(reader)
    header_octets = reader.data[start : reader.position]
    position = reader.position
    present = reader.u8()
    if present > 1:
        raise DecodeError(f"presence octet 0x{present:02x} of key-info", position)
    key_info = _read_key_info(reader) if present else None
    read_last_length(reader)
    return GeneralCiphering(header, key_info, read_content(reader), header_octets)


def write_general_ciphering(header: bytes, key_info: KeyInfo | None, content: Content) -> bytes:
    """The whole APDU; `header` is `Header.to_bytes()`."""
    return bytes((GENERAL_CIPHERING,)) + header + _write_key_info(key_info) + write_octet_string(write_content(content))


class GeneralSigning(NamedTuple):
    """general-signing; `signed` are the octets the signature covers, transaction-id to content."""

    header: Header
    content: bytes
    signature: bytes
    signed: bytes


def read_general_signing(reader: Reader) -> GeneralSigning:
    """What follows the tag."""
    start = reader.position
    header = read_header(reader)
    content = read_octet_string(reader)
    signed = reader.data[start : reader.position]
    signature = read_octet_string(reader)
    reader.end()
    return GeneralSigning(header, content, signature, signed)


def to_be_signed(header: Header, content: bytes) -> bytes:
    """The octets that the signature of a general-signing APDU covers."""
    return header.to_bytes() + write_octet_string(content)


def write_general_signing(signed: bytes, signature: bytes) -> bytes:
    """The whole APDU, of `to_be_signed` and its signature."""
    return bytes((GENERAL_SIGNING,)) + signed + write_octet_string(signature)


def write_service(tag: int, content: Content) -> bytes:
    """A whole service-specific APDU; `tag` is the ciphered one."""
    return bytes((tag,)) + write_octet_string(write_content(content))


def read_general(reader: Reader) -> tuple[bytes, Content]:
    """What follows the tag of general-glo- and general-ded-ciphering: system title and content."""
    title = read_title(reader)
    read_last_length(reader)
    return title, read_content(reader)


def write_general(tag: int, title: bytes, content: Content) -> bytes:
    """A whole general-glo- or general-ded-ciphering APDU."""
    return bytes((tag,)) + write_octet_string(title) + write_octet_string(write_content(content))
