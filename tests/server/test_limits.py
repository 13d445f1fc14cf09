"""What peers may cost: each limit of `[limits]`, met over a real wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cosem.client import Client
from cosem.request_cost import RequestLimits
from cosem.xdlms import Descriptor
from obis import Obis
from server.config import RunConfig
from server.limits import Limits
from server.runtime import Runtime
from transports.kmp import TO_METER, encode_frame
from transports.wrapper import encode_wpdu

from .clients import TcpPort, UdpPort, WrapperClient
from .running import LOOPBACK, running

METER: list[dict[str, Any]] = [{}]
LOAD_PROFILE = Descriptor(7, Obis.parse("1.1.99.1.0.255"), 2)
TCP = [{"kind": "tcp", "address": LOOPBACK}]
HELLO = next(Client(b"12345").associate())
WRONG = next(Client(b"54321").associate())


def is_shut_out(port: TcpPort) -> bool:
    """Whether the meter closes the connection instead of answering an AARQ."""
    try:
        port.write(encode_wpdu(18, 16, HELLO))
        return not port.read(10)
    except ConnectionError:
        return True


def answer(port: TcpPort, apdu: bytes, client_sap: int = 18) -> bytes:
    """What the meter answers, nothing where it says nothing for a while."""
    port.write(encode_wpdu(client_sap, 16, apdu))
    return port.read(0.3)[8:]


def at(runtime: Runtime) -> str:
    return runtime.endpoints[0].name


async def test_a_host_has_so_many_connections() -> None:
    async with running(METER, TCP, limits={"connections_per_host": 2}) as runtime:

        def work() -> None:
            first, second = TcpPort(at(runtime)), TcpPort(at(runtime))
            assert answer(first, HELLO)[0] == answer(second, HELLO)[0] == 0x61
            assert is_shut_out(TcpPort(at(runtime)))
            assert answer(first, HELLO)[0] == 0x61, "who is in is not disturbed"
            second.finish()
            with pytest.raises(ConnectionError, match="closed by the meter"):
                second.read(10)

        await asyncio.to_thread(work)
        port = await asyncio.to_thread(TcpPort, at(runtime))
        assert not await asyncio.to_thread(is_shut_out, port)


async def test_all_endpoints_together_have_so_many_connections() -> None:
    async with running(METER, TCP * 2, limits={"connections": 1}) as runtime:
        first = await asyncio.to_thread(TcpPort, runtime.endpoints[0].name)
        assert (await asyncio.to_thread(answer, first, HELLO))[0] == 0x61
        second = await asyncio.to_thread(TcpPort, runtime.endpoints[1].name)
        assert await asyncio.to_thread(is_shut_out, second)


async def test_a_host_that_guesses_passwords_is_shut_out_for_a_while() -> None:
    async with running(METER, TCP, limits={"failures_per_host": 3, "failure_window_s": 3600}) as runtime:
        guessing, other = await asyncio.to_thread(TcpPort, at(runtime)), await asyncio.to_thread(TcpPort, at(runtime))
        for _ in range(3):
            assert (await asyncio.to_thread(answer, guessing, WRONG))[0] == 0x61
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(answer, guessing, WRONG)
        assert await asyncio.to_thread(is_shut_out, await asyncio.to_thread(TcpPort, at(runtime)))
        assert (await asyncio.to_thread(answer, other, HELLO))[0] == 0x61, "who is in is not disturbed"


async def test_guesses_by_kmp_count_as_well() -> None:
    login = encode_frame(TO_METER, 0x3F, bytes.fromhex("920001"))
    async with running(METER, TCP, limits={"failures_per_host": 2}) as runtime:
        port = await asyncio.to_thread(TcpPort, at(runtime))
        for _ in range(2):
            await asyncio.to_thread(port.write, login)
            assert await asyncio.to_thread(port.read, 0.3) == b""
        await asyncio.to_thread(port.write, login)
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(port.read, 10)


async def test_right_passwords_shut_nobody_out() -> None:
    async with running(METER, TCP, limits={"failures_per_host": 0}) as runtime:
        for _ in range(3):
            client = await asyncio.to_thread(lambda: WrapperClient(TcpPort(at(runtime))))
            assert await asyncio.to_thread(client.get, 1, "1.1.96.1.0.255") == 12345678


async def test_a_stream_has_so_many_associations() -> None:
    async with running(METER, TCP, limits={"associations_per_connection": 2}) as runtime:
        port = await asyncio.to_thread(TcpPort, at(runtime))
        assert (await asyncio.to_thread(answer, port, HELLO, 18))[0] == 0x61
        assert (await asyncio.to_thread(answer, port, HELLO, 19))[0] == 0x61
        assert await asyncio.to_thread(answer, port, HELLO, 20) == b""
        assert (await asyncio.to_thread(answer, port, HELLO, 18))[0] == 0x61


async def test_an_apdu_above_the_limit_ends_the_connection() -> None:
    async with running(METER, TCP, limits={"apdu_octets": 100}) as runtime:
        port = await asyncio.to_thread(TcpPort, at(runtime))
        assert (await asyncio.to_thread(answer, port, HELLO))[0] == 0x61
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(answer, port, bytes(101))


class CountingPort(UdpPort):
    """Notes how long the datagrams of the meter are."""

    longest = 0

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        self.longest = max(self.longest, len(data))
        return data


async def test_long_answers_arrive_over_udp_in_datagrams_that_no_network_cuts() -> None:
    async with running(METER, [{"kind": "udp", "address": LOOPBACK}]) as runtime:

        def work() -> tuple[int, int]:
            client = WrapperClient(port := CountingPort(at(runtime)))
            return len(client.run(client.client.get(LOAD_PROFILE))), port.longest

        octets, longest = await asyncio.to_thread(work)
    assert octets > 0x10000
    assert 1000 < longest <= 1408


async def test_what_a_client_left_in_the_middle_is_forgotten_while_it_says_nothing() -> None:
    async with running(METER, TCP, limits={"block_rest_s": 0.2}) as runtime:
        client = await asyncio.to_thread(lambda: WrapperClient(TcpPort(at(runtime))))
        request = next(client.client.get(LOAD_PROFILE))
        assert (await asyncio.to_thread(client.ask, request))[:2] == b"\xc4\x02"
        assert runtime.held.total > 0x10000
        async with asyncio.timeout(10):
            while runtime.held.total:
                await asyncio.sleep(0)


async def test_all_connections_together_leave_a_bounded_number_of_octets() -> None:
    async with running(METER, TCP, limits={"held_octets": 1 << 20}) as runtime:
        for _ in range(5):
            client = await asyncio.to_thread(lambda: WrapperClient(TcpPort(at(runtime))))
            request = next(client.client.get(LOAD_PROFILE))
            assert (await asyncio.to_thread(client.ask, request))[:2] == b"\xc4\x02"
            assert 0x10000 < runtime.held.total <= 1 << 20


def test_every_bound_of_requests_is_a_setting() -> None:
    names = {
        "value_octets": 2000,
        "response_octets": 70_000,
        "accesses": 7,
        "request_s": 3.5,
        "block_window": 5,
        "block_repetitions": 4,
        "block_rest_s": 6.5,
    }
    assert list(Limits(**names).of_requests) == list(names.values())  # type: ignore[arg-type]
    assert len(names) == len(RequestLimits._fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("udp_apdu_octets", 63),
        ("udp_apdu_octets", 65_500),
        ("value_octets", 0),
        ("response_octets", 0),
        ("held_octets", 0),
        ("block_rest_s", 0),
        ("block_window", 64),
        ("block_repetitions", -1),
        ("accesses", 0),
        ("request_s", 0),
        ("connections", 0),
        ("connections_per_host", 0),
        ("failures_per_host", -1),
        ("failure_window_s", 0),
        ("associations_per_connection", 0),
        ("udp_peers", 0),
        ("apdu_octets", 63),
        ("apdu_octets", 65536),
        ("unread_s", 0),
        ("nonsense", 1),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        RunConfig.model_validate({"limits": {name: value}})
