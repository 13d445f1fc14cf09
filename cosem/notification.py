"""What a server sends unasked: Data-Notification (Green Book 9.3.10) and Event-Notification (9.3.11).

| APDU | fields |
|---|---|
| `0F` Data-Notification | long-invoke-id-and-priority (4 octets), date-time as octet string, one value of any type |
| `C2` Event-Notification | date-time as octet string if present, class, logical name, attribute, value |

A Data-Notification has no ciphered tag of its own: the general APDUs carry it, and general-block-transfer where it is
long. An Event-Notification has both (`security.tags`).

Meters in the field write the date-time of a Data-Notification in two ways: `0C` and twelve octets, as the standard has
it, or `09 0C` as if it were data (Kamstrup before revision 3.0 of its HAN interface, Kaifa). Both are read, and
`tagged` says which it was, so that it is written back as it came. Its twelve octets are not looked at here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from . import xdlms
from .data_types import OCTET_STRING
from .errors import DecodeError
from .reader import Reader, encode_length
from .xdlms import Descriptor

DATA_NOTIFICATION: Final = 0x0F
EVENT_NOTIFICATION: Final = 0xC2

_DATE_TIME_SIZE: Final = 12


class DataNotification(NamedTuple):
    """A push: `date_time` are twelve octets or none, `body` is one encoded value."""

    invoke: int
    date_time: bytes
    body: bytes
    tagged: bool = False


class EventNotification(NamedTuple):
    """An attribute that has news: `date_time` are twelve octets, or None; `value` is encoded."""

    date_time: bytes | None
    attribute: Descriptor
    value: bytes


def _read_date_time(reader: Reader, *sizes: int) -> bytes:
    position = reader.position
    octets = reader.octets(reader.length())
    if len(octets) not in sizes:
        raise DecodeError(f"a date-time of {len(octets)} octets ({' or '.join(map(str, sizes))} expected)", position)
    return octets


def _read_last_value(reader: Reader) -> bytes:
    value = xdlms.read_raw_value(reader)
    reader.end()
    return value


def read_data_notification(octets: bytes) -> DataNotification:
    """Read a Data-Notification; raises `DecodeError`."""
    reader = Reader(octets)
    if (tag := reader.u8()) != DATA_NOTIFICATION:
        raise DecodeError(f"Data-Notification (0x0f) expected, found 0x{tag:02x}", 0)
    invoke = reader.unsigned(4)
    tagged = reader.peek() == OCTET_STRING.tag
    if tagged:
        reader.u8()
    date_time = _read_date_time(reader, 0, _DATE_TIME_SIZE)
    return DataNotification(invoke, date_time, _read_last_value(reader), tagged)


def write_data_notification(notification: DataNotification) -> bytes:
    """Write a Data-Notification."""
    return b"".join((
        bytes((DATA_NOTIFICATION,)),
        notification.invoke.to_bytes(4, "big"),
        bytes((OCTET_STRING.tag,)) if notification.tagged else b"",
        encode_length(len(notification.date_time)),
        notification.date_time,
        notification.body,
    ))  # fmt: skip


def read_event_notification(octets: bytes) -> EventNotification:
    """Read an Event-Notification; raises `DecodeError`."""
    reader = Reader(octets)
    if (tag := reader.u8()) != EVENT_NOTIFICATION:
        raise DecodeError(f"Event-Notification (0xc2) expected, found 0x{tag:02x}", 0)
    position = reader.position
    if (present := reader.u8()) > 1:
        raise DecodeError(f"presence octet 0x{present:02x} of a date-time", position)
    date_time = _read_date_time(reader, _DATE_TIME_SIZE) if present else None
    attribute = Descriptor.from_bytes(reader.octets(xdlms.DESCRIPTOR_SIZE))
    return EventNotification(date_time, attribute, _read_last_value(reader))


def write_event_notification(notification: EventNotification) -> bytes:
    """Write an Event-Notification."""
    date_time = notification.date_time
    return b"".join((
        bytes((EVENT_NOTIFICATION,)),
        b"\x00" if date_time is None else b"\x01" + encode_length(len(date_time)) + date_time,
        notification.attribute.to_bytes(),
        notification.value,
    ))  # fmt: skip
