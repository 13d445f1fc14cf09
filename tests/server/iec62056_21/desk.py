"""A meter and its commands without a wire: what `Commands` answers, as short text."""

from __future__ import annotations

from server.iec62056_21.commands import Acknowledge, BreakOff, Commands, Data, refusal_of
from server.iec62056_21.errors import Fault
from tests.server.conftest import Lab


class Desk:
    """A dialogue with the meter of a lab, its password given."""

    def __init__(self, bench: Lab, mode: str = "1", interface: str = "optical", *, admitted: bool = True) -> None:
        self.bench = bench
        self.commands = Commands(bench.model, bench.meter, interface, mode)
        if admitted:
            assert self.ask("P1", "", bench.meter.profile.local.password) == "ACK"
        bench.meter.take_pending()  # that somebody has signed on

    def blocks(self, command: str, address: str = "", data: str = "") -> list[str]:
        """The blocks of an answer that is data."""
        answer = self.commands.execute(command, address, data)
        assert isinstance(answer, Data)
        return [answer.blocks[index] for index in range(len(answer.blocks))]

    def ask(self, command: str, address: str = "", data: str = "") -> str | Fault:
        """`ACK`, `B0`, the only block of data, or the fault."""
        try:
            answer = self.commands.execute(command, address, data)
        except Exception as error:
            return refusal_of(error)
        if isinstance(answer, Data):
            (block,) = answer.blocks
            return str(block)
        return {Acknowledge: "ACK", BreakOff: "B0"}[type(answer)]
