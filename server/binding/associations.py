"""From an association of a profile to its definition: what it sees, how it is proved and protected.

The objects come from the model; the association object is built here, Association LN or SN, because each association
has its own. Base names of short names are given once for all objects of the profile, so that an object has the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from cosem.acse import ApplicationContext, Mechanism
from cosem.association_definition import AssociationDefinition
from cosem.association_object import association_object
from cosem.initiate import Conformance
from cosem.interface_class import CosemObject, Sink
from cosem.object_model import ObjectView, VisibleObject
from cosem.security.layer import Guard
from cosem.short_names.association_sn import NO_SECURITY_SETUP, association_sn_object
from cosem.short_names.base_names import BaseNames, ShortNames, base_names
from metering import Configured
from obis import Obis

from ..device_profile import AssociationProfile, DeviceProfile, ObjectRow
from ..lockout import PasswordGuard
from ..profile_tables import LockOut
from ..security.association_guard import AssociationGuard
from ..security.manufacturer_proof import prove
from ..security.meter_setup import MeterSetup
from ..virtual_meter import KeepSecrets
from .rights import rights

if TYPE_CHECKING:
    from .model import Context

_MECHANISMS: Final = {
    "none": Mechanism.LOWEST,
    "low": Mechanism.LOW,
    "high": Mechanism.HIGH,
    "md5": Mechanism.HIGH_MD5,
    "sha1": Mechanism.HIGH_SHA1,
    "gmac": Mechanism.HIGH_GMAC,
    "sha256": Mechanism.HIGH_SHA256,
    "ecdsa": Mechanism.HIGH_ECDSA,
}
_CONTEXTS: Final = {
    "LN": ApplicationContext.LN,
    "SN": ApplicationContext.SN,
    "LN-ciphered": ApplicationContext.LN_CIPHERED,
    "SN-ciphered": ApplicationContext.SN_CIPHERED,
}
_WITH_SECRET: Final = frozenset(("low", "high", "md5", "sha1", "sha256"))
_LONGEST_SECRET: Final = 64
"""As the longest challenge (ours): the standard gives secrets no length."""


def security_setup_name(number: int) -> Obis:
    """The logical name of a Security setup."""
    return Obis(bytes((0, 0, 43, 0, number, 255)))


def definitions(
    profile: DeviceProfile,
    objects: Sequence[tuple[ObjectRow, CosemObject]],
    settings: Sequence[VisibleObject],
    association_rows: Iterable[ObjectRow],
) -> dict[tuple[int, int], AssociationDefinition]:
    """The definitions of a profile's associations by client and server SAP.

    `settings` is what only a configuration association sees.
    """
    rows = list(association_rows)
    names: BaseNames = {}
    if any(item.context.startswith("SN") for item in profile.associations):
        everything = [item for _, item in objects] + [visible.object for visible in settings]
        names = base_names([*everything, association_sn_object(Mechanism.LOWEST, None)])
    return {
        (item.client_sap, item.server_sap): _definition(profile, item, objects, settings, rows, names)
        for item in profile.associations
    }


def _guard(profile: DeviceProfile, item: AssociationProfile) -> Callable[[Context], Guard]:
    """Who counts the failures of an association: the password of the local ports counts with them, any other secret
    for all that were delivered with it, until another is written.

    Without lock-out in the profile only a configuration association has one, as the ports have it.
    """
    saps, local, lock_out = (item.client_sap, item.server_sap), profile.local, profile.lock_out
    if item.mechanism not in _WITH_SECRET or (lock_out is None and not item.settings):
        return lambda context: AssociationGuard(context.meter, lock_out, *saps, context.blame)
    if lock_out is None:
        lock_out = LockOut(
            allowed_failed_attempts=local.password_attempts - 1,
            initial_lock_out_s=max(local.lock_out_s, 1),
            steepness=1,
            max_lock_out_s=max(local.lock_out_s, 1),
        )
    alike = [one for one in profile.associations if one.mechanism in _WITH_SECRET and one.password == item.password]
    first = min((one.client_sap, one.server_sap) for one in alike)

    def guard(context: Context) -> Guard:
        if context.meter.security.password(*saps) is not None:
            return AssociationGuard(context.meter, lock_out, *saps, context.blame)
        if item.password == local.password:
            return PasswordGuard(context.meter, context.interface, context.blame)
        return AssociationGuard(context.meter, lock_out, *first, context.blame, shared=True)

    return guard


def _definition(
    profile: DeviceProfile,
    item: AssociationProfile,
    objects: Sequence[tuple[ObjectRow, CosemObject]],
    settings: Sequence[VisibleObject],
    association_rows: list[ObjectRow],
    names: BaseNames,
) -> AssociationDefinition:
    mechanism, application_context = _MECHANISMS[item.mechanism], _CONTEXTS[item.context]
    saps, default, number = (item.client_sap, item.server_sap), item.password.encode(), item.setup

    def secret(context: Context) -> bytes:
        written = context.meter.security.password(*saps)
        return default if written is None else written

    def set_secret(context: Context, value: bytes) -> None:
        if not 1 <= len(value) <= _LONGEST_SECRET:
            raise ValueError(f"a secret of {len(value)} octets (1 to {_LONGEST_SECRET} expected)")
        changed = context.meter.secrets.with_password(*saps, value)
        context.meter.configure(Configured.PASSWORD, [KeepSecrets(f"password of client {saps[0]}", changed)])

    def security(context: Context) -> MeterSetup:
        assert number is not None
        return context.meter.security.setups[number]

    guard = _guard(profile, item)

    visible = [
        VisibleObject(cosem_object, *rights(row, cosem_object, item))
        for row, cosem_object in objects
        if row.public or not item.public
    ]
    sink: Sink | None = None if item.public or item.mechanism not in _WITH_SECRET else set_secret
    reference = NO_SECURITY_SETUP if number is None else security_setup_name(number)
    for row in association_rows:
        if application_context.long_names:  # version 1 is the first that names its Security setup
            version = row.version if number is None else 1
            current = association_object(
                row.logical_name, *saps, mechanism, sink, row.name, version=version, security_setup=reference
            )
        else:
            current = association_sn_object(mechanism, sink, security_setup=reference)
        visible.append(VisibleObject(current, *rights(row, current, item)))
    if item.settings:
        visible += settings
    view = ObjectView(visible)
    return AssociationDefinition(
        client_sap=item.client_sap,
        server_sap=item.server_sap,
        mechanism=mechanism,
        conformance=Conformance.parse(item.conformance),
        max_receive_pdu=item.max_receive_pdu,
        view=view,
        secret=secret,
        tolerated=Conformance.parse(item.tolerated),
        context=application_context,
        security=None if number is None else security,
        guard=guard,
        proof=None if mechanism is not Mechanism.HIGH else lambda context, exchange: prove(secret(context), exchange),
        short_names=None if application_context.long_names else ShortNames(view, names),
    )
