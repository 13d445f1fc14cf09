"""A programming dialogue of IEC 62056-21: one client, one meter, one answer to each command."""

from __future__ import annotations

import structlog

from transports.connection import Connection
from transports.events import CommandReceived, ProgrammingLink

from ..binding import ObjectModel
from ..faults import described
from ..session import MeterSession
from ..store import Store
from .commands import Acknowledge, BreakOff, Commands, Data, refusal_of
from .errors import Fault

log = structlog.get_logger("server")


class ProgrammingSession(MeterSession):
    """One dialogue, from its first command to its end."""

    __slots__ = ("_commands",)

    def __init__(
        self, connection: Connection, link: ProgrammingLink, model: ObjectModel, store: Store | None, interface: str
    ) -> None:
        super().__init__(connection, link, model, store, interface)
        self._commands = Commands(model, self.meter, interface, link.mode, connection.blame)

    def receive(self, event: CommandReceived) -> None:
        """Serve a command; whatever it changed is on disk before the answer goes out, also a password that counts."""
        link = self.link
        try:
            answer = self._commands.execute(event.command, event.address, event.data)
        except Exception as error:  # one command fails, the server lives on
            fault = refusal_of(error)
            if fault is Fault.INTERNAL:
                reads = event.command.startswith("R")
                log.error(
                    "a command failed",
                    peer=self.connection.peer,
                    command=event.command,
                    address=event.address,
                    fault=described(error, message=reads),
                )
            self.respond(lambda now: link.send_error(fault.value, now))
            return
        match answer:
            case Acknowledge():
                self.respond(link.acknowledge)
            case Data(blocks):
                self.respond(lambda now: link.send_data(blocks, now))
            case BreakOff():
                self.respond(link.break_off)
