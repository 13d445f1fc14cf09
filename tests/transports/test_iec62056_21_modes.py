"""IEC 62056-21, modes B, D and E, parity, and what any octets at any time do: nothing that lasts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transports.iec62056_21 import Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.iec62056_21.client_messages import Command
from transports.iec62056_21.dialogue import Dialogue
from transports.iec62056_21.dialogue_states import TRANSITIONS, Action, Input, State
from transports.iec62056_21.framing import OF_CLIENTS, MessageReader
from transports.iec62056_21.meter_messages import parse_push
from transports.iec62056_21.settings import SPEEDS_MODE_B

from .iec_bench import DATA, IDENTIFICATION, Bench
from .meters import Readout

ALL = Iec62056Settings(modes="ACDE", programming=True, manufacturer_modes="6", initial_speed=9600, d0_interval_s=60.0)
P1 = Command("P1", "", "12345").encode()


# --- pair by pair -----------------------------------------------------------------------------------------


def bench_in(state: State) -> Bench:
    """A meter of every mode in this state, as readers bring it about."""
    mode_a = state in (State.TRANSMITTED, State.OPEN)
    found = Bench(Readout(settings=replace(ALL, modes="AD" if mode_a else "ACDE", ident_to_data_s=0.3)))
    if state in (State.PUSH_DUE, State.PUSHING):
        found.wait(60.0 if state is State.PUSH_DUE else 60.25)
        return found
    if state is State.SIGN_ON:
        return found
    found.send(b"/?!\r\n")
    if state is State.REQUESTED:
        return found
    found.wait(0.3)
    options = {State.SELECTED: b"\x06050\r\n", State.PROGRAMMING: b"\x06051\r\n", State.CONFIRMING: b"\x06252\r\n"}
    if state is State.HDLC:
        found.send(options[State.CONFIRMING])
        assert found.wait(0.7) == b"\x06252\r\n"
    elif state in options:
        found.send(options[state])
    elif mode_a:
        assert found.wait(0.5) == DATA
        found.wait(2.0 if state is State.OPEN else 0.0)
    return found


SAID = {
    Input.REQUEST: b"/?!\r\n",
    Input.FOREIGN_REQUEST: b"/?999!\r\n",
    Input.SELECT_READOUT: b"\x06050\r\n",
    Input.SELECT_PROGRAMMING: b"\x06056\r\n",
    Input.SELECT_HDLC: b"\x06252\r\n",
    Input.COMMAND: P1,
    Input.BREAK: b"\x01B0\x03q",
    Input.REPEAT: b"\x15",
}


@pytest.mark.parametrize(("state", "given_input"), list(product(State, SAID)), ids=lambda value: value.name)
def test_every_state_and_everything_a_reader_may_say(state: State, given_input: Input) -> None:
    found = bench_in(state)
    (dialogue,) = found.line._dialogues.values()
    assert dialogue.state is state
    found.send(SAID[given_input])
    action, following = TRANSITIONS[state, given_input]
    if state is State.PROGRAMMING and given_input is Input.BREAK:
        following = State.SIGN_ON
    if state in (State.IDENTIFIED, State.SELECTED) and given_input is Input.COMMAND:
        action = Action.IGNORE
    assert dialogue.state is following
    assert (action is Action.IGNORE) == (following is state) or action in (Action.START, Action.HAND_ON, Action.FINISH)
    found.wait(300.0 if state is not State.HDLC else 0.0)
    found.send(b"/?12345678!\r\n")
    assert found.wait(0.3).endswith(
        IDENTIFICATION.replace(b"5 ", b"5\\2 ") if "E" in modes(dialogue) else IDENTIFICATION
    )


@pytest.mark.parametrize("state", State, ids=lambda value: value.name)
def test_every_state_when_its_time_has_come(state: State) -> None:
    found = bench_in(state)
    (dialogue,) = found.line._dialogues.values()
    deadline = dialogue.next_timer()
    assert (deadline is None) == (state in (State.SIGN_ON, State.HDLC))
    if deadline is not None:
        given_input = Input.TIME_TO_LISTEN if state is State.TRANSMITTED else Input.TIME
        found.wait(deadline - found.now + 1e-6)
        assert dialogue.state is TRANSITIONS[state, given_input][1]


def modes(dialogue: Dialogue) -> str:
    return dialogue.meter.settings.modes


# --- mode B -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "speed"), SPEEDS_MODE_B.items())
def test_mode_b_sends_the_data_at_the_speed_of_its_letter(letter: str, speed: int) -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="B", max_baud=letter)))
    found.send(b"/?!\r\n")
    found.wait(5 * 10 / 300 + 0.2)
    left = found.now + len(IDENTIFICATION) * 10 / 300
    assert found.line.speed == 300
    found.wait(left - found.now + 0.01)
    assert found.line.speed == speed, "the identification has left, then the line changes"
    assert found.wait(0.3) == DATA
    assert found.sent[1][0] == pytest.approx(left + 0.3)
    assert [speed for _, speed, _ in found.sent] == [300, speed]
    found.wait(5.0)
    assert found.line.speed == 300


def test_modes_a_and_b_listen_to_no_option_select() -> None:
    for letters in ("A", "B"):
        found = Bench(Readout(settings=Iec62056Settings(modes=letters, max_baud="E")))
        found.send(b"/?!\r\n")
        found.wait(0.5)
        found.send(b"\x06040\r\n")
        assert found.wait(5.0).endswith(DATA)
        assert found.sent[-1][1] == (300 if letters == "A" else 9600)


# --- mode E -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parity", [True, False])
@pytest.mark.parametrize(("digit", "speed"), [(b"5", 9600), (b"3", 2400), (b"6", 300)])
def test_mode_e_is_confirmed_at_the_speed_that_the_reader_chose(digit: bytes, speed: int, parity: bool) -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="ACE")))

    def on_line(octets: bytes) -> bytes:
        return with_even_parity(octets) if parity else octets

    found.send(on_line(b"/?!\r\n"))
    assert found.wait(1.0) == on_line(b"/KAM5\\2 68535CC453010\r\n")
    assert not found.line.opened_hdlc
    confirmation = on_line(b"\x062%b2\r\n" % digit)
    found.send(confirmation)
    assert found.line.speed == speed
    assert found.wait(1.0) == confirmation  # as public vectors V498 and V506
    assert found.sent[-1][1] == speed
    assert found.line.opened_hdlc
    assert (found.line.active, found.line.next_timer(), found.line.speed) == (True, None, speed)
    found.line.reset("HDLC is over")
    assert (found.line.opened_hdlc, found.line.active, found.line.speed) == (False, False, 300)


def test_a_meter_of_mode_e_is_one_of_mode_c_too() -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="E")))
    found.send(b"/?!\r\n")
    found.wait(1.2)
    found.send(b"\x06050\r\n")
    assert found.wait(1.0) == DATA


def test_a_meter_without_mode_e_takes_its_option_select_for_a_readout() -> None:
    found = Bench()
    found.send(b"/?!\r\n")
    found.wait(1.0)
    found.send(b"\x06252\r\n")
    assert found.wait(1.0) == DATA
    assert not found.line.opened_hdlc


# --- mode D -----------------------------------------------------------------------------------------------

PUSHED = b"/KAM3 68535CC453010\r\n\r\n0.0.1(12345678)\r\n1.8.0(0000010*kWh)\r\n!\r\n"


def test_mode_d_sends_unasked_every_interval_at_its_own_speed() -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="ACD", d0_interval_s=5.0)))
    assert found.wait(21.0) == PUSHED * 4
    assert [round(when) for when, _, _ in found.sent] == [5, 10, 15, 20]
    assert {speed for _, speed, _ in found.sent} == {2400}
    assert found.line.speed == 300
    assert parse_push(PUSHED) is not None


def test_mode_d_sends_only_while_nobody_uses_the_port() -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="ACD", d0_interval_s=5.0)))
    found.wait(4.0)
    found.send(b"/?!\r\n")
    assert found.wait(4.9) == IDENTIFICATION + DATA
    found.wait(10.0)
    already = len(found.sent)
    found.line.note_traffic(found.now)  # another protocol was heard
    assert found.wait(4.9) == b""
    assert found.wait(0.5) == PUSHED
    assert len(found.sent) == already + 1


def test_mode_d_follows_what_is_configured_and_the_supply() -> None:
    meter = Readout(settings=Iec62056Settings(modes="AC"))
    found = Bench(meter)
    assert found.wait(100.0) == b""
    meter.settings = replace(meter.settings, modes="ACD", d0_interval_s=30.0)
    assert found.wait(31.0) == PUSHED
    meter.settings = replace(meter.settings, d0_interval_s=10.0, d0_speed=9600)
    assert found.wait(11.0) == PUSHED
    assert found.sent[-1][1] == 9600
    meter.powered = False
    assert found.wait(30.0) == b""
    meter.powered = True
    meter.settings = replace(meter.settings, d0_interval_s=0.0)
    assert found.wait(100.0) == b""
    assert found.line.next_timer() is None


def test_a_port_without_modes_is_deaf() -> None:
    for letters in ("", "D"):
        found = Bench(Readout(settings=Iec62056Settings(modes=letters)))
        found.send(b"/?!\r\n")
        assert found.wait(10.0) == b""


# --- parity -----------------------------------------------------------------------------------------------

CLEAN, EVEN = b"/?!\r\n", with_even_parity(b"/?!\r\n")
WRONG = bytes.fromhex("AF 3F 21 0D 0A")


@pytest.mark.parametrize(
    ("parity", "request_octets", "answered"),
    [
        ("auto", CLEAN, "clean"),
        ("auto", EVEN, "even"),
        ("auto", WRONG, None),
        ("even", CLEAN, None),
        ("even", EVEN, "even"),
        ("even", WRONG, None),
        ("none", CLEAN, "clean"),
        ("none", EVEN, "clean"),
        ("none", WRONG, "clean"),
    ],
)
def test_parity_of_a_request_and_of_its_answer(parity: str, request_octets: bytes, answered: str | None) -> None:
    found = Bench(Readout(settings=Iec62056Settings(parity=parity)))  # type: ignore[arg-type]
    found.send(request_octets)
    expected = {"clean": IDENTIFICATION, "even": with_even_parity(IDENTIFICATION), None: b""}[answered]
    assert found.wait(1.0) == expected
    assert found.line.messages == (answered is not None)
    assert found.line.noise_octets == (0 if answered else 5)


def test_an_option_select_with_another_parity_than_the_request_is_not_heard() -> None:
    found = Bench()
    found.send(EVEN)
    found.wait(1.2)
    found.send(b"\x06050\r\n")
    assert found.wait(5.0) == with_even_parity(DATA)
    assert found.sent[-1][1] == 300, "as without one, after Tt"


# --- whatever happens -------------------------------------------------------------------------------------

PORTIONS = st.lists(
    st.tuples(
        st.binary(max_size=30)
        | st.sampled_from(
            [
                *SAID.values(),
                P1[:4],
                b"/?",
                b"\x06",
                b"\x06051\r\n",
                Command("R5", "1.0.0", "").encode(),
                with_even_parity(b"/?!\r\n"),
                with_even_parity(b"\x06051\r\n"),
                b"\x01" + b"x" * 300,
            ]
        ),
        st.sampled_from([0.0, 0.01, 0.3, 0.8, 2.0, 30.0]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(
    PORTIONS,
    st.sampled_from(["A", "B", "C", "AC", "ACD", "E", "D", "ACDE"]),
    st.booleans(),
    st.sampled_from(["ack", "data", "blocks", "error", "break", "nothing"]),
)
def test_whatever_is_said_whenever_a_request_is_answered_once_time_has_passed(
    portions: list[tuple[bytes, float]], letters: str, programming: bool, answer: str
) -> None:
    port = Iec62056Settings(
        modes=letters, max_baud="E" if letters == "B" else "5", programming=programming, d0_interval_s=7.0
    )
    found = Bench(Readout(settings=port))
    answered = 0
    for octets, pause in portions:
        found.send(octets)
        for event in found.events[answered:]:
            link = event.link
            if hasattr(event, "command") and hasattr(link, "send_error"):
                match answer:
                    case "ack":
                        link.acknowledge(found.now)
                    case "data":
                        link.send_data(["1.0.0(1)"], found.now)
                    case "blocks":
                        link.send_data(["1.0.0(1)", "(2)"], found.now)
                    case "error":
                        link.send_error("ER", found.now)
                    case "break":
                        link.break_off(found.now)
        answered = len(found.events)
        found.wait(pause)
    found.wait(port.ti_s + port.tt_s + port.ta_s + 5.0)
    assert found.line.idle
    if answer != "nothing":
        assert len(found.ends) == len({id(event.link) for event in found.events})
    found.send(b"/?!\r\n")
    heard = found.wait(0.6)
    assert (b"/KAM " in heard or b"/KAM5" in heard) == (letters != "D")


@given(st.lists(st.sampled_from([b"/?!\r\n", b"\x06051\r\n", P1, b"\x15", b"\x00\xff~"]), max_size=8), st.data())
def test_messages_may_come_in_any_portions(messages: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(messages)
    whole, cut = Bench(Readout(settings=ALL)), Bench(Readout(settings=ALL))
    whole.send(octets)
    while octets:
        size = data.draw(st.integers(1, len(octets)))
        cut.send(octets[:size])
        octets = octets[size:]
    assert whole.wait(0.5) == cut.wait(0.5)
    assert (whole.line.messages, whole.line.noise_octets) == (cut.line.messages, cut.line.noise_octets)


def test_the_reader_is_bounded() -> None:
    reader = MessageReader(OF_CLIENTS)
    for octet in b"\x01R5\x02" + b"1" * 5000:
        reader.receive(octet)
    assert reader.idle
    assert reader.noise_octets == 5004
