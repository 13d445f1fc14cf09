"""Device profiles: what kind of meter this is, as data.

A profile is a TOML file beside an object list in CSV. It may inherit another and change a few lines: tables
are merged key by key, everything else (also arrays of tables) is replaced. The files in `server/profiles`
ship with the package; a path to a file of one's own works as well.

What a profile adds to the lists it inherits it names apart: `more_objects` is another object list, `more_associations`
are further associations, each laid over the table `association_defaults`.

A profile names a type number and configuration numbers; what they order (energy type, currents, tariffs, target
day …) need not be said again under `[metering]`, and where it is said there, it holds. Ordered with other numbers,
`load_profile` gives the profile of that meter: then the numbers hold. Without associations a meter speaks
no DLMS and needs no objects.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from metering import EnergyType

from .object_list import ObjectRow, read_objects
from .ordering import ConfigurationNumbers, Nameplate, NameplateData, TypeNumber, nameplate
from .profile_tables import (
    AssociationProfile,
    CosemBehaviour,
    HdlcDefaults,
    Identity,
    Iec62056,
    Kmp,
    Local,
    LockOut,
    Metering,
    Period,
    ReadoutItem,
    SecuritySetupProfile,
    Table,
)
from .toml_file import FileError, load_toml, validate

PROFILES = Path(__file__).parent / "profiles"


class DeviceProfile(Table):
    """A kind of meter."""

    name: str
    description: str
    generations: tuple[str, ...]
    inherits: str | None = None
    objects: str | None = None
    more_objects: str | None = None
    identity: Identity
    metering: Metering
    nameplate: NameplateData
    cosem: CosemBehaviour | None = None
    hdlc: HdlcDefaults | None = None
    associations: list[AssociationProfile] = Field(default_factory=list)
    local: Local
    security_setups: list[SecuritySetupProfile] = Field(default_factory=list)
    lock_out: LockOut | None = None
    iec62056_21: Iec62056
    kmp: Kmp | None = None

    @model_validator(mode="after")
    def _of_its_generation(self) -> DeviceProfile:
        number = self.identity.type
        if number.facts.generation not in self.generations:
            raise ValueError(
                f"type number {number} is of generation {number.facts.generation}, "
                f"profile {self.name} stands for {', '.join(self.generations)}"
            )
        nameplate(number, self.nameplate)
        return self

    @model_validator(mode="after")
    def _complete(self) -> DeviceProfile:
        if self.associations and None in (self.objects, self.cosem, self.hdlc):
            raise ValueError("associations need objects, [cosem] and [hdlc]")
        password = self.local.password
        if (
            self.kmp is not None
            and self.kmp.protocol == "kmp"
            and not (password.isdecimal() and int(password) <= 0xFFFF)
        ):
            raise ValueError(f"[local] password {password!r}: KMP sends it in 16 bits; allowed: 0..65535")
        return self

    @model_validator(mode="after")
    def _distinct(self) -> DeviceProfile:
        pairs = [(item.client_sap, item.server_sap) for item in self.associations]
        if len(set(pairs)) != len(pairs):
            raise ValueError("two associations have the same client and server SAP")
        numbers = [item.number for item in self.security_setups]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two Security setups have the same number")
        return self

    @model_validator(mode="after")
    def _setups_exist(self) -> DeviceProfile:
        suites = {item.number: item.suite for item in self.security_setups}
        for item in self.associations:
            if item.setup is not None and item.setup not in suites:
                raise ValueError(f"association {item.name}: there is no Security setup {item.setup}")
            if item.mechanism == "ecdsa" and suites[item.setup or 0] == 0:
                raise ValueError(f"association {item.name}: suite 0 has no signatures")
        return self

    @property
    def energy_type(self) -> EnergyType:
        """The energies recorded."""
        return EnergyType(self.metering.energy_type)

    @property
    def label(self) -> Nameplate:
        """The nameplate of this meter."""
        return nameplate(self.identity.type, self.nameplate, self.identity.configuration)

    @property
    def logical_devices(self) -> frozenset[int]:
        """The server SAPs served."""
        return frozenset(item.server_sap for item in self.associations)


def available() -> list[str]:
    """Names of the profiles that ship with the package."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def locate(name: str) -> Path:
    """The file of a profile, by name or path; raises `FileError`."""
    if name in available():
        return PROFILES / f"{name}.toml"
    own = Path(name)
    if own.suffix == ".toml" and own.is_file():
        return own
    raise FileError(
        f"no device profile {name!r} (there are {', '.join(available())}; or give the path of a .toml file)"
    )


class _Numbers(BaseModel):
    """The part of a profile that decides about the rest."""

    model_config = ConfigDict(extra="ignore")
    identity: Identity


@cache
def load_profile(
    name: str, type_number: str | None = None, configuration_numbers: tuple[int | str, ...] | None = None
) -> DeviceProfile:
    """Load a device profile by name or path, as ordered with these numbers; raises `FileError`, for numbers
    `ValueError`.
    """
    path = locate(name)
    values = _merged(path, ())
    _add_associations(values)
    own = validate(_Numbers, values, path).identity
    metering = values.get("metering", {})
    if isinstance(metering, dict):
        values["metering"] = {**ordered(own.type, own.configuration), **metering}
    profile = validate(DeviceProfile, values, path)
    if type_number is None and configuration_numbers is None:
        return profile
    return _reordered(profile, type_number, configuration_numbers)


def _add_associations(values: dict[str, Any]) -> None:
    """Put `more_associations` behind `associations`; what is no table is left to validation."""
    defaults, more = values.pop("association_defaults", {}), values.pop("more_associations", [])
    if more:
        added = [merge(defaults, item) if isinstance(item, dict) else item for item in more]
        values["associations"] = [*values.get("associations", []), *added]


def _reordered(
    profile: DeviceProfile, type_number: str | None, configuration_numbers: tuple[int | str, ...] | None
) -> DeviceProfile:
    number = profile.identity.type if type_number is None else TypeNumber.parse(type_number)
    own = profile.identity.configuration_numbers
    given = configuration_numbers
    if given is not None and not own:
        raise ValueError(f"a {profile.name} has no configuration numbers")
    if given is None and own:  # a radio of another kind, or none, has not the profile's frequency
        given = own if number.facts.radio == profile.identity.type.facts.radio else (*own[:4], 0)
    configuration = ConfigurationNumbers.parse(given, number) if given else None
    values = profile.model_dump()
    values["identity"] |= {
        "type_number": number.complete,
        "configuration_numbers": configuration.numbers if configuration else (),
    }
    if type_number is not None:
        values["metering"] |= ordered(number, None)
    if configuration_numbers is not None:
        values["metering"] |= ordered(number, configuration)
    try:
        return DeviceProfile.model_validate(values)
    except ValidationError as error:
        raise ValueError("; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())) from None


def ordered(number: TypeNumber, configuration: ConfigurationNumbers | None) -> dict[str, Any]:
    """What a type number and configuration numbers say of `[metering]`."""
    facts = number.facts
    values: dict[str, Any] = {
        "energy_type": facts.energy_type,
        "connection": facts.connection,
        "accuracy_class": facts.accuracy_class,
        "basic_current_a": facts.basic_current_a,
        "maximum_current_a": facts.maximum_current_a,
        "breaker": facts.breaker,
        "rtc": facts.rtc or "none",
        "radio": facts.radio or "none",
        "tariffs": facts.tariffs,
        "tariff_mode": facts.tariff_mode,
        "tariff_module": facts.tariff_module,
    }
    if configuration is not None:
        codes = configuration.facts
        not_of_metering = {"io", "display", "tariff_tables", "module_communicates"}
        values |= codes.model_dump(exclude=not_of_metering, exclude_none=True)
        if codes.tariff_module is not None:
            values["tariff_mode"] = "module"
        values["load_profile_period_s"] = codes.integration_period_s  # a load profile has the demand period
    return {name: value for name, value in values.items() if value is not None}


def profile_for(number: TypeNumber) -> str | None:
    """The name of the profile that ships for a type number; None where none stands for its generation."""
    generation = number.facts.generation
    return next((name for name in available() if generation in load_profile(name).generations), None)


def profile_of(type_number: str) -> str:
    """The same, of a number as text; raises `ValueError`."""
    number = TypeNumber.parse(type_number)
    name = profile_for(number)
    if name is None:
        raise ValueError(f"type number {number}: no device profile stands for generation {number.facts.generation}")
    return name


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, tables key by key."""
    merged = dict(base)
    for key, value in changes.items():
        present = merged.get(key)
        merged[key] = merge(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return merged


def _merged(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    if path in above:
        raise FileError(f"{path}: a profile inherits itself")
    values = load_toml(path)
    if isinstance(parent := values.get("inherits"), str):
        beside = path.parent / f"{parent}.toml"
        values = merge(_merged(beside if beside.is_file() else locate(parent), (*above, path)), values)
    for key in ("objects", "more_objects"):
        if isinstance(objects := values.get(key), str) and not Path(objects).is_absolute():
            beside = path.parent / objects
            values[key] = str(beside if beside.is_file() else PROFILES / objects)
    return values


def load_objects(profile: DeviceProfile) -> list[ObjectRow]:
    """The object list of a profile, and what it adds to one that it inherits; raises `FileError` naming file, line and
    column.
    """
    return [
        row for path in (profile.objects, profile.more_objects) if path is not None for row in read_objects(Path(path))
    ]


__all__ = [
    "AssociationProfile",
    "DeviceProfile",
    "HdlcDefaults",
    "ObjectRow",
    "Period",
    "ReadoutItem",
    "Table",
    "available",
    "load_objects",
    "load_profile",
    "locate",
    "merge",
    "profile_for",
    "profile_of",
]
