"""The hexadecimal protocol of the 685-382, with the very frames of a public driver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from metering.inputs import SetLoad, SetTariff
from server.kmp.sources import memory_key
from tests.server.conftest import Lab
from transports.kmp_hex import checksum

from .wire import HexWire

HOUR = 3600
OCTETS = bytes.fromhex


def framed(start: str, octets: bytes) -> str:
    return start + (octets + bytes((checksum(octets),))).hex().upper()


@pytest.fixture
def classic(lab: Callable[..., Lab]) -> HexWire:
    return HexWire(lab(profile="382-classic"))


def test_the_hello_is_that_of_the_driver(classic: HexWire) -> None:
    assert classic.exchange("@FE0002") == "HFE0002010701F7"


def test_the_memory_begins_with_the_type_number(classic: HexWire) -> None:
    answer = classic.exchange("@FE010001002CD4")
    octets = OCTETS(answer[1:])
    assert answer.startswith("HFE013638353338324F4B3130")
    assert len(octets) == 2 + 44 + 1, "addresses 0001 to 002C"
    assert octets[12:16] == (12345678).to_bytes(4, "little") == octets[16:20]
    assert octets[20:-1] == b"\xff" * 25 + b"\x00"


def test_where_nothing_is_kept_memory_is_ff(classic: HexWire) -> None:
    assert classic.exchange("@FE010384039BDC") == "HFE01" + "FF" * 24 + "19"


def test_readings_and_tariffs_are_the_frames_that_were_captured(lab: Callable[..., Lab]) -> None:
    """The meter that was read: 57037 hours, 9032.33 kWh, 1 kWh of it in tariff 2, a peak of 1559 W in this month."""
    start = datetime(2016, 1, 1)
    bench = lab(start, start, profile="382-classic", serial_number=10001093, installation={"kind": "live"})
    bench.meter.remember(memory_key("1.1.0.0.1.255"), b"\x06" + (10865272).to_bytes(4, "big"))
    for tariff, power_w, seconds in [
        (1, 1_000, 9_030 * HOUR),
        (1, 941, HOUR),
        (1, 0, 47_999 * HOUR),
        (2, 1_000, HOUR),
        (1, 1_559, 900),
        (1, 0, 6 * HOUR - 900),
    ]:
        bench.meter.apply(SetTariff(tariff))
        bench.meter.apply(SetLoad((power_w * 1_000, 0, 0), (0, 0, 0)))
        bench.time.forward(seconds)
    wire = HexWire(bench)
    assert wire.exchange("@FE9072") == (
        "HFE9000002348000000000000DECD000DC8410000061700A5CA780000000000000000100010938F"
    )
    assert wire.exchange("@FE95006D") == "HFE950100002348000023470000000196"


def test_the_password_has_six_digits(classic: HexWire) -> None:
    assert classic.exchange(framed("@", OCTETS("FE92123456"))) == framed("H", OCTETS("FE92"))
    assert classic.exchange(framed("@", OCTETS("FE92123457"))) == ""


def test_repeated_wrong_passwords_lock_the_port(classic: HexWire) -> None:
    for _ in range(3):
        assert classic.exchange(framed("@", OCTETS("FE92000000"))) == ""
    assert classic.exchange(framed("@", OCTETS("FE92123456"))) == ""
    assert classic.exchange("@FE0002") == "HFE0002010701F7", "reading goes on"


@pytest.mark.parametrize(
    "octets",
    ["FE0000", "FE01", "FE01002C0001", "FE0100000100", "FE010001002C00", "FE9000", "FE92", "FE921234", "FE95", "FE9501",
     "FEFF", "FD00"],
)  # fmt: skip
def test_what_is_not_understood_gets_silence(classic: HexWire, octets: str) -> None:
    assert classic.exchange(framed("@", OCTETS(octets))) == ""


@pytest.mark.parametrize("text", ["@FE0003", "@FE00", "@FE0", "@", "FE0002", "@GG0002", "HFE0002"])
def test_a_broken_frame_gets_silence(classic: HexWire, text: str) -> None:
    assert classic.exchange(text) == ""
    assert classic.exchange("@FE0002") == "HFE0002010701F7"
