"""A head-end on the gurux-dlms library proves itself, ciphers, and reads every object of a 382M-secure.

Every authentication mechanism and suite that the library has, long and short names, wrapper and HDLC, each protection.
It looks up the invocation counter through the public client first, as companion specifications expect.
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

from server.security.secrets_at_rest import DOCUMENTED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROFILES = ROOT / "server" / "profiles"
OBJECTS = {
    (int(row["class_id"]), row["logical_name"])
    for name in ("382M.csv", "382M-secure.csv")
    for row in csv.DictReader((PROFILES / name).read_text().splitlines())
}
SECRET = "MeterSecret-382M"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("gurux_dlms") is None, reason="extra `interop` is not installed"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A 382M-secure with a short history in a process of its own."""
    config = tmp_path_factory.mktemp("gurux") / "meter.toml"
    config.write_text(
        '[[meters]]\nprofile = "382M-secure"\ncommissioned = 2026-03-30T00:00:00Z\ninstallation = "household-pv"\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "run", "--config", str(config), "--ephemeral", "--json",
         "--start", "2026-04-02T12:00:00Z", "--tcp", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["endpoint"].removeprefix("tcp://")
    process.terminate()
    process.communicate(timeout=20)


Drive = Callable[..., dict[str, Any]]


@pytest.fixture
def drive(address: str) -> Drive:
    """What the driver reads over a link from an association, secured as said."""

    def run(link: str, client: int, **security: Any) -> dict[str, Any]:
        arguments = [link, address, str(client), "16", SECRET, json.dumps(security)]
        result = subprocess.run(
            [sys.executable, str(HERE / "gurux_driver.py"), *arguments], capture_output=True, text=True, timeout=120
        )
        assert result.stdout, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    return run


def assert_whole(found: dict[str, Any]) -> None:
    """Every object was read, and the values are those of this meter."""
    assert found["failures"] == {}
    assert {(int(key.split("/")[0]), key.split("/")[1]) for key in found["values"]} == OBJECTS
    assert found["values"]["1/1.1.96.1.0.255/2"] == "12345678"
    assert found["values"]["8/0.1.1.0.0.255/2"].startswith("04/02/26 14:")
    assert int(found["values"]["3/1.1.1.8.0.255/2"]) > 1_000


def suite(number: int) -> dict[str, Any]:
    """Suite, keys and Security setup as the driver takes them."""
    keys = DOCUMENTED[number].to_json()
    return {
        "suite": number,
        "setup": number,
        "unicast": keys["unicast"],
        "authentication": keys["authentication"],
        "security": "AUTHENTICATION_ENCRYPTION",
    }


@pytest.mark.parametrize(
    ("client", "mechanism"), [(32, "HIGH"), (33, "HIGH_MD5"), (34, "HIGH_SHA1"), (35, "HIGH_GMAC"), (36, "HIGH_SHA256")]
)
def test_the_library_proves_itself_and_reads_plain(drive: Drive, client: int, mechanism: str) -> None:
    assert_whole(drive("wrapper", client, mechanism=mechanism, setup=0))


@pytest.mark.parametrize(
    ("client", "mechanism"),
    [
        (48, "NONE"), (49, "LOW"), (50, "HIGH"), (51, "HIGH_MD5"), (52, "HIGH_SHA1"), (53, "HIGH_GMAC"),
        (54, "HIGH_SHA256"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("link", ["wrapper", "hdlc"])
def test_the_library_proves_itself_and_reads_ciphered(drive: Drive, link: str, client: int, mechanism: str) -> None:
    assert_whole(drive(link, client, mechanism=mechanism, **suite(0)))


@pytest.mark.parametrize(("client", "number"), [(56, 1), (57, 2)])
def test_the_library_reads_ciphered_in_the_suites_with_elliptic_curves(drive: Drive, client: int, number: int) -> None:
    assert_whole(drive("wrapper", client, mechanism="HIGH_GMAC", **suite(number)))


@pytest.mark.parametrize(
    "more",
    [
        {"security": "AUTHENTICATION"},
        {"security": "ENCRYPTION"},
        {"service_specific": True},
        {"dedicated": "8899aabbccddeeff0011223344556677"},
        {"dedicated": "8899aabbccddeeff0011223344556677", "service_specific": True},
    ],
    ids=["authenticated", "encrypted", "service-specific", "dedicated key", "dedicated key, service-specific"],
)
def test_the_library_reads_with_every_protection_and_envelope(drive: Drive, more: dict[str, Any]) -> None:
    assert_whole(drive("wrapper", 53, **{"mechanism": "HIGH_GMAC", **suite(0), **more}))
