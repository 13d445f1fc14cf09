"""`meter382 inject`: let something happen to a running meter, over its control API.

Exit codes: 0 it happened, 1 it did not (why, on standard error), 2 wrong usage.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ..control.client import Kind


def inject(
    endpoint: Annotated[str, typer.Argument(help="HOST:PORT of the control API (`meter382 run --control HOST:PORT`).")],
    kind: Annotated[
        str, typer.Argument(help="What happens: set-load, stop-billing, ...; `list` shows the kinds and their fields.")
    ],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="Its fields, such as active_w=1000,0,0.")
    ] = None,
    meter: Annotated[int | None, typer.Option(help="Serial number; needed where several meters run.")] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="METER382_CONTROL_TOKEN", show_envvar=True, help="The token of the control API."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer as it is.")] = False,
) -> None:
    """Let something happen to a running meter: a load, a button, a power cut, a step of time."""
    from ..control.client import ADVANCE, ControlClient, ControlError

    try:
        client = ControlClient(endpoint, token)
        given = _given(values or [])
    except ValueError as error:
        _fail(str(error), 2)
    try:
        kinds = client.kinds()
        if kind == "list":
            _list(kinds, as_json)
            return
        if kind not in kinds:
            _fail(f"there is no input {kind} (there are: {', '.join(kinds)})", 2)
        try:
            body = kinds[kind].body(given)
        except ValueError as error:
            _fail(str(error), 2)
        serial = None if kind == ADVANCE else _one_meter(client.meters(), meter)
        answer = client.post(kinds[kind], serial, body)
    except ControlError as error:
        _fail(str(error), 1)
    if as_json:
        typer.echo(json.dumps(answer))
    elif kind == ADVANCE:
        typer.echo(f"it is {answer['time']}")
    else:
        kept = f"journal entry {answer['sequence']}" if answer["journaled"] else "kept in memory only"
        typer.echo(f"{answer['meter']}: {answer['kind']} at {answer['at']}, {kept}")


def _given(values: list[str]) -> dict[str, str]:
    """Texts by field; raises `ValueError`."""
    given: dict[str, str] = {}
    for item in values:
        name, equals, text = item.partition("=")
        if not name or not equals:
            raise ValueError(f"{item!r} is no FIELD=VALUE")
        if name in given:
            raise ValueError(f"{name} is given twice")
        given[name] = text
    return given


def _one_meter(serials: list[int], wanted: int | None) -> int:
    if wanted is not None:
        return wanted
    if len(serials) != 1:
        _fail(f"which meter? --meter {' or '.join(map(str, serials))}", 2)
    return serials[0]


def _list(kinds: dict[str, Kind], as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {
                    name: {"summary": kind.summary, "fields": {item: field.type for item, field in kind.fields.items()}}
                    for name, kind in kinds.items()
                }
            )
        )
        return
    for name, kind in kinds.items():
        typer.echo(name)
        typer.echo(f"    {kind.summary}")
        for item, field in kind.fields.items():
            default = field.schema.get("default")
            more = "" if field.required or default is None else f"; {json.dumps(default)} if not given"
            said = f"  ({field.schema['description']})" if field.schema.get("description") else ""
            typer.echo(f"    {item}={field.type}{said}{more}")


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"meter382: {message}", err=True)
    raise typer.Exit(code)
