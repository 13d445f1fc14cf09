"""A head-end on the gurux-dlms library reads a meter by short names, and sees what it sees by logical names.

The library cannot cipher where names are short (an assertion of its own fails) and cannot read blocks there, so the
history is short. It does not ask for access_rights_list: it tries to read what its rights do not allow as well.
"""

from __future__ import annotations

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
SECRET = "MeterSecret-382M"
LONG_NAMES = 33
"""The client of the same rights with logical names, and HLS with MD5."""

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("gurux_dlms") is None, reason="extra `interop` is not installed"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A 382M-secure with a short history in a process of its own."""
    config = tmp_path_factory.mktemp("gurux") / "meter.toml"
    config.write_text('[[meters]]\nprofile = "382M-secure"\ncommissioned = 2026-03-30T00:00:00Z\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "run", "--config", str(config), "--ephemeral", "--json",
         "--start", "2026-04-02T12:00:00Z", "--tcp", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["endpoint"].removeprefix("tcp://")
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def read(address: str) -> Callable[..., dict[str, Any]]:
    """What the driver reads from an association."""

    def run(link: str, client: int, secret: str = "", **said: Any) -> dict[str, Any]:
        arguments = [link, address, str(client), "16", secret, json.dumps(said)]
        result = subprocess.run(
            [sys.executable, str(HERE / "gurux_driver.py"), *arguments], capture_output=True, text=True, timeout=120
        )
        assert result.stdout, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    return run


@pytest.fixture(scope="module")
def by_logical_names(read: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The same objects, read with the same rights by logical names."""
    return read("hdlc", LONG_NAMES, SECRET, mechanism="HIGH_MD5")


KEYS = {"unicast": bytes(range(16)).hex(), "authentication": bytes(range(0xD0, 0xE0)).hex(), "setup": 0}
ASSOCIATIONS: list[tuple[str, int, str, dict[str, Any]]] = [
    ("wrapper", 71, SECRET, {}),
    ("hdlc", 71, SECRET, {}),
    ("wrapper", 64, SECRET, {"mechanism": "HIGH"}),
    ("hdlc", 65, SECRET, {"mechanism": "HIGH_MD5"}),
    ("wrapper", 66, SECRET, {"mechanism": "HIGH_SHA1"}),
    ("hdlc", 67, SECRET, {"mechanism": "HIGH_GMAC", **KEYS}),
    ("wrapper", 68, SECRET, {"mechanism": "HIGH_SHA256", **KEYS}),
]


@pytest.mark.parametrize(("link", "client", "secret", "said"), ASSOCIATIONS, ids=lambda item: str(item)[:24])
def test_short_names_show_what_logical_names_show(
    link: str,
    client: int,
    secret: str,
    said: dict[str, Any],
    read: Callable[..., dict[str, Any]],
    by_logical_names: dict[str, Any],
) -> None:
    found = read(link, client, secret, short_names=True, **said)
    assert found["objects"] == by_logical_names["objects"]
    seen = {key for key in found["values"] if not key.startswith("12/")}
    expected = {key for key in by_logical_names["values"] if not key.startswith("15/")}
    assert seen == expected
    assert found["values"]["12/0.0.40.0.0.255/1"] == "0.0.40.0.0.255"
    for key in ("1/1.1.96.1.0.255/2", "3/1.1.1.8.0.255/3"):
        assert found["values"][key] == by_logical_names["values"][key]
