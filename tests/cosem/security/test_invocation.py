"""Invocation counters: none sent twice, none accepted twice, whatever happens in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.security.errors import MAX_COUNTER, CounterExhausted, InvocationCounterError, ReplayRefused
from cosem.security.invocation import REMEMBERED, Channel, KeyName, ReceiveCounters, SendCounter

from .samples import CLIENT, nothing, received

UNICAST = Channel(KeyName.UNICAST, CLIENT)
BROADCAST = Channel(KeyName.BROADCAST, CLIENT)
OTHER = Channel(KeyName.UNICAST, b"ANOTHER1")


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 17))
def test_no_value_is_sent_twice_over_any_number_of_crashes(lives: list[int], block: int) -> None:
    disk = [0]
    sent: list[int] = []
    for uses in lives:
        counter = SendCounter(disk[-1], disk.append, block)
        for _ in range(uses):
            value = counter.next()
            assert value < disk[-1], "used before it was reserved"
            sent.append(value)
    assert sent == sorted(set(sent))
    assert len(disk) - 1 <= sum(uses // block + 1 for uses in lives)


def test_a_reservation_that_fails_hands_out_nothing() -> None:
    def full(limit: int) -> None:
        raise OSError("no space left")

    counter = SendCounter(7, full)
    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            counter.next()


def test_the_counter_ends_and_does_not_wrap() -> None:
    limits: list[int] = []
    counter = SendCounter(MAX_COUNTER - 1, limits.append, 10)
    assert [counter.next(), counter.next()] == [MAX_COUNTER - 1, MAX_COUNTER]
    for _ in range(2):
        with pytest.raises(CounterExhausted):
            counter.next()
    assert limits == [MAX_COUNTER + 1]
    with pytest.raises(CounterExhausted):
        SendCounter(limits[-1], nothing).next()


@given(st.lists(st.tuples(st.sampled_from([UNICAST, BROADCAST, OTHER]), st.integers(0, 30)), max_size=40))
def test_what_is_accepted_increases_strictly_on_each_channel(arrivals: list[tuple[Channel, int]]) -> None:
    counters = received()
    accepted: dict[Channel, list[int]] = {UNICAST: [], BROADCAST: [], OTHER: []}
    for channel, counter in arrivals:
        highest = max(accepted[channel], default=-1)
        if counter > highest:
            counters.check(channel, counter)
            counters.accept(channel, counter)
            accepted[channel].append(counter)
            assert counters.last_accepted(channel) == counter
        else:
            with pytest.raises(InvocationCounterError) as refused:
                counters.check(channel, counter)
            assert refused.value.lowest == highest + 1


def test_what_was_remembered_is_refused_after_a_restart() -> None:
    disk: dict[Channel, int] = {}
    counters = ReceiveCounters({}, disk.__setitem__)
    counters.check(UNICAST, 88)
    counters.accept(UNICAST, 88)
    again = ReceiveCounters(disk, disk.__setitem__)
    with pytest.raises(InvocationCounterError):
        again.check(UNICAST, 88)
    again.check(UNICAST, 89)


def test_a_check_alone_moves_nothing() -> None:
    counters = received()
    counters.check(UNICAST, MAX_COUNTER)
    counters.check(UNICAST, 0)


def test_a_replaced_key_begins_anew_and_others_go_on() -> None:
    disk = {UNICAST: 10, OTHER: 20, BROADCAST: 30}
    counters = ReceiveCounters(disk, disk.__setitem__)
    counters.forget(KeyName.UNICAST)
    counters.check(UNICAST, 0)
    counters.check(OTHER, 0)
    with pytest.raises(InvocationCounterError):
        counters.check(BROADCAST, 29)
    assert disk == {UNICAST: 0, OTHER: 0, BROADCAST: 30}


def test_data_count_apart_from_apdus_and_begin_anew_with_their_key() -> None:
    data = UNICAST._replace(key=UNICAST.key.of_data)
    assert data != UNICAST
    disk = {UNICAST: 10, data: 20}
    counters = ReceiveCounters(disk, disk.__setitem__)
    counters.accept(UNICAST, 50)
    counters.check(data, 20)
    counters.forget(KeyName.UNICAST)
    assert disk == {UNICAST: 0, data: 0}
    assert {name.of_data for name in KeyName} == {KeyName.UNICAST_DATA, KeyName.BROADCAST_DATA}


def test_the_last_counter_is_accepted_once_and_then_nothing() -> None:
    counters = received()
    counters.check(UNICAST, MAX_COUNTER)
    counters.accept(UNICAST, MAX_COUNTER)
    with pytest.raises(InvocationCounterError) as refused:
        counters.check(UNICAST, MAX_COUNTER)
    assert refused.value.response() == bytes.fromhex("d80206ffffffff")


def test_the_answer_names_the_lowest_counter_still_acceptable() -> None:
    with pytest.raises(InvocationCounterError) as refused:
        received({UNICAST: 0x59}).check(UNICAST, 0x58)
    assert refused.value.response() == bytes.fromhex("d8020600000059")


def test_digests_are_remembered_up_to_a_bound() -> None:
    counters = received()
    for number in range(REMEMBERED + 1):
        counters.accept_signed(number.to_bytes(4, "big"))
    for number in range(2, REMEMBERED + 1):
        with pytest.raises(ReplayRefused) as refused:
            counters.accept_signed(number.to_bytes(4, "big"))
    assert refused.value.response() == bytes.fromhex("d80205")
    counters.accept_signed(bytes(4))
