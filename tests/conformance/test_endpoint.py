"""Endpoints as text."""

from __future__ import annotations

import pytest

from conformance.endpoint import Endpoint, EndpointKind, LinkProtocol

FORMS = [
    ("127.0.0.1:4059", Endpoint(EndpointKind.TCP, "127.0.0.1", 4059), "tcp://127.0.0.1:4059"),
    ("tcp://meter.example:4059", Endpoint(EndpointKind.TCP, "meter.example", 4059), "tcp://meter.example:4059"),
    ("udp://127.0.0.1:4059", Endpoint(EndpointKind.UDP, "127.0.0.1", 4059), "udp://127.0.0.1:4059"),
    ("hdlc://[::1]:4059", Endpoint(EndpointKind.HDLC_TCP, "::1", 4059), "hdlc://[::1]:4059"),
    ("iec://127.0.0.1:4059", Endpoint(EndpointKind.IEC_TCP, "127.0.0.1", 4059), "iec://127.0.0.1:4059"),
    ("kmp://127.0.0.1:1025", Endpoint(EndpointKind.KMP_TCP, "127.0.0.1", 1025), "kmp://127.0.0.1:1025"),
    ("kmphex://127.0.0.1:1025", Endpoint(EndpointKind.KMP_HEX_TCP, "127.0.0.1", 1025), "kmphex://127.0.0.1:1025"),
    ("/dev/ttyUSB0", Endpoint(EndpointKind.SERIAL, device="/dev/ttyUSB0"), "/dev/ttyUSB0"),
    ("./optical", Endpoint(EndpointKind.SERIAL, device="./optical"), "./optical"),
    ("serial:/dev/ttyS1", Endpoint(EndpointKind.SERIAL, device="/dev/ttyS1"), "/dev/ttyS1"),
    ("pty:/tmp/optical head", Endpoint(EndpointKind.SERIAL, device="/tmp/optical head"), "/tmp/optical head"),
    ("serial:optical", Endpoint(EndpointKind.SERIAL, device="optical"), "optical"),
    ("COM3", Endpoint(EndpointKind.SERIAL, device="COM3"), "COM3"),
]


@pytest.mark.parametrize(("text", "endpoint", "printed"), FORMS)
def test_every_form_is_read_and_printed(text: str, endpoint: Endpoint, printed: str) -> None:
    assert Endpoint.parse(text) == endpoint
    assert str(endpoint) == printed


@pytest.mark.parametrize(
    "text", ["", "meter", "127.0.0.1", ":4059", "127.0.0.1:0", "127.0.0.1:70000", "http://127.0.0.1:80", "::1:4059"]
)
def test_anything_else_is_refused_and_the_forms_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no endpoint .*hdlc://HOST:PORT"):
        Endpoint.parse(text)


PROTOCOLS = [
    ("127.0.0.1:4059", LinkProtocol.WRAPPER),
    ("udp://127.0.0.1:4059", LinkProtocol.WRAPPER),
    ("hdlc://127.0.0.1:4059", LinkProtocol.HDLC),
    ("iec://127.0.0.1:4059", LinkProtocol.IEC),
    ("kmp://127.0.0.1:4059", LinkProtocol.KMP),
    ("kmphex://127.0.0.1:4059", LinkProtocol.KMP_HEX),
    ("/dev/ttyUSB0", LinkProtocol.HDLC),
]


@pytest.mark.parametrize(("text", "protocol"), PROTOCOLS)
def test_an_endpoint_says_what_is_spoken_there(text: str, protocol: LinkProtocol) -> None:
    assert Endpoint.parse(text).protocol is protocol


@pytest.mark.parametrize("protocol", LinkProtocol)
def test_a_tcp_endpoint_may_speak_anything(protocol: LinkProtocol) -> None:
    endpoint = Endpoint.parse("127.0.0.1:4059").speaking(protocol)
    assert endpoint.protocol is protocol
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize("protocol", [item for item in LinkProtocol if item is not LinkProtocol.WRAPPER])
def test_a_serial_device_speaks_anything_but_the_wrapper(protocol: LinkProtocol) -> None:
    assert Endpoint.parse("/dev/ttyUSB0").speaking(protocol).protocol is protocol


def test_what_cannot_be_spoken_there_is_refused() -> None:
    with pytest.raises(ValueError, match="the wrapper is spoken over TCP and UDP only"):
        Endpoint.parse("COM3").speaking(LinkProtocol.WRAPPER)
    with pytest.raises(ValueError, match="only the wrapper is spoken over UDP"):
        Endpoint.parse("udp://127.0.0.1:4059").speaking(LinkProtocol.KMP)


def test_only_a_serial_device_carries_parity() -> None:
    assert Endpoint.parse("/dev/ttyUSB0").carries_parity
    assert not Endpoint.parse("/dev/pts/3").carries_parity
    assert not Endpoint.parse("iec://127.0.0.1:4059").carries_parity
