"""Endpoints as text."""

from __future__ import annotations

import pytest

from conformance.endpoint import Endpoint, EndpointKind

FORMS = [
    ("127.0.0.1:4059", Endpoint(EndpointKind.TCP, "127.0.0.1", 4059), "tcp://127.0.0.1:4059"),
    ("tcp://meter.example:4059", Endpoint(EndpointKind.TCP, "meter.example", 4059), "tcp://meter.example:4059"),
    ("udp://127.0.0.1:4059", Endpoint(EndpointKind.UDP, "127.0.0.1", 4059), "udp://127.0.0.1:4059"),
    ("hdlc://[::1]:4059", Endpoint(EndpointKind.HDLC_TCP, "::1", 4059), "hdlc://[::1]:4059"),
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
