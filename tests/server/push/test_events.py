"""Events that a running meter tells its clients unasked, over TCP and HDLC, plain and ciphered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conformance.client import MeterClient
from conformance.endpoint import Endpoint
from conformance.links import LinkOptions
from cosem.client import FULL_LN_CONFORMANCE, Client
from cosem.data_types import DOUBLE_LONG_UNSIGNED, decode_all
from cosem.event_service import EVENT_TAGS, Event
from cosem.initiate import Conformance
from cosem.notification import EventNotification
from cosem.short_names.apdus import InformationReport
from cosem.xdlms import Descriptor
from metering.inputs import SetCover, SetEventMasks, SetSupply
from metering.status import MeterStatus
from obis import Obis
from server.runtime import Runtime
from server.time_source import SteppedTime
from transports.hdlc.primary import Announced, ApduReceived, Connected, HdlcPrimary, PrimaryEvent
from transports.wrapper import WpduReader, encode_wpdu

from ..running import LOOPBACK
from ..security.head_end import SECRET, client
from .bench import pushing

EVENT_STATUS_A = Descriptor(1, Obis.parse("0.1.96.10.1.255"), 2)
COVER = int(MeterStatus.COVER_OPEN)
LLS, LLS_CIPHERED, GMAC_CIPHERED, SUITE_2 = 18, 49, 53, 57
SN_LLS, SN_GMAC_CIPHERED = 71, 85
PATIENCE_S = 5
Result = TypeVar("Result")


class HeadEnd:
    """A client that listens: answers and events come apart."""

    def __init__(self, client_sap: int, *, listens: bool = True, counter: int = 1) -> None:
        self.sap = client_sap
        if client_sap == LLS:
            self.client: Any = Client(b"12345", 0xFFFF, FULL_LN_CONFORMANCE)
        else:
            self.client = client(client_sap, counter=counter)
        if listens and client_sap < 64:
            self.client.conformance |= Conformance.EVENT_NOTIFICATION
        self.raw_events: list[bytes] = []
        self.events: list[Event] = []

    def hear(self, apdu: bytes) -> None:
        self.raw_events.append(apdu)
        self.events.append(self.client.event(apdu))

    async def ask(self, request: bytes) -> bytes:
        raise NotImplementedError

    async def run(self, exchange: Any) -> Any:
        request = next(exchange)
        while True:
            try:
                request = exchange.send(await self.ask(request))
            except StopIteration as done:
                return done.value

    async def next_event(self) -> Event:
        raise NotImplementedError


class TcpHeadEnd(HeadEnd):
    async def open(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self._octets, self._writer = await asyncio.open_connection(host, int(port))
        self._wpdus = WpduReader(0xFFFF)
        self._waiting: list[bytes] = []
        await self.run(self.client.associate())

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def read(self) -> bytes | None:
        """The next APDU, in the order in which they were protected; None for an event, which is kept."""
        while not self._waiting:
            async with asyncio.timeout(PATIENCE_S):
                heard = await self._octets.read(65536)
            self._waiting += [wpdu.apdu for wpdu in self._wpdus.receive_data(heard)]
        apdu = self._waiting.pop(0)
        if apdu[0] not in EVENT_TAGS:
            return apdu
        self.hear(apdu)
        return None

    async def ask(self, request: bytes) -> bytes:
        self._writer.write(encode_wpdu(self.sap, 16, request))
        while (answer := await self.read()) is None:
            pass
        return answer

    async def next_event(self) -> Event:
        while not self.events:
            assert await self.read() is None
        return self.events.pop(0)


class HdlcHeadEnd(HeadEnd):
    async def open(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self._octets, self._writer = await asyncio.open_connection(host, int(port))
        self._primary = HdlcPrimary(self.sap, 16)
        self._now = 0.0
        self._primary.connect(self._now)
        await self._until(Connected)
        await self.run(self.client.associate())

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _until(self, kind: type[Result]) -> Result:
        while True:
            self._writer.write(self._primary.data_to_send())
            async with asyncio.timeout(PATIENCE_S):
                heard = await self._octets.read(65536)
            events: list[PrimaryEvent] = self._primary.receive_data(heard, self._now)
            for event in events:
                if isinstance(event, Announced):
                    self.hear(event.apdu)
            for event in events:
                if isinstance(event, kind):
                    return event

    async def ask(self, request: bytes) -> bytes:
        self._primary.send_apdu(request, self._now)
        return (await self._until(ApduReceived)).apdu

    async def next_event(self) -> Event:
        if not self.events:
            self._primary.listen(self._now)
            await self._until(Announced)
        return self.events.pop(0)


@asynccontextmanager
async def listening_to_a_meter(
    kind: Callable[..., HeadEnd], client_sap: int, **more: Any
) -> AsyncIterator[tuple[Any, Runtime, SteppedTime]]:
    head_end: Any = kind(client_sap, **{name: more.pop(name) for name in ("listens",) if name in more})
    endpoints = [{"kind": "tcp", "address": LOOPBACK}]
    async with pushing(meter={"profile": "382M-secure"}, endpoints=endpoints, **more) as (runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetEventMasks(COVER, 0))
        await head_end.open(runtime.endpoints[0].name)
        yield head_end, runtime, time
        await head_end.close()


def value_of(event: Event) -> int:
    octets = event.value if isinstance(event, EventNotification) else event.values[0]
    found: int = decode_all(DOUBLE_LONG_UNSIGNED, octets)
    return found


@pytest.mark.parametrize("kind", [TcpHeadEnd, HdlcHeadEnd])
@pytest.mark.parametrize("client_sap", [LLS_CIPHERED, GMAC_CIPHERED, SUITE_2, SN_LLS, SN_GMAC_CIPHERED])
async def test_an_alarm_is_told_to_who_listens(kind: Callable[..., HeadEnd], client_sap: int) -> None:
    async with listening_to_a_meter(kind, client_sap) as (head_end, runtime, time):
        (meter,) = runtime.meters
        time.forward(100)
        meter.apply(SetCover(True))
        await asyncio.sleep(0)
        event = await head_end.next_event()
        assert value_of(event) & COVER
        if client_sap < 64:
            assert isinstance(event, EventNotification)
            assert event.attribute == EVENT_STATUS_A
            assert event.date_time is not None
            assert tuple(event.date_time[5:8]) == (13, 1, 41)
        else:
            assert isinstance(event, InformationReport)
            assert event.time == "20260302130141"


async def test_it_is_ciphered_where_the_association_is() -> None:
    for client_sap, tag in ((GMAC_CIPHERED, 0xCA), (SN_GMAC_CIPHERED, 0x38)):
        async with listening_to_a_meter(TcpHeadEnd, client_sap) as (head_end, runtime, _):
            (meter,) = runtime.meters
            meter.apply(SetCover(True))
            while not head_end.events:
                await head_end.read()
            assert head_end.raw_events[0][0] == tag


async def test_requests_and_events_go_through_each_other_and_every_counter_is_fresh() -> None:
    async with listening_to_a_meter(TcpHeadEnd, GMAC_CIPHERED) as (head_end, runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetCover(True))
        for number in range(1, 40):
            time.forward(1)
            meter.apply(SetEventMasks(COVER if number % 2 == 0 else 0, 0))
            assert await head_end.run(head_end.client.get(EVENT_STATUS_A))
        assert len(head_end.events) == 19


async def test_an_event_waits_for_an_answer_that_waits_for_the_disk(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    async with listening_to_a_meter(TcpHeadEnd, GMAC_CIPHERED, state=state) as (head_end, runtime, _):
        (meter,) = runtime.meters
        note = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2)
        value = await head_end.run(head_end.client.get(note))
        # The alarm comes while the SET is served: it is looked at in the next round, the disk answers later.
        meter.on_configured.append(lambda: meter.apply(SetCover(True)))
        (session,) = meter.listeners
        waited: list[int] = []
        meter.on_configured.append(lambda: asyncio.get_running_loop().call_soon(lambda: waited.append(session.writing)))
        await head_end.run(head_end.client.set(note, value))
        assert value_of(await head_end.next_event()) & COVER
        assert waited == [1]


@pytest.mark.parametrize("protocol", ["", "hdlc://"])
async def test_a_client_that_reads_takes_no_event_for_an_answer(protocol: str) -> None:
    endpoints = [{"kind": "tcp", "address": LOOPBACK}]
    async with pushing(meter={"profile": "382M-secure"}, endpoints=endpoints) as (runtime, _):
        (meter,) = runtime.meters
        meter.apply(SetEventMasks(COVER, 0))
        place = Endpoint.parse(protocol + runtime.endpoints[0].name.removeprefix("tcp://"))
        options = LinkOptions(SN_LLS, 16)
        reader = await asyncio.to_thread(MeterClient.connect, place, options, SECRET, short_names=True)
        assert reader.take_events() == []
        meter.apply(SetCover(True))
        await asyncio.sleep(0)
        assert await asyncio.to_thread(reader.read_value, EVENT_STATUS_A) & COVER
        (event,) = reader.take_events()
        assert value_of(event) & COVER
        assert reader.take_events() == []
        await asyncio.to_thread(reader.close)


async def test_what_alarmed_before_anybody_listened_is_not_news() -> None:
    async with listening_to_a_meter(TcpHeadEnd, LLS_CIPHERED) as (first, runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetCover(True))
        assert value_of(await first.next_event()) & COVER
        time.forward(120)
        await first.run(first.client.get(EVENT_STATUS_A))
        assert not first.events


@pytest.mark.parametrize(("client_sap", "listens"), [(LLS, True), (LLS_CIPHERED, False)])
async def test_who_has_not_asked_to_be_told_is_not(client_sap: int, listens: bool) -> None:
    async with listening_to_a_meter(TcpHeadEnd, client_sap, listens=listens) as (head_end, runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetCover(True))
        time.forward(60)
        await head_end.run(head_end.client.get(EVENT_STATUS_A))
        assert not head_end.events
        assert not meter.listeners


async def test_who_is_gone_or_has_released_listens_no_more() -> None:
    async with listening_to_a_meter(TcpHeadEnd, GMAC_CIPHERED) as (head_end, runtime, _):
        (meter,) = runtime.meters
        assert len(meter.listeners) == 1
        await head_end.run(head_end.client.release())
        assert not meter.listeners
    async with listening_to_a_meter(TcpHeadEnd, LLS_CIPHERED) as (head_end, runtime, _):
        (meter,) = runtime.meters
        await head_end.close()
        async with asyncio.timeout(PATIENCE_S):
            while meter.listeners:
                await asyncio.sleep(0.001)


async def test_an_alarm_that_the_premises_bring_about_is_told_within_a_minute() -> None:
    async with listening_to_a_meter(TcpHeadEnd, LLS_CIPHERED) as (head_end, runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetEventMasks(0xFFFF_FFFF, 0xFFFF_FFFF))
        meter.apply(SetSupply((0, 230_000, 230_000)))
        time.forward(61)
        assert value_of(await head_end.next_event())


async def test_a_meter_without_supply_tells_nothing() -> None:
    async with listening_to_a_meter(TcpHeadEnd, LLS_CIPHERED) as (head_end, runtime, time):
        (meter,) = runtime.meters
        meter.apply(SetSupply((0, 0, 0)))
        meter.apply(SetCover(True))
        time.forward(60)
        meter.apply(SetSupply())
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await head_end._octets.read(1)
