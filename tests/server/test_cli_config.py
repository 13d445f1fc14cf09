"""`meter382 config check`: says what is wrong in a file, line by line, without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli import app

GOOD = """
[[meters]]
serial_number = 1
[[meters]]
serial_number = 2
hdlc_address = 33
installation = "day.csv"
[[endpoints]]
kind = "rs485"
device = "pty"
"""


def check(path: Path) -> Result:
    return CliRunner().invoke(app, ["config", "check", str(path)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "day.csv").write_text(
        "timestamp,p1_w,p2_w,p3_w,q1_var,q2_var,q3_var\n"
        "2031-05-06T00:00:00Z,1,2,3,0,0,0\n2031-05-06T00:15:00Z,1,2,3,0,0,0\n"
    )
    return tmp_path / "meters.toml"


def test_a_good_file_is_counted(path: Path) -> None:
    path.write_text(GOOD)
    result = check(path)
    assert (result.exit_code, result.stdout) == (0, f"{path}: 2 meters, 1 endpoints, nothing wrong\n")
    assert result.stderr == ""


def test_checking_opens_and_creates_nothing(path: Path) -> None:
    path.write_text('state = "below/state.sqlite"\ntrace = "trace.txt"\n' + GOOD)
    before = sorted(path.parent.iterdir())
    assert check(path).exit_code == 0
    assert sorted(path.parent.iterdir()) == before


def test_each_fault_is_a_line_on_standard_error(path: Path) -> None:
    path.write_text("speed = 0\nsped = 1\n" + GOOD.replace("serial_number = 2", "serial_number = 0"))
    result = check(path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        [f"{path}:1", "speed"],
        [f"{path}:2", "sped"],
        [f"{path}:7", "meters.1.serial_number"],
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("time,p\n", "day.csv, line 1: header is 'time,p'; allowed: 'timestamp,p1_w"),
        ("timestamp,p1_w,p2_w,p3_w,q1_var,q2_var,q3_var\n2031-05-06T00:00:00Z,x,2,3,0,0,0\n", "day.csv, line 2"),
    ],
)
def test_the_file_of_a_replay_is_looked_into(path: Path, rows: str, said: str) -> None:
    path.write_text(GOOD)
    (path.parent / "day.csv").write_text(rows)
    result = check(path)
    assert result.exit_code == 1
    assert said in result.stderr


def test_the_file_of_a_replay_must_be_there(path: Path) -> None:
    path.write_text(GOOD)
    (path.parent / "day.csv").unlink()
    result = check(path)
    assert result.exit_code == 1
    assert "day.csv" in result.stderr


def test_a_profile_of_ones_own_is_checked_with_its_objects(path: Path) -> None:
    path.write_text('[[meters]]\nprofile = "own.toml"\n')
    own = path.parent / "own.toml"
    own.write_text('name = "own"\ninherits = "382M"\nobjects = "own.csv"\n')
    head = "class_id,version,name,logical_name,type,scaler,unit,access,public,source,default"
    (path.parent / "own.csv").write_text(f"{head}\n3,0,A14,1.1.1.8.0.255,double-long-unsigned,0,Wh,R,0,enrgy:a14,\n")
    result = check(path)
    assert result.exit_code == 1
    assert "no value 'enrgy:a14' (there are " in result.stderr


def test_a_file_there_is_not_is_named(tmp_path: Path) -> None:
    result = check(tmp_path / "none.toml")
    assert result.exit_code == 1
    assert f"{tmp_path / 'none.toml'}: No such file or directory" in result.stderr
