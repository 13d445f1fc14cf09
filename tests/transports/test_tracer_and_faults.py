"""What wraps a stream: the trace one can read, the faults one can repeat."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import ApduReceived
from transports.faults import FaultInjector, FaultRates, FaultyStream
from transports.iec62056_21 import Iec62056Line
from transports.iec62056_21.characters import with_even_parity
from transports.kmp import FROM_METER, TO_METER, encode_frame
from transports.stream import ByteStream, Stream
from transports.tracer import CLIENT, METER, Decoder, Entry, Side, TracedStream, Tracer
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import SESSIONS, Readout, echo, hdlc_line

GET_TYPE = encode_frame(TO_METER, 0x3F, b"\x01")
SNRM = bytes.fromhex(SESSIONS[0]["frames"][0]["hex"])


def stream() -> Stream:
    wrapper = WrapperLine()
    wrapper.attach("meter", lambda: (1,))
    iec = Iec62056Line()
    iec.attach("meter", Readout())
    return Stream(hdlc_line(), wrapper, iec)


def test_the_trace_names_every_frame_wpdu_and_text() -> None:
    output = io.StringIO()
    traced: ByteStream = TracedStream(stream(), Tracer(output), "tcp://here")
    for tenth, data in enumerate((SNRM[:10], SNRM[10:], encode_wpdu(16, 1, b"get"), b"/?!\r\n")):
        echo(traced.receive_data(data, tenth / 10), tenth / 10)
        traced.data_to_send()
    traced.handle_timer(4.0)
    assert traced.data_to_send().startswith(b"/KAM5")
    traced.close("stream closed")
    lines = [line.split(" | ")[0] for line in output.getvalue().splitlines()]
    assert lines == [
        "0.100 tcp://here -> HDLC 16>1 SNRM P/F 23 octets",
        "0.100 tcp://here <- HDLC 1>16 UA P/F 23 octets",
        "0.200 tcp://here -> wrapper 16>1 3 octets",
        "0.200 tcp://here <- wrapper 1>16 3 octets",
        r"0.300 tcp://here -> IEC 62056-21 '/?!\r\n'",
        r"4.000 tcp://here <- IEC 62056-21 '/KAM5 68535CC453010\r\n'",
        "4.000 tcp://here -- stream closed",
    ]
    assert output.getvalue().splitlines()[0].endswith("| " + SNRM.hex(" ").upper())
    assert (traced.closing, traced.speed, traced.next_timer()) == (None, 300, None)


def texts(octets: bytes, side: Side = CLIENT) -> list[str]:
    decoder = Decoder(side)
    entries = decoder.receive_data(octets, 0.0)
    return [entry.text for entry in (*entries, *decoder.end())]


@pytest.mark.parametrize("cut", range(3, 14))
def test_a_wpdu_that_comes_in_pieces_is_shown_whole_whoever_speaks_meanwhile(cut: int) -> None:
    decoder, octets = Decoder(CLIENT), encode_wpdu(16, 1, b"secret")
    assert decoder.receive_data(octets[:cut], 0.0) == []
    assert decoder.flush() == []
    assert decoder.receive_data(octets[cut:] + octets[:4], 0.0) == [Entry("wrapper 16>1 6 octets", octets)]
    assert decoder.end() == [Entry("part of a WPDU", octets[:4])]


def test_datagrams_are_not_put_together() -> None:
    decoder, octets = Decoder(CLIENT, datagrams=True), encode_wpdu(16, 1, b"secret")
    assert decoder.receive_data(octets[:10], 0.0) == [Entry("part of a WPDU", octets[:10])]
    assert decoder.receive_data(octets, 0.0) == [Entry("wrapper 16>1 6 octets", octets)]


def test_the_trace_says_what_was_dropped() -> None:
    bad = SNRM[:-2] + bytes((SNRM[-2] ^ 1, 0x7E))
    assert texts(bad) == ["HDLC dropped: fcs_errors"]
    assert texts(b"\x00\x01\x00") == ["part of a WPDU"]
    assert texts(b"\xff\x00") == ["2 octets"]
    assert texts(b"\x80\x3f\x01\x05\x8b\r") == ["KMP dropped: check_errors"]
    assert texts(b"@FE0003\r") == ["hexadecimal dropped: check_errors"]
    assert texts(b"@FEx0002\r") == ["hexadecimal dropped: noise_octets"]


@pytest.mark.parametrize(
    ("side", "octets", "expected"),
    [
        (CLIENT, GET_TYPE, ["KMP 3F CID 01"]),
        (CLIENT, GET_TYPE + b"\x06" + GET_TYPE, ["KMP 3F CID 01", "KMP acknowledgement", "KMP 3F CID 01"]),
        (METER, encode_frame(FROM_METER, 0x3F, b"\x10") * 2, ["KMP 3F CID 10"] * 2),
        (METER, encode_frame(FROM_METER, 0x3F, b"\x10\1\2") + b"\6", ["KMP 3F CID 10 2 octets", "KMP acknowledgement"]),
        (CLIENT, b"@FE9072\r", ["hexadecimal FE CID 90"]),
        (METER, b"HFE950000\r", ["hexadecimal dropped: check_errors"]),
        (CLIENT, SNRM + GET_TYPE, ["HDLC 16>1 SNRM P/F 23 octets", "KMP 3F CID 01"]),
        (CLIENT, b"\0\0/?!\r\n", ["2 octets", r"IEC 62056-21 '/?!\r\n'"]),
        (CLIENT, b"/?1/?!\r\n", ["IEC 62056-21 '/?1'", r"IEC 62056-21 '/?!\r\n'"]),
        (CLIENT, b"\x06050\r\n\x15", [r"IEC 62056-21 '\x06050\r\n'", r"IEC 62056-21 '\x15'"]),
        (CLIENT, b"\1B0\3q", [r"IEC 62056-21 '\x01B0\x03q'"]),
        (METER, b"/KAM5 6\r\n", [r"IEC 62056-21 '/KAM5 6\r\n'"]),
        (METER, with_even_parity(b"/KAM5 6\r\n"), [r"IEC 62056-21 '/KAM5 6\r\n'"]),
        (METER, b"\2@~(1)!\r\n\3~", [r"IEC 62056-21 '\x02@~(1)!\r\n\x03~'"]),
        (METER, b"\x06", [r"IEC 62056-21 '\x06'"]),
        (METER, b"\x06252\r\n", [r"IEC 62056-21 '\x06252\r\n'"]),
    ],
)
def test_each_message_is_one_line_however_many_pieces_it_came_in(
    side: Side, octets: bytes, expected: list[str]
) -> None:
    assert texts(octets, side) == expected
    if not octets.startswith(b"\6"):  # the meter's lone ACK, which another portion could not go on with
        decoder = Decoder(side)
        entries = [entry for octet in octets for entry in decoder.receive_data(bytes((octet,)), 0.0)] + decoder.flush()
        assert [entry.text for entry in entries][-1] == expected[-1]


def test_what_is_not_whole_is_shown_when_the_other_side_speaks() -> None:
    output = io.StringIO()
    traced = TracedStream(stream(), Tracer(output), "pty")
    traced.receive_data(b"/?", 1.0)
    traced.receive_data(b"12", 2.0)
    assert output.getvalue() == ""
    traced.close("stream closed")
    assert output.getvalue().splitlines() == [
        "2.000 pty -> IEC 62056-21 '/?12' | 2F 3F 31 32",
        "2.000 pty -- stream closed | ",
    ]


@given(st.lists(st.binary(min_size=1, max_size=60)))
def test_any_octets_can_be_traced(portions: list[bytes]) -> None:
    for side in (CLIENT, METER):
        decoder = Decoder(side)
        shown = [entry for portion in portions for entry in decoder.receive_data(portion, 0.0)] + decoder.flush()
        assert not any("\n" in str(entry) for entry in shown)


def test_the_same_seed_gives_the_same_faults() -> None:
    rates = FaultRates(drop=0.1, flip=0.1, duplicate=0.1, noise=0.1, split=0.5)
    data = bytes(range(256))
    first, again, other = (FaultInjector(seed, rates).apply(data) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (FaultRates(), b"\x01\x02\x03"),
        (FaultRates(drop=1.0), b""),
        (FaultRates(duplicate=1.0), b"\x01\x01\x02\x02\x03\x03"),
    ],
)
def test_rates_of_zero_and_one_are_certain(rates: FaultRates, expected: bytes) -> None:
    assert FaultInjector(1, rates).apply(b"\x01\x02\x03") == expected


def test_a_flip_changes_one_bit_and_noise_adds_one_octet() -> None:
    flipped = FaultInjector(1, FaultRates(flip=1.0)).apply(bytes(100))
    assert {octet.bit_count() for octet in flipped} == {1}
    assert FaultInjector(1, FaultRates(noise=1.0)).apply(b"ab")[1::2] == b"ab"


@given(st.binary(max_size=50), st.integers())
def test_portions_hold_all_octets_in_order(data: bytes, seed: int) -> None:
    portions = FaultInjector(seed, FaultRates(split=0.5)).portions(data)
    assert b"".join(portions) == data
    assert all(portions)


def test_a_stream_behind_faults_is_still_a_stream() -> None:
    split = FaultInjector(1, FaultRates(split=1.0))
    faulty: ByteStream = FaultyStream(stream(), split, FaultInjector(1, FaultRates(drop=1.0)))
    (event,) = faulty.receive_data(encode_wpdu(16, 1, b"get"), 0.0)
    assert isinstance(event, ApduReceived)
    event.link.send_apdu(b"answer", 0.0)
    assert faulty.data_to_send() == b""
    assert (faulty.closing, faulty.speed, faulty.next_timer(), faulty.handle_timer(0.0)) == (None, 300, None, [])
    assert len(faulty.close("stream closed")) == 1


@pytest.mark.parametrize("wrapper", [False, True], ids=["line", "TCP"])
def test_a_nul_before_a_command_hides_nothing_of_what_follows(wrapper: bool) -> None:
    decoder = Decoder(CLIENT, wrapper=wrapper)
    command = b"\x01P1\x02(12345)\x03a"
    said = [*decoder.receive_data(b"/?!\r\n", 0.0), *decoder.receive_data(b"\x00" + command, 1.0), *decoder.flush()]
    get_type = encode_frame(TO_METER, 0x3F, b"\x01")
    said += [*decoder.receive_data(get_type, 2.0), *decoder.flush()]
    assert [entry.octets for entry in said] == [b"/?!\r\n", b"\x00", command, get_type]
