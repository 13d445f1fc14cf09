"""`meter382 type`: what a type number orders, field by field, with configuration numbers and nameplate.

Exit codes: 0 the number is valid, 1 it is not (field, position and allowed codes on standard error).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..device_profile import DeviceProfile
    from ..ordering import Decoded


def explain_type(
    number: Annotated[str, typer.Argument(help="684-38BC450000, 685-382-OK-10, or as a register holds it.")],
    configuration_numbers: Annotated[
        str | None,
        typer.Option(help="Configuration numbers 1 to 5, with commas: 21000002,22201011,1000,100,0."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Explain a type number: its fields, the device profile that stands for it, and the nameplate."""
    from ..device_profile import load_profile, profile_for
    from ..ordering import ConfigurationNumbers, TypeNumber

    try:
        type_number = TypeNumber.parse(number)
        name = profile_for(type_number)
        numbers = None if configuration_numbers is None else tuple(configuration_numbers.split(","))
        profile = None if name is None else load_profile(name, number, numbers)
        configuration = None if numbers is None else ConfigurationNumbers.parse(numbers, type_number)
    except ValueError as error:
        typer.echo(f"meter382: {error}", err=True)
        raise typer.Exit(1) from None
    sections: dict[str, list[Decoded]] = {f"type number {type_number}": list(type_number.fields)}
    for index, decoded in enumerate(configuration.fields if configuration is not None else (), start=1):
        printed = "-".join(item.code for item in decoded)
        sections[f"configuration number {index}: {printed}"] = list(decoded)
    if as_json:
        typer.echo(json.dumps(_document(type_number.complete, sections, profile)))
        return
    for title, fields in sections.items():
        _print(title, [(item.code, f"{item.name}: {item.text}") for item in fields])
    if profile is None:
        typer.echo(f"no device profile stands for generation {type_number.facts.generation}")
        return
    _print(f"nameplate, device profile {profile.name}", profile.label.rows())


def _print(title: str, rows: list[tuple[str, str]]) -> None:
    typer.echo(title)
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        typer.echo(f"  {name:{width}}  {text}")
    typer.echo("")


def _document(complete: str, sections: dict[str, list[Decoded]], profile: DeviceProfile | None) -> dict[str, Any]:
    type_fields, *numbers = ([item._asdict() for item in fields] for fields in sections.values())
    return {
        "type_number": complete,
        "fields": type_fields,
        "configuration_numbers": numbers,
        "profile": None if profile is None else profile.name,
        "metering": None if profile is None else profile.metering.model_dump(),
        "nameplate": {} if profile is None else dict(profile.label.rows()),
    }
