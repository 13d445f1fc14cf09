"""A value for each setting that is not the present one."""

from __future__ import annotations

import json
from typing import Any

from metering import Configured, Energy
from server.settings import CATALOGUE, Settings

TABLE = {
    "name": "day and night",
    "week": ["any"] * 7,
    "special_days": {"12-25": "any", "2027-01-01": "any"},
    "seasons": [{"name": "A", "from": "01-01", "days": {"any": {"00:00": 2, "06:00": 1}}}],
}
REGISTERS = {channel.name: 0 for channel in Energy} | {
    "A14": 7_000, "A14_L1": 7_000, "E14": 8_000, "A23": 500, "A23_L3": 500, "E23": 500, "R1": 3,
}  # fmt: skip

EXAMPLES: dict[str, Any] = {
    "meter_number_1": 1,
    "meter_number_2": 2**32 - 1,
    "meter_number_3": 3,
    "special_data": 4,
    "special_data_2": 5,
    "display_automatic": ["A+", "P+"],
    "display_manual": ["P+", "A+"],
    "display_battery": [],
    "integration_period_s": 3600,
    "load_profile_period_s": 300,
    "load_profile_registers": ["A14", "R12"],
    "analysis_period_s": 1800,
    "analysis_registers": ["1.1.1.8.0.255", "1.1.32.7.0.255"],
    "debiting_2_interval": "monthly",
    "target_day": 15,
    "target_interval_months": 3,
    "target_start_month": 2,
    "peak_tariff": 2,
    "power_threshold_w": 17_000,
    "tariff_thresholds_w": [1, 2, 3, 4, 5, 6, 7, 8],
    "tariff_mode": "off",
    "tariff_table": TABLE,
    "pulse_input": 4711,
    "pulse_input_constant_milli": 2_500,
    "pulse_input_unit": "m3",
    "pulse_input_speed": "quick",
    "daylight_saving": False,
    "event_masks": {"a": 64, "b": 2**32 - 1},
    "relay_1": {"mode": "tariff", "tariffs": [2, 4]},
    "relay_2": {"mode": "command", "tariffs": []},
    "relay_delay_s": 600,
    "prepayment_alarm_wh": 5_000,
    "prepayment_exceptions": {"days": ["2026-12-24", "2026-12-25"], "start_s": 0, "end_s": 21_600},
    "energy_registers": REGISTERS,
}
"""A value for each setting but the breaker's, which come with those of the meter, and what never changes."""


def example(settings: Settings, number: int) -> Any:
    """Another value than the present one."""
    if number == Configured.BREAKER:
        return {name: 1 if name == "coupling" else value for name, value in json.loads(settings.read(number)).items()}
    return EXAMPLES[CATALOGUE[number].name]
