"""Every register of every generation as a client of KMP reads it; formats against the facts, values against physics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from metering.inputs import SetLoad, SetPrepaymentExceptions
from server.kmp.registers import UNITS, Register, all_registers, registers_of
from server.kmp.sources import SOURCES
from server.kmp.writing import SINKS
from tests.server.conftest import Lab

from .wire import KmpWire

HOUR = 3600
GENERATIONS = {"382BCDE": "C", "382K": "K", "382L": "L", "382M": "M"}


@pytest.fixture
def wire(lab: Callable[..., Lab]) -> KmpWire:
    return KmpWire(lab())


def test_the_table_has_the_registers_of_the_meter_that_was_read() -> None:
    listed = [register for register in all_registers().values() if register.format == "listed"]
    assert len(listed) == 124
    assert {register.since for register in listed} == {"B"}


@pytest.mark.parametrize(
    ("number", "unit", "width", "exponent"),
    [
        (0x0001, 2, 4, 0x41), (0x0004, 14, 4, 0x41), (0x000D, 2, 4, 0x44), (0x0027, 22, 4, 0x43), (0x0032, 51, 4, 0),
        (0x003A, 0, 4, 0), (0x03EA, 47, 4, 0), (0x03EB, 48, 4, 0), (0x03EC, 46, 4, 0), (0x03F2, 51, 10, 0),
        (0x0417, 53, 8, 0), (0x041E, 33, 2, 0), (0x0422, 54, 10, 0), (0x0434, 34, 4, 0x42), (0x0437, 38, 2, 0),
        (0x0438, 22, 2, 0x43), (0x0458, 60, 2, 0), (0x0466, 54, 13, 0), (0x04B9, 0, 16, 0),
    ],
)  # fmt: skip
def test_unit_width_and_exponent_are_those_that_were_read(
    wire: KmpWire, number: int, unit: int, width: int, exponent: int
) -> None:
    form, mantissa = wire.read(number)[number]
    assert form == bytes((unit, width, exponent))
    assert len(mantissa) == width


@pytest.mark.parametrize("profile", GENERATIONS)
def test_every_register_of_a_generation_answers_in_its_format(lab: Callable[..., Lab], profile: str) -> None:
    wire = KmpWire(lab(profile=profile))
    assert wire.asker.generation == GENERATIONS[profile]
    registers = list(registers_of(GENERATIONS[profile]).values())
    for begin in range(0, len(registers), 8):
        some = registers[begin : begin + 8]
        found = wire.read(*(register.id for register in some))
        assert list(found) == [register.id for register in some if register.readable]
        for register in some:
            if register.readable:
                form, mantissa = found[register.id]
                assert form == bytes(
                    (UNITS[register.unit], register.width, register.exponent and 0x40 + register.exponent)
                )
                assert len(mantissa) == register.width


@pytest.mark.parametrize(
    "register", [row for row in all_registers().values() if "W" in row.access], ids=lambda row: row.name
)
def test_every_writable_register_has_a_sink(register: Register) -> None:
    assert register.source.split(":")[0] in SINKS


def test_every_source_stands_in_the_table_and_every_readable_register_has_one() -> None:
    used = {register.source.split(":")[0] for register in all_registers().values() if register.readable}
    assert used == set(SOURCES)


@pytest.mark.parametrize(
    ("number", "mantissa"),
    [
        (0x0001, 270), (0x0002, 0), (0x0003, 43), (0x0005, 43), (0x000D, 270_000), (0x000F, 43_200), (0x0013, 270),
        (0x0017, 0), (0x0011, 270), (0x0407, 270), (0x0513, 126), (0x0023, 750), (0x0025, 120), (0x0027, 750),
        (0x0029, 120), (0x03FF, 750), (0x0400, 0), (0x0401, 120), (0x0438, 350), (0x0439, 250), (0x043A, 150),
        (0x0543, 60), (0x0549, 355), (0x041E, 230), (0x041F, 230), (0x0434, 154), (0x0435, 110), (0x0436, 65),
        (0x04BF, 230), (0x04C2, 154), (0x0495, 98), (0x0564, 98), (0x05C2, 9), (0x056E, 5000), (0x03EC, 36),
        (0x0570, 36), (0x0571, 0), (0x040F, 99_000), (0x00C7, 15), (0x03E9, 12345678), (0x0033, 12345678),
        (0x03F2, 12345678), (0x03ED, 69000801), (0x0036, 11000002), (0x0405, 100), (0x0458, 30), (0x045B, 60),
        (0x0454, 100), (0x0455, 10), (0x043F, 4), (0x07DA, 1), (0x0437, 296), (0x0406, 46828625), (0x04F7, 0x3F),
        (0x03EA, 130_000), (0x03EB, 260_302), (0x0403, 10_000 + 1_500), (0x0404, 260_301), (0x04D6, 64), (0x04AB, 15),
        (0x04BC, 207), (0x04BD, 253), (0x04BE, 10), (0x056C, 0), (0x1814, 1), (0x181D, 1), (0x1820, 1700), (0x00DE, 0),
    ],
)  # fmt: skip
def test_a_constant_load_of_36_hours_reads_as_what_it_is(wire: KmpWire, number: int, mantissa: int) -> None:
    assert wire.value(number) == mantissa


def test_an_energy_grows_by_a_tenth_of_a_watt_hour_in_high_resolution(wire: KmpWire) -> None:
    before = wire.value(0x000D)
    wire.bench.time.forward(48)  # 10 Wh at 750 W
    assert wire.value(0x000D) - before == 100


def test_high_resolution_wraps_in_the_field_it_travels_in(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(installation={"kind": "constant", "active_w": (90_000, 90_000, 90_000)}))
    wire.bench.time.forward(2_000 * HOUR)
    tenths_wh = 10 * 270_000 * 2_036
    assert tenths_wh > 2**32
    assert wire.value(0x000D) == tenths_wh % 2**32
    assert wire.value(0x0001) == tenths_wh // 1_000
    assert wire.value(0x0438) == 0xFFFF, "90 kW do not fit two octets of watts"


def test_the_type_number_comes_last_character_first(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(profile="382K", type_number="68438AJ224070"))
    found = wire.read(0x0422, 0x0466)
    assert found[0x0422] == (bytes((54, 10, 0)), b"070422JA83")
    assert found[0x0466] == (bytes((54, 13, 0)), b"070422JA83486")


def test_the_rtc_is_normal_time_and_says_that_the_clock_shows_summer(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(datetime(2014, 7, 27, 18, 35, 26), commissioned=datetime(2014, 7, 1)))
    assert wire.value(0x03EA) == 203_526
    assert wire.value(0x03EB) == 140_727
    assert wire.read(0x0417)[0x0417] == (bytes((53, 8, 0)), bytes.fromhex("83071A23131B070E"))
    assert wire.value(0x0415) == 0x83


def test_a_peak_that_never_was_has_no_time(wire: KmpWire) -> None:
    assert wire.read(0x041B)[0x041B][1] == bytes(8)
    assert wire.value(0x040D) == wire.value(0x040E) == 0


def test_a_peak_is_stamped_in_normal_time_and_dated_in_local_time(lab: Callable[..., Lab]) -> None:
    wire = KmpWire(lab(datetime(2026, 7, 1, 12, 0), commissioned=datetime(2026, 7, 1)))
    wire.bench.meter.apply(SetLoad((3_000_000, 0, 0), (0, 0, 0)))
    wire.bench.time.forward(900)
    wire.bench.meter.apply(SetLoad((0, 0, 0), (0, 0, 0)))
    assert wire.value(0x0027) == 3_000
    assert wire.read(0x0419)[0x0419][1] == bytes((0x83, 3, 0, 15, 13, 1, 7, 26))
    assert (wire.value(0x0403), wire.value(0x0404)) == (141_500, 260_701)


def test_the_exception_slot_of_the_prepayment_is_a_time_of_day(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetPrepaymentExceptions(start_s=8 * HOUR + 90, end_s=20 * HOUR))
    assert (wire.value(0x1799), wire.value(0x179A)) == (80_130, 200_000)


def test_export_has_its_own_registers(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetLoad((-1_000_000, -500_000, 0), (0, 0, -300_000)))
    assert [wire.value(number) for number in (0x03FF, 0x0400, 0x0402, 0x0540, 0x0541, 0x054C)] == [
        0, 1_500, 300, 1_000, 500, 1_000,
    ]  # fmt: skip
