"""What guessing costs: failures of an association are counted, and each one past the allowed locks it for longer.

The model is that of class 124, Communication port protection (Blue Book): so many failures are free, the next locks
the association for the initial time, each further one for `steepness` times as long as the last, up to a maximum. While
it is locked nothing is looked at: right and wrong fail alike, neither counts nor prolongs. A success clears it.

Each failure is also blamed on the connection it came by, which has limits of its own. A meter without lock-out does
only that.

A count belongs to a secret of one meter: to client and server SAP, or together to all associations that still have the
same secret as delivered, whatever their mechanism. Where that is also the password of the local ports, the count is
theirs (`lockout.py`). It stands in permanent memory, so a session answers a failure
only after it is on disk, and neither a restart nor a power cut lifts a lock. The time is true time: whoever sets the
meter's clock lifts nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ..profile_tables import LockOut
    from ..virtual_meter import VirtualMeter

_LAYOUT: Final = struct.Struct(">IQ")


class _Record(NamedTuple):
    failures: int = 0
    locked_until: int = 0


class AssociationGuard:
    """Counts the failures of one association of a meter; see `cosem.security.layer.Guard`.

    `shared` counts for all that have the secret of the association named.
    """

    def __init__(
        self,
        meter: VirtualMeter,
        lock_out: LockOut | None,
        client_sap: int,
        server_sap: int,
        blame: Callable[[], None] = lambda: None,
        *,
        shared: bool = False,
    ) -> None:
        self._meter = meter
        self._lock_out = lock_out
        self._blame = blame
        self._key = b"failures %b%d/%d" % (b"shared " if shared else b"", client_sap, server_sap)

    @property
    def locked(self) -> bool:
        """Whether nobody is let in now."""
        return self._meter.now() < self._record.locked_until

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._record.failures

    def failed(self) -> None:
        """Somebody could not prove what they claimed; while locked, nothing."""
        self._blame()
        if self._lock_out is None or self.locked:
            return
        failures = min(self.failures + 1, 0xFFFF_FFFF)
        self._remember(_Record(failures, self._meter.now() + self._lock_out.seconds_after(failures)))

    def forged(self) -> None:
        """Somebody in the association sent what cannot be deciphered."""
        self._blame()

    def succeeded(self) -> None:
        """Somebody did."""
        if self.failures:
            self._remember(_Record())

    @property
    def _record(self) -> _Record:
        octets = self._meter.memory.get(self._key)
        return _Record() if octets is None else _Record(*_LAYOUT.unpack(octets))

    def _remember(self, record: _Record) -> None:
        self._meter.remember(self._key, _LAYOUT.pack(*record))
