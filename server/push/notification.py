"""The APDU of a push: a Data-Notification with the meter's local time, protected where that is asked for.

A push nobody has associated for is protected by general-glo-ciphering (captures of Radius), with the keys and the
counter of a Security setup of the meter. It goes under no client's title; there is nothing to be signed for.
"""

from __future__ import annotations

from typing import Any

from cosem.notification import DataNotification, write_data_notification
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.tags import Envelope

from ..binding.clock import local_date_time
from ..virtual_meter import VirtualMeter
from .destinations import PushFailed

_NOBODY = bytes(8)
"""The title of a peer that general-glo-ciphering does not name."""


def data_notification(long_invoke_id: int, context: Any, body: bytes) -> bytes:
    """The APDU, plain."""
    return write_data_notification(DataNotification(long_invoke_id, local_date_time(context).to_bytes(), body))


def protect(apdu: bytes, meter: VirtualMeter, setup: int, protection: Protection) -> bytes:
    """The APDU under the global key of a Security setup.

    Raises `PushFailed` where there is no such setup, or a signature is wanted. The counter that was used is on
    `pending` where it must be written first.
    """
    known = meter.security.setups.get(setup)
    if known is None:
        raise PushFailed(f"there is no Security setup {setup}")
    if protection & Protection.SIGNED:
        raise PushFailed("pushes are not signed")
    if not protection:
        return apdu
    context = known.context(known.client_title or _NOBODY)
    return context.seal(apdu, How(protection, Envelope.GENERAL_GLOBAL))
