"""The client by short names, against a meter that runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conformance.client import MeterClient
from conformance.endpoint import Endpoint
from conformance.errors import AssociationRejected
from conformance.links import LinkOptions
from obis import Obis

from .running import ROOT, SERIAL_NUMBER, RunningMeter, running_meter

SECRET = "MeterSecret-382M"
LOW = 71
LOAD_PROFILE = Obis.parse("1.1.99.1.0.255")


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    with running_meter(tmp_path_factory.mktemp("meter"), "382M-secure") as running:
        yield running


def connect(endpoint: str, client: int = LOW, *, short_names: bool = True) -> MeterClient:
    place = Endpoint.parse(endpoint)
    return MeterClient.connect(place, LinkOptions(client, 16, 5.0), SECRET.encode(), short_names=short_names)


@pytest.mark.parametrize("way", ["tcp", "hdlc", "udp"])
def test_objects_values_and_rows_are_read(meter: RunningMeter, way: str) -> None:
    with connect(meter.endpoints[way]) as client:
        row = client.find(Obis.parse("1.1.96.1.0.255"))
        assert row is not None
        assert client.read_scaled(row).value == SERIAL_NUMBER
        assert len(client.object_list()) > 180
        profile = client.read_profile(LOAD_PROFILE, last=4)
        assert [str(one[0])[11:16] for one in profile.rows] == ["11:15", "11:30", "11:45", "12:00"]


def test_an_association_with_short_names_is_none_with_long_ones(meter: RunningMeter) -> None:
    with pytest.raises(AssociationRejected, match="application-context-name-not-supported"):
        connect(meter.address, short_names=False)


def test_the_command_line_reads_by_short_names(meter: RunningMeter) -> None:
    arguments = [meter.address, "96.1.0", "--short-names", "--client", str(LOW), "--server", "16", "--password", SECRET]
    printed = subprocess.run(
        [sys.executable, "-m", "server.cli", "read", *arguments, "--format", "json"],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["values"][0]["value"] == SERIAL_NUMBER
