"""Device profiles: what kind of meter this is, as data.

A profile is a TOML file beside an object list in CSV. It may inherit another and change a few lines: tables
are merged key by key, everything else (also arrays of tables) is replaced. The files in `server/profiles`
ship with the package; a path to a file of one's own works as well.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cosem.initiate import Conformance
from cosem.units import Unit
from metering import EnergyType
from obis import Obis

from .toml_file import FileError, load_toml, validate

PROFILES = Path(__file__).parent / "profiles"
Period = Literal[300, 900, 1800, 3600]


class Table(BaseModel):
    """Base of all tables in profiles and configuration: no key is passed over in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(Table):
    """What stands on the nameplate. The last `country_digits` of the type number are not in the identification."""

    type_number: str = Field(pattern=r"^68[456][0-9A-Z]{4,15}$")
    country_digits: int = Field(default=3, ge=0, le=6)
    software_number: str
    software_revision: str
    configuration_numbers: tuple[int, int, int, int, int]
    logical_device_prefix: str = Field(pattern=r"^[A-Z]{3}.?$")


class Metering(Table):
    """Defaults of the meter's order; a configuration file may change them."""

    energy_type: Literal["A+", "A+A-", "A+A-R+R-"]
    integration_period_s: Period
    load_profile_period_s: Period
    gmt_offset_s: int
    dst: bool
    billing_day: int = Field(ge=1, le=28)
    billing_interval_months: Literal[0, 1, 2, 3, 6, 12]
    tariffs: int = Field(ge=1, le=8)
    summation: Literal["vector", "individual"]
    power_threshold_w: int = Field(ge=0, lt=2**32)
    display_decimals: Literal[0, 1, 2]
    load_profile_days: dict[Literal["A+", "A+A-", "A+A-R+R-"], dict[int, int]]

    @field_validator("load_profile_days", mode="before")
    @classmethod
    def _periods(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                kind: {int(period): days for period, days in depths.items()} if isinstance(depths, dict) else depths
                for kind, depths in value.items()
            }
        return value

    @property
    def depth_days(self) -> dict[int, int]:
        """Days of load profile kept, by period in seconds, for this energy type."""
        return self.load_profile_days[self.energy_type]


class CosemBehaviour(Table):
    """Choices where meters of the family differ or documents leave room."""

    interfaces_enforced: bool
    entry_numbering: Literal["382", "blue-book"]


class HdlcDefaults(Table):
    """Factory values of the HDLC setup object."""

    comm_speed: int = Field(ge=0, le=9)
    window_transmit: int = Field(ge=1, le=7)
    window_receive: int = Field(ge=1, le=7)
    max_info_transmit: int = Field(ge=32, le=2030)
    max_info_receive: int = Field(ge=32, le=2030)
    inter_octet_timeout_ms: int = Field(ge=20, le=6000)
    inactivity_timeout_s: int = Field(ge=0, le=0xFFFF)
    device_address: int = Field(ge=16, le=0x3FFD)


class AssociationProfile(Table):
    """One association: who may connect, how, and to what."""

    name: str
    client_sap: int = Field(ge=1, le=0x7E)
    server_sap: int = Field(ge=1, le=0x3FFE)
    mechanism: Literal["none", "low"]
    password: str = ""
    interface: Literal["module", "optical", "ccc"] | None = None
    conformance: list[str]
    tolerated: list[str] = Field(default_factory=list)
    max_receive_pdu: int = Field(ge=12, le=0xFFFF)
    public: bool = False
    restricted_writes: bool = False

    @field_validator("conformance", "tolerated")
    @classmethod
    def _known_bits(cls, value: list[str]) -> list[str]:
        Conformance.parse(value)
        return value


class ReadoutItem(Table):
    """One data set of a readout."""

    id: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    source: str
    format: str = Field(pattern=r"^(\d+|plain|energy|power\d?|clock)$")
    unit: str = ""
    time: bool = False


class ReadoutList(Table):
    """A readout list, called user data by the manufacturer."""

    number: int
    items: list[ReadoutItem]


class Iec62056(Table):
    """The meter's IEC 62056-21 behaviour; times in seconds, see `transports.iec62056_21.Iec62056Settings`."""

    manufacturer: str = Field(pattern=r"^[A-Za-z]{3}$")
    modes: Literal["A", "AC"]
    max_baud_digit: str = Field(pattern=r"^[0-6]$")
    initial_speed: Literal[300, 600, 1200, 2400, 4800, 9600]
    bcc: Literal["xor", "sum"]
    reaction_time_s: float
    tt_s: float
    ident_to_data_s: float
    ack_to_data_s: float
    ta_s: float
    ti_s: float
    identification_separator: str = Field(pattern=r"^[0-9A-Z ]$")
    user_data: int
    lists: list[ReadoutList]

    @model_validator(mode="after")
    def _list_exists(self) -> Iec62056:
        if self.user_data not in [item.number for item in self.lists]:
            raise ValueError(f"user_data {self.user_data} names no list")
        return self


class ObjectRow(NamedTuple):
    """One object of the list. `access` is that of the value: R, W, RW, R(W), - or RW4 (capture period only)."""

    class_id: int
    version: int
    name: str
    logical_name: Obis
    type: str
    scaler: int
    unit: Unit
    access: str
    public: bool
    source: str
    default: str


class DeviceProfile(Table):
    """A kind of meter."""

    name: str
    description: str
    inherits: str | None = None
    objects: str
    identity: Identity
    metering: Metering
    cosem: CosemBehaviour
    hdlc: HdlcDefaults
    associations: list[AssociationProfile]
    iec62056_21: Iec62056

    @model_validator(mode="after")
    def _distinct(self) -> DeviceProfile:
        pairs = [(item.client_sap, item.server_sap) for item in self.associations]
        if len(set(pairs)) != len(pairs):
            raise ValueError("two associations have the same client and server SAP")
        return self

    @property
    def energy_type(self) -> EnergyType:
        """The energies recorded."""
        return EnergyType(self.metering.energy_type)

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


@cache
def load_profile(name: str) -> DeviceProfile:
    """Load a device profile by name or path; raises `FileError`."""
    path = locate(name)
    return validate(DeviceProfile, _merged(path, ()), path)


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
    if isinstance(objects := values.get("objects"), str) and not Path(objects).is_absolute():
        beside = path.parent / objects
        values["objects"] = str(beside if beside.is_file() else PROFILES / objects)
    return values


_ACCESS = re.compile(r"R|W|RW|R\(W\)|RW4|-")
_UNITS = {unit.symbol: unit for unit in Unit}


def load_objects(profile: DeviceProfile) -> list[ObjectRow]:
    """The object list of a profile; raises `FileError` naming file, line and column."""
    path = Path(profile.objects)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    rows = []
    for number, record in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            rows.append(_object_row(record))
        except (KeyError, ValueError) as error:
            raise FileError(f"{path}:{number}: {error}") from None
    return rows


def _object_row(record: dict[str, str]) -> ObjectRow:
    access = record["access"]
    if not _ACCESS.fullmatch(access):
        raise ValueError(f"access {access!r} (allowed: R, W, RW, R(W), RW4, -)")
    unit = record["unit"]
    if unit and unit not in _UNITS:
        raise ValueError(f"unit {unit!r} (allowed: {', '.join(sorted(filter(None, _UNITS)))})")
    return ObjectRow(
        class_id=int(record["class_id"]),
        version=int(record["version"]),
        name=record["name"],
        logical_name=Obis.parse(record["logical_name"]),
        type=record["type"],
        scaler=int(record["scaler"] or 0),
        unit=_UNITS[unit] if unit else Unit.COUNT,
        access=access,
        public=record["public"] == "1",
        source=record["source"],
        default=record["default"],
    )
