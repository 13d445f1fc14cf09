"""What a 382M-secure accepted it never accepts again, and what it sends it never sends twice: not for clients without a
key, not after restarts, slow disks and kill -9, not under keys that travel or come back."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cosem import acse, initiate
from cosem.acse import ApplicationContext
from cosem.client import AssociationRefused
from cosem.client_security import INITIATE
from cosem.data_types import OCTET_STRING
from cosem.initiate import Conformance
from cosem.interface_classes import KEY_DATA
from cosem.security.invocation import Channel, KeyName
from cosem.security.key_establishment import KeyChoice
from cosem.security.keys import KeyId
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.tags import Envelope
from server.runtime import Runtime
from server.security.kept_counters import AHEAD, REPLACED_KEYS, KeptCounters
from server.security.secrets_at_rest import DOCUMENTED
from server.store import Store
from server.time_source import SteppedTime
from tests.server.clients import TcpPort, WrapperClient
from tests.server.conftest import Process
from tests.server.running import LOOPBACK, names, running
from transports.wrapper import encode_wpdu

from .head_end import TITLE, SecuredClient, counter, documented
from .test_secured_meter import AT, GMAC_CIPHERED, METER, NEW_KEY, SETUP, TCP, key_data, on_meter, port_of

BOTH = Protection.AUTHENTICATED | Protection.ENCRYPTED
K1 = DOCUMENTED[0].keys[KeyId.GLOBAL_UNICAST]
ANYBODY = 48
"""A ciphered association without authentication."""
SERIAL = "1.1.96.1.0.255"


def ask(port: TcpPort, client_sap: int, apdu: bytes) -> bytes:
    """One APDU as it is; gives the answer."""
    port.write(encode_wpdu(client_sap, 16, apdu))
    answer = port.read(10)
    while len(answer) < 8 + int.from_bytes(answer[6:8], "big"):
        answer += port.read(10)
    return answer[8:]


def open_plain(port: TcpPort, title: bytes) -> None:
    """An association of anybody's, under a title that need not be theirs."""
    services = Conformance.GET | Conformance.GENERAL_PROTECTION
    request = initiate.write_initiate_request(initiate.InitiateRequest(services, 0xFFFF))
    answer = ask(port, ANYBODY, acse.write_aarq(ApplicationContext.LN_CIPHERED, request, None, calling_ap_title=title))
    assert acse.read_aare(answer).result == acse.AssociationResult.ACCEPTED


def guess(control: str, invocation_counter: int, first: int = 0) -> bytes:
    """A glo-get-request of somebody without a key; of all `first` octets one deciphers to the tag of a GET."""
    body = bytes.fromhex(control) + invocation_counter.to_bytes(4, "big") + bytes((first, *bytes(12)))
    return bytes((0xC8, len(body))) + body


class Recorder(SecuredClient):
    """Keeps its requests, and the counters of ciphered answers."""

    def __init__(self, port: TcpPort, client_sap: int, **more: Any) -> None:
        self.requests: list[bytes] = []
        self.counters: list[int] = []
        super().__init__(port, client_sap, **more)

    def ask(self, request: bytes) -> bytes:
        answer = super().ask(request)
        self.requests.append(request)
        if answer[0] == 0xCC:  # glo-get-response
            self.counters.append(int.from_bytes(answer[3:7], "big"))
        return answer


def refused(port: TcpPort, client_sap: int, recorded: list[bytes]) -> bool:
    """Whether nothing of a recorded association is accepted."""
    aarq, *requests = recorded
    answers = [ask(port, client_sap, apdu)[0] for apdu in requests]
    return acse.read_aare(ask(port, client_sap, aarq)).result != 0 and set(answers) == {0xD8}


# --- clients without a key ------------------------------------------------------------------------------


async def test_guesses_without_a_key_move_no_counter_of_a_client() -> None:
    async with running(METER, TCP, SteppedTime(AT), limits={"failures_per_host": 10_000}) as runtime:

        def work() -> None:
            victim = SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=5)
            before = counter(port_of(runtime))
            port = port_of(runtime)
            open_plain(port, TITLE)
            answers = [ask(port, ANYBODY, guess("20", 60_000, first)) for first in range(256)]
            assert answers.count(bytes.fromhex("d80101")) == 1, "one of them deciphers to a GET, which is not served"
            assert set(answers) == {bytes.fromhex(text) for text in ("d80101", "d80205", "d8020600 00ea61")}
            assert ask(port, ANYBODY, guess("20", 0xFFFFFFFF)) == bytes.fromhex("d80101"), "a jump is not looked at"
            assert counter(port_of(runtime)) == before
            assert victim.get(1, SERIAL) == 12345678

        await asyncio.to_thread(work)


async def test_who_guesses_on_is_cut_off() -> None:
    async with running(METER, TCP, SteppedTime(AT), limits={"failures_per_host": 20}) as runtime:

        def work() -> None:
            port = port_of(runtime)
            open_plain(port, TITLE)
            for _ in range(20):
                ask(port, ANYBODY, guess("30", 1))
            port.write(2 * encode_wpdu(ANYBODY, 16, guess("30", 1)))
            with pytest.raises(ConnectionError):
                any(not port.read(10) for _ in range(3))

        await asyncio.to_thread(work)


async def test_encryption_alone_is_served_once_the_client_has_proved_itself() -> None:
    alone = How(Protection.ENCRYPTED, Envelope.SERVICE_GLOBAL)
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            head_end = Recorder(port_of(runtime), GMAC_CIPHERED, counter=5, how=alone)
            assert head_end.get(1, SERIAL) == 12345678
            assert refused(port_of(runtime), GMAC_CIPHERED, head_end.requests)

        await asyncio.to_thread(work)


async def test_titles_that_nothing_proves_keep_no_client_out() -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            for number in range(100):
                open_plain(port_of(runtime), b"EVIL" + number.to_bytes(4, "big"))
            for number in range(3):
                SecuredClient(port_of(runtime), GMAC_CIPHERED, title=b"GRX\x00" + number.to_bytes(4, "big"))

        await asyncio.to_thread(work)


async def test_of_too_many_clients_the_one_longest_unused_goes_and_nothing_of_it_is_accepted_again(
    tmp_path: Path,
) -> None:
    first = b"GRX\x00" + bytes(4)

    def work(runtime: Runtime) -> list[bytes]:
        oldest = Recorder(port_of(runtime), GMAC_CIPHERED, title=first, counter=50)
        oldest.get(1, SERIAL)
        for number in range(1, 65):
            SecuredClient(port_of(runtime), GMAC_CIPHERED, title=b"GRX\x00" + number.to_bytes(4, "big"))
        assert refused(port_of(runtime), GMAC_CIPHERED, oldest.requests)
        with pytest.raises(AssociationRefused):
            SecuredClient(port_of(runtime), GMAC_CIPHERED, title=b"ONE MORE", counter=1)
        SecuredClient(port_of(runtime), GMAC_CIPHERED, title=b"ONE MORE", counter=counter(port_of(runtime)) + 1)
        received = [name for name in runtime.meter(12345678).memory if name.startswith(b"received 0 unicast ")]
        assert len(received) == 64 + 1, "64 clients and the floor"
        return oldest.requests

    path = tmp_path / "state.sqlite"
    recorded = await on_meter(path, work)
    assert await on_meter(path, lambda runtime: refused(port_of(runtime), GMAC_CIPHERED, recorded))


# --- keys that travel, and that come back ---------------------------------------------------------------


async def test_a_wrapped_key_brings_no_recorded_apdu_back(tmp_path: Path) -> None:
    wrapped = How(BOTH, Envelope.GENERAL, key=KeyChoice.WRAPPED)

    def work(runtime: Runtime) -> bytes:
        head_end = Recorder(port_of(runtime), GMAC_CIPHERED, how=wrapped)
        head_end.set(1, "1.1.96.1.2.255", 2, OCTET_STRING, b"1")
        recorded = head_end.requests[-1]
        head_end.set(1, "1.1.96.1.2.255", 2, OCTET_STRING, b"2")
        is_refused(runtime, recorded)
        return recorded

    def is_refused(runtime: Runtime, recorded: bytes) -> None:
        port = port_of(runtime)
        open_plain(port, TITLE)
        assert recorded[0] == 0xDD
        assert ask(port, ANYBODY, recorded)[:3] == bytes.fromhex("d80206")

    path = tmp_path / "state.sqlite"
    recorded = await on_meter(path, work)
    await on_meter(path, lambda runtime: is_refused(runtime, recorded))


async def test_a_key_that_comes_back_opens_none_of_its_old_traffic(tmp_path: Path) -> None:
    def there_and_back(runtime: Runtime) -> list[bytes]:
        head_end = Recorder(port_of(runtime), GMAC_CIPHERED, counter=700)
        head_end.get(1, SERIAL)
        head_end.action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=NEW_KEY))
        assert counter(port_of(runtime)) == 0, "under a new key clients begin anew"
        keys = documented(global_unicast=NEW_KEY)
        SecuredClient(port_of(runtime), GMAC_CIPHERED, keys=keys).action(
            64, SETUP, 2, KEY_DATA, key_data(global_unicast=K1)
        )
        assert counter(port_of(runtime)) >= 700
        assert refused(port_of(runtime), GMAC_CIPHERED, head_end.requests)
        return head_end.requests

    path = tmp_path / "state.sqlite"
    recorded = await on_meter(path, there_and_back)
    assert await on_meter(path, lambda runtime: refused(port_of(runtime), GMAC_CIPHERED, recorded))


async def kept(key: bytes, memory: dict[bytes, bytes]) -> KeptCounters:
    """Counters over a meter's memory, under a global unicast key."""
    async with running(METER, TCP, SteppedTime(AT)) as runtime:
        meter = runtime.meter(12345678)
        meter.memory = memory
        return KeptCounters(meter, 0, 4, {KeyName.UNICAST: key})


async def test_another_key_in_the_key_file_goes_on_counting_and_the_old_one_may_come_back() -> None:
    memory: dict[bytes, bytes] = {}
    channel = Channel(KeyName.UNICAST, TITLE)
    (await kept(K1, memory)).counters.accept(channel, 500)
    edited = await kept(NEW_KEY, memory)
    assert edited.counters.lowest(channel) == 501 + AHEAD
    edited.replace_key(KeyName.UNICAST, bytes(16))
    assert edited.counters.lowest(channel) == 0
    for back in (NEW_KEY, K1):
        edited.replace_key(KeyName.UNICAST, back)
        assert edited.counters.lowest(channel) == 501 + AHEAD


async def test_of_very_many_keys_none_comes_back_below_its_floor() -> None:
    memory: dict[bytes, bytes] = {}
    counters = await kept(K1, memory)
    keys = [bytes([number]) * 16 for number in range(1, REPLACED_KEYS + 10)]
    channel = Channel(KeyName.UNICAST, TITLE)
    counters.counters.accept(channel, 9000)
    for number, key in enumerate(keys):
        counters.replace_key(KeyName.UNICAST, key)
        counters.counters.accept(channel, counters.counters.lowest(channel) + number)
    counters.replace_key(KeyName.UNICAST, K1)
    assert counters.counters.lowest(channel) > 9000
    assert len([name for name in memory if name.startswith(b"replaced")]) == REPLACED_KEYS + 1


# --- slow disks -----------------------------------------------------------------------------------------


@contextmanager
def held_back(store: Store) -> Iterator[None]:
    """Nothing is committed inside: the store's thread stands in a piece of work that takes so long."""
    standing, go_on = threading.Event(), threading.Event()

    def work(database: object) -> None:
        standing.set()
        go_on.wait(30)

    store._submit(work)
    assert standing.wait(10)
    try:
        yield
    finally:
        go_on.set()


def read_serial(head_end: SecuredClient) -> bytes:
    """A request, sealed and framed."""
    assert head_end.client.security is not None
    get = bytes.fromhex("c001c1 0001 0101600100ff 02 00")
    return encode_wpdu(GMAC_CIPHERED, 16, head_end.client.security.context.seal(get, INITIATE))


def counters_after_a_crash(state: Path, copy: Path) -> Path:
    """What is on disk at this moment, as a crash would leave it."""
    copy.mkdir()
    for file in state.parent.glob("state.sqlite*"):
        shutil.copy(file, copy)
    return copy / state.name


async def test_with_a_slow_disk_no_client_gets_a_counter_that_a_crash_would_bring_again(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    given: list[int] = []

    def work(runtime: Runtime) -> Path:
        assert runtime.store is not None
        clients = [Recorder(port_of(runtime), GMAC_CIPHERED, title=title) for title in (TITLE, b"OTHERCLI")]
        for head_end in clients:
            while len(head_end.counters) < AHEAD // 2 - 10:
                head_end.get(1, SERIAL)
        meter = runtime.meter(12345678)
        while meter.security.sent.next() < meter.security.sent._confirmed - 3:
            pass  # as after so many answers
        meter.committed(meter.take_pending(), failed=True)  # and the write that asked for the next block failed
        with held_back(runtime.store):
            disk = counters_after_a_crash(path, tmp_path / "crash")
            for head_end in clients:
                head_end.port.write(b"".join(read_serial(head_end) for _ in range(6)))
            for _ in range(3):  # others are served: by then what came before is, too
                assert WrapperClient(port_of(runtime)).get(1, SERIAL) == 12345678
            for head_end in clients:
                answers = head_end.port.read(0)
                while answers:
                    end = 8 + int.from_bytes(answers[6:8], "big")
                    given.append(int.from_bytes(answers[11:15], "big"))
                    answers = answers[end:]
        for head_end in clients:
            assert head_end.port.read(10)[8] == 0xCC, "who waited is answered when the disk is done"
        return disk

    def after(runtime: Runtime) -> None:
        again = Recorder(port_of(runtime), GMAC_CIPHERED, counter=counter(port_of(runtime)) + 1)
        again.get(1, SERIAL)
        assert 0 < len(given) < 4
        assert again.counters[0] > max(given), "a crash would have brought a counter again"

    disk = await on_meter(path, work)
    await on_meter(disk, after)


def test_over_kill_9_two_clients_get_no_counter_again_and_no_replay_is_taken(
    tmp_path: Path, run_meter: Callable[..., Process]
) -> None:
    arguments = ["382M-secure", "--state", str(tmp_path / "state.sqlite"), "--tcp", LOOPBACK, "--json"]
    arguments += ["--installation", "idle"]
    given: set[int] = set()
    recorded: list[list[bytes]] = []
    for _ in range(3):
        process = run_meter(*arguments)
        at = names(process)[0]
        for requests in recorded:
            assert refused(TcpPort(at), GMAC_CIPHERED, requests[:1] + requests[-20:])
        begin = counter(TcpPort(at)) + 1
        clients = [Recorder(TcpPort(at), GMAC_CIPHERED, title=title, counter=begin) for title in (TITLE, b"OTHERCLI")]
        enough = threading.Barrier(3)
        threads = [threading.Thread(target=read_on, args=(head_end, enough)) for head_end in clients]
        for thread in threads:
            thread.start()
        enough.wait(30)
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
        for thread in threads:
            thread.join(30)
        counters = [value for head_end in clients for value in head_end.counters]
        assert len(counters) > 2 * AHEAD
        assert len(set(counters)) == len(counters)
        assert not given & set(counters), "the meter used an invocation counter again"
        given |= set(counters)
        recorded = [head_end.requests for head_end in clients]


def read_on(head_end: Recorder, enough: threading.Barrier) -> None:
    """Read until the meter dies, at least so often that blocks end."""
    for _ in range(AHEAD + 20):
        head_end.get(1, SERIAL)
    enough.wait(30)
    with contextlib.suppress(OSError):
        while True:
            head_end.get(1, SERIAL)
