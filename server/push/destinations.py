"""Where pushes go, and how they get there. Each attempt stands for itself: connect, send, close.

| target | an APDU goes |
|---|---|
| tcp, udp | behind the wrapper's header, from the server's port to the client's |
| mqtt, mqtts | as the payload of a message (`mqtt.py`); with QoS 1 and 2 it is sent when the broker has said so |
| hdlc | in a UI frame on the meter's own serial lines, while nobody uses them |
| port | in a UI frame on a device of its own, where the meter only sends |

An APDU that no frame holds goes in general blocks, a frame each, which nobody acknowledges (captured pushes of
Landis+Gyr).

`PushFailed` and `OSError` mean that the attempt failed, `PushRefused` that every attempt would; what the
process makes of that is not known here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from cosem.general_block_transfer import unconfirmed_blocks
from transports.connection import Connection, Endpoint
from transports.events import Event
from transports.hdlc.address import ServerAddress
from transports.hdlc.unnumbered import MAX_APDU, unnumbered_information
from transports.pseudo_terminal import open_pty
from transports.serial_port import open_serial
from transports.stream import ByteStream, Stream
from transports.transmit_only import TransmitOnly
from transports.wrapper import HEADER_SIZE, encode_wpdu

from ..virtual_meter import VirtualMeter
from .config import MqttConfig, Target
from .mqtt import Login, Message, MqttFault, publish

_LARGEST_SHORT_ADDRESS: Final = 0x7E


class PushFailed(Exception):
    """An attempt failed; the text says why."""


class PushRefused(PushFailed):
    """What was to be pushed cannot be sent: no other attempt would end otherwise."""


class Outgoing(NamedTuple):
    """One APDU on its way: whose, from and to which SAP; `device_address` is the meter's on a line of several."""

    meter: VirtualMeter
    device_address: int
    client_sap: int
    server_sap: int
    apdu: bytes


_MOST_OCTETS: Final = {"tcp": 0xFFFF, "udp": 65_507 - HEADER_SIZE}
"""Octets of an APDU that the wrapper's length field, or one datagram, holds."""


class OwnLine(NamedTuple):
    """A serial endpoint of the run: the meters behind it, its stream at present, and itself."""

    meters: frozenset[VirtualMeter]
    stream: Callable[[], Stream | None]
    endpoint: Endpoint


Around = Callable[[ByteStream, str], ByteStream]
"""Puts a tracer around the stream of a device."""


class Destinations:
    """Sends. Devices are opened once and shared by all pushes that name them."""

    def __init__(self, around: Around) -> None:
        self.own_lines: list[OwnLine] = []
        self._around = around
        self._ports: dict[str, tuple[TransmitOnly, Endpoint]] = {}
        self._stack = AsyncExitStack()

    async def open_port(self, device: str, baud: int) -> str:
        """Open a device to send on, unless it is open; gives its name. Raises `OSError`."""
        if device not in self._ports:
            stream = TransmitOnly()
            kind, _, link = device.partition(":")
            if kind == "pty":
                endpoint = await open_pty(link or None, lambda: self._around(stream, device), _nothing)
            else:
                endpoint = await open_serial(device, lambda: self._around(stream, device), _nothing, baud)
            self._stack.push_async_callback(endpoint.close)
            self._ports[device] = stream, endpoint
        return self._ports[device][1].name

    async def close(self) -> None:
        """Close all devices."""
        await self._stack.aclose()

    async def send(self, target: Target, outgoing: Outgoing, mqtt: MqttConfig) -> None:
        """Make one attempt; raises `PushFailed` or `OSError`."""
        if target.kind == "tcp":
            await self._tcp(target, outgoing)
        elif target.kind == "udp":
            await self._udp(target, outgoing)
        elif target.kind == "port":
            self._port(target, outgoing)
        elif target.kind == "hdlc":
            self._own_line(outgoing)
        else:
            await self._mqtt(target, outgoing, mqtt)

    @staticmethod
    def most_octets(target: Target, limit: int) -> int:
        """Most octets of an APDU to this target, of which the run allows `limit`."""
        return min(limit, _MOST_OCTETS.get(target.kind, limit))

    @staticmethod
    def _wpdu(outgoing: Outgoing) -> bytes:
        return encode_wpdu(outgoing.server_sap, outgoing.client_sap, outgoing.apdu)

    async def _tcp(self, target: Target, outgoing: Outgoing) -> None:
        wpdu = self._wpdu(outgoing)
        _, writer = await asyncio.open_connection(target.host, target.port)
        try:
            writer.write(wpdu)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        finally:
            writer.transport.abort()  # nothing once it is closed; else a peer that takes nothing would keep the socket

    async def _udp(self, target: Target, outgoing: Outgoing) -> None:
        wpdu = self._wpdu(outgoing)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(target.host, target.port)
        )
        transport.sendto(wpdu)
        transport.close()

    async def _mqtt(self, target: Target, outgoing: Outgoing, mqtt: MqttConfig) -> None:
        context = ssl.create_default_context(cafile=mqtt.ca_file) if target.kind == "mqtts" else None
        login = Login(mqtt.username, None if mqtt.password is None else mqtt.password.get_secret_value())
        topic = mqtt.topic.replace("{serial}", str(outgoing.meter.serial_number))
        message = Message(topic, outgoing.apdu, mqtt.qos, mqtt.retained)
        try:
            await publish(target.host, target.port, context, login, message)
        except MqttFault as error:
            raise PushFailed(str(error)) from None

    def _port(self, target: Target, outgoing: Outgoing) -> None:
        stream, endpoint = self._ports[target.device]
        if not endpoint.connections:
            raise PushFailed("the device is gone")
        stream.send(_frames(outgoing, None))
        endpoint.connections[0].flush()

    def _own_line(self, outgoing: Outgoing) -> None:
        """On every serial line of the meter that is free; several meters on one are told apart by address."""
        sent = False
        for line in self.own_lines:
            stream = line.stream()
            if outgoing.meter not in line.meters or stream is None or not line.endpoint.connections:
                continue
            lower = outgoing.device_address if len(line.meters) > 1 else None
            if stream.announce(_frames(outgoing, lower)):
                line.endpoint.connections[0].flush()
                sent = True
        if not sent:
            raise PushFailed("no serial line is free")


def _frames(outgoing: Outgoing, lower: int | None) -> bytes:
    upper, apdu = outgoing.server_sap, outgoing.apdu
    if lower is None and upper <= _LARGEST_SHORT_ADDRESS:
        address = ServerAddress(upper, None, 1)
    else:
        address = ServerAddress(upper, lower or 0, 4)
    apdus = [apdu] if len(apdu) <= MAX_APDU else unconfirmed_blocks(apdu, MAX_APDU)
    return b"".join(unnumbered_information(outgoing.client_sap, address, part) for part in apdus)


def _nothing(connection: Connection, event: Event) -> None:
    """No event comes from a line that only sends."""
