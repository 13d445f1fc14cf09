"""R6: every logger, its columns and records as DLMS has them, in blocks with the header repeated."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.data_types import ANY
from metering.inputs import (
    OperateBreaker,
    SetAnalysisLogger,
    SetClock,
    SetCover,
    SetLoad,
    SetSupply,
    StopBilling,
)
from server.device_profile import available
from server.iec62056_21.errors import Fault
from server.iec62056_21.loggers import Request
from tests.server.conftest import Lab

from .desk import Desk

LabBuilder = Callable[..., Lab]
HEADER = re.compile(r"(\d+(?:\.\d+){2})\((\d+)\)((?:\([0-9.*]+\)\([A-Za-z]*\))+)\r\n")
M_LOGGERS = (
    "98.1.0", "98.2.0", "99.1.0", "99.1.1", "99.98.2", "99.98.3", "99.98.4", "99.98.5", "99.98.10", "99.98.12",
    "99.98.13", "99.98.14", "99.98.15",
)  # fmt: skip
"""IEC 1107 description, figure 12, and the configuration logger."""


def taken_apart(block: str, code: str) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Columns and records of a block."""
    match = HEADER.match(block)
    assert match is not None, block
    assert match[1] == code
    columns = re.findall(r"\(([^()]*)\)\(([^()]*)\)", match[3])
    assert len(columns) == int(match[2])
    lines = block[match.end() :].split("\r\n")
    assert lines.pop() == ""
    records = [re.findall(r"\(([^()]*)\)", line) for line in lines]
    assert all(len(record) == len(columns) for record in records)
    assert all("".join(f"({value})" for value in record) == line for record, line in zip(records, lines, strict=True))
    return columns, records


def eventful(lab: LabBuilder, **more: Any) -> Lab:
    """A meter in whose loggers there is something."""
    bench = lab(datetime(2026, 3, 2, 12), datetime(2026, 2, 26), **more)
    change = bench.meter.apply
    change(SetLoad((4_000_000, 0, 0), (-2_000_000, 0, 0)))
    change(SetCover(True))
    bench.time.forward(3600)
    change(SetClock(bench.meter.now() + 100))
    change(StopBilling())
    change(SetSupply((230_000, 190_000, 260_000)))
    bench.time.forward(7200)
    change(SetSupply())
    if bench.meter.engine.configuration.breaker:
        change(OperateBreaker(1))
    bench.time.forward(3600)
    return bench


# --- the load profile -----------------------------------------------------------------------------------


def test_the_load_profile_comes_as_the_document_shows_it(lab: LabBuilder) -> None:
    """IEC 1107 description 8.1.5, with the load of this meter: three kW, seven-digit display."""
    bench = lab(installation={"kind": "constant", "active_w": [3000, 0, 0]}, metering={"energy_type": "A+"})
    desk = Desk(bench)
    first, second = desk.blocks("R6", "99.1.0", "0260301010000;0260301030000;6")
    header = "99.1.0(4)(1.0.0)()(96.56.2)()(96.56.3)()(1.8.0)(kWh)\r\n"
    assert first == header + (
        "(01260301011500)(0)(0)(0000000)\r\n(01260301013000)(0)(0)(0000001)\r\n(01260301014500)(0)(0)(0000002)\r\n"
        "(01260301020000)(0)(0)(0000003)\r\n(01260301021500)(0)(0)(0000003)\r\n(01260301023000)(0)(0)(0000004)\r\n"
    )
    assert second == header + "(01260301024500)(0)(0)(0000005)\r\n(01260301030000)(0)(0)(0000006)\r\n"


@pytest.mark.parametrize(
    ("data", "blocks", "records"),
    [
        ("", 24, 144),
        (";", 24, 144),
        (";;", 24, 144),
        (";;1", 144, 144),
        (";;99", 2, 144),
        (";;06", 24, 144),
        ("0260302120000;;", 1, 5),
        ("0260302120000;", 1, 5),
        ("0260302120000", 1, 5),
        ("0260302120000;;2", 3, 5),
        ("1260302130000", 1, 5),  # the same said in summer time
        ("0260302120000;0260302120000", 1, 1),
        ("0260302120001;0260302121459;1", 1, 0),
        ("0270101000000;;", 1, 0),
        ("0260302120000;0250302120000;", 1, 0),
    ],
)
def test_parameters_may_be_left_out(lab: LabBuilder, data: str, blocks: int, records: int) -> None:
    found = Desk(lab(metering={"energy_type": "A+"})).blocks("R6", "99.1.0", data)
    assert len(found) == blocks
    parts = [taken_apart(block, "99.1.0") for block in found]
    assert sum(len(part[1]) for part in parts) == records
    assert len({tuple(part[0]) for part in parts}) == 1, "the header is repeated"
    stamps = [record[0] for _, rows in parts for record in rows]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(
    "data",
    [
        ";;0", ";;100", ";;x", ";;-1", ";;6;", ";;;", "260302120000;;", "01260302120000;;",
        "0260230120000;;", "0260302120000;x;", "2260302120000;;", "0260302240000;;", "\u0660",
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(lab: LabBuilder, data: str) -> None:
    assert Desk(lab()).ask("R6", "99.1.0", data) is Fault.FORMAT


@pytest.mark.parametrize("data", [";0260302120000", ";0260302120000;", ";0260302120000;6"])
def test_an_end_needs_a_start(lab: LabBuilder, data: str) -> None:
    """IEC 1107 description 8.1.5."""
    desk = Desk(lab())
    assert desk.ask("R6", "99.1.0", data) is Fault.FORMAT
    assert len(desk.blocks("R6", "99.1.0", f"0260302110000{data}")) == 1


@pytest.mark.parametrize("code", ["99.1.2", "1.8.0", "", "99.98.9", "99.98.16", "1.1.99.1.0.255"])
def test_what_is_no_logger_of_this_meter_is_unknown(lab: LabBuilder, code: str) -> None:
    assert Desk(lab()).ask("R6", code) is Fault.UNKNOWN


@given(st.text(max_size=40))
def test_parameters_are_read_or_refused(text: str) -> None:
    try:
        request = Request.parse(text)
    except ValueError:
        return
    assert 1 <= request.records <= 99


def test_rows_of_summer_are_stamped_in_summer_time_and_selected_by_either(lab: LabBuilder) -> None:
    """Stamps are local time with its mark, as in a readout; a range goes by the same instants."""
    bench = lab(datetime(2026, 7, 2, 12), datetime(2026, 7, 1))
    desk = Desk(bench)
    ((_, summer),) = [taken_apart(block, "99.1.0") for block in desk.blocks("R6", "99.1.0", "1260702130000;;")]
    assert [record[0] for record in summer] == [f"1126070213{minute}00" for minute in ("00", "15", "30", "45")] + [
        "11260702140000"
    ]
    assert desk.blocks("R6", "99.1.0", "0260702120000;;") == desk.blocks("R6", "99.1.0", "1260702130000;;")


def test_an_answer_shows_the_rows_there_were_when_it_was_asked_for(lab: LabBuilder) -> None:
    bench = lab()
    answer: Any = Desk(bench).commands.execute("R6", "99.1.0", ";;50")
    before = [answer.blocks[index] for index in range(len(answer.blocks))]
    bench.time.forward(86_400)
    assert bench.meter.engine.load_profile(bench.meter.now()).captured == 240
    assert [answer.blocks[index] for index in range(len(answer.blocks))] == before


def test_blocks_end_where_the_rows_end(lab: LabBuilder) -> None:
    answer: Any = Desk(lab()).commands.execute("R6", "99.1.0", ";;50")
    for index in (-1, len(answer.blocks)):
        with pytest.raises(IndexError):
            answer.blocks[index]
    assert list(answer.blocks) == [answer.blocks[index] for index in range(3)]


# --- all loggers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("records", ["", "1"], ids=["blocks of six", "blocks of one"])
@pytest.mark.parametrize("code", M_LOGGERS)
def test_a_logger_of_the_382m_has_the_rows_of_its_dlms_object(lab: LabBuilder, code: str, records: str) -> None:
    bench = eventful(lab)
    reader = bench.reader(22)  # who configures sees all of them
    dlms = reader.get(7, f"1.1.{code}.255", type_=ANY)
    captured = reader.get(7, f"1.1.{code}.255", 3, type_=ANY)
    blocks = Desk(bench).blocks("R6", code, f";;{records}")
    parts = [taken_apart(block, code) for block in blocks]
    assert len(blocks) == max(1, -(-len(dlms) // int(records or 6)))
    found = [record for _, rows in parts for record in rows]
    assert len(found) == len(dlms)
    kept = [number for number, column in enumerate(captured) if column[1] != bytes((1, 1, 134, 0, 1, 255))]
    columns = parts[0][0]
    assert len(columns) == len(kept)
    for record, row in zip(found, dlms, strict=True):
        for (name, unit), text, number in zip(columns, record, kept, strict=True):
            value = row[number]
            if unit == "kWh" or unit == "kvarh":
                assert int(text) == value // 1000, name
            elif unit in ("kW", "kvar"):
                assert round(float(text) * 1000) == value, name
            elif unit == "A":
                assert round(float(text) * 100) == value, name
            elif isinstance(value, int):
                assert int(text) == value, name
            elif len(value) == 12 and re.fullmatch(r"\d{14}", text):
                assert int(text[2:4]) == int.from_bytes(value[:2], "big") % 100 or text.startswith("000001")


@pytest.mark.parametrize("profile", available())
def test_every_logger_of_every_profile_is_read(lab: LabBuilder, profile: str) -> None:
    bench = eventful(lab, profile=profile)
    desk = Desk(bench, "1" if "C" in bench.meter.profile.iec62056_21.modes else "A")
    for code in bench.meter.profile.iec62056_21.loggers:
        for block in desk.blocks("R6", code):
            taken_apart(block, code)


def test_a_generation_has_only_the_loggers_of_its_data_sheet(lab: LabBuilder) -> None:
    desk = Desk(lab(profile="382BCDE"), "A")
    assert desk.ask("R6", "99.1.0") is Fault.UNKNOWN
    assert desk.ask("R6", "99.1.1") is Fault.UNKNOWN


def test_event_loggers_are_filled(lab: LabBuilder) -> None:
    """What has happened to the meter on the bench is there to be read."""
    desk = Desk(eventful(lab))
    rows = {code: taken_apart(desk.blocks("R6", code, ";;99")[0], code)[1] for code in M_LOGGERS}
    assert rows["99.98.3"] == [["01260302140140", "01260302140000", "1"]]
    assert rows["99.98.2"][-1][1] == "64", "the cover is open"
    assert rows["99.98.5"][-1][1] == "1", "disconnected by command"
    assert rows["99.98.4"]
    assert len(rows["98.1.0"]) == 2
    assert rows["98.1.0"][-1][0] == "01260302140140"


def test_the_analysis_logger_has_the_columns_that_were_chosen(lab: LabBuilder) -> None:
    bench = lab()
    bench.meter.apply(SetAnalysisLogger(900, ("1.1.21.8.0.255", "1.1.33.25.0.255", "1.1.71.7.0.255", "1.1.9.7.0.255")))
    bench.time.forward(1800)
    columns, records = taken_apart(Desk(bench).blocks("R6", "99.1.1")[0], "99.1.1")
    assert columns[3:] == [("21.8.0", "kWh"), ("33.25.0", ""), ("71.7.0", "A"), ("9.7.0", "kVA")]
    assert [record[3:] for record in records] == [["0000012", "0.98", "0.65", "0.759"]] * 2


@pytest.mark.parametrize("profile", ["382BCDE", "382K", "382L", "382M"])
def test_the_configuration_logger_tells_what_was_changed(lab: LabBuilder, profile: str) -> None:
    """Ours: documents only count such changes."""
    desk = Desk(lab(profile=profile), "1" if profile in ("382L", "382M") else "A")
    assert desk.ask("W5", "131.128.2", "0;2;3432") == "ACK"
    assert desk.ask("W5", "131.128.3", "0;2;3433") == "ACK"
    _, records = taken_apart(desk.blocks("R6", "99.98.15")[0], "99.98.15")
    assert [record[1] for record in records] == ["2", "3"]
