"""Characters that take their time, and the echo of an optical head."""

from __future__ import annotations

import asyncio
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.echo import EchoStream
from transports.events import ApduReceived
from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.pacing import GROUP_S, PacedStream
from transports.stream import ByteStream, Stream
from transports.tcp import serve_tcp
from transports.tracer import FROM_METER, TO_METER, TracedStream, Tracer
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import SESSIONS, Readout, echo, hdlc_line

SNRM, UA = (bytes.fromhex(frame["hex"]) for frame in SESSIONS[0]["frames"][:2])
IDENTIFICATION = b"/KAM5 68535CC453010\r\n"
BLOCK_SIZE = 1 + len(b"0.0.1(12345678)\r\n1.8.0(0000010*kWh)\r\n!\r\n\x03") + 1


def line(speed: int = 300, *, dlms: bool = True) -> Stream:
    iec = Iec62056Line()
    iec.attach("meter", Readout(settings=Iec62056Settings(initial_speed=speed)))
    return Stream(hdlc_line() if dlms else None, None, iec)


def run(stream: ByteStream, until: float) -> list[tuple[float, bytes]]:
    """What leaves, and when, while a driver calls at every deadline."""
    sent = []
    while True:
        if data := stream.data_to_send():
            sent.append((run.now, data))  # type: ignore[attr-defined]
        deadline = stream.next_timer()
        if deadline is None or deadline > until:
            return sent
        run.now = max(run.now, deadline)  # type: ignore[attr-defined]
        echo(stream.handle_timer(run.now), run.now)  # type: ignore[attr-defined]


def ask(stream: ByteStream, request: bytes, now: float, until: float) -> list[tuple[float, bytes]]:
    """Send a request; gives what leaves, and when."""
    run.now = now  # type: ignore[attr-defined]
    echo(stream.receive_data(request, now), now)
    return run(stream, until)


def joined(sent: list[tuple[float, bytes]]) -> bytes:
    return b"".join(data for _, data in sent)


# --- the pace -------------------------------------------------------------------------------------------


def test_at_300_baud_every_character_takes_a_thirtieth_of_a_second() -> None:
    sent = ask(PacedStream(line(300)), b"/?!\r\n", 100.0, 101.9)
    assert joined(sent) == IDENTIFICATION
    assert all(len(data) == 1 for _, data in sent)
    assert sent[-1][0] - sent[0][0] == pytest.approx((len(IDENTIFICATION) - 1) / 30)
    # the request's five characters, the reaction time of 0.2 s, the answer's first character
    assert sent[0][0] - 100 == pytest.approx(5 / 30 + 0.2 + 1 / 30)


def test_at_9600_baud_characters_come_in_groups_of_five_milliseconds() -> None:
    sent = ask(PacedStream(line(9600)), SNRM, 0.0, 5.0)
    assert joined(sent) == UA
    assert {len(data) for _, data in sent[:-1]} == {5}
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(sent[:-1])]
    assert all(pause >= GROUP_S for pause in pauses)
    assert sent[-1][0] == pytest.approx((len(SNRM) + len(UA)) * 10 / 9600)


def test_what_is_still_to_leave_leaves_at_the_speed_it_was_sent_at() -> None:
    paced = PacedStream(line(300))
    ask(paced, b"/?!\r\n", 0.0, 1.6)
    sent = ask(paced, b"\x06050\r\n", 1.6, 1.81)
    assert sent == []
    assert paced.speed == 9600, "the speed the acknowledgement chose"
    sent = run(paced, 10.0)
    data = joined(sent)
    assert (data[:1], len(data)) == (b"\x02", BLOCK_SIZE)
    assert sent[-1][0] - sent[0][0] < BLOCK_SIZE * 10 / 9600
    assert sent[0][0] == pytest.approx(1.8 + 0.6, abs=0.1)


def test_the_speed_follows_when_everything_has_left() -> None:
    stream = line(300)
    paced = PacedStream(stream)
    assert paced.speed == 300
    ask(paced, SNRM, 0.0, len(SNRM) / 30 + 0.05)
    assert paced.busy
    stream.set_line_speed(9600)  # as a search does that has heard noise
    assert paced.speed == 300
    sent = run(paced, 10.0)
    assert sent[-1][0] == pytest.approx((len(SNRM) + len(UA)) / 30)
    assert (paced.speed, paced.busy) == (9600, False)


def test_a_reader_that_sets_its_speed_sends_at_it() -> None:
    paced = PacedStream(line(300))
    paced.set_line_speed(9600)
    sent = ask(paced, SNRM, 0.0, 1.0)
    assert joined(sent) == UA
    assert sent[-1][0] == pytest.approx((len(SNRM) + len(UA)) * 10 / 9600)


def test_without_a_dialogue_the_line_has_the_speed_it_was_given() -> None:
    paced = PacedStream(Stream(hdlc_line(), lossless=True), 1200)
    assert paced.speed is None
    sent = ask(paced, SNRM, 0.0, 5.0)
    assert joined(sent) == UA
    assert sent[-1][0] == pytest.approx((len(SNRM) + len(UA)) * 10 / 1200)


def test_a_message_in_two_reads_has_no_pause_that_the_line_had_not() -> None:
    """Ta is 1.5 s; each half of the message takes longer than that at 300 baud."""
    paced = PacedStream(line(300))
    request = b"/?" + b"0" * 24 + b"12345678!\r\n"
    ask(paced, request[:20], 0.0, 0.01)
    sent = ask(paced, request[20:], 0.01, 3.0)
    assert joined(sent) == IDENTIFICATION


@given(st.lists(st.tuples(st.binary(max_size=40), st.floats(0, 0.2)), max_size=8), st.sampled_from([300, 1200, 9600]))
def test_what_comes_is_handed_on_whole_in_order_and_not_too_early(reads: list[tuple[bytes, float]], speed: int) -> None:
    now, heard = 0.0, 0
    paced = PacedStream(EchoStream(Stream(hdlc_line(), lossless=False)), speed)
    for data, pause in reads:
        heard += len(joined(ask(paced, data, now, now + pause)))
        now += pause
        assert heard <= now * speed / 10 + 1e-3
    heard += len(joined(run(paced, now + 1000.0)))
    assert heard == sum(len(data) for data, _ in reads)
    assert not paced.busy


def test_a_line_has_no_memory_for_more_than_it_can_carry() -> None:
    paced = PacedStream(EchoStream(Stream(hdlc_line())), 9600)
    for _ in range(5):
        paced.receive_data(bytes(40_000), 0.0)
    run.now = 0.0  # type: ignore[attr-defined]
    assert len(joined(run(paced, 1000.0))) == 1 << 16


def test_while_too_much_waits_to_leave_no_request_is_heard() -> None:
    wrapper = WrapperLine()
    wrapper.attach("meter", lambda: (1, 16))
    paced = PacedStream(Stream(None, wrapper, lossless=True), 9600)
    run.now = now = 0.0  # type: ignore[attr-defined]
    paced.receive_data(encode_wpdu(16, 1, b"get") * 20, now)
    heard, sent = 0, b""
    while (deadline := paced.next_timer()) is not None:
        now = max(now, deadline)
        for event in paced.handle_timer(now):
            assert isinstance(event, ApduReceived)
            heard += 1
            event.link.send_apdu(bytes(10_000), now)
        sent += paced.data_to_send()
        assert heard * 10_008 - len(sent) < 130_000
    assert heard > 7, "what waited was handed on later"
    assert len(sent) == heard * 10_008


def test_what_is_under_way_at_the_end_is_lost() -> None:
    paced = PacedStream(line(300))
    ask(paced, SNRM, 0.0, 1.5)
    assert len(paced.close("stream closed")) == 1
    assert (paced.busy, paced.data_to_send()) == (False, b"")


def test_traced_on_both_sides_a_slow_line_still_shows_whole_messages() -> None:
    output = io.StringIO()
    tracer = Tracer(output)
    inner = TracedStream(line(9600), tracer, "pty", [FROM_METER])
    ask(TracedStream(PacedStream(inner), tracer, "pty", [TO_METER]), SNRM, 0.0, 5.0)
    lines = [line.split(" | ")[0] for line in output.getvalue().splitlines()]
    assert lines == ["0.000 pty -> HDLC 16>1 SNRM P/F 23 octets", "0.035 pty <- HDLC 1>16 UA P/F 23 octets"]


# --- the echo -------------------------------------------------------------------------------------------


def test_a_head_hears_itself_before_the_answer() -> None:
    stream = EchoStream(line(9600))
    echo(stream.receive_data(SNRM, 0.0), 0.0)
    assert stream.data_to_send() == SNRM + UA
    assert stream.data_to_send() == b""


def test_a_paced_head_hears_itself_while_it_speaks() -> None:
    sent = ask(PacedStream(line(300), echo=True), b"/?!\r\n", 0.0, 1.6)
    assert joined(sent) == b"/?!\r\n" + IDENTIFICATION
    assert [at for at, _ in sent[:5]] == pytest.approx([number / 30 for number in range(1, 6)])
    assert sent[5][0] == pytest.approx(5 / 30 + 0.2 + 1 / 30)
    assert sent[-1][0] == pytest.approx(5 / 30 + 0.2 + len(IDENTIFICATION) / 30)


@pytest.mark.parametrize("speed", [300, 9600])
def test_the_echo_never_waits_for_an_answer(speed: int) -> None:
    paced = PacedStream(line(speed, dlms=False), echo=True)
    character = 10 / speed
    ask(paced, b"/?!\r\n", 0.0, 5 * character + 0.2 + 5 * character)
    begun = run.now  # type: ignore[attr-defined]
    sent = ask(paced, b"\xff" * 4, begun, begun + 4 * character + GROUP_S)
    assert joined(sent).count(b"\xff") == 4
    assert len(joined(sent)) > 4, "the answer leaves meanwhile"


# --- who comes next -------------------------------------------------------------------------------------


def in_a_readout(speed: int = 300) -> PacedStream:
    """Ten characters of a readout at this speed have left."""
    paced = PacedStream(line(speed))
    ask(paced, b"/?!\r\n", 0.0, 2.0)
    deadline = 3.0
    sent = b""
    while b"\x02" not in sent:
        deadline += 10 / speed
        sent += joined(run(paced, deadline))
    joined(run(paced, deadline + 100 / speed))
    return paced


def test_who_comes_to_a_readout_does_not_wait_for_its_end() -> None:
    paced = in_a_readout()
    paced.set_line_speed(9600)
    asked = run.now  # type: ignore[attr-defined]
    sent = ask(paced, SNRM, asked, asked + 5.0)
    assert joined(sent).endswith(UA)
    assert len(joined(sent)) <= len(UA) + 3, "a few characters leave while the request comes"
    assert sent[-1][0] == pytest.approx(asked + (len(SNRM) + len(UA)) * 10 / 9600, abs=0.01)
    assert not paced.busy


def test_who_signs_on_anew_gets_the_identification_first() -> None:
    paced = in_a_readout()
    asked = run.now  # type: ignore[attr-defined]
    sent = ask(paced, b"/?!\r\n", asked, asked + 5 / 30 + 0.21 + len(IDENTIFICATION) / 30)
    assert joined(sent).endswith(IDENTIFICATION)
    assert len(joined(sent)) <= len(IDENTIFICATION) + 6


def test_what_was_answered_before_the_dialogue_is_not_dropped_with_it() -> None:
    paced = PacedStream(line(300))
    sent = joined(ask(paced, SNRM + b"/?!\r\n" + SNRM, 0.0, 60.0))
    begun = sent.removeprefix(UA).removesuffix(UA)
    assert len(begun) == len(sent) - 2 * len(UA)
    assert len(begun) < len(IDENTIFICATION)
    assert IDENTIFICATION.startswith(begun)


def test_of_other_protocols_every_answer_leaves() -> None:
    paced = PacedStream(line(300))
    assert joined(ask(paced, SNRM * 3, 0.0, 60.0)) == UA * 3


# --- TCP ------------------------------------------------------------------------------------------------


async def test_over_tcp_answers_come_at_the_pace_of_the_line() -> None:
    loop = asyncio.get_running_loop()
    endpoint = await serve_tcp(
        "127.0.0.1", 0, lambda: PacedStream(line(9600), echo=True), lambda connection, event: None
    )
    host, port = endpoint.name.removeprefix("tcp://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    began = loop.time()
    writer.write(SNRM)
    writer.write_eof()  # the end of what is said is not the end of what is heard
    assert await reader.read() == SNRM + UA
    assert loop.time() - began >= (len(SNRM) + len(UA)) * 10 / 9600
    writer.close()
    await endpoint.close()
