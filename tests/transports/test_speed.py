"""The search for a line's speed: its rules, and a stream and a serial port that follow them."""

from __future__ import annotations

import asyncio
import os
import termios
import tty

import pytest

from transports.iec62056_21 import Iec62056Line, Iec62056Settings
from transports.iec62056_21.characters import with_even_parity
from transports.serial_port import open_serial
from transports.speed import BURST_S, LEFT_S, SETTLED_S, SPEEDS, SpeedSearch
from transports.stream import Stream
from transports.wrapper import WrapperLine, encode_wpdu

from .meters import Readout, echo, hdlc_line

SNRM = bytes.fromhex("7EA0070321930F017E")
IDENTIFICATION = b"/KAM5 68535CC453010\r\n"
AT_ANOTHER_SPEED = [b"\x00\x80", b"\xf8", b"\x00", b"\xe0\xfe\x00"]
"""What a request at 300 baud looks like to a port at 9600: runs of equal bits much longer than its characters."""


def stream() -> Stream:
    wrapper, iec = WrapperLine(), Iec62056Line()
    wrapper.attach("meter", lambda: (1, 16))
    iec.attach("meter", Readout(settings=Iec62056Settings(reaction_time_s=0.0)))
    return Stream(hdlc_line(), wrapper, iec, search=SpeedSearch())


# --- the rules ------------------------------------------------------------------------------------------


def test_noise_changes_the_speed_once_for_each_burst() -> None:
    search = SpeedSearch()
    assert search.speed == 9600
    speeds = []
    for burst in range(4):
        for part in range(10):
            search.noise(burst * 10.0 + part * BURST_S * 0.9)
            speeds.append(search.speed)
    assert speeds == [300] * 10 + [1200] * 10 + [9600] * 10 + [300] * 10


def test_a_message_settles_the_speed_for_a_minute_and_one_burst() -> None:
    search = SpeedSearch((9600, 300))
    search.noise(0.0)
    for now in (2.0, 4.0, 6.0):
        search.message(now)
        for part in range(10):
            search.noise(now + 0.1 + part * BURST_S * 0.9)
            assert search.speed == 300
        now += 5.0
    search.message(20.0)
    search.noise(20.0 + SETTLED_S)
    assert search.speed == 9600, "the minute is over"
    search.message(100.0)
    search.noise(101.0)
    assert search.speed == 9600
    search.noise(101.0 + BURST_S)
    assert search.speed == 300, "two bursts without a message come from somebody else"
    search.noise(101.0 + 2 * BURST_S)
    assert search.speed == 9600


def test_when_the_reader_has_left_any_burst_changes_the_speed() -> None:
    search = SpeedSearch()
    search.noise(0.0)
    search.message(1.0)
    search.unsettle(1.5)
    assert search.speed == 300
    search.noise(2.0)
    assert search.speed == 1200


def test_the_line_rests_soon_after_the_reader_has_left_unless_one_is_heard() -> None:
    for back in (False, True):
        search = SpeedSearch()
        search.noise(0.0)
        search.message(1.0)
        search.unsettle(2.0)
        assert search.next_timer() == 2.0 + LEFT_S
        if back:
            search.message(3.0)
        search.handle_timer(2.0 + LEFT_S)
        assert search.speed == (300 if back else 9600)
    at_rest = SpeedSearch()
    at_rest.unsettle(0.0)
    assert at_rest.next_timer() is None


def test_from_a_speed_that_is_none_of_its_own_the_search_goes_on_at_rest() -> None:
    for speeds, rest in (((9600, 300), 9600), ((None,), None)):
        search = SpeedSearch(speeds)
        search.settle(2400, 0.0)
        search.noise(1.0)
        assert (search.speed, search.next_timer()) == (2400, SETTLED_S)
        search.noise(2.0)
        assert (search.speed, search.next_timer()) == (rest, None)


@pytest.mark.parametrize("left", [True, False])
def test_whoever_comes_next_at_another_speed_is_heard_within_four_requests(left: bool) -> None:
    for spoken in SPEEDS:
        for wanted in SPEEDS:
            search = SpeedSearch()
            search.settle(spoken, 0.0)
            if left:
                search.unsettle(0.5)
            requests = 1
            while search.speed != wanted:
                search.noise(requests * 1.0)
                requests += 1
            assert requests <= (3 if left else 4)


def test_at_rest_there_is_no_timer_and_elsewhere_it_leads_back() -> None:
    search = SpeedSearch()
    search.message(0.0)
    assert search.next_timer() is None
    search.noise(100.0)
    assert search.next_timer() == 100.0 + SETTLED_S
    search.message(130.0)
    assert search.next_timer() == 130.0 + SETTLED_S
    search.handle_timer(129.9 + SETTLED_S)
    assert search.speed == 300
    search.handle_timer(130.0 + SETTLED_S)
    assert (search.speed, search.next_timer()) == (9600, None)


# --- a stream -------------------------------------------------------------------------------------------


def hear_noise(found: Stream, now: float) -> None:
    for portion in AT_ANOTHER_SPEED:
        found.receive_data(portion, now)


def test_a_sign_on_at_300_is_answered_when_it_is_repeated() -> None:
    found = stream()
    assert found.speed == 9600
    hear_noise(found, 0.0)
    assert found.closing is None
    assert found.speed == 300
    found.receive_data(b"/?!\r\n", 2.0)
    found.handle_timer(2.2)
    assert found.data_to_send() == IDENTIFICATION
    found.receive_data(b"\x06050\r\n", 2.5)
    assert found.speed == 9600, "the speed that the acknowledgement chose"
    found.handle_timer(4.0)
    assert found.data_to_send().startswith(b"\x02")
    found.handle_timer(6.0)
    assert found.speed == 300, "it stays where a message was heard"
    found.handle_timer(100.0)
    assert found.speed == 9600


def test_a_meter_that_waits_for_any_command_hears_who_comes_at_another_speed() -> None:
    """After the data it does so for Ti, a minute and a half."""
    iec = Iec62056Line()
    iec.attach("meter", Readout(settings=Iec62056Settings(modes="A", programming=True)))
    found = Stream(hdlc_line(), None, iec, search=SpeedSearch())
    hear_noise(found, 0.0)
    found.receive_data(b"/?!\r\n", 1.0)
    for now in (2.0, 3.0, 8.0):
        found.handle_timer(now)
    assert found.data_to_send().endswith(b"!\r\n\x03j")
    assert (iec.active, found.speed) == (True, 300)
    for now, speed in ((10.0, 300), (11.0, 1200), (12.0, 9600)):
        found.receive_data(bytes(10), now)  # what is much slower is heard as nothing else
        assert (iec.active, found.speed) == (True, speed)
        hear_noise(found, now + 0.1)
        assert found.speed == speed
    found.receive_data(SNRM, 13.0)
    assert found.data_to_send()


def test_a_sign_on_at_9600_is_answered_at_9600() -> None:
    found = stream()
    found.receive_data(b"/?!\r\n", 0.0)
    found.handle_timer(0.1)
    assert found.data_to_send() == IDENTIFICATION
    assert found.speed == 9600


@pytest.mark.parametrize("message", [SNRM, encode_wpdu(16, 1, b"get")], ids=["HDLC", "wrapper"])
def test_a_message_of_any_protocol_keeps_the_speed(message: bytes) -> None:
    found = stream()
    hear_noise(found, 0.0)
    for now in (5.0, 6.0):  # the wrapper's second message goes another way
        echo(found.receive_data(message, now), now)
        assert found.data_to_send()
    found.handle_timer(5.9 + SETTLED_S)
    assert found.speed == 300
    found.handle_timer(6.0 + SETTLED_S)
    assert found.speed == 9600


def test_a_message_in_pieces_with_noise_before_it_is_none() -> None:
    found = stream()
    found.receive_data(b"\xf8" + SNRM[:4], 0.0)
    found.receive_data(SNRM[4:], 0.01)
    assert found.data_to_send()
    assert found.speed == 9600


def test_the_line_goes_back_to_rest_by_itself() -> None:
    found = stream()
    hear_noise(found, 0.0)
    deadline = found.next_timer()
    assert deadline == SETTLED_S
    found.handle_timer(deadline)
    assert found.speed == 9600
    assert found.next_timer() is None


def test_without_a_search_noise_changes_nothing() -> None:
    iec = Iec62056Line()
    iec.attach("meter", Readout(settings=Iec62056Settings(initial_speed=1200)))
    found = Stream(hdlc_line(), None, iec)
    hear_noise(found, 0.0)
    assert found.speed == 1200


# --- a serial port --------------------------------------------------------------------------------------


async def test_a_serial_port_follows_the_search() -> None:
    """A pty stands in for the device: it has a speed to set, though octets come at once whatever it is."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    endpoint = await open_serial(os.ttyname(slave), stream, lambda connection, event: None)
    assert termios.tcgetattr(slave)[4] == termios.B9600
    os.write(master, b"\xf8\xfe")
    while termios.tcgetattr(slave)[4] != termios.B300:
        await asyncio.sleep(0)
    os.write(master, with_even_parity(b"/?!\r\n"))
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(master, ready.set)
    await ready.wait()
    asyncio.get_running_loop().remove_reader(master)
    assert os.read(master, 100).startswith(with_even_parity(b"/KAM5"))
    assert termios.tcgetattr(slave)[4] == termios.B300
    await endpoint.close()
    os.close(master)
    os.close(slave)
