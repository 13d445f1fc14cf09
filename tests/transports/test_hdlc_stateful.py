"""Primary and secondary over a bad line, with a given clock: whatever the faults, every APDU arrives exactly once.

The rules exchange APDUs over a line that loses, inverts, doubles and invents octets; then the line is good
again and everything asked must have been answered, in order, once. A connection may fail on a bad line (its
retries are few); what was delivered until then must still be right.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from transports.events import ApduReceived
from transports.faults import FaultInjector, FaultRates
from transports.hdlc import HdlcLine, HdlcParameters, HdlcPrimary
from transports.hdlc.primary import ApduReceived as Answer
from transports.hdlc.primary import Connected, Disconnected, Failed, PrimaryEvent, State

GOOD = FaultRates()
BAD = FaultRates(drop=0.004, flip=0.004, duplicate=0.004, noise=0.004, split=0.3)
WORSE = FaultRates(drop=0.03, flip=0.03, duplicate=0.03, noise=0.03, split=0.5)


class LossyLink(RuleBasedStateMachine):
    """One client, one meter that echoes, a line between them."""

    @initialize(
        window=st.sampled_from([1, 2, 7]),
        info=st.sampled_from([16, 64, 128]),
        size=st.sampled_from([1, 2, 4]),
        seed=st.integers(0, 2**32),
    )
    def begin(self, window: int, info: int, size: int, seed: int) -> None:
        own = HdlcParameters(window, window, info, info, inactivity_timeout_s=0)
        self.line = HdlcLine()
        self.line.attach("meter", lambda: 32, lambda: (1,), lambda: own)
        self.primary = HdlcPrimary(
            16, 1, None if size == 1 else 32, size, own, response_timeout_s=2.0, retries=50, answer_timeout_s=1e9
        )
        self.random = Random(seed)
        self.now = 0.0
        self.rates = GOOD
        self.asked: list[bytes] = []  # of this connection
        self.delivered: list[bytes] = []
        self.answered: list[bytes] = []
        self.late: list[ApduReceived] = []
        self.primary.connect(self.now)
        self.run_until(lambda: self.primary.state is State.CONNECTED)

    def injector(self) -> FaultInjector:
        return FaultInjector(self.random.randrange(2**32), self.rates)

    def take(self, events: list[PrimaryEvent]) -> None:
        for event in events:
            assert not isinstance(event, Failed), event.reason
            if isinstance(event, Answer):
                self.answered.append(event.apdu)
            elif isinstance(event, Connected):
                self.asked, self.delivered, self.answered, self.late = [], [], [], []
            else:
                assert isinstance(event, Disconnected)

    def move(self) -> bool:
        """Carry what is to be sent, once in each direction; says whether there was anything."""
        sent = self.primary.data_to_send()
        faults = self.injector()
        for portion in faults.portions(faults.apply(sent)):
            for event in self.line.receive_data(portion, self.now):
                if isinstance(event, ApduReceived):
                    self.delivered.append(event.apdu)
                    self.late.append(event)
        if self.random.random() < 0.7:
            for event in self.late:
                event.link.send_apdu(event.apdu, self.now)
            self.late.clear()
        answer = self.line.data_to_send()
        faults = self.injector()
        for portion in faults.portions(faults.apply(answer)):
            self.take(self.primary.receive_data(portion, self.now))
        return bool(sent or answer)

    def run_until(self, done: object, steps: int = 3000) -> None:
        assert callable(done)
        for _ in range(steps):
            if done():
                return
            if not self.move():
                deadlines = [deadline for deadline in (self.primary.next_timer(), self.line.next_timer()) if deadline]
                if not deadlines:
                    break
                self.now = max(self.now, min(deadlines))
                self.line.handle_timer(self.now)
                self.take(self.primary.handle_timer(self.now))
        assert done(), "the dialogue has come to a stop"

    @rule(rates=st.sampled_from([GOOD, BAD, WORSE]))
    def change_the_line(self, rates: FaultRates) -> None:
        self.rates = rates

    @rule(apdu=st.binary(min_size=1, max_size=300))
    def ask(self, apdu: bytes) -> None:
        self.asked.append(apdu)
        self.primary.send_apdu(apdu, self.now)

    @rule(steps=st.integers(1, 30))
    def let_some_time_pass(self, steps: int) -> None:
        for _ in range(steps):
            if not self.move():
                self.now += 0.25
                self.line.handle_timer(self.now)
                self.take(self.primary.handle_timer(self.now))

    @rule()
    def everything_arrives_once_the_line_is_good(self) -> None:
        self.rates = GOOD
        self.run_until(lambda: self.answered == self.asked)
        assert self.delivered == self.asked

    @rule()
    def connect_again(self) -> None:
        self.rates = GOOD
        self.primary.disconnect(self.now)
        self.run_until(lambda: self.primary.state is State.DISCONNECTED)
        self.primary.connect(self.now)
        self.run_until(lambda: self.primary.state is State.CONNECTED)
        assert self.asked == []

    @invariant()
    def nothing_arrives_twice_or_out_of_order(self) -> None:
        assert self.delivered == self.asked[: len(self.delivered)]
        assert self.answered == self.asked[: len(self.answered)]

    def teardown(self) -> None:
        if hasattr(self, "primary"):
            self.everything_arrives_once_the_line_is_good()


LossyLink.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLossyLink = LossyLink.TestCase


@pytest.mark.parametrize("seed", range(12))
def test_a_long_dialogue_gets_through_a_line_that_stays_bad(seed: int) -> None:
    bench = LossyLink()
    bench.begin(window=1 + seed % 7, info=64, size=(1, 2, 4)[seed % 3], seed=seed)
    bench.rates = BAD
    for number in range(20):
        bench.ask(bytes(Random(seed + number).randbytes(1 + 37 * number % 300)))
    bench.run_until(lambda: bench.answered == bench.asked)
    assert bench.delivered == bench.asked
    counters = bench.line.counters
    assert counters.hcs_errors + counters.fcs_errors + counters.wrong_length + counters.wrong_format > 0
