"""Invocation counters: no value is ever sent twice, none is ever accepted twice.

Sending. One counter a system title, for all its keys. Values are reserved ahead in blocks: before
the first of a block is handed out, `reserve(limit)` is told the end of the block, and a program that starts again
begins at the limit it finds on disk. A crash loses the rest of a block, never repeats a value. What carries the value
must wait until the limit is on disk, as every answer that changes something does.

Receiving. One counter a key and peer, strictly increasing. A counter is compared before an APDU is deciphered and moved
after it was: who does not know the key cannot move it. (With encryption alone there is no tag, and a forged APDU moves
it whenever its first octet happens to be that of an APDU: one reason not to use encryption alone.) A counter never
wraps: after 0xFFFFFFFF nothing is accepted until the key is replaced.

Keys that come inside an APDU, dedicated, wrapped or agreed, and signed APDUs have no standing counter. What was
accepted is remembered by a digest, the last `REMEMBERED` of them (ours), with the counter that was used under it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from .errors import MAX_COUNTER, CounterExhausted, InvocationCounterError, ReplayRefused

BLOCK: Final = 1000
"""Values reserved at once: a thousand answers a write to disk, four million crashes before the counter ends."""

RESPONSE: Final = 16
"""Values kept back so that what is begun can be answered: one for the APDU, one for a proof, four for protected data,
and as many for a refusal."""

REMEMBERED: Final = 1024
"""Digests kept: 32 KiB at most, for more APDUs than a reading session sends with keys of their own."""


class KeyName(StrEnum):
    """The standing keys that APDUs are counted under; data that were protected apart from their APDU count alone.

    (They are sealed before the APDU that brings them, and opened after it.)
    """

    UNICAST = "unicast"
    BROADCAST = "broadcast"
    UNICAST_DATA = "unicast-data"
    BROADCAST_DATA = "broadcast-data"

    @property
    def of_data(self) -> KeyName:
        """Where data under this key are counted."""
        return {KeyName.UNICAST: KeyName.UNICAST_DATA, KeyName.BROADCAST: KeyName.BROADCAST_DATA}.get(self, self)


class Channel(NamedTuple):
    """What a received counter belongs to: a key and the system title of who sends with it."""

    key: KeyName
    peer: bytes


class SendCounter:
    """The counter of what we send: `next()` gives the value to use.

    `start` is the limit that was reserved last, or 0. `reserve(limit)` promises that no value below `limit` is
    used after a restart.
    """

    __slots__ = ("_block", "_limit", "_next", "_reserve")

    def __init__(self, start: int, reserve: Callable[[int], None], block: int = BLOCK) -> None:
        self._next = start
        self._limit = start
        self._reserve = reserve
        self._block = block

    def next(self) -> int:
        """The next value, never given before; raises `CounterExhausted` at the end."""
        value = self._next
        if value >= self._limit:
            if value > MAX_COUNTER:
                raise CounterExhausted(f"the invocation counter has reached {MAX_COUNTER}")
            limit = min(value + self._block, MAX_COUNTER + 1)
            self._reserve(limit)
            self._limit = limit
        self._next = value + 1
        return value

    def check(self) -> None:
        """Raise `CounterExhausted` unless there are values for a whole response: before its request is served."""
        if self._next > MAX_COUNTER + 1 - RESPONSE:
            raise CounterExhausted(f"fewer than {RESPONSE} values are left to the invocation counter")


class ReceiveCounters:
    """The lowest counters still acceptable; `remember(channel, lowest)` is told each that moved, to store it.

    `lowest` is what was stored. Digests live as long as this object.
    """

    __slots__ = ("_lowest", "_remember", "_seen")

    def __init__(self, lowest: Mapping[Channel, int], remember: Callable[[Channel, int], None]) -> None:
        self._lowest = dict(lowest)
        self._remember = remember
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def check(self, channel: Channel, counter: int) -> None:
        """Raise `InvocationCounterError` for a counter that was used or passed by."""
        lowest = self._lowest.get(channel, 0)
        if counter < lowest:
            raise InvocationCounterError(counter, lowest)

    def accept(self, channel: Channel, counter: int) -> None:
        """Move on: the APDU was genuine. Counters never go back."""
        if counter >= self._lowest.get(channel, 0):
            self._lowest[channel] = counter + 1
            self._remember(channel, counter + 1)

    def last_accepted(self, channel: Channel) -> int:
        """What an invocation counter object shows its client, 0 before the first."""
        return max(self._lowest.get(channel, 0) - 1, 0)

    def forget(self, key: KeyName) -> None:
        """The key was replaced: its peers may begin at any counter."""
        for channel in [channel for channel in self._lowest if channel.key in (key, key.of_data)]:
            del self._lowest[channel]
            self._remember(channel, 0)

    def check_once(self, digest: bytes, counter: int) -> None:
        """As `check`, under a key that came with the APDU, known by its digest."""
        lowest = self._seen.get(digest, 0)
        if counter < lowest:
            raise InvocationCounterError(counter, lowest)

    def accept_once(self, digest: bytes, counter: int) -> None:
        """As `accept`, under a key that came with the APDU."""
        self._seen[digest] = counter + 1
        self._seen.move_to_end(digest)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def accept_signed(self, digest: bytes) -> None:
        """Raise `ReplayRefused` for signed octets that were seen before."""
        if digest in self._seen:
            raise ReplayRefused("this signed APDU was accepted before")
        self.accept_once(digest, 0)
