"""`meter382 run` as a user meets it: what it prints, how it stops, what it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from cosem.date_time import DateTime
from server.cli import app

from .clients import HdlcClient, SerialPort, TcpPort, UdpPort, WrapperClient
from .conftest import ROOT, Process
from .running import LOOPBACK, device, names

Start = Callable[..., Process]


def failure(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a run that does not come up."""
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "run", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


# --- what it prints -------------------------------------------------------------------------------------


def test_each_endpoint_is_a_line_and_the_last_says_how_to_read(run_meter: Start, tmp_path: Path) -> None:
    link = tmp_path / "head"
    process = run_meter(
        "382L", "--serial-number", "16721739", "--ephemeral", "--tcp", LOOPBACK, "--tcp", LOOPBACK,
        "--udp", LOOPBACK, "--optical", f"pty:{link}", "--rs485", "pty", endpoints=6,
    )  # fmt: skip
    *endpoints, last = process.lines
    ends = [line.removeprefix("382L 16721739 on ") for line in endpoints]
    assert [end.split(":")[0] for end in ends] == ["tcp", "tcp", "udp", "pty", "pty"]
    assert ends[3] == f"pty:{link} -> {os.readlink(link)}"
    assert last.startswith(f"read it: meter382 read {ends[0]} --password 12345")


def test_json_prints_an_object_an_endpoint_and_nothing_else(run_meter: Start) -> None:
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--udp", LOOPBACK, endpoints=2)
    first, second = (json.loads(line) for line in process.lines)
    assert first.keys() == second.keys() == {"endpoint", "kind", "meters"}
    assert (first["kind"], second["kind"]) == ("tcp", "udp")
    assert first["meters"] == [12345678]
    assert first["endpoint"].startswith("tcp://127.0.0.1:")
    process.process.send_signal(signal.SIGTERM)
    output, errors = process.process.communicate(timeout=20)
    assert (output, errors, process.process.returncode) == ("", "", 0)


def test_what_is_printed_can_be_read(run_meter: Start) -> None:
    process = run_meter(
        "--ephemeral", "--json", "--serial-number", "4711", "--tcp", LOOPBACK, "--udp", LOOPBACK, "--rs485", "pty",
        endpoints=3,
    )  # fmt: skip
    tcp, udp, pty = names(process)
    assert WrapperClient(TcpPort(tcp)).get(1, "1.1.96.1.0.255") == 4711
    assert HdlcClient(TcpPort(tcp)).get(1, "1.1.96.1.0.255") == 4711
    assert WrapperClient(UdpPort(udp)).get(1, "1.1.96.1.0.255") == 4711
    assert HdlcClient(SerialPort(device(pty))).get(1, "1.1.96.1.0.255") == 4711


def test_an_ip101i_module_has_two_channels_without_the_wrapper(run_meter: Start) -> None:
    process = run_meter("--ephemeral", "--ip101i", LOOPBACK, endpoints=3)
    *channels, last = process.lines
    first, second = (line.removeprefix("382M 12345678 on ") for line in channels)
    assert last.startswith(f"read it: meter382 read {first.replace('tcp', 'hdlc')} --password 12345")
    for channel in (first, second):
        assert HdlcClient(TcpPort(channel)).get(1, "1.1.96.1.0.255") == 12345678


# --- how it stops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_with_clients_connected(run_meter: Start, tmp_path: Path, number: int) -> None:
    link = tmp_path / "line"
    arguments = ("--json", "--tcp", LOOPBACK, "--rs485", f"pty:{link}", "--state", str(tmp_path / "state.sqlite"))
    process = run_meter(*arguments, endpoints=2)
    clients = [WrapperClient(TcpPort(names(process)[0])), HdlcClient(TcpPort(names(process)[0]))]
    on_line = HdlcClient(SerialPort(link))
    clients[0].set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 5)
    assert on_line.get(1, "1.1.0.0.2.255") == 5
    assert process.stop(number) == (0, "")
    assert not link.is_symlink()
    assert [file.name for file in tmp_path.iterdir()] == ["state.sqlite"], "no log of the database is left behind"


def test_the_link_of_a_pty_is_taken_over_from_a_run_that_was_killed(run_meter: Start, tmp_path: Path) -> None:
    link = tmp_path / "line"
    first = run_meter("--ephemeral", "--json", "--rs485", f"pty:{link}")
    first.process.kill()
    first.process.wait(timeout=20)
    assert link.is_symlink()
    second = run_meter("--ephemeral", "--json", "--rs485", f"pty:{link}")
    assert HdlcClient(SerialPort(link)).get(1, "1.1.96.1.0.255") == 12345678
    assert second.stop(signal.SIGTERM) == (0, "")
    assert not link.is_symlink()


# --- what options do ------------------------------------------------------------------------------------


def test_start_speed_and_installation_are_honoured(run_meter: Start) -> None:
    process = run_meter(
        "--ephemeral", "--json", "--tcp", LOOPBACK, "--start", "2031-05-06T07:08:09+02:00", "--speed", "0.001",
        "--installation", "constant",
    )  # fmt: skip
    client = WrapperClient(TcpPort(names(process)[0]))
    shown = DateTime.from_bytes(client.get(8, "0.1.1.0.0.255"))
    assert shown[:7] == (2031, 5, 6, 2, 7, 8, 9)
    assert client.get(3, "1.1.1.7.0.255") == 750


def test_without_a_commissioning_date_there_is_a_year_to_read(run_meter: Start) -> None:
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--start", "2031-05-06", "--speed", "0.001",
                        "--installation", "constant")  # fmt: skip
    client = WrapperClient(TcpPort(names(process)[0]))
    hours = 365 * 24 + 1  # from midnight, normal time, of the day a year before
    assert client.get(3, "0.1.96.8.0.255") == hours
    assert client.get(7, "1.1.98.1.0.255", 7) == 12


def test_a_seed_is_another_household_and_the_same_one_every_time(run_meter: Start) -> None:
    readings = []
    for seed in ("5", "5", "6"):
        process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--seed", seed, "--start", "2031-05-06",
                            "--speed", "0.001")  # fmt: skip
        readings.append(WrapperClient(TcpPort(names(process)[0])).get(3, "1.1.1.8.0.255"))
    assert readings[0] == readings[1] != readings[2]


def test_a_csv_file_is_replayed(run_meter: Start, tmp_path: Path) -> None:
    rows = ["timestamp,p1_w,p2_w,p3_w,q1_var,q2_var,q3_var"]
    rows += [f"2031-05-06T{hour:02}:00:00Z,1000,200,30,0,0,0" for hour in range(24)]
    path = tmp_path / "day.csv"
    path.write_text("\n".join(rows) + "\n")
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--installation", str(path),
                        "--start", "2031-05-06T05:00:00", "--speed", "0.001")  # fmt: skip
    assert WrapperClient(TcpPort(names(process)[0])).get(3, "1.1.1.7.0.255") == 1230


def test_a_trace_goes_to_a_file_or_to_standard_output(run_meter: Start, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--trace", str(trace))
    HdlcClient(TcpPort(names(process)[0])).disconnect()
    assert process.stop(signal.SIGTERM) == (0, "")
    written = trace.read_text()
    assert "SNRM" in written
    assert "DISC" in written

    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--trace", "-")
    HdlcClient(TcpPort(names(process)[0])).disconnect()
    process.process.send_signal(signal.SIGTERM)
    output, errors = process.process.communicate(timeout=20)
    assert "SNRM" in output
    assert errors == ""


def test_state_is_kept_by_default_in_the_users_state_folder(
    run_meter: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    process = run_meter("382L", "--serial-number", "77", "--json", "--tcp", LOOPBACK)
    assert (tmp_path / "meter382" / "382L-77.sqlite").is_file()
    WrapperClient(TcpPort(names(process)[0])).set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 5)
    assert process.stop(signal.SIGTERM) == (0, "")
    process = run_meter("382L", "--serial-number", "77", "--json", "--tcp", LOOPBACK)
    assert WrapperClient(TcpPort(names(process)[0])).get(1, "1.1.0.0.2.255") == 5


def test_ephemeral_leaves_nothing_behind(run_meter: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK)
    assert process.stop(signal.SIGTERM) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_file_runs_and_options_come_before_it(run_meter: Start, tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(
        "ephemeral = true\nspeed = 0.001\nstart = 2031-05-06\n"
        '[[meters]]\nserial_number = 5\ninstallation = "constant"\n'
        '[[endpoints]]\nkind = "tcp"\naddress = "127.0.0.1:0"\n'
    )
    process = run_meter("--config", str(path), "--json")
    client = WrapperClient(TcpPort(names(process)[0]))
    assert client.get(1, "1.1.96.1.0.255") == 5
    assert DateTime.from_bytes(client.get(8, "0.1.1.0.0.255")).year == 2031
    process = run_meter("--config", str(path), "--json", "--serial-number", "6", "--start", "2032-05-06", "382L")
    client = WrapperClient(TcpPort(names(process)[0]))
    assert client.get(1, "1.1.96.1.0.255") == 6
    assert client.get(3, "1.1.1.7.0.255") == 750, "what no option says is the file's"
    assert DateTime.from_bytes(client.get(8, "0.1.1.0.0.255")).year == 2032
    assert client.get(1, "1.1.96.1.1.255").startswith("68438BL")


# --- when it cannot run: exit 1 -------------------------------------------------------------------------


def test_a_port_in_use_is_said_and_nothing_else_happens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        link = tmp_path / "line"
        code, errors = failure("--ephemeral", "--rs485", f"pty:{link}", "--tcp", address)
    assert code == 1
    assert errors.startswith("meter382: ")
    assert address.split(":")[1] in errors
    assert "in use" in errors
    assert "Traceback" not in errors
    assert not link.is_symlink()


def test_a_state_file_in_use_is_said(run_meter: Start, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    run_meter("--json", "--tcp", LOOPBACK, "--state", str(path))
    assert failure("--tcp", LOOPBACK, "--state", str(path)) == (1, f"meter382: {path}: in use by another process\n")


def test_a_state_file_of_another_meter_is_said(run_meter: Start, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    assert run_meter("--json", "--tcp", LOOPBACK, "--state", str(path)).stop(signal.SIGTERM)[0] == 0
    code, errors = failure("382L", "--tcp", LOOPBACK, "--state", str(path))
    assert code == 1
    assert "is there with another profile (382M instead of 382L)" in errors
    code, errors = failure("--seed", "99", "--tcp", LOOPBACK, "--state", str(path))
    assert code == 1
    assert "is there with another installation" in errors


def test_a_start_in_the_past_of_the_state_file_is_said(run_meter: Start, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    arguments = ("--tcp", LOOPBACK, "--state", str(path), "--start")
    assert run_meter("--json", *arguments, "2031-05-06").stop(signal.SIGTERM)[0] == 0
    code, errors = failure(*arguments, "2031-05-05")
    assert code == 1
    assert "its meters have already lived until 2031-05-06T00:" in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rs485", "/dev/no-such-line"], "/dev/no-such-line"),
        (["--installation", "no-such-file.csv"], "no-such-file.csv"),
        (["--tcp", "192.0.2.1:4059"], "192.0.2.1"),
        (["--state", "/proc/nothing/state.sqlite", "--tcp", LOOPBACK], "/proc/nothing/state.sqlite"),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], said: str) -> None:
    more = [] if "--state" in arguments else ["--ephemeral"]
    code, errors = failure(*arguments, *more)
    assert code == 1
    assert said in errors
    assert "Traceback" not in errors


# --- when it was asked for nonsense: exit 2 -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["382X"], "no device profile '382X' (there are 382-classic, 382BCDE, 382K, 382L, 382M"),
        (["--tcp", "4059"], "'4059' is no HOST:PORT (127.0.0.1:4059, [::1]:4059; port 0 takes a free one)"),
        (["--udp", "127.0.0.1:70000"], "'127.0.0.1:70000' is no HOST:PORT"),
        (
            ["--ip101i", "127.0.0.1:port"],
            "'127.0.0.1:port' is no HOST or HOST:PORT (127.0.0.1, [::1]:1025; port 0 takes",
        ),
        (["--ip101i", "127.0.0.1:65535"], "'127.0.0.1:65536' is no HOST or HOST:PORT"),
        (["--start", "yesterday"], "start: 'yesterday' is no ISO 8601 date and time"),
        (["--speed", "0"], "speed: Input should be greater than 0"),
        (["--speed", "-5"], "speed: Input should be greater than 0"),
        (["--serial-number", "100000000"], "serial_number: Input should be less than or equal to 99999999"),
        (["--installation", "house"], "no installation 'house' (there are household, household-pv, "),
        (["--seed", "-1"], "seed: Input should be greater than or equal to 0"),
        (["--state", "x.sqlite", "--ephemeral"], "ephemeral: excludes state"),
        (["--config", "/no/such/file.toml"], "/no/such/file.toml: No such file or directory"),
        (["--optical", "/dev/ttyUSB0@1234"], "baud: Input should be 300, 600, 1200, 2400, 4800, 9600 or 19200"),
        (["--no-such-option"], "No such option"),
        (["--speed", "fast"], "Invalid value for '--speed'"),
    ],
)
def test_a_bad_option_says_what_is_allowed(arguments: list[str], said: str, tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path), "TERM": "dumb", "COLUMNS": "200"}
    result = CliRunner(env=environment).invoke(app, ["run", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_a_trace_that_cannot_be_written_is_a_bad_option(tmp_path: Path) -> None:
    code, errors = failure("--ephemeral", "--trace", f"{tmp_path}/none/trace")
    assert (code, errors) == (2, f"meter382: --trace {tmp_path}/none/trace: No such file or directory\n")


def test_options_of_one_meter_do_not_go_with_a_file_of_several(tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text("ephemeral = true\n[[meters]]\n[[meters]]\nserial_number = 2\nhdlc_address = 33\n")
    result = CliRunner().invoke(app, ["run", "--config", str(path), "--seed", "5"])
    assert result.exit_code == 2
    assert "seed: the configuration has 2 meters, so it must be said there" in result.stderr


def test_a_bad_configuration_file_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text("speed = 0\n")
    assert failure("--config", str(path)) == (
        2,
        f"meter382: {path}:1: speed: Input should be greater than 0 (found 0)\n",
    )


def test_now_is_the_default_time(run_meter: Start) -> None:
    process = run_meter("--ephemeral", "--json", "--tcp", LOOPBACK, "--installation", "constant")
    shown = DateTime.from_bytes(WrapperClient(TcpPort(names(process)[0])).get(8, "0.1.1.0.0.255"))
    assert abs((shown.to_datetime() - datetime.now()).days) <= 1
