"""A meter as a port's IEC 62056-21 dialogue sees it: how it speaks, what it signs on with, what it reads out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from transports.iec62056_21 import Iec62056Settings

from ..binding import ObjectModel
from ..virtual_meter import VirtualMeter
from . import configuration
from .configuration import D0_SPEED, D0_STEP_S, D0_TIME_OUT, MODE, PORTS, SPEEDS, TA, TI, TR, TT, USER_DATA
from .data_sets import DataSets

_USER_DATA_2: Final = 2


class Readout:
    """The meter at one of its ports."""

    def __init__(
        self,
        model: ObjectModel,
        meter: VirtualMeter,
        *,
        interface: str = "optical",
        parity: Literal["auto", "even", "none"] = "auto",
        line_time: Literal["both", "received", "none"] = "both",
        initial_speed: int | None = None,
    ) -> None:
        """`parity`, `line_time` and `initial_speed` are those of the line; one that has no speed answers at any."""
        self._meter = meter
        self._port = PORTS.index(interface)
        self._parity = parity
        self._line_time = line_time
        self._initial_speed = initial_speed
        self._data_sets = DataSets(model, meter, interface)
        self._keys = configuration.keys_of(meter, self._port)
        self._written = self._configuration()
        self._settings = self._build()

    @property
    def settings(self) -> Iec62056Settings:
        """How this port speaks at the next sign-on; lines ask often, so it is built when it was configured only."""
        if self._keys and (written := self._configuration()) != self._written:
            self._written, self._settings = written, self._build()
        return self._settings

    def _configuration(self) -> list[bytes | None]:
        memory = self._meter.memory
        return [memory.get(key) for key in self._keys]

    def _build(self) -> Iec62056Settings:
        profile = self._meter.profile.iec62056_21
        settings = Iec62056Settings(
            modes=profile.modes,
            programming=profile.programming,
            manufacturer_modes=profile.manufacturer_modes,
            ta_s=profile.ta_s,
            tr_s=profile.tr_s,
            tt_s=profile.tt_s,
            ti_s=profile.ti_s,
            reaction_time_s=profile.reaction_time_s,
            ack_to_data_s=profile.ack_to_data_s,
            ident_to_data_s=profile.ident_to_data_s,
            initial_speed=self._initial_speed or profile.initial_speed,
            max_baud=profile.max_baud_digit,
            bcc=profile.bcc,
            parity=self._parity,
            line_time=self._line_time,
            end_on_own_line=profile.end_mark == "line",
            d0_interval_s=profile.d0_interval_s if "D" in profile.modes else 0,
            d0_speed=profile.d0_speed,
        )
        return self._configured(settings) if profile.configurable else settings

    def _configured(self, settings: Iec62056Settings) -> Iec62056Settings:
        meter, port = self._meter, self._port
        select = configuration.read(meter, MODE + port)
        pushes = select == configuration.MODES_A_C_D0
        modes = settings.modes.replace("D", "") + "D" * pushes
        return replace(
            settings,
            modes="" if select == configuration.NO_COMMUNICATION else modes,
            ta_s=configuration.read(meter, TA) / 1000,
            tr_s=configuration.read(meter, TR) / 1000,
            tt_s=configuration.read(meter, TT) / 1000,
            ti_s=configuration.read(meter, TI),
            d0_interval_s=configuration.read(meter, D0_TIME_OUT + port) * D0_STEP_S if pushes else 0,
            d0_speed=SPEEDS[configuration.read(meter, D0_SPEED + port)],
        )

    @property
    def powered(self) -> bool:
        """Whether the meter has supply."""
        return self._meter.powered

    def identification(self) -> str:
        """`KAM5 684…`: manufacturer, highest baud digit (or a space), type number as this generation gives it."""
        identity, behaviour = self._meter.profile.identity, self._meter.profile.iec62056_21
        separator = behaviour.identification_separator
        joint = separator if separator == " " else f"{separator} "
        return f"{behaviour.manufacturer}{joint}{identity.identification_text}{' ' * behaviour.identification_space}"

    def serial_number(self) -> str:
        """The address the meter answers to."""
        return str(self._meter.serial_number)

    def challenge(self) -> str:
        """The operand of P0: empty, "dummy operand" (IEC 1107 description 7.5.1)."""
        return ""

    def data_block(self) -> str:
        """The data sets of the list that this port reads out, a line each."""
        number = list_number(self._meter, self._port)
        chosen = configuration.read_list(self._meter) if number == _USER_DATA_2 else None
        if chosen is None:
            lines = self._data_sets.list(number)
        else:
            lines = [self._data_sets.data_set(identification, number) for identification in chosen]
        return "".join(f"{line}\r\n" for line in lines)


def list_number(meter: VirtualMeter, port: int) -> int:
    """Which list a port reads out."""
    profile = meter.profile.iec62056_21
    return 1 + configuration.read(meter, USER_DATA + port) if profile.configurable else profile.user_data
