"""General-block-transfer around an association: long requests and answers, plain and ciphered, and what ends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse, initiate, xdlms
from cosem.access_service import AccessKind, AccessRequest, Specification, read_access_response, write_access_request
from cosem.acse import ApplicationContext, Mechanism
from cosem.association import Association
from cosem.association_definition import AssociationDefinition
from cosem.client import Client
from cosem.data_types import LONG, OCTET_STRING
from cosem.general_block_server import GeneralBlockServer
from cosem.general_block_transfer import (
    BlockTransfer,
    BlockTransferSettings,
    GeneralBlock,
    read_general_block,
    write_general_block,
)
from cosem.held_octets import HeldOctets
from cosem.initiate import Conformance
from cosem.request_cost import RequestLimits
from cosem.security.policy import Protection, SecurityPolicy
from cosem.security.security_context import How, SecurityContext
from cosem.security.tags import Envelope
from cosem.xdlms import AttributeRequest, Descriptor

from .samples import BUFFER, CLOCK, ENERGY_VALUE, NOTE_VALUE, VIEW, Device, aarq, associated
from .security.samples import CLIENT, SERVER, pair

GENERAL = Conformance.GENERAL_BLOCK_TRANSFER
SERVICES = Conformance.GET | Conformance.SET | Conformance.ACTION | Conformance.ACCESS
SIZE = 40
NOT_POSSIBLE = bytes.fromhex("d80101")
NOT_SUPPORTED = bytes.fromhex("d80102")
TOO_LONG = bytes.fromhex("d80104")
REFUSED = bytes.fromhex("d80203")


def get(descriptor: Descriptor) -> bytes:
    return xdlms.write_get(0xC1, AttributeRequest(descriptor.to_bytes()))


def set_note(text: bytes) -> bytes:
    return xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(text))


GET_BUFFER = get(BUFFER)
GET_ENERGY = get(ENERGY_VALUE)


def opened(
    services: Conformance = SERVICES | GENERAL, max_pdu: int = SIZE, held: HeldOctets | None = None, **other: Any
) -> tuple[GeneralBlockServer, Association, Device]:
    """An open association behind general-block-transfer."""
    association, device = associated(max_pdu, services, conformance=services, **other)
    return GeneralBlockServer(association, held), association, device


def client(now: float = 0.0, window: int = 4, attempts: int = 3, size: int = SIZE) -> BlockTransfer:
    return BlockTransfer(BlockTransferSettings(size, 0x10000, window, timeout_s=2.0, attempts=attempts), now)


Handle = Callable[[bytes, float], Any]


def exchange(handle: Handle, side: BlockTransfer, lost: list[bool] | None = None) -> bytes | None:
    """Until the client has its answer, in blocks or whole; None where it gave up."""
    losses, now = iter(lost or []), 0.0
    while not side.over:
        while up := [apdu for apdu in side.data_to_send() if not next(losses, False)]:
            for apdu in up:
                for reply in [reply for reply in handle(apdu, now) if not next(losses, False)]:
                    if reply[0] != 0xE0:
                        return bytes(reply)
                    if (response := side.receive(read_general_block(reply), now)) is not None:
                        return response
        due = side.next_timer()
        assert due is not None
        now = due
        side.handle_timer(now)
    return None


def in_blocks(server: GeneralBlockServer, request: bytes) -> bytes | None:
    """A request in blocks, and its answer."""
    side = client()
    side.send(request)
    return exchange(server.handle, side)


def answer_in_blocks(server: GeneralBlockServer, request: bytes) -> bytes | None:
    """A request that is sent whole, and its answer in blocks."""
    side = client()
    (first,) = server.handle(request, 0.0)
    response = side.receive(read_general_block(first), 0.0)
    return exchange(server.handle, side) if response is None else response


def whole(request: bytes) -> bytes:
    """What an association answers that has room for everything."""
    association, _ = associated(0xFFFF, SERVICES, conformance=SERVICES, max_receive_pdu=0xFFFF)
    response = association.handle(request)
    assert response is not None
    return response


# --- long answers, long requests --------------------------------------------------------------------


def test_a_short_answer_goes_out_whole() -> None:
    server, _, _ = opened()
    assert server.handle(GET_ENERGY, 0.0) == (whole(GET_ENERGY),)


def test_an_answer_that_is_too_long_goes_out_in_blocks_that_the_client_takes() -> None:
    server, _, _ = opened()
    (first,) = server.handle(GET_BUFFER, 0.0)
    assert len(first) <= SIZE
    assert read_general_block(first)[:5] == (False, False, 8, 1, 0)
    assert answer_in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)


def test_a_service_with_blocks_of_its_own_uses_them() -> None:
    server, _, _ = opened(SERVICES | GENERAL | Conformance.BLOCK_TRANSFER_WITH_GET)
    (first,) = server.handle(GET_BUFFER, 0.0)
    assert first[:2] == b"\xc4\x02"


def test_a_request_in_blocks_is_answered_in_blocks_whatever_else_was_negotiated() -> None:
    server, _, _ = opened(SERVICES | GENERAL | Conformance.BLOCK_TRANSFER_WITH_GET)
    assert in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)
    assert in_blocks(server, GET_ENERGY) == whole(GET_ENERGY)


def test_without_it_a_long_answer_is_other_reason() -> None:
    server, _, _ = opened(SERVICES)
    assert server.handle(GET_BUFFER, 0.0) == (bytes.fromhex("c401c101fa"),)


def test_a_request_longer_than_our_pdu_size_is_put_together() -> None:
    server, _, device = opened(max_receive_pdu=SIZE)
    text = bytes(300)
    assert server.handle(set_note(text), 0.0) == (TOO_LONG,)
    assert in_blocks(server, set_note(text)) == bytes.fromhex("c501c100")
    assert device.note == text


def test_an_access_request_and_its_long_answer_go_in_blocks() -> None:
    server, _, device = opened()
    attributes = [BUFFER, ENERGY_VALUE, NOTE_VALUE] * 3
    specifications = [Specification(AccessKind.GET, AttributeRequest(item.to_bytes())) for item in attributes]
    shift = Specification(AccessKind.ACTION, AttributeRequest(Descriptor(8, CLOCK, 6).to_bytes()))
    data = [b"\x00"] * len(specifications) + [LONG.encode(7)]
    response = in_blocks(server, write_access_request(AccessRequest(1, b"", [*specifications, shift], data)))
    assert response is not None
    assert [result.code for result in read_access_response(response).results] == [0] * 10
    assert device.invoked == [("shift", 7)]


def test_on_a_link_of_small_frames_a_block_fits_into_one() -> None:
    server, _, _ = opened(max_pdu=60, link_limit=30)
    (first,) = server.handle(GET_BUFFER, 0.0)
    assert len(first) <= 30
    assert answer_in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)


def test_requests_follow_each_other_also_the_same_one() -> None:
    server, _, device = opened()
    for energy in (1, 2, 3):
        device.energy = energy
        assert in_blocks(server, GET_ENERGY) == bytes.fromhex("c401c10006") + energy.to_bytes(4, "big")
        assert answer_in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)


# --- what ends a transfer ---------------------------------------------------------------------------


def test_another_request_ends_a_transfer() -> None:
    server, _, _ = opened()
    server.handle(GET_BUFFER, 0.0)
    assert server.handle(GET_ENERGY, 0.0) == (whole(GET_ENERGY),)
    ready = write_general_block(GeneralBlock(True, False, 4, 1, 1))
    assert server.handle(ready, 0.0) == (NOT_POSSIBLE,)


def test_time_ends_a_transfer() -> None:
    server, _, _ = opened()
    server.handle(GET_BUFFER, 0.0)
    ready = write_general_block(GeneralBlock(True, False, 4, 1, 1))
    assert len(server.handle(ready, 119.9)) == 4
    assert server.handle(write_general_block(GeneralBlock(True, False, 4, 2, 5)), 239.9) == (NOT_POSSIBLE,)


def test_a_request_that_was_given_up_makes_room_for_the_next() -> None:
    server, _, device = opened()
    abandoned = client()
    abandoned.send(set_note(bytes(200)))
    server.handle(abandoned.data_to_send()[0], 0.0)
    assert in_blocks(server, set_note(b"x" * 100)) == bytes.fromhex("c501c100")
    assert device.note == b"x" * 100


def test_the_request_again_gets_the_answer_again_and_is_not_done_twice() -> None:
    server, _, device = opened(max_pdu=12)
    device.invoked.clear()
    shift = xdlms.write_action(0xC1, Descriptor(8, CLOCK, 6).to_bytes(), LONG.encode(7))
    block = write_general_block(GeneralBlock(True, False, 1, 1, 0, shift))
    (first,) = server.handle(block, 0.0)
    assert not read_general_block(first).last
    assert server.handle(block, 0.0) == [first]
    assert device.invoked == [("shift", 7)]


WRONG = {
    "an acknowledgement of nothing": ("e0 84 0001 0000 00", NOT_POSSIBLE),
    "an answer to nothing": ("e0 84 0001 0007 01 c0", NOT_POSSIBLE),
    "no block": ("e0 84 0001", REFUSED),
    "data without a number": ("e0 84 0000 0000 01 c0", REFUSED),
    "a block longer than our PDU": ("e0 01 0001 0000 82 0400" + "00" * 0x400, TOO_LONG),
    "an AARQ": ("e0 81 0001 0000 1f" + aarq()[:31].hex(), REFUSED),
    "an RLRQ": ("e0 81 0001 0000 05 6203800100", REFUSED),
    "blocks in a block": ("e0 81 0001 0000 08 e0810001000001c0", REFUSED),
}


@pytest.mark.parametrize(("sent", "answer"), WRONG.values(), ids=WRONG)
def test_a_wrong_block_is_refused_and_the_association_lives_on(sent: str, answer: bytes) -> None:
    server, association, _ = opened()
    assert tuple(server.handle(bytes.fromhex(sent), 0.0)) == (answer,)
    assert association.associated
    assert in_blocks(server, GET_ENERGY) == whole(GET_ENERGY)


def test_an_acknowledgement_that_cannot_be_ends_the_transfer() -> None:
    server, _, _ = opened()
    server.handle(GET_BUFFER, 0.0)
    assert server.handle(write_general_block(GeneralBlock(True, False, 4, 1, 9)), 0.0) == (REFUSED,)
    assert server.handle(write_general_block(GeneralBlock(True, False, 4, 1, 1)), 0.0) == (NOT_POSSIBLE,)


def test_a_request_beyond_the_value_limit_is_refused_before_it_is_whole() -> None:
    server, _, device = opened(limits=RequestLimits(value_octets=100))
    assert in_blocks(server, set_note(bytes(99))) == TOO_LONG
    assert len(device.note) != 99


def test_an_answer_with_more_blocks_than_numbers_is_too_long() -> None:
    device = Device(note=bytes(3 * 0x10000))
    server, _, _ = opened(max_pdu=12, device=device)
    assert server.handle(get(NOTE_VALUE), 0.0) == (TOO_LONG,)


def test_blocks_are_a_service_that_must_be_negotiated() -> None:
    block = write_general_block(GeneralBlock(True, False, 1, 1, 0, GET_ENERGY))
    server, _, _ = opened(SERVICES)
    assert server.handle(block, 0.0) == (NOT_SUPPORTED,)
    server, _, _ = opened()
    server.reset()
    assert server.handle(block, 0.0) == (NOT_SUPPORTED,)


def test_an_aare_is_never_cut() -> None:
    server, _, _ = opened(max_pdu=12)
    (answer,) = server.handle(aarq(12, SERVICES | GENERAL), 0.0)
    assert answer[0] == acse.AARE
    assert len(answer) > 12


# --- what a client may cost -------------------------------------------------------------------------

FIRST_OF_A_SET = bytes.fromhex("c102c1") + NOTE_VALUE.to_bytes() + bytes.fromhex("00 00 00000001 14") + bytes(20)
BLOCKS = GENERAL | Conformance.BLOCK_TRANSFER_WITH_GET | Conformance.BLOCK_TRANSFER_WITH_SET

LEFT: dict[str, tuple[Conformance, bytes, bytes, bytes]] = {
    "an answer in general blocks": (
        SERVICES | GENERAL, GET_BUFFER, write_general_block(GeneralBlock(True, False, 4, 1, 1)), NOT_POSSIBLE
    ),
    "a request in general blocks": (
        SERVICES | GENERAL,
        write_general_block(GeneralBlock(False, False, 1, 1, 0, bytes(20))),
        write_general_block(GeneralBlock(False, False, 1, 2, 1, bytes(20))),
        NOT_POSSIBLE,
    ),
    "a GET in blocks": (
        SERVICES | BLOCKS, GET_BUFFER, bytes.fromhex("c002c100000001"), bytes.fromhex("c402c101000000010110")
    ),
    "a SET in blocks": (
        SERVICES | BLOCKS, FIRST_OF_A_SET, bytes.fromhex("c103c1 00 00000002 0100"),
        bytes.fromhex("c503c1 12 00000002"),
    ),
}  # fmt: skip
"""Services, what a client begins and leaves, how it would go on, and the answer once that was forgotten."""


@pytest.mark.parametrize(("services", "begun", "more", "refusal"), LEFT.values(), ids=LEFT)
def test_what_a_client_leaves_is_forgotten_without_another_apdu(
    services: Conformance, begun: bytes, more: bytes, refusal: bytes
) -> None:
    held = HeldOctets()
    server, association, _ = opened(services, held=held)
    server.handle(begun, 10.0)
    assert held.total >= 20
    assert server.deadline == 130.0
    server.handle_timer(129.9)
    assert held.total >= 20
    server.handle_timer(130.0)
    assert (held.total, server.deadline) == (0, None)
    assert association.associated
    assert tuple(server.handle(more, 130.0)) == (refusal,)


@pytest.mark.parametrize(("services", "begun", "more", "refusal"), LEFT.values(), ids=LEFT)
def test_a_client_that_goes_on_has_all_its_time_again(
    services: Conformance, begun: bytes, more: bytes, refusal: bytes
) -> None:
    server, _, _ = opened(services)
    server.handle(begun, 10.0)
    assert tuple(server.handle(more, 20.0)) != (refusal,)
    assert server.deadline == 140.0


@pytest.mark.parametrize(("services", "begun", "more", "refusal"), LEFT.values(), ids=LEFT)
def test_all_connections_together_keep_no_more_than_their_limit(
    services: Conformance, begun: bytes, more: bytes, refusal: bytes
) -> None:
    held = HeldOctets(500)
    servers = [opened(services, held=held)[0] for _ in range(50)]
    for server in servers:
        server.handle(begun, 0.0)
        assert held.total <= 500
    assert tuple(servers[0].handle(more, 0.0)) == (refusal,)
    assert tuple(servers[-1].handle(more, 0.0)) != (refusal,)


@pytest.mark.parametrize("services", [SERVICES | GENERAL, SERVICES | BLOCKS])
def test_nothing_is_kept_of_what_came_to_its_end(services: Conformance) -> None:
    held = HeldOctets()
    server, association, _ = opened(services, held=held)
    if services & Conformance.BLOCK_TRANSFER_WITH_GET:
        (reply,) = server.handle(GET_BUFFER, 0.0)
        while association.get.transfer is not None:
            assert held.total > 0
            number = int.from_bytes(reply[4:8], "big")
            (reply,) = server.handle(xdlms.write_get_next(0xC1, number), 0.0)
    else:
        answer_in_blocks(server, GET_BUFFER)
        server.handle(GET_ENERGY, 0.0)
    assert (held.total, server.deadline) == (0, None)


def test_a_connection_that_ends_keeps_nothing() -> None:
    held = HeldOctets()
    server, _, _ = opened(held=held)
    server.handle(GET_BUFFER, 0.0)
    server.reset()
    assert (held.total, server.deadline) == (0, None)


def test_turns_that_bring_nothing_new_come_to_an_end() -> None:
    """The same acknowledgement with the largest window, over and over: each brings a window, but not for ever."""
    server, _, _ = opened(limits=RequestLimits(repetitions=3))
    server.handle(GET_BUFFER, 0.0)
    again = [
        server.handle(write_general_block(GeneralBlock(True, False, 63, number, 0)), 0.0) for number in (1, 1, 1, 1, 1)
    ]
    assert [len(replies) for replies in again] == [7, 7, 7, 7, 1]
    assert again[-1] == (REFUSED,)


LONGEST = 100
CUT = {
    "no blocks of any kind": Conformance(0),
    "general blocks": GENERAL,
    "blocks of a GET": Conformance.BLOCK_TRANSFER_WITH_GET,
    "both": GENERAL | Conformance.BLOCK_TRANSFER_WITH_GET,
}


@pytest.mark.parametrize("more", CUT.values(), ids=CUT)
@pytest.mark.parametrize("request_", [GET_BUFFER, next(Client().get_list([BUFFER, NOTE_VALUE, BUFFER]))])
def test_over_datagrams_a_request_has_one_answer_that_fits_into_one(more: Conformance, request_: bytes) -> None:
    services = SERVICES | Conformance.MULTIPLE_REFERENCES | more
    server, _, _ = opened(services, max_pdu=0xFFFF, link_limit=LONGEST, segments=False)
    (reply,) = server.handle(request_, 0.0)
    assert len(reply) <= LONGEST
    if more & GENERAL and not more & Conformance.BLOCK_TRANSFER_WITH_GET:
        for number in (1, 2):
            block = GeneralBlock(True, False, 63, number, number)
            (reply,) = server.handle(write_general_block(block), 0.0)
            assert len(reply) <= LONGEST


def test_over_datagrams_a_long_answer_arrives_in_blocks() -> None:
    server, _, _ = opened(max_pdu=0xFFFF, link_limit=LONGEST, segments=False)
    assert answer_in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)
    assert in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)


# --- ciphered ---------------------------------------------------------------------------------------

BOTH = How(Protection.AUTHENTICATED | Protection.ENCRYPTED, Envelope.GENERAL_GLOBAL)


class MeterSecurity:
    """What the association needs of the meter: one client, one context."""

    system_title = SERVER
    policy = SecurityPolicy.of(0, 3)

    def __init__(self, held: SecurityContext) -> None:
        self.held = held
        self.refusals: list[Exception] = []

    def random(self, size: int) -> bytes:
        return bytes(range(size))

    def context(self, client_title: bytes) -> SecurityContext:
        return self.held

    def opened(self, client_title: bytes) -> None:
        """Nobody reads it."""

    def refused(self, client_title: bytes, error: Exception) -> None:
        self.refusals.append(error)


def ciphered() -> tuple[GeneralBlockServer, SecurityContext, MeterSecurity, Device]:
    """An open association that ciphers everything, and its client."""
    ours, theirs = pair()
    services = SERVICES | GENERAL | Conformance.GENERAL_PROTECTION
    security = MeterSecurity(theirs)
    definition = AssociationDefinition(
        16, 1, Mechanism.LOWEST, services, 0x400, VIEW, lambda device: b"",
        context=ApplicationContext.LN_CIPHERED, security=lambda device: security,
    )  # fmt: skip
    device = Device()
    association = Association(definition, device, device.report)
    proposal = initiate.write_initiate_request(initiate.InitiateRequest(services, SIZE))
    sealed = ours.seal(proposal, BOTH._replace(envelope=Envelope.SERVICE_GLOBAL))
    aare = association.handle(acse.write_aarq(ApplicationContext.LN_CIPHERED, sealed, calling_ap_title=CLIENT))
    assert aare is not None
    assert acse.read_aare(aare).result == acse.AssociationResult.ACCEPTED
    return GeneralBlockServer(association), ours, security, device


@pytest.mark.parametrize("envelope", [Envelope.GENERAL_GLOBAL, Envelope.SERVICE_GLOBAL])
def test_a_ciphered_request_and_its_ciphered_answer_go_in_blocks(envelope: Envelope) -> None:
    server, ours, _, _ = ciphered()
    sealed = ours.seal(GET_BUFFER, BOTH._replace(envelope=envelope))
    for answer in (in_blocks(server, sealed), answer_in_blocks(server, ours.seal(GET_BUFFER, BOTH))):
        assert answer is not None
        assert ours.open(answer).apdu == whole(GET_BUFFER)


def test_a_ciphered_access_goes_in_blocks() -> None:
    server, ours, _, _ = ciphered()
    specification = Specification(AccessKind.GET, AttributeRequest(BUFFER.to_bytes()))
    answer = in_blocks(server, ours.seal(write_access_request(AccessRequest(1, b"", [specification], [b"\x00"])), BOTH))
    assert answer is not None
    assert read_access_response(ours.open(answer).apdu).results == [(AccessKind.GET, 0)]


def test_a_plain_request_in_blocks_is_refused_where_the_policy_asks_for_more() -> None:
    server, _, security, device = ciphered()
    assert in_blocks(server, set_note(b"plain")) == NOT_POSSIBLE
    assert device.note != b"plain"
    assert len(security.refusals) == 1


def test_a_ciphered_request_in_blocks_is_served_once() -> None:
    server, ours, security, device = ciphered()
    sealed = ours.seal(set_note(b"once"), BOTH)
    answer = in_blocks(server, sealed)
    assert answer is not None
    assert ours.open(answer).apdu == bytes.fromhex("c501c100")
    device.note = b"after"
    again = in_blocks(server, sealed)
    assert again is not None
    assert again[:3] == bytes.fromhex("d80206")
    assert device.note == b"after"
    assert len(security.refusals) == 1


# --- any line ---------------------------------------------------------------------------------------


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 4), st.integers(1, 9))
def test_whatever_is_lost_the_client_gets_the_answer_or_gives_up(lost: list[bool], attempts: int, window: int) -> None:
    server, _, device = opened()
    side = client(attempts=attempts, window=window)
    side.send(set_note(bytes(120)))
    response = exchange(server.handle, side, lost)
    assert response in (None, NOT_POSSIBLE, bytes.fromhex("c501c100"))
    assert response != bytes.fromhex("c501c100") or device.note == bytes(120)
    assert in_blocks(server, GET_BUFFER) == whole(GET_BUFFER)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 9))
def test_a_ciphered_answer_is_the_answer_or_an_error_whatever_is_lost(lost: list[bool], window: int) -> None:
    server, ours, _, _ = ciphered()
    side = client(attempts=60, window=window)
    side.send(ours.seal(GET_BUFFER, BOTH))
    response = exchange(server.handle, side, lost)
    assert response is not None
    assert response[0] == 0xD8 or ours.open(response).apdu == whole(GET_BUFFER)


@given(st.lists(st.binary(max_size=30) | st.builds(GeneralBlock, st.booleans(), st.booleans(), st.integers(0, 63),
                st.integers(1, 6), st.integers(0, 6), st.just(GET_BUFFER) | st.binary(max_size=9))
                .map(write_general_block), max_size=20))  # fmt: skip
def test_whatever_blocks_come_the_association_lives_on(sent: list[bytes]) -> None:
    server, association, device = opened()
    for number, apdu in enumerate(sent):
        for reply in server.handle(b"\xe0" + apdu if apdu[:1] != b"\xe0" else apdu, number):
            assert len(reply) <= SIZE
    assert association.associated
    assert device.reports == []
    assert server.handle(GET_ENERGY, 99.0) == (whole(GET_ENERGY),)
