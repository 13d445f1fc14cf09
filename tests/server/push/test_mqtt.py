"""MQTT 3.1.1 octet for octet, against a broker that follows a script (a real one: `tests/interop`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from server.push.mqtt import Login, Message, MqttFault, connect_packet, publish, publish_packet

CONNECT = bytes.fromhex("100c 0004 4d515454 04 02 003c 0000")
CONNACK = bytes.fromhex("20020000")
DISCONNECT = bytes.fromhex("e000")


class Step(NamedTuple):
    """The broker waits for these octets, then answers."""

    expected: bytes
    answer: bytes


@asynccontextmanager
async def broker(*script: Step) -> AsyncIterator[int]:
    heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for step in script:
                assert await reader.readexactly(len(step.expected)) == step.expected
                writer.write(step.answer)
            assert await reader.read() == b""
            heard.set_result(None)
        except BaseException as error:
            heard.set_exception(error)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
        await heard
    finally:
        server.close()


@pytest.mark.parametrize(
    ("login", "octets"),
    [
        (Login(), CONNECT),
        (Login("me"), bytes.fromhex("1010 0004 4d515454 04 82 003c 0000 0002 6d65")),
        (Login("me", "pw"), bytes.fromhex("1014 0004 4d515454 04 c2 003c 0000 0002 6d65 0002 7077")),
        (Login(None, "pw"), CONNECT),
    ],
)
def test_a_client_connects_as_the_standard_has_it(login: Login, octets: bytes) -> None:
    assert connect_packet(login) == octets


@pytest.mark.parametrize(
    ("message", "octets"),
    [
        (Message("a/b", b"hi"), "3007 0003 612f62 6869"),
        (Message("a/b", b"hi", 0, True), "3107 0003 612f62 6869"),
        (Message("a/b", b"hi", 1), "3209 0003 612f62 0001 6869"),
        (Message("a/b", b"hi", 2, True), "3509 0003 612f62 0001 6869"),
        (Message("a", bytes(124)), "307f 0001 61" + "00" * 124),
        (Message("a", bytes(125)), "308001 0001 61" + "00" * 125),
        (Message("a", bytes(16_381)), "30808001 0001 61" + "00" * 16_381),
    ],
)
def test_a_message_is_published_as_the_standard_has_it(message: Message, octets: str) -> None:
    assert publish_packet(message) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("qos", "steps"),
    [
        (0, []),
        (1, [Step(publish_packet(Message("t", b"x", 1)), bytes.fromhex("40020001"))]),
        (
            2,
            [
                Step(publish_packet(Message("t", b"x", 2)), bytes.fromhex("50020001")),
                Step(bytes.fromhex("62020001"), bytes.fromhex("70020001")),
            ],
        ),
    ],
)
async def test_a_message_is_sent_when_its_quality_of_service_says_so(qos: int, steps: list[Step]) -> None:
    last = DISCONNECT if qos else publish_packet(Message("t", b"x")) + DISCONNECT
    async with broker(Step(CONNECT, CONNACK), *steps, Step(last, b"")) as port:
        await publish("127.0.0.1", port, None, Login(), Message("t", b"x", qos))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("20020004", "bad user name or password"),
        ("20020005", "not authorized"),
        ("200200ff", "code 255"),
        ("40020001", "CONNACK expected of the broker, found 40020001"),
        ("2f3f210d", "CONNACK expected"),
    ],
)
async def test_a_broker_that_refuses_is_told_by_its_reason(answer: str, fault: str) -> None:
    async with broker(Step(CONNECT, bytes.fromhex(answer))) as port:
        with pytest.raises(MqttFault, match=fault):
            await publish("127.0.0.1", port, None, Login(), Message("t", b"x", 1))


async def test_the_acknowledgement_of_another_message_is_none() -> None:
    message = Message("t", b"x", 1)
    async with broker(Step(CONNECT, CONNACK), Step(publish_packet(message), bytes.fromhex("40020002"))) as port:
        with pytest.raises(MqttFault, match="another message"):
            await publish("127.0.0.1", port, None, Login(), message)


async def test_a_peer_that_hangs_up_is_no_broker() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with pytest.raises((MqttFault, OSError)):
        await publish("127.0.0.1", server.sockets[0].getsockname()[1], None, Login(), Message("t", b"x"))
    server.close()
