"""`meter382 read` by what an optical head speaks: IEC 62056-21, KMP, the hexadecimal protocol of the 685."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import typer

from conformance.endpoint import Endpoint, LinkProtocol
from conformance.errors import ClientError, RequestRefused
from conformance.iec_client import IecClient, IecOptions
from conformance.iec_data import LoggerRows, name_of
from conformance.iec_loggers import check_selection, read_logger
from conformance.kmp_client import KmpClient, KmpOptions
from conformance.kmp_hex_client import HexOptions, KmpHexClient
from conformance.kmp_names import register_names, register_number
from conformance.kmp_records import Stamp
from conformance.reading import Selection
from conformance.text import json_of, text_of
from cosem.errors import DecodeError
from obis import Obis

from .tables import print_csv, print_table

_LOGGERS = (98, 99)
"""Value group C of lists and of profiles (IEC 62056-6-1)."""


class LocalOptions(NamedTuple):
    """What the command line says; `None` is what fits the protocol."""

    codes: Sequence[str] = ()
    timeout_s: float = 5.0
    baud: int | None = None
    password: str | None = None
    address: str = ""
    even_parity: bool | None = None
    selection: Selection | None = None
    """Which rows of loggers; all where nothing is said."""


class Item(NamedTuple):
    """One value, or why there is none."""

    code: str
    name: str = ""
    value: Any = None
    unit: str = ""
    error: str = ""


class Logger(NamedTuple):
    """The rows of a logger, as they came."""

    code: str
    read: LoggerRows

    @property
    def headings(self) -> list[str]:
        """Code and unit of each column: there may be dozens of them, too many for names."""
        return [f"{code} [{unit}]" if unit else code for code, unit in self.read.columns]


def read_local(place: Endpoint, options: LocalOptions, output: str) -> bool:
    """Read, print, and say on standard error what was not read; whether that was nothing. Raises `ValueError`."""
    read = {LinkProtocol.IEC: _iec, LinkProtocol.KMP: _kmp, LinkProtocol.KMP_HEX: _kmp_hex}[place.protocol]
    found: list[Item | Logger] = []
    problem = ""
    try:
        found.extend(read(place, options))
    except ClientError as error:
        problem = str(error)
    items = [item for item in found if isinstance(item, Item)]
    loggers = [item for item in found if isinstance(item, Logger)]
    _PRINTERS[output]([item for item in items if not item.error], loggers)
    for text in [item.error for item in items if item.error] + ([problem] if problem else []):
        typer.echo(f"meter382: {text}", err=True)
    return not problem and not any(item.error for item in items)


# --- the three protocols --------------------------------------------------------------------------------------


def _iec(place: Endpoint, options: LocalOptions) -> Iterator[Item | Logger]:
    """The readout, or what of it is named; with a password what is named is read in programming mode."""
    selection = options.selection or Selection()
    check_selection(selection)
    line = IecOptions(options.address, options.timeout_s, options.baud, even_parity=options.even_parity)
    with IecClient.connect(place, line) as client:
        if options.password is not None and options.codes:
            client.program(options.password)
            for code in options.codes:
                address = _logger_address(code)
                yield from _register(client, code) if address is None else _logger(client, address, selection)
            return
        identification, found = client.readout()
        text = f"{identification.manufacturer}{identification.baud}{identification.text}"
        if not options.codes:
            yield Item("/", "Identification", text.strip())
        for code in options.codes or [data_set.address for data_set in found]:
            values = next((item.values for item in found if item.address == code), None)
            if values is None and _logger_address(code) is not None:
                yield Item(code, error=f"{code}: a logger is read with a password")
            elif values is None:
                yield Item(code, error=f"{code}: not in the readout of this meter")
            else:
                yield from (Item(code, name_of(code), value.text, value.unit) for value in values)


def _register(client: IecClient, code: str) -> Iterator[Item]:
    try:
        for data_set in client.read_sets("R5", code):
            name = name_of(data_set.address)
            yield from (Item(data_set.address, name, value.text, value.unit) for value in data_set.values)
    except RequestRefused as refused:
        yield Item(code, error=str(refused))


def _logger_address(code: str) -> str | None:
    """C.D.E of a code of lists and profiles, which are loggers; `None` of any other."""
    try:
        named = Obis.parse(code)
    except ValueError:
        return None
    return named.short if named.c in _LOGGERS else None


def _logger(client: IecClient, address: str, selection: Selection) -> Iterator[Item | Logger]:
    try:
        yield Logger(address, read_logger(client, address, selection))
    except RequestRefused as refused:
        yield Item(address, error=str(refused))


def _kmp(place: Endpoint, options: LocalOptions) -> Iterator[Item]:
    """The registers named, else all with a name that the meter has."""
    _no_rows(options)
    wanted = [register_number(code) for code in options.codes]
    names = register_names()
    with KmpClient.connect(place, KmpOptions(timeout_s=options.timeout_s, baud=options.baud or 9600)) as client:
        if not wanted:
            yield Item("type", "Meter type and revision", str(client.get_type()))
        found = set()
        for record in client.get_registers(wanted or names):
            found.add(record.register)
            code = f"{record.register:04X}"
            name = names.get(record.register, "")
            try:
                value = record.value
            except DecodeError as error:
                yield Item(code, error=f"{code}: {error}")
            else:
                yield Item(code, name, str(value) if isinstance(value, Stamp) else value, record.symbol)
        for register in wanted:
            if register not in found:
                yield Item(f"{register:04X}", error=f"{register:04X}: not in this meter")


def _kmp_hex(place: Endpoint, options: LocalOptions) -> Iterator[Item]:
    """What is known of a 685; its registers have no numbers."""
    _no_rows(options)
    if options.codes:
        raise ValueError("the hexadecimal protocol gives what it gives: no registers can be named")
    with KmpHexClient.connect(place, HexOptions(options.timeout_s, options.baud or 1200)) as client:
        registers, totals = client.registers(), client.totals()
    yield Item("90", "Active energy", registers.energy_kwh, "kWh")
    yield Item("90", "Load", registers.load_w, "W")
    yield Item("90", "Hour counter", registers.hours, "h")
    yield Item("90", "Peak", registers.peak_w, "W")
    yield Item("90", "Customer number", registers.customer_number)
    yield Item("95", "Active energy tariff 1", totals.tariff_1, "kWh")
    yield Item("95", "Active energy tariff 2", totals.tariff_2, "kWh")


def _no_rows(options: LocalOptions) -> None:
    if options.selection is not None:
        raise ValueError("--from, --to and --last select rows of loggers, which are read by DLMS or IEC 62056-21")


# --- printing -------------------------------------------------------------------------------------------------


def _print_table(items: list[Item], loggers: list[Logger]) -> None:
    if items:
        rows = [[item.code, item.name, text_of(item.value), item.unit] for item in items]
        print_table(["Code", "Name", "Value", "Unit"], rows, right={2})
    for logger in loggers:
        title = f"{logger.code} {name_of(logger.code)}: {len(logger.read.rows)} rows"
        print_table(logger.headings, logger.read.rows, right=set(range(1, len(logger.headings))), title=title)


def _print_csv(items: list[Item], loggers: list[Logger]) -> None:
    parts: list[list[Sequence[str]]] = []
    if items:
        values = [[item.code, item.name, text_of(item.value), item.unit] for item in items]
        parts.append([["code", "name", "value", "unit"], *values])
    parts += [[logger.headings, *logger.read.rows] for logger in loggers]
    print_csv(parts)


def _print_json(items: list[Item], loggers: list[Logger]) -> None:
    values = [{"code": item.code, "name": item.name, "value": json_of(item.value), "unit": item.unit} for item in items]
    profiles = [
        {
            "code": logger.code,
            "name": name_of(logger.code),
            "columns": [
                {"code": column.text, "name": name_of(column.text), "unit": column.unit}
                for column in logger.read.columns
            ],
            "rows": logger.read.rows,
        }
        for logger in loggers
    ]
    typer.echo(json.dumps({"values": values, "profiles": profiles}, ensure_ascii=False))


_PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}
