"""The parts of a meter beside its registers, for the API: status and events, hands, breaker, credit, relays."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntFlag

from pydantic import BaseModel, Field

from metering import MWS_PER_WH, Meter


class StatusReading(BaseModel):
    """What is the matter now, and what has happened since it was cleared: the bits that are set, by name."""

    meter: list[str]
    event_a: list[str]
    event_b: list[str]
    alarm: bool


class EnclosureReading(BaseModel):
    """What hands have done to the meter."""

    magnet: bool
    cover_open: bool
    terminal_cover_open: bool
    alarm_input: bool
    seal_broken_at: datetime | None


class BreakerReading(BaseModel):
    """The breaker: its state by name, what is seen of it, and the settings of smart disconnect."""

    fitted: bool
    state: str
    closed: bool
    feedback: list[str]
    parameters: dict[str, int]


class PrepaymentReading(BaseModel):
    """The account of a meter whose energy is paid in advance."""

    enabled: bool
    remaining_wh: float
    debt_wh: float
    alarm_limit_wh: int


class RelayReading(BaseModel):
    """A load control relay."""

    mode: str
    closed: bool
    switches_at: datetime | None = Field(description="when its delay is over")


def enclosure_reading(engine: Meter) -> EnclosureReading:
    """What hands have done, now."""
    enclosure = engine.enclosure
    broken_at = enclosure.seal_broken_at
    return EnclosureReading(
        magnet=enclosure.magnet,
        cover_open=enclosure.cover_open,
        terminal_cover_open=enclosure.terminal_cover_open,
        alarm_input=enclosure.alarm_input,
        seal_broken_at=None if broken_at is None else datetime.fromtimestamp(broken_at, UTC),
    )


def status_reading(engine: Meter, now: int) -> StatusReading:
    """The status words now."""
    status = engine.status(now)
    return StatusReading(
        meter=_bits(status.meter),
        event_a=_bits(status.event_a),
        event_b=_bits(status.event_b),
        alarm=status.alarm,
    )


def breaker_reading(engine: Meter, now: int) -> BreakerReading:
    """The breaker now."""
    breaker = engine.breaker(now)
    return BreakerReading(
        fitted=breaker.fitted,
        state=breaker.state_now.name,
        closed=breaker.closed,
        feedback=_bits(engine.breaker_feedback(now)),
        parameters=dict(breaker.parameters),
    )


def prepayment_reading(engine: Meter, now: int) -> PrepaymentReading:
    """The account now."""
    account = engine.prepayment(now)
    return PrepaymentReading(
        enabled=account.enabled,
        remaining_wh=account.remaining_mws / MWS_PER_WH,
        debt_wh=account.debt_mws / MWS_PER_WH,
        alarm_limit_wh=account.alarm_limit_wh,
    )


def relays_reading(engine: Meter, now: int) -> list[RelayReading]:
    """The relays now."""
    return [
        RelayReading(
            mode=relay.mode.value,
            closed=relay.closed,
            switches_at=None if relay.switch_at is None else datetime.fromtimestamp(relay.switch_at, UTC),
        )
        for relay in engine.load_control(now).relays
    ]


def _bits(word: IntFlag) -> list[str]:
    """The names of the bits that are set; a bit without a name is its number."""
    return [bit.name or f"bit {int(bit).bit_length() - 1}" for bit in word]
