"""Hands on the meter: noticed, logged, alarmed, and without any influence on what is measured."""

from __future__ import annotations

import pytest

from metering import DataQuality, Energy, EventLog, Flow, Maximum, Meter
from metering.inputs import (
    AddPulses,
    BreakSeal,
    ClearEvents,
    Input,
    SetAlarmInput,
    SetCover,
    SetEventMasks,
    SetMagnet,
    SetRegister,
    SetSupply,
    SetTariff,
    SetTerminalCover,
)
from metering.installation import ConstantInstallation
from metering.status import EventA, EventB, MeterStatus
from tests.metering.builders import START, WH, meter_on

HOUR = 3_600


def codes(meter: Meter, now: int = START + HOUR) -> list[int]:
    return [row.code for row in meter.event_logger(EventLog.STATUS, now).rows]


@pytest.mark.parametrize(
    ("begin", "end", "bit", "event"),
    [
        (SetMagnet(True), SetMagnet(False), MeterStatus.MAGNET, EventB.MAGNET),
        (SetCover(True), SetCover(False), MeterStatus.COVER_OPEN, EventB.COVER_OPEN),
        (SetTerminalCover(True), SetTerminalCover(False), MeterStatus.COVER_OPEN, EventB.COVER_OPEN),
        (SetAlarmInput(True), SetAlarmInput(False), MeterStatus.ALARM_INPUT, EventB.ALARM_INPUT),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_hand_shows_as_long_as_it_lasts_and_is_remembered_until_cleared(
    begin: Input, end: Input, bit: MeterStatus, event: EventB
) -> None:
    meter, left_alone = meter_on(), meter_on()
    meter.apply(begin, START + 100)
    status = meter.status(START + 200)
    assert (status.meter, status.event_b) == (bit, event)
    meter.apply(begin, START + 250)
    meter.apply(end, START + 300)
    assert meter.status(START + 300).meter == 0
    assert codes(meter) == [bit, 0]
    expected = EventA(int(bit)) | EventA.EVENT_STATUS_B | EventA.STATUS_LOG | EventA.LOAD_PROFILE | EventA.ANALYSIS_LOG
    assert meter.status(START + HOUR).event_a == expected
    meter.apply(ClearEvents(2**32 - 1, 2**32 - 1), START + HOUR)
    assert (status.event_a, status.event_b) == (0, 0)
    for channel in Energy:
        assert meter.energy(channel, START + 9 * HOUR) == left_alone.energy(channel, START + 9 * HOUR)


def test_the_cover_alarms_as_delivered_and_the_masks_decide() -> None:
    meter = meter_on()
    meter.apply(SetMagnet(True), START)
    assert not meter.status(START).alarm
    meter.apply(SetCover(True), START)
    assert meter.status(START).alarm
    meter.apply(SetEventMasks(0, EventB.MAGNET), START)
    assert meter.status(START).alarm
    meter.apply(ClearEvents(0, EventB.MAGNET), START)
    assert not meter.status(START).alarm


def test_what_happens_without_supply_is_noticed_when_it_is_back_if_it_still_lasts() -> None:
    meter = meter_on()
    meter.apply(SetSupply((0, 0, 0)), START)
    meter.apply(SetMagnet(True), START + 10)
    meter.apply(SetMagnet(False), START + 20)
    meter.apply(SetCover(True), START + 30)
    assert codes(meter, START + 40) == []
    meter.apply(SetSupply(), START + 50)
    assert codes(meter) == [MeterStatus.RESET, MeterStatus.RESET | MeterStatus.COVER_OPEN]


def test_legal_data_can_only_be_changed_with_the_seal_broken_which_stays_broken() -> None:
    meter = meter_on()
    with pytest.raises(ValueError, match="legal data; allowed: only with the verification seal broken"):
        meter.apply(SetRegister(Energy.A14, 5 * WH), START)
    meter.apply(BreakSeal(), START + 10)
    meter.apply(BreakSeal(), START + 20)
    assert meter.enclosure.seal_broken_at == START + 10
    meter.apply(SetRegister(Energy.A14, 5 * WH), START + 20)
    assert meter.energy(Energy.A14, START + 20) == 5 * WH
    assert meter.running_demand(START + 20)[0] == 20 * 1_000_000 // 900
    assert meter.load_profile(START + HOUR).quality.tolist() == [DataQuality.LEGAL_PARAMETER_ERROR, 0, 0, 0]
    assert meter.enclosure.seal_broken_at == START + 10


@pytest.mark.parametrize("value_wh", [0, 100, 700, 1_000_000])
@pytest.mark.parametrize("channel", [Energy.A14, Energy.R1, Energy.E14])
def test_a_register_that_is_set_leaves_its_tariffs_adding_up_and_no_peak(channel: Energy, value_wh: int) -> None:
    meter = meter_on(ConstantInstallation((1_000_000, 0, 0), (500_000, 0, 0)), hourly_store=True)
    meter.apply(SetTariff(2), START + 1_800)
    meter.apply(BreakSeal(), START + 4_000)
    meter.apply(SetRegister(channel, value_wh * WH), START + 4_000)
    assert meter.energy(channel, START + 4_000) == value_wh * WH
    for now in (START + 4_000, START + 10_000):
        for flow in Flow:
            tariffs = [meter.tariff_energy(flow, tariff, now) for tariff in range(1, 9)]
            assert sum(tariffs) == meter.flow_energy(flow, now)
            assert min(tariffs) >= 0
    assert meter.hourly_store(START + 10_000).peak == 1_000_000
    assert meter.demand(START + 10_000).maxima[Maximum.P14].value == 1_000_000


def test_the_active_tariff_takes_what_a_register_gains_and_the_next_what_it_cannot_lose() -> None:
    meter = meter_on()
    meter.apply(SetTariff(2), START + HOUR)
    meter.apply(BreakSeal(), START + 2 * HOUR)
    meter.apply(SetRegister(Energy.A14, 5_000 * WH), START + 2 * HOUR)
    assert [meter.tariff_energy(Flow.A14, tariff, START + 2 * HOUR) for tariff in (1, 2, 3)] == [
        1_000 * WH,
        4_000 * WH,
        0,
    ]
    meter.apply(SetRegister(Energy.A14, 400 * WH), START + 2 * HOUR)
    assert [meter.tariff_energy(Flow.A14, tariff, START + 2 * HOUR) for tariff in (1, 2, 3)] == [400 * WH, 0, 0]


def test_pulses_are_counted_with_supply_and_lost_without() -> None:
    meter = meter_on()
    meter.apply(AddPulses(7), START)
    meter.apply(SetSupply((0, 0, 0)), START)
    meter.apply(AddPulses(5), START + 10)
    assert meter.pulse_input == 7
