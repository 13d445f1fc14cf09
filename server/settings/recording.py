"""What loggers record and when: periods, registers, target days, peaks and thresholds."""

from __future__ import annotations

from typing import Final

from metering import Configured, Meter
from metering.configuration import BILLING_INTERVALS, PERIODS_S, DebitingInterval
from metering.inputs import (
    Input,
    SetAnalysisLogger,
    SetDebitingInterval,
    SetIntegrationPeriod,
    SetLoadProfilePeriod,
    SetLoadProfileRegisters,
    SetPeakTariff,
    SetPowerThreshold,
    SetTargetDay,
)
from metering.quantities import TARIFFS, Flow
from metering.schedule import TargetDays

from .setting import Plain, Setting, integer, numbers, of_engine, text, texts, whole

_PERIODS: Final = ", ".join(map(str, PERIODS_S))
_HIGHEST: Final = 2**32 - 1


def _registers(engine: Meter, now: int) -> tuple[str, ...]:
    return tuple(str(code) for code in engine.analysis_logger(now).registers)


def _target(number: Configured, name: str, field: str, description: str, allowed: str) -> Setting:
    """One of the three numbers of target days."""

    def read(engine: Meter, now: int) -> Plain:
        return getattr(engine.target_days, field)

    def plan(engine: Meter, now: int, value: Plain) -> Input:
        days: TargetDays = engine.target_days._replace(**{field: integer(value)})
        return SetTargetDay(*days)

    return of_engine(number, name, description, allowed, read, plan)


def _tariff_thresholds(engine: Meter, now: int, value: Plain) -> list[Input]:
    powers = numbers(value, TARIFFS, 0, _HIGHEST)
    return [SetPowerThreshold(power, tariff) for tariff, power in enumerate(powers, start=1)]


RECORDING: Final = (
    of_engine(
        Configured.INTEGRATION_PERIOD,
        "integration_period_s",
        "Seconds over which powers are averaged; the running period is given up",
        _PERIODS,
        lambda engine, now: engine.demand(now).period_s,
        lambda engine, now, value: SetIntegrationPeriod(integer(value)),
    ),
    of_engine(
        Configured.LOAD_PROFILE_PERIOD,
        "load_profile_period_s",
        "Seconds between rows of the load profile; another interval deletes it",
        _PERIODS,
        lambda engine, now: engine.load_profile(now).period_s,
        lambda engine, now, value: SetLoadProfilePeriod(integer(value)),
    ),
    of_engine(
        Configured.LOAD_PROFILE_REGISTERS,
        "load_profile_registers",
        "Energies that the load profile records; others delete it",
        f"a list of {', '.join(flow.name for flow in Flow)}, those that the meter counts",
        lambda engine, now: [flow.name for flow in engine.load_profile(now).flows],
        lambda engine, now, value: SetLoadProfileRegisters(texts(value)),
    ),
    of_engine(
        Configured.ANALYSIS_PERIOD,
        "analysis_period_s",
        "Seconds between rows of the analysis logger; its rows are deleted",
        _PERIODS,
        lambda engine, now: engine.analysis_logger(now).period_s,
        lambda engine, now, value: SetAnalysisLogger(integer(value), _registers(engine, now)),
    ),
    of_engine(
        Configured.ANALYSIS_REGISTERS,
        "analysis_registers",
        "Channels of the analysis logger; its rows are deleted",
        "a list of 1 to 16 OBIS codes of energies, powers, voltages, currents and power factors",
        lambda engine, now: list(_registers(engine, now)),
        lambda engine, now, value: SetAnalysisLogger(engine.analysis_logger(now).period_s, texts(value)),
    ),
    of_engine(
        Configured.DEBITING_2_INTERVAL,
        "debiting_2_interval",
        "When debiting logger 2 writes a row",
        ", ".join(interval.value for interval in DebitingInterval),
        lambda engine, now: engine.debiting_logger_2(now).interval.value,
        lambda engine, now, value: SetDebitingInterval(text(value)),
    ),
    _target(
        Configured.TARGET_DAY, "target_day", "day", "Day of the month on which bills are stopped, at 00:00", "1..28"
    ),
    _target(
        Configured.TARGET_INTERVAL,
        "target_interval_months",
        "interval_months",
        "Months between target days, 0 for none",
        ", ".join(map(str, BILLING_INTERVALS)),
    ),
    _target(
        Configured.TARGET_START_MONTH,
        "target_start_month",
        "start_month",
        "A month with a target day, from which the interval counts",
        "1..12",
    ),
    of_engine(
        Configured.PEAK_TARIFF,
        "peak_tariff",
        "The tariff whose periods the peaks are of, 0 for all",
        "0..2",
        lambda engine, now: engine.demand(now).peak_tariff,
        lambda engine, now, value: SetPeakTariff(whole(value, 0, 2)),
    ),
    of_engine(
        Configured.POWER_THRESHOLD,
        "power_threshold_w",
        "Average import above which a period is counted",
        f"0..{_HIGHEST}",
        lambda engine, now: engine.demand(now).thresholds_w[0],
        lambda engine, now, value: SetPowerThreshold(whole(value, 0, _HIGHEST)),
    ),
    of_engine(
        Configured.TARIFF_THRESHOLDS,
        "tariff_thresholds_w",
        "The same for periods of each tariff",
        f"a list of {TARIFFS} numbers, 0..{_HIGHEST}",
        lambda engine, now: engine.demand(now).thresholds_w[1:],
        _tariff_thresholds,
    ),
)
"""Demand, load profile, analysis logger, debiting loggers."""
