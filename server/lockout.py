"""Lock-out after repeated wrong passwords, per port: neither a restart nor a power cut lifts it.

Where an association of DLMS has the password of the port and guards it, it counts with the port.

Each wrong password counts. The last one that the device profile allows locks the port for the profile's time, and then
the right password is refused as well; what is tried meanwhile neither counts nor prolongs it. A right password before
that clears the count. The count stands in permanent memory, so it is journaled, and a session answers only after
the store has it; the time is true time, since a client may set the meter's clock. How many passwords a 382 takes and
how long it stays locked is not public: ours.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from .virtual_meter import VirtualMeter

_LAYOUT: Final = struct.Struct(">Bq")
_KEY: Final = b"lock-out "


class _Record(NamedTuple):
    """What a port remembers."""

    failures: int = 0
    locked_until: int = 0
    """True time."""


class PasswordGuard:
    """Checks the passwords that come in at one port of a meter; each wrong one is also blamed on its connection."""

    def __init__(self, meter: VirtualMeter, port_name: str, blame: Callable[[], None] = lambda: None) -> None:
        self._meter = meter
        self._blame = blame
        self._key = _KEY + port_name.encode("ascii")

    @property
    def locked(self) -> bool:
        """Whether no password is taken now."""
        return self._meter.now() < self._record.locked_until

    def check(self, password: str) -> bool:
        """Whether this is the password and the port is not locked; a wrong one counts."""
        right = hmac.compare_digest(password.encode(), self._meter.profile.local.password.encode())
        if right and not self.locked:
            self.succeeded()
            return True
        self.failed()
        return False

    def failed(self) -> None:
        """A wrong password; while locked it is only blamed."""
        self._blame()
        if self.locked:
            return
        local, failures = self._meter.profile.local, self._record.failures + 1
        if failures < local.password_attempts:
            self._remember(_Record(failures))
        else:
            self._remember(_Record(0, self._meter.now() + local.lock_out_s))

    def forged(self) -> None:
        """What cannot be deciphered, in an association that is open."""
        self._blame()

    def succeeded(self) -> None:
        """A right one."""
        if self._record.failures:
            self._remember(_Record())

    @property
    def _record(self) -> _Record:
        octets = self._meter.memory.get(self._key)
        return _Record() if octets is None else _Record(*_LAYOUT.unpack(octets))

    def _remember(self, record: _Record) -> None:
        self._meter.remember(self._key, _LAYOUT.pack(*record))
