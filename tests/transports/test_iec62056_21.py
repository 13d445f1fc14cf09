"""IEC 62056-21 from sign-on to the data: the dialogue's table, and dialogues with a given clock."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest

from transports.iec62056_21 import Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.iec62056_21.client_messages import Command
from transports.iec62056_21.dialogue import Dialogue
from transports.iec62056_21.dialogue_states import TRANSITIONS, Action, Input, State

from .iec_bench import DATA, IDENTIFICATION, Bench
from .meters import Readout


def test_the_table_has_every_pair() -> None:
    assert set(TRANSITIONS) == set(product(State, Input))
    assert all(hasattr(Dialogue, f"_{action.value}") for action in Action)
    assert {action for action, _ in TRANSITIONS.values()} == set(Action)


def test_mode_c_sends_the_data_at_the_speed_the_client_chose() -> None:
    bench = Bench()
    request = b"/?12345678!\r\n"
    bench.send(request)
    assert bench.wait(len(request) * 10 / 300 + 0.19) == b""
    assert bench.wait(0.02) == IDENTIFICATION
    bench.wait(len(IDENTIFICATION) * 10 / 300)
    bench.send(b"\x06050\r\n")
    assert bench.line.speed == 9600
    asked = bench.now
    assert bench.wait(3.0) == DATA
    assert bench.sent[-1][0] - asked == pytest.approx(6 * 10 / 300 + 0.6)  # the line's time, then the meter's
    assert [speed for _, speed, _ in bench.sent] == [300, 9600]
    assert bench.line.speed == 300


@pytest.mark.parametrize(
    ("digit", "speed"),
    [("0", 300), ("1", 600), ("2", 1200), ("3", 2400), ("4", 4800), ("5", 9600), ("6", 300), ("9", 300), ("A", 300)],
)
def test_every_speed_digit(digit: str, speed: int) -> None:
    bench = Bench()
    bench.send(b"/?!\r\n")
    bench.wait(1.0)
    bench.send(b"\x060%b0\r\n" % digit.encode())
    assert bench.line.speed == speed


def test_a_speed_above_the_offer_means_300() -> None:
    assert Iec62056Settings(max_baud="4").speed_of("5") == 300


def test_programming_mode_is_answered_with_the_readout() -> None:
    bench = Bench()
    bench.send(b"/?!\r\n")
    bench.wait(1.0)
    bench.send(b"\x06051\r\n")
    assert bench.wait(1.0) == DATA


def test_without_acknowledgement_the_data_come_after_tt_at_the_initial_speed() -> None:
    bench = Bench()
    bench.send(b"/?!\r\n")
    bench.wait(5 * 10 / 300 + 0.2)
    identified = bench.now + len(IDENTIFICATION) * 10 / 300
    bench.wait(10.0)
    when, speed, data = bench.sent[1]
    assert when == pytest.approx(identified + 1.7)
    assert (speed, data) == (300, DATA)


def test_mode_a_waits_for_nobody() -> None:
    bench = Bench(Readout(settings=Iec62056Settings(modes="A", initial_speed=9600)))
    bench.send(b"/?!\r\n")
    bench.wait(0.25)
    bench.send(b"\x06050\r\n")
    bench.wait(1.0)
    assert [data for _, _, data in bench.sent] == [IDENTIFICATION, DATA]
    assert 0.3 <= bench.sent[1][0] - bench.sent[0][0] < 1.0
    assert bench.line.speed == 9600


def test_a_malformed_acknowledgement_leads_to_the_data_at_the_initial_speed() -> None:
    bench = Bench()
    bench.send(b"/?!\r\n")
    bench.wait(1.0)
    bench.send(b"\x0605\r\n")
    assert bench.wait(5.0) == DATA
    assert bench.sent[1][1] == 300


def test_nak_repeats_the_data_as_often_as_asked_and_only_in_time() -> None:
    bench = Bench(Readout(settings=Iec62056Settings(initial_speed=9600)))
    bench.send(b"/?!\r\n")
    bench.wait(1.0)
    bench.send(b"\x06050\r\n")
    assert bench.wait(0.7) == DATA
    for _ in range(3):
        bench.send(b"\x15")
        assert bench.wait(0.5) == DATA
    bench.wait(2.0)
    bench.send(b"\x15")
    assert bench.wait(10.0) == b""


def test_a_new_request_starts_again_at_any_time() -> None:
    bench = Bench()
    for _ in range(3):
        bench.send(b"/?!\r\n")
        assert bench.wait(0.5) == IDENTIFICATION
    bench.send(b"\x06050\r\n")
    bench.send(b"/?!\r\n")
    assert bench.line.speed == 300
    assert bench.wait(0.5) == IDENTIFICATION


def test_only_the_meter_addressed_answers() -> None:
    bench = Bench(Readout("0011"), Readout("22"))
    bench.send(b"/?22!\r\n")
    assert bench.wait(1.0) == IDENTIFICATION
    bench.send(b"\x06050\r\n")
    assert b"0.0.1(22)" in bench.wait(1.0)
    bench.send(b"/?11!\r\n")
    bench.wait(1.0)
    bench.send(b"\x06050\r\n")
    assert b"0.0.1(0011)" in bench.wait(1.0)
    bench.send(b"/?33!\r\n")
    assert bench.wait(10.0) == b""


def test_a_request_for_another_meter_ends_a_dialogue() -> None:
    bench = Bench()
    bench.send(b"/?!\r\n")
    bench.wait(0.3)
    bench.send(b"/?999!\r\n")
    assert bench.wait(10.0) == b""


def test_half_a_request_is_given_up_after_the_inter_character_timeout() -> None:
    bench = Bench()
    bench.send(b"/?")
    bench.wait(2.0)
    bench.send(b"!\r\n")
    assert bench.wait(5.0) == b""
    assert bench.line.idle


def test_with_parity_every_octet_sent_is_even() -> None:
    bench = Bench(Readout(settings=Iec62056Settings(parity="even", modes="A")))
    bench.send(with_even_parity(b"/?!\r\n"))
    sent = bench.wait(5.0)
    assert all(octet.bit_count() % 2 == 0 for octet in sent)
    assert bytes(octet & 0x7F for octet in sent) == IDENTIFICATION + DATA


def test_a_message_that_comes_at_the_pace_of_the_line_is_not_delayed_again() -> None:
    bench = Bench()
    for octet in b"/?!\r\n":
        bench.wait(10 / 300)
        bench.send(bytes((octet,)))
    assert bench.wait(0.24) == IDENTIFICATION


def test_where_the_speed_of_the_reader_is_known_it_is_that_of_sign_on_and_line_time() -> None:
    bench = Bench(Readout(settings=Iec62056Settings(modes="A")))
    bench.line.set_line_speed(9600)
    assert bench.line.speed == 9600
    bench.send(b"/?!\r\n")
    assert bench.wait(0.2 + 5 * 10 / 9600 + 0.3 + 21 * 10 / 9600) == IDENTIFICATION + DATA
    assert [speed for _, speed, _ in bench.sent] == [9600, 9600]
    bench.wait(5.0)
    bench.line.set_line_speed(None)
    assert bench.line.speed == 300


COMES, GOES = 5 * 10 / 300, len(IDENTIFICATION) * 10 / 300
LINE_TIMES = [("both", COMES, GOES), ("received", COMES, 0.0), ("none", 0.0, 0.0)]
LineTime = Literal["both", "received", "none"]


@pytest.mark.parametrize(("line_time", "comes", "goes"), LINE_TIMES)
def test_characters_take_the_time_of_a_line_that_has_one(line_time: LineTime, comes: float, goes: float) -> None:
    bench = Bench(Readout(settings=Iec62056Settings(modes="A", line_time=line_time)))
    bench.send(b"/?!\r\n")
    bench.wait(5.0)
    assert [data for _, _, data in bench.sent] == [IDENTIFICATION, DATA]
    identified, answered = (when for when, _, _ in bench.sent)
    assert identified == pytest.approx(comes + 0.2)
    assert answered - identified == pytest.approx(goes + 0.3)


@pytest.mark.parametrize(("line_time", "comes", "goes"), LINE_TIMES)
def test_a_reader_has_its_time_to_change_speed_on_every_line(line_time: LineTime, comes: float, goes: float) -> None:
    bench = Bench(Readout(settings=Iec62056Settings(line_time=line_time)))
    bench.send(b"/?!\r\n")
    bench.wait(comes + 0.2 + goes)
    asked = bench.now
    bench.send(b"\x06050\r\n")
    assert bench.wait(1.0) == DATA
    assert bench.sent[-1][0] - asked == pytest.approx(6 * 10 / 300 * (line_time != "none") + 0.6)


@pytest.mark.parametrize("line_time", ["received", "none"])
def test_mode_b_changes_its_speed_behind_the_identification_on_every_line(line_time: LineTime) -> None:
    bench = Bench(Readout(settings=Iec62056Settings(modes="B", max_baud="E", line_time=line_time)))
    bench.send(b"/?!\r\n")
    assert bench.wait(5.0) == IDENTIFICATION + DATA
    (identified, *_), (answered, *_) = bench.sent
    assert [speed for _, speed, _ in bench.sent] == [300, 9600]
    assert answered - identified == pytest.approx(0.3)


def test_over_a_network_a_long_dialogue_at_300_baud_takes_its_reaction_times_only() -> None:
    """The settings of a meter of mode A are some sixty parts of text: two seconds each, were it a line."""
    part = Command("R5", "131.128.0", "0;255")
    bench = Bench(Readout(settings=Iec62056Settings(modes="A", programming=True, line_time="none")))
    bench.send(b"/?!\r\n")
    bench.wait(0.6)
    began = bench.now
    for _ in range(60):
        bench.send(part.encode())
        bench.command.link.send_data([f"131.128.0(3000;{'41' * 60})"], bench.now)
        while not bench.wait(0.01):
            pass
    assert bench.now - began == pytest.approx(60 * 0.2, rel=0.1)


def test_a_dialogue_that_goes_on_keeps_its_speed() -> None:
    """A reader in mode C changes its own speed before the meter has taken the acknowledgement."""
    bench = Bench()
    bench.line.set_line_speed(300)
    bench.send(b"/?!\r\n")
    bench.wait(1.2)
    bench.line.set_line_speed(9600)
    assert bench.line.speed == 300
    bench.send(b"\x06040\r\n")
    assert bench.wait(1.0) == DATA
    assert bench.sent[-1][1] == 4800


def test_a_meter_without_supply_is_silent_and_forgets_where_it_was() -> None:
    meter = Readout()
    bench = Bench(meter)
    meter.powered = False
    bench.send(b"/?!\r\n")
    assert bench.wait(5.0) == b""
    meter.powered = True
    bench.send(b"/?!\r\n")
    meter.powered = False
    assert bench.wait(5.0) == b""
    meter.powered = True
    bench.send(b"/?!\r\n")
    assert bench.wait(10.0) == IDENTIFICATION + DATA
