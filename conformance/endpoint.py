"""Where a meter can be reached, as people write it.

| text | what it is |
|---|---|
| `HOST:PORT`, `tcp://HOST:PORT` | wrapper over TCP |
| `udp://HOST:PORT` | wrapper over UDP |
| `hdlc://HOST:PORT` | HDLC over TCP |
| `iec://HOST:PORT` | IEC 62056-21 over TCP |
| `kmp://HOST:PORT` | KMP over TCP |
| `kmphex://HOST:PORT` | the hexadecimal protocol of the 685 over TCP |
| `/dev/ttyUSB0`, `COM3`, `serial:DEVICE` | a serial device: HDLC, unless another protocol is named |
| `pty:PATH` | a pseudo-terminal, as `meter382 run` names it |
"""

from __future__ import annotations

import os
import re
from enum import Enum, StrEnum
from typing import Final, NamedTuple

_NETWORK: Final = re.compile(
    r"(?:(?P<kind>tcp|udp|hdlc|iec|kmp|kmphex)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\[\]\s]+):(?P<port>\d{1,5})"
)
_DEVICE: Final = re.compile(r"(?:serial:|pty:)?(?P<device>[^:]*/.+|COM\d+)|serial:(?P<named>.+)")


class EndpointKind(Enum):
    """What is between client and meter."""

    TCP = "tcp"
    UDP = "udp"
    HDLC_TCP = "hdlc"
    IEC_TCP = "iec"
    KMP_TCP = "kmp"
    KMP_HEX_TCP = "kmphex"
    SERIAL = "serial"


class LinkProtocol(StrEnum):
    """What client and meter speak. DLMS goes over the wrapper or over HDLC."""

    WRAPPER = "wrapper"
    HDLC = "hdlc"
    IEC = "iec"
    KMP = "kmp"
    KMP_HEX = "kmphex"


_PROTOCOLS: Final = {
    EndpointKind.TCP: LinkProtocol.WRAPPER,
    EndpointKind.UDP: LinkProtocol.WRAPPER,
    EndpointKind.HDLC_TCP: LinkProtocol.HDLC,
    EndpointKind.IEC_TCP: LinkProtocol.IEC,
    EndpointKind.KMP_TCP: LinkProtocol.KMP,
    EndpointKind.KMP_HEX_TCP: LinkProtocol.KMP_HEX,
}
_STREAMS: Final = {
    LinkProtocol.WRAPPER: EndpointKind.TCP,
    LinkProtocol.HDLC: EndpointKind.HDLC_TCP,
    LinkProtocol.IEC: EndpointKind.IEC_TCP,
    LinkProtocol.KMP: EndpointKind.KMP_TCP,
    LinkProtocol.KMP_HEX: EndpointKind.KMP_HEX_TCP,
}


class Endpoint(NamedTuple):
    """One place: `host` and `port`, or for a serial line the `device` and what is spoken there."""

    kind: EndpointKind
    host: str = ""
    port: int = 0
    device: str = ""
    serial_protocol: LinkProtocol = LinkProtocol.HDLC

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read one of the forms above; raises `ValueError` that names them."""
        stripped = text.strip()
        if (match := _NETWORK.fullmatch(stripped)) and 0 < int(match["port"]) <= 0xFFFF:
            return cls(EndpointKind(match["kind"] or "tcp"), match["host"].strip("[]"), int(match["port"]))
        if "://" not in stripped and (match := _DEVICE.fullmatch(stripped)):
            return cls(EndpointKind.SERIAL, device=match["device"] or match["named"])
        raise ValueError(
            f"{text!r} is no endpoint (HOST:PORT, udp://HOST:PORT, hdlc://HOST:PORT, iec://HOST:PORT, kmp://HOST:PORT, "
            "kmphex://HOST:PORT, /dev/ttyX or serial:DEVICE)"
        )

    @property
    def protocol(self) -> LinkProtocol:
        """What is spoken there."""
        return _PROTOCOLS.get(self.kind, self.serial_protocol)

    def speaking(self, protocol: LinkProtocol) -> Endpoint:
        """The same place with another protocol; raises `ValueError` where it cannot be spoken there."""
        if self.kind is EndpointKind.SERIAL:
            if protocol is LinkProtocol.WRAPPER:
                raise ValueError(f"{self}: the wrapper is spoken over TCP and UDP only")
            return self._replace(serial_protocol=protocol)
        if self.kind is EndpointKind.UDP:
            if protocol is not LinkProtocol.WRAPPER:
                raise ValueError(f"{self}: only the wrapper is spoken over UDP")
            return self
        return self._replace(kind=_STREAMS[protocol])

    @property
    def carries_parity(self) -> bool:
        """A real serial line: characters of IEC 62056-21 have even parity there. A pseudo-terminal carries none."""
        return self.kind is EndpointKind.SERIAL and not os.path.realpath(self.device).startswith("/dev/pts/")

    def __str__(self) -> str:
        if self.kind is EndpointKind.SERIAL:
            return self.device
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind.value}://{host}:{self.port}"
