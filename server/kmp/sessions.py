"""Sessions of KMP and of the hexadecimal protocol: requests in, answers out once what they changed is on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from transports.connection import Connection
from transports.events import FrameLink, FrameReceived, HexFrameReceived

from ..binding import ObjectModel
from ..faults import described
from ..session import MeterSession
from ..store import Store
from .asker import Asker
from .commands import ACKNOWLEDGE, execute
from .hex_commands import HexCommands

log = structlog.get_logger("server")


def reply(link: FrameLink, answer: bytes | None, now: float) -> None:
    """Answer a request through its link; `None` is silence."""
    if answer is None:
        link.ignore(now)
    elif answer == ACKNOWLEDGE:
        link.acknowledge(now)
    else:
        link.send_frame(answer, now)


class _FrameSession(MeterSession):
    """What both have in common."""

    __slots__ = ()

    def _serve(self, code: int, execute_it: Callable[[], bytes | None]) -> None:
        try:
            answer = execute_it()
        except ValueError as error:  # what this meter cannot do, or not with this value
            log.debug("refused", meter=self.meter.serial_number, command=f"{code:02X}", error=str(error))
            answer = None
        except Exception as error:
            log.error(
                "a command failed",
                meter=self.meter.serial_number,
                command=f"{code:02X}",
                fault=described(error, message=False),
            )
            answer = None
        self.respond(lambda now: reply(self.link, answer, now))


class KmpSession(_FrameSession):
    """One client of one meter by KMP."""

    __slots__ = ("_asker",)

    def __init__(
        self, connection: Connection, link: Any, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        self._asker = Asker(model, self.meter, interface, connection.blame)

    def receive(self, event: FrameReceived) -> None:
        """Serve a request."""
        self._serve(event.cid, lambda: execute(self._asker, event.cid, event.data))


class HexSession(_FrameSession):
    """One client of one 685 by the hexadecimal protocol."""

    __slots__ = ("_commands",)

    def __init__(
        self, connection: Connection, link: Any, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        self._commands = HexCommands(self.meter, interface, connection.blame)

    def receive(self, event: HexFrameReceived) -> None:
        """Serve a request."""
        self._serve(event.command, lambda: self._commands.execute(event.command, event.data))
