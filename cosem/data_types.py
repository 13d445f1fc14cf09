"""DLMS data types (Green Book 9.5, "Data") as declarations that encode and decode plain Python values.

| type | Python value |
|---|---|
| integers, enum | int |
| boolean | bool |
| octet-string | bytes |
| visible-string, utf8-string | str |
| bit-string | str of "0" and "1" |
| date-time inside an octet-string | `DateTime` |
| array | list |
| structure | tuple |
| null-data | None |

`encode(value)` gives the tag and contents; `decode(reader)` reads exactly this type and raises
`TypeUnmatched` on another tag, `DecodeError` on bad contents. `ANY` decodes whatever comes.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

from .date_time import DateTime
from .errors import DecodeError, TypeUnmatched
from .reader import Reader, encode_length


class DataType:
    """One DLMS data type: `tag`, the standard's `name`, and its codec."""

    tag: int
    name: str

    def encode(self, value: Any) -> bytes:
        """Tag and contents; raises `ValueError` where the value does not fit."""
        raise NotImplementedError

    def decode_contents(self, reader: Reader) -> Any:
        """Read the contents, the tag being gone."""
        raise NotImplementedError

    def decode(self, reader: Reader) -> Any:
        """Read a value of exactly this type."""
        tag = reader.u8()
        if tag != self.tag:
            raise TypeUnmatched(f"{self.name} expected, found {name_of(tag)}")
        return self.decode_contents(reader)

    def __repr__(self) -> str:
        return self.name


class Null(DataType):
    """null-data."""

    tag = 0x00
    name = "null-data"

    def encode(self, value: Any) -> bytes:
        if value is not None:
            raise ValueError(f"null-data holds None, not {value!r}")
        return b"\x00"

    def decode_contents(self, reader: Reader) -> None:
        return None


class FixedSize(DataType):
    """A type of fixed size: tag and contents packed in one go (`size` is of the contents, in octets)."""

    def __init__(self, tag: int, name: str, code: str) -> None:
        self.tag = tag
        self.name = name
        self.code = code
        self.size = struct.calcsize(">" + code)
        self._with_tag = struct.Struct(">B" + code)
        self.pack = self._with_tag.pack
        self._contents = struct.Struct(">" + code)

    def encode(self, value: Any) -> bytes:
        try:
            return self._with_tag.pack(self.tag, value)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{value!r} does not fit {self.name}: {error}") from None

    def decode_contents(self, reader: Reader) -> Any:
        return self._contents.unpack(reader.octets(self.size))[0]


class Boolean(FixedSize):
    """boolean; any octet but zero reads as true."""

    def __init__(self) -> None:
        super().__init__(0x03, "boolean", "B")

    def encode(self, value: Any) -> bytes:
        return b"\x03\x01" if value else b"\x03\x00"

    def decode_contents(self, reader: Reader) -> bool:
        return reader.u8() != 0


class BitString(DataType):
    """bit-string, as text of 0 and 1, first bit first."""

    tag = 0x04
    name = "bit-string"

    def encode(self, value: Any) -> bytes:
        count = len(value)
        if set(value) - {"0", "1"}:
            raise ValueError(f"a bit-string holds 0 and 1, not {value!r}")
        octets = (count + 7) // 8
        packed = int(value.ljust(octets * 8, "0"), 2).to_bytes(octets, "big") if count else b""
        return b"".join((b"\x04", encode_length(count), packed))

    def decode_contents(self, reader: Reader) -> str:
        count = reader.length()
        octets = reader.octets((count + 7) // 8)
        return "".join(f"{octet:08b}" for octet in octets)[:count]


class OctetString(DataType):
    """octet-string, of a fixed `size` where given."""

    tag = 0x09

    def __init__(self, size: int | None = None) -> None:
        self.size = size
        self.name = "octet-string" if size is None else f"octet-string[{size}]"

    def encode(self, value: Any) -> bytes:
        if self.size is not None and len(value) != self.size:
            raise ValueError(f"{self.name} cannot hold {len(value)} octets")
        return b"".join((b"\x09", encode_length(len(value)), value))

    def decode_contents(self, reader: Reader) -> bytes:
        octets = reader.octets(reader.length())
        if self.size is not None and len(octets) != self.size:
            raise TypeUnmatched(f"{self.name} expected, found {len(octets)} octets")
        return octets


class DateTimeString(DataType):
    """octet-string[12] that holds a date-time, as all date-times in attributes do."""

    tag = 0x09
    name = "date-time in octet-string[12]"

    def encode(self, value: Any) -> bytes:
        return b"".join((b"\x09\x0c", value.to_bytes()))

    def decode_contents(self, reader: Reader) -> DateTime:
        octets = reader.octets(reader.length())
        if len(octets) != 12:
            raise TypeUnmatched(f"{self.name} expected, found {len(octets)} octets")
        try:
            return DateTime.from_bytes(octets)
        except DecodeError as error:
            raise TypeUnmatched(str(error)) from error


class VisibleString(DataType):
    """visible-string: ISO 646 characters."""

    tag = 0x0A
    name = "visible-string"
    encoding = "ascii"

    def encode(self, value: Any) -> bytes:
        text = value.encode(self.encoding)
        return b"".join((bytes((self.tag,)), encode_length(len(text)), text))

    def decode_contents(self, reader: Reader) -> str:
        octets = reader.octets(reader.length())
        try:
            return octets.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise DecodeError(f"not a {self.name}: {octets.hex()}") from error


class Utf8String(VisibleString):
    """utf8-string."""

    tag = 0x0C
    name = "utf8-string"
    encoding = "utf-8"


class _RawDateTime(DataType):
    """date-time, date or time with a tag of its own (as in Data-Notification), not in an octet-string."""

    def __init__(self, tag: int, name: str, size: int) -> None:
        self.tag = tag
        self.name = name
        self.size = size

    def encode(self, value: Any) -> bytes:
        octets = value.to_bytes() if isinstance(value, DateTime) else bytes(value)
        if len(octets) != self.size:
            raise ValueError(f"{self.name} has {self.size} octets, not {len(octets)}")
        return bytes((self.tag,)) + octets

    def decode_contents(self, reader: Reader) -> Any:
        octets = reader.octets(self.size)
        return DateTime.from_bytes(octets) if self.size == 12 else octets


class Array(DataType):
    """array of one element type."""

    tag = 0x01
    name = "array"

    def __init__(self, element: DataType) -> None:
        self.element = element

    def encode(self, value: Any) -> bytes:
        encode = self.element.encode
        return b"\x01" + encode_length(len(value)) + b"".join([encode(item) for item in value])

    def decode_contents(self, reader: Reader) -> list[Any]:
        reader.enter()
        items = [self.element.decode(reader) for _ in range(reader.count())]
        reader.leave()
        return items


class Structure(DataType):
    """structure with these fields in order."""

    tag = 0x02
    name = "structure"

    def __init__(self, *fields: DataType) -> None:
        self.fields = fields

    def encode(self, value: Any) -> bytes:
        if len(value) != len(self.fields):
            raise ValueError(f"a structure of {len(self.fields)} fields cannot hold {len(value)}")
        contents = [field.encode(item) for field, item in zip(self.fields, value, strict=True)]
        return b"\x02" + encode_length(len(contents)) + b"".join(contents)

    def decode_contents(self, reader: Reader) -> tuple[Any, ...]:
        reader.enter()
        count = reader.count()
        if count != len(self.fields):
            raise TypeUnmatched(f"structure of {len(self.fields)} fields expected, found {count}")
        items = tuple(field.decode(reader) for field in self.fields)
        reader.leave()
        return items


class TypedValue(NamedTuple):
    """A value with its type, for encoding where the type is not declared (`ANY`)."""

    type: DataType
    value: Any


class AnyType(DataType):
    """Whatever comes: decodes by tag to plain Python, encodes a `TypedValue`."""

    tag = -1
    name = "any"

    def encode(self, value: TypedValue) -> bytes:
        return value.type.encode(value.value)

    def decode(self, reader: Reader) -> Any:
        position = reader.position
        tag = reader.u8()
        if tag in (0x01, 0x02):
            reader.enter()
            items = [self.decode(reader) for _ in range(reader.count())]
            reader.leave()
            return items if tag == 0x01 else tuple(items)
        if tag == 0x13:
            return self._compact_array(reader)
        simple = SIMPLE_TYPES.get(tag)
        if simple is None:
            raise DecodeError(f"0x{tag:02x} is not a data tag", position)
        return simple.decode_contents(reader)

    def _compact_array(self, reader: Reader) -> list[Any]:
        """compact-array: one type description, then the contents without tags."""
        position = reader.position
        description = self._description(reader)
        octets, values = _extent(description)
        if values > _MOST_VALUES_AN_OCTET * octets:
            raise DecodeError(f"compact-array with {values} values in {octets} octets", position)
        contents = reader.sub(reader.length())
        items = []
        while contents.remaining:
            items.append(self._described(description, contents))
        return items

    def _description(self, reader: Reader) -> Any:
        tag = reader.u8()
        reader.enter()
        try:
            if tag == 0x01:
                return tag, reader.unsigned(2), self._description(reader)
            if tag == 0x02:
                return tag, [self._description(reader) for _ in range(reader.count())]
        finally:
            reader.leave()
        if tag not in SIMPLE_TYPES:
            raise DecodeError(f"0x{tag:02x} is not a type description", reader.position - 1)
        return (tag,)

    def _described(self, description: Any, reader: Reader) -> Any:
        tag = description[0]
        if tag == 0x01:
            return [self._described(description[2], reader) for _ in range(description[1])]
        if tag == 0x02:
            return tuple(self._described(field, reader) for field in description[1])
        return SIMPLE_TYPES[tag].decode_contents(reader)


def _extent(description: Any) -> tuple[int, int]:
    """Least octets, and values, of one element that is described so."""
    tag = description[0]
    if tag == 0x01:
        octets, values = _extent(description[2])
        return description[1] * octets, 1 + description[1] * values
    if tag == 0x02:
        extents = [_extent(field) for field in description[1]]
        return sum(octets for octets, _ in extents), 1 + sum(values for _, values in extents)
    simple = SIMPLE_TYPES[tag]
    return (0 if simple is NULL else getattr(simple, "size", None) or 1), 1


_MOST_VALUES_AN_OCTET: Final = 16
"""Bounds what a compact-array unpacks to: null-data and empty structures are values without contents, and
arrays of arrays of them would make billions of values from a dozen octets."""

NULL: Final = Null()
BOOLEAN: Final = Boolean()
BIT_STRING: Final = BitString()
DOUBLE_LONG: Final = FixedSize(0x05, "double-long", "i")
DOUBLE_LONG_UNSIGNED: Final = FixedSize(0x06, "double-long-unsigned", "I")
OCTET_STRING: Final = OctetString()
LOGICAL_NAME: Final = OctetString(6)
VISIBLE_STRING: Final = VisibleString()
UTF8_STRING: Final = Utf8String()
BCD: Final = FixedSize(0x0D, "bcd", "b")
INTEGER: Final = FixedSize(0x0F, "integer", "b")
LONG: Final = FixedSize(0x10, "long", "h")
UNSIGNED: Final = FixedSize(0x11, "unsigned", "B")
LONG_UNSIGNED: Final = FixedSize(0x12, "long-unsigned", "H")
LONG64: Final = FixedSize(0x14, "long64", "q")
LONG64_UNSIGNED: Final = FixedSize(0x15, "long64-unsigned", "Q")
ENUM: Final = FixedSize(0x16, "enum", "B")
FLOAT32: Final = FixedSize(0x17, "float32", "f")
FLOAT64: Final = FixedSize(0x18, "float64", "d")
DATE_TIME: Final = _RawDateTime(0x19, "date-time", 12)
DATE: Final = _RawDateTime(0x1A, "date", 5)
TIME: Final = _RawDateTime(0x1B, "time", 4)
DATE_TIME_STRING: Final = DateTimeString()
ANY: Final = AnyType()

SIMPLE_TYPES: Final[dict[int, DataType]] = {
    type_.tag: type_
    for type_ in (
        NULL, BOOLEAN, BIT_STRING, DOUBLE_LONG, DOUBLE_LONG_UNSIGNED, OCTET_STRING, VISIBLE_STRING, UTF8_STRING, BCD,
        INTEGER, LONG, UNSIGNED, LONG_UNSIGNED, LONG64, LONG64_UNSIGNED, ENUM, FLOAT32, FLOAT64, DATE_TIME, DATE, TIME,
    )
}  # fmt: skip
"""Every type that is not built of others, by its tag."""


def name_of(tag: int) -> str:
    """The standard's name of a data tag, for messages."""
    if tag in (0x01, 0x02, 0x13):
        return {0x01: "array", 0x02: "structure", 0x13: "compact-array"}[tag]
    simple = SIMPLE_TYPES.get(tag)
    return simple.name if simple else f"unknown tag 0x{tag:02x}"


def decode_all(type_: DataType, octets: bytes) -> Any:
    """Decode one value that must fill `octets`."""
    reader = Reader(octets)
    value = type_.decode(reader)
    reader.end()
    return value
