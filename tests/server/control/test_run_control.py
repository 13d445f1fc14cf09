"""The control API of a `meter382 run` in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cosem.data_types import DOUBLE_LONG_UNSIGNED
from metering.inputs import INPUT_KINDS
from tests.server.clients import TcpPort, WrapperClient
from tests.server.conftest import ROOT, Process

from .conftest import SERIAL
from .examples import EXAMPLES

START = "2026-03-02T12:00:00Z"
ADDRESS = "127.0.0.1:0"
OPTIONS = ("--json", "--tcp", ADDRESS, "--control", ADDRESS)
PATH = f"/meters/{SERIAL}"


def control(process: Process) -> httpx.Client:
    """A client of the API of a process."""
    names = [json.loads(line) for line in process.lines]
    (name,) = (row["endpoint"] for row in names if row["kind"] == "control")
    return httpx.Client(base_url=name, timeout=20)


def refused(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and complaint of a run that does not come up."""
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "run", "--ephemeral", "--tcp", ADDRESS, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env={"PATH": "", **environment},
        check=False,
    )
    return done.returncode, done.stderr


# --- who may be asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--control", "0.0.0.0:0"), "0.0.0.0:0 can be reached from other machines: a token is needed"),
        (("--control", "[::]:0"), "a token is needed there (token_file in [control], or METER382_CONTROL_TOKEN"),
        (("--control", "meters.example:8382"), "a token is needed"),
        (("--control", "0.0.0.0:0", "--control-token", "short"), "a token is 8 to 256"),
        (("--control", "8382"), "'8382' is no HOST:PORT"),
        (("--stepped",), "stepped time has no speed, and moves only by the control API"),
        (("--stepped", "--speed", "60", "--control", ADDRESS), "stepped time has no speed"),
    ],
)
def test_a_run_that_should_not_be_is_refused_with_its_reason(arguments: tuple[str, ...], said: str) -> None:
    code, complaint = refused(*arguments)
    assert code == 2
    assert said in complaint
    assert "Traceback" not in complaint


def test_a_token_that_is_no_good_is_not_printed() -> None:
    code, complaint = refused("--control", "0.0.0.0:0", METER382_CONTROL_TOKEN="not a token")
    assert code == 2
    assert "not a token" not in complaint


def test_with_a_token_other_machines_are_served(run_meter: Callable[..., Process]) -> None:
    token = "a-token-of-this-run"
    process = run_meter(
        "--ephemeral", "--json", "--tcp", ADDRESS, "--control", "0.0.0.0:0", "--control-token", token, endpoints=2
    )
    port = json.loads(process.lines[1])["endpoint"].rpartition(":")[2]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/meters").status_code == 401
        assert client.get("/meters", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_an_address_in_use_is_said(run_meter: Callable[..., Process]) -> None:
    process = run_meter("--ephemeral", *OPTIONS, endpoints=2)
    taken = json.loads(process.lines[1])["endpoint"].removeprefix("http://")
    code, complaint = refused("--control", taken)
    assert (code, complaint) == (1, f"meter382: [Errno 98] control {taken}: Address already in use\n")


def test_a_run_without_the_api_loads_nothing_of_it() -> None:
    script = """
import asyncio, sys
from server.config import RunConfig
from server.runtime import Runtime

async def main():
    runtime = Runtime(RunConfig(ephemeral=True, endpoints=[{"kind": "tcp", "address": "127.0.0.1:0"}]))
    await runtime.open()
    await runtime.close()

asyncio.run(main())
print(sorted(name for name in sys.modules if name.split(".")[0] in ("fastapi", "uvicorn", "starlette", "anyio")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


def test_without_the_extra_the_run_says_what_is_missing() -> None:
    script = "import sys; sys.modules['fastapi'] = None; from server.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "--ephemeral", "--tcp", ADDRESS, "--control", ADDRESS],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "meter382: the control API needs fastapi: pip install 'meter382[web]'\n",
    )


# --- the description ------------------------------------------------------------------------------------


def test_the_description_is_whole_and_names_every_kind(run_meter: Callable[..., Process]) -> None:
    with control(run_meter("--ephemeral", *OPTIONS, endpoints=2)) as client:
        document = client.get("/openapi.json").json()
        assert client.get("/docs").status_code == 200
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    prefix = "/meters/{serial_number}/inputs/"
    described = {path.removeprefix(prefix): item for path, item in document["paths"].items() if path.startswith(prefix)}
    assert described.keys() == INPUT_KINDS.keys()
    schemas = document["components"]["schemas"]
    for kind, item in described.items():
        text = json.dumps(item["post"]["requestBody"])
        (name,) = re.findall(r'"#/components/schemas/(\w+)"', text)
        assert schemas[name]["properties"].keys() >= EXAMPLES[kind].keys() if EXAMPLES[kind] else True
        assert item["post"]["description"]
    operations = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(set(operations)) == len(operations)
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in schemas


# --- what is kept ---------------------------------------------------------------------------------------


def test_every_acknowledged_input_is_there_after_kill_9(run_meter: Callable[..., Process], tmp_path: Path) -> None:
    """The meter after the kill is the one before it: state, journal, and time where it stood."""
    options = ("--state", str(tmp_path / "state.sqlite"), "--installation", "constant", "--stepped", *OPTIONS)
    process = run_meter("--start", START, *options, endpoints=2)
    acknowledged = 0
    with control(process) as client:
        for kind, body in EXAMPLES.items():
            if kind == "set-supply":
                continue  # with L1 cut the meter goes on, but let it see all of the load
            answer = client.post(f"{PATH}/inputs/{kind}", json=body)
            assert answer.status_code in (200, 409), answer.text
            acknowledged += answer.status_code == 200
            assert client.post("/time/advance", json={"seconds": 61}).status_code == 200
        before = client.get(PATH).json()
        rows = client.get(f"{PATH}/loggers/99.1.0").json()
        process.process.kill()
        process.process.wait()
    assert acknowledged > len(EXAMPLES) * 2 // 3
    with control(run_meter(*options, endpoints=2)) as client:
        assert client.get(PATH).json() == before
        assert client.get(f"{PATH}/loggers/99.1.0").json() == rows
        answer = client.post(f"{PATH}/inputs/stop-billing").json()
        assert answer["sequence"] == acknowledged + 1


def test_an_input_shows_on_the_wire_at_once(run_meter: Callable[..., Process]) -> None:
    process = run_meter("--ephemeral", "--stepped", *OPTIONS, endpoints=2)
    wire = WrapperClient(TcpPort(json.loads(process.lines[0])["endpoint"]))
    with control(process) as client:
        client.post(f"{PATH}/inputs/set-load", json={"active_w": [1000, 1000, 1000]})
        assert wire.get(3, "1.1.1.7.0.255", 2, DOUBLE_LONG_UNSIGNED) == 3_000
        before = wire.get(3, "1.1.1.8.0.255", 2, DOUBLE_LONG_UNSIGNED)
        client.post("/time/advance", json={"seconds": 3_600})
        assert wire.get(3, "1.1.1.8.0.255", 2, DOUBLE_LONG_UNSIGNED) == before + 3_000


def test_stepped_time_stands_still_and_goes_by_steps(run_meter: Callable[..., Process]) -> None:
    with control(run_meter("--ephemeral", "--stepped", "--start", START, *OPTIONS, endpoints=2)) as client:
        for _ in range(3):
            assert client.get("/time").json() == {"time": START, "stepped": True}
        before = client.get(f"{PATH}/loggers/99.1.0", params={"limit": 1}).json()["rows"][0][0]
        client.post("/time/advance", json={"to": "2026-03-03T12:00:00Z"})
        page = client.get(f"{PATH}/loggers/99.1.0", params={"from": before, "limit": 1000}).json()
        assert page["total"] == 96 + 1


def test_a_run_whose_time_goes_by_itself_is_not_moved(run_meter: Callable[..., Process]) -> None:
    with control(run_meter("--ephemeral", *OPTIONS, endpoints=2)) as client:
        assert client.get("/time").json()["stepped"] is False
        answer = client.post("/time/advance", json={"seconds": 1})
        assert answer.status_code == 409
        assert answer.json()["detail"] == (
            "the time of this run goes by itself; start it with --stepped to move it from here"
        )


def test_a_stepped_run_goes_on_where_time_stood_and_a_running_one_from_there(
    run_meter: Callable[..., Process], tmp_path: Path
) -> None:
    options = ("--state", str(tmp_path / "state.sqlite"), *OPTIONS)
    first = run_meter("--start", START, "--stepped", *options, endpoints=2)
    with control(first) as client:
        client.post("/time/advance", json={"seconds": 86_400})
    assert first.stop(signal.SIGTERM) == (0, "")
    second = run_meter("--stepped", *options, endpoints=2)
    with control(second) as client:
        assert client.get("/time").json()["time"] == "2026-03-03T12:00:00Z"
    assert second.stop(signal.SIGINT) == (0, "")
    with control(run_meter(*options, endpoints=2)) as client:
        assert client.get("/time").json()["time"] > "2026-03-03T12:00"


# --- the end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_run_ends_cleanly_with_a_client_still_connected(
    number: int, run_meter: Callable[..., Process], tmp_path: Path
) -> None:
    process = run_meter("--state", str(tmp_path / "state.sqlite"), *OPTIONS, endpoints=2)
    with control(process) as client:
        answer: Any = client.post(f"{PATH}/inputs/stop-billing")
        assert answer.status_code == 200
        assert process.stop(number) == (0, "")
        with pytest.raises(httpx.TransportError):
            client.get("/meters")


def test_the_configuration_file_opens_the_api_and_options_come_before_it(
    run_meter: Callable[..., Process], tmp_path: Path
) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'ephemeral = true\nstepped = true\n[control]\naddress = "127.0.0.1:0"\ntoken = "from-the-file"\n'
        '[[endpoints]]\nkind = "tcp"\naddress = "127.0.0.1:0"\n'
    )
    file.chmod(0o600)
    for options, token in (
        ((), "from-the-file"),
        (("--control-token", "from-the-command-line"), "from-the-command-line"),
    ):
        process = run_meter("--config", str(file), "--json", *options, endpoints=2)
        with control(process) as client:
            answer = client.get("/time", headers={"Authorization": f"Bearer {token}"})
            assert answer.json()["stepped"] is True
            assert client.get("/time").status_code == 401
