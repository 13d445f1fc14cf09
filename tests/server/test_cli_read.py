"""`meter382 read`: what is printed in each format, exit codes, and what stands on standard error."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.conformance.running import ROOT, RunningMeter, listener, quick_profile, running_meter, unused_address

PASSWORD = ("--password", "12345")
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    folder = tmp_path_factory.mktemp("meter")
    with running_meter(folder, quick_profile(folder)) as running:
        yield running


class Said(NamedTuple):
    """What one run of the command said."""

    exit_code: int
    stdout: str
    stderr: str


def read(*arguments: str) -> Said:
    result = RUNNER.invoke(app, ["read", *arguments])
    return Said(result.exit_code, result.stdout, result.stderr)


def read_json(*arguments: str) -> dict[str, Any]:
    result = read(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def read_csv(*arguments: str) -> list[list[str]]:
    result = read(*arguments, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    return list(csv.reader(io.StringIO(result.stdout)))


@pytest.mark.parametrize("way", ["tcp", "hdlc", "udp", "pty"])
def test_everything_is_read_over_every_way(meter: RunningMeter, way: str) -> None:
    document = read_json(meter.endpoints[way], *PASSWORD)
    values = {item["obis"]: item for item in document["values"]}
    assert len(values) == len(document["values"]) > 150
    assert (values["1.1.1.7.0.255"]["value"], values["1.1.1.7.0.255"]["unit"]) == (750, "W")
    assert values["1.1.1.7.0.255"]["name"] == "Active power import (P+), instantaneous"
    assert values["1.1.96.1.0.255"]["value"] == 12345678
    assert values["0.1.1.0.0.255"]["value"].startswith("2026-11-21 12:0")
    assert values["1.1.1.6.0.255"]["captured"]
    assert values["1.1.99.1.0.255"] | {"value": None} == {
        "obis": "1.1.99.1.0.255", "name": "Load profile", "class": 7, "attribute": 7, "value": None, "unit": "rows",
    }  # fmt: skip
    assert values["1.1.99.1.0.255"]["value"] > 1000
    assert values["0.0.40.0.0.255"]["unit"] == "objects"
    assert document["profiles"] == document["errors"] == []


def test_without_password_the_public_association_is_read(meter: RunningMeter) -> None:
    codes = [item["obis"] for item in read_json(meter.address)["values"]]
    assert "1.1.96.1.0.255" in codes
    assert "1.1.1.8.0.255" not in codes


class TestWhatOpticalHeadsSpeak:
    def test_a_readout_of_iec_62056_21(self, meter: RunningMeter) -> None:
        document = read_json(f"iec://{meter.address}")
        values = {item["code"]: item for item in document["values"]}
        assert values["/"]["value"].startswith("KAM5")
        assert values["0.0.1"]["value"] == "12345678"
        assert values["1.8.0"] | {"value": None} == {
            "code": "1.8.0", "name": "Active energy import (A+), total", "value": None, "unit": "kwh",
        }  # fmt: skip

    def test_of_a_readout_what_is_named(self, meter: RunningMeter) -> None:
        result = read(f"iec://{meter.address}", "0.0.1", "7.7.7", "--format", "csv")
        assert (result.exit_code, result.stdout) == (1, "code,name,value,unit\n0.0.1,MeterNo1,12345678,\n")
        assert result.stderr == "meter382: 7.7.7: not in the readout of this meter\n"

    def test_with_a_password_registers_are_read_in_programming_mode(self, meter: RunningMeter) -> None:
        result = read(f"iec://{meter.address}", "1.0.0", "7.7.7", *PASSWORD, "--format", "csv")
        assert result.exit_code == 1
        assert result.stdout.splitlines()[1].split(",")[2].startswith("01261121120")
        assert result.stderr.startswith("meter382: R5 7.7.7: ER")

    def test_loggers_are_read_with_a_password_in_one_table_each(self, meter: RunningMeter) -> None:
        result = read(f"iec://{meter.address}", "99.1.0", "1.1.98.1.0.255", "99.98.3", "--last", "2", *PASSWORD)
        assert (result.exit_code, result.stderr) == (0, "")
        lines = [line.split() for line in result.stdout.splitlines()]
        titles = ["99.1.0 Load profile: 2 rows", "98.1.0 Billing logger: 2 rows", "99.98.3 Clock logger (RTC): 0 rows"]
        assert [line for line in lines if line and line[-1] == "rows"] == [title.split() for title in titles]
        stamps = [line[0] for line in lines if line and len(line[0]) == 14 and line[0].isdigit()]
        assert stamps == ["01261121114500", "01261121120000", "11261001010000", "01261101000000"]
        assert "[kWh]" in result.stdout

    def test_loggers_as_csv_are_rows_below_their_columns(self, meter: RunningMeter) -> None:
        limits = ("--from", "2026-11-21T11:30", "--to", "2026-11-21T11:45")
        rows = read_csv(f"iec://{meter.address}", "99.1.0", "1.0.0", "98.1.0", "99.98.3", *limits, *PASSWORD)
        assert [row[0] if row else "" for row in rows] == [
            "code", "1.0.0", "", "1.0.0", "01261121113000", "01261121114500", "", "1.0.0", "", "1.0.0",
        ]  # fmt: skip
        assert rows[3][:4] == ["1.0.0", "96.56.2", "96.56.3", "1.8.0 [kWh]"]

    def test_loggers_as_json_have_columns_and_rows(self, meter: RunningMeter) -> None:
        document = read_json(
            f"iec://{meter.address}", "98.1.0", "99.98.3", "99.1.0", "--from", "2026-11-21T12:00", *PASSWORD
        )
        assert document["values"] == []
        billing, clock, load = document["profiles"]
        assert [load["code"], load["name"]] == ["99.1.0", "Load profile"]
        assert load["columns"][3] == {"code": "1.8.0", "name": "Active energy import (A+), total", "unit": "kWh"}
        assert [row[0] for row in load["rows"]] == ["01261121120000"]
        assert [billing["rows"], clock["rows"]] == [[], []]

    def test_a_logger_without_password_or_that_the_meter_has_not_is_told(self, meter: RunningMeter) -> None:
        result = read(f"iec://{meter.address}", "99.1.0", "--last", "1")
        assert (result.exit_code, result.stderr) == (1, "meter382: 99.1.0: a logger is read with a password\n")
        result = read(f"iec://{meter.address}", "99.99.9", "--last", "1", *PASSWORD)
        assert (result.exit_code, result.stderr) == (1, "meter382: R6 99.99.9: ER01 UNKNOWN IDENTIFICATION\n")

    def test_a_serial_device_speaks_what_is_named(self, meter: RunningMeter) -> None:
        for protocol, code in (("iec", "0.0.1"), ("kmp", "0x03E9")):
            (value,) = read_json(meter.pty, code, "--protocol", protocol)["values"]
            assert str(value["value"]) == "12345678"

    def test_registers_of_kmp_by_number_and_by_name(self, meter: RunningMeter) -> None:
        rows = read_csv(f"kmp://{meter.address}", "0x041E", "current l1", "03EB")
        assert rows == [
            ["code", "name", "value", "unit"],
            ["041E", "Voltage L1", "230", "V"],
            ["0434", "Current L1", "1.54", "A"],
            ["03EB", "Date", "2026-11-21", ""],
        ]

    def test_all_registers_of_kmp_that_have_a_name(self, meter: RunningMeter) -> None:
        values = read_json(f"kmp://{meter.address}")["values"]
        assert values[0]["value"] == "6900 H1"
        assert len(values) == len({item["code"] for item in values}) > 150
        assert all(item["name"] for item in values)

    def test_a_register_that_the_meter_has_not_is_told(self, meter: RunningMeter) -> None:
        result = read(f"kmp://{meter.address}", "0x7777", "0x0001")
        assert (result.exit_code, result.stderr) == (1, "meter382: 7777: not in this meter\n")
        assert "Active energy A14" in result.stdout

    def test_another_meter_on_the_line_is_not_there(self, meter: RunningMeter) -> None:
        result = read(f"iec://{meter.address}", "--address", "11111111", "--timeout", "0.2")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "no answer within 0.2 s" in result.stderr

    def test_a_685_is_read_by_its_own_protocol(self, tmp_path: Path) -> None:
        with running_meter(tmp_path, "382-classic", dlms=False) as old:
            values = read_json(f"kmphex://{old.address}")["values"]
        assert [item["unit"] for item in values] == ["kWh", "W", "h", "W", "", "kWh", "kWh"]
        assert values[1]["value"] == 750


class TestTable:
    def test_it_shows_code_name_value_and_unit(self, meter: RunningMeter) -> None:
        result = read(meter.address, "1.7.0", "32.7.0", *PASSWORD)
        assert result.exit_code == 0
        heading, _, power, voltage = result.stdout.splitlines()
        assert heading.split() == ["OBIS", "Name", "Value", "Unit"]
        assert power.split("  ")[0] == "1.1.1.7.0.255"
        assert power.split()[-2:] == ["750", "W"]
        assert "Voltage L1, instantaneous" in voltage
        assert voltage.split()[-2:] == ["230", "V"]

    def test_the_time_of_capture_has_a_column_where_there_is_one(self, meter: RunningMeter) -> None:
        lines = read(meter.address, "1.6.0", *PASSWORD).stdout.splitlines()
        assert lines[0].split()[-1] == "Captured"
        assert lines[2].split()[-4:-2] == ["750", "W"]

    def test_a_profile_is_a_table_of_its_own(self, meter: RunningMeter) -> None:
        result = read(meter.address, "99.1.0", "--last", "2", *PASSWORD)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].strip() == "1.1.99.1.0.255 Load profile: 2 rows"
        assert [line[:19] for line in lines[-2:]] == ["2026-11-21 11:45:00", "2026-11-21 12:00:00"]
        assert "[Wh]" in result.stdout


class TestCsv:
    def test_values_are_rows_below_a_heading(self, meter: RunningMeter) -> None:
        assert read_csv(meter.address, "1.7.0", "1.1.96.1.1.255", *PASSWORD) == [
            ["obis", "name", "value", "unit", "captured"],
            ["1.1.1.7.0.255", "Active power import (P+), instantaneous", "750", "W", ""],
            ["1.1.96.1.1.255", "CompleteMeterTypeNo", "68438BM4C3084", "", ""],
        ]

    def test_a_profile_is_rows_below_its_columns(self, meter: RunningMeter) -> None:
        limits = ("--from", "2026-11-21T11:30", "--to", "2026-11-21T11:45")
        rows = read_csv(meter.address, "1.1.99.1.0.255", *limits, *PASSWORD)
        assert rows[0][0] == "Clock"
        assert rows[0][4] == "Active energy import (A+), total [Wh]"
        assert [row[0] for row in rows[1:]] == ["2026-11-21 11:30:00", "2026-11-21 11:45:00"]

    def test_an_empty_line_parts_values_and_profiles(self, meter: RunningMeter) -> None:
        rows = read_csv(meter.address, "99.1.0", "1.7.0", "99.98.3", "--last", "1", *PASSWORD)
        assert [row[0] if row else "" for row in rows] == [
            "obis", "1.1.1.7.0.255", "", "Clock", "2026-11-21 12:00:00", "", "Clock",
        ]  # fmt: skip


class TestCodes:
    @pytest.mark.parametrize("code", ["1.8.0", "1.1.1.8.0.255", "1-1:1.8.0", "1-1:1.8.0*255", "1.8.0:2"])
    def test_every_form_names_the_register(self, meter: RunningMeter, code: str) -> None:
        (value,) = read_json(meter.address, code, *PASSWORD)["values"]
        assert (value["obis"], value["unit"]) == ("1.1.1.8.0.255", "Wh")

    def test_an_attribute_is_read_as_it_is(self, meter: RunningMeter) -> None:
        rows = read_csv(meter.address, "1.8.0:3", "1-1:1.8.0:1", "99.1.0:4", *PASSWORD)
        assert [(row[0], row[2]) for row in rows[1:]] == [
            ("1.1.1.8.0.255:3", "(0, 30)"),
            ("1.1.1.8.0.255:1", "1.1.1.8.0.255"),
            ("1.1.99.1.0.255:4", "900"),
        ]

    def test_a_short_code_finds_the_only_object_of_another_channel(self, meter: RunningMeter) -> None:
        (value,) = read_json(meter.address, "96.8.0", *PASSWORD)["values"]
        assert value["obis"] == "0.1.96.8.0.255"

    def test_what_cannot_be_read_is_said_and_the_rest_is_read(self, meter: RunningMeter) -> None:
        result = read(meter.address, "77.8.0", "1.7.0", "1.7.0:9", "--format", "json", *PASSWORD)
        assert result.exit_code == 1
        document = json.loads(result.stdout)
        assert [item["obis"] for item in document["values"]] == ["1.1.1.7.0.255"]
        assert [item["attribute"] for item in document["errors"]] == [2, 9]
        assert result.stderr.splitlines() == [
            "meter382: 1.1.77.8.0.255: not in the object list of this association",
            "meter382: GET class 3 1.1.1.7.0.255 member 9: object-undefined (4)",
        ]


class TestTrouble:
    def test_a_wrong_password(self, meter: RunningMeter) -> None:
        result = read(meter.address, "--password", "54321")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "meter382: association rejected: authentication-failure\n"

    def test_nobody_listening(self) -> None:
        result = read(unused_address())
        assert result.exit_code == 1
        assert result.stderr.startswith("meter382: cannot connect to tcp://127.0.0.1:")

    def test_a_meter_that_never_answers(self) -> None:
        with listener() as (_, address):
            result = read(address, "--timeout", "0.1")
        assert result.exit_code == 1
        assert result.stderr == f"meter382: tcp://{address}: no answer within 0.1 s (client 16, server 1)\n"

    def test_json_is_a_document_even_then(self) -> None:
        result = read(unused_address(), "--format", "json")
        assert json.loads(result.stdout) == {"values": [], "profiles": [], "errors": []}

    def test_client_and_server_given_come_before_the_defaults(self, meter: RunningMeter) -> None:
        result = read(meter.address, *PASSWORD, "--client", "16", "--server", "5", "--timeout", "0.1")
        assert "(client 16, server 5)" in result.stderr

    def test_an_hdlc_address_that_nobody_has(self, meter: RunningMeter) -> None:
        result = read(meter.hdlc, *PASSWORD, "--hdlc-address", "33", "--timeout", "0.1")
        assert result.exit_code == 1
        assert "no answer within 0.1 s" in result.stderr


WRONG_USAGE = [
    (),
    ("nowhere",),
    ("127.0.0.1:4059", "1.8.x"),
    ("127.0.0.1:4059", "1.8.0:999"),
    ("127.0.0.1:4059", "--last", "3"),
    ("127.0.0.1:4059", "99.1.0", "--last", "0"),
    ("127.0.0.1:4059", "99.1.0", "--last", "3", "--from", "2026-01-01"),
    ("127.0.0.1:4059", "99.1.0", "--from", "yesterday"),
    ("127.0.0.1:4059", "99.1.0", "--from", "2026-01-02", "--to", "2026-01-01"),
    ("127.0.0.1:4059", "99.1.0", "--from", "2026-01-01T00:00+01:00", "--to", "2026-01-02"),
    ("127.0.0.1:4059", "--format", "xml"),
    ("127.0.0.1:4059", "--client", "0"),
    ("127.0.0.1:4059", "--protocol", "xml"),
    ("udp://127.0.0.1:4059", "--protocol", "kmp"),
    ("kmp://127.0.0.1:4059", "1.8.0"),
    ("kmphex://127.0.0.1:4059", "0001"),
    ("kmp://127.0.0.1:4059", "0x0001", "--last", "1"),
    ("kmphex://127.0.0.1:4059", "0001", "--from", "2026-01-01"),
    ("iec://127.0.0.1:4059", "--last", "1", "--password", "1"),
    ("iec://127.0.0.1:4059", "99.1.0", "--from", "2026-01-01T00:00+01:00", "--password", "1"),
    ("iec://127.0.0.1:4059", "99.1.0", "--to", "2100-01-01", "--password", "1"),
    ("127.0.0.1:4059", "--server", "65536"),
    ("127.0.0.1:4059", "--hdlc-address", "16382"),
]


@pytest.mark.parametrize("arguments", WRONG_USAGE)
def test_wrong_usage_is_exit_code_2_and_nothing_is_connected(arguments: tuple[str, ...]) -> None:
    result = read(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error" in result.stderr


def test_a_client_that_does_not_fit_hdlc_is_wrong_usage(meter: RunningMeter) -> None:
    result = read(meter.hdlc, "--client", "200")
    assert result.exit_code == 2
    assert "client 200 does not fit HDLC" in result.stderr


def test_importing_the_command_line_imports_no_client() -> None:
    code = "import sys, server.cli.read; print([name for name in sys.modules if name.startswith('conformance')])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
