"""Push setup objects of a running meter, written and pushed by a client, read by a head-end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cosem.client import AccessFailed
from cosem.data_types import INTEGER, DataType
from cosem.date_time import DateTime
from cosem.errors import DataAccessResult, OtherReason
from cosem.notification import read_data_notification
from cosem.push_setup import PUSH_SETUPS, Destination, PushObject, PushSetupV2, Transport, push_objects
from cosem.reader import Reader as WireReader
from cosem.security.policy import SecurityPolicy
from cosem.security.tags import GENERAL_GLO_CIPHERING
from obis import Obis
from server.binding import Context
from server.runtime import Runtime
from server.time_source import SteppedTime

from ..conftest import Lab, Reader
from .bench import Listener, listening, pushing, settled, values

SETUPS = {0: "0.1.25.9.0.255", 1: "0.0.25.9.0.255", 2: "0.2.25.9.0.255"}
SECURE: dict[str, Any] = {"meter": {"profile": "382M-secure"}}
SERIAL_NUMBER = PushObject(1, Obis.parse("1.1.96.1.0.255"), 2)
CLOCK = PushObject(8, Obis.parse("0.1.1.0.0.255"), 2)
TARIFF = PushObject(1, Obis.parse("1.1.129.0.0.255"), 2)
"""Only clients with a password may read it."""


class Setup:
    """A Push setup as a client with a password sees it."""

    def __init__(self, runtime: Runtime, time: SteppedTime, version: int) -> None:
        (self.meter,) = runtime.meters
        self.reader = Reader(Lab(self.meter, runtime.meters[self.meter], time), 18, 16, b"12345", 0xFFFF)
        self.version = version
        self.name = SETUPS[version]

    def type(self, index: int) -> DataType:
        type_ = PUSH_SETUPS[self.version].attributes[index].type
        assert type_ is not None
        return type_

    def write(self, index: int, value: Any) -> None:
        self.reader.set(40, self.name, index, self.type(index), value)

    def read(self, index: int) -> Any:
        return self.reader.get(40, self.name, index, self.type(index))

    def push_to(self, listener: Listener, *objects: PushObject) -> None:
        self.write(2, [item.to_structure(self.version) for item in objects])
        self.write(3, Destination(Transport.TCP, f"127.0.0.1:{listener.port}".encode()))

    def push(self) -> None:
        self.reader.action(40, self.name, 1, INTEGER, 0)


@pytest.mark.parametrize("version", SETUPS)
async def test_the_method_pushes_what_a_client_has_asked_for_to_where_it_said(version: int) -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, version)
        setup.push_to(listener, SERIAL_NUMBER, CLOCK)
        setup.push()
        wpdu = await listener.next()
        assert (wpdu.source, wpdu.destination) == (1, 16)
        pushed = read_data_notification(wpdu.apdu)
        assert values(pushed) == (12345678, pushed.date_time)


@pytest.mark.parametrize("version", SETUPS)
async def test_every_attribute_reads_as_it_was_written(version: int) -> None:
    async with pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, version)
        window = (DateTime(hour=22, minute=0, second=0), DateTime(hour=6, minute=0, second=0))
        written: dict[int, Any] = {
            2: [CLOCK.to_structure(version)],
            3: (Transport.UDP, b"127.0.0.1:4059", 0),
            4: [window],
            5: 300,
            6: 3,
            7: (10, 200, 600) if version == 2 else 60,
            8: Obis.parse("0.0.22.0.0.255"),
            9: 18,
            10: [],
            11: 1,
            12: (DateTime(2026, 3, 2), 3600),
        }
        for index in PUSH_SETUPS[version].attributes.keys() & written.keys():
            setup.write(index, written[index])
            assert setup.read(index) == written[index]


async def test_what_was_written_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with pushing(**SECURE, state=tmp_path / "state.sqlite") as (runtime, time):
        setup = Setup(runtime, time, 2)
        setup.write(6, 9)
        setup.meter.take_pending()
        (meter,) = runtime.meters
        assert meter.memory
    async with pushing(**SECURE, state=tmp_path / "state.sqlite") as (runtime, time):
        assert Setup(runtime, time, 2).read(6) == 9


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (2, [(*CLOCK[:3], 1, (0, None), [])]),
        (2, [(*CLOCK.to_structure(2)[:5], [(8, CLOCK.logical_name, 2, 0)])]),
        (3, (4, b"+4512345678", 0)),
        (3, (Transport.TCP, b"127.0.0.1:1", 1)),
        (4, [(DateTime(2026, 2, 29, 255, 0, 0, 0), DateTime())]),
        (8, b"12345"),
        (11, 2),
    ],
)
async def test_what_is_not_served_is_refused_when_it_is_written(index: int, value: Any) -> None:
    async with pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        before = setup.read(index)
        with pytest.raises(AccessFailed):
            setup.write(index, value)
        assert setup.read(index) == before


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (2, [CLOCK.to_structure(2)] * 129),
        (3, (Transport.TCP, b"x" * 256, 0)),
        (4, [(DateTime(), DateTime())] * 33),
    ],
)
async def test_more_than_a_meter_keeps_is_refused(index: int, value: Any) -> None:
    async with pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        context = Context(runtime.meters[setup.meter], setup.meter, "module")
        bound = runtime.meters[setup.meter].push_setups[Obis.parse(setup.name)].object.attributes[index]
        with pytest.raises(OtherReason):
            bound.write(context, WireReader(setup.type(index).encode(value)))
        assert not setup.meter.pending


def test_a_restriction_is_refused() -> None:
    with pytest.raises(ValueError, match="restriction"):
        push_objects([(*CLOCK, (1, None))])


async def test_a_push_opens_nothing_to_its_client_that_it_may_not_read() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, TARIFF, SERIAL_NUMBER, PushObject(1, Obis.parse("1.1.99.99.99.255"), 2))
        setup.push()
        assert values(read_data_notification((await listener.next()).apdu)) == (None, 12345678, None)
        setup.write(9, 18)
        setup.push()
        wpdu = await listener.next()
        assert (wpdu.source, wpdu.destination) == (16, 18)
        assert values(read_data_notification(wpdu.apdu)) == (1, 12345678, None)


async def test_attribute_0_is_all_of_an_object() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, SERIAL_NUMBER._replace(attribute=0))
        setup.push()
        assert values(read_data_notification((await listener.next()).apdu)) == ((SERIAL_NUMBER.logical_name, 12345678),)


async def test_pushes_of_a_setup_are_numbered() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 0)
        setup.push_to(listener, CLOCK)
        numbers = []
        for _ in range(3):
            setup.push()
            numbers.append(read_data_notification((await listener.next()).apdu).invoke)
        assert numbers == [1, 2, 3]


async def test_a_push_is_protected_as_the_policy_of_its_association_asks() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, SERIAL_NUMBER)
        setup.write(9, 53)
        setup.push()
        assert (await listener.next()).apdu[0] == 0x0F
        setup.meter.security.setups[0].activate(SecurityPolicy.of(1, 0x6C))
        setup.push()
        wpdu = await listener.next()
        assert wpdu.apdu[0] == GENERAL_GLO_CIPHERING
        assert b"\x0f" + bytes(3) not in wpdu.apdu


async def test_a_push_whose_policy_asks_for_a_signature_is_not_made() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, SERIAL_NUMBER)
        setup.write(9, 53)
        setup.meter.security.setups[0].activate(SecurityPolicy.of(1, 0xEC))
        with capture_logs() as logs:
            setup.push()
            await settled(runtime)
        assert [entry["reason"] for entry in logs] == ["pushes are not signed"]
        assert listener.wpdus.empty()


async def test_a_client_sends_pushes_to_no_host_that_the_configuration_does_not_name() -> None:
    async with pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.write(3, Destination(Transport.TCP, b"192.0.2.1:4059"))
        with capture_logs() as logs:
            setup.push()
            await settled(runtime)
        assert [entry["reason"] for entry in logs] == [
            "send_destination_and_method: 192.0.2.1 is not among the hosts of the configuration"
        ]


async def test_the_configuration_names_a_destination_until_a_client_does() -> None:
    async with listening() as listener, listening() as other:
        push = {"setup": SETUPS[2], "to": listener.address, "retries": 2, "repetition_delay_s": 5, "client_sap": 18}
        async with pushing(push, **SECURE) as (runtime, time):
            setup = Setup(runtime, time, 2)
            assert setup.read(3) == (Transport.TCP, f"127.0.0.1:{listener.port}".encode(), 0)
            assert (setup.read(6), setup.read(7), setup.read(9)) == (2, (5, 100, 5), 18)
            setup.push()
            assert values(read_data_notification((await listener.next()).apdu)) == ()
            setup.push_to(other, CLOCK)
            setup.push()
            await other.next()
            assert listener.wpdus.empty()


async def test_a_push_waits_for_its_communication_window() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 1)
        setup.push_to(listener, CLOCK)
        setup.write(4, [(DateTime(hour=22, minute=0, second=0), DateTime(hour=23, minute=0, second=0))])
        setup.push()
        await settled(runtime)
        assert listener.wpdus.empty()
        time.forward(9 * 3600)
        assert read_data_notification((await listener.next()).apdu).date_time[5] == 22


async def test_reset_gives_up_a_push_that_waits() -> None:
    async with listening() as listener, pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        setup.push_to(listener, CLOCK)
        setup.write(4, [(DateTime(hour=22, minute=0, second=0), DateTime(hour=23, minute=0, second=0))])
        setup.push()
        setup.reader.action(40, setup.name, 2, INTEGER, 0)
        time.forward(10 * 3600)
        await settled(runtime)
        assert listener.wpdus.empty()


async def test_nobody_writes_the_last_confirmation() -> None:
    async with pushing(**SECURE) as (runtime, time):
        setup = Setup(runtime, time, 2)
        assert PushSetupV2.last_confirmation_date_time.index == 13
        with pytest.raises(AccessFailed) as refused:
            setup.write(13, DateTime.from_datetime(datetime(2026, 3, 2)))
        assert refused.value.result is DataAccessResult.READ_WRITE_DENIED
