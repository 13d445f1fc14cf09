"""The object model of a device profile: built once, shared by all its meters.

The rows of the object list become objects, the associations of the profile views of them with their rights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.association_object import sap_assignment_object
from cosem.interface_class import CosemObject
from cosem.interface_classes import ProfileGeneric
from cosem.security_setup import security_setup_object
from cosem.xdlms import Descriptor
from obis import Obis

from ..device_profile import DeviceProfile, ObjectRow, load_objects, load_profile
from ..security.meter_setup import MeterSetup
from ..settings import Settings
from ..virtual_meter import VirtualMeter
from .associations import definitions
from .data_protection import data_protection
from .hdlc_setup import HdlcSettings
from .memory import MemoryCell
from .objects import build_object
from .push_setup import PushSettings
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
        self.push_setups: dict[Obis, PushSettings] = {}
        self._cells: dict[Obis, MemoryCell] = {}
        rows = load_objects(profile)
        self._objects = [(row, self._build(row)) for row in rows if row.source != "association"]
        self._settings = settings_objects() if any(item.settings for item in profile.associations) else []
        self.event_statuses = [
            Descriptor(row.class_id, row.logical_name, 2)
            for source in ("event_status:a", "event_status:b")
            for row in rows
            if row.source == source
        ]
        """Where clients read which events have happened: words A and B, or none of them."""
        of_associations = [row for row in rows if row.source == "association"]
        self.definitions = definitions(profile, self._objects, self._settings, of_associations)

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
        kind, _, number = row.source.partition(":")
        if kind == "security_setup":

            def setup(context: Context) -> MeterSetup:
                return context.meter.security.setups[int(number)]

            return security_setup_object(row.logical_name, row.version, setup, row.name)
        if row.source == "data_protection":
            return data_protection(row.logical_name, row.name)
        if row.source == "push_setup":
            settings = PushSettings(row.logical_name, row.version, row.name)
            self.push_setups[row.logical_name] = settings
            return settings.object
        if row.source == "sap_assignment":
            saps = sorted(self.profile.logical_devices)

            def assignments(context: Context) -> list[tuple[int, bytes]]:
                return [(sap, context.meter.logical_device_name) for sap in saps]

            return sap_assignment_object(row.logical_name, assignments, row.name)
        return build_object(row, self.profile.energy_type, self._cells)


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
