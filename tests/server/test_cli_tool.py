"""`meter382 tool`: settings shown, set and saved through three doors, and what is said when a meter refuses."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.conformance.running import (
    ROOT,
    RunningMeter,
    answering,
    listener,
    quick_profile,
    running_meter,
    scripted,
    unused_address,
)
from transports.kmp import FROM_METER, encode_frame

PASSWORD = ("--password", "12345")
RUNNER = CliRunner()
ACK = b"\x06"
DOORS = ["kmp", "hdlc", "iec"]
EVERY_DOOR = ["kmp", "hdlc", "iec", "udp", "tcp", "pty"]
NAMES = {"kmp": "KMP", "hdlc": "DLMS", "iec": "IEC 62056-21", "udp": "DLMS", "tcp": "KMP", "pty": "KMP"}


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    folder = tmp_path_factory.mktemp("meter")
    with running_meter(folder, quick_profile(folder)) as running:
        yield running


def door(meter: RunningMeter, name: str) -> str:
    """The endpoint of a door; `tcp` and `pty` name none, so it is looked for."""
    endpoints = {"tcp": meter.address, "pty": meter.pty, "udp": meter.udp}
    return endpoints.get(name) or f"{name}://{meter.address}"


class Said(NamedTuple):
    """What one run of the command said."""

    exit_code: int
    stdout: str
    stderr: str


def tool(*arguments: str) -> Said:
    result = RUNNER.invoke(app, ["tool", *arguments])
    return Said(result.exit_code, result.stdout, result.stderr)


def done(*arguments: str) -> Said:
    said = tool(*arguments)
    assert said.exit_code == 0, said.stderr
    return said


def shown(endpoint: str, *names: str) -> dict[str, Any]:
    document = json.loads(done(endpoint, "show", *names, *PASSWORD, "--json").stdout)
    return {item["name"]: item["value"] for item in document["settings"]}


class TestShow:
    @pytest.mark.parametrize("way", EVERY_DOOR)
    def test_every_door_shows_the_setting_that_is_named(self, meter: RunningMeter, way: str) -> None:
        said = done(door(meter, way), "show", "load_profile_period_s", *PASSWORD, "--json")
        document = json.loads(said.stdout)
        assert document["protocol"] == NAMES[way]
        (setting,) = document["settings"]
        assert (setting["name"], setting["value"], setting["legal"]) == ("load_profile_period_s", 900, False)
        assert "900" in setting["allowed"]

    def test_without_names_everything_is_shown(self, meter: RunningMeter) -> None:
        said = done(door(meter, "kmp"), "show")
        assert said.stdout.splitlines()[0].split() == ["Name", "Value", "Allowed", "What", "it", "is"]
        assert "display_automatic" in said.stdout
        assert "(legal data)" in said.stdout.replace("\n", " ")

    def test_all_doors_show_the_same(self, meter: RunningMeter) -> None:
        names = ("display_manual", "tariff_table", "load_profile_registers", "serial_number", "target_day")
        kmp, dlms, iec = (shown(door(meter, way), *names) for way in DOORS)
        assert kmp == dlms == iec
        assert kmp["serial_number"] == 12345678

    def test_unknown_names_are_wrong_usage_and_all_are_named(self, meter: RunningMeter) -> None:
        said = tool(door(meter, "kmp"), "show", "nothing", "target_day", "neither")
        assert (said.exit_code, said.stdout) == (2, "")
        assert said.stderr.splitlines() == [
            "meter382: nothing: no setting of this meter (`show` lists them)",
            "meter382: neither: no setting of this meter (`show` lists them)",
        ]


class TestSet:
    @pytest.mark.parametrize(("way", "value"), [(way, 5 + number) for number, way in enumerate(EVERY_DOOR)])
    def test_every_door_sets_and_every_door_sees_it(self, meter: RunningMeter, way: str, value: int) -> None:
        said = done(door(meter, way), "set", f"target_day={value}", *PASSWORD)
        assert said.stdout == f"target_day = {value}\n"
        assert shown(door(meter, "kmp"), "target_day") == {"target_day": value}

    @pytest.mark.parametrize("way", DOORS)
    def test_a_long_value_travels_in_parts(self, meter: RunningMeter, way: str) -> None:
        items = shown(door(meter, way), "display_manual")["display_manual"]
        assert len(json.dumps(items)) > 120
        turned = json.dumps(items[::-1])
        done(door(meter, way), "set", f"display_manual={turned}", *PASSWORD)
        assert shown(door(meter, way), "display_manual")["display_manual"] == items[::-1]

    @pytest.mark.parametrize("way", DOORS)
    def test_legal_data_are_refused_with_the_meters_reason(self, meter: RunningMeter, way: str) -> None:
        said = tool(door(meter, way), "set", "serial_number=1", *PASSWORD, "--timeout", "1")
        assert (said.exit_code, said.stdout) == (1, "")
        assert said.stderr == "meter382: serial_number: legal data: never changed\n"

    @pytest.mark.parametrize("way", DOORS)
    def test_a_value_that_is_not_allowed_is_refused_with_what_is(self, meter: RunningMeter, way: str) -> None:
        said = tool(door(meter, way), "set", "target_day=29", *PASSWORD, "--timeout", "1")
        assert said.exit_code == 1
        assert said.stderr.startswith("meter382: target_day: ")
        assert "29" in said.stderr
        assert "1..28" in said.stderr

    def test_a_refusal_leaves_the_rest_untried_and_says_so(self, meter: RunningMeter) -> None:
        arguments = ("special_data=1", "target_day=29", "pulse_input=7", *PASSWORD)
        said = tool(door(meter, "hdlc"), "set", *arguments)
        assert (said.exit_code, said.stdout) == (1, "special_data = 1\n")
        assert said.stderr.splitlines()[1:] == ["meter382: not tried: pulse_input"]
        outcomes = json.loads(tool(door(meter, "hdlc"), "set", *arguments, "--json").stdout)["outcomes"]
        assert [(item["name"], item["outcome"]) for item in outcomes] == [
            ("special_data", "done"), ("target_day", "refused"), ("pulse_input", "not tried"),
        ]  # fmt: skip

    def test_texts_need_no_quotes(self, meter: RunningMeter) -> None:
        said = tool(door(meter, "hdlc"), "set", "tariff_mode=no such mode", *PASSWORD)
        assert said.exit_code == 1
        assert "no such mode" in said.stderr

    def test_what_is_changed_is_logged(self, meter: RunningMeter) -> None:
        done(door(meter, "hdlc"), "set", "special_data_2=99", *PASSWORD)
        changes = json.loads(done(door(meter, "hdlc"), "log", *PASSWORD, "--json").stdout)["changes"]
        assert changes[-1]["name"] == "special_data_2"
        assert changes[-1]["moment"].startswith("2026-11-21 12:")
        assert "special_data_2" in done(door(meter, "hdlc"), "log", *PASSWORD).stdout

    @pytest.mark.parametrize("way", DOORS)
    def test_every_door_shows_the_log(self, meter: RunningMeter, way: str) -> None:
        done(door(meter, way), "set", "meter_number_3=3", *PASSWORD)
        changes = json.loads(done(door(meter, way), "log", *PASSWORD, "--json").stdout)["changes"]
        assert changes[-1]["name"] == "meter_number_3"
        assert [item["changes"] for item in changes] == list(range(1, len(changes) + 1))


class TestFiles:
    def test_what_was_saved_is_set_again(self, meter: RunningMeter, tmp_path: Path) -> None:
        path = tmp_path / "settings.toml"
        said = done(door(meter, "kmp"), "save", str(path), *PASSWORD)
        saved = tomllib.loads(path.read_text())
        assert said.stdout == f"{path}: {len(shown(door(meter, 'kmp'))) - len(LEGAL)} settings\n"
        assert not LEGAL & saved.keys()
        done(door(meter, "hdlc"), "set", "--file", str(path), *PASSWORD)
        again = shown(door(meter, "kmp"))
        assert {name: again[name] for name in saved} == saved

    def test_a_dash_is_standard_output(self, meter: RunningMeter) -> None:
        assert "target_day" in tomllib.loads(done(door(meter, "kmp"), "save", "-").stdout)

    def test_every_unknown_name_is_told_with_its_line_and_nothing_is_written(
        self, meter: RunningMeter, tmp_path: Path
    ) -> None:
        path = tmp_path / "settings.toml"
        path.write_text("special_data = 4711\nfirst_fault = 1\n\n[second_fault]\na = 1\n")
        said = tool(door(meter, "kmp"), "set", "--file", str(path), *PASSWORD)
        assert said.exit_code == 2
        assert said.stderr.splitlines() == [
            f"meter382: {path}:2: first_fault: no setting of this meter (`show` lists them)",
            f"meter382: {path}:4: second_fault: no setting of this meter (`show` lists them)",
        ]
        assert shown(door(meter, "kmp"), "special_data")["special_data"] != 4711

    def test_bad_toml_is_told_with_its_line_and_nobody_is_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "settings.toml"
        path.write_text("special_data = 1\ntarget_day = = 2\n")
        said = tool(f"kmp://{unused_address()}", "set", "--file", str(path), *PASSWORD)
        assert said.exit_code == 2
        assert "line 2" in said.stderr

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        said = tool("kmp://127.0.0.1:1", "set", "--file", str(tmp_path / "none.toml"), *PASSWORD)
        assert said.exit_code == 2
        assert "No such file" in said.stderr

    def test_a_file_that_cannot_be_written(self, meter: RunningMeter, tmp_path: Path) -> None:
        said = tool(door(meter, "kmp"), "save", str(tmp_path / "none" / "settings.toml"))
        assert (said.exit_code, said.stdout) == (1, "")
        assert "No such file" in said.stderr


LEGAL = {
    "serial_number", "type_number", "configuration_numbers", "software_number", "meter_constant", "energy_registers",
}  # fmt: skip


class TestLogin:
    @pytest.mark.parametrize("way", EVERY_DOOR)
    def test_the_right_password_is_right_at_every_door(self, meter: RunningMeter, way: str) -> None:
        assert done(door(meter, way), "login", *PASSWORD).stdout == "the password is right\n"

    @pytest.mark.parametrize("way", DOORS)
    def test_a_wrong_password_is_refused_at_every_door(self, meter: RunningMeter, way: str) -> None:
        said = tool(door(meter, way), "login", "--password", "54321", "--timeout", "0.5")
        assert (said.exit_code, said.stdout) == (1, "")
        assert "wrong" in said.stderr or "authentication-failure" in said.stderr
        done(door(meter, way), "login", *PASSWORD)

    def test_after_three_wrong_ones_the_right_one_is_refused_too(self, tmp_path: Path) -> None:
        with running_meter(tmp_path, quick_profile(tmp_path)) as locked:
            place = door(locked, "kmp")
            for password in ("1", "2", "3", "12345"):
                said = tool(place, "login", "--password", password, "--timeout", "0.3")
                assert said.exit_code == 1
            assert "the port is locked after wrong ones" in said.stderr
            said = tool(door(locked, "iec"), "login", *PASSWORD)
            assert (said.exit_code, "the port is locked after wrong ones" in said.stderr) == (1, True)

    def test_a_password_that_kmp_cannot_carry(self, meter: RunningMeter) -> None:
        said = tool(door(meter, "kmp"), "login", "--password", "secret")
        assert said.exit_code == 1
        assert "passwords are numbers up to 65535 in KMP" in said.stderr


class TestTheWayIsLookedFor:
    @pytest.mark.parametrize("way", ["tcp", "pty"])
    def test_what_answers_first_is_spoken_and_named(self, meter: RunningMeter, way: str) -> None:
        assert done(door(meter, way), "login", *PASSWORD).stderr == "speaking KMP\n"

    @pytest.mark.parametrize(("protocol", "name"), [("kmp", "KMP"), ("dlms", "DLMS"), ("hdlc", "DLMS"), ("iec", "IEC")])
    def test_a_protocol_that_is_named_is_spoken(self, meter: RunningMeter, protocol: str, name: str) -> None:
        said = done(meter.address, "show", "target_day", *PASSWORD, "--protocol", protocol, "--json")
        assert json.loads(said.stdout)["protocol"].startswith(name)
        assert said.stderr == ""

    def test_a_meter_that_has_only_an_optical_port_is_reached_there(self, tmp_path: Path) -> None:
        profile = tmp_path / "old.toml"
        profile.write_text('name = "old"\ninherits = "382-classic"\n[iec62056_21]\nreaction_time_s = 0.001\n')
        with running_meter(tmp_path, str(profile), dlms=False) as running:
            said = done(running.address, "login", "--password", "123456")
        assert said.stderr == "speaking IEC 62056-21\n"

    def test_a_password_that_is_refused_ends_the_search(self, meter: RunningMeter) -> None:
        said = tool(meter.address, "login", "--password", "54321", "--timeout", "0.3")
        assert (said.exit_code, said.stderr.count("\n")) == (1, 1)
        done(meter.address, "login", *PASSWORD)

    def test_nobody_listening(self) -> None:
        said = tool(unused_address(), "show")
        assert (said.exit_code, said.stdout) == (1, "")
        assert said.stderr.startswith("meter382: cannot connect to kmp://127.0.0.1:")

    def test_somebody_who_speaks_none_of_them(self) -> None:
        with listener() as (_, address):
            said = tool(address, "show", *PASSWORD, "--timeout", "0.1")
        assert said.exit_code == 1
        assert "offers no way to settings" in said.stderr
        assert all(f"{way}: " in said.stderr for way in ("kmp", "dlms", "iec"))


class TestTrouble:
    def test_a_connection_that_breaks_in_the_middle_is_told(self) -> None:
        get_type = bytes.fromhex("403F0100041BF90126990D")
        with scripted(get_type, closes=True) as peer:
            said = tool(f"kmp://{peer.address}", "show")
        assert said.exit_code == 1
        assert "the meter closed the connection" in said.stderr

    def test_a_connection_that_breaks_between_settings_leaves_the_rest_untried(self) -> None:
        def frame(body: bytes) -> bytes:
            return encode_frame(FROM_METER, 0x3F, body)

        entries = [
            {"number": number, "name": name, "description": "", "legal": False, "allowed": ""}
            for number, name in ((1, "first"), (2, "second"), (3, "third"))
        ]
        index = json.dumps(entries).encode()
        parts = [
            frame(b"\xb7\x00\x00" + offset.to_bytes(2, "big") + len(index).to_bytes(2, "big") + index[offset:][:200])
            for offset in range(0, len(index), 200)
        ]
        with scripted(frame(b"\x01\x00\x04\x06\x01"), ACK, *parts, ACK, b"", closes=True) as peer:
            said = tool(f"kmp://{peer.address}", "set", "first=1", "second=2", "third=3", *PASSWORD)
        assert (said.exit_code, said.stdout) == (1, "first = 1\n")
        assert said.stderr.splitlines() == [
            f"meter382: second: kmp://{peer.address}: the meter closed the connection",
            "meter382: not tried: third",
        ]

    def test_somebody_else_behind_the_port(self) -> None:
        with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
            said = tool(f"kmp://{address}", "show", "--timeout", "0.2")
        assert (said.exit_code, said.stdout) == (1, "")


WRONG_USAGE = [
    (),
    ("127.0.0.1:4059",),
    ("127.0.0.1:4059", "dance"),
    ("nowhere", "show"),
    ("127.0.0.1:4059", "set"),
    ("127.0.0.1:4059", "set", "target_day", *PASSWORD),
    ("127.0.0.1:4059", "set", "target_day=1", "target_day=2", *PASSWORD),
    ("127.0.0.1:4059", "set", "target_day=1", "--file", "x.toml", *PASSWORD),
    ("127.0.0.1:4059", "show", "--file", "x.toml"),
    ("127.0.0.1:4059", "save"),
    ("127.0.0.1:4059", "save", "a", "b"),
    ("127.0.0.1:4059", "login", "12345"),
    ("iec://127.0.0.1:4059", "show"),
    ("kmp://127.0.0.1:4059", "set", "target_day=1"),
    ("kmp://127.0.0.1:4059", "login"),
    ("kmphex://127.0.0.1:4059", "show"),
    ("udp://127.0.0.1:4059", "show", *PASSWORD, "--protocol", "kmp"),
    ("127.0.0.1:4059", "show", "--protocol", "xml"),
]


@pytest.mark.parametrize("arguments", WRONG_USAGE)
def test_wrong_usage_is_exit_code_2_and_nobody_is_asked(arguments: tuple[str, ...]) -> None:
    said = tool(*arguments)
    assert said.exit_code == 2
    assert said.stdout == ""
    assert said.stderr


def test_importing_the_command_line_imports_no_client() -> None:
    code = "import sys, server.cli.tool; print([name for name in sys.modules if name.startswith('conformance')])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
