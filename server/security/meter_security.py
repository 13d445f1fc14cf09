"""All that a meter keeps for secured associations: its Security setups and the passwords clients wrote.

One counter counts all that the meter sends ciphered, whatever setup it belongs to: suites may share key octets, and so
no two APDUs of a meter ever share key and initialization vector. A value goes out only when a limit above it is on
disk: in time, while half of the block before is left, or else with the answer that carries it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from cosem.security.invocation import SendCounter

from .meter_setup import MeterSetup

if TYPE_CHECKING:
    from ..virtual_meter import VirtualMeter

_LIMIT: Final = struct.Struct(">Q")
_SENT: Final = b"security sent"


class MeterSecurity:
    """The security of one meter, made when it is first needed. Raises `KeyFileError`."""

    def __init__(self, meter: VirtualMeter) -> None:
        self._meter = meter
        stored = meter.memory.get(_SENT)
        start = 0 if stored is None else _LIMIT.unpack(stored)[0]
        self.sent = SendCounter(start, self._reserve)
        self.setups = {item.number: MeterSetup(meter, item, self.sent) for item in meter.profile.security_setups}

    def _reserve(self, limit: int) -> bool:
        self._meter.remember(_SENT, _LIMIT.pack(limit), lambda: self.sent.confirm(limit))
        return True

    def password(self, client_sap: int, server_sap: int) -> bytes | None:
        """The password or secret that was written for an association; None where the profile's holds."""
        return self._meter.secrets.passwords.get((client_sap, server_sap))

    def settle(self) -> None:
        """Write exact counters: nothing comes any more."""
        for setup in self.setups.values():
            setup.settle()
