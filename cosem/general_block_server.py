"""General-block-transfer around the server's side of an association: APDU in, the APDUs that answer it out.

What comes in blocks is put together and served whole, what is too long for the client goes out in blocks, where
general-block-transfer was negotiated and the service has no blocks of its own. A request in blocks is answered in
blocks, as the Green Book (9.4.6.13) asks.

| what came | answer |
|---|---|
| any other APDU | ends the transfer; its own answer, in blocks where it is too long |
| the first window of an APDU in blocks | begins a transfer |
| blocks of a transfer | as `BlockTransfer` says |
| the request again, its answer not yet sent to the end | the missing part of the answer |
| the first block again, the answer sent to the end | is a new request: the client may well ask the same twice |
| an acknowledgement, but there is no transfer | exception-response operation-not-possible |
| blocks, not negotiated | as any service that was not negotiated |
| a block longer than our receive PDU, more octets than `value_octets` | exception-response pdu-too-long |
| a request whose answer has more blocks than there are numbers | the same |
| octets that do not decode, a number that cannot be, an AARQ or RLRQ in blocks | exception-response other-reason |
| turn after turn that brings nothing new (`repetitions`) | the same |

Every exception-response ends the transfer (ours: the standard says that it may be aborted, not with what).

Over datagrams a turn is one block, whatever window the client has: its address may be forged, and one datagram must not
bring many to somebody else. For all that the association keeps in blocks, this transfer and those of services, a time
runs (`deadline`): when nothing came for `rest_s`, it is dropped; so it is where all connections together keep too
much (`held_octets.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from . import acse
from .association import Association
from .errors import DecodeError
from .general_block_transfer import (
    GENERAL_BLOCK_TRANSFER,
    BlockTransfer,
    BlockTransferSettings,
    GeneralBlock,
    TooLong,
    TransferFailed,
    read_general_block,
)
from .held_octets import HeldOctets
from .xdlms import ServiceFault, StateError, exception_response

_NEVER_CUT: Final = frozenset((acse.AARE, acse.RLRE))
_NEVER_CARRIED: Final = frozenset((acse.AARQ, acse.RLRQ, GENERAL_BLOCK_TRANSFER))


class GeneralBlockServer:
    """Serves one association, whole APDUs and those in blocks; keeps one transfer at most."""

    def __init__(self, association: Association, held: HeldOctets | None = None) -> None:
        self.deadline: float | None = None
        """When `handle_timer` is due; None while nothing is kept."""
        self._association = association
        self._serve = association.handle
        self._held = held or HeldOctets()
        self._transfer: BlockTransfer | None = None

    def reset(self) -> None:
        """The link is gone, the association with it."""
        self._association.reset()
        self._forget()

    def drop(self) -> None:
        """Keep nothing of what goes in blocks; the association stays."""
        self._transfer = None
        self._association.end_transfers()
        self.deadline = None

    def handle_timer(self, now: float) -> None:
        """The client has not gone on in time."""
        if self.deadline is not None and now >= self.deadline:
            self._forget()

    def _forget(self) -> None:
        self.drop()
        self._held.hold(self, 0)

    def handle(self, apdu: bytes, now: float) -> Sequence[bytes]:
        """Serve one APDU at `now` (seconds, any origin); gives the APDUs to answer, none for silence."""
        if apdu[:1] == b"\xe0":
            replies: Sequence[bytes] = self._blocks(apdu, now)
        else:
            self._transfer = None
            reply = self._serve(apdu)
            size = self._association.general_block_size
            if reply is None:
                replies = ()
            elif size is None or len(reply) <= self._association.most_octets or reply[0] in _NEVER_CUT:
                replies = (reply,)
            else:
                replies = self._send(BlockTransfer(self._settings(size), now, answers=True), reply)
        if self._transfer is not None or self.deadline is not None or self._association.holding:
            self._count(now)
        return replies

    def _count(self, now: float) -> None:
        """Say how much is kept, and let its time begin anew."""
        octets = self._association.held_octets()
        if self._transfer is not None:
            octets += self._transfer.held_octets
        self.deadline = now + self._association.cost.limits.rest_s if octets else None
        self._held.hold(self, octets)

    def _blocks(self, apdu: bytes, now: float) -> Sequence[bytes]:
        association = self._association
        size = association.general_block_size
        if size is None or association.definition is None:
            reply = self._serve(apdu)
            return () if reply is None else (reply,)
        if len(apdu) > association.definition.max_receive_pdu:
            return self._abort(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
        try:
            block = read_general_block(apdu)
            transfer = self._transfer_of(block, size, now)
            if transfer is None:
                return self._abort(StateError.SERVICE_NOT_ALLOWED, ServiceFault.OPERATION_NOT_POSSIBLE)
            request = transfer.receive(block, now)
        except TooLong:
            return self._abort(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
        except (DecodeError, TransferFailed):
            return self._abort(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)
        if request is None:
            return transfer.data_to_send()
        if request[0] in _NEVER_CARRIED:
            return self._abort(StateError.SERVICE_UNKNOWN, ServiceFault.OTHER_REASON)
        reply = association.handle_whole(request)
        return () if reply is None else self._send(transfer, reply)

    def _transfer_of(self, block: GeneralBlock, size: int, now: float) -> BlockTransfer | None:
        """The transfer that a block belongs to, which it may begin; None for one that is not there (any more)."""
        transfer = self._transfer
        if transfer is not None:
            transfer.handle_timer(now)
            if transfer.over:
                transfer = None
        if transfer is not None and block.data and not transfer.continues_with(block):
            transfer = None
        if transfer is None and block.data and block.acknowledged == 0:
            transfer = BlockTransfer(self._settings(size), now)
        self._transfer = transfer
        return transfer

    def _send(self, transfer: BlockTransfer, reply: bytes) -> Sequence[bytes]:
        self._transfer = transfer
        try:
            transfer.send(reply)
        except TooLong:
            return self._abort(StateError.SERVICE_NOT_ALLOWED, ServiceFault.PDU_TOO_LONG)
        return transfer.data_to_send()

    def _settings(self, size: int) -> BlockTransferSettings:
        limits = self._association.cost.limits
        settings = BlockTransferSettings(
            size, limits.value_octets, limits.window, limits.rest_s, repetitions=limits.repetitions
        )
        return settings if self._association.segments else settings._replace(burst=1)

    def _abort(self, state: StateError, fault: ServiceFault) -> Sequence[bytes]:
        self._transfer = None
        refusal = self._association.refused(exception_response(state, fault), GENERAL_BLOCK_TRANSFER)
        return () if refusal is None else (refusal,)
