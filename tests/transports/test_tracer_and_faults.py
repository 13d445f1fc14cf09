"""What wraps a stream: the trace one can read, the faults one can repeat."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.events import ApduReceived
from transports.faults import FaultInjector, FaultRates, FaultyStream
from transports.iec62056_21 import Iec62056Line
from transports.stream import ByteStream, Stream
from transports.tracer import Decoder, TracedStream, Tracer
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import SESSIONS, Readout, echo, hdlc_line

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


def test_the_trace_says_what_was_dropped() -> None:
    bad = SNRM[:-2] + bytes((SNRM[-2] ^ 1, 0x7E))
    assert [entry.text for entry in Decoder().receive_data(bad, 0.0)] == ["HDLC dropped: fcs_errors"]
    assert [entry.text for entry in Decoder().receive_data(b"\x00\x01\x00", 0.0)] == ["part of a WPDU"]
    assert [entry.text for entry in Decoder().receive_data(b"\xff\x00", 0.0)] == ["2 octets"]


@given(st.lists(st.binary(min_size=1, max_size=60)))
def test_any_octets_can_be_traced(portions: list[bytes]) -> None:
    decoder = Decoder()
    for portion in portions:
        for entry in decoder.receive_data(portion, 0.0):
            assert "\n" not in str(entry)


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
