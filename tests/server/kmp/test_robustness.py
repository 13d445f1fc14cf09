"""Whatever comes by KMP: the meter answers or is silent, its answers fit a frame, and it can be read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.inputs import SetSupply
from server.kmp.commands import COMMANDS
from server.kmp.registers import Register, all_registers
from tests.server.conftest import Lab
from transports.kmp import LONGEST, TO_METER, encode_frame

from .wire import HexWire, KmpWire

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PASSWORD = b"\x30\x39"
NUMBERS = st.sampled_from(sorted(all_registers())) | st.integers(0, 0xFFFF)


def octets(numbers: list[int]) -> bytes:
    return bytes((len(numbers),)) + b"".join(number.to_bytes(2, "big") for number in numbers)


@pytest.fixture
def wire(lab: Callable[..., Lab]) -> KmpWire:
    return KmpWire(lab())


def alive(wire: KmpWire) -> bool:
    return wire.ask(0x02) == (12345678).to_bytes(4, "big")


@MANY
@given(cid=st.sampled_from(sorted(COMMANDS)) | st.integers(0, 0xFF), data=st.binary(max_size=40))
def test_any_command_with_any_data_gets_an_answer_or_silence(wire: KmpWire, cid: int, data: bytes) -> None:
    for sent in (data, PASSWORD + data):
        answer = wire.exchange(encode_frame(TO_METER, 0x3F, bytes((cid,)) + sent))
        assert len(answer) <= LONGEST
    wire.bench.meter.memory.clear()  # the address, and wrong passwords
    assert alive(wire)


@MANY
@given(noise=st.binary(max_size=60))
def test_after_any_noise_the_meter_can_be_read(wire: KmpWire, noise: bytes) -> None:
    wire.exchange(noise)
    wire.exchange(b"\x0d")
    assert alive(wire)


@MANY
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=8))
def test_registers_come_in_the_order_asked_and_no_others(wire: KmpWire, numbers: list[int]) -> None:
    answer = wire.ask(0x10, octets(numbers))
    assert answer is not None
    found = []
    while answer:
        found.append(int.from_bytes(answer[:2], "big"))
        answer = answer[5 + answer[3] :]
    known = all_registers()
    assert found == [number for number in numbers if number in known and known[number].readable]


@MANY
@given(
    lid=st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12, 15, 0x10, 0x11]),
    numbers=st.lists(NUMBERS, max_size=24),
    wide=st.booleans(),
    count=st.integers(0, 0xFF),
    most=st.integers(0, 0xFF),
)
def test_a_logger_answer_fits_a_frame_whatever_is_asked(
    wire: KmpWire, lid: int, numbers: list[int], wide: bool, count: int, most: int
) -> None:
    head = bytes((lid,)) + octets(numbers)
    if wide:
        cid, request = 0xB8, b"\x02" + head + count.to_bytes(2, "big") + bytes((0, 0, 0, 1))
    else:
        cid, request = 0xA1, head + bytes((count, most))
    answer = wire.exchange(encode_frame(TO_METER, 0x3F, bytes((cid,)) + request))
    assert 0 < len(answer) <= LONGEST


@MANY
@given(register=st.sampled_from(list(all_registers().values())), value=st.integers(0, 2**160), scale=st.integers(0, 5))
def test_a_mantissa_always_fits_its_width(register: Register, value: int, scale: int) -> None:
    assert len(register.mantissa(value >> 32 * scale)) == register.width
    assert len(register.mantissa(b"x" * scale * 7)) == register.width


@MANY
@given(register=st.sampled_from([row for row in all_registers().values() if "W" in row.access]), data=st.data())
def test_what_a_register_was_written_with_it_is_read_with(register: Register, data: st.DataObject) -> None:
    limit = 2 ** (8 * register.width) - 1
    mantissa = data.draw(st.integers(0, limit)).to_bytes(register.width, "big")
    assert register.mantissa(register.value(mantissa)) == mantissa


@MANY
@given(text=st.text("0123456789ABCDEF@", max_size=20))
def test_the_hexadecimal_protocol_takes_any_digits(lab: Callable[..., Lab], text: str) -> None:
    wire = HexWire(lab(datetime(2026, 3, 2), profile="382-classic"))
    wire.exchange("@FE" + text)
    wire.exchange(text)
    assert wire.exchange("@FE0002") == "HFE0002010701F7"


def test_a_meter_without_supply_is_silent(wire: KmpWire) -> None:
    wire.bench.meter.apply(SetSupply(voltage_mv=(0, 0, 0)))
    wire.bench.time.forward(10)
    assert wire.ask(0x01) is None
    wire.bench.meter.apply(SetSupply(voltage_mv=(230_000, 230_000, 230_000)))
    wire.bench.time.forward(10)
    assert alive(wire)
