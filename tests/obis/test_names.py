"""Names of OBIS codes: by value groups, by the 382's documents, by the standard's fixed codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obis import Obis, describe

NAMES = [
    ("1.1.1.8.0.255", "Active energy import (A+), total"),
    ("1.1.1.8.2.255", "Active energy import (A+), tariff 2"),
    ("1.0.2.8.0.255", "Active energy export (A-), total"),
    ("1.1.5.8.0.255", "Reactive energy QI (R1), total"),
    ("1.1.1.8.0.128", "Active energy import (A+), total, high resolution"),
    ("1.1.1.8.0.129", "Active energy import (A+), total, secondary side"),
    ("1.0.1.8.0.3", "Active energy import (A+), total, billing period 3"),
    ("1.1.1.128.0.255", "Active energy import (A+), trip counter"),
    ("1.1.1.7.0.255", "Active power import (P+), instantaneous"),
    ("1.1.1.6.1.255", "Active power import (P+), maximum, tariff 1"),
    ("1.1.3.2.0.255", "Reactive power import (Q+), accumulated maximum"),
    ("1.1.32.7.0.255", "Voltage L1, instantaneous"),
    ("1.1.32.7.124.255", "Voltage L1, instantaneous, total harmonic distortion"),
    ("1.0.31.7.5.255", "Current L1, instantaneous, harmonic 5"),
    ("1.1.71.25.0.255", "Current L3, average"),
    ("1.1.14.7.0.255", "Frequency, instantaneous"),
    ("1.1.81.7.40.255", "Phase angle between current and voltage L1"),
    ("1.1.99.1.0.255", "Load profile"),
    ("1.0.99.1.0.255", "Load profile"),
    ("1.1.98.1.0.255", "Billing logger"),
    ("1.1.0.0.1.255", "MeterNo1"),
    ("1.1.128.0.10.255", "Coupling"),
    ("0.0.1.0.0.255", "Clock"),
    ("0.0.42.0.0.255", "Logical device name"),
    ("0.0.22.0.0.255", "HDLC setup"),
    ("1.0.96.1.0.255", "Device identification"),
]


@pytest.mark.parametrize(("code", "name"), NAMES)
def test_a_code_is_named(code: str, name: str) -> None:
    assert describe(Obis.parse(code)) == name


@pytest.mark.parametrize("code", ["1.1.200.8.0.255", "1.1.13.8.0.255", "7.0.3.1.0.255"])
def test_an_unknown_code_has_no_name(code: str) -> None:
    assert describe(Obis.parse(code)) == ""


@given(st.binary(min_size=6, max_size=6).map(Obis))
def test_any_code_can_be_asked(code: Obis) -> None:
    assert describe(code) == describe(code).strip(", ")
