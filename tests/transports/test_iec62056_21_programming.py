"""Programming mode of IEC 62056-21, seen by the client, with a given clock; the dialogue's table pair by pair."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from transports.events import CommandReceived, LinkDisconnected, ProgrammingLink
from transports.iec62056_21 import Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.iec62056_21.client_messages import Acknowledge, Break, Command, Repeat
from transports.iec62056_21.meter_messages import Challenge, Data, Error
from transports.iec62056_21.programming import NOT_UNDERSTOOD, TRANSITIONS, Action, Input, Programming, State

from .iec_bench import DATA, IDENTIFICATION, Bench
from .meters import Readout

P0 = bytes.fromhex("0150300228290360")  # public vector V497
P1 = Command("P1", "", "12345").encode()
R5 = Command("R5", "1.0.0", "").encode()
ACK, NAK, B0 = Acknowledge().encode(), Repeat().encode(), Break().encode()
SETTINGS = Iec62056Settings(programming=True, manufacturer_modes="6", initial_speed=9600)


def programming(settings: Iec62056Settings = SETTINGS, option: bytes = b"\x06051\r\n") -> Bench:
    """A dialogue that has got as far as P0."""
    found = Bench(Readout(settings=settings))
    found.send(b"/?!\r\n")
    found.wait(0.5)
    found.send(option)
    assert found.wait(0.7) == P0
    return found


def signed_on(settings: Iec62056Settings = SETTINGS, option: bytes = b"\x06051\r\n") -> Bench:
    """A dialogue whose password was taken."""
    found = programming(settings, option)
    found.send(P1)
    found.command.link.acknowledge(found.now)
    assert found.wait(0.3) == ACK
    return found


def test_the_table_has_every_pair_and_every_action_is_there() -> None:
    assert set(TRANSITIONS) == set(product(State, Input))
    assert all(hasattr(Programming, f"_{action.value}") for action in Action)
    assert {action for action, _ in TRANSITIONS.values()} == set(Action)


def in_state(state: State) -> Bench:
    """A dialogue in this state, as a client brings it about."""
    if state is State.CHALLENGE_DUE:
        found = Bench(Readout(settings=SETTINGS))
        found.send(b"/?!\r\n")
        found.wait(0.5)
        found.send(b"\x06051\r\n")
        return found
    if state is State.OFFERED:
        return programming()
    found = signed_on()
    if state is State.WAITING:
        return found
    found.send(R5)
    link = found.command.link
    if state is State.ANSWER_DUE:
        link.send_data(["1.0.0(1)"], found.now)
    elif state is State.BLOCK_SENT:
        link.send_data(["1.0.0(1)", "(2)", "(3)"], found.now)
        assert found.wait(0.3) == Data("1.0.0(1)", more=True).encode()
    elif state is State.BREAK_DUE:
        link.break_off(found.now)
    elif state is State.ENDED:
        found.send(B0)
    return found


WRONG_CHECK = R5[:-1] + bytes((R5[-1] ^ 1,))
WRONG_SYNTAX = Command("R5", "1.0.0", "").encode().replace(b"R5", b"R7")[:-1] + bytes((R5[-1] ^ 2,))
FROM_CLIENT = {
    Input.COMMAND: R5,
    Input.WRONG_CHECK: WRONG_CHECK,
    Input.WRONG_SYNTAX: WRONG_SYNTAX,
    Input.BREAK: B0,
    Input.ACKNOWLEDGE: ACK,
    Input.REPEAT: NAK,
}
ERROR = Error(NOT_UNDERSTOOD).encode()
BLOCK = Data("1.0.0(1)", more=True).encode()
SAYS = {  # what the client hears within 0.3 s
    (State.OFFERED, Input.WRONG_CHECK): NAK,
    (State.OFFERED, Input.WRONG_SYNTAX): ERROR,
    (State.OFFERED, Input.REPEAT): P0,
    (State.WAITING, Input.WRONG_CHECK): NAK,
    (State.WAITING, Input.WRONG_SYNTAX): ERROR,
    (State.WAITING, Input.REPEAT): ACK,
    (State.BLOCK_SENT, Input.WRONG_CHECK): NAK,
    (State.BLOCK_SENT, Input.WRONG_SYNTAX): ERROR,
    (State.BLOCK_SENT, Input.REPEAT): BLOCK,
    (State.BLOCK_SENT, Input.ACKNOWLEDGE): Data("(2)", more=True).encode(),
}
COMMAND_GOES_UP = {State.OFFERED, State.WAITING, State.BLOCK_SENT}


@pytest.mark.parametrize(
    ("state", "given"),
    list(product(State, FROM_CLIENT)),
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_every_state_and_everything_a_client_may_say(state: State, given: Input) -> None:
    found = in_state(state)
    events = len(found.events)
    found.send(FROM_CLIENT[given])
    brought = found.events[events:]
    if given is Input.BREAK and state is not State.ENDED:
        assert [type(event) for event in brought] == [LinkDisconnected]
        assert found.wait(200.0) == b""
        assert not found.line.active
        return
    if given is Input.COMMAND and state in COMMAND_GOES_UP:
        assert [type(event) for event in brought] == [CommandReceived]
        assert found.wait(200.0) == b"", "timers rest while a command is being served"
        return
    assert brought == []
    if state not in (State.CHALLENGE_DUE, State.ANSWER_DUE, State.BREAK_DUE):
        assert found.wait(0.3) == SAYS.get((state, given), b"")


def test_a_dialogue_as_the_382m_conducts_it() -> None:
    found = Bench(Readout(settings=Iec62056Settings(programming=True)))
    found.send(b"/?!\r\n")
    found.wait(0.9)
    found.send(b"\x06051\r\n")
    asked = found.now
    assert found.wait(1.0) == P0
    assert found.sent[-1][0] - asked == pytest.approx(6 * 10 / 300 + 0.6)
    assert found.sent[-1][1] == 9600
    found.send(P1)
    assert found.command[1:] == ("P1", "", "12345")
    assert (found.command.link.device, found.command.link.mode, found.command.link.state) == (0, "1", None)
    found.command.link.acknowledge(found.now)
    asked = found.now
    assert found.wait(0.3) == ACK
    assert found.sent[-1][0] - asked == pytest.approx(len(P1) * 10 / 9600 + 0.2)
    found.send(R5)
    assert found.command[1:] == ("R5", "1.0.0", "")
    found.command.link.send_data(["1.0.0(01050201075012)"], found.now)
    assert found.wait(0.3) == Data("1.0.0(01050201075012)").encode()
    found.send(Command("W1", "1.8.0", "0").encode())
    found.command.link.send_error("ER02 READ ONLY", found.now)
    assert found.wait(0.3) == Error("ER02 READ ONLY").encode()
    found.send(B0)
    assert found.ends == ["B0"]
    assert found.line.speed == 300
    assert found.wait(100.0) == b""


def test_an_answer_that_comes_late_leaves_at_once() -> None:
    found = in_state(State.WAITING)
    found.send(R5)
    found.wait(30.0)
    found.command.link.send_data(["1.0.0(1)"], found.now)
    assert found.wait(0.0) == Data("1.0.0(1)").encode()


def test_a_manufacturer_mode_is_the_same_dialogue() -> None:
    found = signed_on(option=b"\x06056\r\n")
    assert found.command.link.mode == "6"


@pytest.mark.parametrize("option", [b"\x06057\r\n", b"\x06052\r\n", b"\x0605x\r\n", b"\x06252\r\n"])
def test_a_mode_that_is_not_offered_is_answered_with_the_readout(option: bytes) -> None:
    found = Bench(Readout(settings=SETTINGS))
    found.send(b"/?!\r\n")
    found.wait(0.5)
    found.send(option)
    assert found.wait(1.0) == DATA
    assert found.events == []


def test_a_wrong_password_ends_with_b0_and_back_at_sign_on() -> None:
    found = programming()
    found.send(P1)
    found.command.link.break_off(found.now)
    assert found.wait(0.3) == B0
    assert found.ends == ["broken off"]
    assert not found.line.active
    found.send(b"/?!\r\n")
    assert found.wait(0.5) == IDENTIFICATION


def test_blocks_go_on_with_ack_repeat_with_nak_and_are_given_up_by_a_command() -> None:
    found = in_state(State.BLOCK_SENT)
    for said, heard in (
        (NAK, BLOCK),
        (ACK, Data("(2)", more=True).encode()),
        (NAK, Data("(2)", more=True).encode()),
        (WRONG_CHECK, NAK),
        (NAK, Data("(2)", more=True).encode()),
        (ACK, Data("(3)").encode()),
        (NAK, Data("(3)").encode()),
        (ACK, b""),
    ):
        found.send(said)
        assert found.wait(0.3) == heard
    found = in_state(State.BLOCK_SENT)
    found.send(Command("R5", "0.0.1", "").encode())
    found.command.link.send_data(["0.0.1(1)"], found.now)
    assert found.wait(0.3) == Data("0.0.1(1)").encode()
    found.send(ACK)
    assert found.wait(0.5) == b""


def test_a_client_that_says_nothing_is_given_up_after_its_time() -> None:
    for state, silence in ((State.OFFERED, 1.5), (State.WAITING, 90.0), (State.BLOCK_SENT, 90.0)):
        found = in_state(state)
        sent = found.sent[-1]
        end = sent[0] + len(sent[2]) * 10 / 9600 + silence
        found.wait(end - found.now - 0.001)
        assert found.ends == []
        found.wait(0.002)
        assert found.ends == ["the client is silent"]
        assert not found.line.active


def test_a_password_that_has_begun_in_time_is_in_time() -> None:
    found = programming()
    found.wait(1.3)
    for octet in P1:
        found.wait(0.1)
        found.send(bytes((octet,)))
    assert found.command.command == "P1"
    found = programming()
    found.wait(1.3)
    found.send(P1[:4])
    found.wait(2.0)
    assert found.ends == ["the client is silent"]


def test_half_a_command_is_dropped_and_the_next_one_taken() -> None:
    found = signed_on()
    found.send(R5[:5])
    found.wait(1.6)
    found.send(R5)
    assert found.command.command == "R5"


def test_an_answer_to_a_dialogue_that_is_over_goes_nowhere() -> None:
    found = signed_on()
    found.send(R5)
    link = found.command.link
    found.send(b"/?!\r\n")
    assert found.ends == ["a new sign-on"]
    for answer in every_answer(link):
        answer()
    assert found.wait(0.3) == IDENTIFICATION
    found.send(b"\x06051\r\n")
    link.acknowledge(found.now)
    assert found.wait(1.0) == P0


def every_answer(link: ProgrammingLink) -> list[Callable[[], None]]:
    """Whatever the layer above may say."""
    return [
        lambda: link.acknowledge(0.0),
        lambda: link.send_data(["x"], 0.0),
        lambda: link.send_error("x", 0.0),
        lambda: link.break_off(0.0),
    ]


def test_a_second_answer_is_none() -> None:
    found = signed_on()
    found.send(R5)
    found.command.link.send_data(["1.0.0(1)"], found.now)
    found.command.link.break_off(found.now)
    assert found.wait(1.0) == Data("1.0.0(1)").encode()
    assert found.ends == []


def test_the_dialogue_ends_when_another_meter_is_addressed_the_supply_fails_the_line_is_reset() -> None:
    found = signed_on()
    found.send(b"/?999!\r\n")
    assert found.ends == ["another meter is addressed"]
    found = signed_on()
    found.events += found.line.reset("stream closed")
    assert found.ends == ["stream closed"]
    found = signed_on()
    found.events += found.line.detach(0)
    assert found.ends == ["the meter is detached"]
    meter = Readout(settings=SETTINGS)
    found = Bench(meter)
    found.send(b"/?!\r\n")
    found.wait(0.5)
    found.send(b"\x06051\r\n")
    meter.powered = False
    assert found.wait(1.0) == b""
    assert found.ends == ["no supply"]


def test_parity_is_checked_where_the_client_sends_it() -> None:
    found = Bench(Readout(settings=SETTINGS))
    found.send(with_even_parity(b"/?!\r\n"))
    assert found.wait(0.5) == with_even_parity(IDENTIFICATION)
    found.send(with_even_parity(b"\x06051\r\n"))
    assert found.wait(1.0) == with_even_parity(P0)
    wrong = bytearray(with_even_parity(P1))
    wrong[5] ^= 0x80
    found.send(bytes(wrong))
    assert found.wait(0.3) == with_even_parity(NAK)
    assert found.events == []
    found.send(with_even_parity(P1))
    found.command.link.acknowledge(found.now)
    assert found.wait(0.3) == ACK


@pytest.mark.parametrize("mode", ["A", "B"])
def test_after_the_data_of_modes_a_and_b_any_command_begins_programming_at_the_initial_speed(mode: str) -> None:
    settings = Iec62056Settings(modes=mode, max_baud="E" if mode == "B" else " ", programming=True)
    for pause in (0.0, 30.0):
        found = Bench(Readout(settings=settings))
        found.send(b"/?!\r\n")
        assert found.wait(4.0).endswith(DATA)
        found.wait(pause)
        found.send(P1)
        assert (found.command.link.mode, found.line.speed) == (mode, 300)
        found.command.link.acknowledge(found.now)
        assert found.wait(1.0) == ACK
        found.send(B0)
        assert found.ends == ["B0"]
    found = Bench(Readout(settings=settings))
    found.send(b"/?!\r\n")
    found.wait(100.0)
    found.send(P1)
    assert found.events == [], "after Ti the port is back at sign-on"


def test_without_programming_commands_say_nothing() -> None:
    found = Bench(Readout(settings=Iec62056Settings(modes="A")))
    found.send(b"/?!\r\n")
    found.wait(4.0)
    found.send(P1)
    assert found.wait(5.0) == b""
    assert found.events == []


def test_the_sum_is_the_check_of_commands_and_answers_alike() -> None:
    settings = Iec62056Settings(programming=True, bcc="sum", initial_speed=9600)
    found = Bench(Readout(settings=settings))
    found.send(b"/?!\r\n")
    found.wait(0.5)
    found.send(b"\x06051\r\n")
    assert found.wait(1.0) == Challenge("").encode("sum")
    found.send(P1)
    assert found.wait(0.3) == NAK
    found.send(Command("P1", "", "12345").encode("sum"))
    assert found.command.command == "P1"
    found.command.link.send_error("ER", found.now)
    assert found.wait(0.3) == Error("ER").encode("sum")
