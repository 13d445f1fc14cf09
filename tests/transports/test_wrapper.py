"""The wrapper over a stream and in datagrams: vectors, portions, refusals, limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import ApduReceived, LinkDisconnected
from transports.wrapper import WpduReader, WrapperFault, WrapperLine, encode_wpdu

from .meters import vectors


def line(max_apdu_size: int = 4096) -> WrapperLine:
    found = WrapperLine(max_apdu_size)
    found.attach("meter", lambda: (1, 16))
    return found


@pytest.mark.parametrize("vector", vectors("wrapper"), ids=lambda vector: vector["id"])
def test_a_public_vector_is_read_and_written_back_the_same(vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["hex_in"])
    (wpdu,) = WpduReader().receive_data(octets)
    assert encode_wpdu(*wpdu) == octets


@pytest.mark.parametrize("vector", vectors("wrapper-negative"), ids=lambda vector: vector["id"])
def test_a_wrong_version_closes_the_stream(vector: dict[str, Any]) -> None:
    found = line()
    assert found.receive_data(bytes.fromhex(vector["hex_in"]), 0.0) == []
    assert found.closing is not None
    assert "version" in found.closing
    assert found.receive_data(encode_wpdu(16, 1, b"x"), 0.0) == []


def test_an_answer_goes_back_with_the_ports_exchanged() -> None:
    found = line()
    (event,) = found.receive_data(encode_wpdu(0x10, 0x01, b"get"), 0.0)
    assert isinstance(event, ApduReceived)
    link = event.link
    assert (link.client_sap, link.server_sap, link.device, link.max_apdu, link.state) == (16, 1, "meter", None, None)
    link.send_apdu(b"answer", 0.0)
    link.send_apdu(b"more", 0.0)
    assert found.data_to_send() == encode_wpdu(1, 16, b"answer") + encode_wpdu(1, 16, b"more")
    assert found.data_to_send() == b""


def test_the_same_ports_are_the_same_link() -> None:
    found = line()
    events = [found.receive_data(encode_wpdu(16, 1, bytes(size)), 0.0)[0] for size in range(3)]
    events += found.receive_data(encode_wpdu(16, 1, b"a") + encode_wpdu(17, 1, b"b"), 0.0)
    assert [event.link is events[0].link for event in events] == [True, True, True, True, False]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_any_portions_give_the_same_apdus(apdus: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(encode_wpdu(16, 1, apdu) for apdu in apdus)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    found = line()
    received = []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        received += found.receive_data(octets[start:end], 0.0)
    assert [event.apdu for event in received if isinstance(event, ApduReceived)] == apdus
    assert found.idle


def test_a_length_above_the_limit_closes_the_stream_before_the_apdu_has_come() -> None:
    for warm in (False, True):
        found = line(max_apdu_size=100)
        if warm:
            found.receive_data(encode_wpdu(16, 1, bytes(100)), 0.0)
        assert found.receive_data(encode_wpdu(16, 1, bytes(101))[:8], 0.0) == []
        assert found.closing == "length 101 above the limit of 100"
    warm_line = line(max_apdu_size=100)
    warm_line.receive_data(encode_wpdu(16, 1, b""), 0.0)
    assert warm_line.receive_data(encode_wpdu(16, 1, bytes(101)), 0.0) == []
    assert warm_line.closing is not None


def test_what_came_before_a_fault_is_still_delivered() -> None:
    found = line()
    assert len(found.receive_data(encode_wpdu(16, 1, b"good") + b"\x00\x02", 0.0)) == 1
    assert found.closing is not None


@pytest.mark.parametrize(("source", "destination"), [(16, 0), (16, 2), (16, 0x7F), (0, 1)])
def test_ports_of_nobody_are_discarded_without_closing(source: int, destination: int) -> None:
    found = line()
    assert found.receive_data(encode_wpdu(source, destination, b"x"), 0.0) == []
    assert found.closing is None
    assert found.counters.wrong_address == 1
    assert len(found.receive_data(encode_wpdu(16, 1, b"x"), 0.0)) == 1


def test_a_scan_of_client_ports_does_not_grow_the_line() -> None:
    found = line()
    events = [event for port in range(1, 1000) for event in found.receive_data(encode_wpdu(port, 1, b"x"), 0.0)]
    assert len(events) == 128


def test_the_end_of_the_stream_ends_every_link_for_good() -> None:
    found = line()
    (event,) = found.receive_data(encode_wpdu(16, 1, b"x"), 0.0)
    assert found.close("stream closed") == [LinkDisconnected(event.link, "stream closed")]
    event.link.send_apdu(b"late", 0.0)
    assert found.data_to_send() == b""


def test_a_datagram_longer_than_its_length_is_cut_and_a_shorter_one_discarded() -> None:
    found = line()
    wpdu = encode_wpdu(16, 1, b"12345")
    assert [event.apdu for event in found.receive_datagram(wpdu + b"rest", 0.0) if isinstance(event, ApduReceived)] == [
        b"12345"
    ]
    for bad in (wpdu[:-1], wpdu[:7], b"", b"\x00\x02" + wpdu[2:]):
        assert found.receive_datagram(bad, 0.0) == []
    assert found.closing is None
    assert found.counters.wrong_length == 4


@given(st.lists(st.binary(max_size=50)))
def test_random_octets_never_raise(portions: list[bytes]) -> None:
    found = line(max_apdu_size=100)
    for portion in portions:
        found.receive_data(portion, 0.0)
        found.receive_datagram(portion, 0.0)
        assert len(found._pending) <= 108


def test_the_reader_of_a_client_says_what_is_wrong() -> None:
    with pytest.raises(WrapperFault, match="version 1001"):
        list(WpduReader().receive_data(bytes.fromhex("1001001000110022")))


def test_a_wpdu_inside_an_apdu_is_part_of_it_also_when_it_is_a_read_of_its_own() -> None:
    found = line()
    found.receive_data(encode_wpdu(16, 1, b"warm"), 0.0)
    inner = encode_wpdu(16, 1, b"inner")
    outer = encode_wpdu(16, 1, inner + b"tail")
    assert found.receive_data(outer[:8], 0.0) == []
    assert found.receive_data(outer[8 : 8 + len(inner)], 0.0) == []
    (event,) = found.receive_data(b"tail", 0.0)
    assert isinstance(event, ApduReceived)
    assert event.apdu == inner + b"tail"
