"""Settings over DLMS, from the client's side: an association of their own, parts that fit its PDU, and the logger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cosem.client import AccessFailed
from cosem.data_types import (
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
)
from metering import Configured, EventLog
from server.settings import CATALOGUE
from tests.server.conftest import Lab, Reader

CONFIGURATION = 22
LONGEST_PART = 90


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab()


def read(client: Reader, number: int) -> bytes:
    octets: bytes = client.get(1, f"1.1.134.128.{number}.255", 2, OCTET_STRING)
    return octets


def write(client: Reader, number: int, value: Any) -> None:
    octets = json.dumps(value).encode()
    for offset in range(0, len(octets), LONGEST_PART):
        header = offset.to_bytes(2, "big") + len(octets).to_bytes(2, "big")
        part = header + octets[offset : offset + LONGEST_PART]
        client.set(1, f"1.1.134.128.{number}.255", 2, OCTET_STRING, part)


def noted(bench: Lab) -> list[int]:
    return [row.code for row in bench.meter.engine.event_logger(EventLog.CONFIGURATION, bench.meter.now()).rows]


def test_the_index_names_what_can_be_read_and_every_setting_is_an_object(bench: Lab) -> None:
    client = bench.reader(CONFIGURATION)
    index = json.loads(read(client, 0))
    assert [entry["number"] for entry in index] == list(CATALOGUE)
    for entry in index:
        json.loads(read(client, entry["number"]))


def test_a_long_setting_is_written_in_parts_that_fit_a_pdu_of_125(bench: Lab) -> None:
    client = bench.reader(CONFIGURATION, max_pdu=125)
    items = json.loads(read(client, Configured.DISPLAY_MANUAL))[::-1]
    assert len(json.dumps(items)) > 2 * LONGEST_PART
    write(client, Configured.DISPLAY_MANUAL, items)
    assert json.loads(read(client, Configured.DISPLAY_MANUAL)) == items
    assert read(client, 255) == b"done"
    assert noted(bench) == [Configured.DISPLAY_MANUAL]


def test_a_refusal_is_other_reason_and_the_last_result_says_which(bench: Lab) -> None:
    client = bench.reader(CONFIGURATION)
    with pytest.raises(AccessFailed, match="other-reason"):
        write(client, Configured.TARGET_DAY, 31)
    assert read(client, 255) == b"day is 31; allowed: 1..28"
    with pytest.raises(AccessFailed, match="other-reason"):
        write(client, Configured.ENERGY_REGISTERS, {})
    assert read(client, 255) == b"legal data: the verification seal is intact"
    with pytest.raises(AccessFailed, match="other-reason"):
        client.set(1, f"1.1.134.128.{Configured.TARGET_DAY}.255", 2, OCTET_STRING, b"\0\0\0\1")
    assert noted(bench) == []


def test_index_and_last_result_are_not_written(bench: Lab) -> None:
    client = bench.reader(CONFIGURATION)
    for number in (0, 255):
        with pytest.raises(AccessFailed, match="read-write-denied"):
            client.set(1, f"1.1.134.128.{number}.255", 2, OCTET_STRING, b"\0\0\0\1\x31")


def test_the_logger_has_a_row_for_each_change_with_its_time_and_the_count(bench: Lab) -> None:
    client = bench.reader(CONFIGURATION)
    assert client.get(1, "1.1.134.129.1.255") == 0
    write(client, Configured.TARGET_DAY, 15)
    bench.time.forward(60)
    write(client, Configured.PEAK_TARIFF, 1)
    rows = client.get(7, "1.1.99.98.15.255")
    assert [row[1:] for row in rows] == [(Configured.TARGET_DAY, 1), (Configured.PEAK_TARIFF, 2)]
    assert [row[0][5:8].hex() for row in rows] == ["0d0000", "0d0100"]
    assert client.get(7, "1.1.99.98.15.255", 7) == 2
    assert (client.get(1, "1.1.134.129.1.255"), client.get(1, "1.1.134.129.2.255")) == (Configured.PEAK_TARIFF, 2)


def test_the_documented_associations_are_as_documented(bench: Lab) -> None:
    own = len(CATALOGUE) + 5
    documented = {sap: len(bench.model.definitions[sap, 16].view.objects) for sap in (18, 19, 20, CONFIGURATION)}
    assert documented[CONFIGURATION] == documented[18] + own == documented[19] + own == documented[20] + own
    for sap in (18, 19, 20):
        with pytest.raises(AccessFailed, match="object-undefined"):
            read(bench.reader(sap), 0)


def test_a_configuration_client_reads_what_the_others_read(bench: Lab) -> None:
    for name in ("1.1.1.8.0.255", "1.1.32.7.0.255"):
        assert bench.reader(CONFIGURATION).get(3, name) == bench.reader(18).get(3, name)


@pytest.mark.parametrize("password", [b"12346", None])
def test_without_the_password_there_are_no_settings(bench: Lab, password: bytes | None) -> None:
    with pytest.raises(Exception, match=r"."):
        read(bench.reader(CONFIGURATION, password=password), 0)


OTHER_DOORS = [
    (1, "1.1.0.0.1.255", 2, DOUBLE_LONG_UNSIGNED, 7, Configured.METER_NUMBER_1),
    (1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 7, Configured.METER_NUMBER_2),
    (1, "1.1.0.130.2.255", 2, DOUBLE_LONG_UNSIGNED, 7, Configured.SPECIAL_DATA_2),
    (1, "1.1.96.5.1.255", 2, UNSIGNED, 2, Configured.OBJECT),
    (1, "1.1.0.128.1.255", 2, DOUBLE_LONG_UNSIGNED, 7, Configured.PULSE_INPUT),
    (1, "1.1.0.1.6.128", 2, UNSIGNED, 1, Configured.DEBITING_2_INTERVAL),
    (1, "1.1.96.52.2.255", 2, UNSIGNED, 3, Configured.RELAY_1),
    (7, "1.1.99.1.0.255", 4, DOUBLE_LONG_UNSIGNED, 300, Configured.LOAD_PROFILE_PERIOD),
    (8, "0.1.1.0.0.255", 8, BOOLEAN, False, Configured.DAYLIGHT_SAVING),
    (23, "0.0.22.0.0.255", 8, LONG_UNSIGNED, 60, Configured.LOCAL_PORT),
    (15, "0.0.40.0.0.255", 7, OCTET_STRING, b"54321", Configured.PASSWORD),
]


@pytest.mark.parametrize(("class_id", "name", "attribute", "type_", "value", "what"), OTHER_DOORS)
def test_what_is_configured_through_documented_objects_is_logged_as_well(
    bench: Lab, class_id: int, name: str, attribute: int, type_: Any, value: Any, what: Configured
) -> None:
    bench.reader().set(class_id, name, attribute, type_, value)
    assert noted(bench) == [what]
