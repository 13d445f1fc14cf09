"""Whoever asks one meter by KMP, as its commands see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..binding import ObjectModel
from ..lockout import PasswordGuard
from ..settings import Settings
from ..virtual_meter import VirtualMeter
from .sources import Look


class Asker:
    """One client of one meter at one port. The meter's profile must have the table `kmp`."""

    def __init__(
        self, model: ObjectModel, meter: VirtualMeter, interface: str, blame: Callable[[], None] = lambda: None
    ) -> None:
        profile = meter.profile
        assert profile.kmp is not None
        self.model = model
        self.meter = meter
        self.interface = interface
        self.profile = profile.kmp
        self.generation = profile.identity.type.facts.generation
        self.lids: Mapping[int, str] = {lid: logger for logger, lid in profile.kmp.loggers.items()}
        self.settings = Settings(meter)
        self._guard = PasswordGuard(meter, interface, blame)

    def look(self) -> Look:
        """The meter as it is now."""
        return Look(self.meter, self.model, self.meter.now())

    def admits(self, password: bytes) -> bool:
        """Whether these octets, as a decimal number, are the password of the port and it is not locked."""
        digits = len(self.meter.profile.local.password)
        return self._guard.check(f"{int.from_bytes(password, 'big'):0{digits}d}")
