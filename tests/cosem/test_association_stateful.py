"""The association under any sequence of requests, against a model of its state kept alongside.

The model knows what is open, what was negotiated, and which long transfer stands at which block; it predicts
every answer from the standard's rules without looking into the association.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cosem import acse, initiate, xdlms
from cosem.association import Association
from cosem.data_types import OCTET_STRING
from cosem.errors import DataAccessResult
from cosem.initiate import Conformance
from cosem.xdlms import BLOCK_OVERHEAD, AttributeRequest, Block, GetReply

from .samples import CLASSIC, ENERGY_VALUE, NOTE_VALUE, Device, aarq, definition, octets

NOT_POSSIBLE, NOT_SUPPORTED, UNKNOWN = (bytes.fromhex(octets) for octets in ("d80101", "d80102", "d80203"))
INVOKE = 0xC1
_OPTIONAL = (
    Conformance.SET,
    Conformance.ACTION,
    Conformance.BLOCK_TRANSFER_WITH_GET,
    Conformance.BLOCK_TRANSFER_WITH_SET,
)


class AssociationMachine(RuleBasedStateMachine):
    """Requests in any order; the long values are the note (52 octets and up) in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.device = Device()
        self.association = Association(definition(), self.device, self.device.report)
        self.note = self.device.note
        self.resets = 0
        self.close()

    # --- the model --------------------------------------------------------------------------------

    def close(self) -> None:
        self.open = False
        self.services = Conformance(0)
        self.capacity = 0
        self.reading: tuple[bytes, int] | None = None  # the rest of the value, and the number of the last block sent
        self.interrupted = False
        self.writing: tuple[bytes, int] | None = None  # the octets so far, and the number of the last block taken

    def interrupt(self) -> None:
        if self.reading is not None:
            self.reading, self.interrupted = None, True

    def ask(self, request: bytes) -> bytes:
        answer = self.association.handle(request)
        assert answer is not None
        return answer

    def block(self, octets: bytes, number: int) -> bytes:
        room = self.capacity - BLOCK_OVERHEAD
        part, rest = octets[:room], octets[room:]
        self.reading = (rest, number) if rest else None
        return xdlms.get_block(INVOKE, Block(not rest, number, part))

    def refused(self, *services: Conformance) -> bytes | None:
        if not self.open:
            return NOT_POSSIBLE
        return None if all(service in self.services for service in services) else NOT_SUPPORTED

    # --- ACSE -------------------------------------------------------------------------------------

    @rule(
        without=st.sets(st.sampled_from(_OPTIONAL)),
        max_pdu=st.sampled_from((12, 13, 30, 64, 0xFFFF)),
    )
    def good_aarq(self, without: set[Conformance], max_pdu: int) -> None:
        self.close()
        services = CLASSIC
        for service in without:
            services &= ~service
        answer = acse.read_aare(self.ask(aarq(max_pdu, services)))
        assert answer.result == acse.AssociationResult.ACCEPTED
        assert answer.user_information is not None
        assert initiate.read_initiate_response(answer.user_information).conformance == services
        self.open, self.services, self.capacity = True, services, max_pdu

    @rule(bad=st.sampled_from((aarq(11), aarq(conformance=0), aarq(password=b"12345"), b"\x60\x01\xa1", b"\x60")))
    def bad_aarq(self, bad: bytes) -> None:
        self.close()
        assert acse.read_aare(self.ask(bad)).result == acse.AssociationResult.REJECTED_PERMANENT

    @rule()
    def release(self) -> None:
        self.close()
        assert self.ask(acse.write_release(acse.RLRQ, acse.Release())) == octets("V059")

    @rule()
    def link_lost(self) -> None:
        self.close()
        self.association.reset()

    # --- GET --------------------------------------------------------------------------------------

    @rule()
    def get_short(self) -> None:
        answer = self.ask(xdlms.write_get(INVOKE, AttributeRequest(ENERGY_VALUE.to_bytes())))
        if (refused := self.refused(Conformance.GET)) is not None:
            assert answer == refused
            return
        self.interrupt()
        assert answer == bytes.fromhex("c401c100 0600004b35")

    @rule()
    def get_long(self) -> None:
        answer = self.ask(xdlms.write_get(INVOKE, AttributeRequest(NOTE_VALUE.to_bytes())))
        if (refused := self.refused(Conformance.GET)) is not None:
            assert answer == refused
            return
        self.interrupt()
        value = OCTET_STRING.encode(self.note)
        if len(value) + 4 <= self.capacity:
            assert answer == b"\xc4\x01\xc1\x00" + value
        elif Conformance.BLOCK_TRANSFER_WITH_GET not in self.services or self.capacity <= BLOCK_OVERHEAD:
            assert answer == xdlms.get_response(INVOKE, DataAccessResult.OTHER_REASON)
        else:
            self.interrupted = False
            assert answer == self.block(value, 1)

    @rule(offset=st.sampled_from((0, 0, 0, 1, -1)))
    def get_next(self, offset: int) -> None:
        reading = self.reading
        number = (reading[1] if reading else 1) + offset
        answer = self.ask(xdlms.write_get_next(INVOKE, number))
        if (refused := self.refused(Conformance.BLOCK_TRANSFER_WITH_GET)) is not None:
            assert answer == refused
        elif reading is None:
            aborted, self.interrupted = self.interrupted, False
            reason = DataAccessResult.LONG_GET_ABORTED if aborted else DataAccessResult.NO_LONG_GET_IN_PROGRESS
            assert xdlms.read_get_response(answer) == GetReply(None, reason, number, True)
        elif offset:
            self.reading = None
            assert xdlms.read_get_response(answer).result is DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        else:
            assert answer == self.block(reading[0], number + 1)

    # --- SET --------------------------------------------------------------------------------------

    @rule(note=st.binary(max_size=80))
    def set_normal(self, note: bytes) -> None:
        request = AttributeRequest(NOTE_VALUE.to_bytes())
        answer = self.ask(xdlms.write_set(INVOKE, request, OCTET_STRING.encode(note)))
        if (refused := self.refused(Conformance.SET)) is not None:
            assert answer == refused
            return
        self.interrupt()
        self.writing = None
        assert answer == bytes.fromhex("c501c100")
        self.note = note

    @rule(note=st.binary(max_size=80), whole=st.booleans())
    def set_first_block(self, note: bytes, whole: bool) -> None:
        value = OCTET_STRING.encode(note)
        part = value if whole else value[: len(value) // 2]
        block = xdlms.write_block(Block(whole, 1, part))
        answer = self.ask(b"\xc1\x02\xc1" + NOTE_VALUE.to_bytes() + b"\x00" + block)
        if (refused := self.refused(Conformance.SET)) is not None:
            assert answer == refused
            return
        self.interrupt()
        self.writing = None
        if Conformance.BLOCK_TRANSFER_WITH_SET not in self.services:
            assert answer == NOT_SUPPORTED
        elif whole:
            self.note = note
            assert answer == bytes.fromhex("c503c100 00000001")
        else:
            self.writing = part, 1
            self.rest = value[len(part) :]
            assert answer == bytes.fromhex("c502c1 00000001")

    @rule(offset=st.sampled_from((0, 0, 1, -1)), last=st.booleans())
    def set_next_block(self, offset: int, last: bool) -> None:
        writing = self.writing
        number = (writing[1] + 1 if writing else 2) + offset
        part = self.rest if writing and last else b""
        answer = self.ask(b"\xc1\x03\xc1" + xdlms.write_block(Block(last, number, part)))
        if (refused := self.refused(Conformance.SET)) is not None:
            assert answer == refused
            return
        self.interrupt()
        tail = number.to_bytes(4, "big")
        if writing is None:
            assert answer == b"\xc5\x03\xc1\x12" + tail
        elif offset:
            self.writing = None
            assert answer == b"\xc5\x03\xc1\x13" + tail
        elif last:
            self.writing = None
            self.note = (writing[0] + part)[2:]
            assert answer == b"\xc5\x03\xc1\x00" + tail
        else:
            self.writing = writing[0], number
            assert answer == b"\xc5\x02\xc1" + tail

    # --- ACTION, and nonsense ---------------------------------------------------------------------

    @rule()
    def action(self) -> None:
        answer = self.ask(bytes.fromhex("c301c100030101010800ff01010f00"))
        if (refused := self.refused(Conformance.ACTION)) is not None:
            assert answer == refused
            return
        self.interrupt()
        self.resets += 1
        assert answer == bytes.fromhex("c701c10000")

    @rule(octets=st.sampled_from(("", "00", "6201")))
    def nonsense(self, octets: str) -> None:
        assert self.ask(bytes.fromhex(octets)) == UNKNOWN

    @precondition(lambda self: self.open)
    @rule(octets=st.sampled_from(("c002c100", "c002c10000000100")))
    def next_cut_short(self, octets: str) -> None:
        assert self.ask(bytes.fromhex(octets)) == UNKNOWN

    # --- always -----------------------------------------------------------------------------------

    @invariant()
    def state_agrees(self) -> None:
        assert self.association.associated == self.open
        assert self.association.negotiated == self.services
        assert (self.association.get.transfer is None) == (self.reading is None)
        assert self.device.note == self.note
        assert len(self.device.invoked) == self.resets
        assert self.device.reports == []


TestAssociationMachine = AssociationMachine.TestCase
TestAssociationMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True)
