"""`meter382 profiles`: the device profiles that ship."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def profiles(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the device profiles."""
    from ..device_profile import available, load_objects, load_profile

    names = available()
    width = max(map(len, names))
    for name in names:
        profile = load_profile(name)
        facts = {
            "name": name,
            "description": profile.description,
            "generations": profile.generations,
            "type_number": profile.identity.type_number,
            "energy_type": profile.metering.energy_type,
            "objects": len(load_objects(profile)),
            "clients": [item.client_sap for item in profile.associations],
            "readout": f"IEC 62056-21 mode {' and '.join(profile.iec62056_21.modes)}",
        }
        if as_json:
            typer.echo(json.dumps(facts))
            continue
        typer.echo(f"{name:{width}} {profile.description}")
        dlms = f"{facts['objects']} objects, clients {', '.join(str(item.client_sap) for item in profile.associations)}"
        typer.echo(
            f"{'':{width}} {profile.identity.type}, {profile.metering.energy_type}, "
            f"{dlms if profile.associations else 'no DLMS'}, {facts['readout']}"
        )
