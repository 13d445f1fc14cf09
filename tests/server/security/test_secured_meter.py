"""A 382M-secure on the wire: every association opens, keys and counters outlive restarts and kill -9, locks stay."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cosem.acse import Mechanism
from cosem.client import AssociationRefused
from cosem.data_types import DOUBLE_LONG_UNSIGNED, ENUM, OCTET_STRING
from cosem.interface_classes import KEY_DATA
from cosem.object_model import AccessMode
from cosem.security.elliptic import PrivateKey
from cosem.security.key_wrap import wrap
from cosem.security.keys import KeyId
from cosem.security.policy import Protection
from cosem.security.security_context import How
from cosem.security.suites import SUITES
from cosem.security.tags import Envelope
from metering.inputs import SetSupply
from server.binding.model import object_model
from server.runtime import Runtime
from server.security.secrets_at_rest import DOCUMENTED
from server.store import StoreError
from server.time_source import SteppedTime
from tests.server.clients import TcpPort, WrapperClient, result_of
from tests.server.conftest import Process
from tests.server.running import LOOPBACK, names, running
from transports.wrapper import encode_wpdu

from .certificates import authority, certificate
from .head_end import ASSOCIATIONS, METER_TITLE, PROFILE, TITLE, SecuredClient, counter, documented

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
METER: list[dict[str, Any]] = [{"profile": "382M-secure"}]
TCP = [{"kind": "tcp", "address": LOOPBACK}]
SETUP = "0.0.43.0.0.255"
GMAC_CIPHERED = 53
NEW_KEY = bytes(range(0x70, 0x80))
OPEN = [item.client_sap for item in ASSOCIATIONS.values() if item.setup is not None and item.mechanism != "ecdsa"]


def port_of(runtime: Runtime) -> TcpPort:
    return TcpPort(runtime.endpoints[0].name)


async def on_meter(path: Path, work: Callable[[Runtime], Any], at: int = AT) -> Any:
    """Do `work` in a thread against a meter that is started for it and stopped after it."""
    async with running(METER, TCP, SteppedTime(at), state=path) as runtime:
        return await asyncio.to_thread(work, runtime)


def key_data(master: bytes = DOCUMENTED[0].keys[KeyId.MASTER], **keys: bytes) -> list[tuple[int, bytes]]:
    """Keys as key_transfer takes them."""
    return [(KeyId[name.upper()], wrap(master, octets)) for name, octets in keys.items()]


# --- associations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_sap", OPEN)
async def test_every_secured_association_opens_and_is_released(client_sap: int) -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            head_end = SecuredClient(port_of(runtime), client_sap)
            if ASSOCIATIONS[client_sap].context.startswith("LN"):
                assert head_end.get(1, "1.1.96.1.0.255") == 12345678
                assert head_end.get(15, "0.0.40.0.0.255", 8) == 2
            assert head_end.run(head_end.client.release()) == 0

        await asyncio.to_thread(work)


@pytest.mark.parametrize("client_sap", OPEN)
async def test_nobody_gets_in_with_another_key_or_secret(client_sap: int) -> None:
    item = ASSOCIATIONS[client_sap]
    if item.mechanism == "none" and not item.context.endswith("-ciphered"):
        return
    suite = next(setup.suite for setup in PROFILE.security_setups if setup.number == item.setup)
    wrong = documented(suite, global_unicast=bytes(SUITES[suite].key_size))
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            with pytest.raises(AssociationRefused):
                SecuredClient(port_of(runtime), client_sap, keys=wrong, secret=b"0123456789abcdef")

        await asyncio.to_thread(work)


@pytest.mark.parametrize("suite", [1, 2])
async def test_signatures_open_an_association_with_keys_of_the_key_file(tmp_path: Path, suite: int) -> None:
    ours, of_meter = (PrivateKey.from_octets(SUITES[suite], bytes([n]) * SUITES[suite].coordinate_size) for n in (1, 2))
    ca_key, ca = authority(SUITES[suite])
    secrets = DOCUMENTED[suite].to_json() | {
        "signing": of_meter.to_octets().hex(),
        "certificates": [ca.hex(), certificate(ca_key, ca, ours, TITLE).hex()],
    }
    path = tmp_path / "state.sqlite"
    write_keys(path, {str(suite): secrets})

    def work(runtime: Runtime) -> Any:
        sap = {1: 55, 2: 58}[suite]
        head_end = SecuredClient(port_of(runtime), sap, signing=ours, meter_signing=of_meter.public)
        return head_end.get(1, "1.1.96.1.0.255")

    assert await on_meter(path, work) == 12345678


def write_keys(state: Path, delivered: dict[str, Any]) -> None:
    """A key file with these keys to deliver, the documented ones for the other suites."""
    keys = {str(number): secrets.to_json() for number, secrets in DOCUMENTED.items()}
    path = state.with_name(state.name + ".keys")
    path.touch(mode=0o600)
    path.write_text(json.dumps({"format": 1, "delivered": keys | delivered, "meters": {}}))


# --- keys -----------------------------------------------------------------------------------------------


async def test_keys_are_made_beside_the_state_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    await on_meter(path, lambda runtime: None)
    assert (tmp_path / "state.sqlite.keys").stat().st_mode & 0o777 == 0o600


async def test_a_meter_without_secured_associations_makes_no_key_file(tmp_path: Path) -> None:
    async with running([{}], TCP, SteppedTime(AT), state=tmp_path / "state.sqlite"):
        pass
    assert not (tmp_path / "state.sqlite.keys").exists()


async def test_a_run_whose_keys_others_can_read_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    await on_meter(path, lambda runtime: None)
    (tmp_path / "state.sqlite.keys").chmod(0o644)
    with pytest.raises(StoreError, match="can be reached by others"):
        await on_meter(path, lambda runtime: None)


async def test_a_transferred_key_counts_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def transfer(runtime: Runtime) -> None:
        head_end = SecuredClient(port_of(runtime), GMAC_CIPHERED)
        head_end.action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=NEW_KEY))
        with pytest.raises(AssociationRefused):
            SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=500)
        SecuredClient(port_of(runtime), GMAC_CIPHERED, keys=documented(global_unicast=NEW_KEY))

    def after(runtime: Runtime) -> int:
        with pytest.raises(AssociationRefused):
            SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=500)
        head_end = SecuredClient(port_of(runtime), GMAC_CIPHERED, keys=documented(global_unicast=NEW_KEY), counter=500)
        return int(head_end.get(1, "1.1.96.1.0.255"))

    await on_meter(path, transfer)
    assert await on_meter(path, after) == 12345678


async def test_a_key_wrapped_with_another_master_key_changes_nothing() -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            head_end = SecuredClient(port_of(runtime), GMAC_CIPHERED)
            before = runtime.meter(12345678).secrets
            data = key_data(bytes(16), global_unicast=NEW_KEY)
            assert result_of(head_end.action, 64, SETUP, 2, KEY_DATA, data) != 0
            assert runtime.meter(12345678).secrets == before
            assert head_end.get(1, "1.1.96.1.0.255") == 12345678

        await asyncio.to_thread(work)


async def test_the_journal_says_that_a_secret_changed_and_never_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def work(runtime: Runtime) -> None:
        SecuredClient(port_of(runtime), GMAC_CIPHERED).action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=NEW_KEY))
        WrapperClient(port_of(runtime)).set(15, "0.0.40.0.0.255", 7, OCTET_STRING, b"open sesame")
        assert runtime.store is not None
        stored = runtime.store.load(12345678)
        assert stored is not None
        journal = " ".join(entry.body for entry in stored.journal)
        assert "Security setup 0: unicast" in journal
        assert "password of client 18" in journal

    await on_meter(path, work)
    for file in tmp_path.glob("state.sqlite*"):
        if file.suffix != ".keys":
            content = file.read_bytes()
            for secret in (NEW_KEY, b"open sesame"):
                assert secret not in content, file
                assert secret.hex().encode() not in content, file


async def test_a_key_that_stays_the_same_keeps_its_counter_a_new_one_begins_anew() -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            port = port_of(runtime)
            present = DOCUMENTED[0].keys[KeyId.GLOBAL_UNICAST]
            head_end = SecuredClient(port, GMAC_CIPHERED, counter=700)
            head_end.action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=present))
            assert counter(port) >= 700
            head_end.action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=NEW_KEY))
            assert counter(port) == 0

        await asyncio.to_thread(work)


@pytest.mark.parametrize("who", [18, 33, 49, 56])
async def test_keys_and_policy_are_changed_only_by_who_proved_it_under_that_setup(who: int) -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            port = port_of(runtime)
            head_end = WrapperClient(port) if who == 18 else SecuredClient(port, who)
            assert result_of(head_end.action, 64, SETUP, 1, ENUM, 4) == 3
            assert result_of(head_end.action, 64, SETUP, 2, KEY_DATA, key_data(global_unicast=NEW_KEY)) == 3
            assert runtime.meter(12345678).secrets.setups == {}

        await asyncio.to_thread(work)


async def test_a_stronger_policy_is_in_force_after_a_restart_and_is_never_lowered(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    both = 0b0110_1100  # authenticated and encrypted, both ways

    def strengthen(runtime: Runtime) -> None:
        SecuredClient(port_of(runtime), GMAC_CIPHERED).action(64, SETUP, 1, ENUM, both)

    def after(runtime: Runtime) -> None:
        head_end = SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=1000)
        assert head_end.get(64, SETUP, 2) == both
        for lower in (0, 0b100, 0b0010_0100):
            assert result_of(head_end.action, 64, SETUP, 1, ENUM, lower) != 0
        assert head_end.get(64, SETUP, 2) == both
        assert head_end.ask(bytes.fromhex("c001c1000101016001 00ff0200")) == bytes.fromhex("d80101")

    await on_meter(path, strengthen)
    await on_meter(path, after)


# --- counters -------------------------------------------------------------------------------------------


async def test_the_public_client_reads_where_a_client_may_go_on() -> None:
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            assert counter(port_of(runtime)) == 0
            SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=700)
            assert 700 <= counter(port_of(runtime)) < 710
            assert counter(port_of(runtime), 1) == 0
            with pytest.raises(AssociationRefused):
                SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=700)
            SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=counter(port_of(runtime)) + 1)

        await asyncio.to_thread(work)


async def test_an_orderly_restart_knows_the_exact_counter(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def use(runtime: Runtime) -> int:
        SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=counter(port_of(runtime)) + 1)
        return counter(port_of(runtime))

    before = await on_meter(path, use)
    assert await on_meter(path, lambda runtime: counter(port_of(runtime))) == before


def test_over_kill_9_no_counter_comes_again_and_no_replay_is_taken(
    tmp_path: Path, run_meter: Callable[..., Process]
) -> None:
    arguments = ["382M-secure", "--state", str(tmp_path / "state.sqlite"), "--tcp", LOOPBACK, "--json"]
    arguments += ["--installation", "idle"]
    sent: set[bytes] = set()
    recorded: list[bytes] = []
    for _ in range(3):
        process = run_meter(*arguments)
        port = TcpPort(names(process)[0])
        for apdu in recorded:
            assert not is_taken(port, apdu), "an APDU recorded before the kill is accepted after it"
        head_end = Recording(port, GMAC_CIPHERED, counter=counter(TcpPort(names(process)[0])) + 1)
        for number in range(5):
            head_end.set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, number)
        assert not sent & set(head_end.counters), "the meter used an invocation counter again"
        sent |= set(head_end.counters)
        recorded = head_end.requests
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()


class Recording(SecuredClient):
    """Keeps the ciphered requests, and the counters of what the meter sent."""

    def __init__(self, port: TcpPort, client_sap: int, **more: Any) -> None:
        self.requests: list[bytes] = []
        self.counters: list[bytes] = []
        super().__init__(port, client_sap, **more)

    def ask(self, request: bytes) -> bytes:
        answer = super().ask(request)
        if answer[0] in (0xC4, 0xC5, 0xC7, 0xCC, 0xCD, 0xCF):
            self.requests.append(request)
            self.counters.append(answer[3:7])
        return answer


def is_taken(port: TcpPort, apdu: bytes) -> bool:
    """Whether the meter answers a recorded APDU with anything but a refusal."""
    port.write(encode_wpdu(GMAC_CIPHERED, 16, apdu))
    return port.read(10)[8] != 0xD8


def test_an_acknowledged_key_survives_kill_9(tmp_path: Path, run_meter: Callable[..., Process]) -> None:
    arguments = ["382M-secure", "--state", str(tmp_path / "state.sqlite"), "--tcp", LOOPBACK, "--json"]
    arguments += ["--installation", "idle"]
    key = DOCUMENTED[0].keys[KeyId.GLOBAL_UNICAST]
    for number in range(3):
        process = run_meter(*arguments)
        at = names(process)[0]
        keys = documented(global_unicast=key)
        head_end = SecuredClient(TcpPort(at), GMAC_CIPHERED, keys=keys, counter=counter(TcpPort(at)) + 1)
        key = bytes([0x90 + number]) * 16
        head_end.action(64, SETUP, 2, KEY_DATA, key_data(global_unicast=key))
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
    process = run_meter(*arguments)
    at = names(process)[0]
    head_end = SecuredClient(
        TcpPort(at), GMAC_CIPHERED, keys=documented(global_unicast=key), counter=counter(TcpPort(at)) + 1
    )
    assert head_end.get(1, "1.1.96.1.0.255") == 12345678


# --- locks ----------------------------------------------------------------------------------------------


async def test_guessing_locks_the_association_and_neither_power_cut_nor_restart_lifts_it(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    def guess(runtime: Runtime) -> None:
        for _ in range(6):
            with pytest.raises(AssociationRefused):
                SecuredClient(port_of(runtime), 33, secret=b"wrong")
        assert_locked(runtime)
        meter = runtime.meter(12345678)
        meter.apply(SetSupply((0, 0, 0)))
        time_source = meter.time_source
        assert isinstance(time_source, SteppedTime)
        time_source.forward(2)
        assert not meter.powered
        meter.apply(SetSupply())
        time_source.forward(2)
        assert meter.powered
        assert_locked(runtime)
        SecuredClient(port_of(runtime), 35)

    def assert_locked(runtime: Runtime) -> None:
        with pytest.raises(AssociationRefused):
            SecuredClient(port_of(runtime), 33)

    await on_meter(path, guess)
    await on_meter(path, assert_locked)
    await on_meter(path, lambda runtime: SecuredClient(port_of(runtime), 33), at=AT + 11)


async def test_guesses_at_one_secret_count_together_behind_whatever_association(tmp_path: Path) -> None:
    def guess(runtime: Runtime) -> None:
        SecuredClient(port_of(runtime), 34).action(15, "0.0.40.0.0.255", 2, OCTET_STRING, b"a secret of its own")
        for client_sap in (32, 33, 36, 64, 65, 71):
            with pytest.raises(AssociationRefused):
                SecuredClient(port_of(runtime), client_sap, secret=b"wrong")
        for client_sap in (32, 33, 36, 49, 51, 66, 81):
            with pytest.raises(AssociationRefused):
                SecuredClient(port_of(runtime), client_sap)
        SecuredClient(port_of(runtime), 34, secret=b"a secret of its own")
        WrapperClient(port_of(runtime))

    await on_meter(tmp_path / "state.sqlite", guess)


async def test_who_proves_nothing_reads_and_changes_nothing() -> None:
    for item in object_model("382M-secure").definitions.values():
        if item.mechanism is Mechanism.LOWEST:
            writable = [
                (visible.object, index)
                for visible in item.view.objects
                for index, mode in visible.attributes.items()
                if mode & AccessMode.WRITE
            ]
            assert writable == []
            assert not any(visible.methods for visible in item.view.objects)


async def test_a_policy_shuts_associations_out_that_speak_plain(tmp_path: Path) -> None:
    def work(runtime: Runtime) -> None:
        SecuredClient(port_of(runtime), 35)
        SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=100).action(64, SETUP, 1, ENUM, 0x04)
        for client_sap in (32, 33, 34, 35, 36, 64, 68):
            with pytest.raises(AssociationRefused, match="no-reason-given"):
                SecuredClient(port_of(runtime), client_sap, counter=200)
        WrapperClient(port_of(runtime))

    await on_meter(tmp_path / "state.sqlite", work)


# --- what is refused changes nothing --------------------------------------------------------------------


@pytest.mark.parametrize(("sap", "setup"), [(GMAC_CIPHERED, 0), (56, 1), (57, 2)])
@pytest.mark.parametrize(
    "envelope",
    [Envelope.SERVICE_GLOBAL, Envelope.GENERAL_GLOBAL, Envelope.SERVICE_DEDICATED, Envelope.GENERAL_DEDICATED],
)
async def test_whole_values_come_in_every_envelope_of_every_suite(sap: int, setup: int, envelope: Envelope) -> None:
    how = How(Protection.AUTHENTICATED | Protection.ENCRYPTED, envelope)
    key = os.urandom(32 if sap == 57 else 16)
    async with running(METER, TCP, SteppedTime(AT)) as runtime:

        def work() -> None:
            head_end = SecuredClient(port_of(runtime), sap, how=how, dedicated_key=key)
            objects = head_end.get(15, "0.0.40.0.0.255", 2)
            assert len(objects) > 180
            assert head_end.get(64, f"0.0.43.0.{setup}.255", 5) == METER_TITLE

        await asyncio.to_thread(work)
