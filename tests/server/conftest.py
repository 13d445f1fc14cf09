"""The bench on which server tests put a meter: real objects, stepped time, an in-memory wire."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem.association import Association
from cosem.client import Client, Exchange
from cosem.data_types import ANY, DataType, decode_all
from cosem.xdlms import Descriptor
from obis import Obis
from server.assembly import build_meter
from server.binding import Context, ObjectModel
from server.config import MeterConfig
from server.runtime import attach_hdlc
from server.time_source import SteppedTime
from server.virtual_meter import VirtualMeter
from transports.events import ApduReceived, LinkConnected
from transports.hdlc import HdlcLine

ROOT = Path(__file__).parents[2]


class AccessError(Exception):
    """An in-memory exchange ended with a fault of the server's own."""


class Reader:
    """A client on one association of a meter, without a wire."""

    def __init__(self, lab: Lab, client_sap: int, server_sap: int, password: bytes | None, max_pdu: int) -> None:
        context = Context(lab.model, lab.meter, "module")
        definition = lab.model.definition(client_sap, server_sap, "module")
        self.association = Association(definition, context, self._fault)
        self.client = Client(password, max_pdu)
        self.run(self.client.associate())

    @staticmethod
    def _fault(error: Exception, apdu: bytes) -> None:
        raise AccessError(f"{apdu.hex()}: {error!r}") from error

    def run(self, exchange: Exchange) -> Any:
        """Carry an exchange through."""
        request = next(exchange)
        while True:
            response = self.association.handle(request)
            assert response is not None
            try:
                request = exchange.send(response)
            except StopIteration as done:
                return done.value

    def octets(self, class_id: int, name: str, attribute: int = 2, *selection: Any) -> bytes:
        """The encoding of an attribute."""
        result: bytes = self.run(self.client.get(Descriptor(class_id, Obis.parse(name), attribute), *selection))
        return result

    def get(self, class_id: int, name: str, attribute: int = 2, type_: DataType = ANY) -> Any:
        """The value of an attribute."""
        return decode_all(type_, self.octets(class_id, name, attribute))

    def set(self, class_id: int, name: str, attribute: int, type_: DataType, value: Any) -> None:
        """Write an attribute."""
        self.run(self.client.set(Descriptor(class_id, Obis.parse(name), attribute), type_.encode(value)))

    def action(self, class_id: int, name: str, method: int, type_: DataType, value: Any) -> None:
        """Invoke a method."""
        self.run(self.client.action(Descriptor(class_id, Obis.parse(name), method), type_.encode(value)))


@dataclass
class Lab:
    """A meter on the bench and the time it lives in."""

    meter: VirtualMeter
    model: ObjectModel
    time: SteppedTime

    def reader(
        self, client_sap: int = 18, server_sap: int = 16, password: bytes | None = b"12345", max_pdu: int = 0xFFFF
    ) -> Reader:
        """A client, associated."""
        return Reader(self, client_sap, server_sap, password, max_pdu)

    def hdlc(self) -> Callable[[bytes], bytes]:
        """An HDLC line with this meter on it: frames in, frames out."""
        line = HdlcLine()
        attach_hdlc(line, self.meter, self.model)

        def exchange(data: bytes) -> bytes:
            for event in line.receive_data(data, 0.0):
                link = event.link
                if isinstance(event, LinkConnected):
                    context = Context(self.model, self.meter, "module")
                    definition = self.model.definition(link.client_sap, link.server_sap, "module")
                    link.state = Association(definition, context, Reader._fault, link.max_apdu)
                elif isinstance(event, ApduReceived):
                    link.send_apdu(link.state.handle(event.apdu), 0.0)
            return line.data_to_send()

        return exchange


@pytest.fixture
def lab() -> Callable[..., Lab]:
    """Build a lab: `lab(at, commissioned, **meter configuration)`; naive times are UTC."""

    def build(
        at: datetime = datetime(2026, 3, 2, 12, 0), commissioned: datetime = datetime(2026, 3, 1), **meter: Any
    ) -> Lab:
        time = SteppedTime(int(at.replace(tzinfo=at.tzinfo or UTC).timestamp()))
        config = MeterConfig.model_validate({"installation": "constant", "commissioned": commissioned, **meter})
        virtual_meter, model = build_meter(config, time, None)
        return Lab(virtual_meter, model, time)

    return build


class Process:
    """`meter382 run` in a process of its own, its endpoints read from its output."""

    def __init__(self, *arguments: str, endpoints: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "run", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline().rstrip("\n") for _ in range(endpoints)]

    def stop(self, number: int) -> tuple[int, str]:
        """Send a signal, wait for the end; gives the exit code and what was written to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def run_meter() -> Iterator[Callable[..., Process]]:
    """Start `meter382 run` with these arguments; killed at the end of the test."""
    started: list[Process] = []

    def start(*arguments: str, endpoints: int = 1) -> Process:
        process = Process(*arguments, endpoints=endpoints)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.process.poll() is None:
            process.process.kill()
        process.process.communicate()
