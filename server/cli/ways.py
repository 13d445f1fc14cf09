"""What `--protocol` of `meter382 tool` takes; apart from the clients, which only a command that runs needs."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """What is spoken."""

    KMP = "kmp"
    DLMS = "dlms"
    HDLC = "hdlc"
    IEC = "iec"
