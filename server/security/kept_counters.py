"""What a meter has accepted under one Security setup, kept in its permanent memory so that none of it is taken again.

| cell, behind `received`, `signed`, `replaced` or `counted`, the setup and the name of what is counted | holds |
|---|---|
| `received`, title of a client | the lowest counter still accepted from it |
| `received`, nothing | the floor: the lowest from clients without a cell |
| `signed`, digest | a signed APDU without transaction-id was accepted |
| `replaced`, digest of a key | the floor of a key that is no longer in use, should it come back |
| `replaced`, nothing | the floor of keys that were dropped from this table |
| `counted`, nothing | digest of the key that the counters are of |

Counters are written ahead in blocks: one write to disk lets `AHEAD` APDUs of a client pass. The next block is asked for
while half of the present one is left. A counter that passes what is known to be on disk is written again, whoever
else's write is under way, so its answer waits until it is there. After a crash what is on disk counts: nothing that was
answered before is accepted again. An orderly end writes the exact counters (`settle`).

Clients are entered when something of theirs was accepted, which takes a tag, a signature or a proof. When there are too
many, the one longest unused goes, and its counter raises the floor: none of its APDUs is accepted again, and who comes
new begins above it, as the invocation counter object says, and every refusal but an AARE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cosem.security.errors import MAX_COUNTER
from cosem.security.invocation import Channel, KeyName, ReceiveCounters

if TYPE_CHECKING:
    from ..virtual_meter import VirtualMeter

AHEAD: Final = 100
"""Received counters written ahead at once: a write to disk for fifty requests, a gap of a hundred after a crash."""

REPLACED_KEYS: Final = 64
"""Replaced keys whose floors are kept one by one: more than a meter sees in its life."""

_TITLE_SIZE: Final = 8
_DIGEST_SIZE: Final = 16
_OCTETS: Final = 9
"""Of a stored counter: what follows the highest transaction-id has so many."""
_OF_KEYS: Final = (KeyName.UNICAST, KeyName.BROADCAST)


class _Kept:
    """A counter: the lowest accepted, what is written and known to be on disk, and below what nothing is to be done."""

    __slots__ = ("asked", "confirmed", "lowest", "quiet", "written")

    def __init__(self, stored: int = 0) -> None:
        self.lowest = self.written = self.confirmed = self.quiet = stored
        self.asked = False

    def confirm(self, limit: int, margin: int) -> None:
        if limit > self.confirmed:
            self.confirmed = limit
            self.quiet = limit - margin
            self.asked = False


class KeptCounters:
    """The received counters of one Security setup of a meter, for so many `clients`, under `keys` as they are now."""

    def __init__(self, meter: VirtualMeter, setup: int, clients: int, keys: Mapping[KeyName, bytes]) -> None:
        self._meter = meter
        self._setup = setup
        self._clients = clients
        self._kept: dict[Channel, _Kept] = {}
        """The one that was written last stands last."""
        for name in KeyName:
            for peer, octets in self._cells(b"received", name, _TITLE_SIZE):
                self._kept[Channel(name, peer)] = _Kept(int.from_bytes(octets, "big"))
        self._replaced: dict[KeyName, dict[bytes, int]] = {}
        for name in _OF_KEYS:
            floors = self._cells(b"replaced", name, _DIGEST_SIZE)
            self._replaced[name] = {digest: int.from_bytes(octets, "big") for digest, octets in floors}
        self._keys = {name: _digest(key) for name, key in keys.items()}
        self.counters = ReceiveCounters(
            {channel: kept.lowest for channel, kept in self._kept.items()},
            self._moved,
            [digest for digest, _ in self._cells(b"signed", KeyName.SIGNED, hashlib.sha256().digest_size) if digest],
            lambda digest: meter.remember(self._name(b"signed", KeyName.SIGNED) + digest, b"\x01"),
        )
        for name, digest in self._keys.items():
            counted = meter.memory.get(self._name(b"counted", name), digest)
            if counted != digest:  # the key file has another key than the counters are of, which now go on
                self._replace(name, counted, digest, self._highest(name))

    @property
    def highest(self) -> int:
        """The highest counter accepted under the global unicast key, 0 before the first."""
        return max(self._highest(KeyName.UNICAST) - 1, 0)

    def replace_key(self, name: KeyName, key: bytes) -> None:
        """Another global key is in use: its clients may begin at any counter, unless it was in use before."""
        self._replace(name, self._keys.get(name), _digest(key), 0)

    def _replace(self, name: KeyName, old: bytes | None, new: bytes, floor: int) -> None:
        table = self._replaced[name]
        highest = self.counters.replaced(name, max(floor, table.get(new, 0), table.get(b"", 0)))
        if old is not None and highest:
            self._keep_floor(name, old, highest)
        self._keys[name] = new
        self._note_key(name)

    def settle(self) -> None:
        """Write the exact counters: nothing comes any more."""
        for channel, kept in self._kept.items():
            if kept.lowest != kept.written:
                self._meter.remember(self._cell(channel), _octets(kept.lowest))
                kept.written = kept.confirmed = kept.quiet = kept.lowest

    def _moved(self, channel: Channel, lowest: int) -> None:
        kept = self._kept.get(channel)
        if kept is not None and 0 < lowest <= kept.quiet:
            kept.lowest = lowest
        elif not lowest:
            if self._kept.pop(channel, None) is not None:
                self._meter.forget(self._cell(channel))
        else:
            if kept is None:
                self._make_room(channel.peer)
                kept = self._kept[channel] = _Kept()
                if channel.key in self._keys:
                    self._note_key(channel.key)
            kept.lowest = lowest
            if lowest > kept.confirmed or not kept.asked:
                self._write_ahead(channel, kept)

    def _write_ahead(self, channel: Channel, kept: _Kept) -> None:
        exact = not channel.peer or channel.key in (KeyName.SIGNED, KeyName.SIGNED_DATA)
        limit = kept.lowest if exact else min(kept.lowest + AHEAD, MAX_COUNTER + 1)
        margin = 0 if exact or limit > MAX_COUNTER else AHEAD // 2
        kept.written = limit
        kept.asked = True
        self._kept[channel] = self._kept.pop(channel)
        self._meter.remember(self._cell(channel), _octets(limit), lambda: kept.confirm(limit, margin))

    def _make_room(self, peer: bytes) -> None:
        peers: dict[bytes, None] = {}
        for channel in self._kept:
            peers.pop(channel.peer, None)
            peers[channel.peer] = None
        peers.pop(b"", None)
        if peer and peer not in peers and len(peers) >= self._clients:
            self.counters.drop(next(iter(peers)))

    def _highest(self, name: KeyName) -> int:
        return max((kept.lowest for channel, kept in self._kept.items() if channel.key is name), default=0)

    def _keep_floor(self, name: KeyName, digest: bytes, floor: int) -> None:
        table = self._replaced[name]
        self._write_floor(name, digest, max(floor, table.pop(digest, 0)))
        listed = [known for known in table if known]
        if len(listed) > REPLACED_KEYS:
            self._write_floor(name, b"", max(table.pop(listed[0]), table.get(b"", 0)))
            self._meter.forget(self._name(b"replaced", name) + listed[0])

    def _write_floor(self, name: KeyName, digest: bytes, floor: int) -> None:
        self._replaced[name][digest] = floor
        self._meter.remember(self._name(b"replaced", name) + digest, _octets(floor))

    def _note_key(self, name: KeyName) -> None:
        cell = self._name(b"counted", name)
        if self._meter.memory.get(cell) != self._keys[name]:
            self._meter.remember(cell, self._keys[name])

    def _cells(self, what: bytes, name: KeyName, size: int) -> list[tuple[bytes, bytes]]:
        prefix = self._name(what, name)
        return [
            (cell[len(prefix) :], octets)
            for cell, octets in self._meter.memory.items()
            if cell.startswith(prefix) and len(cell) - len(prefix) in (0, size)
        ]

    def _cell(self, channel: Channel) -> bytes:
        return self._name(b"received", channel.key) + channel.peer

    def _name(self, what: bytes, name: KeyName) -> bytes:
        return b"%b %d %b " % (what, self._setup, name.encode())


def _octets(counter: int) -> bytes:
    return counter.to_bytes(_OCTETS, "big")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(b"counted under" + key).digest()[:_DIGEST_SIZE]
