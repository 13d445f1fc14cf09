"""General-block-transfer (Green Book 9.4.6.13): an APDU of any length and kind in numbered blocks.

It stands outermost: what the blocks carry may be ciphered, and is looked at only when it is whole. Each side numbers
the APDUs it sends from 1, also those that carry nothing but an acknowledgement; a number comes twice only when a block
is sent again. The fields of a block, and how we read them:

| field | meaning |
|---|---|
| last | the block ends the APDU; an acknowledgement sets it too, having nothing more to send |
| streaming | more blocks follow at once; where it is clear, it is the other side's turn |
| window | how many blocks the sender of this one can take in a row; 0: none, so nothing is acknowledged |
| number | of this block |
| acknowledged | the number up to which no block is missing |
| data | a piece of the APDU, empty in an acknowledgement |

One `BlockTransfer` is one exchange, on one side. Whose turn it is follows from the last block that was not streaming:

| whose turn it became | what it sends |
|---|---|
| its APDU is not yet acknowledged to the end | a window of it, from the first block that the other side is missing |
| it has nothing, the other's APDU is not complete | an acknowledgement |
| the other's APDU is complete | whatever the layer above answers, in blocks |

Blocks that come again are not taken again, blocks ahead of a gap are kept as far as our window reaches, blocks beyond
are treated as lost. The side that began repeats its last block when nothing came for `timeout_s`, `attempts` times;
the other side only waits, so no two repetitions cross. A transfer that is at an end by time, by a wrong number or by
turn after turn without anything new is `over`, and takes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from .errors import DecodeError
from .reader import Reader, encode_length
from .request_cost import RequestLimits

GENERAL_BLOCK_TRANSFER: Final = 0xE0

_LAST: Final = 0x80
_STREAMING: Final = 0x40
_WINDOW: Final = 0x3F

MOST_BLOCKS: Final = 0xFFFF
"""Block numbers have two octets, and 0 is none."""

BLOCK_OVERHEAD: Final = 9
"""Octets around the data of a block: tag, control, two numbers, length in long form."""


class GeneralBlock(NamedTuple):
    """One general-block-transfer APDU."""

    last: bool
    streaming: bool
    window: int
    number: int
    acknowledged: int
    data: bytes = b""

    def __str__(self) -> str:
        flags = ("last " if self.last else "") + ("streaming " if self.streaming else "")
        return (
            f"block {self.number} {flags}window {self.window} acknowledged {self.acknowledged}, {len(self.data)} octets"
        )


def read_general_block(octets: bytes) -> GeneralBlock:
    """Read a general-block-transfer APDU; raises `DecodeError`."""
    reader = Reader(octets)
    if (tag := reader.u8()) != GENERAL_BLOCK_TRANSFER:
        raise DecodeError(f"general-block-transfer (0xe0) expected, found 0x{tag:02x}", 0)
    control = reader.u8()
    number, acknowledged = reader.unsigned(2), reader.unsigned(2)
    data = reader.octets(reader.length())
    reader.end()
    if data and not number:
        raise DecodeError("a block with data has number 0", 2)
    return GeneralBlock(
        bool(control & _LAST), bool(control & _STREAMING), control & _WINDOW, number, acknowledged, data
    )


def write_general_block(block: GeneralBlock) -> bytes:
    """Write a general-block-transfer APDU."""
    control = block.window | (_LAST if block.last else 0) | (_STREAMING if block.streaming else 0)
    head = bytes((GENERAL_BLOCK_TRANSFER, control))
    numbers = block.number.to_bytes(2, "big") + block.acknowledged.to_bytes(2, "big")
    return head + numbers + encode_length(len(block.data)) + block.data


def unconfirmed_blocks(apdu: bytes, size: int) -> Iterator[bytes]:
    """An APDU in blocks that nobody acknowledges, each at most `size` octets long: a notification.

    All of them are streaming, also the last, as meters in the field send it.
    """
    room = size - BLOCK_OVERHEAD
    for number, begin in enumerate(range(0, len(apdu), room), 1):
        last = begin + room >= len(apdu)
        yield write_general_block(GeneralBlock(last, True, 0, number, 0, apdu[begin : begin + room]))


class TransferFailed(Exception):
    """The other side breaks the rules, or sends more than is allowed: the transfer is over."""


class TooLong(TransferFailed):
    """The APDU has more octets than the limit."""


class BlockTransferSettings(NamedTuple):
    """What one side can do. Each bound keeps what a peer can make us hold, or how long, finite.

    `size` is the most octets a block of ours may have as an APDU, `limit` the most octets of an APDU put together.
    """

    size: int
    limit: int
    window: int = RequestLimits().window
    """Blocks taken in a row."""
    timeout_s: float = 10.0
    """For which nothing may come; longer than a window takes on the link."""
    attempts: int = 0
    """Repetitions before giving up; 0 for the side that does not begin."""
    burst: int = _WINDOW
    """Blocks sent in a row, even where the other side would take more."""
    repetitions: int = RequestLimits().repetitions
    """Turns in a row that bring nothing new before giving up."""


class BlockTransfer:
    """One side of one exchange in blocks: an APDU there, and the one that answers it back.

    `answers`: the request came whole, there is only its answer to send.
    """

    def __init__(self, settings: BlockTransferSettings, now: float, *, answers: bool = False) -> None:
        self.over = False
        self._settings = settings
        self._room = settings.size - BLOCK_OVERHEAD
        self._attempts = settings.attempts
        self._repetitions = settings.repetitions
        self._deadline = now + settings.timeout_s
        self._queue: list[bytes] = []
        # What we send: numbers up to `_sent` were used, the APDU has those from `_first` to `_last`.
        self._apdu = b""
        self._first = self._last = 0
        self._sent = 0
        self._acknowledged = 0
        self._began = False
        self._peer_window = 1  # one block, until the other side says what it takes
        # What we receive: all up to `_received`, and what came ahead of a gap.
        self._parts: list[bytes] = []
        self._received = 0
        self._octets = 0
        self._ahead: dict[int, GeneralBlock] = {}
        self._complete = answers

    def send(self, apdu: bytes) -> None:
        """Send an APDU: as many blocks as the other side takes now, the rest when it asks for them.

        Raises `TooLong` where it needs more blocks than there are numbers.
        """
        if self._room < 1 or self._sent - (-len(apdu) // self._room) > MOST_BLOCKS:
            self.over = True
            raise TooLong(f"an APDU of {len(apdu)} octets in blocks of {self._room}")
        self._began = not self._complete
        self._apdu = apdu
        self._first = self._sent + 1
        self._last = self._sent - (-len(apdu) // self._room)
        self._send_window(self._sent)

    def receive(self, block: GeneralBlock, now: float) -> bytes | None:
        """Take a block. Gives the APDU when this completes it: then it is our turn, `send` the answer.

        Raises `TransferFailed` for a number that cannot be and where too many turns brought nothing new, `TooLong` for
        an APDU beyond the limit.
        """
        if block.acknowledged > self._sent:
            self.over = True
            raise TransferFailed(f"block {block.acknowledged} acknowledged, {self._sent} were sent")
        so_far = self._received + self._acknowledged
        self._deadline = now + self._settings.timeout_s
        # An answer acknowledges the whole of what began the exchange, whatever number it says.
        implied = self._last if self._began and block.data else 0
        self._acknowledged = max(self._acknowledged, block.acknowledged, implied)
        self._peer_window = min(block.window, self._settings.burst)
        if not self._complete:
            self._take(block)
            if self._complete:
                return b"".join(self._parts)
        else:
            self._received = max(self._received, block.number)
        if self._received + self._acknowledged > so_far:
            self._attempts = self._settings.attempts
            self._repetitions = self._settings.repetitions
        elif not block.streaming:
            self._repetitions -= 1
            if self._repetitions < 0:
                self.over = True
                raise TransferFailed(f"{self._settings.repetitions} turns brought nothing new")
        if not block.streaming:
            self._take_turn()
        return None

    def continues_with(self, block: GeneralBlock) -> bool:
        """Whether a block of data belongs to this transfer; otherwise the other side has begun another.

        Once our answer was sent to its end, the first block may well be the same request asked anew: it is taken so.
        """
        if block.number > len(self._parts):
            return not self._complete
        answered = 0 < self._last <= self._sent
        return self._parts[block.number - 1] == block.data and not (block.number == 1 and answered)

    def data_to_send(self) -> list[bytes]:
        """The APDUs to send now, in order."""
        queue, self._queue = self._queue, []
        return queue

    @property
    def held_octets(self) -> int:
        """How many of both APDUs are kept."""
        return len(self._apdu) + self._octets

    def next_timer(self) -> float | None:
        """When `handle_timer` is due; None when the transfer is over."""
        return None if self.over else self._deadline

    def handle_timer(self, now: float) -> None:
        """Nothing came in time: our last block once more, or the transfer is over."""
        if self.over or now < self._deadline:
            return
        if not self._attempts:
            self.over = True
            return
        self._attempts -= 1
        self._deadline = now + self._settings.timeout_s
        self._sent = self._sent or 1  # nothing of an answer has come: its first block is missing
        self._queue.append(self._block(self._sent, streaming=False))

    def _take(self, block: GeneralBlock) -> None:
        number = block.number
        if not self._received < number <= self._received + max(1, self._settings.window) or number in self._ahead:
            return
        self._octets += len(block.data)
        if self._octets > self._settings.limit:
            self.over = True
            raise TooLong(f"more than {self._settings.limit} octets in blocks")
        self._ahead[number] = block
        while (following := self._ahead.pop(self._received + 1, None)) is not None:
            self._received += 1
            self._parts.append(following.data)
            # Acknowledgements say "last" as well, having nothing more to send: only data can end an APDU.
            if following.last and self._octets:
                self._complete = True
                return

    def _take_turn(self) -> None:
        if self._acknowledged < self._last:
            self._send_window(self._acknowledged)
        elif not self._complete:
            if self._sent == self._acknowledged:
                self._sent += 1
            if self._sent > MOST_BLOCKS:
                self.over = True
                raise TransferFailed("there are no more block numbers")
            self._queue.append(self._block(self._sent, streaming=False))

    def _send_window(self, missing_after: int) -> None:
        end = min(missing_after + self._peer_window, self._last)
        for number in range(missing_after + 1, end + 1):
            self._queue.append(self._block(number, streaming=number < end))
        self._sent = max(self._sent, end)

    def _block(self, number: int, *, streaming: bool) -> bytes:
        begin = (number - self._first) * self._room
        data = self._apdu[begin : begin + self._room] if self._first <= number <= self._last else b""
        last = number >= self._last or not data
        block = GeneralBlock(last, streaming, self._settings.window, number, self._received, data)
        return write_general_block(block)
