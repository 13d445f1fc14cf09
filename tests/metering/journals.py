"""Random journals of everything that can happen to a meter, for tests of what must hold whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from metering import Configured, Meter, inputs
from metering.breaker_states import PARAMETERS
from tests.metering.builders import START

milliwatts = st.integers(-20_000_000, 20_000_000)
three_powers = st.tuples(milliwatts, milliwatts, milliwatts)
volts = st.sampled_from([0, 40_000, 120_000, 180_000, 205_000, 230_000, 235_000, 256_000, 270_000, 300_000])
maybe_volts = st.one_of(st.none(), volts)
words = st.integers(0, 2**32 - 1)

PHYSICAL = st.one_of(
    st.builds(inputs.SetLoad, three_powers, three_powers, st.tuples(volts, volts, volts)),
    st.builds(inputs.SetLoad, three_powers),
    st.just(inputs.ReleaseLoad()),
    st.just(inputs.SetSupply((0, 0, 0))),
    st.just(inputs.SetSupply()),
    st.just(inputs.SetSupply()),
    st.builds(inputs.SetSupply, st.tuples(maybe_volts, maybe_volts, maybe_volts)),
    st.builds(inputs.SetMagnet, st.booleans()),
    st.builds(inputs.SetCover, st.booleans()),
    st.builds(inputs.SetTerminalCover, st.booleans()),
    st.builds(inputs.SetAlarmInput, st.booleans()),
    st.builds(inputs.PressButton, st.sampled_from([1, 6])),
    st.builds(inputs.AddPulses, st.integers(0, 100)),
)

PREPAYMENT = st.one_of(
    st.builds(inputs.TopUp, st.integers(1, 30_000)),
    st.builds(inputs.SetPrepaymentAlarm, st.integers(0, 5_000)),
    st.builds(
        inputs.SetPrepaymentExceptions,
        st.sampled_from([(), ("2024-01-16",), ("2024-01-17", "2024-02-01")]),
        st.integers(0, 40_000),
        st.integers(40_000, 86_400),
    ),
)

BREAKER = st.one_of(
    st.builds(inputs.OperateBreaker, st.integers(1, 3)),
    st.builds(inputs.SetBreakerParameter, st.just("cut_off_basis"), st.integers(0, 127)),
    st.builds(inputs.SetBreakerParameter, st.sampled_from(["threshold_low", "threshold_high"]), st.integers(0, 20)),
    st.builds(inputs.SetBreakerParameter, st.just("coupling"), st.integers(0, 1)),
    st.sampled_from(sorted(PARAMETERS)).flatmap(
        lambda name: st.builds(
            inputs.SetBreakerParameter,
            st.just(name),
            st.integers(PARAMETERS[name].low, min(PARAMETERS[name].high, PARAMETERS[name].low + 400)),
        )
    ),
)

RELAYS = st.one_of(
    st.builds(
        inputs.SetRelayMode,
        st.integers(1, 2),
        st.sampled_from(["off", "command", "tariff"]),
        st.lists(st.integers(1, 8), max_size=3).map(tuple),
    ),
    st.builds(inputs.SwitchRelay, st.integers(1, 2), st.booleans()),
    st.builds(inputs.SetRelayDelay, st.integers(0, 10_800)),
)

SETTINGS = st.one_of(
    st.builds(inputs.SetTariff, st.integers(1, 8)),
    st.builds(inputs.SetTariffMode, st.sampled_from(["command", "internal"])),
    st.builds(inputs.SetIntegrationPeriod, st.sampled_from([300, 900, 3600])),
    st.just(inputs.StopBilling()),
    st.just(inputs.ResetTripCounter()),
    st.builds(inputs.SetPowerThreshold, st.integers(0, 30_000)),
    st.builds(inputs.SetDaylightSaving, st.booleans()),
    st.builds(inputs.SetLoadProfilePeriod, st.sampled_from([300, 900, 3600])),
    st.just(inputs.ClearLoadProfile()),
    st.builds(inputs.ClearEvents, words, words),
    st.builds(inputs.SetEventMasks, words, words),
    st.builds(inputs.SetTargetDay, st.integers(1, 28), st.sampled_from([0, 1, 2, 3, 6, 12]), st.integers(1, 12)),
    st.builds(inputs.SetPeakTariff, st.integers(0, 2)),
    st.builds(
        inputs.SetPulseInputScale,
        st.sampled_from([250, 1_000, 333_000]),
        st.sampled_from(["", "kWh", "m3", "l"]),
        st.sampled_from(["normal", "quick"]),
    ),
    st.builds(inputs.NoteConfiguration, st.sampled_from(Configured)),
    st.builds(inputs.SignOn),
)


@dataclass
class Journal:
    """Inputs with the seconds that pass before each, and then some."""

    steps: list[tuple[int, inputs.Input]] = field(default_factory=list)
    rest: int = 0


@st.composite
def journals(draw: st.DrawFn) -> Journal:
    """Hours to weeks of a meter that is not left alone."""
    waits = st.one_of(st.integers(0, 15), st.integers(0, 1_500), st.integers(0, 40_000), st.integers(0, 6 * 86_400))
    steps: list[tuple[int, inputs.Input]] = []
    now = START
    for _ in range(draw(st.integers(0, 14))):
        wait = draw(waits)
        now += wait
        moved = draw(st.one_of(st.integers(-8, 8), st.integers(-4_000, 4_000)))
        change = draw(
            st.one_of(PHYSICAL, PREPAYMENT, BREAKER, BREAKER, RELAYS, SETTINGS, st.just(inputs.SetClock(now + moved)))
        )
        steps.append((wait, change))
    return Journal(steps, draw(waits))


def happen(meter: Meter, change: inputs.Input, at: int) -> bool:
    """Let it happen; False where the meter refuses, which it does before it changes anything."""
    try:
        meter.apply(change, at)
    except ValueError:
        return False
    return True


def play(meter: Meter, journal: Journal) -> list[bool]:
    """Let the journal happen; what of it did."""
    now, done = meter.time, []
    for wait, change in journal.steps:
        now += wait
        done.append(happen(meter, change, now))
    meter.advance(now + journal.rest)
    return done
