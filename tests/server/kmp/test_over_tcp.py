"""KMP to a running meter over TCP: answers, the journal before the acknowledgement, and whoever comes next."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from server.runtime import Runtime
from tests.server.running import LOOPBACK, running
from transports.kmp import FROM_METER, TO_METER, FrameReader, encode_frame

METER = {"commissioned": datetime(2026, 3, 1)}
TCP = [{"kind": "tcp", "address": LOOPBACK}]
GET_TYPE = bytes.fromhex("80 3F 01 05 8A 0D")


class Tcp:
    """A connection to the first endpoint of a run."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, runtime: Runtime) -> Tcp:
        host, _, port = str(runtime.endpoints[0]).removeprefix("tcp://").rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def ask(self, cid: int, data: bytes = b"") -> bytes:
        """The data of the answer, `06` for an acknowledgement."""
        self.writer.write(encode_frame(TO_METER, 0x3F, bytes((cid,)) + data))
        first = await asyncio.wait_for(self.reader.readexactly(1), 5)
        if first == b"\x06":
            return first
        rest = await asyncio.wait_for(self.reader.readuntil(b"\r"), 5)
        (frame,) = FrameReader(FROM_METER).receive_data(first + rest)
        assert frame.body[0] == cid
        return frame.body[1:]

    async def line(self, text: str, until: bytes = b"\r") -> bytes:
        """Characters out, characters in."""
        self.writer.write(text.encode())
        return await asyncio.wait_for(self.reader.readuntil(until), 5)

    def close(self) -> None:
        self.writer.close()


async def without_answer(runtime: Runtime, octets: bytes) -> None:
    """Octets of a protocol that is not served here: a TCP connection that carries nothing else is closed."""
    client = await Tcp.open(runtime)
    client.writer.write(octets)
    assert await asyncio.wait_for(client.reader.read(1), 5) == b""
    client.close()


def meter(serial_number: int = 12345678, **more: Any) -> list[dict[str, Any]]:
    return [{**METER, "serial_number": serial_number, **more}]


async def test_a_meter_answers_over_tcp() -> None:
    async with running(meter(), TCP) as runtime:
        client = await Tcp.open(runtime)
        assert await client.ask(0x02) == (12345678).to_bytes(4, "big")
        registers = await client.ask(0x10, bytes.fromhex("02 041E 0422"))
        assert registers[:7] == bytes.fromhex("041E 21 02 00") + (230).to_bytes(2, "big")
        client.close()


async def test_one_port_takes_whoever_comes_next() -> None:
    async with running(meter(), TCP) as runtime:
        client = await Tcp.open(runtime)
        assert await client.ask(0x01)
        assert b"/KAM5" in await client.line("/?!\r\n", b"\r\n")
        assert (await client.line("\x06050\r\n", b"\x03")).startswith(b"\x02")
        await client.reader.readexactly(1)
        assert await client.ask(0x02) == (12345678).to_bytes(4, "big")
        client.close()


async def test_a_wrong_check_gets_silence_and_the_next_request_an_answer() -> None:
    async with running(meter(), TCP) as runtime:
        client = await Tcp.open(runtime)
        client.writer.write(GET_TYPE[:-2] + b"\x00\r" + b"\x80\x3e" + GET_TYPE[2:])
        assert await client.ask(0x01) == bytes.fromhex("6900 08 01")
        client.close()


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    record = bytes.fromhex("3039 0034 33 04 00") + (4711).to_bytes(4, "big")
    async with running(meter(), TCP, state=state) as runtime:
        client = await Tcp.open(runtime)
        assert await client.ask(0x11, record) == b"\x06"
        client.close()
    async with running(meter(), TCP, state=state) as runtime:
        client = await Tcp.open(runtime)
        assert await client.ask(0x10, bytes.fromhex("01 0034")) == record[2:]
        client.close()


async def test_a_lock_out_outlives_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    async with running(meter(), TCP, state=state) as runtime:
        client = await Tcp.open(runtime)
        for _ in range(3):
            client.writer.write(encode_frame(TO_METER, 0x3F, bytes.fromhex("92 0000")))
        assert await client.ask(0x02)
        client.close()
    async with running(meter(), TCP, state=state) as runtime:
        client = await Tcp.open(runtime)
        client.writer.write(encode_frame(TO_METER, 0x3F, bytes.fromhex("92 3039")))
        assert await client.ask(0x02) == (12345678).to_bytes(4, "big"), "no acknowledgement before it"
        client.close()


async def test_a_685_speaks_the_hexadecimal_protocol_instead() -> None:
    async with running(meter(profile="382-classic"), TCP) as runtime:
        client = await Tcp.open(runtime)
        assert await client.line("@FE0002\r") == b"HFE0002010701F7\r"
        client.close()
        await without_answer(runtime, GET_TYPE)


async def test_several_meters_behind_one_port_speak_no_kmp() -> None:
    async with running([*meter(), *meter(12345679, hdlc_address=33)], TCP) as runtime:
        client = await Tcp.open(runtime)
        assert b"/KAM5" in await client.line("/?12345679!\r\n", b"\r\n")
        client.close()
        await without_answer(runtime, GET_TYPE)
