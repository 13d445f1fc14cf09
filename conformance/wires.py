"""Octets to and from a meter: TCP and UDP sockets, serial devices.

A wire sends what it is given and waits for what comes, no longer than it is told. It knows no protocol.
"""

from __future__ import annotations

import os
import socket
from typing import Protocol

import serial

from .endpoint import Endpoint, EndpointKind
from .errors import CannotConnect, ConnectionLost

_PORTION = 0x10000


class Wire(Protocol):
    """What links send and receive through."""

    def send(self, data: bytes) -> None:
        """Send all of it; raises `ConnectionLost`."""

    def receive(self, wait_s: float) -> bytes:
        """What comes next, nothing where `wait_s` passes first; raises `ConnectionLost`."""

    def set_speed(self, baud: int) -> None:
        """Go on at another speed, where the wire has one; raises `ConnectionLost`."""

    def close(self) -> None:
        """Give the socket or device back."""


class SocketWire:
    """A connected socket. A TCP connection that ends is lost; a UDP port that nobody listens at never was."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        """Connect within `timeout_s`; raises `CannotConnect`."""
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._datagrams = endpoint.kind is EndpointKind.UDP
        try:
            self._socket = self._connect()
        except TimeoutError:
            raise CannotConnect(f"cannot connect to {endpoint}: no answer within {timeout_s:g} s") from None
        except OSError as error:
            raise CannotConnect(f"cannot connect to {endpoint}: {error.strerror or error}") from error

    def _connect(self) -> socket.socket:
        address = self._endpoint.host, self._endpoint.port
        if not self._datagrams:
            connection = socket.create_connection(address, self._timeout_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        family, kind, protocol, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        connection = socket.socket(family, kind, protocol)
        connection.connect(resolved)
        return connection

    def send(self, data: bytes) -> None:
        """Send all of it, on UDP as one datagram."""
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.sendall(data)
        except OSError as error:
            raise self._gone(error) from error

    def receive(self, wait_s: float) -> bytes:
        """A portion of the stream, or one datagram."""
        try:
            self._socket.settimeout(max(wait_s, 0.0))
            data = self._socket.recv(_PORTION)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._gone(error) from error
        if not data and not self._datagrams:
            raise ConnectionLost(f"{self._endpoint}: the meter closed the connection")
        return data

    def set_speed(self, baud: int) -> None:
        """A socket has no speed; what it is bridged to finds its own."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _gone(self, error: OSError) -> CannotConnect | ConnectionLost:
        if self._datagrams and isinstance(error, ConnectionRefusedError):
            return CannotConnect(f"cannot connect to {self._endpoint}: nobody listens there")
        return ConnectionLost(f"{self._endpoint}: connection lost: {error.strerror or error}")


class SerialWire:
    """A serial device or pseudo-terminal, 8 data bits, no parity, 1 stop bit (382M DLMS description 2.6).

    7 data bits with even parity look the same on the line as 8 bits whose highest makes the number even, so the
    characters of IEC 62056-21 come and go as such octets.
    """

    def __init__(self, endpoint: Endpoint, baud: int, timeout_s: float) -> None:
        """Open the device and discard what is still in it; raises `CannotConnect`."""
        self._endpoint = endpoint
        try:
            self._port = serial.Serial(endpoint.device, baud, write_timeout=timeout_s)
            self._port.reset_input_buffer()
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise CannotConnect(f"cannot open {endpoint}: {_reason(error)}") from error

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._port.write(data)
        except OSError as error:
            raise ConnectionLost(f"{self._endpoint}: {_reason(error)}") from error

    def receive(self, wait_s: float) -> bytes:
        """Everything that has come, at least one octet."""
        try:
            self._port.timeout = max(wait_s, 0.0)
            return bytes(self._port.read(self._port.in_waiting or 1))
        except OSError as error:
            raise ConnectionLost(f"{self._endpoint}: {_reason(error)}") from error

    def set_speed(self, baud: int) -> None:
        """Go on at another speed when everything sent is on the line."""
        try:
            self._port.flush()
            self._port.baudrate = baud
        except (OSError, ValueError) as error:
            raise ConnectionLost(f"{self._endpoint}: {_reason(error)}") from error

    def close(self) -> None:
        """Close the device."""
        self._port.close()


def _reason(error: Exception) -> str:
    """The system's words for it, which pyserial wraps in its own."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def open_wire(endpoint: Endpoint, baud: int, timeout_s: float) -> Wire:
    """The wire to an endpoint; `baud` counts on serial devices only. Raises `CannotConnect`."""
    if endpoint.kind is EndpointKind.SERIAL:
        return SerialWire(endpoint, baud, timeout_s)
    return SocketWire(endpoint, timeout_s)
