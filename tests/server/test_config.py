"""Configuration files: what they may say, where relative paths count from, and what is said about bad ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from server.config import EndpointConfig, InstallationConfig, RunConfig, load_config, split_address
from server.device_profile import load_profile
from server.toml_file import FileError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(text: str) -> Path:
        path = tmp_path / "meters.toml"
        path.write_text(text)
        return path

    return file


# --- what a file may say --------------------------------------------------------------------------------


def test_an_empty_file_is_a_382m_without_endpoints(write: Write) -> None:
    config = load_config(write(""))
    assert [(meter.profile, meter.serial_number) for meter in config.meters] == [("382M", 12345678)]
    assert config.meters[0].installation.kind == "household"
    assert (config.state, config.ephemeral, config.speed, config.start) == (None, False, 1.0, None)
    assert config.endpoints == ()


def test_a_whole_file_says_what_it_says(write: Write) -> None:
    config = load_config(
        write("""
state = "meters.sqlite"
speed = 60
start = 2026-03-29T00:00:00+01:00

[[meters]]
profile = "382L"
serial_number = 16721739
hdlc_address = 33
commissioned = 2026-01-01
installation = { kind = "household", annual_kwh = 5200, pv_peak_w = 6000 }

[[meters]]
serial_number = 2
installation = "constant"
metering = { billing_day = 15, tariffs = 2 }

[[endpoints]]
kind = "tcp"
address = "127.0.0.1:4059"
meters = [2]

[[endpoints]]
kind = "rs485"
device = "pty"
faults = { seed = 3, flip = 0.001 }
""")
    )
    first, second = config.meters
    assert (first.profile, first.hdlc_address, first.installation.pv_peak_w) == ("382L", 33, 6000)
    assert first.commissioned == datetime(2026, 1, 1, tzinfo=UTC)
    assert (second.installation.kind, second.metering.billing_day, second.metering.dst) == ("constant", 15, None)
    assert config.start == datetime(2026, 3, 29, tzinfo=timezone(timedelta(hours=1)))
    assert [config.behind(endpoint) for endpoint in config.endpoints] == [[second], [first, second]]
    assert config.endpoints[1].faults is not None
    assert config.endpoints[1].faults.flip == 0.001


def test_a_time_without_an_offset_is_utc(write: Write) -> None:
    assert load_config(write('start = "2026-03-29T00:00:00"')).start == datetime(2026, 3, 29, tzinfo=UTC)
    assert load_config(write("start = 2026-03-29T00:00:00")).start == datetime(2026, 3, 29, tzinfo=UTC)


def test_relative_paths_count_from_the_folder_of_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('name = "own"\ninherits = "382M"\n')
    config = load_config(
        write("""
state = "below/meters.sqlite"
trace = "trace.txt"
[[meters]]
serial_number = 1
installation = { kind = "replay", file = "day.csv" }
[[meters]]
serial_number = 2
hdlc_address = 33
installation = "night.csv"
profile = "own.toml"
[[endpoints]]
kind = "optical"
device = "pty:head"
[[endpoints]]
kind = "rs485"
device = "pty"
""")
    )
    assert config.state == tmp_path / "below" / "meters.sqlite"
    assert config.trace == str(tmp_path / "trace.txt")
    assert [meter.installation.file for meter in config.meters] == [tmp_path / "day.csv", tmp_path / "night.csv"]
    assert config.meters[1].profile == str(tmp_path / "own.toml")
    assert [endpoint.device for endpoint in config.endpoints] == [f"pty:{tmp_path / 'head'}", "pty"]


def test_absolute_paths_and_the_dash_stay(write: Write) -> None:
    config = load_config(write('state = "/var/lib/m.sqlite"\ntrace = "-"\n'))
    assert (config.state, config.trace) == (Path("/var/lib/m.sqlite"), "-")


def test_meters_without_an_address_have_that_of_their_profile(write: Write) -> None:
    config = load_config(write("[[meters]]\nserial_number = 1\n[[meters]]\nserial_number = 2\nhdlc_address = 99\n"))
    assert [RunConfig.hdlc_address(meter) for meter in config.meters] == [32, 99]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:4059", ("127.0.0.1", 4059)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:4059", ("::1", 4059)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", ":4059", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:4059", "a b:1", "h:-1"]
)
def test_what_is_no_address_says_how_one_looks(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no HOST:PORT \(127\.0\.0\.1:4059, \[::1\]:4059; port 0"):
        split_address(text)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"address": "192.0.2.1"}, ("192.0.2.1", 1025)),
        ({"address": "192.0.2.1", "channel": "A"}, ("192.0.2.1", 1025)),
        ({"address": "[::1]", "channel": "B"}, ("::1", 1026)),
        ({"address": "localhost:0", "channel": "B"}, ("localhost", 0)),
    ],
)
def test_a_channel_of_an_ip101i_has_the_port_of_the_module(said: dict[str, str], expected: tuple[str, int]) -> None:
    assert EndpointConfig.model_validate({"kind": "ip101i", **said}).where == expected


@pytest.mark.parametrize("name", ["household", "household-pv", "household-electric", "constant", "live", "idle"])
def test_named_installations(name: str) -> None:
    assert InstallationConfig.named(name).kind in ("household", "constant", "live")


def test_an_installation_by_csv_file_is_a_replay() -> None:
    assert InstallationConfig.named("Some/Day.CSV") == InstallationConfig(kind="replay", file=Path("Some/Day.CSV"))


# --- bad files ------------------------------------------------------------------------------------------

TCP = '[[endpoints]]\nkind = "tcp"\naddress = "127.0.0.1:0"\n'
TWO = "[[meters]]\nserial_number = 1\n[[meters]]\nserial_number = 2\n"

WRONG: list[tuple[str, int | None, str]] = [
    ("sped = 2\n", 1, "sped: unknown key"),
    ("speed = 0\n", 1, "speed: Input should be greater than 0 (found 0)"),
    ("\nspeed = 100001\n", 2, "speed: Input should be less than or equal to 100000 (found 100001)"),
    ('speed = "fast"\n', 1, "speed: Input should be a valid number, unable to parse string as a number (found 'fast')"),
    ('start = "tomorrow"\n', 1, "start: 'tomorrow' is no ISO 8601 date and time (2026-03-29T00:00:00+01:00)"),
    ("start = 5\n", 1, "start: an ISO 8601 date and time expected (found 5)"),
    ('state = "a"\nephemeral = true\n', 2, "ephemeral: excludes state"),
    ("meters = []\n", 1, "meters: at least one"),
    ("meters = 5\n", 1, "meters: Input should be a valid tuple (found 5)"),
    ("[[meters]]\nserial_number = 0\n", 2, "meters.0.serial_number: Input should be greater than or equal to 1"),
    ("[[meters]]\nserial_number = 100000000\n", 2, "Input should be less than or equal to 99999999"),
    ("[[meters]]\nserial = 5\n", 2, "meters.0.serial: unknown key"),
    ("[[meters]]\n\n[[meters]]\n", 3, "meters.1.serial_number: 12345678 is that of another meter"),
    ("[[meters]]\nserial_number = 7\n[[meters]]\nserial_number = 7\n", 4, "meters.1.serial_number: 7 is that of"),
    ('[[meters]]\nprofile = "382X"\n', 2, "meters.0.profile: no device profile '382X' (there are 382-classic, 382BCDE"),
    ("[[meters]]\nhdlc_address = 15\n", 2, "meters.0.hdlc_address: Input should be greater than or equal to 16"),
    ('[[meters]]\ninstallation = "house"\n', 2, "meters.0.installation: no installation 'house' (there are hou"),
    ('[[meters]]\ninstallation = { kind = "sun" }\n', 2, "Input should be 'household', 'constant', 'replay' or 'live'"),
    ('[[meters]]\ninstallation = { kind = "replay" }\n', 2, 'file goes with kind = "replay", and only with it'),
    ('[[meters]]\ninstallation = { file = "x.csv" }\n', 2, 'file goes with kind = "replay", and only with it'),
    ("[[meters]]\n[meters.installation]\nannual_kwh = 10\n", 3, "meters.0.installation.annual_kwh: Input should be"),
    ("[[meters]]\n[meters.metering]\nbilling_day = 29\n", 3, "meters.0.metering.billing_day: Input should be less"),
    ("[[meters]]\nmetering = { tariffs = 0 }\n", 2, "meters.0.metering.tariffs: Input should be greater than or equal"),
    ("[[meters]]\nmetering = { integration_period_s = 60 }\n", 2, "Input should be 300, 900, 1800 or 3600 (found 60)"),
    ('[[endpoints]]\nkind = "usb"\n', 2, "kind: Input should be 'tcp', 'udp', 'ip101i', 'optical' or 'rs485'"),
    ('[[endpoints]]\nkind = "tcp"\n', 1, "endpoints.0: an endpoint of kind tcp has address, not device"),
    (TCP + 'device = "pty"\n', 1, "endpoints.0: an endpoint of kind tcp has address, not device"),
    (TCP + '[[endpoints]]\nkind = "rs485"\naddress = "a:1"\n', 4, "endpoints.1: an endpoint of kind rs485 has device"),
    ('[[endpoints]]\nkind = "tcp"\naddress = "4059"\n', 1, "endpoints.0: '4059' is no HOST:PORT"),
    ('[[endpoints]]\nkind = "optical"\ndevice = "/dev/x"\nbaud = 1000\n', 4, "endpoints.0.baud: Input should be 300"),
    ('[[endpoints]]\nkind = "ip101i"\naddress = "a:b"\n', 1,
     "endpoints.0: 'a:b' is no HOST or HOST:PORT (127.0.0.1, [::1]:1025; port 0 takes a free one)"),
    ('[[endpoints]]\nkind = "ip101i"\naddress = "h:70000"\nchannel = "B"\n', 1, "(127.0.0.1, [::1]:1026; port 0"),
    ('[[endpoints]]\nkind = "ip101i"\ndevice = "pty"\n', 1, "an endpoint of kind ip101i has address, not device"),
    ('[[endpoints]]\nkind = "ip101i"\naddress = "h"\nchannel = "C"\n', 4, "channel: Input should be 'A' or 'B'"),
    (TCP + 'channel = "A"\n', 1, "endpoints.0: channel: an endpoint of kind tcp has none, only an ip101i has (A or B)"),
    (TCP + "baud = 9600\n", 1, "endpoints.0: baud: an endpoint of kind tcp has a speed only with pace = true"),
    (TCP + "strict_speed = true\n", 1, "endpoints.0: strict_speed: of a pty only; another line needs nothing to"),
    ('[[endpoints]]\nkind = "optical"\ndevice = "/dev/x"\nstrict_speed = true\n', 1, "strict_speed: of a pty only"),
    (TCP + 'parity = "odd"\n', 4, "endpoints.0.parity: Input should be 'auto', 'even' or 'none' (found 'odd')"),
    ('[[endpoints]]\nkind = "udp"\naddress = "127.0.0.1:0"\npace = true\n', 1,
     "endpoints.0: UDP carries datagrams: pace, echo, parity and baud are a line's"),
    (TCP + "faults = { drop = 2 }\n", 4, "endpoints.0.faults.drop: Input should be less than or equal to 1 (found 2)"),
    (TCP + "meters = [5]\n", 4, "endpoints.0.meters: no meter with serial number [5]"),
    (TWO + TCP, 5, "endpoints.0: meters on one line need different hdlc_address values, found [32, 32]"),
    (TWO + 'hdlc_address = 33\n[[endpoints]]\nkind = "udp"\naddress = "127.0.0.1:0"\n', 6,
     "endpoints.0: UDP carries the wrapper, which addresses one meter"),
    ("speed = \n", None, "(at line 1, column 9)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_an_error_names_file_line_key_and_what_is_allowed(write: Write, text: str, line: int | None, said: str) -> None:
    path = write(text)
    with pytest.raises(FileError) as error:
        load_config(path)
    fault = next((item for item in str(error.value).splitlines() if said in item), None)
    assert fault is not None, str(error.value)
    assert fault.startswith(f"{path}:{line}: " if line else f"{path}: "), fault


def test_several_faults_come_in_the_order_of_the_file(write: Write) -> None:
    path = write('speed = 0\n[[endpoints]]\nkind = "usb"\n[[meters]]\nserial_number = 0\ncolour = "red"\n')
    with pytest.raises(FileError) as error:
        load_config(path)
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [f"{path}:{n}" for n in (1, 3, 5, 6)]


def test_a_file_there_is_not_and_a_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.toml: No such file or directory"):
        load_config(tmp_path / "none.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"speed = 1\n\xff\xfe")
    with pytest.raises(FileError, match=r"binary\.toml: not UTF-8 at octet 10"):
        load_config(binary)


# --- the README ---------------------------------------------------------------------------------------------


def test_the_examples_of_the_readme_are_right(tmp_path: Path) -> None:
    readme = Path(__file__).parents[2] / "server" / "README.md"
    configuration, profile, _pushes = re.findall(r"```toml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "meters.toml"
    path.write_text(configuration)
    config = load_config(path)
    assert [endpoint.kind for endpoint in config.endpoints] == ["tcp", "rs485", "optical", "ip101i"]
    (tmp_path / "mine.toml").write_text(profile)
    assert load_profile(str(tmp_path / "mine.toml")).metering.billing_day == 15
