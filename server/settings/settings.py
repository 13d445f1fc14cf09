"""The settings as one client sees them: texts by number, read whole or in parts, written in parts.

A text is JSON in UTF-8. Number 0 is the index: an array of tables with number, name, description, legal and allowed of
every setting. Parts of a text come in order, from offset 0 on; with the last one the setting is checked as a whole and
then changed, all of it or nothing. What is already as the text says stays as it is: nothing is deleted, nothing
logged. A client that has lost an answer may send its last part once more. A text begun at offset 0 replaces one that
was not ended. All of it is ours: how METERTOOL does it is not public.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from ..virtual_meter import VirtualMeter
from .catalogue import CATALOGUE
from .setting import Legal, Plain, Setting, SettingRefused

LONGEST: Final = 16 * 1024
"""Octets of a text: more than the largest tariff table needs, and little to hold for each client."""
INDEX: Final = 0
LAST_RESULT: Final = 255
"""The number under which a protocol with one octet for it gives the last result."""
DONE: Final = "done"
UNFINISHED: Final = "unfinished"


class Settings:
    """One client's view of one meter's settings; it holds what has come of a text, and how the last one ended."""

    def __init__(self, meter: VirtualMeter) -> None:
        self._meter = meter
        self.last_result = ""
        """Of the last text written: empty before the first, else "unfinished", "done" or why it was refused."""
        self._number: int | None = None
        self._total = 0
        self._received = b""
        self._reading: tuple[int, bytes] | None = None

    def read(self, number: int) -> bytes:
        """The text of a setting, or of the index; raises `KeyError` where there is none of this number."""
        return encode(_index() if number == INDEX else CATALOGUE[number].read(self._meter))

    def read_part(self, number: int, offset: int, count: int) -> tuple[int, bytes]:
        """Length of the text and these octets of it; parts from an offset above 0 are of the text read at 0."""
        if offset == 0 or self._reading is None or self._reading[0] != number:
            self._reading = number, self.read(number)
        octets = self._reading[1]
        return len(octets), octets[offset : offset + count]

    def write_part(self, number: int, offset: int, total: int, octets: bytes) -> None:
        """Take a part of a new text; raises `SettingRefused`, and `KeyError` where no setting has this number."""
        setting = CATALOGUE[number]
        if offset and self._repeated(number, offset, total, octets):
            return
        if offset == 0:
            self._number, self._total, self._received = number, total, b""
        expected = len(self._received)
        if (number, total, offset) != (self._number, self._total, expected):
            self._refuse(f"offset {offset} of {total}: not the part that comes next")
        if not 1 <= total <= LONGEST:
            self._refuse(f"length is {total}; allowed: 1..{LONGEST}")
        if not octets or expected + len(octets) > total:
            self._refuse(f"{len(octets)} octets at offset {offset} of {total}; allowed: 1..{total - expected}")
        self._received += octets
        self.last_result = UNFINISHED
        if len(self._received) == total:
            self._change(setting, self._received)

    def _repeated(self, number: int, offset: int, total: int, octets: bytes) -> bool:
        """Whether this is the last part once more; how it ended is said once more."""
        if (number, total) != (self._number, self._total) or not octets:
            return False
        if self._received[offset:] != octets:
            return False
        if self.last_result not in (DONE, UNFINISHED):
            raise SettingRefused(self.last_result)
        return True

    def _change(self, setting: Setting, octets: bytes) -> None:
        try:
            if setting.legal is Legal.SEALED and self._meter.engine.enclosure.seal_broken_at is None:
                raise SettingRefused("legal data: the verification seal is intact")
            value = decode(octets)
            changes = setting.plan(self._meter, value)
            if encode(value) != encode(setting.read(self._meter)):
                self._meter.configure(setting.number, changes)
        except ValueError as error:
            refused = error if isinstance(error, SettingRefused) else SettingRefused(str(error))
            self.last_result = str(refused)
            raise refused from None
        self.last_result = DONE

    def _refuse(self, reason: str) -> NoReturn:
        refused = SettingRefused(reason)
        self._number, self._received, self.last_result = None, b"", str(refused)
        raise refused


def encode(value: Plain) -> bytes:
    """JSON text of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(octets: bytes) -> Plain:
    """The value of a JSON text; raises `SettingRefused`."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise SettingRefused("not JSON: no UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_without_doubles)
        encode(value)  # half a surrogate pair is a text here, and none on a wire
    except UnicodeEncodeError:
        raise SettingRefused("not JSON: half a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise SettingRefused(f"not JSON: {error}") from None
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key comes twice")
    return table


def _index() -> list[dict[str, Plain]]:
    return [
        {
            "number": int(setting.number),
            "name": setting.name,
            "description": setting.description,
            "legal": setting.legal is not Legal.NO,
            "allowed": setting.allowed,
        }
        for setting in CATALOGUE.values()
    ]
