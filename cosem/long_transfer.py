"""Values longer than one APDU: the block-wise reading of a GET and the reassembly of a SET or ACTION."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from .errors import DataAccessResult
from .rows import RowBuffer
from .xdlms import BLOCK_OVERHEAD, Block

LONGEST_RESPONSE: Final = 1 << 24
"""Octets of the longest response in blocks: the load profile read whole has 2 MiB, all of an ACCESS or a list more.

A list that asks for more costs no more: what comes after so many octets is not read.
"""


class LongRead:
    """A value being read block by block; blocks are numbered from 1."""

    __slots__ = ("_begin", "_cuts", "_data", "number")

    def __init__(self, value: RowBuffer | bytes, capacity: int) -> None:
        """`capacity` is the most octets a response APDU may have."""
        room = capacity - BLOCK_OVERHEAD
        self._cuts: Iterator[int]
        if isinstance(value, RowBuffer):
            self._data = value.data
            self._cuts = value.cuts(room)
        else:
            self._data = value
            self._cuts = chain(range(room, len(value), room), (len(value),))
        self._begin = 0
        self.number = 0

    def next_block(self) -> Block:
        """The next block; not to be called after the last."""
        end = next(self._cuts)
        self.number += 1
        block = Block(end == len(self._data), self.number, self._data[self._begin : end])
        self._begin = end
        return block


class LongWrite:
    """A value being received block by block."""

    __slots__ = ("_limit", "_parts", "_size", "number")

    def __init__(self, limit: int) -> None:
        """`limit` is the most octets the whole value may have: a setting against hostile clients."""
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = limit
        self.number = 0

    def add(self, block: Block) -> DataAccessResult:
        """Take a block; anything but success ends the transfer: a wrong number, or a value beyond the limit."""
        if block.number != self.number + 1:
            return DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        self._size += len(block.raw)
        if self._size > self._limit:
            return DataAccessResult.LONG_SET_ABORTED
        self._parts.append(block.raw)
        self.number = block.number
        return DataAccessResult.SUCCESS

    @property
    def value(self) -> bytes:
        """All octets so far."""
        return b"".join(self._parts)
