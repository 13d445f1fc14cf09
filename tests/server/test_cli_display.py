"""`meter382 display`: one picture for a given instant, the button, a state file, and what is refused."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metering.display import Segments, display_layouts
from metering.phase_indicator import PhaseVoltage
from server.cli import app
from server.cli.display_drawing import WIDTH, draw
from server.device_profile import available, load_profile
from tests.conformance.running import ROOT

RUNNER = CliRunner()
AT = "2026-01-15T18:30:02+01:00"


def show(*arguments: str) -> str:
    result = RUNNER.invoke(app, ["display", *arguments, "--once"])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def segments(*arguments: str, at: str = AT) -> dict[str, Any]:
    picture: dict[str, Any] = json.loads(show(*arguments, "--at", at, "--json"))
    return picture


PICTURE = """\
+--------------------------------------------------------------+
| 1.0.0       L1>  L2>  L3>   Q1                               |
|                   _   _   _   _   _                          |
|                | |_|  _| | | | |  _|                         |
|                | |_|. _| |_|.|_| |_                          |
| TIME        T1            -o-o-                              |
+--------------------------------------------------------------+
"""


def test_a_picture_of_a_given_instant_is_always_the_same() -> None:
    assert show("--at", AT, "--installation", "constant") == PICTURE
    assert show("--at", AT) == show("--at", AT)


@pytest.mark.parametrize("profile", available())
def test_every_profile_has_the_display_of_its_generation(profile: str) -> None:
    layout = display_layouts()[load_profile(profile).metering.display]
    picture = segments(profile)
    assert picture["lit"]
    assert bool(picture["obis"]) is layout.identification
    assert bool(picture["text"]) is layout.text
    assert max(map(len, show(profile, "--at", AT).splitlines())) == WIDTH


def test_the_button_leads_through_the_manual_list() -> None:
    assert segments("--press", "1")["obis"] == "1.8.0"
    assert segments("--press", "1", "--press", "1")["obis"] == "1.8.1"


def test_a_state_file_is_shown_and_remembers_the_button(tmp_path: Path) -> None:
    file = tmp_path / "meter.sqlite"
    first = segments("--state", str(file), "--press", "1", "--press", "1")
    assert first["obis"] == "1.8.1"
    assert segments("--state", str(file), at="2026-01-15T18:31:02+01:00")["obis"] == "1.8.1"
    assert segments("--state", str(file), "--press", "1", at="2026-01-15T18:32:01+01:00")["obis"] == "1.8.2"
    assert segments("--state", str(file), at="2026-01-15T18:34:02+01:00")["obis"] == "1.8.0"


def test_what_the_meter_was_told_is_on_its_display() -> None:
    presses = ["--press", "1"] * (display_layouts()["382M"].manual.index("NUM/1") + 1)
    picture = segments("--serial-number", "87654321", *presses)
    assert (picture["obis"], picture["value"]) == ("0.0.1", "87654321")


def test_live_the_keyboard_is_the_button() -> None:
    terminal, side = pty.openpty()
    command = [sys.executable, "-m", "server.cli", "display", "--start", AT]
    with subprocess.Popen(command, stdin=side, stdout=side, stderr=side, cwd=ROOT) as process:
        os.close(side)
        seen = until(terminal, "q: quit")
        os.write(terminal, b" ")
        seen += until(terminal, "1.8.0 ")
        os.write(terminal, b"6q")
        assert process.wait(20) == 0
    os.close(terminal)
    assert "382M 12345678" in seen


def until(terminal: int, text: str) -> str:
    """What the terminal shows until this appears."""
    seen = ""
    while text not in seen:
        seen += os.read(terminal, 4096).decode()
    return seen


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--at", AT], 2, "--at, --press and --json go with --once"),
        (["--json"], 2, "--at, --press and --json go with --once"),
        (["382X", "--once"], 2, "no device profile '382X'"),
        (["--once", "--at", "yesterday"], 2, "'yesterday' is no ISO 8601 date and time"),
        (["--once", "--press", "9999"], 1, "length_s is 9999; allowed: 0..3600"),
    ],
)
def test_what_cannot_be_shown_says_why(arguments: list[str], code: int, told: str) -> None:
    result = RUNNER.invoke(app, ["display", *arguments])
    assert result.exit_code == code
    assert told in result.stderr


def test_a_file_that_is_no_state_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "meter.sqlite"
    file.write_bytes(b"this is no database at all, it only looks like a file")
    result = RUNNER.invoke(app, ["display", "--once", "--state", str(file)])
    assert result.exit_code == 1
    assert str(file) in result.stderr


CONFIGURATION = """
ephemeral = true
[[meters]]
profile = "382L"
installation = {{ kind = "constant", frequency_hz = 49.9, temperature_degc = -5 }}
metering = {{ error_seed = 3, display_lists = {{ automatic = ["{item}"] }} }}
[[endpoints]]
kind = "tcp"
address = "127.0.0.1:0"
"""


@pytest.mark.parametrize(
    ("item", "code", "told"),
    [
        ("FREQ", 0, "nothing wrong"),
        ("X", 1, "automatic list of display 382L: no item 'X'"),
        ("HISTORY", 1, "'HISTORY' is historical"),
    ],
)
def test_lists_of_a_configuration_file_are_checked(tmp_path: Path, item: str, code: int, told: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(CONFIGURATION.format(item=item))
    result = RUNNER.invoke(app, ["config", "check", str(file)])
    assert result.exit_code == code
    assert told in result.output


# --- drawing -------------------------------------------------------------------------------------


def test_a_dark_display_is_an_empty_frame() -> None:
    lines = draw(Segments()).splitlines()
    assert all(line == f"|{' ' * (WIDTH - 2)}|" for line in lines[1:-1])


def test_digits_are_drawn_in_seven_segments_with_their_points() -> None:
    drawn = [line[2:].rstrip(" |") for line in draw(Segments(lit=True, value="12.3", unit="kWh")).splitlines()[2:5]]
    assert [line.split("kWh")[0].strip() for line in drawn] == ["_   _", "|  _|  _", "| |_ . _|"]


def test_what_blinks_is_drawn_every_other_time() -> None:
    picture = Segments(lit=True, phase_voltages=(PhaseVoltage.ON, PhaseVoltage.BLINKING, PhaseVoltage.OFF))
    on, off = draw(picture, blink=True), draw(picture, blink=False)
    assert ("L1" in on, "L2" in on, "L3" in on) == (True, True, False)
    assert ("L1" in off, "L2" in off) == (True, False)


def test_the_display_test_draws_every_symbol() -> None:
    drawn = draw(Segments(lit=True, test=True))
    for symbol in (
        "L1",
        "L2",
        "L3",
        "Q1234",
        "T1 T2 T3 T4",
        "###",
        "(!)",
        "[/]",
        "-o-o-",
        "PP",
        "((.))",
        "[M]",
        "kvarh",
    ):
        assert symbol in drawn
    assert drawn.count("|_|.") == 9
