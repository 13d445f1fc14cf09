"""What a link sends unasked: in UI frames of HDLC when the client polls, over the wrapper at once."""

from __future__ import annotations

import pytest

from transports.hdlc.frame import Frame, FrameCounters, FrameReceiver, Kind
from transports.hdlc.primary import Announced, ApduReceived
from transports.hdlc.secondary import LLC_RESPONSE, MOST_ANNOUNCED, HdlcSecondary
from transports.wrapper import WpduReader, WrapperLink

from .test_hdlc_primary import Bench


@pytest.fixture
def bench() -> Bench:
    """A client that is connected and has asked something."""
    made = Bench()
    made.connect()
    made.primary.send_apdu(b"get", made.now)
    made.run()
    return made


def station(bench: Bench) -> HdlcSecondary:
    link = bench.asked[0].link
    assert isinstance(link, HdlcSecondary)
    return link


def frames(octets: bytes) -> list[Frame]:
    return FrameReceiver(FrameCounters()).receive_data(octets, 0.0)


def test_nothing_is_sent_before_the_client_polls(bench: Bench) -> None:
    assert station(bench).announce(b"news")
    assert bench.line.data_to_send() == b""
    assert bench.run(1.0) == []


def test_a_poll_fetches_what_was_announced_and_ends_with_its_final_bit(bench: Bench) -> None:
    station(bench).announce(b"news")
    station(bench).announce(b"more")
    bench.primary.listen(bench.now)
    bench.line.receive_data(bench.primary.data_to_send(), bench.now)
    answer = frames(bench.line.data_to_send())
    assert [(frame.kind, frame.poll) for frame in answer] == [(Kind.UI, False), (Kind.UI, False), (Kind.RR, True)]
    assert [frame.information for frame in answer[:2]] == [LLC_RESPONSE + b"news", LLC_RESPONSE + b"more"]


def test_it_comes_before_an_answer_and_is_told_apart_from_it(bench: Bench) -> None:
    station(bench).announce(b"news")
    bench.primary.send_apdu(b"get", bench.now)
    assert bench.run() == [Announced(b"news"), ApduReceived(b"get")]
    bench.primary.send_apdu(b"next", bench.now)
    assert bench.run() == [ApduReceived(b"next")]


def test_a_client_that_polls_hears_it_once(bench: Bench) -> None:
    station(bench).announce(b"news")
    bench.primary.listen(bench.now)
    assert bench.run() == [Announced(b"news")]
    bench.primary.listen(bench.now)
    assert bench.run() == []


def test_what_does_not_fit_a_frame_or_comes_too_often_is_not_taken(bench: Bench) -> None:
    link = station(bench)
    assert not link.announce(bytes(link.max_apdu + 1))
    assert [link.announce(bytes(link.max_apdu)) for _ in range(MOST_ANNOUNCED + 1)] == [True] * MOST_ANNOUNCED + [False]


def test_the_news_of_a_connection_end_with_it(bench: Bench) -> None:
    link = station(bench)
    link.announce(b"news")
    bench.connect()
    assert not link.announce(b"news")
    bench.primary.listen(bench.now)
    assert bench.run() == []


def test_nobody_listens_without_a_connection() -> None:
    with pytest.raises(ConnectionError):
        Bench().primary.listen(0.0)


def test_over_the_wrapper_it_leaves_at_once_between_the_same_ports() -> None:
    output: list[bytes] = []
    link = WrapperLink("meter", 18, 16, output)
    assert link.announce(b"news")
    assert list(WpduReader().receive_data(b"".join(output))) == [(16, 18, b"news")]


@pytest.mark.parametrize(("limit", "longest"), [(None, 0xFFFF), (100, 100)])
def test_the_wrapper_takes_no_more_than_it_carries(limit: int | None, longest: int) -> None:
    output: list[bytes] = []
    link = WrapperLink("meter", 18, 16, output, limit)
    assert not link.announce(bytes(longest + 1))
    assert not output
    assert link.announce(bytes(longest))
