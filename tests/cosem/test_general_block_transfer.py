"""General-block-transfer: the codec, one exchange step by step, and any exchange over a line that loses blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.errors import DecodeError
from cosem.general_block_transfer import (
    BLOCK_OVERHEAD,
    MOST_BLOCKS,
    BlockTransfer,
    BlockTransferSettings,
    GeneralBlock,
    TooLong,
    TransferFailed,
    read_general_block,
    unconfirmed_blocks,
    write_general_block,
)

from .service_vectors import apdu_of, octets

SIZE = BLOCK_OVERHEAD + 10
"""Blocks of ten octets."""
REQUEST = bytes(range(0xC0, 0xC0 + 35))
RESPONSE = bytes(range(95))


def settings(window: int = 3, limit: int = 1000, attempts: int = 0, size: int = SIZE) -> BlockTransferSettings:
    return BlockTransferSettings(size, limit, window, timeout_s=5.0, attempts=attempts, repetitions=60)


def transfer(**other: int) -> BlockTransfer:
    return BlockTransfer(settings(**other), 0.0)


def answering() -> BlockTransfer:
    """A server whose request came whole."""
    return BlockTransfer(settings(), 0.0, answers=True)


def sent(side: BlockTransfer) -> list[GeneralBlock]:
    """What a side wants to send."""
    return [read_general_block(apdu) for apdu in side.data_to_send()]


def take(side: BlockTransfer, *blocks: GeneralBlock) -> bytes | None:
    """Hand blocks to a side; gives the APDU where one is complete."""
    complete = None
    for block in blocks:
        complete = side.receive(block, 0.0) or complete
    return complete


def numbers(blocks: list[GeneralBlock]) -> list[tuple[int, int]]:
    """Number, and what it acknowledges, of each block."""
    return [(block.number, block.acknowledged) for block in blocks]


# --- codec ------------------------------------------------------------------------------------------

BLOCKS = [
    ("E001000100000AC401C100090A01020304", GeneralBlock(False, False, 1, 1, 0, octets("V425")[7:])),
    ("E0000000000100", GeneralBlock(False, False, 0, 0, 1)),
    ("E0C00003000001AA", GeneralBlock(True, True, 0, 3, 0, b"\xaa")),
    ("E0BFFFFFFFFE00", GeneralBlock(True, False, 63, 0xFFFF, 0xFFFE)),
]


@pytest.mark.parametrize(("written", "block"), BLOCKS, ids=[written for written, _ in BLOCKS])
def test_a_block_is_these_octets(written: str, block: GeneralBlock) -> None:
    assert read_general_block(bytes.fromhex(written)) == block
    assert write_general_block(block) == bytes.fromhex(written)


@pytest.mark.parametrize("name", ["V367", "V368", "V369"])
def test_a_captured_block_is_read_and_written_back(name: str) -> None:
    apdu = apdu_of(octets(name))
    block = read_general_block(apdu)
    assert block.streaming
    assert block.window == 0
    assert write_general_block(block) == apdu


@given(st.builds(GeneralBlock, st.booleans(), st.booleans(), st.integers(0, 63), st.integers(1, 0xFFFF),
                 st.integers(0, 0xFFFF), st.binary(max_size=300)))  # fmt: skip
def test_a_block_that_is_written_is_read(block: GeneralBlock) -> None:
    apdu = write_general_block(block)
    assert read_general_block(apdu) == block
    assert len(apdu) <= len(block.data) + BLOCK_OVERHEAD


@pytest.mark.parametrize(
    "written",
    ["E1010001000000", "E0", "E001", "E00100", "E0010001", "E001000100", "E0010001000001", "E00100010000020A",
     "E0010001000000FF", "E00100000000010A"],
)  # fmt: skip
def test_octets_that_are_no_block_are_refused(written: str) -> None:
    with pytest.raises(DecodeError):
        read_general_block(bytes.fromhex(written))


def test_a_block_prints_itself_as_one_line() -> None:
    assert str(BLOCKS[2][1]) == "block 3 last streaming window 0 acknowledged 0, 1 octets"


# --- unconfirmed ------------------------------------------------------------------------------------


def test_the_captured_blocks_of_a_push_are_put_together() -> None:
    side = transfer(window=0)
    blocks = [read_general_block(apdu_of(octets(name))) for name in ("V367", "V368", "V369")]
    assert take(side, *blocks) == octets("V378", "out")
    assert sent(side) == []


def test_a_push_is_cut_into_blocks_that_nobody_acknowledges() -> None:
    blocks = [read_general_block(apdu) for apdu in unconfirmed_blocks(RESPONSE, SIZE)]
    assert numbers(blocks) == [(number, 0) for number in range(1, 11)]
    assert all(block.streaming and block.window == 0 for block in blocks)
    assert [block.last for block in blocks] == [False] * 9 + [True]
    side = transfer()
    assert take(side, *blocks) == RESPONSE
    assert sent(side) == []


# --- step by step -----------------------------------------------------------------------------------


def test_an_answer_to_a_whole_request_begins_with_one_block_and_goes_on_with_the_clients_window() -> None:
    client, server = transfer(window=4), answering()
    server.send(RESPONSE)
    (first,) = sent(server)
    assert first == GeneralBlock(False, False, 3, 1, 0, RESPONSE[:10])
    assert take(client, first) is None
    (ready,) = sent(client)
    assert ready == GeneralBlock(True, False, 4, 1, 1)
    take(server, ready)
    window = sent(server)
    assert numbers(window) == [(2, 1), (3, 1), (4, 1), (5, 1)]
    assert [block.streaming for block in window] == [True, True, True, False]
    assert take(client, *window) is None
    (ready,) = sent(client)
    assert (ready.number, ready.acknowledged) == (2, 5)
    take(server, ready)
    take(client, *sent(server))
    take(server, *sent(client))
    (last,) = sent(server)
    assert last == GeneralBlock(True, False, 3, 10, 3, RESPONSE[90:])
    assert take(client, last) == RESPONSE
    assert sent(client) == []


def test_a_request_in_blocks_is_acknowledged_and_its_answer_goes_on_with_the_numbers() -> None:
    client, server = transfer(), transfer()
    client.send(REQUEST)
    (first,) = sent(client)
    assert take(server, first) is None
    (ready,) = sent(server)
    assert ready == GeneralBlock(True, False, 3, 1, 1)
    take(client, ready)
    window = sent(client)
    assert numbers(window) == [(2, 1), (3, 1), (4, 1)]
    assert window[-1].last
    assert take(server, *window) == REQUEST
    server.send(b"answer")
    (answer,) = sent(server)
    assert answer == GeneralBlock(True, False, 3, 2, 4, b"answer")
    assert take(client, answer) == b"answer"


def test_a_gap_is_reported_and_filled_and_what_came_ahead_of_it_is_kept() -> None:
    client, server = transfer(window=5), answering()
    server.send(RESPONSE)
    take(client, *sent(server))
    take(server, *sent(client))
    two, _three, four, _five, six = sent(server)
    assert take(client, two, four, six) is None
    (ready,) = sent(client)
    assert ready.acknowledged == 2
    take(server, ready)
    again = sent(server)
    assert numbers(again)[0] == (3, 2)
    take(client, again[0])
    assert sent(client) == []
    take(client, again[2], *again[3:])
    assert sent(client)[0].acknowledged == 7


def test_a_client_may_ask_for_a_single_missing_block() -> None:
    server = answering()
    server.send(RESPONSE)
    sent(server)
    take(server, GeneralBlock(True, False, 5, 1, 1))
    assert numbers(sent(server)) == [(number, 1) for number in range(2, 7)]
    take(server, GeneralBlock(True, False, 1, 2, 3))
    (four,) = sent(server)
    assert (four.number, four.streaming, four.data) == (4, False, RESPONSE[30:40])
    take(server, GeneralBlock(True, False, 5, 3, 6))
    assert numbers(sent(server))[0] == (7, 3)


def test_a_window_of_none_holds_the_answer_back() -> None:
    server = answering()
    server.send(RESPONSE)
    sent(server)
    take(server, GeneralBlock(True, False, 0, 1, 1))
    assert sent(server) == []
    take(server, GeneralBlock(True, False, 1, 2, 1))
    assert numbers(sent(server)) == [(2, 2)]


def test_blocks_that_come_twice_or_lie_beyond_the_window_are_not_taken() -> None:
    side = transfer(window=2)
    block = GeneralBlock(False, True, 1, 1, 0, b"one")
    assert take(side, block, block, GeneralBlock(True, True, 1, 9, 0, b"far")) is None
    assert take(side, GeneralBlock(True, False, 1, 2, 0, b"two")) == b"onetwo"


def test_no_more_blocks_are_kept_ahead_of_a_gap_than_the_window_has() -> None:
    side = transfer(window=2)
    take(side, *(GeneralBlock(False, True, 1, number, 0, b"x") for number in range(2, 60)))
    take(side, GeneralBlock(False, False, 1, 1, 0, b"x"))
    assert sent(side)[0].acknowledged == 2


def test_an_apdu_over_the_limit_is_refused_before_it_is_whole() -> None:
    side = transfer(limit=15)
    take(side, GeneralBlock(False, True, 1, 1, 0, bytes(10)))
    with pytest.raises(TooLong):
        take(side, GeneralBlock(False, True, 1, 2, 0, bytes(10)))
    assert side.over


def test_an_acknowledgement_of_what_was_never_sent_is_refused() -> None:
    side = transfer()
    side.send(RESPONSE)
    with pytest.raises(TransferFailed, match="block 2 acknowledged, 1 were sent"):
        take(side, GeneralBlock(True, False, 1, 1, 2))
    assert side.over


@pytest.mark.parametrize("size", [BLOCK_OVERHEAD - 1, BLOCK_OVERHEAD])
def test_blocks_without_room_for_data_carry_nothing(size: int) -> None:
    side = transfer(size=size)
    with pytest.raises(TooLong):
        side.send(RESPONSE)
    assert side.over


def test_an_apdu_has_at_most_as_many_blocks_as_there_are_numbers() -> None:
    transfer(size=BLOCK_OVERHEAD + 1).send(bytes(MOST_BLOCKS))
    with pytest.raises(TooLong):
        transfer(size=BLOCK_OVERHEAD + 1).send(bytes(MOST_BLOCKS + 1))


def test_acknowledgements_end_with_the_block_numbers() -> None:
    side = transfer(limit=1 << 20)
    for number in range(1, MOST_BLOCKS + 1):
        block = GeneralBlock(False, False, 1, number, number - 1, b"x")
        take(side, block)
    with pytest.raises(TransferFailed, match="no more block numbers"):
        take(side, block._replace(acknowledged=MOST_BLOCKS))


# --- time -------------------------------------------------------------------------------------------


def test_who_began_repeats_its_last_block_and_gives_up_in_the_end() -> None:
    client = transfer(attempts=2)
    client.send(REQUEST)
    (first,) = sent(client)
    assert client.next_timer() == 5.0
    client.handle_timer(4.9)
    assert sent(client) == []
    client.handle_timer(5.0)
    assert sent(client) == [first]
    client.handle_timer(10.0)
    assert sent(client) == [first]
    client.handle_timer(15.0)
    assert sent(client) == []
    assert client.over
    assert client.next_timer() is None


def test_who_waits_for_the_first_block_of_an_answer_asks_for_it() -> None:
    client, server = transfer(attempts=1), answering()
    server.send(RESPONSE)
    (lost,) = sent(server)
    client.handle_timer(5.0)
    (ready,) = sent(client)
    assert (ready.number, ready.acknowledged, ready.data) == (1, 0, b"")
    take(server, ready)
    assert sent(server)[0] == lost._replace(streaming=True, acknowledged=1)


def test_a_server_waits_and_then_forgets() -> None:
    server = answering()
    server.send(RESPONSE)
    sent(server)
    server.handle_timer(4.0)
    assert not server.over
    server.handle_timer(5.0)
    assert server.over
    assert sent(server) == []


def test_every_block_that_comes_moves_the_deadline() -> None:
    server = transfer()
    server.receive(GeneralBlock(False, False, 1, 1, 0, b"x"), 3.0)
    assert server.next_timer() == 8.0


def test_progress_gives_all_attempts_back_and_repetitions_do_not() -> None:
    client = transfer(attempts=1)
    client.send(REQUEST)
    client.handle_timer(5.0)
    take(client, GeneralBlock(True, False, 3, 1, 1))
    client.handle_timer(10.0)
    assert not client.over
    take(client, GeneralBlock(True, False, 3, 1, 1))
    client.handle_timer(20.0)
    assert client.over


# --- any line ---------------------------------------------------------------------------------------


class Line:
    """Two sides and what is lost between them: one flag for each APDU, in the order they are sent."""

    def __init__(self, client: BlockTransfer, server: BlockTransfer, lost: Iterator[bool]) -> None:
        self.client, self.server, self.lost = client, server, lost
        self.now = 0.0
        self.requests: list[bytes] = []
        self.response: bytes | None = None

    def run(self, answer: Callable[[bytes], bytes]) -> None:
        """Until the client has its answer, or gives up."""
        while self.response is None and not self.client.over:
            self.turn(answer)
            if self.response is None:
                due = self.client.next_timer()
                assert due is not None
                self.now = due
                self.client.handle_timer(due)

    def turn(self, answer: Callable[[bytes], bytes]) -> None:
        """Deliver until both are silent."""
        while up := [apdu for apdu in self.client.data_to_send() if not next(self.lost, False)]:
            for apdu in up:
                request = self.server.receive(read_general_block(apdu), self.now)
                if request is not None:
                    self.requests.append(request)
                    self.server.send(answer(request))
                for reply in self.server.data_to_send():
                    if not next(self.lost, False):
                        self.response = self.client.receive(read_general_block(reply), self.now) or self.response


@given(
    request=st.binary(min_size=1, max_size=150),
    response=st.binary(min_size=1, max_size=400),
    windows=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    lost=st.lists(st.booleans(), max_size=80),
    attempts=st.integers(0, 5),
)
def test_whatever_is_lost_the_same_apdus_arrive_or_the_client_gives_up(
    request: bytes,
    response: bytes,
    windows: tuple[int, int],
    sizes: tuple[int, int],
    lost: list[bool],
    attempts: int,
) -> None:
    client = transfer(window=windows[0], size=BLOCK_OVERHEAD + sizes[0], attempts=attempts)
    server = BlockTransfer(settings(windows[1], size=BLOCK_OVERHEAD + sizes[1])._replace(timeout_s=1e6), 0.0)
    line = Line(client, server, iter(lost))
    client.send(request)
    line.run(lambda _: response)
    assert line.requests in ([], [request])
    assert line.response == response or (line.response is None and client.over and any(lost))


@given(lost=st.lists(st.booleans(), max_size=40))
def test_attempts_enough_for_what_is_lost_end_in_the_answer(lost: list[bool]) -> None:
    client = transfer(attempts=len(lost))
    server = BlockTransfer(settings()._replace(timeout_s=1e6), 0.0)
    line = Line(client, server, iter(lost))
    client.send(REQUEST)
    line.run(lambda _: RESPONSE)
    assert line.response == RESPONSE


@given(st.lists(st.builds(GeneralBlock, st.booleans(), st.booleans(), st.integers(0, 63), st.integers(1, 12),
                          st.integers(0, 4), st.binary(max_size=8)), max_size=30), st.booleans())  # fmt: skip
def test_whatever_blocks_come_a_side_holds_no_more_than_its_limit(blocks: list[GeneralBlock], sends: bool) -> None:
    side = transfer(limit=40)
    if sends:
        side.send(RESPONSE)
    for block in blocks:
        try:
            complete = side.receive(block, 0.0)
        except TransferFailed:
            assert side.over
            break
        assert complete is None or len(complete) <= 40
        assert len(side.data_to_send()) <= 63
