"""`meter382 profiles`: what ships, for people and for machines."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from server.cli import app
from server.device_profile import available, load_objects, load_profile


def test_each_profile_is_named_with_its_facts() -> None:
    result = CliRunner().invoke(app, ["profiles"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[::2]] == available()
    for name, first, second in zip(available(), lines[::2], lines[1::2], strict=True):
        profile = load_profile(name)
        assert profile.description in first
        assert second.strip().startswith(f"{profile.identity.type}, {profile.metering.energy_type}, ")
        dlms = f"{len(load_objects(profile))} objects, clients 16, 18" if profile.associations else "no DLMS"
        assert dlms in second


def test_for_machines_each_is_a_json_object() -> None:
    result = CliRunner().invoke(app, ["profiles", "--json"])
    assert result.exit_code == 0
    found = {item["name"]: item for item in map(json.loads, result.stdout.splitlines())}
    assert sorted(found) == available()
    assert found["382L"]["energy_type"] == "A+"
    assert found["382M"]["type_number"] == load_profile("382M").identity.type_number
    assert found["382M"]["clients"] == [16, 18, 19, 20, 22]
    assert found["382M"]["objects"] == 180
