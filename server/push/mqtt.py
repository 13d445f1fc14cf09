"""MQTT 3.1.1 as far as publishing one message needs it: connect, publish, wait for the broker's word, disconnect.

| quality of service | the message is sent when |
|---|---|
| 0 | its octets have left |
| 1 | PUBACK has come |
| 2 | PUBREC has come; PUBREL and PUBCOMP follow |

An attempt is one connection with a session that the broker forgets, so nothing is ever sent a second time with the mark
of a duplicate: an attempt after a failed one is another message. What a broker says is read by its fixed sizes; nothing
of it is kept. Who is cancelled leaves no socket behind.

Clauses are those of "MQTT Version 3.1.1", OASIS Standard, 29 October 2014.
"""

from __future__ import annotations

import asyncio
import ssl
from enum import IntEnum
from typing import Final, NamedTuple

_PROTOCOL: Final = b"\x00\x04MQTT\x04"
"""Name and level (3.1.2.1, 3.1.2.2)."""
_CLEAN_SESSION: Final = 0x02
_WITH_PASSWORD: Final = 0x40
_WITH_USER: Final = 0x80
_KEEP_ALIVE_S: Final = 60
"""Longer than any attempt: nothing but the message is ever due."""
_PACKET_ID: Final = 1
"""There is only one message in a session."""
MOST_OCTETS: Final = 268_435_455
"""Longest packet behind its fixed header (2.2.3)."""

_REFUSALS: Final = {
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
"""Return codes of CONNACK (3.2.2.3)."""


class Packet(IntEnum):
    """First octets of the packets that are used: type, and flags where they are fixed (2.2)."""

    CONNECT = 0x10
    CONNACK = 0x20
    PUBLISH = 0x30
    PUBACK = 0x40
    PUBREC = 0x50
    PUBREL = 0x62
    PUBCOMP = 0x70
    DISCONNECT = 0xE0


class MqttFault(Exception):
    """The broker refused, or did not speak MQTT."""


class Login(NamedTuple):
    """Who a client says it is; a password goes with a user only."""

    user: str | None = None
    password: str | None = None


class Message(NamedTuple):
    """What is published."""

    topic: str
    payload: bytes
    qos: int = 0
    retained: bool = False


def _packet(first: int, contents: bytes = b"") -> bytes:
    """A packet with its remaining length, seven bits an octet (2.2.3)."""
    size, length = len(contents), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((first,)) + length + contents


def _text(value: str) -> bytes:
    octets = value.encode()
    return len(octets).to_bytes(2, "big") + octets


def connect_packet(login: Login) -> bytes:
    """CONNECT with a clean session and no identifier: the broker gives one (3.1.3.1)."""
    flags, payload = _CLEAN_SESSION, _text("")
    if login.user is not None:
        flags |= _WITH_USER
        payload += _text(login.user)
        if login.password is not None:
            flags |= _WITH_PASSWORD
            payload += _text(login.password)
    return _packet(Packet.CONNECT, _PROTOCOL + bytes((flags,)) + _KEEP_ALIVE_S.to_bytes(2, "big") + payload)


def publish_packet(message: Message) -> bytes:
    """PUBLISH; a packet identifier only where something is answered (3.3)."""
    number = _PACKET_ID.to_bytes(2, "big") if message.qos else b""
    first = Packet.PUBLISH | message.qos << 1 | message.retained
    return _packet(first, _text(message.topic) + number + message.payload)


def _of_message(kind: Packet) -> bytes:
    return _packet(kind, _PACKET_ID.to_bytes(2, "big"))


async def publish(host: str, port: int, tls: ssl.SSLContext | None, login: Login, message: Message) -> None:
    """Publish one message over a connection of its own; raises `MqttFault` and `OSError`."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(connect_packet(login))
        code = (await _expect(reader, Packet.CONNACK))[1]
        if code:
            raise MqttFault(f"the broker refuses the connection: {_REFUSALS.get(code, f'code {code}')}")
        writer.write(publish_packet(message))
        await writer.drain()
        if message.qos == 1:
            await _acknowledged(reader, Packet.PUBACK)
        elif message.qos == 2:
            await _acknowledged(reader, Packet.PUBREC)
            writer.write(_of_message(Packet.PUBREL))
            await _acknowledged(reader, Packet.PUBCOMP)
        writer.write(_packet(Packet.DISCONNECT))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    finally:
        writer.transport.abort()  # nothing once it is closed; else a peer that takes nothing would keep the socket


async def _expect(reader: asyncio.StreamReader, kind: Packet) -> bytes:
    """The two octets of the next packet, which must be of this kind: all that a broker says here have two."""
    try:
        octets = await reader.readexactly(4)
    except asyncio.IncompleteReadError:
        raise MqttFault("the broker has closed the connection") from None
    if octets[:2] != bytes((kind, 2)):
        raise MqttFault(f"{kind.name} expected of the broker, found {octets.hex()}")
    return octets[2:]


async def _acknowledged(reader: asyncio.StreamReader, kind: Packet) -> None:
    if int.from_bytes(await _expect(reader, kind), "big") != _PACKET_ID:
        raise MqttFault(f"{kind.name} of another message")
