"""What KMP's PutRegister and its load profile configuration change is in the configuration logger as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metering import Configured, EventLog
from tests.server.conftest import Lab
from tests.server.kmp.wire import KmpWire

WRITTEN = [
    (0x0033, 7, Configured.METER_NUMBER_1),
    (0x0034, 7, Configured.METER_NUMBER_2),
    (0x0039, 7, Configured.SPECIAL_DATA),
    (0x03FD, 7, Configured.SPECIAL_DATA_2),
    (0x040F, 5_000, Configured.POWER_THRESHOLD),
    (0x1778, 5_000, Configured.TARIFF_THRESHOLDS),
    (0x00C7, 60, Configured.LOAD_PROFILE_PERIOD),
    (0x0408, 3, Configured.OBJECT),
    (0x0455, 20, Configured.BREAKER),
    (0x0497, 1, Configured.DEBITING_2_INTERVAL),
    (0x04D0, 60, Configured.RELAY_DELAY),
    (0x04D4, 1, Configured.EVENT_MASKS),
    (0x04D8, 0, Configured.DAYLIGHT_SAVING),
    (0x179B, 100, Configured.PREPAYMENT_ALARM),
]


@pytest.fixture
def wire(lab: Callable[..., Lab]) -> KmpWire:
    return KmpWire(lab())


def noted(wire: KmpWire) -> list[int]:
    meter = wire.bench.meter
    return [row.code for row in meter.engine.event_logger(EventLog.CONFIGURATION, meter.now()).rows]


@pytest.mark.parametrize(("register", "mantissa", "what"), WRITTEN)
def test_a_register_that_configures_is_logged(wire: KmpWire, register: int, mantissa: int, what: Configured) -> None:
    assert wire.write(register, mantissa)
    assert noted(wire) == [what]


def test_orders_are_no_configuration(wire: KmpWire) -> None:
    assert wire.write(0x07DA, 2)
    assert noted(wire) == []


def test_the_load_profile_is_configured_with_its_registers_and_its_interval(wire: KmpWire) -> None:
    assert wire.ask(0xA9, "3039 033C") == b""
    assert noted(wire) == [Configured.LOAD_PROFILE_REGISTERS, Configured.LOAD_PROFILE_PERIOD]


@pytest.mark.parametrize("profile", ["382BCDE", "382K", "382L", "382M"])
def test_the_logger_is_read_with_number_and_count_of_each_change(lab: Callable[..., Lab], profile: str) -> None:
    wire = KmpWire(lab(profile=profile))
    assert wire.write(0x0034, 7)
    assert wire.write(0x0039, 8)
    assert (wire.value(0x00DF), wire.value(0x00DE)) == (Configured.SPECIAL_DATA, 2)
    answer = wire.ask(0xA2, "0F 02 00DF 00DE 09 FF 0001")
    assert answer is not None
    assert answer[:4].hex() == "0f020001"
    assert answer.endswith(bytes.fromhex("0002 04 00000002 0002 0002 10"))
