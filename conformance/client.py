"""A client of one association of a meter, ours or any other: connect, look around, read, write.

    with MeterClient.connect(Endpoint.parse("127.0.0.1:4059"), LinkOptions(18, 16), b"12345") as client:
        for row in client.object_list():
            print(row.logical_name, client.read_scaled(row))

Every method may raise a `ClientError` (see `errors`), and those that read an attribute also
`cosem.client.AccessFailed`, after which the client goes on. `ProtocolFault` too leaves it usable; the
others end it.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any, Final

from cosem.client import AccessFailed, AssociationRefused, Client, Exchange, range_parameters
from cosem.data_types import ANY, DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, Structure, decode_all
from cosem.date_time import DEVIATION_UNSPECIFIED, DateTime
from cosem.errors import DecodeError
from cosem.event_service import Event
from cosem.initiate import InitiateResponse
from cosem.selective_access import BY_ENTRY, BY_RANGE
from cosem.short_names.named_client import NamedClient
from cosem.xdlms import Descriptor
from obis import Obis

from .closing import Closing
from .endpoint import Endpoint
from .errors import AssociationRejected, ClientError, ProtocolFault
from .links import Link, LinkOptions, open_link
from .objects import (
    CAPTURE_TIME,
    SCALED,
    SCALER_UNIT,
    VALUE,
    ObjectRow,
    Profile,
    ProfileColumn,
    Reading,
    object_rows,
    scaled,
    understood,
    unit_symbol,
)

CURRENT_ASSOCIATION: Final = Descriptor(15, Obis.parse("0.0.40.0.0.255"), VALUE)
PROFILE_GENERIC: Final = 7
CLOCK: Final = 8
_CAPTURE_OBJECTS: Final = 3
_ENTRIES_IN_USE: Final = 7
_ENTRY_DESCRIPTOR: Final = Structure(DOUBLE_LONG_UNSIGNED, DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, LONG_UNSIGNED)
_STATUS_UNSPECIFIED: Final = 0xFF
_EARLIEST: Final = datetime(2000, 1, 1)
_LATEST: Final = datetime(2099, 12, 31, 23, 59, 59)
"""Limits of a range that is open on one side: no meter knows dates outside this century."""


class MeterClient(Closing):
    """One association over one link; a context manager that releases and disconnects."""

    def __init__(self, link: Link, password: bytes | None = None, *, short_names: bool = False) -> None:
        """Associate over an open link, with low level security where a password is given."""
        self._link = link
        self._client: Client | NamedClient = (NamedClient if short_names else Client)(password, link.max_pdu)
        self._objects: list[ObjectRow] | None = None
        self._alive = True
        try:
            self.negotiated: InitiateResponse = self._run(self._client.associate())
        except AssociationRefused as refused:
            raise AssociationRejected(str(refused)) from refused

    @classmethod
    def connect(
        cls, endpoint: Endpoint, options: LinkOptions, password: bytes | None = None, *, short_names: bool = False
    ) -> MeterClient:
        """Connect and associate; raises `ClientError`, and `ValueError` where an address does not fit."""
        link = open_link(endpoint, options)
        try:
            return cls(link, password, short_names=short_names)
        except BaseException:
            link.close()
            raise

    def close(self) -> None:
        """Release the association where the link does not end it, and disconnect."""
        if self._alive and not self._link.ends_association:
            with contextlib.suppress(ClientError):
                self._run(self._client.release())
        self._alive = False
        self._link.close()

    def _run(self, exchange: Exchange) -> Any:
        """Drive an exchange to its result."""
        try:
            request = next(exchange)
            while True:
                request = exchange.send(self._ask(request))
        except StopIteration as done:
            return done.value
        except ValueError as error:
            raise ProtocolFault(f"the meter's answer makes no sense: {error}") from error

    def _ask(self, request: bytes) -> bytes:
        try:
            return self._link.ask(request)
        except ClientError:
            self._alive = False
            raise

    def take_events(self) -> list[Event]:
        """What the meter has told unasked while it was asked something, oldest first, once; raises `ProtocolFault`."""
        apdus, self._link.events[:] = list(self._link.events), []
        try:
            return [self._client.event(apdu) for apdu in apdus]
        except DecodeError as error:
            raise ProtocolFault(f"an event makes no sense: {error}") from error

    # --- reading ------------------------------------------------------------------------------------------

    def object_list(self) -> list[ObjectRow]:
        """What this association shows; asked for once."""
        if self._objects is None:
            try:
                if isinstance(self._client, NamedClient):
                    self._objects = object_rows(self._run(self._client.objects_with_rights()))
                else:
                    self._objects = object_rows(self.read_value(CURRENT_ASSOCIATION))
            except DecodeError as error:
                raise ProtocolFault(str(error)) from error
        return self._objects

    def find(self, logical_name: Obis, class_id: int | None = None) -> ObjectRow | None:
        """The object of this name (and class) in the object list."""
        for row in self.object_list():
            if row.logical_name == logical_name and class_id in (None, row.class_id):
                return row
        return None

    def read(self, descriptor: Descriptor, selector: int | None = None, parameters: bytes = b"") -> bytes:
        """The encoded value of one attribute, whole or as an access selector chooses."""
        octets: bytes = self._run(self._client.get(descriptor, selector, parameters))
        return octets

    def write(self, descriptor: Descriptor, value: bytes) -> None:
        """Write one attribute with an encoded value; raises `AccessFailed`."""
        self._run(self._client.set(descriptor, value))

    def read_value(self, descriptor: Descriptor, selector: int | None = None, parameters: bytes = b"") -> Any:
        """One attribute as plain Python; dates and logical names are recognised where the class declares them."""
        octets = self.read(descriptor, selector, parameters)
        try:
            value = decode_all(ANY, octets)
        except DecodeError as error:
            raise ProtocolFault(f"{descriptor}: the value is not encoded as it should be: {error}") from error
        return understood(descriptor.class_id, descriptor.member, value)

    def read_scaled(self, row: ObjectRow, attribute: int = VALUE) -> Reading:
        """An attribute with its unit and, of the classes that have one, its capture time."""
        value = self.read_value(Descriptor(row.class_id, row.logical_name, attribute))
        if attribute not in SCALED.get(row.class_id, ()):
            return Reading(value)
        scaler, unit = self._scaler_unit(row)
        moment = None
        captured = CAPTURE_TIME.get(row.class_id)
        if captured in row.readable:
            assert captured is not None
            moment = self.read_value(Descriptor(row.class_id, row.logical_name, captured))
        return Reading(scaled(value, scaler), unit, moment if isinstance(moment, DateTime) else None)

    def _scaler_unit(self, row: ObjectRow) -> tuple[int, str]:
        """Scaler and the symbol of the unit; none where the association may not read them."""
        attribute = SCALER_UNIT[row.class_id]
        if attribute not in row.readable:
            return 0, ""
        descriptor = Descriptor(row.class_id, row.logical_name, attribute)
        try:
            scaler, unit = self.read_value(descriptor)
            return int(scaler), unit_symbol(unit)
        except (TypeError, ValueError):
            raise ProtocolFault(f"{descriptor}: scaler and unit expected") from None

    # --- profiles -----------------------------------------------------------------------------------------

    def read_profile(
        self,
        logical_name: Obis,
        begin: datetime | None = None,
        end: datetime | None = None,
        last: int | None = None,
    ) -> Profile:
        """Rows of a profile, oldest first: all, those from `begin` to `end`, or the `last` N.

        Limits without time zone are the meter's local time. Entries are numbered as the 382 does, 0 for the
        newest; a meter that turns out to count as the Blue Book does, from the oldest, is asked again.
        """
        columns, scalers = self._columns(logical_name)
        if begin is not None or end is not None:
            clock = next((item for item in columns if (item.class_id, item.attribute) == (CLOCK, VALUE)), None)
            if clock is None:
                raise ProtocolFault(f"{logical_name} captures no clock: its rows cannot be selected by time")
            limits = _moment(begin or _EARLIEST), _moment(end or _LATEST)
            rows = self._rows(logical_name, BY_RANGE, range_parameters(clock.logical_name, *limits))
        elif last is not None:
            rows = self._last_rows(logical_name, last, columns)
        else:
            rows = self._rows(logical_name)
        return Profile(columns, [_understood_row(row, columns, scalers) for row in rows])

    def _columns(self, logical_name: Obis) -> tuple[list[ProfileColumn], list[int]]:
        """The columns with their units, and beside them their scalers."""
        descriptor = Descriptor(PROFILE_GENERIC, logical_name, _CAPTURE_OBJECTS)
        columns, scalers = [], []
        try:
            captured = [(item[0], Obis(item[1]), item[2], item[3]) for item in self.read_value(descriptor)]
        except (TypeError, ValueError, IndexError):
            raise ProtocolFault(f"{descriptor}: capture objects expected") from None
        for class_id, name, attribute, data_index in captured:
            row = self.find(name, class_id) if attribute in SCALED.get(class_id, ()) else None
            scaler, unit = (0, "") if row is None else self._scaler_unit(row)
            columns.append(ProfileColumn(class_id, name, attribute, data_index, unit))
            scalers.append(scaler)
        return columns, scalers

    def _rows(self, logical_name: Obis, selector: int | None = None, parameters: bytes = b"") -> list[Any]:
        descriptor = Descriptor(PROFILE_GENERIC, logical_name, VALUE)
        rows = self.read_value(descriptor, selector, parameters)
        if not isinstance(rows, list):
            raise ProtocolFault(f"{descriptor}: an array of rows expected")
        return rows

    def _entries(self, logical_name: Obis, first: int, last: int) -> list[Any]:
        return self._rows(logical_name, BY_ENTRY, _ENTRY_DESCRIPTOR.encode((first, last, 1, 0)))

    def _last_rows(self, logical_name: Obis, count: int, columns: list[ProfileColumn]) -> list[Any]:
        """The newest rows, oldest first, whichever end the meter counts from."""
        in_use = self.read_value(Descriptor(PROFILE_GENERIC, logical_name, _ENTRIES_IN_USE))
        refused = None
        try:
            # Two at least: one row alone has no order.
            newest_first = self._entries(logical_name, 0, max(count, 2) - 1)
        except AccessFailed as error:
            newest_first, refused = [], error
        if len(newest_first) < min(in_use, 2) or _ascending(newest_first, columns):
            # Either the clock went back here, or this meter counts from 1, the oldest: then `in_use` is an entry.
            with contextlib.suppress(AccessFailed):
                if len(self._entries(logical_name, in_use, in_use)) == 1:
                    return self._entries(logical_name, max(in_use - count + 1, 1), in_use)
        if refused is not None:
            raise refused
        return newest_first[:count][::-1]


def _ascending(rows: list[Any], columns: list[ProfileColumn]) -> bool:
    """Whether the last row seems later than the first, by the octets of the clock column."""
    clock = next((number for number, item in enumerate(columns) if item.class_id == CLOCK), None)
    if clock is None or len(rows) < 2:
        return False
    first, last = rows[0][clock], rows[-1][clock]
    return isinstance(first, bytes) and isinstance(last, bytes) and first < last


def _moment(limit: datetime) -> DateTime:
    """A limit of a range. Whether daylight saving is in force is left to the meter."""
    offset = limit.utcoffset()
    deviation = DEVIATION_UNSPECIFIED if offset is None else -int(offset.total_seconds()) // 60
    return DateTime.from_datetime(limit, deviation=deviation, status=_STATUS_UNSPECIFIED)


def _understood_row(row: Any, columns: list[ProfileColumn], scalers: list[int]) -> tuple[Any, ...]:
    if not isinstance(row, tuple) or len(row) != len(columns):
        raise ProtocolFault(f"a row of {len(columns)} columns expected")
    return tuple(
        scaled(understood(column.class_id, column.attribute, value), scaler)
        for value, column, scaler in zip(row, columns, scalers, strict=True)
    )
