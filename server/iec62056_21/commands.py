"""What a meter answers to the commands of programming and manufacturer mode (IEC 1107 description 5 to 7).

A command is looked up by its name in `_COMMANDS`; before the right password only P1 is served. What changes the meter
has happened when `execute` returns, and stands on the meter's `pending` list: the session answers when it is on disk.
In mode A "only data readout is possible" (3.3) where a meter has mode C; for one that has not, the standard lets any
command behind the readout begin programming.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cosem.errors import ServiceError
from metering.inputs import SetClock, SignOn
from metering.status import EventA

from ..binding import Context, ObjectModel
from ..lockout import PasswordGuard
from ..settings import LAST_RESULT, SettingRefused, Settings
from ..virtual_meter import VirtualMeter
from . import configuration
from .data_sets import DataSets
from .errors import Fault, Refusal
from .loggers import read_logger
from .notation import normal_time
from .readout import list_number
from .registers import registers_of


class Acknowledge(NamedTuple):
    """ACK."""


class Data(NamedTuple):
    """Data, in blocks."""

    blocks: Sequence[str]


class BreakOff(NamedTuple):
    """B0: the dialogue is over."""


Answer = Acknowledge | Data | BreakOff

CLOCK: Final = "1.0.0"
WRITABLE: Final = ("129.0.0", "96.5.1")
"""Registers that W1 and W5 write besides the clock (figure 11; 0.4.2 is there in meters with transformers only)."""
_MANUFACTURER: Final = "6"
_AFTER_ACKNOWLEDGEMENT: Final = "16789"
"""Modes that an acknowledgement has asked for; the others follow a readout."""
_CONFIGURATION: Final = re.compile(r"131\.0\.([1-9]\d?)")
_SETTING: Final = re.compile(r"131\.128\.(0|[1-9]\d{0,2})")
_NUMBER: Final = re.compile(r"\d{1,10}")
_PART: Final = re.compile(r"(\d{1,5});(\d{1,3})")
_WRITTEN_PART: Final = re.compile(r"(\d{1,5});(\d{1,5});((?:[0-9A-Fa-f]{2})+)")
_LONGEST_PART: Final = 255


class Commands:
    """One client's dialogue with one meter, in mode "1" or "6", or "A" or "B" behind a readout."""

    def __init__(
        self,
        model: ObjectModel,
        meter: VirtualMeter,
        interface: str,
        mode: str,
        blame: Callable[[], None] = lambda: None,
    ) -> None:
        self._meter = meter
        self._mode = mode
        self._port = configuration.PORTS.index(interface)
        self._context = Context(model, meter, interface)
        self._data_sets = DataSets(model, meter, interface)
        self._registers = registers_of(model)
        self._guard = PasswordGuard(meter, interface, blame)
        self._settings = Settings(meter)
        self._admitted = False
        self._open = mode in _AFTER_ACKNOWLEDGEMENT or "C" not in meter.profile.iec62056_21.modes
        if self._open and meter.powered and not meter.engine.status(meter.now()).event_a & EventA.SIGN_ON:
            meter.apply(SignOn())

    def execute(self, command: str, address: str, data: str) -> Answer:
        """Serve a command; raises `Refusal`."""
        if not self._open:
            return BreakOff()
        if command == "P1":
            self._admitted = self._guard.check(data)
            return Acknowledge() if self._admitted else BreakOff()
        if not self._admitted:
            raise Refusal(Fault.PASSWORD)
        serve = _COMMANDS.get(command)
        if serve is None:
            raise Refusal(Fault.COMMAND)
        return serve(self, address, data)

    # --- reading --------------------------------------------------------------------------------

    def _read(self, address: str, data: str) -> Answer:
        """R1, R5: a data set, a configuration object, a part of a setting. Manufacturer mode reads nothing (7.6.1)."""
        if self._mode == _MANUFACTURER:
            raise Refusal(Fault.MODE)
        if match := _SETTING.fullmatch(address):
            return Data([f"{address}({self._setting(int(match[1]), data)})"])
        if match := _CONFIGURATION.fullmatch(address):
            answer = f"{address}{self._configured(int(match[1]))}"
        elif self._data_sets.known(address):
            answer = self._data_sets.data_set(address, list_number(self._meter, self._port))
        else:
            raise Refusal(Fault.UNKNOWN)
        if data and not _NUMBER.fullmatch(data):  # how many locations, by the standard; here it is always one
            raise Refusal(Fault.FORMAT)
        return Data([answer])

    def _configured(self, number: int) -> str:
        if number != configuration.USER_DATA_2:
            return f"({self._configuration(number)})"
        if not self._meter.profile.iec62056_21.configurable:
            raise Refusal(Fault.UNKNOWN)
        chosen = configuration.user_data_2(self._meter)
        return f"({len(chosen)})" + "".join(f"({identification})" for identification in chosen)

    def _configuration(self, number: int) -> int:
        try:
            return configuration.read(self._meter, number)
        except KeyError:
            raise Refusal(Fault.UNKNOWN) from None

    def _setting(self, number: int, data: str) -> str:
        match = _PART.fullmatch(data)
        if match is None or not 1 <= int(match[2]) <= _LONGEST_PART:
            raise Refusal(Fault.FORMAT)
        offset, count = map(int, match.groups())
        if number == LAST_RESULT:
            octets = self._settings.last_result.encode("ascii")
            total, part = len(octets), octets[offset : offset + count]
        else:
            try:
                total, part = self._settings.read_part(number, offset, count)
            except KeyError:
                raise Refusal(Fault.UNKNOWN) from None
        return f"{total};{part.hex().upper()}"

    def _logger(self, address: str, data: str) -> Answer:
        """R6: a logger, in blocks."""
        if self._mode == _MANUFACTURER:
            raise Refusal(Fault.MODE)
        item = self._registers.loggers.get(address)
        if item is None or address not in self._meter.profile.iec62056_21.loggers:
            raise Refusal(Fault.UNKNOWN)
        return Data(read_logger(self._context, item, data))

    # --- writing --------------------------------------------------------------------------------

    def _write(self, address: str, data: str) -> Answer:
        """W1, W5: the clock, a register, a configuration object, a part of a setting."""
        if match := _SETTING.fullmatch(address):
            self._write_setting(int(match[1]), data)
        elif match := _CONFIGURATION.fullmatch(address):
            self._configure(int(match[1]), data)
        elif not (self._data_sets.known(address) or address in self._registers.loggers):
            raise Refusal(Fault.UNKNOWN)
        elif self._mode == _MANUFACTURER:
            raise Refusal(Fault.MODE)
        elif address == CLOCK:
            self._set_clock(data)
        elif address in WRITABLE and address in self._registers.objects:
            self._write_register(address, data)
        else:
            raise Refusal(Fault.READ_ONLY)
        return Acknowledge()

    def _set_clock(self, data: str) -> None:
        """NYYMMDDhhmmss."""
        try:
            at = normal_time(data)
        except ValueError as error:
            raise Refusal(Fault.FORMAT) from error
        self._meter.apply(SetClock(at - self._meter.engine.configuration.gmt_offset_s))

    def _write_register(self, address: str, data: str) -> None:
        bound = self._registers.objects[address].attributes[2]
        assert bound.sink is not None
        bound.sink(self._context, _number(data))

    def _configure(self, number: int, data: str) -> None:
        if number == configuration.USER_DATA_2:
            self._configure_list(data)
            return
        self._configuration(number)
        if self._mode == _MANUFACTURER:
            raise Refusal(Fault.MODE)
        configuration.write(self._meter, number, _number(data))

    def _configure_list(self, data: str) -> None:
        """`131.0.17(n)(id)(id)…`, in manufacturer mode only (6); what stands between the brackets is `n)(id)(id…`."""
        if not self._meter.profile.iec62056_21.configurable:
            raise Refusal(Fault.UNKNOWN)
        if self._mode != _MANUFACTURER:
            raise Refusal(Fault.MODE)
        count, *identifications = data.split(")(")
        if _number(count) != len(identifications) or not 1 <= len(identifications) <= configuration.LONGEST_LIST:
            raise Refusal(Fault.VALUE)
        if not all(map(self._data_sets.known, identifications)):
            raise Refusal(Fault.UNKNOWN)
        configuration.write_list(self._meter, identifications)

    def _write_setting(self, number: int, data: str) -> None:
        if self._mode == _MANUFACTURER:
            raise Refusal(Fault.MODE)
        match = _WRITTEN_PART.fullmatch(data)
        if match is None:
            raise Refusal(Fault.FORMAT)
        try:
            self._settings.write_part(number, int(match[1]), int(match[2]), bytes.fromhex(match[3]))
        except KeyError:
            raise Refusal(Fault.UNKNOWN) from None
        except SettingRefused as refused:
            raise Refusal(Fault.SETTING) from refused


def _number(data: str) -> int:
    if not _NUMBER.fullmatch(data):
        raise Refusal(Fault.FORMAT)
    return int(data)


_COMMANDS: Final[dict[str, Callable[[Commands, str, str], Answer]]] = {
    "R1": Commands._read,
    "R5": Commands._read,
    "R6": Commands._logger,
    "W1": Commands._write,
    "W5": Commands._write,
}


def refusal_of(error: Exception) -> Fault:
    """What an error of the meter is to the client: a value refused, or a fault of ours."""
    if isinstance(error, Refusal):
        return error.fault
    return Fault.VALUE if isinstance(error, (ValueError, ServiceError)) else Fault.INTERNAL
