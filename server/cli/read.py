"""`meter382 read`: read a meter, ours or any other.

Exit codes: 0 everything was read, 1 something was not (what and why on standard error), 2 wrong usage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .tables import print_csv, print_table

if TYPE_CHECKING:
    from conformance.objects import Profile, Reading
    from conformance.reading import Result, Selection, Wanted

_PUBLIC = (16, 1)
_WITH_PASSWORD = (18, 16)
"""Client and server without and with a password (382M DLMS description 2.5)."""


class Spoken(StrEnum):
    """What is spoken on a serial device."""

    HDLC = "hdlc"
    IEC = "iec"
    KMP = "kmp"
    KMP_HEX = "kmphex"


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def read(
    endpoint: Annotated[
        str,
        typer.Argument(help="HOST:PORT, udp://, hdlc://, iec://, kmp:// or kmphex://HOST:PORT, or a serial device."),
    ],
    obis: Annotated[
        list[str] | None,
        typer.Argument(
            help="Codes like 1.1.1.8.0.255 or 1.8.0 (A and B are 1), with :N for attribute N; in IEC 62056-21 as the "
            "readout has them, with a password any register and logger (99.1.0); in KMP registers like 0x0001 or "
            "'Voltage L1'. Default: everything; in KMP all registers with a name."
        ),
    ] = None,
    client: Annotated[
        int | None, typer.Option(min=1, max=0xFFFF, help="Client address. Default: 16, with a password 18.")
    ] = None,
    server: Annotated[
        int | None, typer.Option(min=1, max=0xFFFF, help="Logical device. Default: 1, with a password 16.")
    ] = None,
    password: Annotated[str | None, typer.Option(help="Password of low level security, or of programming.")] = None,
    short_names: Annotated[bool, typer.Option("--short-names", help="Speak DLMS with short names.")] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="First time of rows of profiles or loggers, ISO 8601; without zone the meter's own, as IEC 62056-21 "
            "always has it. Not in KMP.",
        ),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last time of such rows.")] = None,
    last: Annotated[
        int | None,
        typer.Option(min=1, help="The N newest rows of a profile or logger, printed oldest first. DLMS selects entries "
                                 "0 to N-1: the 382 counts from 0, the newest. IEC 62056-21 goes by their stamps."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds to wait for an answer; a slow line gets what its frames take.")
    ] = 5.0,
    baud: Annotated[
        int | None,
        typer.Option(min=50, help="Speed of a serial device. Default: 9600, for iec 300 at first, for kmphex 1200."),
    ] = None,
    hdlc_address: Annotated[
        int | None, typer.Option(min=1, max=0x3FFD, help="Lower HDLC address. Default: none, one-octet addressing.")
    ] = None,
    protocol: Annotated[
        Spoken | None, typer.Option(help="What to speak on a serial device. Default: hdlc.")
    ] = None,
    address: Annotated[
        str, typer.Option(help="IEC 62056-21: the serial number of the meter that is meant. Default: whoever is there.")
    ] = "",
    even_parity: Annotated[
        bool | None,
        typer.Option(
            "--even-parity/--clean", help="Characters of IEC 62056-21. Default: even parity on a serial device only."
        ),
    ] = None,
) -> None:  # fmt: skip
    """Read a meter: everything it shows, or the codes named; of a profile that is named, its rows."""
    from conformance.client import MeterClient
    from conformance.endpoint import Endpoint, LinkProtocol
    from conformance.errors import ClientError
    from conformance.links import LinkOptions
    from conformance.reading import Selection, Wanted, read_all, read_wanted

    try:
        place = Endpoint.parse(endpoint)
        if protocol is not None:
            place = place.speaking(LinkProtocol(protocol.value))
        selection = _selection(begin, end, last, bool(obis))
        if place.protocol not in (LinkProtocol.WRAPPER, LinkProtocol.HDLC):
            from .read_local import LocalOptions, read_local

            local = LocalOptions(obis or (), timeout, baud, password, address, even_parity, selection)
            if not read_local(place, local, output.value):
                raise typer.Exit(1)
            return
        wanted: list[Wanted] = [Wanted.parse(text) for text in obis or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    default_client, default_server = _PUBLIC if password is None else _WITH_PASSWORD
    options = LinkOptions(
        default_client if client is None else client,
        default_server if server is None else server,
        timeout,
        hdlc_address,
        baud or 9600,
    )
    results: list[Result] = []
    problem = ""
    try:
        try:
            secret = None if password is None else password.encode()
            meter = MeterClient.connect(place, options, secret, short_names=short_names)
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
    from conformance.text import text_of

    if rows := _value_rows(results):
        captured = any(row[4] for row in rows)
        width = 5 if captured else 4
        headings = ["OBIS", "Name", "Value", "Unit", "Captured"]
        print_table(headings[:width], (row[:width] for row in rows), right={2})
    for result, profile in _profiles(results):
        title = f"{result.logical_name} {result.name}: {len(profile.rows)} rows"
        right = set(range(1, len(profile.columns)))
        rows = [[text_of(value) for value in row] for row in profile.rows]
        print_table(_headings(profile), rows, right=right, title=title)


def _print_csv(results: list[Result]) -> None:
    from conformance.text import text_of

    parts: list[list[list[str]]] = []
    if rows := _value_rows(results):
        parts.append([["obis", "name", "value", "unit", "captured"], *rows])
    for _, profile in _profiles(results):
        parts.append([_headings(profile), *([text_of(value) for value in row] for row in profile.rows)])
    print_csv(parts)


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
