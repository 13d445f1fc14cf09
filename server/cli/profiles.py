"""`meter382 profiles`: the device profiles that ship."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def profiles(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the device profiles."""
    from ..profile import available, load_objects, load_profile

    for name in available():
        profile = load_profile(name)
        facts = {
            "name": name,
            "description": profile.description,
            "type_number": profile.identity.type_number,
            "energy_type": profile.metering.energy_type,
            "objects": len(load_objects(profile)),
            "clients": [item.client_sap for item in profile.associations],
        }
        if as_json:
            typer.echo(json.dumps(facts))
        else:
            typer.echo(f"{name:8} {profile.description}")
            typer.echo(
                f"{'':8} {facts['type_number']}, {facts['energy_type']}, {facts['objects']} objects, "
                f"clients {', '.join(map(str, (item.client_sap for item in profile.associations)))}"
            )
