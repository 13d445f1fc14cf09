"""`meter382 tool`: look at the settings of a meter and change them, as METERTOOL does, by KMP, DLMS or IEC 62056-21.

Exit codes: 0 done, 1 the meter refused or cannot be reached (why on standard error), 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from .tables import print_table
from .ways import Way

if TYPE_CHECKING:
    from .doors import Door
    from .setting_values import Entry


class Action(StrEnum):
    """What is to be done."""

    SHOW = "show"
    SET = "set"
    SAVE = "save"
    LOGIN = "login"
    LOG = "log"


def tool(
    endpoint: Annotated[
        str,
        typer.Argument(help="HOST:PORT, kmp://, hdlc://, iec:// or udp://HOST:PORT, or a serial device."),
    ],
    action: Annotated[
        Action,
        typer.Argument(help="show [NAME]...; set NAME=VALUE... or set --file FILE; save FILE; login; log."),
    ],
    items: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME | NAME=VALUE | FILE]...", help="What the action takes.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Settings to set, TOML as `save` writes it.")] = None,
    password: Annotated[str | None, typer.Option(help="Password of the meter.")] = None,
    protocol: Annotated[
        Way | None, typer.Option(help="What to speak. Default: the endpoint's scheme, else what it answers to.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.01, help="Seconds to wait for an answer.")] = 5.0,
    baud: Annotated[
        int | None, typer.Option(min=50, help="Speed of a serial device. Default: 9600, IEC 62056-21 begins at 300.")
    ] = None,
    hdlc_address: Annotated[
        int | None, typer.Option(min=1, max=0x3FFD, help="Lower HDLC address. Default: none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show and change the settings of a meter: display lists, meter numbers, periods, target day, tariffs …"""
    from conformance.errors import ClientError

    from ..toml_file import FileError
    from .door_search import is_search, open_door
    from .doors import DoorOptions, Refused
    from .setting_values import assignments, file_values

    items = items or []
    try:
        _check_usage(action, items, file)
        values: dict[str, Any] = {}
        if action is Action.SET:
            values = assignments(items) if file is None else file_values(file)
        options = DoorOptions(password, timeout, baud, hdlc_address)
        door = open_door(endpoint, protocol, options, needs_login=action in (Action.SET, Action.LOGIN))
    except (FileError, ValueError) as error:
        _fail(str(error), 2)
    except ClientError as error:
        _fail(str(error), 1)
    try:
        with contextlib.closing(door):
            if is_search(endpoint, protocol) and not as_json:
                typer.echo(f"speaking {door.name}", err=True)
            _ACTIONS[action](_Job(door, as_json), items, values, file)
    except (ClientError, Refused) as error:
        _fail(str(error), 1)


def _check_usage(action: Action, items: Sequence[str], file: Path | None) -> None:
    """Raises `ValueError` where the arguments do not go together."""
    if file is not None and action is not Action.SET:
        raise ValueError("--file goes with set")
    if action is Action.SET and bool(items) == (file is not None):
        raise ValueError("set NAME=VALUE..., or set --file FILE")
    if action is Action.SAVE and len(items) != 1:
        raise ValueError("save FILE (- is standard output)")
    if action in (Action.LOGIN, Action.LOG) and items:
        raise ValueError(f"{action.value} takes nothing behind it")


class _Job:
    """A door, and what the actions ask through it."""

    def __init__(self, door: Door, as_json: bool) -> None:
        self.door = door
        self.as_json = as_json

    def index(self) -> dict[str, Entry]:
        """The settings there are."""
        from conformance.errors import ProtocolFault

        from .doors import INDEX
        from .setting_values import read_index

        try:
            return read_index(self.door.read(INDEX))
        except ValueError as error:
            raise ProtocolFault(str(error)) from error

    def value(self, entry: Entry) -> Any:
        """The present value of a setting."""
        from conformance.errors import ProtocolFault

        octets = self.door.read(entry.number)
        try:
            return json.loads(octets)
        except ValueError as error:
            raise ProtocolFault(f"{entry.name}: {error}") from error

    def print_json(self, **document: Any) -> None:
        """One JSON object."""
        typer.echo(json.dumps({"protocol": self.door.name, **document}, ensure_ascii=False))


def _show(job: _Job, names: list[str], values: dict[str, Any], file: Path | None) -> None:
    from .setting_values import unknown_names

    index = job.index()
    if faults := unknown_names(dict.fromkeys(names), index, None):
        _fail("\n".join(faults), 2)
    shown = [(index[name], job.value(index[name])) for name in names or index]
    if job.as_json:
        job.print_json(settings=[{**entry._asdict(), "value": value} for entry, value in shown])
        return
    print_table(
        ["Name", "Value", "Allowed", "What it is"],
        [
            [entry.name, _plain(value), entry.allowed, entry.description + (" (legal data)" if entry.legal else "")]
            for entry, value in shown
        ],
    )


def _set(job: _Job, items: list[str], values: dict[str, Any], file: Path | None) -> None:
    """One setting after the other, in the order of the index; the first that fails ends it."""
    from conformance.errors import ClientError

    from .doors import Refused
    from .setting_values import unknown_names

    index = job.index()
    if faults := unknown_names(values, index, file):
        _fail("\n".join(faults), 2)
    outcomes: list[dict[str, str]] = []
    values = {name: values[name] for name in index if name in values}
    for name, value in values.items():
        try:
            job.door.write(index[name].number, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        except Refused as refused:
            outcomes.append({"name": name, "outcome": "refused", "reason": str(refused)})
        except ClientError as error:
            outcomes.append({"name": name, "outcome": "failed", "reason": str(error)})
        else:
            outcomes.append({"name": name, "outcome": "done"})
        if not job.as_json and outcomes[-1]["outcome"] == "done":
            typer.echo(f"{name} = {_plain(value)}")
        if outcomes[-1]["outcome"] != "done":
            break
    untried = list(values)[len(outcomes) :]
    failed = [item for item in outcomes if item["outcome"] != "done"]
    if job.as_json:
        job.print_json(outcomes=outcomes + [{"name": name, "outcome": "not tried"} for name in untried])
    for item in failed:
        said = f"{item['name']}: {item['reason']}"
        _fail(said + (f"\nnot tried: {', '.join(untried)}" if untried else ""), 1)


def _save(job: _Job, items: list[str], values: dict[str, Any], file: Path | None) -> None:
    from ..settings.toml_form import save

    index = job.index()
    saved = {entry.name: job.value(entry) for entry in index.values() if not entry.legal}
    text = save(saved, [entry._asdict() for entry in index.values()])
    if items[0] == "-":
        typer.echo(text, nl=False)
        return
    try:
        Path(items[0]).write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"{items[0]}: {error.strerror}", 1)
    if job.as_json:
        job.print_json(file=items[0], saved=list(saved))
    else:
        typer.echo(f"{items[0]}: {len(saved)} settings")


def _login(job: _Job, items: list[str], values: dict[str, Any], file: Path | None) -> None:
    if job.as_json:
        job.print_json(login=True)
    else:
        typer.echo("the password is right")


def _log(job: _Job, items: list[str], values: dict[str, Any], file: Path | None) -> None:
    names = {entry.number: entry.name for entry in job.index().values()}
    changes = [(change, names.get(change.number, f"number {change.number}")) for change in job.door.changes()]
    if job.as_json:
        job.print_json(changes=[{**change._asdict(), "name": name} for change, name in changes])
    elif changes:
        rows = [[change.moment, name, str(change.changes)] for change, name in changes]
        print_table(["Time", "What was changed", "Changes"], rows, right={2})


_ACTIONS: Final = {
    Action.SHOW: _show,
    Action.SET: _set,
    Action.SAVE: _save,
    Action.LOGIN: _login,
    Action.LOG: _log,
}
"""The function of each action."""


def _plain(value: Any) -> str:
    """A value as `set` takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fail(message: str, code: int) -> NoReturn:
    for line in message.splitlines():
        typer.echo(f"meter382: {line}", err=True)
    raise typer.Exit(code)
