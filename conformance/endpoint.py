"""Where a meter can be reached, as people write it.

| text | what it is |
|---|---|
| `HOST:PORT`, `tcp://HOST:PORT` | wrapper over TCP |
| `udp://HOST:PORT` | wrapper over UDP |
| `hdlc://HOST:PORT` | HDLC over TCP |
| `/dev/ttyUSB0`, `COM3`, `serial:DEVICE` | HDLC on a serial device |
| `pty:PATH` | HDLC on a pseudo-terminal, as `meter382 run` names it |
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple

_NETWORK: Final = re.compile(
    r"(?:(?P<kind>tcp|udp|hdlc)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\[\]\s]+):(?P<port>\d{1,5})"
)
_DEVICE: Final = re.compile(r"(?:serial:|pty:)?(?P<device>[^:]*/.+|COM\d+)|serial:(?P<named>.+)")


class EndpointKind(Enum):
    """What is between client and meter."""

    TCP = "tcp"
    UDP = "udp"
    HDLC_TCP = "hdlc"
    SERIAL = "serial"


class Endpoint(NamedTuple):
    """One place: `host` and `port`, or for a serial line the `device`."""

    kind: EndpointKind
    host: str = ""
    port: int = 0
    device: str = ""

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read one of the forms above; raises `ValueError` that names them."""
        stripped = text.strip()
        if (match := _NETWORK.fullmatch(stripped)) and 0 < int(match["port"]) <= 0xFFFF:
            return cls(EndpointKind(match["kind"] or "tcp"), match["host"].strip("[]"), int(match["port"]))
        if "://" not in stripped and (match := _DEVICE.fullmatch(stripped)):
            return cls(EndpointKind.SERIAL, device=match["device"] or match["named"])
        raise ValueError(
            f"{text!r} is no endpoint (HOST:PORT, udp://HOST:PORT, hdlc://HOST:PORT, /dev/ttyX or serial:DEVICE)"
        )

    def __str__(self) -> str:
        if self.kind is EndpointKind.SERIAL:
            return self.device
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind.value}://{host}:{self.port}"
