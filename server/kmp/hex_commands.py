"""The commands of the 685-382 by its hexadecimal protocol: hello, memory, two readings, and a login.

    00          hello                  02 01 07 01
    01 from to  memory, both included  the octets
    90          readings               energy, power, hours, trip counter, peak, customer, 8 zeros, production
    92 password login                  nothing
    95 00       tariffs                01, total, tariff 1, tariff 2

Numbers in readings have 32 bits, the high octet first: kWh, W, h, and the trip counter 0.01 kWh; the production number
is eight decimal digits in four octets. All of this is from captures of one public driver. Not public, ours: the
password as six decimal digits in three octets, the places of the numbers in memory, and silence to everything else.
The memory holds the type number from address 1 on, meter and customer number with the low octet first, a zero at 2C,
and FF everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from metering import MWS_PER_WH, Energy, Flow

from ..lockout import PasswordGuard
from ..markings import markings
from ..virtual_meter import VirtualMeter

_HELLO: Final = bytes((0x02, 0x01, 0x07, 0x01))
_MOST_OCTETS: Final = 0xFF
"""Of one reading of memory."""
_TYPE_AT: Final = 0x0001
_METER_ID_AT: Final = 0x000B
_CUSTOMER_AT: Final = 0x000F
_ZERO_AT: Final = 0x002C
_IMAGE_END: Final = 0x002D


class HexCommands:
    """What one client can ask of one 685 at one port."""

    def __init__(self, meter: VirtualMeter, interface: str, blame: Callable[[], None] = lambda: None) -> None:
        self.meter = meter
        self._guard = PasswordGuard(meter, interface, blame)

    def execute(self, command: int, data: bytes) -> bytes | None:
        """The answer, its command in front; `None` is silence."""
        handler = _COMMANDS.get(command)
        answer = None if handler is None else handler(self, data)
        return None if answer is None else bytes((command,)) + answer

    def hello(self, data: bytes) -> bytes | None:
        """Who is there."""
        return None if data else _HELLO

    def memory(self, data: bytes) -> bytes | None:
        """The octets from one address to another."""
        if len(data) != 4:
            return None
        first, last = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:], "big")
        if not first <= last < first + _MOST_OCTETS:
            return None
        return self._image()[first : last + 1].ljust(last + 1 - first, b"\xff")

    def _image(self) -> bytes:
        image = bytearray(b"\xff" * _IMAGE_END)
        type_number = self.meter.type_number.encode("ascii")
        image[_TYPE_AT : _TYPE_AT + len(type_number)] = type_number
        image[_METER_ID_AT : _METER_ID_AT + 4] = self.meter.serial_number.to_bytes(4, "little")
        image[_CUSTOMER_AT : _CUSTOMER_AT + 4] = self._customer_number.to_bytes(4, "little")
        image[_ZERO_AT] = 0
        return bytes(image)

    @property
    def _customer_number(self) -> int:
        return markings(self.meter).meter_numbers[0]

    def readings(self, data: bytes) -> bytes | None:
        """What the meter shows."""
        if data:
            return None
        engine, now = self.meter.engine, self.meter.now()
        shown = (
            _kilowatt_hours(engine.energy(Energy.A14, now)),
            engine.instantaneous(now).p14_mw // 1_000,
            engine.operating_s(now) // 3_600,
            engine.trip_counter(Flow.A14, now) // (10 * MWS_PER_WH),
            engine.hourly_store(now).peak // 1_000,
            self._customer_number,
        )
        return _numbers(*shown) + bytes(8) + bytes.fromhex(f"{self.meter.serial_number:08d}")

    def tariffs(self, data: bytes) -> bytes | None:
        """Total and tariff registers."""
        if data != b"\x00":
            return None
        engine, now = self.meter.engine, self.meter.now()
        readings = (engine.tariff_energy(Flow.A14, tariff, now) for tariff in (1, 2))
        shown = (engine.energy(Energy.A14, now), *readings)
        return b"\x01" + _numbers(*(_kilowatt_hours(reading) for reading in shown))

    def login(self, data: bytes) -> bytes | None:
        """Check the password."""
        return b"" if len(data) == 3 and self._guard.check(data.hex()) else None


def _kilowatt_hours(reading: int) -> int:
    return reading // (1_000 * MWS_PER_WH)


def _numbers(*values: int) -> bytes:
    return b"".join((value & 0xFFFFFFFF).to_bytes(4, "big") for value in values)


_COMMANDS: Final[Mapping[int, Callable[[HexCommands, bytes], bytes | None]]] = {
    0x00: HexCommands.hello,
    0x01: HexCommands.memory,
    0x90: HexCommands.readings,
    0x92: HexCommands.login,
    0x95: HexCommands.tariffs,
}
