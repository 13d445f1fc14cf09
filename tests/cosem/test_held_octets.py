"""What all associations together keep is bounded, and who has rested longest loses it first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cosem.held_octets import HeldOctets


class Client:
    """A holder that keeps so many octets until it must drop them."""

    def __init__(self) -> None:
        self.octets = 0

    def drop(self) -> None:
        self.octets = 0


def keep(held: HeldOctets, client: Client, octets: int) -> None:
    client.octets = octets
    held.hold(client, octets)


def test_who_has_rested_longest_drops_what_it_keeps() -> None:
    held = HeldOctets(100)
    first, second, third = Client(), Client(), Client()
    keep(held, first, 40)
    keep(held, second, 40)
    keep(held, first, 40)
    keep(held, third, 40)
    assert [client.octets for client in (first, second, third)] == [40, 0, 40]
    assert held.total == 80


def test_as_many_as_needed_drop_theirs() -> None:
    held = HeldOctets(100)
    small = [Client() for _ in range(10)]
    for client in small:
        keep(held, client, 10)
    keep(held, Client(), 75)
    assert [client.octets for client in small] == [0] * 8 + [10] * 2


def test_one_that_keeps_more_than_all_may_drops_it_itself() -> None:
    held, greedy = HeldOctets(100), Client()
    keep(held, greedy, 101)
    assert (greedy.octets, held.total) == (0, 0)


def test_one_that_keeps_nothing_any_more_is_forgotten() -> None:
    held, client, other = HeldOctets(100), Client(), Client()
    keep(held, client, 60)
    keep(held, client, 0)
    keep(held, other, 100)
    assert (other.octets, held.total) == (100, 100)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 150)), max_size=60))
def test_the_total_is_what_all_keep_and_never_above_the_limit(uses: list[tuple[int, int]]) -> None:
    held, clients = HeldOctets(200), [Client() for _ in range(6)]
    for number, octets in uses:
        keep(held, clients[number], octets)
        assert held.total == sum(client.octets for client in clients) <= 200
