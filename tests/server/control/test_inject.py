"""`meter382 inject` against a running meter."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from metering.inputs import INPUT_KINDS
from server.cli import app
from server.control.client import ControlClient, Kind
from tests.server.conftest import Process

from .conftest import SERIAL
from .examples import EXAMPLES
from .test_run_control import ADDRESS, START, control

TOKEN = "a-token-of-this-run"


@pytest.fixture(scope="module")
def run() -> Iterator[Process]:
    """A run for all tests here: stepped, on a constant load."""
    process = Process(
        "--ephemeral", "--json", "--stepped", "--start", START, "--installation", "constant", "--tcp", ADDRESS,
        "--control", ADDRESS, endpoints=2,
    )  # fmt: skip
    yield process
    process.process.kill()
    process.process.communicate()


def inject(endpoint: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and complaint of `meter382 inject`."""
    done = CliRunner().invoke(app, ["inject", endpoint, *arguments], env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def name(process: Process) -> str:
    """Where the API of a process is."""
    endpoint: str = json.loads(process.lines[-1])["endpoint"]
    return endpoint


def text_of(value: Any) -> str:
    """A value as somebody types it."""
    if isinstance(value, list):
        return ",".join("" if item is None else str(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_load_is_injected_and_the_answer_printed(run: Process) -> None:
    code, output, complaint = inject(name(run), "set-load", "active_w=1000,0,-250.5")
    assert (code, complaint) == (0, "")
    assert output == f"{SERIAL}: set-load at 2026-03-02T12:00:00Z, kept in memory only\n"
    with control(run) as client:
        assert [phase["active_w"] for phase in client.get(f"/meters/{SERIAL}").json()["phases"]] == [1000, 0, -250.5]


@pytest.mark.parametrize("address", ["http://{}", "http://{}/", "{}"])
def test_the_api_is_found_by_address_or_url(address: str, run: Process) -> None:
    endpoint = address.format(name(run).removeprefix("http://"))
    assert inject(endpoint, "release-load", "--meter", str(SERIAL))[0] == 0


@pytest.mark.parametrize("kind", INPUT_KINDS)
def test_every_kind_is_typed_as_it_is_described(kind: str, run: Process) -> None:
    found: Kind = ControlClient(name(run)).kinds()[kind]
    assert found.body({field: text_of(value) for field, value in EXAMPLES[kind].items()}) == EXAMPLES[kind]


def test_the_list_names_every_kind_and_field(run: Process) -> None:
    code, output, _ = inject(name(run), "list")
    assert code == 0
    lines = output.splitlines()
    for kind, example in EXAMPLES.items():
        assert kind in lines
        for field in example:
            assert any(line.startswith(f"    {field}=") for line in lines)
    assert "    active_w=number,number,number  (L1, L2, L3)" in lines
    assert "advance" in lines
    listed = json.loads(inject(name(run), "list", "--json")[1])
    assert listed["set-clock"]["fields"] == {"clock": "date-time"}


def test_time_is_advanced_as_far_as_is_said(run: Process) -> None:
    with httpx.Client(base_url=name(run)) as client:
        before = client.get("/time").json()["time"]
    code, output, _ = inject(name(run), "advance", "seconds=900", "--json")
    assert code == 0
    assert json.loads(output)["time"] > before
    assert inject(name(run), "advance", "to=2026-03-05T00:00:00+01:00")[1] == "it is 2026-03-04T23:00:00Z\n"
    assert inject(name(run), "advance", "to=2026-03-04")[::2] == (1, "meter382: time does not go back\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("explode",), 2, "there is no input explode (there are: advance, set-load, "),
        (("set-tariff",), 2, "set-tariff needs tariff"),
        (("set-tariff", "tariff"), 2, "'tariff' is no FIELD=VALUE"),
        (("set-tariff", "=2"), 2, "'=2' is no FIELD=VALUE"),
        (("set-tariff", "tariff=1", "tariff=2"), 2, "tariff is given twice"),
        (("set-tariff", "tariff=two"), 2, "tariff=two: integer expected"),
        (("set-tariff", "tariff=1", "phase=1"), 2, "set-tariff has no field phase (there are: tariff)"),
        (("stop-billing", "now=1"), 2, "stop-billing has no field now (there are: none)"),
        (("set-load", "active_w=1,2"), 2, "active_w=1,2: number,number,number expected"),
        (("set-daylight-saving", "enabled=maybe"), 2, "enabled=maybe: boolean expected"),
        (("set-tariff", "tariff=9"), 1, "tariff is 9; allowed: 1..8"),
        (("set-clock", "clock=soon"), 1, "clock: 'soon' is no ISO 8601 date and time"),
        (("stop-billing", "--meter", "1"), 1, "no meter 1; there are 12345678"),
        (("advance",), 1, "one of seconds and to is needed"),
    ],
)
def test_what_does_not_happen_is_said(arguments: tuple[str, ...], code: int, said: str, run: Process) -> None:
    done, output, complaint = inject(name(run), *arguments)
    assert (done, output) == (code, "")
    assert complaint.startswith(f"meter382: {said}")


@pytest.mark.parametrize(
    ("endpoint", "code", "said"),
    [
        ("127.0.0.1:1", 1, "127.0.0.1:1: Connection refused"),
        ("somewhere", 2, "'somewhere' is no HOST:PORT"),
        ("127.0.0.1:99999", 2, "Port out of range"),
        ("https://127.0.0.1:1", 2, "is no HOST:PORT"),
        ("http://127.0.0.1:1/meters", 2, "is no HOST:PORT"),
    ],
)
def test_a_place_without_the_api_is_said(endpoint: str, code: int, said: str) -> None:
    done, _, complaint = inject(endpoint, "list")
    assert done == code
    assert said in complaint


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])
def test_a_port_that_speaks_something_else_is_said(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        done, _, complaint = inject(place, "list")
        thread.join()
    assert done == 1
    assert complaint.startswith(f"meter382: {place}: ")


def test_of_several_meters_one_must_be_named(run_meter: Callable[..., Process], tmp_path: Any) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'ephemeral = true\n[control]\naddress = "127.0.0.1:0"\ntoken = "a-token-of-this-run"\n'
        '[[endpoints]]\nkind = "rs485"\ndevice = "pty"\n'
        "[[meters]]\nserial_number = 1\nhdlc_address = 33\n[[meters]]\nserial_number = 2\nhdlc_address = 34\n"
    )
    file.chmod(0o600)
    endpoint = name(run_meter("--config", str(file), "--json", endpoints=2))
    assert inject(endpoint, "stop-billing", "--token", TOKEN) == (2, "", "meter382: which meter? --meter 1 or 2\n")
    assert inject(endpoint, "stop-billing", "--meter", "2", METER382_CONTROL_TOKEN=TOKEN)[1].startswith(
        "2: stop-billing"
    )
    code, _, complaint = inject(endpoint, "stop-billing", "--meter", "2")
    assert (code, complaint) == (1, "meter382: the token of this run is needed: Authorization: Bearer TOKEN\n")
