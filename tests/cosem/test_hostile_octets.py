"""Whatever octets come, every reader reads or refuses them and every association answers them."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse, initiate, xdlms
from cosem.data_types import ANY
from cosem.date_time import DateTime
from cosem.errors import DecodeError, TypeUnmatched
from cosem.initiate import Conformance
from cosem.reader import Reader
from cosem.request_cost import RequestLimits
from cosem.selective_access import read_entry, read_range

from .samples import (
    BUFFER,
    CLASSIC,
    CLOCK,
    ENERGY_VALUE,
    IMAGE,
    NOTE_VALUE,
    SCRIPTS,
    aarq,
    associated,
    idle,
    vectors,
)

READERS: dict[str, Callable[[bytes], Any]] = {
    "AARQ": acse.read_aarq,
    "AARE": acse.read_aare,
    "RLRQ": acse.read_release,
    "InitiateRequest": initiate.read_initiate_request,
    "InitiateResponse": initiate.read_initiate_response,
    "data": lambda octets: ANY.decode(Reader(octets)),
    "date-time": DateTime.from_bytes,
    "range": lambda octets: read_range(Reader(octets)),
    "entries": lambda octets: read_entry(Reader(octets)),
    "attribute": lambda octets: xdlms.read_attribute_request(Reader(octets)),
    "values": lambda octets: xdlms.read_raw_values(Reader(octets)),
    "block": lambda octets: xdlms.read_block(Reader(octets)),
    "GET response": xdlms.read_get_response,
    "SET response": xdlms.read_set_response,
    "ACTION response": xdlms.read_action_response,
}

GOOD = sorted({bytes.fromhex(vector["hex_in"]) for vector in vectors(
    "axdr", "acse", "initiate", "get", "set", "set-block", "action", "action-block", "compact-array", "malformed",
    "apdu-conformance", "apdu-conformance-negative",
) if len(vector["hex_in"]) < 400})  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A public APDU with octets changed, taken out, put in, or cut off."""
    octets = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 4))):
        position = draw(st.integers(0, len(octets)))
        how = draw(st.sampled_from(("change", "insert", "delete", "cut")))
        if how == "change" and position < len(octets):
            octets[position] = draw(st.integers(0, 0xFF) | st.sampled_from((0x80, 0x84, 0xFF, 0x01, 0x02)))
        elif how == "insert":
            octets[position:position] = draw(st.binary(min_size=1, max_size=6))
        elif how == "delete":
            del octets[position : position + 1]
        elif how == "cut":
            del octets[position:]
    return bytes(octets)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@given(octets=st.binary(max_size=80) | damaged())
def test_a_reader_reads_or_refuses(read: Callable[[bytes], Any], octets: bytes) -> None:
    with contextlib.suppress(DecodeError, TypeUnmatched):
        read(octets)


# --- the association ------------------------------------------------------------------------------

_TARGETS = [
    descriptor.to_bytes()
    for descriptor in (
        NOTE_VALUE,
        ENERGY_VALUE,
        BUFFER,
        xdlms.Descriptor(8, CLOCK, 2),
        xdlms.Descriptor(8, CLOCK, 6),
        xdlms.Descriptor(9, SCRIPTS, 1),
        xdlms.Descriptor(18, IMAGE, 2),
        xdlms.Descriptor(3, ENERGY_VALUE.logical_name, 1),
    )
]


@st.composite
def nearly_right(draw: st.DrawFn) -> bytes:
    """A request whose beginning is right: service, choice, and often a descriptor that exists."""
    head = bytes((draw(st.sampled_from((0xC0, 0xC1, 0xC3))), draw(st.integers(0, 7)), draw(st.integers(0, 255))))
    count = draw(st.sampled_from((b"", b"\x01", b"\x02", b"\x84\xff\xff\xff\xff")))
    names = draw(st.lists(st.sampled_from(_TARGETS).map(lambda name: name + b"\x00"), max_size=2))
    block = draw(st.sampled_from((b"", b"\x00\x00\x00\x00\x01\x02\x09\x01", b"\x01\x00\x00\x00\x02\x01A")))
    return head + count + b"".join(names) + block + draw(st.binary(max_size=20))


ANYTHING = st.binary(max_size=80) | damaged() | nearly_right()


@given(st.lists(ANYTHING, min_size=1, max_size=8), st.sampled_from((13, 40, 0xFFFF)))
def test_an_open_association_answers_anything_and_finds_no_fault_of_ours(apdus: list[bytes], max_pdu: int) -> None:
    association, device = associated(max_pdu, tolerated=Conformance.ACTION)
    for apdu in apdus:
        answer = association.handle(apdu)
        assert answer is None or answer[:1] in b"\xc4\xc5\xc7\xd8\x61\x63"
        if answer is not None and answer[:1] == b"\xc4" and association.associated:
            assert len(answer) <= association.capacity
    assert device.reports == []


@given(st.lists(ANYTHING, min_size=1, max_size=4))
def test_an_idle_association_answers_anything(apdus: list[bytes]) -> None:
    association, device = idle()
    for apdu in apdus:
        assert association.handle(apdu)
    assert device.reports == []


@given(st.lists(damaged(), min_size=1, max_size=4))
def test_an_association_takes_a_good_aarq_after_anything(apdus: list[bytes]) -> None:
    association, _ = idle()
    for apdu in apdus:
        association.handle(apdu)
    answer = association.handle(aarq(conformance=CLASSIC))
    assert answer is not None
    assert acse.read_aare(answer).result == acse.AssociationResult.ACCEPTED


@pytest.mark.parametrize(
    "request_",
    [
        "c003c184ffffffff" + "00" * 40,
        "c104c184ffffffff" + "00" * 40,
        "c102c10001000080 0000ff0200 00 00000001 84fffffff0 00",
        "c303c184ffffffff" + "00" * 40,
        "c101c10001000080 0000ff0200 0984fffffff0 00",
        "c001c100070100630100ff0201 01 13" + "01ffff" * 15 + "00 7f" + "00" * 127,
    ],
)
def test_a_huge_length_makes_the_server_keep_nothing(request_: str) -> None:
    association, _ = associated()
    apdu = bytes.fromhex(request_)
    tracemalloc.start()
    try:
        assert association.handle(apdu) is not None
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_blocks_without_end_are_kept_up_to_the_limit_only() -> None:
    association, _ = associated(limits=RequestLimits(value_octets=2000))
    head = b"\xc1\x02\xc1" + NOTE_VALUE.to_bytes() + b"\x00"
    association.handle(head + xdlms.write_block(xdlms.Block(False, 1, bytes(500))))
    tracemalloc.start()
    try:
        for number in range(2, 200):
            association.handle(b"\xc1\x03\xc1" + xdlms.write_block(xdlms.Block(False, number, bytes(500))))
        assert tracemalloc.get_traced_memory()[0] < 50_000
    finally:
        tracemalloc.stop()
