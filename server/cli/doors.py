"""The three ways to the settings of a meter, as one: KMP blocks, DLMS objects, programming of IEC 62056-21.

A setting is a JSON text under a number; number 0 is the index of all of them (see `server/settings/README.md`). The
texts travel in parts on every way, and after each text the meter can say how it ended. Only this file knows what the
parts look like.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from conformance.client import MeterClient
from conformance.endpoint import Endpoint
from conformance.errors import AssociationRejected, LoginRefused, ProtocolFault, RequestRefused
from conformance.iec_client import IecClient, IecOptions
from conformance.iec_data import logger_rows
from conformance.kmp_client import KmpClient, KmpOptions
from conformance.kmp_records import Stamp
from conformance.links import LinkOptions
from cosem.client import AccessFailed
from cosem.data_types import OCTET_STRING
from cosem.xdlms import Descriptor
from obis import Obis

INDEX: Final = 0
LAST_RESULT: Final = 255
KMP_LAST_RESULT: Final = 0xFFFF
_DONE: Final = "done"
_UNFINISHED: Final = "unfinished"
_LONGEST_TEXT: Final = 64 * 1024
"""Four times what our meter takes: whatever announces more than this is not ours."""


class Refused(Exception):
    """The meter did not change the setting; the text is its reason."""


class DoorOptions(NamedTuple):
    """Who asks, and how long an answer may take; `None` is what fits the way."""

    password: str | None = None
    timeout_s: float = 5.0
    baud: int | None = None
    hdlc_address: int | None = None


class Change(NamedTuple):
    """A row of the configuration logger, in normal time: which setting, and how many changes there were with it."""

    moment: str
    number: int
    changes: int


class Door(Protocol):
    """One way to one meter's settings. Every method may raise `ClientError`."""

    name: str
    """The protocol as people call it."""

    def login(self, password: str) -> None:
        """Show the password; raises `LoginRefused`."""

    def read(self, number: int) -> bytes:
        """The whole text of a setting; raises `Refused` where there is none of this number."""

    def write(self, number: int, octets: bytes) -> None:
        """Change a setting; raises `Refused`."""

    def changes(self) -> list[Change]:
        """What the configuration logger holds, oldest first."""

    def close(self) -> None:
        """Sign off and give the wire back."""


# --- KMP ------------------------------------------------------------------------------------------------------


class KmpDoor:
    """Blocks of KMP: B7 reads, B6 writes and brings the password each time."""

    name = "KMP"
    _PART: Final = 200
    _LOGGER: Final = 15
    _COLUMNS: Final = (0x0417, 0x00DF, 0x00DE)
    """Stamp, number of the setting, count."""

    def __init__(self, client: KmpClient) -> None:
        self._client = client
        self._password = 0

    @classmethod
    def connect(cls, endpoint: Endpoint, options: DoorOptions) -> KmpDoor:
        """Open the wire and see that a meter is there."""
        client = KmpClient.connect(endpoint, KmpOptions(timeout_s=options.timeout_s, baud=options.baud or 9600))
        try:
            client.get_type()
        except BaseException:
            client.close()
            raise
        return cls(client)

    def login(self, password: str) -> None:
        """A password is a number of 16 bits here."""
        if not password.isascii() or not password.isdigit() or int(password) > 0xFFFF:
            raise LoginRefused(f"passwords are numbers up to {0xFFFF} in KMP")
        try:
            self._client.login(int(password))
        except RequestRefused as refused:
            raise LoginRefused("the password is wrong, or the port is locked after wrong ones") from refused
        self._password = int(password)

    def read(self, number: int) -> bytes:
        """Part by part until the announced length is there."""
        octets = b""
        while True:
            part = self._client.get_block(number, len(octets), self._PART)
            octets += _checked_part(part.octets, part.total, len(octets))
            if len(octets) == part.total:
                return octets

    def write(self, number: int, octets: bytes) -> None:
        """Silence may be a refusal or a lost frame: the last result tells, and then a part is sent once more."""
        for offset, part in _parts(octets, self._PART):
            try:
                self._client.put_block(self._password, number, offset, len(octets), part)
            except RequestRefused as silence:
                result = self._last_result()
                if not result:
                    raise Refused(str(silence)) from silence
                if result not in (_DONE, _UNFINISHED):
                    raise Refused(result) from silence
                self._once_more(number, offset, octets, part)

    def _once_more(self, number: int, offset: int, octets: bytes, part: bytes) -> None:
        try:
            self._client.put_block(self._password, number, offset, len(octets), part)
        except RequestRefused as silence:
            raise Refused(str(silence)) from silence

    def _last_result(self) -> str:
        return _text(self.read(KMP_LAST_RESULT))

    def changes(self) -> list[Change]:
        """The configuration logger, page by page from its oldest row on."""
        changes: list[Change] = []
        page = self._client.log_from(self._LOGGER, self._COLUMNS, Stamp(datetime(2000, 1, 1), 0))
        while page.records:
            for record in page.records:
                stamp, code, count = (register.value for register in record.registers)
                changes.append(Change(str(stamp), int(code), int(count)))
            if page.last_read == page.newest:
                break
            page = self._client.log_from_id(self._LOGGER, self._COLUMNS, (page.last_read + 1) % 0x10000)
        return changes

    def close(self) -> None:
        """KMP has no good-bye."""
        self._client.close()


# --- DLMS -----------------------------------------------------------------------------------------------------


class DlmsDoor:
    """Data objects 1.1.134.128.N.255 of the configuration association: GET reads a text, SET writes a part."""

    name = "DLMS"
    CLIENT_SAP: Final = 22
    SERVER_SAP: Final = 16
    _PART: Final = 96
    _HEAD: Final = struct.Struct(">HH")

    def __init__(self, endpoint: Endpoint, options: DoorOptions) -> None:
        self._endpoint = endpoint
        self._options = options
        self._client: MeterClient | None = None

    def login(self, password: str) -> None:
        """Associate."""
        options = self._options
        link = LinkOptions(
            self.CLIENT_SAP, self.SERVER_SAP, options.timeout_s, options.hdlc_address, options.baud or 9600
        )
        try:
            self._client = MeterClient.connect(self._endpoint, link, password.encode())
        except AssociationRejected as rejected:
            if _WRONG_PASSWORD not in str(rejected):
                raise  # no such association: a meter that has its settings elsewhere, or none
            raise LoginRefused(str(rejected)) from rejected

    def read(self, number: int) -> bytes:
        """The value of the object."""
        assert self._client is not None, "login comes first"
        try:
            octets = self._client.read_value(_object(number))
        except AccessFailed as failed:
            raise Refused(str(failed)) from failed
        if not isinstance(octets, bytes):
            raise ProtocolFault(f"{_object(number)}: an octet-string expected")
        return octets

    def write(self, number: int, octets: bytes) -> None:
        """Part by part, each behind its offset and the length of the whole."""
        assert self._client is not None, "login comes first"
        for offset, part in _parts(octets, self._PART):
            value = OCTET_STRING.encode(self._HEAD.pack(offset, len(octets)) + part)
            try:
                self._client.write(_object(number), value)
            except AccessFailed as failed:
                result = _text(self.read(LAST_RESULT))
                raise Refused(result if result not in ("", _DONE, _UNFINISHED) else str(failed)) from failed

    def changes(self) -> list[Change]:
        """The configuration logger as a profile."""
        assert self._client is not None, "login comes first"
        try:
            rows = self._client.read_profile(_LOGGER).rows
            return [Change(str(moment), int(number), int(count)) for moment, number, count in rows]
        except (AccessFailed, ValueError) as error:
            raise ProtocolFault(f"{_LOGGER}: {error}") from error

    def close(self) -> None:
        """Release and disconnect."""
        if self._client is not None:
            self._client.close()


_WRONG_PASSWORD: Final = "authentication-failure"
_LOGGER: Final = Obis.parse("1.1.99.98.15.255")


def _object(number: int) -> Descriptor:
    return Descriptor(1, Obis(bytes((1, 1, 134, 128, number, 255))), 2)


# --- IEC 62056-21 ---------------------------------------------------------------------------------------------


class IecDoor:
    """Programming mode: R5 and W5 of 131.128.N, octets in hexadecimal digits."""

    name = "IEC 62056-21"
    _READ: Final = 255
    """Octets asked for at once; the meter gives as many as fit its message."""
    _LOGGER: Final = "99.98.15"
    _PART: Final = 56
    """Octets of a part: with offset and length its digits fit the 128 characters of a command."""
    _ANSWER: Final = re.compile(r"\((\d+);((?:[0-9A-Fa-f]{2})*)\)")

    def __init__(self, client: IecClient) -> None:
        self._client = client

    @classmethod
    def connect(cls, endpoint: Endpoint, options: DoorOptions) -> IecDoor:
        """Open the wire and sign on."""
        client = IecClient.connect(endpoint, IecOptions(timeout_s=options.timeout_s, baud=options.baud))
        try:
            client.sign_on()
        except BaseException:
            client.close()
            raise
        return cls(client)

    def login(self, password: str) -> None:
        """Enter programming mode."""
        self._client.program(password)

    def read(self, number: int) -> bytes:
        """Part by part until the announced length is there."""
        octets, address = b"", f"131.128.{number}"
        while True:
            try:
                answer = "".join(self._client.read("R5", address, f"{len(octets)};{self._READ}"))
            except RequestRefused as refused:
                raise Refused(str(refused)) from refused
            match = self._ANSWER.fullmatch(answer.removeprefix(address).strip())
            if match is None:
                raise ProtocolFault(f"{address}: a part of a text expected, found {answer[:40]!r}")
            octets += _checked_part(bytes.fromhex(match[2]), int(match[1]), len(octets))
            if len(octets) == int(match[1]):
                return octets

    def write(self, number: int, octets: bytes) -> None:
        """Part by part."""
        for offset, part in _parts(octets, self._PART):
            try:
                self._client.write("W5", f"131.128.{number}", f"{offset};{len(octets)};{part.hex().upper()}")
            except RequestRefused as refused:
                result = _text(self.read(LAST_RESULT))
                raise Refused(result if result not in ("", _DONE, _UNFINISHED) else str(refused)) from refused

    def changes(self) -> list[Change]:
        """The configuration logger by R6."""
        try:
            rows = logger_rows(self._client.read("R6", self._LOGGER), self._LOGGER).rows
            return [Change(_moment(stamp), int(number), int(count)) for stamp, number, count in rows]
        except (RequestRefused, ValueError) as error:
            raise ProtocolFault(f"{self._LOGGER}: {error}") from error

    def close(self) -> None:
        """Break off and give the wire back."""
        self._client.close()


def _moment(stamp: str) -> str:
    """NVYYMMDDhhmmss."""
    return str(datetime.strptime(stamp[2:], "%y%m%d%H%M%S"))


# --- what they share ------------------------------------------------------------------------------------------


def _parts(octets: bytes, size: int) -> list[tuple[int, bytes]]:
    """Offset and octets of each part."""
    return [(offset, octets[offset : offset + size]) for offset in range(0, len(octets), size)]


def _checked_part(octets: bytes, total: int, offset: int) -> bytes:
    """A part that goes on where the last one ended; raises `ProtocolFault` where it cannot be one."""
    if total > _LONGEST_TEXT or offset + len(octets) > total or (not octets and offset < total):
        raise ProtocolFault(f"a part of {len(octets)} octets at {offset} of {total} makes no sense")
    return octets


def _text(octets: bytes) -> str:
    """The last result, with or without the quotes of JSON."""
    return octets.decode("utf-8", "replace").strip('"')
