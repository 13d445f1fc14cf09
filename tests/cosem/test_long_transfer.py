"""Values in blocks: what is read makes up the whole, what is written is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.errors import DataAccessResult
from cosem.long_transfer import LongRead, LongWrite
from cosem.xdlms import BLOCK_OVERHEAD, Block, get_block


@given(st.integers(1, 2000), st.integers(BLOCK_OVERHEAD + 1, 300))
def test_the_blocks_of_a_value_make_up_the_whole(size: int, capacity: int) -> None:
    value = bytes(number % 251 for number in range(size))
    transfer = LongRead(value, capacity - BLOCK_OVERHEAD)
    blocks = [transfer.next_block()]
    while not blocks[-1].last:
        blocks.append(transfer.next_block())
    assert b"".join(block.raw for block in blocks) == value
    assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
    sizes = [len(get_block(0x81, block)) for block in blocks]
    assert all(length == capacity for length in sizes[:-1])
    assert sizes[-1] <= capacity


def test_blocks_in_order_are_taken() -> None:
    transfer = LongWrite(10)
    assert transfer.add(Block(False, 1, b"12345")) is DataAccessResult.SUCCESS
    assert transfer.add(Block(True, 2, b"67890")) is DataAccessResult.SUCCESS
    assert transfer.value == b"1234567890"


@pytest.mark.parametrize("number", [0, 2, 0xFFFFFFFF])
def test_a_block_out_of_order_is_not_taken(number: int) -> None:
    transfer = LongWrite(10)
    assert transfer.add(Block(False, number, b"12345")) is DataAccessResult.DATA_BLOCK_NUMBER_INVALID
    assert transfer.value == b""


def test_a_value_beyond_the_limit_is_not_taken() -> None:
    transfer = LongWrite(10)
    transfer.add(Block(False, 1, b"12345"))
    assert transfer.add(Block(True, 2, b"678901")) is DataAccessResult.LONG_SET_ABORTED
    assert transfer.value == b"12345"
