"""Objects 131.0.1 to 131.0.17: read, written, refused, kept, and what they do at the next sign-on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from metering import Configured, EventLog
from metering.inputs import SetSupply
from server.assembly import build_meter
from server.config import MeterConfig
from server.iec62056_21 import Readout, configuration
from server.iec62056_21.configuration import PORTS
from server.iec62056_21.errors import Fault
from server.store import Store
from server.time_source import SteppedTime
from tests.server.clients import PATIENCE_S, TcpPort
from tests.server.conftest import Lab
from tests.server.running import LOOPBACK, running
from transports.iec62056_21 import Iec62056Line
from transports.iec62056_21.meter_messages import parse_push

from .desk import Desk

LabBuilder = Callable[..., Lab]
DOCUMENTED = {
    **dict.fromkeys((1, 2, 3), (0, 1, 1)),
    **dict.fromkeys((4, 5, 6), (0, 17_280, 0)),
    **dict.fromkeys((7, 8, 9), (0, 5, 3)),
    **dict.fromkeys((10, 11, 12), (0, 2, 1)),
    13: (1_000, 65_000, 1_500),
    14: (1_000, 65_000, 1_500),
    15: (1_000, 65_000, 1_700),
    16: (5, 240, 90),
}
"""Lowest, highest and delivered value (IEC 1107 description, figure 1)."""


def port(bench: Lab, interface: str = "optical") -> Readout:
    return Readout(bench.model, bench.meter, interface=interface)


@pytest.mark.parametrize(("number", "limits"), DOCUMENTED.items())
def test_every_object_has_the_documented_range_and_value(
    lab: LabBuilder, number: int, limits: tuple[int, int, int]
) -> None:
    low, high, delivered = limits
    desk, address = Desk(lab()), f"131.0.{number}"
    assert desk.ask("R1", address) == f"{address}({delivered})"
    for value in (high, low):
        assert desk.ask("W1", address, str(value)) == "ACK"
        assert desk.ask("R5", address) == f"{address}({value})"
    desk.bench.meter.take_pending()
    for wrong in (str(low - 1) if low else "", str(high + 1), "x", "1.5", ""):
        assert desk.ask("W5", address, wrong) in (Fault.VALUE, Fault.FORMAT), wrong
    assert not desk.bench.meter.pending
    assert desk.ask("R1", address) == f"{address}({low})"


def test_the_optical_port_is_configured_as_in_the_document(lab: LabBuilder) -> None:
    """IEC 1107 description 8.1.3 and 8.1.4."""
    bench = lab()
    desk = Desk(bench)
    assert desk.ask("R1", "131.0.3") == "131.0.3(1)"
    assert desk.ask("W1", "131.0.3", "0") == "ACK"
    assert "97.97.0" not in port(bench).data_block()
    assert "97.97.0" in port(bench, "module").data_block()
    assert desk.ask("R1", "1.8.0") == "1.8.0(0000027*kWh)", "written as in the list that this port reads out"


@pytest.mark.parametrize(("interface", "number"), [("module", 0), ("ccc", 1), ("optical", 2)])
def test_each_port_has_objects_of_its_own(lab: LabBuilder, interface: str, number: int) -> None:
    bench = lab()
    for first, value in ((1, 0), (4, 12), (7, 5), (10, 2)):
        configuration.write(bench.meter, first + number, value)
    for other in ("module", "ccc", "optical"):
        settings = port(bench, other).settings
        found = settings.modes, settings.d0_interval_s, settings.d0_speed
        assert found == (("ACD", 60, 9600) if other == interface else ("AC", 0, 2400))


def test_the_communication_mode_of_a_port_says_which_modes_it_speaks(lab: LabBuilder) -> None:
    bench = lab()
    configuration.write(bench.meter, 6, 1)
    for mode, modes, interval in ((0, "", 0), (1, "AC", 0), (2, "ACD", 5)):
        configuration.write(bench.meter, 12, mode)
        settings = port(bench).settings
        assert (settings.modes, settings.d0_interval_s) == (modes, interval)


def test_the_timers_are_those_of_all_ports(lab: LabBuilder) -> None:
    bench = lab()
    for number, value in ((13, 2_000), (14, 3_000), (15, 4_500), (16, 30)):
        configuration.write(bench.meter, number, value)
    for interface in configuration.PORTS:
        settings = port(bench, interface).settings
        assert (settings.ta_s, settings.tr_s, settings.tt_s, settings.ti_s) == (2.0, 3.0, 4.5, 30)


def test_the_kmp_registers_are_the_same_objects() -> None:
    numbers = [configuration.number_of(register) for register in range(0x1812, 0x1822)]
    assert numbers == list(configuration.PARAMETERS)
    for register in (0x1811, 0x1822):
        with pytest.raises(KeyError):
            configuration.number_of(register)


@pytest.mark.parametrize("profile", ["382-classic", "382BCDE", "382K", "382L"])
def test_only_the_382m_has_them(lab: LabBuilder, profile: str) -> None:
    bench = lab(profile=profile)
    desk = Desk(bench, "1" if profile == "382L" else "A")
    for number in (1, 16, 17):
        assert desk.ask("R1", f"131.0.{number}") is Fault.UNKNOWN
        assert desk.ask("W1", f"131.0.{number}", "1") is Fault.UNKNOWN
    with pytest.raises(KeyError):
        configuration.write(bench.meter, 1, 0)
    assert not bench.meter.pending


def test_a_change_is_logged(lab: LabBuilder) -> None:
    bench = lab()
    configuration.write(bench.meter, 13, 2_000)
    rows = bench.meter.engine.event_logger(EventLog.CONFIGURATION, bench.meter.now()).rows
    assert [row.code for row in rows] == [Configured.LOCAL_PORT]


def test_they_survive_a_restart(tmp_path: Path) -> None:
    config = MeterConfig.model_validate({"installation": "constant", "commissioned": "2026-03-01"})
    time = SteppedTime(1_772_452_800)
    store = Store(tmp_path / "state.sqlite")
    meter, _ = build_meter(config, time, store)
    configuration.write(meter, 3, 0)
    configuration.write_list(meter, ["1.8.0", "1.0.0"])
    store.commit(meter.take_pending()).result()
    store.close()
    store = Store(tmp_path / "state.sqlite")
    meter, _ = build_meter(config, time, store)
    assert configuration.read(meter, 3) == 0
    assert configuration.read_list(meter) == ["1.8.0", "1.0.0"]
    store.close()


# --- user data 2 ----------------------------------------------------------------------------------------


def test_user_data_2_is_configured_as_in_the_document(lab: LabBuilder) -> None:
    """IEC 1107 description 8.1.6."""
    bench = lab()
    desk = Desk(bench, "6")
    assert desk.ask("W5", "131.0.17", "3)(1.0.0)(1.8.0)(1.8.1") == "ACK"
    assert port(bench).data_block() == "1.0.0(01260302130000)\r\n1.8.0(0000027*kwh)\r\n1.8.1(0000027*kwh)\r\n"
    assert Desk(bench).ask("R1", "131.0.17") == "131.0.17(3)(1.0.0)(1.8.0)(1.8.1)"
    assert "0.128.1" in port(bench).data_block() or Desk(bench).ask("W1", "131.0.3", "0") == "ACK"
    assert "0.128.1" in port(bench).data_block(), "user data 1 is what it always was"


def test_any_register_can_be_in_user_data_2(lab: LabBuilder) -> None:
    bench = lab()
    assert Desk(bench, "6").ask("W5", "131.0.17", "4)(32.7.0)(1.8.0*128)(0.128.1)(21.7.0") == "ACK"
    assert port(bench).data_block().split() == [
        "32.7.0(230*V)", "1.8.0*128(27.0000*kWh)", "0.128.1(0000000)", "21.7.0(0.350*kW)",
    ]  # fmt: skip


def test_it_holds_forty(lab: LabBuilder) -> None:
    desk = Desk(lab(), "6")
    assert desk.ask("W5", "131.0.17", "40" + ")(1.8.0" * 40) == "ACK"
    assert port(desk.bench).data_block() == "1.8.0(0000027*kwh)\r\n" * 40
    assert desk.ask("W5", "131.0.17", "41" + ")(1.8.0" * 41) is Fault.VALUE


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("", Fault.FORMAT),
        ("0", Fault.VALUE),
        ("1", Fault.VALUE),
        ("2)(1.8.0", Fault.VALUE),
        ("1)(1.8.0)(1.8.1", Fault.VALUE),
        ("x)(1.8.0", Fault.FORMAT),
        ("1)(1.8.9", Fault.UNKNOWN),
        ("2)(1.8.0)(99.1.0", Fault.UNKNOWN),
        ("1)(", Fault.UNKNOWN),
        ("1.8.0)(1", Fault.FORMAT),
    ],
)
def test_a_list_with_a_mistake_is_refused_as_a_whole(lab: LabBuilder, data: str, fault: Fault) -> None:
    desk = Desk(lab(), "6")
    assert desk.ask("W5", "131.0.17", data) is fault
    assert not desk.bench.meter.pending


def test_manufacturer_mode_configures_user_data_2_and_does_nothing_else(lab: LabBuilder) -> None:
    """IEC 1107 description 7.6.1: reading is not possible."""
    desk = Desk(lab(), "6")
    for command, address, data in (
        ("R1", "1.8.0", ""), ("R5", "1.0.0", ""), ("R6", "99.1.0", ""), ("W1", "129.0.0", "2"), ("R1", "131.0.17", ""),
        ("W5", "1.0.0", "0260302120000"), ("W1", "131.0.3", "0"), ("W5", "131.128.2", "0;1;31"),
        ("R5", "131.128.2", "0;10"),
    ):  # fmt: skip
        assert desk.ask(command, address, data) is Fault.MODE, (command, address)
    assert not desk.bench.meter.pending


# --- mode D0 --------------------------------------------------------------------------------------------


def pushed(line: Iec62056Line, now: float, seconds: float) -> list[tuple[float, int, bytes]]:
    """What a line sends by itself: when, at which speed, what."""
    found, end = [], now + seconds
    while (deadline := line.next_timer()) is not None and deadline <= end:
        now = max(now, deadline)
        line.handle_timer(now)
        speed = line.speed
        if octets := line.data_to_send():
            found.append((now, speed, octets))
    return found


def test_a_port_pushes_as_soon_as_it_is_configured_to(lab: LabBuilder) -> None:
    """Mode D0 with 10 s and 9600 baud: the readout without STX, ETX and check (IEC 1107 description 3.2)."""
    bench = lab()
    line = Iec62056Line()
    line.attach(bench.meter, port(bench))
    assert pushed(line, 0.0, 3_600) == []
    for number, value in ((6, 2), (9, 5), (3, 0)):
        configuration.write(bench.meter, number, value)
    assert pushed(line, 3_600, 3_600) == [], "the communication mode has it off"
    configuration.write(bench.meter, 12, configuration.MODES_A_C_D0)
    found = pushed(line, 7_200, 60.5)
    assert len(found) == 6
    moments = [at for at, _, _ in found]
    assert all(9 < later - at < 11 for at, later in itertools.pairwise(moments))
    for _, speed, octets in found:
        assert speed == 9600
        parsed = parse_push(octets)
        assert parsed is not None
        identification, readout = parsed
        assert (identification.baud, identification.text) == ("3", " 68438BM4C3")
        assert readout.text == port(bench).data_block()
    configuration.write(bench.meter, 12, configuration.MODES_A_C)
    assert pushed(line, 7_300, 60) == []


@pytest.mark.parametrize("endpoint", [{"kind": "tcp", "address": LOOPBACK}, {"kind": "rs485", "device": "pty"}])
async def test_a_silent_port_notices_that_mode_d_is_switched_on_and_off(endpoint: dict[str, str]) -> None:
    """Whoever does it, over whatever other connection."""
    async with asyncio.timeout(PATIENCE_S), running([{"serial_number": 1}], [endpoint]) as runtime:
        client = TcpPort(runtime.endpoints[0].name) if endpoint["kind"] == "tcp" else None
        while not runtime.endpoints[0].connections:
            await asyncio.sleep(0)
        (connection,) = runtime.endpoints[0].connections
        loop, port_number = asyncio.get_running_loop(), PORTS.index("module")
        assert connection.stream.next_timer() is None
        meter = runtime.meter(1)
        configuration.write(meter, configuration.D0_TIME_OUT + port_number, 2)
        configuration.write(meter, configuration.MODE + port_number, configuration.MODES_A_C_D0)
        began = loop.time()
        while not (connection.stream.next_timer() or 0.0) >= began + 10.0:  # its first interval has begun
            await asyncio.sleep(0)
        assert loop.time() < began + 5.0
        configuration.write(meter, configuration.MODE + port_number, configuration.MODES_A_C)
        while connection.stream.next_timer() is not None:
            await asyncio.sleep(0)
        assert loop.time() < began + 5.0
        if client is not None:
            client.close()


def test_without_a_time_out_or_without_supply_there_is_no_push(lab: LabBuilder) -> None:
    bench = lab()
    line = Iec62056Line()
    line.attach(bench.meter, port(bench))
    configuration.write(bench.meter, 12, configuration.MODES_A_C_D0)
    assert pushed(line, 0.0, 60) == []
    configuration.write(bench.meter, 6, 1)
    bench.meter.apply(SetSupply((0, 0, 0)))
    bench.time.forward(5)
    assert pushed(line, 60.0, 60) == []


def test_the_identification_may_end_with_a_space_as_in_the_document(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\ninherits = "382M"\n[iec62056_21]\nidentification_space = true\n')
    config = MeterConfig.model_validate({"profile": str(own), "installation": "constant", "commissioned": "2026-03-01"})
    meter, model = build_meter(config, SteppedTime(1_772_452_800), None)
    assert Readout(model, meter).identification() == "KAM5 68438BM4C3 "
