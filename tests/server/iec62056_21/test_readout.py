"""The IEC 62056-21 readout: its lists code by code, and real readers on the optical port of a running meter."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest

from cosem.data_types import DOUBLE_LONG_UNSIGNED, UNSIGNED
from metering.inputs import SetLoad
from server.binding import ObjectModel
from server.device_profile import DeviceProfile, available, load_profile
from server.iec62056_21 import Readout
from server.time_source import SteppedTime
from tests.server.conftest import Lab
from tests.server.running import device, running

READER = Path(__file__).parents[1] / "iec_reader.py"
AT = int(datetime.fromisoformat("2026-03-02T12:00:00+00:00").timestamp())


def readout(bench: Lab) -> Readout:
    return Readout(bench.model, bench.meter)


def with_list(bench: Lab, number: int) -> Readout:
    """The meter, with another of its lists chosen."""
    profile = bench.meter.profile
    changed = profile.iec62056_21.model_copy(update={"user_data": number})
    bench.meter.profile = profile.model_copy(update={"iec62056_21": changed})
    return readout(bench)


def lines(text: str) -> list[str]:
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n").split("\r\n")


# --- the lists ------------------------------------------------------------------------------------------

USER_DATA_1 = [
    r"0\.0\.1\(\d{8}\)",
    r"1\.8\.0\(\d{7}\*kWh\)",
    r"1\.8\.1\(\d{7}\*kWh\)",
    r"1\.8\.2\(\d{7}\*kWh\)",
    r"1\.8\.3\(\d{7}\*kWh\)",
    r"1\.8\.4\(\d{7}\*kWh\)",
    r"96\.8\.0\(\d{7}\)",
    r"0\.128\.1\(\d{7}\)",
    r"1\.6\.0\(\d{5}\.\d{3}\*kW\)\(\d{14}\)",
]
"""IEC 1107 description 7.4: the fixed list."""

USER_DATA_2 = [
    r"0\.0\.1\(\d{8}\)",
    r"97\.97\.0\(\d+\)",
    *(rf"{group_c}\.8\.{tariff}\(\d{{7}}\*{unit}\)"
      for group_c, units in ((1, ("kwh",) * 3), (2, ("kwh",) * 3), (3, ("kvarh", "kwh", "kwh")),
                             (4, ("kvarh", "kwh", "kwh")))
      for tariff, unit in enumerate(units)),
    r"1\.6\.0\(\d+\.\d{3}\*kW\)\(\d{14}\)",
    r"1\.6\.1\(\d+\.\d{3}\*kW\)\(\d{14}\)",
    r"1\.6\.2\(\d+\.\d{3}\*kW\)\(\d{14}\)",
    r"2\.6\.0\(\d+\.\d{3}\*kW\)\(\d{14}\)",
    r"1\.2\.0\(\d+\.\d{3}\*kW\)",
    r"2\.2\.0\(\d+\.\d{3}\*kW\)",
    r"3\.6\.0\(\d+\.\d{3}\*kvar\)\(\d{14}\)",
    r"3\.2\.0\(\d+\.\d{3}\*kvar\)",
    r"4\.6\.0\(\d+\.\d{3}\*kvar\)\(\d{14}\)",
    r"4\.2\.0\(\d+\.\d{3}\*kvar\)",
    r"0\.1\.0\(\d+\)",
    r"96\.8\.0\(\d+\)",
    r"1\.0\.0\(\d{14}\)",
]  # fmt: skip
"""IEC 1107 description 7.4: the manufacturer's own example, small letters and kwh for reactive tariffs included."""

LIST_OF_THE_382L = [
    r"0\.0\.0\(\d{8}\)",
    *(rf"1\.8\.{tariff}\(\d{{7}}\*kWh\)" for tariff in range(5)),
    r"96\.8\.0\(\d{7}\*h\)",
    r"0\.128\.1\(\d{7}\)",
    r"1\.6\.0\(\d\.\d{3}\*kW\)",
]
"""As captured from a 382C, and as a public reader of the 382L cuts it by position."""


@pytest.mark.parametrize(
    ("profile", "number", "expected"),
    [("382M", 1, USER_DATA_1), ("382M", 2, USER_DATA_2), ("382L", 1, LIST_OF_THE_382L)],
)
def test_a_list_has_exactly_the_documented_data_sets(
    lab: Callable[..., Lab], profile: str, number: int, expected: list[str]
) -> None:
    found = lines(with_list(lab(profile=profile), number).data_block())
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


def test_the_382m_reads_out_user_data_2_and_the_382l_its_only_list(lab: Callable[..., Lab]) -> None:
    assert "97.97.0" in readout(lab()).data_block()
    assert "97.97.0" not in readout(lab(profile="382L")).data_block()


def test_values_are_those_of_the_registers(lab: Callable[..., Lab]) -> None:
    bench = lab()
    bench.reader().set(1, "1.1.129.0.0.255", 2, UNSIGNED, 2)
    bench.reader().set(1, "1.1.0.0.1.255", 2, DOUBLE_LONG_UNSIGNED, 4711)
    bench.meter.apply(SetLoad((4_000_000, 0, 0), (-2_000_000, 0, 0)))
    bench.time.forward(24 * 3600)
    found = dict(line.split("(", 1) for line in lines(readout(bench).data_block()))
    assert found["0.0.1"] == "00004711)"
    assert found["1.8.0"] == "0000123*kwh)"  # 36 h at 750 W and 24 h at 4 kW
    assert found["1.8.1"] == "0000027*kwh)"
    assert found["1.8.2"] == "0000096*kwh)"
    assert found["3.8.0"] == "0000004*kvarh)"
    assert found["4.8.0"] == "0000048*kvarh)"
    assert found["1.6.0"] == "4.000*kW)(01260302131500)"  # normal time, valid, the end of the first such period
    assert found["1.6.1"] == "0.750*kW)(01260301011500)"
    assert found["2.6.0"] == "0.000*kW)(00000101000000)", "the stamp of a peak that never was"
    assert found["96.8.0"] == "60)"
    assert found["1.0.0"] == "01260303130000)"


def test_in_summer_the_stamps_say_so(lab: Callable[..., Lab]) -> None:
    bench = lab(datetime(2026, 7, 1, 12, 0), datetime(2026, 6, 30))
    assert "1.0.0(11260701140000)" in readout(bench).data_block()


@pytest.mark.parametrize(
    ("decimals", "shown"), [("7.0", "0000027"), ("6.1", "000027.0"), ("7.2", "0000027.00"), ("6.3", "000027.000")]
)
def test_energies_follow_the_display_format(lab: Callable[..., Lab], decimals: str, shown: str) -> None:
    bench = lab()
    metering = bench.meter.profile.metering.model_copy(update={"display_decimals": decimals})
    bench.meter.profile = bench.meter.profile.model_copy(update={"metering": metering})
    assert f"1.8.0({shown}*kWh)" in with_list(bench, 1).data_block()


@pytest.mark.parametrize(
    ("profile", "identification"), [("382M", "KAM5 68438BM4C3"), ("382L", "KAM 68438BL122")], ids=["382M", "382L"]
)
def test_the_identification_is_the_type_number_without_its_country(
    lab: Callable[..., Lab], profile: str, identification: str
) -> None:
    assert readout(lab(profile=profile)).identification() == identification


def test_every_source_of_every_list_exists_in_every_profile() -> None:
    for name in available():
        profile: DeviceProfile = load_profile(name)
        assert bool(ObjectModel(profile).definitions) == (name in ("382L", "382M", "382M-secure"))
        assert {item.number for item in profile.iec62056_21.lists} >= {profile.iec62056_21.user_data}


# --- real readers ---------------------------------------------------------------------------------------


async def read(*arguments: str) -> dict[str, Any]:
    """Run a reader."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(READER), *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, errors.decode()
    result: dict[str, Any] = json.loads(output)
    return result


def optical(**more: Any) -> list[dict[str, Any]]:
    return [{"kind": "optical", "device": "pty", **more}]


def meter(profile: str) -> list[dict[str, Any]]:
    return [{"profile": profile, "commissioned": "2026-03-01", "serial_number": 16721739}]


def checked(received: bytes) -> tuple[str, list[str]]:
    """Identification and lines of a whole mode A answer, its check character verified."""
    head, text, rest = re.fullmatch(rb"/([^\r]*)\r\n\x02(.*)!\r\n\x03(.)", received, re.DOTALL).groups()  # type: ignore[union-attr]
    block = received[received.index(b"\x02") + 1 : -1]
    assert rest == bytes((reduce(xor, block),))
    return head.decode(), lines(text.decode())


@pytest.mark.parametrize("address", ["", "16721739"], ids=["anybody", "by serial number"])
async def test_the_iec62056_21_package_reads_mode_c(address: str) -> None:
    async with running(meter("382M"), optical(), SteppedTime(AT)) as runtime:
        result = await read("c", device(runtime.endpoints[0].name), *([address] if address else []))
    assert (result["manufacturer"], result["baud"]) == ("KAM", 9600)
    assert result["identification"].strip() == "68438BM4C3"
    found = {line[0][0]: line[0][1:] for line in result["lines"] if line}
    assert len(found) == len(USER_DATA_2)
    assert found["0.0.1"][0] == "16721739"
    assert found["1.8.0"] == ["0000027", "kwh"]
    assert found["1.0.0"][0] == "01260302130000"


@pytest.mark.parametrize("baud", ["300", "9600"])
async def test_a_plain_reader_gets_mode_a_at_the_speed_it_asked_at(baud: str) -> None:
    """At 9600 a public reader of the 382L waits one second for each read, so the pause must be shorter."""
    async with running(meter("382L"), optical(), SteppedTime(AT)) as runtime:
        result = await read("a", device(runtime.endpoints[0].name), baud, "1.0")
    identification, found = checked(bytes.fromhex(result["received"]))
    assert identification == "KAM 68438BL122"
    assert found[:2] == ["0.0.0(16721739)", "1.8.0(0000027*kWh)"]
    assert len(found) == len(LIST_OF_THE_382L)


async def test_a_reader_of_the_382l_by_lines_at_9600_gets_them_all() -> None:
    """9600 7E1, one second for each read, `readlines`: the first pause of a second is the end."""
    async with running(meter("382L"), optical(), SteppedTime(AT)) as runtime:
        result = await read("l", device(runtime.endpoints[0].name), "9600", "1.0")
    _, found = checked(bytes.fromhex(result["received"]))
    assert len(found) == len(LIST_OF_THE_382L)


async def test_readers_at_300_baud_by_lines_get_them_all() -> None:
    """300 7E1, one second for each read: a pty delivers at once, so the meter must not wait for its own characters."""
    profiles = ["382BCDE", "382K", "382L", "382-classic"]
    meters = [{"profile": profile, "serial_number": number} for number, profile in enumerate(profiles, 1001)]
    endpoints = [{**optical()[0], "meters": [meter["serial_number"]]} for meter in meters]
    async with running(meters, endpoints, SteppedTime(AT)) as runtime:
        readers = [read("l", device(endpoint.name), "300", "1.0") for endpoint in runtime.endpoints]
        heard = [bytes.fromhex(result["received"]) for result in await asyncio.gather(*readers)]
    *newer, classic = heard
    assert [len(checked(received)[1]) for received in newer] == [len(LIST_OF_THE_382L)] * 3
    assert re.fullmatch(rb"/KAM 685-382-OK-10\r\n\x02(.*\r\n){7}1\.6\*1\(.*\)!\r\n\x03.", classic, re.DOTALL)


async def test_the_382m_waits_tt_for_an_acknowledgement_before_mode_a() -> None:
    async with running(meter("382M"), optical(), SteppedTime(AT)) as runtime:
        result = await read("a", device(runtime.endpoints[0].name), "9600", "2.5")
    identification, found = checked(bytes.fromhex(result["received"]))
    assert identification == "KAM5 68438BM4C3"
    assert len(found) == len(USER_DATA_2)
    assert result["seconds"] >= 1.7


async def test_with_echo_the_reader_hears_its_own_request_first() -> None:
    async with running(meter("382L"), optical(echo=True), SteppedTime(AT)) as runtime:
        result = await read("a", device(runtime.endpoints[0].name), "9600", "1.0")
    received = bytes.fromhex(result["received"])
    assert received.startswith(b"/?!\r\n/KAM ")


async def test_another_address_gets_silence_and_disturbs_nothing() -> None:
    async with running(meter("382L"), optical(), SteppedTime(AT)) as runtime:
        name = device(runtime.endpoints[0].name)
        assert (await read("a", name, "9600", "1.0", "16721738"))["received"] == ""
        assert (await read("a", name, "9600", "1.0", "0016721739"))["received"] != ""


async def test_two_meters_on_one_line_answer_to_their_own_serial_numbers() -> None:
    meters = [
        {"profile": "382L", "serial_number": 1001, "hdlc_address": 33},
        {"profile": "382L", "serial_number": 1002, "hdlc_address": 34},
    ]
    async with running(meters, [{"kind": "rs485", "device": "pty"}], SteppedTime(AT)) as runtime:
        for serial in ("1002", "1001"):
            result = await read("a", device(runtime.endpoints[0].name), "9600", "1.0", serial)
            _, found = checked(bytes.fromhex(result["received"]))
            assert found[0] == f"0.0.0(0000{serial})"


async def test_the_iec62056_21_package_programs() -> None:
    """It signs on at 300 baud, follows to 9600, reads, writes the tariff and reads again."""
    async with running(meter("382M"), optical(), SteppedTime(AT)) as runtime:
        name = device(runtime.endpoints[0].name)
        result = await read("p", name, "12345", "0.0.1", "129.0.0", "129.0.0=2", "129.0.0", "1.8.0")
    assert result["challenge"] == "P0"
    assert result["answers"] == [
        "06",
        ["0.0.1", "16721739", None],
        ["129.0.0", "1", None],
        "written",
        ["129.0.0", "2", None],
        ["1.8.0", "0000027", "kwh"],
    ]
