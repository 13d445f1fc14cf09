"""Invocation counters: no value is ever sent twice, none is ever accepted twice.

Sending. One counter a system title, for all its keys. Values are reserved ahead in blocks, and a program that starts
again begins at the limit it finds on disk: a crash loses the rest of a block, never repeats a value. A value that goes
out must be below a limit that is on disk. Where the disk takes its time (`reserve` says so), the next block is asked
for while half of the present one is left; a value that is used before its limit is confirmed asks for it again, so that
whatever carries the value waits for a write of its own.

Receiving. One counter a kind of key and peer, strictly increasing (`KeyName`); its floor, the channel of the empty
title, holds for peers without one. A counter is compared before an APDU is deciphered and moved after it was: who does
not know the key cannot move it. A counter never wraps: after 0xFFFFFFFF nothing is accepted until the key is replaced.

Encryption alone has no tag: one forged APDU of 256 looks genuine. So `SecurityContext` moves standing counters by it
only once the peer has proved itself, and by less than `UNTAGGED_JUMP` at once.

Keys that come wrapped or agreed inside an APDU count as one each: otherwise a recorded APDU would bring its own, fresh
counter along. Signed APDUs have no counter; their transaction-id is taken as one (ours), and those without are
remembered by digest, `REMEMBERED` of them: then no more of them are taken, since none could be told from a replay.
Dedicated keys belong to an association that a counter opened. Their counters are remembered by digest as long as the
program runs, the last `REMEMBERED` of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from .errors import MAX_COUNTER, CounterExhausted, CounterJumps, InvocationCounterError, ReplayRefused

BLOCK: Final = 1000
"""Values reserved at once: a thousand answers a write to disk, four million crashes before the counter ends."""

RESPONSE: Final = 16
"""Values kept back so that what is begun can be answered: one for the APDU, one for a proof, four for protected data,
and as many for a refusal."""

REMEMBERED: Final = 1024
"""Digests kept of signed APDUs, and of dedicated keys: 32 KiB each."""

UNTAGGED_JUMP: Final = 0x1_0000
"""An untagged counter is less than this above the last accepted (ours): to end a counter takes as many forgeries."""

_MAX_TRANSACTION: Final = 8
"""Octets of a transaction-id that count, its last ones: GBCS has a flag before its counter."""


class KeyName(StrEnum):
    """What is counted apart, for each peer: standing keys, and the kinds of keys and signatures that have none.

    Data that were protected apart from their APDU count alone: they are sealed before the APDU that brings them, and
    opened after it.
    """

    UNICAST = "unicast"
    BROADCAST = "broadcast"
    WRAPPED = "wrapped"
    AGREED = "agreed"
    SIGNED = "signed"
    UNICAST_DATA = "unicast-data"
    BROADCAST_DATA = "broadcast-data"
    WRAPPED_DATA = "wrapped-data"
    AGREED_DATA = "agreed-data"
    SIGNED_DATA = "signed-data"

    @property
    def of_data(self) -> KeyName:
        """Where data under this key are counted."""
        return _OF_DATA.get(self, self)


_OF_DATA: Final = {name: KeyName(f"{name}-data") for name in KeyName if not name.endswith("-data")}


class Channel(NamedTuple):
    """What a received counter belongs to: a kind of key and the system title of who sends with it."""

    key: KeyName
    peer: bytes

    @property
    def floor(self) -> Channel:
        """What counts for peers that have no counter."""
        return Channel(self.key, b"")


class SendCounter:
    """The counter of what we send: `next()` gives the value to use.

    `start` is the limit that was reserved last, or 0. `reserve(limit)` promises that no value below `limit` is
    used after a restart: at once, or where it returns True, as soon as `confirm(limit)` is called.
    """

    __slots__ = ("_asked", "_block", "_confirmed", "_next", "_quiet", "_reserve")

    def __init__(self, start: int, reserve: Callable[[int], bool | None], block: int = BLOCK) -> None:
        self._next = start
        self._confirmed = start
        self._quiet = start
        """Below it there is nothing to ask for."""
        self._asked = False
        self._reserve = reserve
        self._block = block

    def next(self) -> int:
        """The next value, never given before; raises `CounterExhausted` at the end."""
        value = self._next
        if value >= self._quiet:
            if value > MAX_COUNTER:
                raise CounterExhausted(f"the invocation counter has reached {MAX_COUNTER}")
            if value >= self._confirmed or not self._asked:
                self._ask(min(value + self._block, MAX_COUNTER + 1))
        self._next = value + 1
        return value

    def check(self) -> None:
        """Raise `CounterExhausted` unless there are values for a whole response: before its request is served."""
        if self._next > MAX_COUNTER + 1 - RESPONSE:
            raise CounterExhausted(f"fewer than {RESPONSE} values are left to the invocation counter")

    def _ask(self, limit: int) -> None:
        if self._reserve(limit):
            self._asked = True
        else:
            self._confirmed = self._quiet = limit

    def confirm(self, limit: int) -> None:
        """A limit that was reserved is on disk."""
        if limit > self._confirmed:
            self._confirmed = limit
            self._quiet = limit if limit > MAX_COUNTER else limit - self._block // 2
            self._asked = False


class ReceiveCounters:
    """The lowest counters still acceptable; `remember(channel, lowest)` is told each that moved, to store it.

    0 is one that is not kept any more. `lowest` and `signed` are what was stored, `remember_signed` is told digests.
    """

    __slots__ = ("_lowest", "_remember", "_remember_signed", "_seen", "_signed")

    def __init__(
        self,
        lowest: Mapping[Channel, int],
        remember: Callable[[Channel, int], None],
        signed: Iterable[bytes] = (),
        remember_signed: Callable[[bytes], None] = lambda digest: None,
    ) -> None:
        self._lowest = dict(lowest)
        self._remember = remember
        self._signed = set(signed)
        self._remember_signed = remember_signed
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def lowest(self, channel: Channel) -> int:
        """The lowest counter that is accepted."""
        lowest = self._lowest.get(channel)
        return self._lowest.get(channel.floor, 0) if lowest is None else lowest

    def check(self, channel: Channel, counter: int) -> None:
        """Raise `InvocationCounterError` for a counter that was used or passed by."""
        lowest = self._lowest.get(channel)
        if lowest is None:
            lowest = self._lowest.get(channel.floor, 0)
        if counter < lowest:
            raise InvocationCounterError(counter, lowest)

    def check_jump(self, channel: Channel, counter: int) -> None:
        """Raise `CounterJumps` for an untagged counter far above the last one, which is 0 of who was never heard."""
        lowest = self.lowest(channel)
        if counter >= lowest + UNTAGGED_JUMP:
            raise CounterJumps(f"invocation counter {counter} without a tag, {lowest} was the lowest")

    def accept(self, channel: Channel, counter: int) -> None:
        """Move on: the APDU was genuine. Counters never go back."""
        lowest = self._lowest.get(channel)
        if lowest is None:
            lowest = self._lowest.get(channel.floor, 0)
        if counter >= lowest:
            self._lowest[channel] = counter + 1
            self._remember(channel, counter + 1)

    def last_accepted(self, channel: Channel) -> int:
        """What an invocation counter object shows its client, 0 before the first."""
        return max(self.lowest(channel) - 1, 0)

    def drop(self, peer: bytes) -> None:
        """Keep no counters of this peer: what it had becomes the floor, so nothing of it is accepted again."""
        for channel in [channel for channel in self._lowest if channel.peer == peer]:
            lowest = self._lowest.pop(channel)
            if lowest > self._lowest.get(channel.floor, 0):
                self._lowest[channel.floor] = lowest
                self._remember(channel.floor, lowest)
            self._remember(channel, 0)

    def replaced(self, key: KeyName, floor: int = 0) -> int:
        """Another key: its peers may begin at `floor`. Gives the lowest floor under which the old key may come back."""
        highest = 0
        for name in (key, key.of_data):
            for channel in [channel for channel in self._lowest if channel.key is name]:
                highest = max(highest, self._lowest.pop(channel))
                if channel.peer or not floor:
                    self._remember(channel, 0)
            if floor:
                self._lowest[Channel(name, b"")] = floor
                self._remember(Channel(name, b""), floor)
        return highest

    def check_once(self, digest: bytes, counter: int) -> None:
        """As `check`, under a dedicated key, known by its digest."""
        lowest = self._seen.get(digest, 0)
        if counter < lowest:
            raise InvocationCounterError(counter, lowest)

    def accept_once(self, digest: bytes, counter: int) -> None:
        """As `accept`, under a dedicated key."""
        self._seen[digest] = counter + 1
        self._seen.move_to_end(digest)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def accept_signed(self, channel: Channel, transaction_id: bytes, digest: bytes) -> None:
        """Take something that is signed only; raises `ReplayRefused` where it was, or may have been, seen before."""
        if transaction_id:
            number = int.from_bytes(transaction_id[-_MAX_TRANSACTION:], "big")
            lowest = self.lowest(channel)
            if number < lowest:
                raise ReplayRefused(f"a signed APDU with transaction-id {number}, at least {lowest} expected")
            self.accept(channel, number)
            return
        if digest in self._signed:
            raise ReplayRefused("this signed APDU was accepted before")
        if len(self._signed) >= REMEMBERED:
            raise ReplayRefused("no more signed APDUs without transaction-id can be told from replays")
        self._signed.add(digest)
        self._remember_signed(digest)
