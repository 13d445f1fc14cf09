"""A head-end on the gurux-dlms library proves itself, ciphers, and reads every object of a 382M-secure.

Every authentication mechanism and suite that the library has, long and short names, wrapper and HDLC, each protection.
It looks up the invocation counter through the public client first, as companion specifications expect. With short names
the library neither ciphers nor takes a buffer in blocks, and it signs on P-256 only: 1.0.203 fails in its own code
there.
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

from cosem.security.elliptic import PrivateKey
from cosem.security.suites import SUITE_1
from server.security.secrets_at_rest import DOCUMENTED
from tests.server.security.certificates import authority, certificate
from tests.server.security.head_end import TITLE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROFILES = ROOT / "server" / "profiles"
OBJECTS = {
    (int(row["class_id"]), row["logical_name"])
    for name in ("382M.csv", "382M-secure.csv")
    for row in csv.DictReader((PROFILES / name).read_text().splitlines())
    if row["class_id"] != "30"  # Data protection, which the library does not know
}
SECRET = "MeterSecret-382M"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("gurux_dlms") is None, reason="extra `interop` is not installed"),
]


OURS, OF_METER = (PrivateKey.from_octets(SUITE_1, bytes([octet]) * 32) for octet in (1, 2))
"""Private keys for signatures in suite 1: of the library, of the meter."""


def _with_signatures() -> dict[str, Any]:
    """Keys of suite 1 for the key file: the documented ones, and what signatures need."""
    key, root = authority(SUITE_1)
    return DOCUMENTED[1].to_json() | {
        "signing": OF_METER.to_octets().hex(),
        "certificates": [root.hex(), certificate(key, root, OURS, TITLE).hex()],
    }


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A 382M-secure with a short history in a process of its own."""
    folder = tmp_path_factory.mktemp("gurux")
    config, keys = folder / "meter.toml", folder / "meter.sqlite.keys"
    config.write_text(
        'state = "meter.sqlite"\n[[meters]]\nprofile = "382M-secure"\ncommissioned = 2026-03-30T00:00:00Z\n'
        'installation = "household-pv"\n'
    )
    delivered = {"0": DOCUMENTED[0].to_json(), "1": _with_signatures(), "2": DOCUMENTED[2].to_json()}
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"format": 1, "delivered": delivered, "meters": {}}))
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "run", "--config", str(config), "--json",
         "--start", "2026-04-02T12:00:00Z", "--tcp", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["endpoint"].removeprefix("tcp://")
    process.terminate()
    process.communicate(timeout=20)


Drive = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def readable(drive: Drive) -> dict[str, Any]:
    """What there is to be read, by long names."""
    return drive("wrapper", 33, mechanism="HIGH_MD5")


def assert_whole(found: dict[str, Any]) -> None:
    """Every object was read, and the values are those of this meter."""
    assert found["failures"] == {}
    assert {(int(key.split("/")[0]), key.split("/")[1]) for key in found["values"]} == OBJECTS
    assert found["values"]["1/1.1.96.1.0.255/2"] == "12345678"
    assert found["values"]["8/0.1.1.0.0.255/2"].startswith("04/02/26 14:")
    assert int(found["values"]["3/1.1.1.8.0.255/2"]) > 1_000


def assert_whole_with_short_names(found: dict[str, Any], readable: dict[str, Any]) -> None:
    """What can be read with long names was read; the library does not look at rights, so it asks for the rest too."""
    assert set(found["failures"].values()) == {"ValueError('error 3')"}
    association = ("12/0.0.40.0.0.255", "15/0.0.40.0.0.255")
    expected = {key for key in readable["values"] if not key.startswith(association)}
    assert {key for key in found["values"] if not key.startswith(association)} == expected
    assert not expected & found["failures"].keys()
    assert found["values"]["1/1.1.96.1.0.255/2"] == "12345678"
    assert found["values"]["7/1.1.99.1.0.255/2"] == readable["values"]["7/1.1.99.1.0.255/2"]


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


def test_the_library_signs_and_reads_ciphered(drive: Drive) -> None:
    keys = {"signing": OURS.to_octets().hex(), "peer_signing": "04" + OF_METER.public.to_octets().hex()}
    assert_whole(drive("wrapper", 55, mechanism="HIGH_ECDSA", title=TITLE.hex(), **keys, **suite(1)))


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


@pytest.mark.parametrize(
    ("client", "more"),
    [
        (70, {}),
        (71, {"mechanism": "LOW"}),
        (64, {"mechanism": "HIGH"}),
        (65, {"mechanism": "HIGH_MD5"}),
        (66, {"mechanism": "HIGH_SHA1"}),
        (67, {"mechanism": "HIGH_GMAC", "setup": 0}),
        (68, {"mechanism": "HIGH_SHA256"}),
    ],
)
@pytest.mark.parametrize("link", ["wrapper", "hdlc"])
def test_the_library_reads_with_short_names(
    drive: Drive, readable: dict[str, Any], link: str, client: int, more: dict[str, Any]
) -> None:
    assert_whole_with_short_names(drive(link, client, **{"mechanism": "NONE", "short_names": True, **more}), readable)
