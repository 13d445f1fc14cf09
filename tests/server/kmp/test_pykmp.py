"""PyKMP, a client of KMP that others wrote, reads meters over TCP and on a pseudo-terminal at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pykmp import FloatCodec, GetRegisterRequest, GetSerialRequest, GetTypeRequest
from pykmp.client import PySerialClientCommunicator

from server.time_source import SteppedTime
from tests.server.running import LOOPBACK, device, running

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
METER = {"commissioned": datetime(2026, 3, 1, tzinfo=UTC), "serial_number": 12345678}
TCP = [{"kind": "tcp", "address": LOOPBACK}]
OPTICAL = [{"kind": "optical", "device": "pty"}]
DESTINATION = 0x3F


class Reader:
    """A communicator of the package, and what its answers say."""

    def __init__(self, name: str, baud: int = 1200) -> None:
        address = f"socket://{name.removeprefix('tcp://')}" if name.startswith("tcp://") else device(name)
        self.communicator = PySerialClientCommunicator(serial_device=address, timeout_seconds=5)
        self.communicator._serial.baudrate = baud  # it knows 1200 only
        self.close = self.communicator._serial.close

    def ask(self, message: Any) -> Any:
        return self.communicator.send_request(message=message, destination_address=DESTINATION)

    def values(self, *numbers: int) -> dict[int, float]:
        answer = self.ask(GetRegisterRequest(registers=list(numbers)))
        return {number: float(FloatCodec().decode(data.value)) for number, data in answer.registers.items()}


def reads_the_meter(reader: Reader) -> None:
    kind = reader.ask(GetTypeRequest())
    assert kind.meter_type_bytes == bytes.fromhex("6900")
    assert kind.software_revision == "H1"
    assert int(reader.ask(GetSerialRequest()).serial) == 12345678
    assert reader.values(0x0001, 0x000D, 0x041E, 0x0434, 0x03FF, 0x0080, 0x03EA) == {
        0x0001: 27.0, 0x000D: 27.0, 0x041E: 230.0, 0x0434: 1.54, 0x03FF: 0.75, 0x03EA: 130_000.0,
    }  # fmt: skip
    assert reader.values(0x0080) == {}


async def read(endpoint: list[dict[str, Any]], work: Callable[[str], None], **meter: Any) -> None:
    async with running([{**METER, **meter}], endpoint, SteppedTime(AT)) as runtime:
        await asyncio.to_thread(work, runtime.endpoints[0].name)


async def test_over_tcp() -> None:
    def work(name: str) -> None:
        reader = Reader(name)
        for _ in range(3):
            reads_the_meter(reader)
        reader.close()

    await read(TCP, work)


@pytest.mark.parametrize("baud", [300, 1200, 9600])
async def test_on_a_pty_at_any_speed(baud: int) -> None:
    def work(name: str) -> None:
        for _ in range(2):
            reader = Reader(name, baud)
            reads_the_meter(reader)
            reader.close()

    await read(OPTICAL, work)


@pytest.mark.parametrize("baud", [1200, 9600])
async def test_at_the_true_rate_of_the_line(baud: int) -> None:
    def work(name: str) -> None:
        reader = Reader(name, baud)
        reads_the_meter(reader)
        reader.close()

    await read([{**OPTICAL[0], "pace": True, "baud": baud}], work)


@pytest.mark.parametrize("profile", ["382BCDE", "382K", "382L", "382M"])
async def test_every_generation_that_speaks_kmp(profile: str) -> None:
    def work(name: str) -> None:
        reader = Reader(name)
        assert int(reader.ask(GetSerialRequest()).serial) == 12345678
        assert reader.values(0x0001, 0x0013, 0x0032, 0x03EC)[0x03EC] == 36.0
        reader.close()

    await read(TCP, work, profile=profile)
