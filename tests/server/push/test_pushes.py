"""Where a push may go, and what a broker there is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cosem.push_setup import Destination, Transport
from server.push.config import PushConfig, Target
from server.push.destinations import PushFailed
from server.push.pushes import SetupPush

from ..conftest import Lab

SETUP = "0.0.25.9.0.255"
BROKER: dict[str, Any] = {"mqtt": {"username": "meter", "password": "a secret"}}


def push(lab: Callable[..., Lab], written: Destination | None, **config: Any) -> SetupPush:
    """A Push setup, as configured, with a destination that a client has written."""
    bench = lab(profile="382M-secure")
    ((_, settings),) = [item for item in bench.model.push_setups.items() if str(item[0]) == SETUP]
    made = SetupPush(bench.meter, bench.model, settings, PushConfig.model_validate({"setup": SETUP, **config}))
    if written is not None:
        bench.reader().set(40, SETUP, 3, settings.object.attributes[3].type, written)
    return made


@pytest.mark.parametrize(
    ("transport", "address", "config", "target"),
    [
        (Transport.TCP, b"127.0.0.1:4059", {}, Target("tcp", "127.0.0.1", 4059)),
        (Transport.UDP, b"[::1]:4059", {}, Target("udp", "::1", 4059)),
        (Transport.HDLC, b"", {}, Target("hdlc")),
        (Transport.MQTT, b"localhost:1884", {}, Target("mqtt", "localhost", 1884)),
        (Transport.TCP, b"192.0.2.7:4060", {"hosts": ["192.0.2.7"]}, Target("tcp", "192.0.2.7", 4060)),
        (Transport.TCP, b"192.0.2.7:4060", {"to": "tcp://192.0.2.7:4059"}, Target("tcp", "192.0.2.7", 4060)),
        (Transport.MQTT, b"192.0.2.7:8883", {"to": "mqtts://192.0.2.7"}, Target("mqtts", "192.0.2.7", 8883)),
    ],
)
def test_a_client_may_send_pushes_here(
    lab: Callable[..., Lab], transport: Transport, address: bytes, config: dict[str, Any], target: Target
) -> None:
    assert push(lab, Destination(transport, address), **config).target() == target


@pytest.mark.parametrize(
    ("transport", "address", "config"),
    [
        (Transport.TCP, b"192.0.2.7:4059", {}),
        (Transport.TCP, b"192.0.2.8:4059", {"hosts": ["192.0.2.7"]}),
        (Transport.TCP, b"127.0.0.1.example.com:4059", {}),
        (Transport.TCP, b"user@192.0.2.7:4059", {"hosts": ["192.0.2.7"]}),
        (Transport.TCP, b"127.0.0.1:4059/x", {}),
        (Transport.TCP, b"127.0.0.1", {}),
        (Transport.TCP, b"", {}),
        (Transport.TCP, b"\xff\xfe", {}),
        (Transport.TCP, b"[::1:4059", {}),
        (Transport.TCP, b"127.0.0.1:99999", {}),
        (Transport.TCP, b"\r\n127.0.0.1:1\r\n@192.0.2.7:1", {}),
    ],
)
def test_a_client_may_not_send_pushes_there(
    lab: Callable[..., Lab], transport: Transport, address: bytes, config: dict[str, Any]
) -> None:
    with pytest.raises(PushFailed, match="send_destination_and_method"):
        push(lab, Destination(transport, address), **config).target()


def test_the_broker_of_the_configuration_is_told_user_and_password_and_no_other(lab: Callable[..., Lab]) -> None:
    own = push(lab, None, to="mqtt://127.0.0.1:1883", **BROKER)
    told = own.mqtt(own.target())
    assert (told.username, told.password is None) == ("meter", False)
    other = push(lab, Destination(Transport.MQTT, b"127.0.0.1:1884"), to="mqtt://127.0.0.1:1883", **BROKER)
    told = other.mqtt(other.target())
    assert (told.username, told.password) == (None, None)


def test_the_broker_of_the_configuration_is_told_them_by_tls_only_where_it_says_so(lab: Callable[..., Lab]) -> None:
    made = push(lab, Destination(Transport.MQTT, b"127.0.0.1:8883"), to="mqtts://127.0.0.1", **BROKER)
    target = made.target()
    assert (target.kind, made.mqtt(target).username) == ("mqtts", "meter")


def test_no_representation_of_a_push_shows_its_password(lab: Callable[..., Lab]) -> None:
    made = push(lab, None, to="mqtt://127.0.0.1:1883", **BROKER)
    assert "a secret" not in repr(made.config) + repr(made) + repr(made.mqtt(made.target())) + str(vars(made))
