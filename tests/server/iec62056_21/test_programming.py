"""Programming over a real connection to a running meter: every command from the client's side of the wire."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from server.iec62056_21.errors import Fault
from server.time_source import SteppedTime
from server.virtual_meter import JournalEntry
from tests.server.clients import HdlcClient, SerialPort, TcpPort
from tests.server.conftest import Process
from tests.server.running import LOOPBACK, device, names, running
from transports.iec62056_21.client_messages import Acknowledge, Break, Command, OptionSelect, Repeat, Request
from transports.iec62056_21.meter_messages import Data, Error, Identification

from .terminal import QUICK, Terminal

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
TCP = [{"kind": "tcp", "address": LOOPBACK}]
ACK = Acknowledge()
Result = TypeVar("Result")


class Bench:
    """A running meter and what its clients do."""

    def __init__(self, runtime: Any, time: SteppedTime) -> None:
        self.runtime = runtime
        self.time = time
        self.name: str = runtime.endpoints[0].name
        (self.meter,) = runtime.meters

    async def do(self, work: Callable[[Terminal], Result], bcc: Any = "xor") -> Result:
        """Let a client do this on a connection of its own."""

        def run() -> Result:
            port = TcpPort(self.name)
            try:
                return work(Terminal(port, bcc))
            finally:
                port.close()

        return await asyncio.to_thread(run)


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Any]:
    """`async with bench() as b`: a 382M that answers quickly, its state on disk; `profile` says which."""

    @asynccontextmanager
    async def build(
        profile: str = "382M", *, endpoints: list[dict[str, Any]] = TCP, text: str = QUICK, **meter: Any
    ) -> AsyncIterator[Bench]:
        own = tmp_path / "quick.toml"
        own.write_text(text.format(profile=profile))
        time = SteppedTime(AT)
        meters = [{"profile": str(own), "commissioned": "2026-03-01T00:00:00Z", **meter}]
        async with running(meters, endpoints, time, state=tmp_path / "state.sqlite") as runtime:
            yield Bench(runtime, time)

    return build


def error(fault: Fault) -> Error:
    return Error(fault.value)


# --- sign-on and password -------------------------------------------------------------------------------


async def test_the_clock_is_read_and_set_as_in_the_document(bench: Callable[..., Any]) -> None:
    """IEC 1107 description 8.1.1 and 8.1.2."""

    def work(terminal: Terminal) -> list[Any]:
        identification = terminal.sign_on()
        said = [
            identification,
            terminal.ask("P1", "", "12345"),
            terminal.ask("R5", "1.0.0"),
            terminal.ask("W5", "1.0.0", "0260321073800"),
            terminal.ask("R5", "1.0.0"),
            terminal.ask("W5", "1.0.0", "1260321003800"),
            terminal.ask("R5", "1.0.0"),
        ]
        terminal.end()
        return said

    async with bench() as b:
        assert await b.do(work) == [
            Identification("KAM", "5", " 68438BM4C3"),
            ACK,
            Data("1.0.0(01260302130000)"),
            ACK,
            Data("1.0.0(01260321073800)"),
            ACK,
            Data("1.0.0(01260320233800)"),
        ]


async def test_a_wrong_password_gets_a_break_and_the_meter_waits_for_a_sign_on(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> list[Any]:
        terminal.sign_on()
        said = [terminal.ask("P1", "", "54321")]
        terminal.say(Command("R1", "1.8.0", ""))
        assert terminal.hear(0.3) is None, "the dialogue is over"
        terminal.sign_on()
        return [*said, terminal.ask("P1", "", "12345"), terminal.ask("R1", "1.8.0")]

    async with bench() as b:
        assert await b.do(work) == [Break(), ACK, Data("1.8.0(0000027*kwh)")]


async def test_repeated_wrong_passwords_lock_the_port_and_a_restart_does_not_open_it(
    bench: Callable[..., Any],
) -> None:
    def guess(password: str) -> Callable[[Terminal], Any]:
        def work(terminal: Terminal) -> Any:
            terminal.sign_on()
            return terminal.ask("P1", "", password)

        return work

    async with bench() as b:
        assert [await b.do(guess(password)) for password in ("1", "12346", "")] == [Break()] * 3
        assert await b.do(guess("12345")) == Break()
    async with bench() as b:
        assert await b.do(guess("12345")) == Break()
        b.time.forward(600)
        assert await b.do(guess("12345")) == ACK


async def test_a_readout_needs_no_password_even_when_the_port_is_locked(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> Any:
        for _ in range(3):
            terminal.sign_on()
            assert terminal.ask("P1", "", "") == Break()
        terminal.sign_on("0")
        return terminal.hear()

    async with bench() as b:
        readout = await b.do(work)
        assert isinstance(readout, Data)
        assert readout.text.startswith("0.0.1(12345678)\r\n97.97.0(")


async def test_before_the_password_there_is_nothing_but_errors(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> list[Any]:
        terminal.sign_on()
        return [
            terminal.ask("R1", "1.8.0"),
            terminal.ask("W5", "1.0.0", "0260321073800"),
            terminal.ask("R6", "99.1.0"),
            terminal.ask("P2", "", "12345"),
            terminal.ask("P1", "", "12345"),
            terminal.ask("P2", "", "12345"),
        ]

    async with bench() as b:
        assert await b.do(work) == [error(Fault.PASSWORD)] * 4 + [ACK, error(Fault.COMMAND)]


async def test_the_classic_is_programmed_behind_its_readout_with_six_digits(bench: Callable[..., Any]) -> None:
    """Mode A at one speed, an arithmetic sum as check; any command behind the data begins."""

    def work(terminal: Terminal) -> list[Any]:
        terminal.say(Request(""))
        said = [terminal.hear(), terminal.hear()]
        for command, data in (("P1", "123456"), ("R1", ""), ("W1", "1")):
            said.append(terminal.ask(command, "" if command == "P1" else "1.20", data))
        said.append(terminal.ask("R5", "131.128.1", "0;20"))
        return said

    async with bench("382-classic") as b:
        identification, readout, *answers = await b.do(work, "sum")
    assert identification.text.strip() == "685-382-OK-10"
    assert "1.6(000000,7*kW)" in readout.text
    assert answers[:3] == [ACK, Data("1.20(0000027*kWh)"), error(Fault.READ_ONLY)]
    assert answers[3] == Data("131.128.1(8;3132333435363738)")


async def test_a_382m_is_not_programmed_behind_a_mode_a_readout(bench: Callable[..., Any]) -> None:
    """IEC 1107 description 3.3."""

    def work(terminal: Terminal) -> Any:
        terminal.say(Request(""))
        assert isinstance(terminal.hear(), Identification)
        assert isinstance(terminal.hear(), Data)
        return terminal.ask("P1", "", "12345")

    async with bench(text=QUICK + "tt_s = 1.0\n") as b:
        assert await b.do(work) == Break()


# --- bad input ------------------------------------------------------------------------------------------


async def test_bad_input_is_refused_or_dropped_and_the_dialogue_goes_on(bench: Callable[..., Any]) -> None:
    """Wrong check, wrong syntax, a value too long, half a command, noise: the next command is answered."""

    def work(terminal: Terminal) -> list[Any]:
        terminal.login()
        said: list[Any] = []
        for octets in (
            b"\x01R1\x020.1.0()\x03\x00",
            Command("R1", "0.1.0", "x" * 129).encode(),
            Command("R7", "0.1.0", "").encode(),
            Command("R1", "0.1.0/1", "").encode(),
            Command("P1", "", "(").encode(),
        ):
            terminal.port.write(octets)
            said.append(terminal.hear())
        for octets in (b"\x01R1\x020.1", b"\x00\xff~noise\r\n", b"\x01R1\x02" + b"0" * 600, b"\x02\x03\x04"):
            terminal.port.write(octets)
            assert terminal.hear(0.4) is None, octets
            said.append(terminal.ask("R1", "0.1.0"))
        return said

    async with bench(text=QUICK + "ta_s = 0.2\nconfigurable = false\n") as b:
        assert await b.do(work) == [Repeat(), *[Error("ER09 SYNTAX")] * 4, *[Data("0.1.0(0)")] * 4]
        assert b.meter.sequence == 1


async def test_after_any_noise_a_reader_signs_on(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> list[Any]:
        said = []
        for octets in (
            b"/?12345678901234567890123456789012345!\r\n",
            b"/?!\r",
            b"\x06051\r\n",
            b"\x01B0\x03q",
            b"//??",
        ):
            terminal.port.write(octets)
            terminal.sign_on()
            said.append(terminal.ask("P1", "", "12345"))
            terminal.say(Break())
        return said

    async with bench() as b:
        assert await b.do(work) == [ACK] * 5


# --- writing --------------------------------------------------------------------------------------------


async def test_everything_writable_is_written_and_kept(bench: Callable[..., Any]) -> None:
    written = {
        "129.0.0": "2", "96.5.1": "3", "131.0.1": "0", "131.0.4": "17280", "131.0.7": "5", "131.0.10": "2",
        "131.0.13": "2000", "131.0.14": "2500", "131.0.15": "3000", "131.0.16": "240",
    }  # fmt: skip

    def write(terminal: Terminal) -> None:
        terminal.login()
        for address, value in written.items():
            assert terminal.ask("W1", address, value) == ACK, address

    def read(terminal: Terminal) -> dict[str, Any]:
        terminal.login()
        return {address: terminal.ask("R1", address) for address in written}

    async with bench() as b:
        await b.do(write)
    async with bench() as b:
        assert await b.do(read) == {address: Data(f"{address}({value})") for address, value in written.items()}


async def test_user_data_2_is_configured_in_manufacturer_mode_and_read_out(bench: Callable[..., Any]) -> None:
    """IEC 1107 description 8.1.6, and a list of forty."""

    def work(terminal: Terminal) -> list[Any]:
        terminal.login("6")
        said: list[Any] = [
            terminal.ask("R1", "131.0.17"),
            terminal.ask("W5", "131.0.17", "2)(1.0.0"),
            terminal.ask("W5", "131.0.17", "40" + ")(1.8.0" * 40),
            terminal.ask("W5", "131.0.17", "3)(1.0.0)(1.8.0)(1.8.1"),
        ]
        terminal.say(Break())
        terminal.sign_on("0")
        return [*said, terminal.hear()]

    async with bench() as b:
        assert await b.do(work) == [
            error(Fault.MODE),
            error(Fault.VALUE),
            ACK,
            ACK,
            Data("1.0.0(01260302130000)\r\n1.8.0(0000027*kwh)\r\n1.8.1(0000027*kwh)\r\n", readout=True),
        ]


async def test_a_port_without_iec_62056_21_is_silent_from_the_next_sign_on(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> list[Any]:
        terminal.login()
        said = [terminal.ask("W1", "131.0.10", "0"), terminal.ask("R1", "131.0.10")]
        terminal.say(Break())
        terminal.say(Request(""))
        return [*said, terminal.hear(0.4)]

    async with bench() as b:
        assert await b.do(work) == [ACK, Data("131.0.10(0)"), None]


async def test_refusals_reach_the_client_and_change_nothing(bench: Callable[..., Any]) -> None:
    refused = [
        ("R1", "1.8.9", "", Fault.UNKNOWN),
        ("W1", "1.8.0", "0", Fault.READ_ONLY),
        ("W1", "0.4.2", "5", Fault.UNKNOWN),
        ("W5", "1.0.0", "tomorrow", Fault.FORMAT),
        ("W1", "129.0.0", "9", Fault.VALUE),
        ("W1", "131.0.13", "999", Fault.VALUE),
        ("W5", "131.0.17", "1)(1.8.0", Fault.MODE),
        ("R6", "99.1.9", "", Fault.UNKNOWN),
        ("R6", "99.1.0", "yesterday", Fault.FORMAT),
        ("R3", "1.8.0", "1", Fault.COMMAND),
        ("E2", "1.8.0", "", Fault.COMMAND),
        ("W5", "131.128.2", "0;2;2D31", Fault.SETTING),  # -1 is no meter number
    ]

    def work(terminal: Terminal) -> list[Any]:
        terminal.login()
        return [terminal.ask(*command) for *command, _ in refused]

    async with bench() as b:
        assert await b.do(work) == [error(fault) for *_, fault in refused]
        assert b.meter.sequence == 1, "that somebody has signed on, no more"


# --- nothing is acknowledged before it is on disk -------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "address", "data"),
    [("W5", "1.0.0", "0260321073800"), ("W1", "131.0.13", "2000"), ("W5", "131.128.2", "0;1;37")],
)
async def test_what_cannot_be_written_to_disk_is_not_acknowledged(
    bench: Callable[..., Any], command: str, address: str, data: str
) -> None:
    """The journal has an entry of the same number already: the connection ends without an answer."""
    async with bench() as b:

        def spoil() -> None:
            entry = JournalEntry(b.meter.serial_number, b.meter.sequence + 1, AT, "{}")
            b.runtime.store.commit([entry]).result()

        def work(terminal: Terminal) -> None:
            terminal.login()
            spoil()
            terminal.ask(command, address, data)

        with pytest.raises(ConnectionError):
            await b.do(work)


async def test_a_password_that_counts_is_on_disk_before_it_is_answered(bench: Callable[..., Any]) -> None:
    async with bench() as b:

        def work(terminal: Terminal) -> None:
            terminal.login()
            terminal.say(Break())
            terminal.sign_on()
            entry = JournalEntry(b.meter.serial_number, b.meter.sequence + 1, AT, "{}")
            b.runtime.store.commit([entry]).result()
            terminal.ask("P1", "", "1")

        with pytest.raises(ConnectionError):
            await b.do(work)


# --- loggers --------------------------------------------------------------------------------------------


async def test_a_logger_comes_block_by_block(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> list[Any]:
        terminal.login()
        six = terminal.blocks("R6", "99.1.0", "0260302090000;0260302120000;")
        five = terminal.blocks("R6", "99.1.0", "0260302090000;0260302120000;5")
        return [six, five, terminal.blocks("R6", "99.98.5")]

    async with bench() as b:
        six, five, events = await b.do(work)
    assert [block.count("\r\n") - 1 for block in six] == [6, 6, 1]
    assert [block.count("\r\n") - 1 for block in five] == [5, 5, 3]
    header = "99.1.0(7)(1.0.0)()(96.56.2)()(96.56.3)()(1.8.0)(kWh)(2.8.0)(kWh)(3.8.0)(kvarh)(4.8.0)(kvarh)\r\n"
    assert all(block.startswith(header) for block in (*six, *five))
    assert "".join(six).replace(header, "") == "".join(five).replace(header, "")
    assert events == ["99.98.5(3)(1.0.0)()(128.0.0)()(128.0.18)()\r\n"]


async def test_every_logger_of_the_document_is_read_in_both_forms_of_block(bench: Callable[..., Any]) -> None:
    """Of one record each, and of as many as there may be."""

    def work(terminal: Terminal) -> dict[str, tuple[list[str], list[str]]]:
        terminal.login()
        codes = [
            "98.1.0",
            "98.2.0",
            "99.1.0",
            "99.1.1",
            *(f"99.98.{number}" for number in (2, 3, 4, 5, 10, 12, 13, 14)),
        ]
        since = "0260302120000"
        return {
            code: (terminal.blocks("R6", code, f"{since};;1"), terminal.blocks("R6", code, f"{since};;99"))
            for code in codes
        }

    async with bench() as b:
        for code, (single, whole) in (await b.do(work)).items():
            assert len(whole) == 1
            header, *records = re.findall(r"[^\r]*\r\n", whole[0])
            assert header.startswith(f"{code}(")
            assert single == [header + record for record in records] or (not records and single == [header])


async def test_a_block_is_repeated_and_an_answer_given_up(bench: Callable[..., Any]) -> None:
    """NAK gets the same block again; another command instead of ACK ends the answer."""

    def work(terminal: Terminal) -> None:
        terminal.login()
        first = terminal.ask("R6", "99.1.0", "")
        assert isinstance(first, Data)
        assert first.more
        terminal.say(Repeat())
        assert terminal.hear() == first
        terminal.say(ACK)
        second = terminal.hear()
        assert isinstance(second, Data)
        assert second.text != first.text
        terminal.say(Repeat())
        assert terminal.hear() == second
        assert terminal.ask("R1", "0.1.0") == Data("0.1.0(0)")
        terminal.say(ACK)
        assert terminal.hear(0.3) is None
        assert terminal.ask("R6", "99.1.0", "") == first

    async with bench() as b:
        await b.do(work)


async def test_a_break_in_mid_block_frees_the_port(bench: Callable[..., Any]) -> None:
    def work(terminal: Terminal) -> Any:
        terminal.login()
        assert isinstance(terminal.ask("R6", "99.1.0", ""), Data)
        terminal.say(Break())
        terminal.login()
        return terminal.ask("R1", "0.1.0")

    async with bench() as b:
        assert await b.do(work) == Data("0.1.0(0)")


# --- ports ----------------------------------------------------------------------------------------------


async def test_the_optical_port_has_its_own_configuration_and_lock(bench: Callable[..., Any]) -> None:
    endpoints = [*TCP, {"kind": "optical", "device": "pty"}]

    async with bench(endpoints=endpoints) as b:
        optical = device(b.runtime.endpoints[1].name)

        def lock(terminal: Terminal) -> None:
            for _ in range(3):
                terminal.sign_on()
                assert terminal.ask("P1", "", "1") == Break()

        def work() -> list[Any]:
            port = SerialPort(optical)
            try:
                terminal = Terminal(port)
                terminal.login()
                said = [terminal.ask("W1", "131.0.3", "0")]
                terminal.say(Break())
                terminal.sign_on("0")
                return [*said, terminal.hear()]
            finally:
                port.close()

        await b.do(lock)
        acknowledged, readout = await asyncio.to_thread(work)
        assert acknowledged == ACK
        assert "97.97.0" not in readout.text
        assert readout.text.endswith("1.6.0(00000.750*kW)(01260301011500)\r\n")


async def test_mode_e_is_a_field_of_the_profile_and_opens_hdlc(bench: Callable[..., Any]) -> None:
    """No document offers it for a 382: HDLC is direct there."""

    def work(terminal: Terminal) -> list[Any]:
        terminal.say(Request(""))
        identification = terminal.hear()
        terminal.port.write(OptionSelect("2", "5", "2").encode())
        confirmed = terminal.port.read(5.0)
        client = HdlcClient(terminal.port, 19)
        serial_number = client.get(1, "1.1.96.1.0.255")
        client.disconnect()
        terminal.say(Request(""))
        return [identification, confirmed, serial_number, terminal.hear()]

    async with bench(text=QUICK + 'modes = "ACE"\n') as b:
        identification, confirmed, serial_number, again = await b.do(work)
    assert identification.offers_hdlc
    assert confirmed == b"\x06252\r\n"
    assert serial_number == 12345678
    assert again == identification


async def test_mode_b_is_a_field_of_the_profile(bench: Callable[..., Any]) -> None:
    text = QUICK + 'modes = "B"\nmax_baud_digit = "E"\nidentification_separator = "E"\nconfigurable = false\n'

    def work(terminal: Terminal) -> list[Any]:
        terminal.say(Request(""))
        return [terminal.hear(), terminal.hear(), terminal.ask("P1", "", "12345"), terminal.ask("R1", "0.1.0")]

    async with bench(text=text) as b:
        identification, readout, *answers = await b.do(work)
    assert (identification.manufacturer, identification.baud) == ("KAM", "E")
    assert readout.readout
    assert answers == [ACK, Data("0.1.0(0)")]


# --- kill -9 --------------------------------------------------------------------------------------------


def test_kill_9_loses_no_acknowledged_write_and_lifts_no_lock_out(
    run_meter: Callable[..., Process], tmp_path: Path
) -> None:
    """Each round finds what the last one wrote, writes, and is killed with one more write on its way."""
    own = tmp_path / "quick.toml"
    own.write_text(QUICK.format(profile="382M"))
    arguments = [str(own), "--tcp", LOOPBACK, "--state", str(tmp_path / "state.sqlite"), "--json"]
    state, ta, list_ = 1, 1500, 27
    for _ in range(2):
        process = run_meter(*arguments, "--installation", "constant")
        port = TcpPort(names(process)[0])
        terminal = Terminal(port)
        terminal.login()
        assert terminal.ask("R1", "96.5.1") in (Data(f"96.5.1({state})"), Data(f"96.5.1({state + 1})"))
        assert terminal.ask("R1", "131.0.13") == Data(f"131.0.13({ta})")
        answer = terminal.ask("R1", "131.0.17")
        assert isinstance(answer, Data)
        assert answer.text.startswith(f"131.0.17({list_})")
        terminal.say(Break())
        terminal.login("6")
        list_ = list_ % 40 + 1
        assert terminal.ask("W5", "131.0.17", f"{list_}" + ")(1.8.0" * list_) == ACK
        terminal.say(Break())
        terminal.login()
        for _ in range(5):
            state, ta = state + 2, ta + 1
            assert terminal.ask("W1", "96.5.1", f"{state}") == ACK
            assert terminal.ask("W1", "131.0.13", f"{ta}") == ACK
        terminal.say(Command("W1", "96.5.1", f"{state + 1}"))
        process.process.kill()
        process.process.wait(timeout=20)
        port.close()
    for passwords in (("1", "1", "1"), ("12345",)):
        process = run_meter(*arguments, "--installation", "constant")
        port = TcpPort(names(process)[0])
        terminal = Terminal(port)
        for password in passwords:
            terminal.sign_on()
            assert terminal.ask("P1", "", password) == Break()
        process.process.kill()
        process.process.wait(timeout=20)
        port.close()
