"""The configuration of a run: what a TOML file may say, and what the command line says instead.

```toml
state = "meters.sqlite"
speed = 60

[control]
address = "127.0.0.1:8382"

[[meters]]
profile = "382L"
serial_number = 16721739
hdlc_address = 33
type_number = "684-38BL4C4010"
configuration_numbers = ["1-1-000-00-2", "222-01-01-1", "00-0-01-0-00", "000-001-00", "000"]
installation = { kind = "household", annual_kwh = 5200, pv_peak_w = 6000 }

[[endpoints]]
kind = "tcp"
address = "127.0.0.1:4059"
```

`meter382 config check FILE` says what is wrong: file, line, key, what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from .device_profile import Period, Table, load_objects, load_profile, profile_of
from .limits import Limits
from .ordering import EnergyTypeCode
from .push.config import PushConfig
from .security.private_file import refuse_open_secrets, with_secret
from .toml_file import FileError, load_toml, validate

DEFAULT_SERIAL_NUMBER: Final = 12345678
DEFAULT_ADDRESS: Final = "127.0.0.1:4059"
IP101I_PORTS: Final = {"A": 1025, "B": 1026}
"""TCP ports of the IP101i module's channels: A leads to the primary module, B to the consumer module (CCC)."""
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(?::(?P<port>\d{1,5}))?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/=]{8,256}")


def parse_moment(value: Any) -> datetime:
    """An ISO 8601 date and time; without a time it is midnight, without an offset UTC. Raises `ValueError`."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no ISO 8601 date and time (2026-03-29T00:00:00+01:00)") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError("an ISO 8601 date and time expected")
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


Moment = Annotated[datetime, BeforeValidator(parse_moment)]


def split_address(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, or of `HOST` where there is a default; raises `ValueError`."""
    match = _ADDRESS.fullmatch(text)
    port = default_port if match is None or match["port"] is None else int(match["port"])
    if match is None or port is None or port > 65535:
        if default_port is None:
            raise ValueError(f"{text!r} is no HOST:PORT (127.0.0.1:4059, [::1]:4059; port 0 takes a free one)")
        raise ValueError(f"{text!r} is no HOST or HOST:PORT (127.0.0.1, [::1]:{default_port}; port 0 takes a free one)")
    return match["host"].strip("[]"), port


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class InstallationConfig(Table):
    """What the premises draw; which keys apply is the kind's affair (metering/README.md)."""

    kind: Literal["household", "constant", "replay", "live"] = "household"
    seed: int | None = Field(default=None, ge=0, lt=2**64)
    annual_kwh: int = Field(default=4_000, ge=500, le=50_000)
    pv_peak_w: int = Field(default=0, ge=0, le=100_000)
    car_charger: bool = False
    heat_pump: bool = False
    grid_s: Literal[60, 900] = 60
    active_w: tuple[float, float, float] = (350.0, 250.0, 150.0)
    reactive_var: tuple[float, float, float] = (60.0, 40.0, 20.0)
    voltage_v: tuple[float, float, float] = (230.0, 230.0, 230.0)
    frequency_hz: float = Field(default=50.0, ge=40, le=70)
    temperature_degc: float = Field(default=23.0, ge=-60, le=100)
    file: Path | None = None
    repeat: bool = False

    @model_validator(mode="after")
    def _file_of_replay(self) -> InstallationConfig:
        if (self.kind == "replay") != (self.file is not None):
            raise ValueError('file goes with kind = "replay", and only with it')
        return self

    @classmethod
    def named(cls, text: str) -> InstallationConfig:
        """The installation of `--installation NAME|FILE`; raises `ValueError`."""
        if text in INSTALLATIONS:
            return cls(**INSTALLATIONS[text])
        if text.lower().endswith(".csv"):
            return cls(kind="replay", file=Path(text))
        raise ValueError(f"no installation {text!r} (there are {', '.join(INSTALLATIONS)}; or give a .csv file)")


INSTALLATIONS: Final[dict[str, dict[str, Any]]] = {
    "household": {"kind": "household"},
    "household-pv": {"kind": "household", "pv_peak_w": 6_000},
    "household-electric": {"kind": "household", "car_charger": True, "heat_pump": True},
    "constant": {"kind": "constant"},
    "live": {"kind": "live"},
    "idle": {"kind": "constant", "active_w": (0.0, 0.0, 0.0), "reactive_var": (0.0, 0.0, 0.0)},
}
"""The installations that have a name of their own on the command line."""


class MeterOverrides(Table):
    """The part of the order that a configuration may change; what is left out is the profile's.

    `tariff_table` is an internal table as plain values (`metering/tariff_table.py`), `error_seed` gives the meter the
    measuring errors of its class, `display_lists` are its display's `automatic`, `manual` and `battery` list, as keys
    of `metering/display/items.csv`.
    """

    energy_type: EnergyTypeCode | None = None
    integration_period_s: Period | None = None
    load_profile_period_s: Period | None = None
    gmt_offset_s: int | None = None
    dst: bool | None = None
    billing_day: int | None = Field(default=None, ge=1, le=28)
    billing_interval_months: Literal[0, 1, 2, 3, 6, 12] | None = None
    billing_start_month: int | None = Field(default=None, ge=1, le=12)
    peak_tariff: Literal[0, 1, 2] | None = None
    tariffs: int | None = Field(default=None, ge=1, le=8)
    tariff_mode: Literal["off", "module", "command", "internal", "ripple"] | None = None
    tariff_table: dict[str, Any] | None = None
    tariff_module: Literal[2, 4] | None = None
    tariff_module_inverted: bool | None = None
    summation: Literal["vector", "individual"] | None = None
    power_threshold_w: int | None = Field(default=None, ge=0, lt=2**32)
    error_seed: int | None = Field(default=None, ge=0, lt=2**64)
    display_lists: dict[Literal["automatic", "manual", "battery"], tuple[str, ...]] | None = None
    rtc_drift: bool | None = None
    button_disconnects: bool | None = None
    fill_outages: bool | None = None
    debiting2_interval: Literal["daily", "weekly", "monthly"] | None = None
    analysis_period_s: Period | None = None
    analysis_registers: tuple[str, ...] | None = None
    pulse_input_constant_milli: int | None = None
    pulse_input_unit: Literal["", "kWh", "m3", "l"] | None = None
    pulse_input_speed: Literal["normal", "quick"] | None = None
    pulse_length_ms: Literal[30, 80] | None = None


class MeterConfig(Table):
    """One meter. A type number chooses the profile where none is named; what it says goes before the profile."""

    profile: str = "382M"
    serial_number: int = Field(default=DEFAULT_SERIAL_NUMBER, ge=1, le=99_999_999)
    hdlc_address: int | None = Field(default=None, ge=0x10, le=0x3FFD)
    type_number: str | None = None
    configuration_numbers: tuple[int | str, ...] | None = None
    commissioned: Moment | None = None
    installation: InstallationConfig = InstallationConfig()
    metering: MeterOverrides = MeterOverrides()

    @model_validator(mode="before")
    @classmethod
    def _profile_of_the_type(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(number := values.get("type_number"), str):
            return {"profile": profile_of(number), **values}
        return values

    @field_validator("profile")
    @classmethod
    def _profile_exists(cls, value: str) -> str:
        load_profile(value)
        return value

    @field_validator("configuration_numbers", mode="before")
    @classmethod
    def _printed(cls, value: Any) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_be_ordered(self) -> MeterConfig:
        profile = load_profile(self.profile, self.type_number, self.configuration_numbers)
        if self.hdlc_address is not None and profile.hdlc is None:
            raise ValueError(f"hdlc_address: a {profile.name} is read by IEC 62056-21 only")
        return self

    @field_validator("installation", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return InstallationConfig.named(value) if isinstance(value, str) else value


class FaultConfig(Table):
    """A bad line on purpose: probabilities per octet (split: per portion)."""

    seed: int = 1
    drop: float = Field(default=0.0, ge=0, le=1)
    flip: float = Field(default=0.0, ge=0, le=1)
    duplicate: float = Field(default=0.0, ge=0, le=1)
    noise: float = Field(default=0.0, ge=0, le=1)
    split: float = Field(default=0.0, ge=0, le=1)


class EndpointConfig(Table):
    """One endpoint. `meters` are the serial numbers behind it, by default all; several share it by HDLC address.

    An `ip101i` is a channel of that module: a serial line on TCP. `pace` lets characters take the time they take on a
    line, at `baud` where nothing else says how fast it is; `echo` is that of an optical head. `parity` is set in
    software: "even", "none", or "auto" as the reader has it. With `strict_speed` a pty is heard, and hears, only at the
    speed that its reader has set.
    """

    kind: Literal["tcp", "udp", "ip101i", "optical", "rs485"]
    address: str | None = None
    channel: Literal["A", "B"] | None = None
    device: str | None = None
    baud: Literal[300, 600, 1200, 2400, 4800, 9600, 19200] | None = None
    parity: Literal["auto", "even", "none"] | None = None
    pace: bool = False
    echo: bool = False
    strict_speed: bool = False
    meters: list[int] | None = None
    faults: FaultConfig | None = None

    @property
    def where(self) -> tuple[str, int]:
        """Host and port of an endpoint that has an address."""
        assert self.address is not None
        return split_address(self.address, IP101I_PORTS[self.channel or "A"] if self.kind == "ip101i" else None)

    @property
    def is_pty(self) -> bool:
        """Whether the device is a pseudo-terminal."""
        return self.device is not None and self.device.partition(":")[0] == "pty"

    @model_validator(mode="after")
    def _where(self) -> EndpointConfig:
        wanted, other = ("address", "device") if self.kind in ("tcp", "udp", "ip101i") else ("device", "address")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"an endpoint of kind {self.kind} has {wanted}, not {other}")
        if self.address is not None:
            _ = self.where
        return self

    @model_validator(mode="after")
    def _fits(self) -> EndpointConfig:
        if self.channel is not None and self.kind != "ip101i":
            raise ValueError(f"channel: an endpoint of kind {self.kind} has none, only an ip101i has (A or B)")
        if self.kind == "udp" and (self.pace or self.echo or self.parity or self.baud):
            raise ValueError("UDP carries datagrams: pace, echo, parity and baud are a line's")
        if self.strict_speed and not self.is_pty:
            raise ValueError("strict_speed: of a pty only; another line needs nothing to garble what has a wrong speed")
        if self.baud is not None and self.device is None and not self.pace:
            raise ValueError(f"baud: an endpoint of kind {self.kind} has a speed only with pace = true")
        return self


class ControlConfig(Table):
    """The HTTP control API: on loopback for whoever may log in to this machine, elsewhere only with a token.

    The token may be named by `token_file` or `token_env` (`security/private_file.py`).
    """

    address: str
    token: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _token(cls, values: Any) -> Any:
        return with_secret(values, "token")

    @model_validator(mode="after")
    def _guarded(self) -> ControlConfig:
        host, _ = split_address(self.address)
        if self.token is None and not is_loopback(host):
            raise ValueError(
                f"{self.address} can be reached from other machines: a token is needed there "
                "(token_file in [control], or METER382_CONTROL_TOKEN in the environment)"
            )
        if self.token is not None and not _TOKEN.fullmatch(self.token.get_secret_value()):
            raise ValueError("a token is 8 to 256 letters, digits and -._~+/= (RFC 6750)")
        return self


class RunConfig(Table):
    """A whole run."""

    state: Path | None = None
    ephemeral: bool = False
    start: Moment | None = None
    speed: float = Field(default=1.0, gt=0, le=100_000)
    stepped: bool = False
    control: ControlConfig | None = None
    limits: Limits = Limits()
    trace: str | None = None
    meters: tuple[MeterConfig, ...] = (MeterConfig(),)
    endpoints: tuple[EndpointConfig, ...] = ()
    push: tuple[PushConfig, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        if self.state is not None and self.ephemeral:
            raise ValueError("ephemeral: excludes state")
        if self.stepped and (self.speed != 1 or self.control is None):
            raise ValueError("stepped: stepped time has no speed, and moves only by the control API (control)")
        if not self.meters:
            raise ValueError("meters: at least one")
        serials: set[int] = set()
        for number, meter in enumerate(self.meters):
            if meter.serial_number in serials:
                raise ValueError(f"meters.{number}.serial_number: {meter.serial_number} is that of another meter")
            serials.add(meter.serial_number)
        for number, endpoint in enumerate(self.endpoints):
            self._check_endpoint(number, endpoint)
        taken: set[tuple[int, str]] = set()
        for number, push in enumerate(self.push):
            self._check_push(number, push, taken)
        return self

    def _check_push(self, number: int, push: PushConfig, taken: set[tuple[int, str]]) -> None:
        """A push must be one that its meters can make; `taken` are the setups that others configure."""
        meters = [meter for meter in self.meters if push.is_of(meter.serial_number)]
        if push.meters is not None and len(meters) != len(set(push.meters)):
            strangers = set(push.meters) - {meter.serial_number for meter in self.meters}
            raise ValueError(f"push.{number}.meters: no meter with serial number {sorted(strangers)}")
        for meter in meters:
            profile = load_profile(meter.profile)
            rows = load_objects(profile)
            setups = [str(row.logical_name) for row in rows if row.source == "push_setup"]
            if unknown := set(push.watch) - {str(row.logical_name) for row in rows}:
                raise ValueError(f"push.{number}.watch: a {profile.name} has no object {min(unknown)}")
            if push.setup is not None:
                if push.setup not in setups:
                    there = ", ".join(setups) or "none"
                    raise ValueError(f"push.{number}.setup: a {profile.name} has no Push setup {push.setup} ({there})")
                if (meter.serial_number, push.setup) in taken:
                    raise ValueError(f"push.{number}.setup: {push.setup} of meter {meter.serial_number} stands twice")
                taken.add((meter.serial_number, push.setup))
            if push.security is not None and push.security not in [item.number for item in profile.security_setups]:
                raise ValueError(f"push.{number}.security: a {profile.name} has no Security setup {push.security}")

    def _check_endpoint(self, number: int, endpoint: EndpointConfig) -> None:
        behind = self.behind(endpoint)
        if endpoint.kind == "udp" and any(not load_profile(meter.profile).associations for meter in behind):
            raise ValueError(f"endpoints.{number}: UDP carries DLMS, and a meter there is read by IEC 62056-21 only")
        if endpoint.meters is not None and len(behind) != len(endpoint.meters):
            unknown = set(endpoint.meters) - {meter.serial_number for meter in self.meters}
            raise ValueError(f"endpoints.{number}.meters: no meter with serial number {sorted(unknown)}")
        if len(behind) > 1:
            if endpoint.kind == "udp":
                raise ValueError(f"endpoints.{number}: UDP carries the wrapper, which addresses one meter")
            addresses = [address for meter in behind if (address := self.hdlc_address(meter))]
            if len(set(addresses)) != len(addresses):
                raise ValueError(
                    f"endpoints.{number}: meters on one line need different hdlc_address values, found {addresses}"
                )

    def behind(self, endpoint: EndpointConfig) -> list[MeterConfig]:
        """The meters that an endpoint serves."""
        wanted = endpoint.meters
        return [meter for meter in self.meters if wanted is None or meter.serial_number in wanted]

    @staticmethod
    def hdlc_address(meter: MeterConfig) -> int | None:
        """The lower HDLC address a meter starts with; None where it speaks no HDLC."""
        defaults = load_profile(meter.profile).hdlc
        return None if defaults is None else meter.hdlc_address or defaults.device_address


def load_config(path: Path) -> RunConfig:
    """Read a configuration file; relative paths in it count from its folder. Raises `FileError`.

    One that holds secrets itself is refused where others can read it.
    """
    values = load_toml(path)
    refuse_open_secrets(values, path)
    _anchor(values, path.resolve().parent)
    return validate(RunConfig, values, path)


def _anchor(values: dict[str, Any], folder: Path) -> None:
    """Let the relative paths in a configuration count from `folder`; what is no path is left to validation."""

    def at(table: Any, key: str, prefix: str = "") -> None:
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str) and value.startswith(prefix) and value != prefix:
            table[key] = f"{prefix}{folder / value.removeprefix(prefix)}"

    at(values, "state")
    if values.get("trace") != "-":
        at(values, "trace")
    at(values.get("control"), "token_file")
    for meter in _tables(values.get("meters")):
        if str(meter.get("profile")).endswith(".toml"):
            at(meter, "profile")
        if str(meter.get("installation")).lower().endswith(".csv"):
            at(meter, "installation")
        at(meter.get("installation"), "file")
    for endpoint in _tables(values.get("endpoints")):
        at(endpoint, "device", "pty:")
    for push in _tables(values.get("push")):
        if str(push.get("to")).startswith("pty:"):
            at(push, "to", "pty:")
        at(push.get("mqtt"), "ca_file")
        at(push.get("mqtt"), "password_file")


def _tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


__all__ = ["EndpointConfig", "FileError", "InstallationConfig", "MeterConfig", "RunConfig", "load_config"]
