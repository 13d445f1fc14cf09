"""No secret comes out: not in traces, logs, the API, what objects say of themselves, nor in exceptions."""

from __future__ import annotations

import asyncio
import io
import traceback
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import structlog

from cosem.client import AssociationRefused, Client
from cosem.data_types import OCTET_STRING
from cosem.interface_classes import KEY_DATA
from cosem.security.key_wrap import wrap
from cosem.security.keys import KeyId
from server.config import RunConfig
from server.control.application import control_application
from server.control.run_site import Behind, Site
from server.runtime import Runtime
from server.security.redaction import secret_octets
from server.security.secrets_at_rest import DOCUMENTED
from server.time_source import SteppedTime
from tests.server.clients import HdlcClient, TcpPort, WrapperClient
from tests.server.running import LOOPBACK
from transports.tracer import Entry

from .head_end import SECRET, SecuredClient, documented

AT = int(datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp())
NEW_PASSWORD, WRONG_PASSWORD = b"open-sesame", b"sesame-shut"
NEW_SECRET = b"another-secret-of-HLS"
NEW_KEY = bytes(range(0x70, 0x80))
SETUP = "0.0.43.0.0.255"
SECRETS = [
    NEW_PASSWORD, WRONG_PASSWORD, NEW_SECRET, SECRET, NEW_KEY,
    *DOCUMENTED[0].keys.values(), *DOCUMENTED[2].keys.values(),
]  # fmt: skip


def forms(secret: bytes) -> list[str]:
    """How a secret could show."""
    return [secret.hex(), secret.hex(" "), str(secret), str(list(secret)), secret.decode("latin-1")]


def assert_hidden(text: str) -> None:
    for secret in SECRETS:
        for form in forms(secret):
            assert form.lower() not in text.lower(), f"{form} in {text[:200]}"


def use(runtime: Runtime) -> None:
    """Everything a client can do with secrets, right and wrong."""
    port = TcpPort(runtime.endpoints[0].name)
    plain = WrapperClient(port)
    plain.set(15, "0.0.40.0.0.255", 7, OCTET_STRING, NEW_PASSWORD)
    WrapperClient(port, password=NEW_PASSWORD)
    for password in (WRONG_PASSWORD, b"12345"):
        with pytest.raises(AssociationRefused) as refused:
            WrapperClient(port, 18, password=password)
        assert_hidden("".join(traceback.format_exception(refused.value)))
    hdlc = HdlcClient(TcpPort(runtime.endpoints[0].name), password=NEW_PASSWORD)
    hdlc.set(15, "0.0.40.0.0.255", 7, OCTET_STRING, NEW_PASSWORD)
    SecuredClient(port, 33).action(15, "0.0.40.0.0.255", 2, OCTET_STRING, NEW_SECRET)
    SecuredClient(port, 33, secret=NEW_SECRET)
    with pytest.raises(AssociationRefused):
        SecuredClient(port, 34, secret=WRONG_PASSWORD)
    keys = [(KeyId.GLOBAL_UNICAST, wrap(DOCUMENTED[0].keys[KeyId.MASTER], NEW_KEY))]
    SecuredClient(port, 53).action(64, SETUP, 2, KEY_DATA, keys)
    with pytest.raises(AssociationRefused):
        SecuredClient(port, 53, counter=500)
    SecuredClient(port, 53, keys=documented(global_unicast=NEW_KEY)).ask(bytes.fromhex("c8 05 30 00000000"))


async def test_whatever_is_done_with_secrets_none_is_seen(tmp_path: Path) -> None:
    trace = io.StringIO()
    config = RunConfig.model_validate(
        {
            "meters": [{"profile": "382M-secure", "installation": "constant"}],
            "endpoints": [{"kind": "tcp", "address": LOOPBACK}],
            "state": tmp_path / "state.sqlite",
        }
    )
    with structlog.testing.capture_logs() as logs:
        runtime = Runtime(config, time_source=SteppedTime(AT), trace=trace)
        await runtime.open()
        try:
            await asyncio.to_thread(use, runtime)
            shown = await everything_of_the_api(runtime)
            meter = runtime.meter(12345678)
            security = meter.security
            said = [meter, meter.secrets, meter.key_file, security, security.setups, security.setups[0].keys, runtime]
            assert_hidden(" ".join(map(repr, said)))
            assert_hidden(" ".join(map(str, (*security.setups.values(), meter.take_pending()))))
        finally:
            await runtime.close()
    assert trace.getvalue().count("**") > 20
    assert_hidden(trace.getvalue())
    assert any("refused" in entry["event"] for entry in logs)
    assert_hidden(repr(logs))
    assert_hidden(shown)


async def everything_of_the_api(runtime: Runtime) -> str:
    """Every page of the control API that shows a meter."""
    meters = {meter.serial_number: Behind(meter, model) for meter, model in runtime.meters.items()}
    application = control_application(Site(meters, runtime.store, SteppedTime(AT)), with_token=False)
    base = "/meters/12345678"
    pages = [
        "/meters",
        base,
        f"{base}/registers",
        f"{base}/readout",
        f"{base}/loggers",
        f"{base}/events",
        "/openapi.json",
    ]
    pages += [f"{base}/registers/{SETUP}?attribute={attribute}" for attribute in range(1, 7)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here") as client:
        answers = [await client.get(page) for page in pages]
    return " ".join(answer.text for answer in answers)


# --- what is recognised ---------------------------------------------------------------------------------

AARQ = next(Client(b"12345").associate())
HIDDEN: list[tuple[str, bytes, bytes]] = [
    ("an AARQ", AARQ, b"12345"),
    ("an AARQ in the wrapper", bytes(8) + AARQ, b"12345"),
    ("a SET", bytes.fromhex("c101c1000f0000280000ff0700 0903") + b"abc", b"\x00\x09\x03abc"),
    ("an ACTION", bytes.fromhex("c301c1000f0000280000ff0201 0903") + b"abc", b"\x01\x09\x03abc"),
    ("a WRITE", bytes.fromhex("0601 02fa40 01 0903") + b"abc", b"\x01\x09\x03abc"),
    ("a READ with parameters", bytes.fromhex("0501 04fa40 00 0903") + b"abc", b"\x00\x09\x03abc"),
    ("a dedicated key", bytes.fromhex("be22042001 0110") + b"k" * 16, b"k" * 16),
    ("P1", b"\x01P1\x02(12345)\x03\x65", b"12345)\x03\x65"),
    ("P1 with parity", bytes.fromhex("81 50 b1 82 28 b1") + b")\x03e", b"\xb1)\x03e"),
    ("a KMP login", bytes.fromhex("803f92303955aa0d"), bytes.fromhex("303955aa0d")),
    ("a hexadecimal login", b"@FE92012345AB\r", b"012345AB\r"),
]


@pytest.mark.parametrize(("message", "secret"), [case[1:] for case in HIDDEN], ids=[case[0] for case in HIDDEN])
def test_what_is_secret_is_found(message: bytes, secret: bytes) -> None:
    octets = bytearray(message)
    for part in secret_octets(message):
        octets[part] = b"*" * len(octets[part])
    hidden = bytes(octets)
    assert secret not in hidden
    assert hidden.count(b"*") >= len(secret)
    assert bytes(octets[: message.index(secret)]) == message[: message.index(secret)], "what comes before is shown"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e",
        bytes.fromhex("c001c100030101010800ff0200"),
        bytes.fromhex("c001c1000f0000280000ff0200"),
        b"/?!\r\n",
        next(Client().associate()),
    ],
)
def test_nothing_else_is_hidden(message: bytes) -> None:
    assert secret_octets(message) == []


def test_the_check_of_an_hdlc_frame_is_hidden_with_what_it_checks() -> None:
    frame = bytes.fromhex("7ea041212510523be6e6006033") + AARQ[2:] + bytes.fromhex("0cff7e")
    shown = Entry("HDLC", frame).without(secret_octets(frame))
    assert shown.endswith("** ** 7E")
    assert shown.startswith("HDLC | 7E A0 41")


def test_a_password_in_text_is_hidden_in_the_text_as_well() -> None:
    octets = b"\x01P1\x02(12345)\x03\x65"
    line = Entry("IEC 62056-21 'P1 12345'", octets).without(secret_octets(octets))
    assert "12345" not in line
    assert "31 32" not in line
