"""A bad line on purpose: seeded faults in the octets of any stream, the same for the same seed.

Rates are probabilities per octet, except `split`, which is per portion.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .events import Event
from .stream import ByteStream
from .stream_around import StreamAround


@dataclass(frozen=True)
class FaultRates:
    """How bad the line is; every rate 0 to 1.

    `drop` loses an octet, `flip` inverts one of its bits, `duplicate` sends it twice, `noise` puts a random
    octet before it; `split` delivers a portion in two.
    """

    drop: float = 0.0
    flip: float = 0.0
    duplicate: float = 0.0
    noise: float = 0.0
    split: float = 0.0


class FaultInjector:
    """The faults of one direction. Not for secrets: the sequence follows from `seed`."""

    def __init__(self, seed: int, rates: FaultRates) -> None:
        self.rates = rates
        self._random = Random(seed)

    def apply(self, data: bytes) -> bytes:
        """What arrives of these octets."""
        rates, chance = self.rates, self._random.random
        arrived = bytearray()
        for octet in data:
            if chance() < rates.noise:
                arrived.append(self._random.randrange(256))
            if chance() < rates.drop:
                continue
            if chance() < rates.flip:
                octet ^= 1 << self._random.randrange(8)
            arrived.append(octet)
            if chance() < rates.duplicate:
                arrived.append(octet)
        return bytes(arrived)

    def portions(self, data: bytes) -> list[bytes]:
        """The octets in the portions in which they are delivered; none of them empty."""
        if len(data) > 1 and self._random.random() < self.rates.split:
            cut = self._random.randrange(1, len(data))
            return [data[:cut], data[cut:]]
        return [data] if data else []


class FaultyStream(StreamAround):
    """A stream behind a bad line; wrap it around any other. A direction without an injector is a good one."""

    def __init__(
        self, stream: ByteStream, incoming: FaultInjector | None = None, outgoing: FaultInjector | None = None
    ) -> None:
        super().__init__(stream)
        self._incoming = incoming
        self._outgoing = outgoing

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Hand on what arrives."""
        if self._incoming is None:
            return self._stream.receive_data(data, now)
        events: list[Event] = []
        for portion in self._incoming.portions(self._incoming.apply(data)):
            events += self._stream.receive_data(portion, now)
        return events

    def data_to_send(self) -> bytes:
        """What arrives of what the stream sends."""
        data = self._stream.data_to_send()
        return data if self._outgoing is None else self._outgoing.apply(data)
