"""Values longer than one APDU: the block-wise reading of a GET and the reassembly of a SET or ACTION."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from .errors import DataAccessResult
from .rows import RowBuffer
from .xdlms import Block


class LongRead:
    """A value being read block by block; blocks are numbered from 1."""

    __slots__ = ("__weakref__", "_begin", "_cuts", "_data", "number")

    def __init__(self, value: RowBuffer | bytes, room: int) -> None:
        """`room` is the most octets of data a block may have."""
        self._cuts: Iterator[int]
        if isinstance(value, RowBuffer):
            self._data = value.data
            self._cuts = value.cuts(room)
        else:
            self._data = value
            self._cuts = chain(range(room, len(value), room), (len(value),))
        self._begin = 0
        self.number = 0

    @property
    def octets(self) -> int:
        """How many are kept."""
        return len(self._data)

    def next_block(self) -> Block:
        """The next block; not to be called after the last."""
        end = next(self._cuts)
        self.number += 1
        block = Block(end == len(self._data), self.number, self._data[self._begin : end])
        self._begin = end
        return block


class LongWrite:
    """A value being received block by block."""

    __slots__ = ("__weakref__", "_limit", "_parts", "number", "octets")

    def __init__(self, limit: int) -> None:
        """`limit` is the most octets the whole value may have: a setting against hostile clients."""
        self._parts: list[bytes] = []
        self.octets = 0
        """How many are kept."""
        self._limit = limit
        self.number = 0

    def add(self, block: Block) -> DataAccessResult:
        """Take a block; anything but success ends the transfer: a wrong number, or a value beyond the limit."""
        if block.number != self.number + 1:
            return DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        self.octets += len(block.raw)
        if self.octets > self._limit:
            return DataAccessResult.LONG_SET_ABORTED
        self._parts.append(block.raw)
        self.number = block.number
        return DataAccessResult.SUCCESS

    @property
    def value(self) -> bytes:
        """All octets so far."""
        return b"".join(self._parts)
