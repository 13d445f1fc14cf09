"""`meter382 read`: read a meter, ours or any other.

Exit codes: 0 everything was read, 1 something was not (what and why on standard error), 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from conformance.objects import Profile, Reading
    from conformance.reading import Result, Selection, Wanted

_PUBLIC = (16, 1)
_WITH_PASSWORD = (18, 16)
"""Client and server without and with a password (382M DLMS description 2.5)."""
_WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def read(
    endpoint: Annotated[
        str, typer.Argument(help="HOST:PORT, udp://HOST:PORT, hdlc://HOST:PORT or a serial device like /dev/ttyUSB0.")
    ],
    obis: Annotated[
        list[str] | None,
        typer.Argument(
            help="Codes like 1.1.1.8.0.255 or 1.8.0 (A and B are 1), with :N for attribute N. Default: everything."
        ),
    ] = None,
    client: Annotated[
        int | None, typer.Option(min=1, max=0xFFFF, help="Client address. Default: 16, with a password 18.")
    ] = None,
    server: Annotated[
        int | None, typer.Option(min=1, max=0xFFFF, help="Logical device. Default: 1, with a password 16.")
    ] = None,
    password: Annotated[str | None, typer.Option(help="Password of low level security.")] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    begin: Annotated[
        str | None, typer.Option("--from", help="First time of profile rows, ISO 8601; without zone the meter's own.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last time of profile rows.")] = None,
    last: Annotated[
        int | None,
        typer.Option(min=1, help="The N newest rows of a profile. Selects entries 0 to N-1: the 382 counts from 0, "
                                 "the newest. Rows are printed oldest first."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds to wait for an answer; a slow line gets what its frames take.")
    ] = 5.0,
    baud: Annotated[int, typer.Option(min=50, help="Speed of a serial device.")] = 9600,
    hdlc_address: Annotated[
        int | None, typer.Option(min=1, max=0x3FFD, help="Lower HDLC address. Default: none, one-octet addressing.")
    ] = None,
) -> None:  # fmt: skip
    """Read a meter: everything it shows, or the codes named; of a profile that is named, its rows."""
    from conformance.client import MeterClient
    from conformance.endpoint import Endpoint
    from conformance.errors import ClientError
    from conformance.links import LinkOptions
    from conformance.reading import Selection, Wanted, read_all, read_wanted

    try:
        place = Endpoint.parse(endpoint)
        wanted: list[Wanted] = [Wanted.parse(text) for text in obis or ()]
        selection = _selection(begin, end, last, bool(wanted))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    default_client, default_server = _PUBLIC if password is None else _WITH_PASSWORD
    options = LinkOptions(
        default_client if client is None else client,
        default_server if server is None else server,
        timeout,
        hdlc_address,
        baud,
    )
    results: list[Result] = []
    problem = ""
    try:
        try:
            meter = MeterClient.connect(place, options, None if password is None else password.encode())
        except ValueError as error:  # an address that does not fit the link
            raise typer.BadParameter(str(error)) from None
        with meter:
            # One by one: what was read before the meter fell silent is printed all the same.
            for result in read_wanted(meter, wanted, selection or Selection()) if wanted else read_all(meter):
                results.append(result)
    except ClientError as error:
        problem = str(error)
    _PRINTERS[output](results)
    for text in [result.error for result in results if result.error] + ([problem] if problem else []):
        typer.echo(f"meter382: {text}", err=True)
    if problem or any(result.error for result in results):
        raise typer.Exit(1)


def _selection(begin: str | None, end: str | None, last: int | None, named: bool) -> Selection | None:
    """The rows wanted of profiles; raises `ValueError` where that contradicts itself."""
    from conformance.reading import Selection

    if begin is None and end is None and last is None:
        return None
    if not named:
        raise ValueError("--from, --to and --last select rows of a profile: name it (1.1.99.1.0.255)")
    if last is not None and (begin or end):
        raise ValueError("--last and --from/--to exclude each other")
    first, final = _moment("--from", begin), _moment("--to", end)
    if first and final and (first.tzinfo is None) != (final.tzinfo is None):
        raise ValueError("--from and --to: both with a time zone or both without")
    if first and final and first > final:
        raise ValueError(f"--from {begin} is later than --to {end}")
    return Selection(first, final, last)


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option}: {text!r} is no ISO 8601 date and time (2026-03-29T00:00)") from None


# --- printing ---------------------------------------------------------------------------------------------


def _values(results: Iterable[Result]) -> Iterator[tuple[Result, Reading]]:
    return ((result, result.reading) for result in results if result.reading is not None)


def _profiles(results: Iterable[Result]) -> Iterator[tuple[Result, Profile]]:
    return ((result, result.profile) for result in results if result.profile is not None)


def _code(result: Result, reading: Reading) -> str:
    from conformance.objects import VALUE
    from conformance.reading import ROWS

    plain = result.attribute == VALUE or reading.unit == ROWS
    return str(result.logical_name) if plain else f"{result.logical_name}:{result.attribute}"


def _value_rows(results: Iterable[Result]) -> list[list[str]]:
    """OBIS, name, value, unit, time captured."""
    from conformance.text import text_of

    return [
        [_code(result, reading), result.name, text_of(reading.value), reading.unit, text_of(reading.capture_time)]
        for result, reading in _values(results)
    ]


def _headings(profile: Profile) -> list[str]:
    return [f"{column.heading} [{column.unit}]" if column.unit else column.heading for column in profile.columns]


def _print_table(results: list[Result]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from conformance.text import text_of

    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)

    def show(title: str | None, headings: list[str], right: set[int], rows: Iterable[list[str]]) -> None:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for number, heading in enumerate(headings):
            table.add_column(
                Text(heading), justify="right" if number in right else "left", overflow="fold", no_wrap=number == 0
            )
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)

    if rows := _value_rows(results):
        captured = any(row[4] for row in rows)
        width = 5 if captured else 4
        headings = ["OBIS", "Name", "Value", "Unit", "Captured"]
        show(None, headings[:width], {2}, (row[:width] for row in rows))
    for result, profile in _profiles(results):
        title = f"{result.logical_name} {result.name}: {len(profile.rows)} rows"
        right = set(range(1, len(profile.columns)))
        show(title, _headings(profile), right, ([text_of(value) for value in row] for row in profile.rows))


def _print_csv(results: list[Result]) -> None:
    import csv

    from conformance.text import text_of

    writer = csv.writer(sys.stdout, lineterminator="\n")
    parts: list[list[list[str]]] = []
    if rows := _value_rows(results):
        parts.append([["obis", "name", "value", "unit", "captured"], *rows])
    for _, profile in _profiles(results):
        parts.append([_headings(profile), *([text_of(value) for value in row] for row in profile.rows)])
    for number, part in enumerate(parts):
        if number:
            writer.writerow([])
        writer.writerows(part)


def _print_json(results: list[Result]) -> None:
    import json

    from conformance.text import json_of, text_of

    def identity(result: Result) -> dict[str, Any]:
        names = {"obis": str(result.logical_name), "name": result.name}
        return names | {"class": result.class_id, "attribute": result.attribute}

    values = []
    for result, reading in _values(results):
        values.append(identity(result) | {"value": json_of(reading.value), "unit": reading.unit})
        if reading.capture_time is not None:
            values[-1]["captured"] = text_of(reading.capture_time)
    profiles = []
    for result, profile in _profiles(results):
        columns = [
            {"obis": str(item.logical_name), "class": item.class_id, "attribute": item.attribute,
             "name": item.heading, "unit": item.unit}
            for item in profile.columns
        ]  # fmt: skip
        profiles.append(identity(result) | {"columns": columns, "rows": json_of(profile.rows)})
    errors = [identity(result) | {"error": result.error} for result in results if result.error]
    document = {"values": values, "profiles": profiles, "errors": errors}
    typer.echo(json.dumps(document, ensure_ascii=False))


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
