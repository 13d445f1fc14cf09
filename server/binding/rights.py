"""Rights of an association on an object, from the access column of the object list.

The column speaks of the value: R, W, RW, `-` (only captured by a logger), R(W) (writable from the primary module only),
RW4 (of a logger, only its capture period). What that means for the other attributes of a class is said here.

Who proves nothing reads, whatever is ciphered (ours): the client without authentication changes nothing.

The methods of a Security setup are for those who proved themselves by high level security and speak ciphered under it:
keys and policies are nobody else's affair. Data protection is for those as well, under whatever setup.
"""

from __future__ import annotations

from typing import Final

from cosem.data_protection import DataProtection
from cosem.interface_class import CosemObject, InterfaceClass
from cosem.interface_classes import AssociationLn, Clock, Data, Register, SecuritySetup, SecuritySetupV1
from cosem.object_model import AccessMode

from ..device_profile import AssociationProfile, ObjectRow
from .push_setup import WRITABLE as PUSH_SETUP_WRITABLE

_WRITABLE: Final[dict[type[InterfaceClass], tuple[int, ...]]] = {
    Data: (2,),
    Register: (2,),
    Clock: (2, 8),
    **PUSH_SETUP_WRITABLE,
}
"""What RW means for a class; for the others it is every attribute but the logical name."""
_SECRET: Final = 7
_CAPTURE_PERIOD: Final = 4


def rights(
    row: ObjectRow, cosem_object: CosemObject, item: AssociationProfile
) -> tuple[dict[int, AccessMode], frozenset[int]]:
    """Access mode by attribute, and the callable methods. The public client reads and does nothing else, nor do others
    without authentication.
    """
    declared = cosem_object.interface_class
    modes = dict.fromkeys(declared.attributes, AccessMode.READ)
    if row.access == "-":
        return {index: AccessMode.READ if index == 1 else AccessMode.NO_ACCESS for index in modes}, frozenset()
    if issubclass(declared, AssociationLn):  # the secret of high level security is changed by a method
        low = item.mechanism == "low" and not item.public
        modes[_SECRET] = AccessMode.WRITE if low else AccessMode.NO_ACCESS
    if item.public or item.mechanism == "none":
        if row.access == "W":
            modes[2] = AccessMode.NO_ACCESS
        return modes, frozenset()
    if issubclass(declared, DataProtection) and not _has_proved_itself(item):
        return modes, frozenset()
    if row.access == "W":
        modes[2] = AccessMode.WRITE
    elif row.access == "RW4":
        modes[_CAPTURE_PERIOD] = AccessMode.READ_WRITE
    elif row.access == "RW":
        writable = _WRITABLE.get(declared, [index for index in modes if index != 1])
        modes.update(dict.fromkeys(writable, AccessMode.READ_WRITE))
    elif row.access == "R(W)" and item.restricted_writes:
        modes[2] = AccessMode.READ_WRITE
    if issubclass(declared, SecuritySetup | SecuritySetupV1) and not _may_manage(row, item):
        return modes, frozenset()
    return modes, frozenset(cosem_object.methods)


def _may_manage(row: ObjectRow, item: AssociationProfile) -> bool:
    own = row.source == f"security_setup:{item.setup}"
    return own and _has_proved_itself(item)


def _has_proved_itself(item: AssociationProfile) -> bool:
    return item.context.endswith("-ciphered") and item.mechanism not in ("none", "low")
