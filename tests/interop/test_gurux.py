"""A head-end on the gurux-dlms library reads every object of every association, over every kind of link.

The library is GPL-2.0: it is only run, as a program of its own (`gurux_driver.py`), never imported here. The
driver is judged by what it has read, not by its exit code.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OBJECTS = [
    (int(row["class_id"]), row["logical_name"])
    for row in csv.DictReader((ROOT / "server" / "profiles" / "382M.csv").read_text().splitlines())
]
ASSOCIATIONS = [(16, 1, None), (18, 16, "12345"), (19, 16, "12345"), (20, 16, "12345")]

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("gurux_dlms") is None, reason="extra `interop` is not installed"),
]


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A 382M with a short history in a process of its own: address of its TCP endpoint, link of its pty."""
    folder = tmp_path_factory.mktemp("gurux")
    link = folder / "optical"
    config = folder / "meter.toml"
    config.write_text('[[meters]]\ncommissioned = 2026-03-01T00:00:00Z\ninstallation = "household-pv"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "run", "--config", str(config), "--ephemeral", "--json",
         "--start", "2026-04-02T12:00:00Z", "--tcp", "127.0.0.1:0", "--optical", f"pty:{link}"],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    tcp = json.loads(process.stdout.readline())["endpoint"].removeprefix("tcp://")
    process.stdout.readline()
    yield {"wrapper": tcp, "hdlc": tcp, "serial": str(link)}
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def read(endpoints: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """What the driver reads over a link from an association; each is read once."""
    done: dict[tuple[str, int], dict[str, Any]] = {}

    def run(link: str, client: int, server: int, password: str | None) -> dict[str, Any]:
        if (link, client) not in done:
            arguments = [link, endpoints[link], str(client), str(server), *([password] if password else [])]
            result = subprocess.run(
                [sys.executable, str(HERE / "gurux_driver.py"), *arguments], capture_output=True, text=True, timeout=120
            )
            assert result.stdout, result.stderr
            done[link, client] = json.loads(result.stdout)
        return done[link, client]

    return run


@pytest.mark.parametrize("link", ["wrapper", "hdlc", "serial"])
@pytest.mark.parametrize("association", ASSOCIATIONS, ids=lambda item: f"client {item[0]}")
def test_every_readable_attribute_of_every_object_is_read(
    link: str, association: tuple[int, int, str | None], read: Callable[..., dict[str, Any]]
) -> None:
    found = read(link, *association)
    assert found["failures"] == {}
    named = {(int(key.split("/")[0]), key.split("/")[1]) for key in found["values"]}
    if association[0] == 16:
        assert found["objects"] == 14
    else:
        assert named == set(OBJECTS)


@pytest.mark.parametrize("link", ["wrapper", "hdlc", "serial"])
def test_the_library_sees_the_meter_as_it_is(link: str, read: Callable[..., dict[str, Any]]) -> None:
    values = read(link, 18, 16, "12345")["values"]
    assert values["1/1.1.96.1.0.255/2"] == "12345678"
    assert values["8/0.1.1.0.0.255/2"].startswith("04/02/26 14:")
    assert values["7/1.1.99.1.0.255/2"] == f"{32 * 96 + 12 * 4} rows"
    assert values["7/1.1.98.1.0.255/2"] == "1 rows"
    assert int(values["3/1.1.1.8.0.255/2"]) > 100_000
    assert int(values["3/1.1.2.8.0.255/2"]) > 0
    tariffs = sum(int(values[f"3/1.1.1.8.{tariff}.255/2"]) for tariff in range(1, 9))
    assert abs(tariffs - int(values["3/1.1.1.8.0.255/2"])) <= 1
