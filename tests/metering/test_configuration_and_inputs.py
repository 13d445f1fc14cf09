"""What an order and an input may say, and that both survive JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from metering import EnergyType, Flow, inputs
from metering.effects import EFFECTS
from metering.inputs import INPUT_KINDS, Input, input_from_dict
from metering.snapshot import fingerprint
from tests.metering.builders import configuration

TABLE = {
    "name": "day and night",
    "week": ["any"] * 7,
    "special_days": {"12-25": "any"},
    "seasons": [{"name": "A", "from": "01-01", "days": {"any": {"00:00": 2, "06:00": 1}}}],
}

ONE_OF_EACH: list[Input] = [
    inputs.SetLoad((1, -2, 3), (4, 5, -6), (230_000, 0, 1)),
    inputs.ReleaseLoad(),
    inputs.SetSupply((0, None, 0)),
    inputs.SetMagnet(True),
    inputs.SetCover(True),
    inputs.SetTerminalCover(False),
    inputs.SetAlarmInput(True),
    inputs.BreakSeal(),
    inputs.PressButton(6),
    inputs.AddPulses(12),
    inputs.OperateBreaker(2),
    inputs.SetBreakerParameter("k1", 12),
    inputs.TopUp(50_000),
    inputs.SetPrepaymentAlarm(5_000),
    inputs.SetPrepaymentExceptions(("2024-12-24",), 0, 21_600),
    inputs.SetDisplayList("manual", ("A+", "P+")),
    inputs.SetRelayMode(1, "tariff", (2, 4)),
    inputs.SwitchRelay(2, True),
    inputs.SetRelayDelay(600),
    inputs.SetRegister(0, 7),
    inputs.ClearEvents(1, 2),
    inputs.SetEventMasks(64, 2**32 - 1),
    inputs.SetClock(1_700_000_000),
    inputs.SetVerificationMode(True),
    inputs.SetDaylightSaving(False),
    inputs.SetTariff(8),
    inputs.SetTariffMode("internal"),
    inputs.SetTariffTable(TABLE),
    inputs.SetTariffInputs(True, False),
    inputs.SetRipple(2),
    inputs.SetIntegrationPeriod(3_600),
    inputs.StopBilling(),
    inputs.ResetTripCounter(),
    inputs.SetPowerThreshold(99_000, 3),
    inputs.SetAnalysisLogger(3_600, ("1.1.1.8.0.255",)),
    inputs.ClearAnalysisLogger(),
    inputs.SetDebitingInterval("daily"),
    inputs.SetPulseInput(7),
    inputs.SetPulseInputScale(2_500, "m3", "quick"),
    inputs.SetTargetDay(15, 3, 2),
    inputs.SetPeakTariff(2),
    inputs.NoteConfiguration(30),
    inputs.SignOn(),
    inputs.SetLoadProfilePeriod(300),
    inputs.SetLoadProfileRegisters(("A14", "A23")),
    inputs.ClearLoadProfile(),
]


@pytest.mark.parametrize("change", ONE_OF_EACH, ids=lambda change: change.kind)
def test_an_input_survives_its_journal(change: Input) -> None:
    assert input_from_dict(json.loads(json.dumps(change.to_dict()))) == change


def test_every_kind_of_input_has_a_handler_and_an_example_here() -> None:
    assert {type(change) for change in ONE_OF_EACH} == set(EFFECTS) == set(INPUT_KINDS.values())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "input kind is None; allowed: set-load"),
        ({"kind": "explode"}, "input kind is 'explode'"),
        ({"kind": "set-tariff"}, "input set-tariff: .*'tariff'"),
        ({"kind": "set-tariff", "tariff": 9}, r"tariff is 9; allowed: 1\.\.8"),
        ({"kind": "set-tariff", "tariff": "1"}, "tariff is '1'"),
        ({"kind": "set-clock", "clock": 0}, "clock is 0"),
        ({"kind": "set-power-threshold", "power_w": -1}, "power_w is -1"),
        ({"kind": "set-pulse-input", "count": 2**32}, "count is 4294967296"),
        ({"kind": "set-load-profile-period", "period_s": 60}, "period_s is 60; allowed: 300, 900, 1800, 3600"),
        ({"kind": "set-load", "active_mw": [1, 2]}, "active_mw is .*three integers"),
        ({"kind": "set-load", "active_mw": [1, 2, 3], "voltage_mv": [0, 0, -1]}, r"voltage_mv is .* 0\.\.1000000"),
        ({"kind": "set-load", "active_mw": [1, 2, 10**10]}, "active_mw is"),
        ({"kind": "stop-billing", "now": 1}, "input stop-billing: .*'now'"),
    ],
)
def test_an_input_that_cannot_be_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        input_from_dict(values)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("serial_number", 100_000_000, r"0\.\.99999999"),
        ("commissioned_at", 0, "1990 to 2099"),
        ("energy_type", "B+", "B\\+"),
        ("integration_period_s", 600, "300, 900, 1800, 3600"),
        ("load_profile_period_s", 60, "300, 900, 1800, 3600"),
        ("load_profile_depth_days", {60: 1, 900: 1}, "300, 900, 1800, 3600"),
        ("load_profile_depth_days", {900: 0}, r"1\.\.9999"),
        ("gmt_offset_s", 100, "quarters"),
        ("billing_day", 29, r"1\.\.28"),
        ("billing_interval_months", 4, "0, 1, 2, 3, 6, 12"),
        ("billing_start_month", 13, r"1\.\.12"),
        ("billing_depth", 0, r"1\.\.999"),
        ("tariffs", 9, r"1\.\.8"),
        ("summation", "total", "vector, individual"),
        ("power_threshold_w", -1, r"0\.\.4294967295"),
        ("event_logger_depth", 0, r"1\.\.9999"),
    ],
)
def test_an_order_that_cannot_be_is_refused(field: str, value: object, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        configuration(**{field: value})


def test_an_energy_type_may_be_given_by_its_text() -> None:
    order = configuration(energy_type="A+A-")
    assert order.energy_type is EnergyType.IMPORT_EXPORT
    assert order.energy_type.flows == (Flow.A14, Flow.A23)


def test_equal_orders_have_one_fingerprint_and_others_another() -> None:
    assert fingerprint(configuration().to_dict()) == fingerprint(configuration().to_dict())
    assert fingerprint(configuration().to_dict()) != fingerprint(configuration(billing_day=2).to_dict())


def test_an_order_is_plain_json_so_that_a_stored_one_equals_it() -> None:
    order = configuration().to_dict()
    assert json.loads(json.dumps(order)) == order
