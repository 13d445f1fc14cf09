"""UI frames that a meter sends unasked, each with a whole APDU (IEC 62056-46 6.2.4; captured pushes of a 382's family).

`7E A0 E2 2B 21 13 …`: to client 21, from logical device 16, UI with F=1, LLC header of a response. There is no
segmentation: an APDU that no frame holds is refused.
"""

from __future__ import annotations

from typing import Final

from .address import ServerAddress, encode_client
from .frame import CONTROL, POLL_FINAL, Frame, Kind
from .secondary import LLC_RESPONSE

MAX_INFORMATION: Final = 1010
"""Octets of information that meters of the family send at most (OMNIPOWER HAN interface specification)."""

MAX_APDU: Final = MAX_INFORMATION - len(LLC_RESPONSE)
"""Octets of the longest APDU in a frame."""


class UnnumberedTooLong(ValueError):
    """The APDU does not fit a frame."""


def unnumbered_information(client_sap: int, server: ServerAddress, apdu: bytes) -> bytes:
    """The frame with its flags; raises `UnnumberedTooLong`."""
    information = LLC_RESPONSE + apdu
    if len(information) > MAX_INFORMATION:
        raise UnnumberedTooLong(f"{len(information)} octets of information, {MAX_INFORMATION} fit a frame")
    return Frame(encode_client(client_sap), server.encode(), CONTROL[Kind.UI] | POLL_FINAL, information).encode()
