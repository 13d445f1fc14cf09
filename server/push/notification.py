"""The DataNotification that carries a push: long-invoke-id, the meter's local time, body."""

from __future__ import annotations

from typing import Any, Final

from ..binding.clock import local_date_time

_DATA_NOTIFICATION: Final = b"\x0f"
_DATE_TIME: Final = b"\x0c"
"""Length of the date-time; no tag stands before it (captures of revision U1 and later)."""


def data_notification(long_invoke_id: int, context: Any, body: bytes) -> bytes:
    """The APDU."""
    stamp = local_date_time(context).to_bytes()
    return b"".join((_DATA_NOTIFICATION, long_invoke_id.to_bytes(4, "big"), _DATE_TIME, stamp, body))
