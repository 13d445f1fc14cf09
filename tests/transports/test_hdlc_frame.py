"""Frames and the receiver: public vectors both ways, and every way in which octets fail to be a frame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.crc import check_octets
from transports.hdlc.address import ServerAddress, encode_client, read_address
from transports.hdlc.frame import Frame, FrameCounters, FrameReceiver, Kind, kind_of

from .meters import SESSIONS, vectors

SNRM = bytes.fromhex("7EA0070321930F017E")
DISC = bytes.fromhex("7EA00703215303C77E")
UI = Frame(b"\x03", b"\x21", 0x13, b"some information").encode()


def receiver() -> FrameReceiver:
    return FrameReceiver(FrameCounters())


def one_by_one(found: FrameReceiver, data: bytes) -> list[Frame]:
    return [frame for octet in data for frame in found.receive_data(bytes((octet,)), 0.0)]


@pytest.mark.parametrize("vector", vectors("hdlc-fcs"), ids=lambda vector: vector["id"])
def test_check_sequence_of_a_public_vector(vector: dict[str, Any]) -> None:
    assert check_octets(bytes.fromhex(vector["hex_in"])).hex().upper() == vector["hex_out"]


def test_check_sequence_of_the_standard_check_string() -> None:
    assert check_octets(b"123456789") == bytes.fromhex("6E90")


GOOD_FRAMES = [bytes.fromhex(vector["hex_in"]) for vector in vectors("hdlc-frame", "hdlc-exchange")] + [
    bytes.fromhex(frame["hex"]) for session in SESSIONS for frame in session["frames"]
]


@pytest.mark.parametrize("octets", GOOD_FRAMES, ids=lambda octets: octets.hex()[:40])
def test_a_real_frame_is_read_and_written_back_the_same(octets: bytes) -> None:
    (frame,) = receiver().receive_data(octets, 0.0)
    assert frame.encode() == octets
    assert one_by_one(receiver(), octets) == [frame]
    assert str(frame)


@pytest.mark.parametrize(
    ("octets", "address"),
    [
        ("0223", ServerAddress(1, 17, 2)),
        ("02220003", ServerAddress(145, 1, 4)),
        ("CEFF", ServerAddress(103, 127, 2)),
        ("4868FEFF", ServerAddress(0x1234, 0x3FFF, 4)),
        ("03", ServerAddress(1, None, 1)),
        ("00020023", ServerAddress(1, 17, 4)),
    ],
)
def test_addresses_of_the_public_vectors(octets: str, address: ServerAddress) -> None:
    assert ServerAddress.decode(bytes.fromhex(octets)) == address
    assert address.encode() == bytes.fromhex(octets)


def test_reserved_addresses_depend_on_the_form() -> None:
    assert ServerAddress(1, 0x7F, 2).lower_is_all
    assert not ServerAddress(1, 0x7F, 4).lower_is_all
    assert ServerAddress(1, 0x3FFF, 4).lower_is_all
    assert ServerAddress(1, 0x7E, 2).lower_is_calling
    assert ServerAddress(1, 0x3FFE, 4).lower_is_calling
    assert ServerAddress(0x7F, None, 1).upper_is_all
    assert not ServerAddress(0x7F, 1, 4).upper_is_all


@pytest.mark.parametrize(
    "address",
    [ServerAddress(128, None, 1), ServerAddress(1, 128, 2), ServerAddress(1, 1, 1), ServerAddress(0x4000, 1, 4)],
)
def test_an_address_that_does_not_fit_its_form_cannot_be_written(address: ServerAddress) -> None:
    with pytest.raises(ValueError, match="address"):
        address.encode()


@given(st.binary(max_size=6))
def test_addresses_have_one_two_or_four_octets(octets: bytes) -> None:
    size = read_address(octets, 0, len(octets))
    last = next((position for position, octet in enumerate(octets) if octet & 1), None)
    if size:
        assert last == size - 1
        assert size in (1, 2, 4)
    elif size is None:
        assert last == 2 or (last is None or last > 3)
    else:
        assert last is None
        assert len(octets) < 4


def test_every_control_octet_has_its_kind() -> None:
    kinds = [kind_of(control) for control in range(256)]
    assert kinds.count(Kind.I) == 128
    assert kinds.count(Kind.RR) == kinds.count(Kind.RNR) == 16
    assert [kinds.count(kind) for kind in (Kind.SNRM, Kind.DISC, Kind.UA, Kind.DM, Kind.FRMR, Kind.UI)] == [2] * 6
    assert kind_of(0x19) is Kind.UNDEFINED  # REJ
    assert kind_of(0x1D) is Kind.UNDEFINED  # SREJ


def test_a_frame_longer_than_2047_octets_cannot_be_written() -> None:
    Frame(b"\x00\x02\x00\x23", b"\x21", 0x10, bytes(2030)).encode()
    with pytest.raises(ValueError, match="2047"):
        Frame(b"\x03", b"\x21", 0x10, bytes(2045)).encode()


@given(st.binary(min_size=0, max_size=300), st.booleans(), st.integers(0, 255))
def test_any_frame_survives_any_portions(information: bytes, segmented: bool, control: int) -> None:
    frame = Frame(b"\x02\x23", encode_client(16), control, information, segmented)
    assert one_by_one(receiver(), frame.encode()) == [frame]
    assert receiver().receive_data(frame.encode() * 3, 0.0) == [frame] * 3


def test_one_flag_may_close_a_frame_and_open_the_next() -> None:
    assert [frame.kind for frame in receiver().receive_data(SNRM + DISC[1:], 0.0)] == [Kind.SNRM, Kind.DISC]


def test_repeated_flags_between_frames_are_no_fault() -> None:
    found = receiver()
    assert len(found.receive_data(b"\x7e" * 5 + SNRM + b"\x7e" * 3 + DISC + b"\x7e", 0.0)) == 2
    assert found.counters == FrameCounters(frames=2)


def with_octet(frame: bytes, position: int, octet: int) -> bytes:
    return frame[:position] + bytes((octet,)) + frame[position + 1 :]


def reframed(body: bytes) -> bytes:
    """A frame with a right FCS around whatever body."""
    return b"\x7e" + body + check_octets(body) + b"\x7e"


BAD = {
    "wrong FCS": (with_octet(SNRM, 7, 0x00), "fcs_errors"),
    "wrong FCS behind a good header": (with_octet(UI, -3, UI[-3] ^ 1), "fcs_errors"),
    "wrong HCS": (with_octet(UI, 6, UI[6] ^ 1), "hcs_errors"),
    "wrong type": (bytes.fromhex("7EB0070321934FB57E"), "wrong_format"),
    "length one too long": (bytes.fromhex("7EA008032193F6B37E"), "wrong_length"),
    "length far too long": (with_octet(with_octet(UI, 1, 0xA7), 2, 0xFF), "hcs_errors"),
    "length 0": (with_octet(SNRM, 2, 0x00), "wrong_length"),
    "length 6": (reframed(bytes.fromhex("A0060321")), "wrong_length"),
    "a single octet of information": (reframed(bytes.fromhex("A008032113") + b"\x00"), "wrong_length"),
    "a server address of 3 octets": (bytes.fromhex("7EA0090002052193AFD07E"), "wrong_address"),
    "a server address without end": (reframed(bytes.fromhex("A00C000200020002219300")), "wrong_address"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_frame_is_counted_and_the_next_good_one_works(name: str) -> None:
    bad, counter = BAD[name]
    for feed in (lambda found, data: found.receive_data(data, 0.0), one_by_one):
        found = receiver()
        assert feed(found, bad) == []
        assert getattr(found.counters, counter) >= 1
        assert [frame.kind for frame in feed(found, DISC)] == [Kind.DISC]
        assert [frame.kind for frame in feed(receiver(), bad + DISC)] == [Kind.DISC]


def test_rubbish_with_flags_before_a_frame_does_no_harm() -> None:
    rubbish = bytes.fromhex("00 7E A7 7E FF 7E A0 7E 12 34 A0 07 03 21")
    assert [frame.kind for frame in receiver().receive_data(rubbish + SNRM, 0.0)] == [Kind.SNRM]


def test_a_frame_cut_short_gives_way_to_the_next_when_its_length_is_filled() -> None:
    found = receiver()
    long = Frame(b"\x03", b"\x21", 0x13, bytes(100)).encode()
    assert found.receive_data(long[:30], 0.0) == []
    assert [frame.kind for frame in found.receive_data(DISC * 12, 0.1)][:1] == [Kind.DISC]


def test_a_frame_cut_short_gives_way_after_the_inter_octet_timeout() -> None:
    found = receiver()
    long = Frame(b"\x03", b"\x21", 0x13, bytes(100)).encode()
    found.receive_data(long[:30], 0.0)
    assert found.next_timer() == 0.5
    assert found.handle_timer(0.4) == []
    found.handle_timer(0.5)
    assert found.idle
    assert found.next_timer() is None
    assert [frame.kind for frame in found.receive_data(DISC, 0.6)] == [Kind.DISC]


def test_a_frame_inside_one_cut_short_is_found_at_the_latest_by_the_timeout() -> None:
    found = receiver()
    long = Frame(b"\x03", b"\x21", 0x13, bytes(100)).encode()
    assert found.receive_data(long[:30] + DISC, 0.0) == []
    assert [frame.kind for frame in found.handle_timer(0.5)] == [Kind.DISC]


def test_a_flag_opens_no_frame_after_the_timeout() -> None:
    found = receiver()
    found.receive_data(SNRM, 0.0)
    assert found.flag_pending(0.4)
    assert found.receive_data(DISC[1:], 0.6) == []


def test_a_frame_inside_the_information_of_a_damaged_one_is_not_taken_out() -> None:
    outer = Frame(b"\x03", b"\x21", 0x13, b"12345" + DISC + b"12345").encode()
    damaged = with_octet(outer, -3, outer[-3] ^ 1)
    assert [frame.kind for frame in receiver().receive_data(damaged + SNRM, 0.0)] == [Kind.SNRM]


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"\x7e", b"\x7e\xa0", b"\x7e\xa7\xff\x03\x21\x10", SNRM, UI]))
)
def test_rubbish_never_raises_or_grows_and_then_a_frame_works(portions: list[bytes]) -> None:
    found = receiver()
    for portion in portions:
        found.receive_data(portion, 0.0)
        assert len(found._buffer) <= 2049
    found.handle_timer(1.0)
    assert [frame.kind for frame in found.receive_data(DISC, 1.0)] == [Kind.DISC]
