"""Public vectors of ACCESS, general-block-transfer and notifications; each names its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "public_services.json").read_text())
_BY_ID = {vector["id"]: vector for vector in _VECTORS}

LLC = bytes.fromhex("e6e700")
"""In front of an APDU to a client, in the first frame that carries it."""


def vectors(*categories: str) -> list[dict[str, Any]]:
    """The vectors of these categories."""
    return [vector for vector in _VECTORS if vector["category"] in categories]


def octets(identifier: str, side: str = "in") -> bytes:
    """The octets of one vector, by its number."""
    return bytes.fromhex(_BY_ID[identifier][f"hex_{side}"])


def parameter(identifier: str, name: str) -> bytes:
    """One parameter of a vector."""
    return bytes.fromhex(_BY_ID[identifier]["params"][name])


def apdu_of(frame: bytes) -> bytes:
    """What a captured HDLC frame carries: behind flag, format, addresses, control and HCS, before FCS and flag."""
    position = 3
    for _ in range(2):  # an address ends with the octet whose lowest bit is set
        while not frame[position] & 1:
            position += 1
        position += 1
    return frame[position + 3 : -3].removeprefix(LLC)
