"""Whoever asks one meter by KMP: requests in, answers out once everything they changed is on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from transports.connection import Connection
from transports.events import FrameLink, FrameReceived

from ..binding import ObjectModel
from ..lockout import PasswordGuard
from ..profile_tables import Kmp
from ..session import MeterSession
from ..settings.settings import Settings
from ..store import Store
from .commands import ACKNOWLEDGE, COMMANDS
from .sources import Look

log = structlog.get_logger("server")


class KmpSession(MeterSession):
    """One client of one meter by KMP."""

    __slots__ = ("_guard", "generation", "lids", "profile", "settings")

    def __init__(
        self, connection: Connection, link: FrameLink, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        profile = self.meter.profile
        assert profile.kmp is not None  # no line for this session without
        self.profile: Kmp = profile.kmp
        self.generation = profile.identity.type.facts.generation
        self.lids: Mapping[int, str] = {lid: logger for logger, lid in profile.kmp.loggers.items()}
        self.settings = Settings(self.meter)
        self._guard = PasswordGuard(self.meter, interface)

    def receive(self, event: FrameReceived) -> None:
        """Serve a request."""
        try:
            handler = COMMANDS.get(event.cid)
            answer = None if handler is None else handler(self, event.data)
        except ValueError as error:  # what this meter cannot do, or not with this value
            log.debug("refused", meter=self.meter.serial_number, cid=f"{event.cid:02X}", error=str(error))
            answer = None
        except Exception:
            log.exception("no answer to KMP", meter=self.meter.serial_number, cid=f"{event.cid:02X}")
            answer = None
        self.respond(lambda now: reply(self.link, answer, now))

    def look(self) -> Look:
        """The meter as it is now."""
        return Look(self.meter, self.model, self.meter.now())

    def admits(self, password: bytes) -> bool:
        """Whether these octets, as a decimal number, are the password of the port and it is not locked."""
        digits = len(self.meter.profile.local.password)
        return self._guard.check(f"{int.from_bytes(password, 'big'):0{digits}d}")


def reply(link: Any, answer: bytes | None, now: float) -> None:
    """Answer a request through its link."""
    if answer is None:
        link.ignore(now)
    elif answer == ACKNOWLEDGE:
        link.acknowledge(now)
    else:
        link.send_frame(answer, now)
