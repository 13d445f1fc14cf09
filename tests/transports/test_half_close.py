"""A peer that says nothing more gets what it has asked for, also where the meter takes its time; then the end."""

from __future__ import annotations

import asyncio

import pytest

from transports.connection import Connection
from transports.events import CommandReceived, Event, FrameReceived, HexFrameReceived
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.kmp import FROM_METER, TO_METER, KmpLine, encode_frame
from transports.kmp_hex import KmpHexLine
from transports.stream import Stream
from transports.tcp import serve_tcp

from .meters import FramePort, Readout, hdlc_line

QUICK = Iec62056Settings(
    programming=True, tt_s=0.05, reaction_time_s=0.02, ack_to_data_s=0.05, ident_to_data_s=0.02, initial_speed=19200
)
IDENTIFICATION = b"/KAM5 68535CC453010\r\n"
GET_TYPE = encode_frame(TO_METER, 0x3F, b"\x01")
TYPE = encode_frame(FROM_METER, 0x3F, b"\x01\x68\x00\x01\x01")


def stream(settings: Iec62056Settings = QUICK) -> Stream:
    iec, kmp, kmp_hex = Iec62056Line(), KmpLine(), KmpHexLine()
    iec.attach("meter", Readout(settings=settings))
    kmp.attach("meter", FramePort(reaction_time_s=0.05))
    kmp_hex.attach("meter", FramePort({0xFE}, reaction_time_s=0.05))
    return Stream(hdlc_line(), None, iec, kmp, kmp_hex, lossless=True)


def answer(connection: Connection, event: Event) -> None:
    now = asyncio.get_running_loop().time()
    if isinstance(event, FrameReceived):
        event.link.send_frame(TYPE[2:-3], now)
    elif isinstance(event, HexFrameReceived):
        event.link.send_frame(b"\x90", now)
    elif isinstance(event, CommandReceived):
        event.link.acknowledge(now)


async def said_and_heard(*requests: bytes, settings: Iec62056Settings = QUICK) -> bytes:
    """Everything until the meter closes. Before all requests but the first comes what answers the one before."""
    endpoint = await serve_tcp("127.0.0.1", 0, lambda: stream(settings), answer)
    host, port = endpoint.name.removeprefix("tcp://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = b""
    for number, request in enumerate(requests):
        heard += await reader.read(1000) if number else b""
        writer.write(request)
    writer.write_eof()
    heard += await reader.read()
    writer.close()
    await endpoint.close()
    return heard


@pytest.mark.parametrize(
    ("request_", "answers"), [(GET_TYPE, TYPE), (GET_TYPE * 3, TYPE * 3), (b"@FE9072\r", b"HFE9072\r")]
)
async def test_frames_are_answered_after_the_reaction_time(request_: bytes, answers: bytes) -> None:
    assert await said_and_heard(request_) == answers


@pytest.mark.parametrize("modes", ["A", "B", "AC"])
async def test_a_reader_that_says_no_more_than_its_request_gets_the_readout(modes: str) -> None:
    heard = await said_and_heard(b"/?!\r\n", settings=Iec62056Settings(**(vars(QUICK) | {"modes": modes})))
    assert heard.startswith(IDENTIFICATION + b"\x02")
    assert heard[-2:-1] == b"\x03"


async def test_a_password_is_still_answered() -> None:
    heard = await said_and_heard(b"/?!\r\n", b"\x06051\r\n", b"\x01P1\x02(12345)\x03\x50")
    assert heard.startswith(IDENTIFICATION + b"\x01P0\x02(")
    assert heard.endswith(b"\x06")


async def test_who_has_asked_nothing_or_half_a_message_gets_the_end() -> None:
    for half in (b"", b"/?", GET_TYPE[:3], b"/?9!\r\n"):
        assert await said_and_heard(half) == b""
