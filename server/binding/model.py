"""The object model of a device profile: built once, shared by all its meters.

The rows of the object list become objects, the associations of the profile views of them with their rights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association, AssociationDefinition
from cosem.association_object import association_object, sap_assignment_object
from cosem.initiate import Conformance
from cosem.interface_class import CosemObject, Sink
from cosem.interface_classes import ProfileGeneric
from cosem.object_model import ObjectView, VisibleObject
from cosem.short_names.association_sn import NO_SECURITY_SETUP, association_sn_object
from cosem.short_names.base_names import BaseNames, ShortNames, base_names
from metering import Configured
from obis import Obis

from ..device_profile import AssociationProfile, DeviceProfile, ObjectRow, load_objects, load_profile
from ..security.association_guard import AssociationGuard
from ..security.manufacturer_proof import prove
from ..security.meter_setup import MeterSetup
from ..settings import Settings
from ..virtual_meter import KeepSecrets, VirtualMeter
from .hdlc_setup import HdlcSettings
from .memory import MemoryCell
from .objects import build_object
from .rights import rights
from .settings_objects import settings_objects

_ENERGY_FORMAT: Final = Obis.parse("1.1.134.0.1.255")


class Context:
    """What sources and sinks get: the meter, the association that asks, and the interface it came through."""

    __slots__ = ("_settings", "association", "blame", "interface", "meter", "model")

    def __init__(
        self, model: ObjectModel, meter: VirtualMeter, interface: str, blame: Callable[[], None] = lambda: None
    ) -> None:
        self.model = model
        self.meter = meter
        self.interface = interface
        self.blame = blame
        """Say that whoever asks could not prove what they claimed."""
        self.association: Association | None = None
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings as this client has seen and written them."""
        if self._settings is None:
            self._settings = Settings(self.meter)
        return self._settings

    @property
    def energy_format(self) -> int:
        """Format_KMP_Energy, a column of the load profile."""
        return int(self.model.recall(self.meter, _ENERGY_FORMAT))


class ObjectModel:
    """Objects, views and associations of one device profile."""

    def __init__(self, profile: DeviceProfile) -> None:
        self.profile = profile
        self.hdlc: HdlcSettings | None = None
        self._cells: dict[Obis, MemoryCell] = {}
        rows = load_objects(profile)
        self._objects = [(row, self._build(row)) for row in rows if row.source != "association"]
        self._settings = settings_objects() if any(item.settings for item in profile.associations) else []
        self._association_rows = [row for row in rows if row.source == "association"]
        self.definitions = {(item.client_sap, item.server_sap): self._definition(item) for item in profile.associations}

    @property
    def objects(self) -> list[CosemObject]:
        """Every object of the profile but those of its associations, whoever may read it on a wire.

        Of what only a configuration association sees, the logger.
        """
        loggers = [one.object for one in self._settings if one.object.interface_class is ProfileGeneric]
        return [*(item for _, item in self._objects), *loggers]

    def recall(self, meter: VirtualMeter, name: Obis) -> Any:
        """The value of a Data object in permanent memory."""
        return self._cells[name].value(meter)

    def definition(self, client_sap: int, server_sap: int, interface: str) -> AssociationDefinition | None:
        """The association of this client, unless the profile keeps it to another interface."""
        if self.profile.cosem is not None and self.profile.cosem.interfaces_enforced:
            for item in self.profile.associations:
                same = (item.client_sap, item.server_sap) == (client_sap, server_sap)
                if same and item.interface not in (None, interface):
                    return None
        return self.definitions.get((client_sap, server_sap))

    def _build(self, row: ObjectRow) -> CosemObject:
        if row.source == "hdlc_setup":
            assert self.profile.hdlc is not None  # no objects without
            self.hdlc = HdlcSettings(row.logical_name, self.profile.hdlc, row.name)
            return self.hdlc.object
        if row.source == "sap_assignment":
            saps = sorted(self.profile.logical_devices)

            def assignments(context: Context) -> list[tuple[int, bytes]]:
                return [(sap, context.meter.logical_device_name) for sap in saps]

            return sap_assignment_object(row.logical_name, assignments, row.name)
        return build_object(row, self.profile.energy_type, self._cells)

    def _base_names(self, view: ObjectView) -> BaseNames:
        """An object has one base name, whoever of the associations sees it."""
        visible = (item.object for item in view.objects)
        return base_names([*(item for _, item in self._objects), *(item.object for item in self._settings), *visible])

    def _definition(self, item: AssociationProfile) -> AssociationDefinition:
        mechanism, context = _MECHANISMS[item.mechanism], _CONTEXTS[item.context]
        saps, default = (item.client_sap, item.server_sap), item.password.encode()

        def secret(context: Context) -> bytes:
            written = context.meter.security.password(*saps)
            return default if written is None else written

        def set_secret(context: Context, value: bytes) -> None:
            changed = context.meter.secrets.with_password(*saps, value)
            context.meter.configure(Configured.PASSWORD, [KeepSecrets(f"password of client {saps[0]}", changed)])

        def security(context: Context) -> MeterSetup:
            assert item.setup is not None
            return context.meter.security.setups[item.setup]

        def guard(context: Context) -> AssociationGuard:
            return AssociationGuard(context.meter, self.profile.lock_out, *saps, context.blame)

        visible = [
            VisibleObject(cosem_object, *rights(row, cosem_object, item))
            for row, cosem_object in self._objects
            if row.public or not item.public
        ]
        for row in self._association_rows:
            sink: Sink | None = None if item.public else set_secret
            if not context.long_names:
                reference = NO_SECURITY_SETUP if item.setup is None else Obis(bytes((0, 0, 43, 0, item.setup, 255)))
                current = association_sn_object(mechanism, sink, security_setup=reference)
            else:
                current = association_object(row.logical_name, *saps, mechanism, sink, row.name)
            visible.append(VisibleObject(current, *rights(row, current, item)))
        if item.settings:
            visible += self._settings
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
            context=context,
            short_names=None if context.long_names else ShortNames(view, self._base_names(view)),
            security=None if item.setup is None else security,
            guard=guard,
            proof=None
            if mechanism is not Mechanism.HIGH
            else lambda context, exchange: prove(secret(context), exchange),
        )


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


@cache
def object_model(profile_name: str, energy_type: str | None = None) -> ObjectModel:
    """The object model of a device profile, by its name or path; built once.

    Ordered with another `energy_type`, its load profile has other columns.
    """
    profile = load_profile(profile_name)
    if energy_type is not None:
        metering = profile.metering.model_copy(update={"energy_type": energy_type})
        profile = profile.model_copy(update={"metering": metering})
    return ObjectModel(profile)
