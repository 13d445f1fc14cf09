"""The client against a meter that runs in a process of its own, and against peers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest

from conformance.client import CURRENT_ASSOCIATION, MeterClient
from conformance.endpoint import Endpoint
from conformance.errors import (
    AssociationRejected,
    CannotConnect,
    ClientError,
    ConnectionLost,
    NoAnswer,
    ProtocolFault,
)
from conformance.links import LinkOptions
from cosem.client import AccessFailed
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult
from cosem.xdlms import Descriptor
from obis import Obis
from transports.wrapper import encode_wpdu

from .running import (
    PASSWORD,
    SERIAL_NUMBER,
    RunningMeter,
    running_meter,
    silent_datagrams,
    silent_pty,
    unused_address,
)
from .running import answering as answering_peer
from .running import listener as silent_listener

LOAD_PROFILE = Obis.parse("1.1.99.1.0.255")
ENERGY = Obis.parse("1.1.1.8.0.255")
WAYS = ["tcp", "hdlc", "udp", "pty"]


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMeter]:
    with running_meter(tmp_path_factory.mktemp("meter")) as running:
        yield running


def connect(
    endpoint: str, password: str | None = PASSWORD, hdlc_address: int | None = None, timeout_s: float = 5.0
) -> MeterClient:
    client_sap, server_sap = (16, 1) if password is None else (18, 16)
    options = LinkOptions(client_sap, server_sap, timeout_s, hdlc_address)
    return MeterClient.connect(Endpoint.parse(endpoint), options, None if password is None else password.encode())


def clocks(client: MeterClient, **selection: object) -> list[str]:
    profile = client.read_profile(LOAD_PROFILE, **selection)  # type: ignore[arg-type]
    return [str(row[0])[11:16] for row in profile.rows]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_reads_the_same(meter: RunningMeter, way: str) -> None:
    with connect(meter.endpoints[way]) as client:
        rows = client.object_list()
        assert len(rows) == len({(row.class_id, row.logical_name) for row in rows}) > 150
        power = client.find(Obis.parse("1.1.1.7.0.255"))
        assert power is not None
        assert client.read_scaled(power)[:2] == (750, "W")
        assert client.read_value(Descriptor(1, Obis.parse("1.1.96.1.0.255"), 2)) == SERIAL_NUMBER
        assert clocks(client, last=3) == ["11:30", "11:45", "12:00"]


def test_a_lower_hdlc_address_of_seven_bits_reaches_the_meter(meter: RunningMeter) -> None:
    with connect(meter.hdlc, hdlc_address=32) as client:
        assert client.find(ENERGY) is not None


def test_a_lower_hdlc_address_of_fourteen_bits_reaches_the_meter(tmp_path: Path) -> None:
    with running_meter(tmp_path, hdlc_address=0x2000) as running, connect(running.hdlc, hdlc_address=0x2000) as client:
        assert client.find(ENERGY) is not None


def test_another_lower_hdlc_address_is_met_with_silence(meter: RunningMeter) -> None:
    with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s \(client 18, server 16\)"):
        connect(meter.hdlc, hdlc_address=33, timeout_s=0.2)


def test_without_password_the_public_association_answers(meter: RunningMeter) -> None:
    with connect(meter.address, password=None) as client:
        assert len(client.object_list()) < 20
        with pytest.raises(AccessFailed, match="object-undefined"):
            client.read_value(Descriptor(3, ENERGY, 2))
        assert client.read_value(Descriptor(1, Obis.parse("1.1.96.1.0.255"), 2)) == SERIAL_NUMBER


def test_a_maximum_comes_with_the_time_it_was_captured(meter: RunningMeter) -> None:
    with connect(meter.address) as client:
        row = client.find(Obis.parse("1.1.1.6.0.255"))
        assert row is not None
        reading = client.read_scaled(row)
        assert (reading.value, reading.unit) == (750, "W")
        assert isinstance(reading.capture_time, DateTime)


def test_scalers_below_zero_give_decimals(meter: RunningMeter) -> None:
    with connect(meter.address) as client:
        whole, fine = (client.find(Obis.parse(f"1.1.1.8.0.{storage}")) for storage in (255, 128))
        assert whole is not None
        assert fine is not None
        assert 0 <= client.read_scaled(fine).value - client.read_scaled(whole).value < 2


class TestProfiles:
    def test_columns_have_headings_and_units(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            columns = client.read_profile(LOAD_PROFILE, last=1).columns
        assert [(column.heading, column.unit) for column in columns[:5:4]] == [
            ("Clock", ""),
            ("Active energy import (A+), total", "Wh"),
        ]

    @pytest.mark.parametrize(("count", "expected"), [(1, ["12:00"]), (2, ["11:45", "12:00"])])
    def test_last_rows_are_the_newest_oldest_first(self, meter: RunningMeter, count: int, expected: list[str]) -> None:
        with connect(meter.address) as client:
            assert clocks(client, last=count) == expected

    def test_more_rows_than_there_are_is_all_of_them(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            everything = clocks(client)
            assert len(everything) > 1000
            assert clocks(client, last=len(everything) + 1) == everything

    def test_a_range_is_local_time_of_the_meter(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            assert clocks(
                client, begin=datetime(2026, 11, 21, 11, 30), end=datetime(2026, 11, 21, 11, 45)
            ) == ["11:30", "11:45"]  # fmt: skip

    def test_a_range_in_daylight_saving_time_is_local_time_too(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            begin, end = datetime(2026, 7, 1, 11, 30), datetime(2026, 7, 1, 11, 45)
            rows = client.read_profile(LOAD_PROFILE, begin, end).rows
        assert [str(row[0]) for row in rows] == ["2026-07-01 11:30:00 DST", "2026-07-01 11:45:00 DST"]

    def test_a_range_with_a_time_zone_is_converted(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            limits = (datetime.fromisoformat(f"2026-11-21T{time}+00:00") for time in ("10:30", "10:45"))
            assert clocks(client, begin=next(limits), end=next(limits)) == ["11:30", "11:45"]

    def test_a_range_may_be_open_on_one_side(self, meter: RunningMeter) -> None:
        with connect(meter.address) as client:
            assert clocks(client, begin=datetime(2026, 11, 21, 11, 31)) == ["11:45", "12:00"]

    def test_the_last_rows_of_a_meter_that_counts_from_the_oldest_are_the_newest_too(self, tmp_path: Path) -> None:
        profile = tmp_path / "counting.toml"
        profile.write_text('name = "counting"\ninherits = "382M"\n[cosem]\nentry_numbering = "blue-book"\n')
        with running_meter(tmp_path, str(profile)) as running, connect(running.address) as client:
            assert clocks(client, last=1) == ["12:00"]
            assert clocks(client, last=3) == ["11:30", "11:45", "12:00"]

    def test_the_last_rows_across_the_end_of_daylight_saving_are_the_newest(self, tmp_path: Path) -> None:
        # 01:05 UTC on the last Sunday of October: 02:45 DST was followed by 02:00.
        with running_meter(tmp_path, start="2026-10-25T01:05:00+00:00") as running, connect(running.address) as client:
            assert clocks(client, last=2) == ["02:45", "02:00"]


def test_a_wrong_password_is_rejected_with_the_reason(meter: RunningMeter) -> None:
    with pytest.raises(AssociationRejected, match="association rejected: authentication-failure"):
        connect(meter.hdlc, password="54321")


def test_an_unknown_object_fails_alone(meter: RunningMeter) -> None:
    with connect(meter.address) as client:
        with pytest.raises(AccessFailed) as failed:
            client.read_value(Descriptor(3, Obis.parse("1.1.77.8.0.255"), 2))
        assert failed.value.result is DataAccessResult.OBJECT_UNDEFINED
        assert client.read_value(CURRENT_ASSOCIATION)


@pytest.mark.parametrize("scheme", ["", "hdlc://"])
def test_nobody_listening_cannot_be_connected_to(scheme: str) -> None:
    with pytest.raises(CannotConnect, match=r"cannot connect to .*: Connection refused"):
        connect(scheme + unused_address())


def test_nobody_listening_at_a_udp_port_cannot_be_connected_to() -> None:
    with pytest.raises(CannotConnect, match="nobody listens there"):
        connect(f"udp://{unused_address()}", timeout_s=2.0)


def test_a_device_that_does_not_exist_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CannotConnect, match=r"cannot open .*: No such file or directory"):
        connect(str(tmp_path / "none"))


def test_a_host_that_does_not_exist_cannot_be_connected_to() -> None:
    with pytest.raises(CannotConnect, match="cannot connect to tcp://"):
        connect("256.256.256.256:4059")


@pytest.mark.parametrize("scheme", ["", "hdlc://"])
def test_a_listener_that_never_answers_ends_in_no_answer(scheme: str) -> None:
    with silent_listener() as (_, address), pytest.raises(NoAnswer, match=r"no answer within 0\.1 s"):
        connect(scheme + address, timeout_s=0.1)


@pytest.mark.parametrize("peer", [silent_datagrams, silent_pty])
def test_a_silent_line_ends_in_no_answer(peer: type[AbstractContextManager[str]]) -> None:
    options = LinkOptions(18, 16, 0.1, baud=115200)
    with peer() as endpoint, pytest.raises(NoAnswer, match="no answer within"):
        MeterClient.connect(Endpoint.parse(endpoint), options, PASSWORD.encode())


def test_an_unknown_logical_device_is_met_with_silence(meter: RunningMeter) -> None:
    with pytest.raises(NoAnswer, match=r"client 18, server 5"):
        MeterClient.connect(Endpoint.parse(meter.address), LinkOptions(18, 5, 0.1), None)


ANSWERS: list[tuple[bytes, type[ClientError], str]] = [
    (b"", ConnectionLost, "closed the connection"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolFault, "does not speak the wrapper"),
    (encode_wpdu(16, 18, b"\xd8\x01\x01"), ProtocolFault, "makes no sense"),
    (encode_wpdu(16, 18, b""), ProtocolFault, "makes no sense"),
    (encode_wpdu(16, 99, b"\x61\x00"), ConnectionLost, "closed the connection"),
]


@pytest.mark.parametrize(("answer", "error", "text"), ANSWERS)
def test_an_answer_that_is_none_is_told_apart(answer: bytes, error: type[ClientError], text: str) -> None:
    with answering_peer(answer) as address, pytest.raises(error, match=text):
        connect(address)


@pytest.mark.parametrize(
    ("client_sap", "server_sap", "hdlc_address"), [(200, 1, None), (127, 1, None), (16, 200, None), (16, 1, 0x3FFE)]
)
def test_addresses_that_do_not_fit_hdlc_are_refused(client_sap: int, server_sap: int, hdlc_address: int | None) -> None:
    options = LinkOptions(client_sap, server_sap, hdlc_address=hdlc_address)
    with silent_listener() as (_, address), pytest.raises(ValueError, match="does not fit"):
        MeterClient.connect(Endpoint.parse(f"hdlc://{address}"), options)
