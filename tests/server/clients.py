"""Clients on real wires for the server's tests: blocking, with deadlines, built on the project's own protocol parts."""

from __future__ import annotations

import os
import select
import socket
import time
import tty
from collections.abc import Callable
from typing import Any, Protocol

from cosem.client import AccessFailed, Client, Exchange
from cosem.data_types import ANY, DataType, decode_all
from cosem.errors import ActionResult, DataAccessResult
from cosem.xdlms import Descriptor
from obis import Obis
from transports.hdlc.primary import ApduReceived, Connected, Disconnected, Failed, HdlcPrimary, PrimaryEvent
from transports.wrapper import WpduReader, encode_wpdu

PATIENCE_S = 15.0
"""How long any client here waits before it calls a test failed."""


def result_of(access: Callable[..., Any], *arguments: Any) -> DataAccessResult | ActionResult:
    """How a GET, SET or ACTION with these arguments ended."""
    try:
        access(*arguments)
    except AccessFailed as failure:
        return failure.result
    return DataAccessResult.SUCCESS


class Port(Protocol):
    """Octets both ways."""

    def write(self, data: bytes) -> None:
        """Send all of it."""

    def read(self, timeout_s: float) -> bytes:
        """What has come; empty where nothing came in time. Raises `ConnectionError` at the end."""


class TcpPort:
    """A TCP connection to `tcp://HOST:PORT`."""

    def __init__(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, timeout_s: float) -> bytes:
        if not select.select([self.socket], [], [], timeout_s)[0]:
            return b""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the meter")
        return data

    def finish(self) -> None:
        """Say nothing more, but listen on."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


class UdpPort:
    """A UDP socket that talks to `udp://HOST:PORT`; each read is a datagram."""

    def __init__(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("udp://").rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port)))

    def write(self, data: bytes) -> None:
        self.socket.send(data)

    def read(self, timeout_s: float) -> bytes:
        return self.socket.recv(65536) if select.select([self.socket], [], [], timeout_s)[0] else b""

    def close(self) -> None:
        self.socket.close()


class SerialPort:
    """A terminal device, raw."""

    def __init__(self, device: str | os.PathLike[str]) -> None:
        self.descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.descriptor)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.descriptor, data) :]

    def read(self, timeout_s: float) -> bytes:
        ready = select.select([self.descriptor], [], [], timeout_s)[0]
        return os.read(self.descriptor, 65536) if ready else b""

    def close(self) -> None:
        os.close(self.descriptor)


class HeadEnd:
    """A client on one association; what carries the APDUs is a subclass's affair."""

    def __init__(self, password: bytes | None = b"12345", max_pdu: int = 0xFFFF) -> None:
        self.client = Client(password, max_pdu)

    def ask(self, request: bytes) -> bytes:
        """Send a request, wait for the answer."""
        raise NotImplementedError

    def run(self, exchange: Exchange) -> Any:
        """Carry an exchange through."""
        request = next(exchange)
        while True:
            try:
                request = exchange.send(self.ask(request))
            except StopIteration as done:
                return done.value

    def get(self, class_id: int, name: str, attribute: int = 2, type_: DataType = ANY) -> Any:
        """The value of an attribute."""
        return decode_all(type_, self.run(self.client.get(Descriptor(class_id, Obis.parse(name), attribute))))

    def set(self, class_id: int, name: str, attribute: int, type_: DataType, value: Any) -> None:
        """Write an attribute."""
        self.run(self.client.set(Descriptor(class_id, Obis.parse(name), attribute), type_.encode(value)))

    def action(self, class_id: int, name: str, method: int, type_: DataType, value: Any) -> None:
        """Invoke a method."""
        self.run(self.client.action(Descriptor(class_id, Obis.parse(name), method), type_.encode(value)))


class WrapperClient(HeadEnd):
    """A client over the wrapper, associated."""

    def __init__(
        self, port: Port, client_sap: int = 18, server_sap: int = 16, password: bytes | None = b"12345"
    ) -> None:
        super().__init__(password)
        self.port = port
        self._saps = client_sap, server_sap
        self._reader = WpduReader(0xFFFF)
        self.run(self.client.associate())

    def ask(self, request: bytes) -> bytes:
        self.port.write(encode_wpdu(*self._saps, request))
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            for wpdu in self._reader.receive_data(self.port.read(left)):
                return wpdu.apdu
        raise TimeoutError("no answer over the wrapper")


class HdlcClient(HeadEnd):
    """A client over HDLC, connected and associated. Several share a port as long as each finishes what it began."""

    def __init__(
        self,
        port: Port,
        client_sap: int = 18,
        server_sap: int = 16,
        password: bytes | None = b"12345",
        lower: int | None = None,
        address_size: int = 1,
        **more: Any,
    ) -> None:
        """`more` goes to the `HdlcPrimary`."""
        super().__init__(password)
        self.port = port
        self._primary = HdlcPrimary(client_sap, server_sap, lower, address_size, **more)
        self._primary.connect(time.monotonic())
        self._wait_for(Connected)
        self.run(self.client.associate())

    def ask(self, request: bytes) -> bytes:
        self._primary.send_apdu(request, time.monotonic())
        event = self._wait_for(ApduReceived)
        assert isinstance(event, ApduReceived)
        return event.apdu

    def disconnect(self) -> None:
        """DISC, and the answer to it."""
        self._primary.disconnect(time.monotonic())
        self._wait_for(Disconnected)

    def _wait_for(self, kind: type[PrimaryEvent]) -> PrimaryEvent:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if data := self._primary.data_to_send():
                self.port.write(data)
            timer = self._primary.next_timer()
            wait = 1.0 if timer is None else max(0.0, timer - time.monotonic())
            events = self._primary.receive_data(self.port.read(wait), time.monotonic())
            events += self._primary.handle_timer(time.monotonic())
            for event in events:
                if isinstance(event, Failed):
                    raise ConnectionError(event.reason)
                if isinstance(event, kind):
                    return event
        raise TimeoutError(f"no {kind.__name__}")
