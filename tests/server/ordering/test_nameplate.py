"""Nameplates: every purely physical row of the data sheets, for each generation, with and without breaker."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from server.device_profile import load_profile, profile_of
from server.ordering import Nameplate

C, BC, DE, K, KB = "685-382-OK-10", "684-38BC450000", "684-34BD424010", "684-38BK424025", "684-38BK4C4025"
L, LB, M, MB = "684-38BL424010", "684-38BL4C4010", "684-31BM434084", "684-38BM4C4084"


def plate(type_number: str) -> Nameplate:
    """The nameplate of a meter of this type."""
    return load_profile(profile_of(type_number), type_number).label


ROWS: list[tuple[str, dict[str, str]]] = [
    ("voltage_range", {C: "207 to 253 V", BC: "207 to 253 V", L: "207 to 253 V", M: "184 to 264.5 V (-20 to +15 %)"}),
    ("nominal_voltage", {BC: "3x230/400 V", "685-182-OK-10": "1x230 V", "685-282-OK-10": "2x230/400 V",
                         "684-28BC450000": "3x230 V"}),
    ("frequency", {C: "50 Hz +/- 2 %", BC: "50 Hz +/- 2 %", K: "50/60 Hz +/- 2 %", L: "50/60 Hz +/- 2 %",
                   M: "50/60 Hz +/- 5 %"}),
    ("currents", {C: "5(80) A", BC: "5(85) A", DE: "5(65) A", M: "5(100) A", MB: "5(85) A"}),
    ("currents_offered", {C: "5(100) A, 5(120) A, 10(60) A, 5(80) A",
                          BC: "5(105) A, 35 mm2, 10(60) A, 10(85) A, 5(85) A",
                          DE: "10(65) A, 35 mm2, 5(65) A, 35 mm2",
                          K: "5(105) A, 35 mm2, 10(60) A, 10(85) A, 5(85) A",
                          LB: "10(65) A, 35 mm2, 10(85) A, 35 mm2, 5(85) A, 35 mm2",
                          M: "0.25-5(100) A, 35 mm2", MB: "0.25-5(85) A, 35 mm2"}),
    ("accuracy_class", {C: "2", "685-381-OK-10": "1", BC: "B", "684-38AC450000": "A"}),
    ("classes_offered", {C: "class 1, class 2", L: "MID class A, class B, IEC class 2, class 1"}),
    ("operating_temperature", {C: "-40 to 63 C", BC: "-40 to 70 C", K: "-40 to 70 C", M: "-40 to 70 C"}),
    ("storage_temperature", {C: "-40 to 70 C", BC: "-40 to 70 C", K: "-40 to 85 C", M: "-40 to 85 C"}),
    ("display_temperature", {C: "", L: "", M: "0 to 50 C"}),
    ("ip_code", {C: "IP51", BC: "IP52", K: "IP52", L: "IP52", M: "IP54"}),
    ("protection_class", dict.fromkeys((C, BC, K, L, M), "II")),
    ("own_consumption", {C: "0.01 VA, voltage circuit 0.2 VA, 0.15 W", BC: "0.01 VA, voltage circuit 0.5 VA, 0.1 W",
                         L: "0.01 VA, voltage circuit 0.5 VA, 0.27 W", LB: "0.01 VA, voltage circuit 0.7 VA, 0.45 W",
                         KB: "0.01 VA, voltage circuit 0.7 VA, 0.45 W", M: "0.01 VA, voltage circuit 0.4 VA, 0.1 W",
                         MB: "0.02 VA, voltage circuit 0.6 VA, 0.1 W"}),
    ("weight", {C: "850 g", BC: "680 g", DE: "1200 g", K: "680 g", KB: "1200 g", L: "680 g", LB: "1200 g", M: "900 g",
                MB: "1050 g"}),
    ("impulse_voltage", {C: "12 kV", BC: "12 kV", L: "6 kV, 12 kV"}),
    ("short_circuit", {BC: "4500 A2t", K: "4500 A", L: "4500 A", M: "4500 A"}),
    ("meter_constant", dict.fromkeys((C, BC, K, L, M), "1000 imp/kWh")),
    ("pulses", dict.fromkeys((C, BC, K, L, M), "LED and S0 together, 30 ms +/- 10 %")),
    ("s0_output", dict.fromkeys((C, BC, K, L, M), "up to 27 V DC, 27 mA")),
    ("pulse_limits", {L: "1000 imp/kWh 86 A, 10000 imp/kWh 8.6 A; 80 ms", BC: "1000 imp/kWh 32 A, 10000 imp/kWh 3.2"}),
    ("memory", dict.fromkeys((C, BC, K, L, M), "EEPROM, > 10 years without power")),
    ("clock", {C: "none: hour counter only", "684-34BD414010": "none: hour counter only", BC: "typically 5 ppm at 23 C",
               M: "typically 5 ppm at 23 C"}),
    ("clock_backup", {C: "", BC: "lithium battery, > 10 years", KB: "7 days fully charged", LB: "7 days fully charged",
                      MB: "4 days fully charged"}),
    ("breaker", {BC: "none", DE: "bistable", MB: "bistable"}),
    ("radio", {BC: "K, built in", "684-38BC444010": "S, built in", K: "none"}),
    ("module", {C: "", BC: "000, no module (OK)"}),
    ("module_slots", {BC: "one module", K: "secondary module", L: "secondary module", M: "CCC module"}),
    ("optical_port", {C: "mode A, 300 baud", BC: "mode A, 300 baud", K: "mode A", L: "DLMS/COSEM, EN 62056-21 mode A"}),
    ("model", {C: "685-382", BC: "382C", DE: "382D", K: "382K", "38AJ224070": "382J", L: "382L", M: "382M"}),
    ("approvals", {C: "IEC 61036", BC: "EN 50470-1", K: "IEC 62053-23", M: "EN 50470-3"}),
    ("standards", dict.fromkeys((C, BC, K, L, M), "DIN 43864")),
]  # fmt: skip


@pytest.mark.parametrize(("row", "texts"), ROWS, ids=[row for row, _ in ROWS])
def test_a_nameplate_says_what_the_data_sheet_says(row: str, texts: dict[str, str]) -> None:
    for type_number, text in texts.items():
        found: Any = getattr(plate(type_number), row)
        assert text in found if text else not found, (type_number, found)


def test_every_row_is_read() -> None:
    for type_number in (C, BC, DE, K, KB, L, LB, M, MB):
        rows = dict(plate(type_number).rows())
        assert all(rows.values())
        assert len(rows) >= len(fields(Nameplate)) - 6


def test_another_communication_module_switches_the_radio_off() -> None:
    numbers = [11040002, 22201011, 1000, 100, 319]
    assert load_profile("382BCDE", BC, tuple(numbers)).label.radio == "K, built in, switched off by the module"
    tariff_module = [11008002, 22201011, 1000, 100, 319]
    assert load_profile("382BCDE", BC, tuple(tariff_module)).label.radio == "K, built in"
