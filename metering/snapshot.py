"""Snapshots as bytes: a four-letter mark, a format number, then compressed JSON head and raw columns.

The same state always gives the same bytes, so two meters are equal when their snapshots are. Layout after the
mark `M382` and one octet of format: a zlib stream of head length (4 octets, big-endian), head (JSON with
sorted keys) and the columns end to end in little-endian order, as the head lists them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MARK: Final = b"M382"
FORMAT: Final = 1
_LEVEL: Final = 3  # the columns are mostly equal differences: higher levels cost time and gain nothing


def pack(state: Mapping[str, Any], columns: Mapping[str, NDArray[np.generic]]) -> bytes:
    """State (JSON values) and columns as one byte string."""
    listing = [[name, column.dtype.newbyteorder("<").str, list(column.shape)] for name, column in columns.items()]
    head = json.dumps({"state": state, "columns": listing}, sort_keys=True, separators=(",", ":")).encode()
    parts = [len(head).to_bytes(4, "big"), head]
    parts += [column.astype(column.dtype.newbyteorder("<")).tobytes() for column in columns.values()]
    return MARK + bytes((FORMAT,)) + zlib.compress(b"".join(parts), _LEVEL)


def unpack(snapshot: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """State and columns back; raises `ValueError` saying what is wrong with the bytes."""
    if snapshot[:4] != MARK:
        raise ValueError(f"not a meter snapshot: begins with {snapshot[:4]!r}, expected {MARK!r}")
    if snapshot[4:5] != bytes((FORMAT,)):
        raise ValueError(f"meter snapshot has format {snapshot[4:5].hex() or 'none'}, expected {FORMAT:02x}")
    try:
        body = zlib.decompress(snapshot[5:])
        offset = 4 + int.from_bytes(body[:4], "big")
        head = json.loads(body[4:offset])
        columns: dict[str, NDArray[np.generic]] = {}
        for name, kind, shape in head["columns"]:
            count = int(np.prod(shape, dtype=np.int64))
            columns[name] = np.frombuffer(body, dtype=kind, count=count, offset=offset).reshape(shape)
            offset += columns[name].nbytes
        state: dict[str, Any] = head["state"]
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"meter snapshot is damaged: {error}") from error
    return state, columns


def fingerprint(values: Mapping[str, object]) -> str:
    """A short text that two sets of JSON values share only when they are equal."""
    return sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]
