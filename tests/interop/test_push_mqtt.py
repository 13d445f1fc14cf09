"""Pushes through a real Mosquitto broker (Debian package `mosquitto`), heard by a real subscriber.

Each test has a broker of its own on a free port of the loopback, with a configuration that is thrown away.
"""

from __future__ import annotations

import asyncio
import base64
import getpass
import hashlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client, Message
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cosem.data_types import ANY, decode_all
from cosem.notification import DataNotification, read_data_notification
from server.config import RunConfig
from server.runtime import Runtime
from server.time_source import SteppedTime

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto; on Debian: apt-get install mosquitto"),
]

START = int(datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC).timestamp())
SERIAL = 12345678


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """A Mosquitto of its own; `lines` are added to its configuration."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"user {getpass.getuser()}\nlistener {self.port} 127.0.0.1\npersistence false\n{lines}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:  # the last thing it says before it serves
            if b" running" in line:
                return
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)
            self._process = None


@contextmanager
def broker(folder: Path, lines: str = "allow_anonymous true") -> Iterator[Broker]:
    started = Broker(folder, lines)
    started.start()
    try:
        yield started
    finally:
        started.stop()


@asynccontextmanager
async def pushing(**push: Any) -> AsyncIterator[tuple[Runtime, SteppedTime]]:
    time = SteppedTime(START)
    meter = {"serial_number": SERIAL, "installation": "constant", "commissioned": datetime(2026, 3, 2)}
    config = RunConfig.model_validate({"meters": [meter], "ephemeral": True, "push": [{"list": "danish-1", **push}]})
    runtime = Runtime(config, time_source=time)
    await runtime.open()
    try:
        yield runtime, time
    finally:
        await runtime.close()


async def heard(subscriber: Client) -> Message:
    async with asyncio.timeout(10):
        async for message in subscriber.messages:
            return message
    raise AssertionError("nothing was heard")


def notification(message: Message) -> DataNotification:
    assert isinstance(message.payload, bytes)
    return read_data_notification(message.payload)


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_subscriber_hears_each_push_once(tmp_path: Path, qos: int) -> None:
    mqtt = {"topic": "meters/{serial}/han", "qos": qos}
    with broker(tmp_path) as started:
        async with (
            Client("127.0.0.1", started.port) as subscriber,
            pushing(to=f"mqtt://127.0.0.1:{started.port}", mqtt=mqtt) as (_, time),
        ):
            await subscriber.subscribe("#", qos=2)
            for second in (11, 21, 31):
                time.forward(10)
                message = await heard(subscriber)
                assert (str(message.topic), message.qos) == (f"meters/{SERIAL}/han", qos)
                assert not message.retain
                pushed = notification(message)
                assert pushed.date_time[7] == second
                assert decode_all(ANY, pushed.body)[0] == "Kamstrup_V0001"


async def test_a_retained_push_is_heard_by_who_comes_later(tmp_path: Path) -> None:
    with broker(tmp_path) as started:
        address = f"mqtt://127.0.0.1:{started.port}"
        async with (
            Client("127.0.0.1", started.port) as subscriber,
            pushing(to=address, mqtt={"retained": True}) as (_, time),
        ):
            await subscriber.subscribe("#")
            time.forward(10)
            await heard(subscriber)
        async with Client("127.0.0.1", started.port) as late:
            await late.subscribe(f"meter382/{SERIAL}/push")
            message = await heard(late)
            assert message.retain
            assert notification(message).date_time[7] == 11


async def test_pushes_go_on_when_a_broker_is_gone_and_back(tmp_path: Path) -> None:
    with broker(tmp_path) as started:
        push = {"to": f"mqtt://127.0.0.1:{started.port}", "every_s": 3600, "retries": 5, "repetition_delay_s": 60}
        async with pushing(**push) as (_, time):
            async with Client("127.0.0.1", started.port) as subscriber:
                await subscriber.subscribe("#", qos=1)
                time.forward(3600)
                assert notification(await heard(subscriber)).date_time[5:7] == bytes((14, 0))
            started.stop()
            time.forward(3600)
            await settled()
            time.forward(60)
            await settled()
            started.start()
            async with Client("127.0.0.1", started.port) as subscriber:
                await subscriber.subscribe("#", qos=1)
                time.forward(60)
                assert notification(await heard(subscriber)).date_time[5:7] == bytes((15, 2))
                time.forward(3480)
                assert notification(await heard(subscriber)).date_time[5:7] == bytes((16, 0))


async def settled() -> None:
    """Wait until no attempt is under way."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    own = {asyncio.current_task()}
    await asyncio.gather(*(task for task in asyncio.all_tasks() - own if "_attempt" in repr(task.get_coro())))


async def test_a_broker_that_asks_for_a_password_gets_it_and_no_log_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("meter:" + _hashed("right horse"))
    passwords.chmod(0o644)
    with broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as started:
        address = f"mqtt://127.0.0.1:{started.port}"
        async with Client("127.0.0.1", started.port, username="meter", password="right horse") as subscriber:
            await subscriber.subscribe("#")
            async with pushing(to=address, mqtt={"username": "meter", "password": "wrong horse"}) as (_, time):
                time.forward(10)
                await settled()
            async with pushing(to=address, mqtt={"username": "meter", "password": "right horse"}) as (runtime, time):
                assert "horse" not in repr(runtime.config)
                time.forward(10)
                assert notification(await heard(subscriber)).date_time[7] == 11
    said = capsys.readouterr()
    assert "a push failed" in said.out + said.err
    assert "horse" not in said.out + said.err


def _hashed(password: str) -> str:
    """A password as mosquitto_passwd writes it: PBKDF2 with SHA-512."""
    salt = bytes(range(12))
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "broker.pem", folder / "broker.key"
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    key_file.chmod(0o644)
    return certificate_file, key_file


async def test_a_push_by_tls_goes_to_a_broker_that_proves_who_it_is_and_to_no_other(tmp_path: Path) -> None:
    authority, key = certificate(tmp_path)
    lines = f"allow_anonymous true\ncertfile {authority}\nkeyfile {key}"
    with broker(tmp_path, lines) as started:
        address = f"mqtts://127.0.0.1:{started.port}"
        context = ssl.create_default_context(cafile=authority)
        async with Client("127.0.0.1", started.port, tls_context=context) as subscriber:
            await subscriber.subscribe("#")
            async with pushing(to=address) as (_, time):  # an authority that the machine does not know
                time.forward(10)
                await settled()
            async with pushing(to=address, mqtt={"ca_file": str(authority)}) as (_, time):
                time.forward(20)
                assert notification(await heard(subscriber)).date_time[7] == 21
