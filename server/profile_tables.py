"""The tables of a device profile but for its objects: what each key is, and what may stand there."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cosem.initiate import Conformance
from cosem.security.policy import SecurityPolicy

from .ordering import ConfigurationNumbers, EnergyTypeCode, TypeNumber

Period = Literal[300, 900, 1800, 3600]


class Table(BaseModel):
    """Base of all tables in profiles and configuration: no key is passed over in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Identity(Table):
    """What stands on the label. `identification` is how the optical port gives the type number.

    `meter_types` are the numbers under which readers know the generation, without and with breaker; the software
    revision is told with them.
    """

    type_number: str
    identification: Literal["printed", "complete", "without-country"]
    software_number: str
    software_revision: str = Field(pattern=r"^[A-Z][0-9]{1,2}$")
    meter_types: tuple[int, int] | tuple[()] = ()
    configuration_numbers: tuple[int, int, int, int, int] | tuple[()] = ()
    logical_device_prefix: str = Field(default="KAM", pattern=r"^[A-Z]{3}.?$")

    @field_validator("type_number")
    @classmethod
    def _decodable(cls, value: str) -> str:
        return TypeNumber.parse(value).complete

    @model_validator(mode="after")
    def _numbers_fit(self) -> Identity:
        if self.configuration_numbers:
            ConfigurationNumbers.parse(self.configuration_numbers, self.type)
        return self

    @property
    def type(self) -> TypeNumber:
        """The type number, decoded."""
        return TypeNumber.parse(self.type_number)

    @property
    def configuration(self) -> ConfigurationNumbers | None:
        """The configuration numbers, decoded; the classic has none."""
        numbers = self.configuration_numbers
        return ConfigurationNumbers.parse(numbers, self.type) if numbers else None

    @property
    def identification_text(self) -> str:
        """The type number as the meter signs on with it."""
        number = self.type
        return {
            "printed": number.printed,
            "complete": number.complete,
            "without-country": number.without_country,
        }[self.identification]

    @property
    def software_revision_number(self) -> int:
        """Meter type and revision: 68000801 is revision H1 of a 382M without breaker (382M DLMS description)."""
        if not self.meter_types:
            return 0
        letter, number = self.software_revision[0], int(self.software_revision[1:])
        return self.meter_types[self.type.facts.breaker] * 10_000 + (ord(letter) - ord("A") + 1) * 100 + number


class Metering(Table):
    """Defaults of the meter's order; a configuration file may change some of them.

    `load_profile_days` is empty where there is no load profile; it has no rows for A+R+ and A+R1, which are kept as
    long as A+A-. Without `starting_current_ma` the accuracy class decides. `hourly_store` is the classic's, whose
    months are 730 hours.
    """

    energy_type: EnergyTypeCode
    connection: Literal["1-phase", "2-phase", "3-phase", "aron"]
    accuracy_class: Literal["A", "B", "1", "2"]
    starting_current_ma: int | None = Field(default=None, ge=0, le=200)
    basic_current_a: int = Field(ge=1, le=20)
    maximum_current_a: int = Field(ge=5, le=200)
    breaker: bool
    rtc: Literal["none", "battery", "supercap"]
    radio: Literal["none", "S", "K"]
    tariffs: int = Field(ge=1, le=8)
    integration_period_s: Period
    load_profile_period_s: Period
    gmt_offset_s: int
    dst: bool
    billing_day: int = Field(ge=1, le=28)
    billing_interval_months: Literal[0, 1, 2, 3, 6, 12]
    billing_start_month: int = Field(default=1, ge=1, le=12)
    billing_depth: int = Field(ge=1, le=999)
    debiting2_depth: int = Field(default=45, ge=1, le=999)
    event_logger_depth: int = Field(ge=1, le=9_999)
    peak_tariff: Literal[0, 1, 2] = 0
    summation: Literal["vector", "individual"]
    power_threshold_w: int = Field(ge=0, lt=2**32)
    pulse_length_ms: Literal[30, 80]
    pulse_input_unit: Literal["", "kWh", "m3", "l"] = ""
    led_lit_idle: bool = False
    display: Literal["382-classic", "382BCDE", "382K", "382L", "382M"]
    display_decimals: Literal["7.0", "6.1", "7.2", "6.3"]
    hourly_store: bool = False
    tariff_mode: Literal["off", "module", "command", "internal", "ripple"] = "command"
    tariff_module: Literal[2, 4] = 4
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
        """Days of load profile kept, by period in seconds, for this energy type; empty where there is none."""
        return self.depth_days_of(self.energy_type)

    def depth_days_of(self, energy_type: EnergyTypeCode) -> dict[int, int]:
        """The same for another energy type (OMNIPOWER technical description, table 11: A+R+ and A+R1 like A+A-)."""
        kind: Literal["A+", "A+A-", "A+A-R+R-"]
        kind = "A+A-" if energy_type == "A+R+" or energy_type == "A+R1" else energy_type
        return self.load_profile_days.get(kind, {})


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


class SecuritySetupProfile(Table):
    """A Security setup: object 0.0.43.0.`number`.255, its invocation counter 0.0.43.1.`number`.255.

    `policy` is the value the meter is delivered with, in the meaning of `version` of the class. `clients` is how many
    client system titles it counts for, each of which costs memory: when there are more, the one longest unused goes.
    """

    number: int = Field(ge=0, le=0xFF)
    suite: Literal[0, 1, 2]
    version: Literal[0, 1] = 1
    policy: int = Field(default=0, ge=0, le=0xFF)
    clients: int = Field(default=64, ge=1, le=1024)

    @model_validator(mode="after")
    def _policy_of_its_version(self) -> SecuritySetupProfile:
        SecurityPolicy.of(self.version, self.policy)
        return self


class LockOut(Table):
    """What failed authentications cost; names and model of class 124, Communication port protection (Blue Book)."""

    allowed_failed_attempts: int = Field(ge=0, le=0xFFFF)
    initial_lock_out_s: int = Field(ge=1, le=86_400)
    steepness: int = Field(ge=1, le=10)
    max_lock_out_s: int = Field(ge=1, le=604_800)

    def seconds_after(self, failures: int) -> int:
        """For how long the association is locked after so many failures in a row."""
        past = failures - self.allowed_failed_attempts
        if past <= 0:
            return 0
        steps = min(past - 1, 32)  # more are beyond any maximum, or the time stays the same
        locked_s: int = self.initial_lock_out_s * self.steepness**steps
        return min(locked_s, self.max_lock_out_s)


class AssociationProfile(Table):
    """One association: who may connect, how, and to what; with `settings` to those of the meter as well.

    `password` is what it is delivered with: of low level security, or the secret of mechanisms high, md5, sha1 and
    sha256. `setup` is the number of its Security setup, which ciphering and high level security need.
    """

    name: str
    client_sap: int = Field(ge=1, le=0x7E)
    server_sap: int = Field(ge=1, le=0x3FFE)
    mechanism: Literal["none", "low", "high", "md5", "sha1", "gmac", "sha256", "ecdsa"]
    context: Literal["LN", "SN", "LN-ciphered", "SN-ciphered"] = "LN"
    setup: int | None = None
    password: str = Field(default="", repr=False)
    interface: Literal["module", "optical", "ccc"] | None = None
    conformance: list[str]
    tolerated: list[str] = Field(default_factory=list)
    max_receive_pdu: int = Field(ge=12, le=0xFFFF)
    public: bool = False
    restricted_writes: bool = False
    settings: bool = False

    @field_validator("conformance", "tolerated")
    @classmethod
    def _known_bits(cls, value: list[str]) -> list[str]:
        Conformance.parse(value)
        return value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> AssociationProfile:
        if self.setup is None and (self.mechanism not in ("none", "low") or self.context.endswith("-ciphered")):
            raise ValueError(f"mechanism {self.mechanism} in context {self.context} needs a setup")
        return self


class Local(Table):
    """What guards the ports against strangers: the password of IEC 62056-21, KMP and the hexadecimal protocol, how many
    wrong ones lock a port, and for how long.
    """

    password: str = Field(pattern=r"^[0-9A-Za-z]{1,32}$", repr=False)
    password_attempts: int = Field(ge=1, le=255)
    lock_out_s: int = Field(ge=0, le=86_400)


class Kmp(Table):
    """How the meter speaks KMP, or the older hexadecimal protocol of the 685, which knows no loggers.

    `loggers` gives each logger the number (LID) it is asked for by; `wide_readout` is the readout B8.
    """

    protocol: Literal["kmp", "hexadecimal"] = "kmp"
    reaction_time_s: float = Field(ge=0, le=1.5)
    loggers: dict[
        Literal[
            "debiting", "debiting_2", "status", "rtc", "voltage_quality", "disconnect", "load_profile", "analysis",
            "load_profile_event", "neutral_fault", "configuration",
        ],
        int,
    ]  # fmt: skip
    wide_readout: bool = False

    @field_validator("loggers")
    @classmethod
    def _distinct(cls, value: dict[str, int]) -> dict[str, int]:
        if len(set(value.values())) != len(value) or not all(0 <= lid <= 0xFF for lid in value.values()):
            raise ValueError("each logger needs a number of its own, 0..255")
        return value


class ReadoutItem(Table):
    """One data set of a readout."""

    id: str = Field(pattern=r"^\d+\.\d+(\.\d+)?(\*\d+)?$")
    source: str
    format: str = Field(pattern=r"^(\d+|plain|energy|power\d?|power\d[.,]\d|clock)$")
    unit: str = ""
    time: bool = False


class ReadoutList(Table):
    """A readout list, called user data by the manufacturer."""

    number: int
    items: list[ReadoutItem]


class Iec62056(Table):
    """The meter's IEC 62056-21 behaviour; times in seconds, see `transports.iec62056_21.Iec62056Settings`.

    `identification_space` ends the identification with a space, as the manufacturer prints it but no capture has it.
    `registers` is the object list whose values can be read one by one in a generation without DLMS; `loggers` are those
    that R6 reads. A `configurable` meter has the objects 131.0.x, whose first values are those of this table.
    """

    manufacturer: str = Field(pattern=r"^[A-Za-z]{3}$")
    modes: str = Field(pattern=r"^A?B?C?D?E?$")
    programming: bool
    manufacturer_modes: str = Field(default="", pattern=r"^[6-9]*$")
    max_baud_digit: str = Field(pattern=r"^[0-6A-F]$")
    initial_speed: Literal[300, 600, 1200, 2400, 4800, 9600]
    bcc: Literal["xor", "sum"]
    reaction_time_s: float
    tt_s: float
    ident_to_data_s: float
    ack_to_data_s: float
    ta_s: float
    tr_s: float = 1.5
    ti_s: float
    d0_interval_s: float = Field(default=0, ge=0, le=86_400)
    d0_speed: Literal[300, 600, 1200, 2400, 4800, 9600] = 2400
    identification_separator: str = Field(pattern=r"^[0-9A-Z ]$")
    identification_space: bool = False
    end_mark: Literal["line", "last-data-set"] = "line"
    configurable: bool = False
    registers: str = ""
    loggers: tuple[str, ...] = ()
    user_data: int
    lists: list[ReadoutList]

    @model_validator(mode="after")
    def _list_exists(self) -> Iec62056:
        if self.user_data not in [item.number for item in self.lists]:
            raise ValueError(f"user_data {self.user_data} names no list")
        if self.configurable and {item.number for item in self.lists} != {1, 2}:
            raise ValueError("a configurable meter has lists 1 and 2")
        return self
