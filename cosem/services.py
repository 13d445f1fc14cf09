"""The services by the tags of their requests: a new one is a row here, and a class with `handle`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from . import xdlms
from .access_service import ACCESS_REQUEST, AccessService
from .action_service import ActionService
from .general_block_transfer import GENERAL_BLOCK_TRANSFER
from .security.tags import PROTECTED
from .set_service import SetService
from .short_names.apdus import READ_REQUEST, UNCONFIRMED_WRITE_REQUEST, WRITE_REQUEST
from .short_names.read_service import ReadService
from .short_names.write_service import UnconfirmedWriteService, WriteService

if TYPE_CHECKING:
    from .association import Association


class Service(Protocol):
    """A service of one association, with the long transfers it keeps; made anew when the association begins."""

    def handle(self, apdu: bytes) -> bytes | None:
        """Answer a request, None for silence; raises `DecodeError` or `NotNegotiated`, and then did nothing."""


SERVICES: Final[dict[bool, dict[int, Callable[[Association], Service]]]] = {
    True: {
        xdlms.GET_REQUEST: lambda association: association.get,
        xdlms.SET_REQUEST: SetService,
        xdlms.ACTION_REQUEST: ActionService,
        ACCESS_REQUEST: AccessService,
    },
    False: {
        READ_REQUEST: ReadService,
        WRITE_REQUEST: WriteService,
        UNCONFIRMED_WRITE_REQUEST: UnconfirmedWriteService,
    },
}
"""The services by the tag of their requests: with long names (True), with short names (False)."""

PASS_3: Final = frozenset((xdlms.ACTION_REQUEST, READ_REQUEST, WRITE_REQUEST))
"""Requests that may carry the client's proof."""

EVERY_SERVICE: Final = PROTECTED.union((GENERAL_BLOCK_TRANSFER,), *SERVICES.values())
"""Requests that are known, whether the application context of an association has them or not."""
