"""Invocation counters: none sent twice, none accepted twice, whatever happens in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.security.errors import MAX_COUNTER, CounterExhausted, CounterJumps, InvocationCounterError, ReplayRefused
from cosem.security.invocation import REMEMBERED, UNTAGGED_JUMP, Channel, KeyName, ReceiveCounters, SendCounter

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
    assert counters.replaced(KeyName.UNICAST) == 20
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
    counters.replaced(KeyName.UNICAST)
    assert disk == {UNICAST: 0, data: 0}
    assert all(name.of_data.endswith("-data") for name in KeyName)


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


SIGNED = Channel(KeyName.SIGNED, CLIENT)


def test_signed_apdus_without_a_transaction_id_are_refused_once_no_more_can_be_remembered() -> None:
    disk: list[bytes] = []
    counters = ReceiveCounters({}, nothing, (), disk.append)
    for number in range(REMEMBERED):
        counters.accept_signed(SIGNED, b"", number.to_bytes(4, "big"))
    for again in (counters, ReceiveCounters({}, nothing, disk)):
        for number in range(REMEMBERED + 1):
            with pytest.raises(ReplayRefused) as refused:
                again.accept_signed(SIGNED, b"", number.to_bytes(4, "big"))
            assert refused.value.response() == bytes.fromhex("d80205")
        again.accept_signed(SIGNED, b"\x01", b"one that can be ordered")
    assert len(disk) == REMEMBERED


def test_transaction_ids_of_signed_apdus_increase_also_over_a_restart() -> None:
    disk: dict[Channel, int] = {}
    counters = ReceiveCounters({}, disk.__setitem__)
    flag_and_counter = b"\x01" + (2**64 - 2).to_bytes(8, "big")
    counters.accept_signed(SIGNED, b"\x07", b"first")
    counters.accept_signed(SIGNED, flag_and_counter, b"second")
    for again in (counters, ReceiveCounters(disk, disk.__setitem__)):
        for used in (b"\x07", b"\x08", flag_and_counter, b"\x02" + flag_and_counter[1:]):
            with pytest.raises(ReplayRefused):
                again.accept_signed(SIGNED, used, b"another digest")
        again.accept_signed(SIGNED._replace(peer=b"ANOTHER1"), b"\x07", b"of another client")


def test_a_value_that_is_not_known_to_be_on_disk_is_asked_for_again_with_every_use() -> None:
    asked: list[int] = []

    def reserve(limit: int) -> bool:
        asked.append(limit)
        return True

    counter = SendCounter(0, reserve, 10)
    assert [counter.next() for _ in range(3)] == [0, 1, 2]
    assert asked == [10, 11, 12]
    counter.confirm(12)
    assert [counter.next() for _ in range(4)] == [3, 4, 5, 6]
    assert asked == [10, 11, 12]
    assert [counter.next() for _ in range(5)] == [7, 8, 9, 10, 11], "the block before lasts while the next is written"
    assert asked == [10, 11, 12, 17]
    counter.next()
    assert asked == [10, 11, 12, 17, 22], "the write took too long, or failed"
    counter.confirm(22)
    counter.confirm(17)
    for _ in range(4):
        counter.next()
    assert asked == [10, 11, 12, 17, 22]


@given(st.lists(st.one_of(st.just("use"), st.integers(0, 3)), max_size=60))
def test_no_answer_that_is_sent_has_a_counter_beyond_what_is_on_disk(happens: list[str | int]) -> None:
    """Answers wait for the writes they asked for; these end in their order, at any time, and some fail."""
    disk = [0]
    writes: list[int] = []

    def reserve(limit: int) -> bool:
        writes.append(limit)
        return True

    counter = SendCounter(0, reserve, 4)
    for what in happens:
        if isinstance(what, str):
            before = len(writes)
            value = counter.next()
            if len(writes) == before:  # goes out at once
                assert value < disk[0]
        elif writes:
            limit = writes.pop(0)
            if what:
                disk[0] = max(disk[0], limit)
                counter.confirm(limit)


def test_a_dropped_client_leaves_a_floor_for_whoever_has_no_counter() -> None:
    disk: dict[Channel, int] = {UNICAST: 10, OTHER: 20, BROADCAST: 30}
    counters = ReceiveCounters(disk, disk.__setitem__)
    counters.drop(CLIENT)
    assert disk == {UNICAST: 0, OTHER: 20, BROADCAST: 0, UNICAST.floor: 10, BROADCAST.floor: 30}
    for again in (counters, ReceiveCounters({channel: low for channel, low in disk.items() if low}, nothing)):
        with pytest.raises(InvocationCounterError):
            again.check(UNICAST, 9)
        with pytest.raises(InvocationCounterError):
            again.check(Channel(KeyName.UNICAST, b"BRANDNEW"), 9)
        again.check(UNICAST, 10)
        again.check(OTHER, 20)


def test_an_untagged_counter_never_jumps_also_of_a_client_never_heard() -> None:
    counters = received({UNICAST: 5})
    counters.check_jump(UNICAST, 5 + UNTAGGED_JUMP - 1)
    with pytest.raises(CounterJumps):
        counters.check_jump(UNICAST, 5 + UNTAGGED_JUMP)
    counters.check_jump(OTHER, UNTAGGED_JUMP - 1)
    with pytest.raises(CounterJumps):
        counters.check_jump(OTHER, MAX_COUNTER)
