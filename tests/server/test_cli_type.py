"""`meter382 type` and `meter382 run --type-number`: what a person sees."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli import app

from .conftest import Process


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_a_type_number_is_explained_field_by_field_with_its_nameplate() -> None:
    result = invoke("type", "684-38BL4C4010")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "type number 684-38BL4C4010"
    assert "  C    hardware option: breaker, RTC with supercap" in lines
    assert "nameplate, device profile 382L" in lines
    assert any(re.fullmatch(r"  weight +1200 g", line) for line in lines)


def test_configuration_numbers_are_explained_beside_it() -> None:
    result = invoke("type", "38AJ224070", "--configuration-numbers", "21000002,22201011,1000,100,0")
    assert result.exit_code == 0
    assert "configuration number 2: 222-01-01-1" in result.stdout
    assert "  01   target day: the 1st" in result.stdout.splitlines()


def test_the_same_for_machines() -> None:
    document = json.loads(invoke("type", "685-382-OK-10", "--json").stdout)
    assert (document["type_number"], document["profile"]) == ("685382OK10", "382-classic")
    assert document["fields"][3]["text"] == "no module"
    assert document["metering"]["energy_type"] == "A+"
    assert document["nameplate"]["weight"] == "850 g"


def test_a_number_without_profile_is_explained_as_far_as_it_goes() -> None:
    result = invoke("type", "6841138BN143002")
    assert result.exit_code == 0
    assert result.stdout.endswith("no device profile stands for generation N\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("type", "684-38XC450000"), "accuracy class (X3, character 6) is 'X'; allowed: A"),
        (("type", "123"), "type number '123' is none"),
        (("type", "38AJ224070", "--configuration-numbers", "1,2"), "5 are needed, 2 are there"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("meter382: ")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_run_takes_the_numbers_and_finds_the_profile(run_meter: Callable[..., Process]) -> None:
    meter = run_meter(
        "--type-number", "684-34BE464010",
        "--configuration-numbers", "2-1-000-00-2,222-01-01-1,00-0-01-0-00,000-001-00,340",
        "--tcp", "127.0.0.1:0", "--ephemeral", "--installation", "idle",
    )  # fmt: skip
    assert meter.lines[0].startswith("382BCDE 12345678 on tcp://127.0.0.1:")
    code, errors = meter.stop(signal.SIGTERM)
    assert (code, errors) == (0, "")


def test_run_refuses_what_cannot_be_ordered(run_meter: Callable[..., Process]) -> None:
    meter = run_meter("382L", "--type-number", "684-38BM4C4084", "--ephemeral", endpoints=0)
    code, errors = meter.process.wait(timeout=20), meter.process.stderr
    assert errors is not None
    assert code == 2
    assert "is of generation M, profile 382L stands for L" in errors.read()


def test_a_configuration_file_says_it_as_well(tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text(
        '[[meters]]\ntype_number = "684-38BL4C4010"\n'
        'configuration_numbers = [21000002, "222-01-01-1", "00-0-01-0-00", 100, 0]\n'
    )
    result = invoke("config", "check", str(good))
    assert (result.exit_code, result.stderr) == (0, "")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[meters]]\ntype_number = "684-39BL4C4010"\n')
    result = invoke("config", "check", str(wrong))
    assert result.exit_code == 1
    assert f"{wrong}:" in result.stderr
    assert "current (X2, character 5) is '9'; allowed: 7 (" in result.stderr


def test_an_order_that_the_engine_refuses_is_found_by_the_check(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[[meters]]\nmetering = { pulse_input_constant_milli = 5 }\n")
    result = invoke("config", "check", str(wrong))
    assert result.exit_code == 1
    assert "pulse_input_constant_milli is 5; allowed: 250..1000000" in result.stderr


def test_profiles_tell_what_each_is_read_by() -> None:
    found = {facts["name"]: facts for facts in map(json.loads, invoke("profiles", "--json").stdout.splitlines())}
    assert found["382BCDE"]["objects"] == 0
    assert found["382BCDE"]["readout"] == "IEC 62056-21 mode A"
    assert found["382M"]["clients"] == [16, 18, 19, 20, 22]
