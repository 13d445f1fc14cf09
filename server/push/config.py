"""`[[push]]` tables of a configuration file: what a meter sends unasked, when and where to.

```toml
[[push]]
list = "norwegian-1"         # a list of the customer's port, on its own schedule
to = "pty:/tmp/han"          # or "/dev/ttyUSB1": a port on which the meter only sends

[[push]]
list = "danish-1"
security = 0                 # with the keys of Security setup 0, authenticated and encrypted
to = "mqtt://127.0.0.1:1883"
mqtt = { topic = "meters/{serial}/han", qos = 1, retained = true }

[[push]]
setup = "0.0.25.9.0.255"     # a Push setup object of the profile: what it pushes, clients write
to = "tcp://192.0.2.7:4059"  # its destination until a client writes another
alarm = true                 # when an alarm begins
watch = ["1.1.129.0.0.255"]  # and when one of these values has changed
every_s = 86400              # and every midnight, meter's normal time
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from obis import Obis

from ..profile_tables import Table
from ..security.private_file import with_secret
from .han_lists import han_lists

_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class Target(NamedTuple):
    """Where a push goes: `kind` says what the rest means."""

    kind: Literal["tcp", "udp", "mqtt", "mqtts", "hdlc", "port"]
    host: str = ""
    port: int = 0
    device: str = ""

    @classmethod
    def parse(cls, text: str) -> Target:
        """Of `tcp://HOST:PORT`, udp, mqtt or mqtts, `hdlc`, a device or `pty[:LINK]`; raises `ValueError`."""
        if text == "hdlc":
            return cls("hdlc")
        scheme, separator, _ = text.partition("://")
        if not separator:
            if text == "pty" or text.startswith(("/", "pty:")):
                return cls("port", device=text)
            raise ValueError(
                f"{text!r}: tcp://HOST:PORT, udp://, mqtt://, mqtts://, hdlc, a device or pty:LINK expected"
            )
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(scheme)
        except ValueError as error:
            raise ValueError(f"{text!r}: {error}") from None
        if parts.username is not None or parts.password is not None:
            raise ValueError("user and password stand in the table mqtt, not in the address")
        if parts.path not in ("", "/") or parts.query or parts.fragment or not host or not port:
            raise ValueError(f"{text!r} is no {scheme}://HOST:PORT")
        for kind in ("tcp", "udp", "mqtt", "mqtts"):
            if scheme == kind:
                return cls(kind, host, port)
        raise ValueError(f"{text!r}: no transport {scheme!r} (tcp, udp, mqtt, mqtts)")

    def __str__(self) -> str:
        if self.kind in ("hdlc", "port"):
            return self.device or self.kind
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


class MqttConfig(Table):
    """How a push goes to a broker. `{serial}` in the topic is the meter's serial number; `ca_file` is for mqtts.

    The password may be named by `password_file` or `password_env` (`security/private_file.py`).
    """

    topic: str = Field(default="meter382/{serial}/push", min_length=1, max_length=1024)
    qos: Literal[0, 1, 2] = 1
    retained: bool = False
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _password(cls, values: Any) -> Any:
        return with_secret(values, "password")

    @field_validator("topic")
    @classmethod
    def _can_be_published_to(cls, value: str) -> str:
        if any(wildcard in value for wildcard in "+#\0") or value.startswith("$"):
            raise ValueError("a topic to publish to has no +, # and no $ in front")
        return value

    @property
    def of_a_stranger(self) -> MqttConfig:
        """The same for a broker that a client has named: it learns neither user nor password."""
        return self.model_copy(update={"username": None, "password": None})


class PushConfig(Table):
    """One push. `hosts` are the hosts that clients may write into the destination of a setup, besides loopback's.

    `client_sap` and `server_sap` are those of the list, or of the setup, unless they are given. Without `security` a
    list is plain, and a setup protected as the association of its client asks.
    """

    list: str | None = None
    setup: str | None = None
    to: str | None = None
    meters: tuple[int, ...] | None = None
    every_s: int | None = Field(default=None, ge=1, le=86_400)
    offset_s: int | None = Field(default=None, ge=0, lt=86_400)
    alarm: bool = False
    watch: tuple[str, ...] = ()
    randomisation_s: int = Field(default=0, ge=0, le=0xFFFF)
    retries: int = Field(default=0, ge=0, le=0xFF)
    repetition_delay_s: int = Field(default=0, ge=0, le=0xFFFF)
    security: int | None = None
    client_sap: int | None = Field(default=None, ge=1, le=0x7E)
    server_sap: int | None = Field(default=None, ge=1, le=0x3FFE)
    hosts: tuple[str, ...] = ()
    baud: int = Field(default=2400, ge=300, le=115_200)
    mqtt: MqttConfig = MqttConfig()

    @field_validator("to")
    @classmethod
    def _somewhere(cls, value: str | None) -> str | None:
        if value is not None:
            Target.parse(value)
        return value

    @field_validator("setup", "watch")
    @classmethod
    def _named(cls, value: Any) -> Any:
        for name in (value,) if isinstance(value, str) else value or ():
            Obis.parse(name)
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> PushConfig:
        if (self.list is None) == (self.setup is None):
            raise ValueError("a push has either a list or a setup")
        if self.list is not None:
            known = han_lists().lists
            if self.list not in known:
                raise ValueError(f"list: no list {self.list!r} (there are {', '.join(known)})")
            if self.to is None:
                raise ValueError("a list needs a destination (to)")
        if self.every_s is None and self.offset_s is not None and self.setup is not None:
            raise ValueError("offset_s goes with every_s")
        return self

    @property
    def target(self) -> Target | None:
        """`to`, taken apart."""
        return None if self.to is None else Target.parse(self.to)

    @property
    def name(self) -> str:
        """What logs call it."""
        return self.list or self.setup or ""

    def is_of(self, serial_number: int) -> bool:
        """Whether a meter pushes it."""
        return self.meters is None or serial_number in self.meters
