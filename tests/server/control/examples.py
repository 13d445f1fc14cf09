"""One example of every kind of input, as JSON for the API."""

from __future__ import annotations

from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = {
    "set-load": {"active_w": [1000.5, -2, 0.003], "reactive_var": [4, 0, -6], "voltage_v": [231.25, 229, 230]},
    "release-load": {},
    "set-supply": {"voltage_v": [0, None, 231.5]},
    "set-magnet": {"present": True},
    "set-cover": {"open": True},
    "set-terminal-cover": {"open": True},
    "set-alarm-input": {"active": True},
    "break-seal": {},
    "press-button": {"length_s": 7},
    "add-pulses": {"count": 12},
    "operate-breaker": {"command": 1},
    "set-breaker-parameter": {"name": "k1", "value": 12},
    "set-analysis-logger": {"period_s": 3600, "registers": ["1.1.1.8.0.255", "1.1.32.7.0.255"]},
    "clear-analysis-logger": {},
    "set-debiting-interval": {"interval": "daily"},
    "top-up": {"energy_wh": 50_000},
    "set-prepayment-alarm": {"limit_wh": 5_000},
    "set-prepayment-exceptions": {"days": ["2026-12-24", "2026-12-25"], "start_s": 0, "end_s": 21_600},
    "set-display-list": {"list": "automatic", "items": ["A+", "P+"]},
    "set-relay-mode": {"relay": 1, "mode": "tariff", "tariffs": [2, 4]},
    "switch-relay": {"relay": 2, "closed": True},
    "set-relay-delay": {"delay_s": 600},
    "set-register": {"channel": 0, "value_wh": 12345.5},
    "clear-events": {"a": 1, "b": 2},
    "set-event-masks": {"a": 64, "b": 0xFFFF_FFFF},
    "set-clock": {"clock": "2026-03-02T13:00:30+01:00"},
    "set-verification-mode": {"enabled": True},
    "set-daylight-saving": {"enabled": False},
    "set-tariff": {"tariff": 3},
    "set-tariff-mode": {"mode": "internal"},
    "set-tariff-table": {
        "table": {
            "name": "day and night",
            "week": ["any"] * 7,
            "special_days": {"12-25": "any"},
            "seasons": [{"name": "A", "from": "01-01", "days": {"any": {"00:00": 2, "06:00": 1}}}],
        }
    },
    "set-tariff-inputs": {"port1": True, "port2": False},
    "set-ripple": {"tariff": 2},
    "set-integration-period": {"period_s": 3600},
    "stop-billing": {},
    "reset-trip-counter": {},
    "set-power-threshold": {"power_w": 5000, "tariff": 0},
    "set-pulse-input": {"count": 7},
    "set-load-profile-period": {"period_s": 300},
    "set-load-profile-registers": {"flows": ["A14"]},
    "clear-load-profile": {},
}
