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
from hypothesis import given
from hypothesis import strategies as st

from cosem import acse
from cosem.access_service import AccessRequest
from cosem.client import AssociationRefused, Client
from cosem.data_types import OCTET_STRING
from cosem.initiate import InitiateRequest
from cosem.interface_classes import KEY_DATA
from cosem.security.errors import MAX_COUNTER
from cosem.security.hls import Exchange
from cosem.security.key_wrap import wrap
from cosem.security.keys import KeyId
from cosem.security.layer import PLAIN
from cosem.security.security_context import Opened
from cosem.short_names.apdus import Parameterized
from cosem.xdlms import Block
from server.config import RunConfig
from server.control.application import control_application
from server.control.run_site import Behind, Site
from server.device_profile import AssociationProfile, load_profile
from server.faults import described
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


async def test_a_fault_of_our_own_is_logged_without_what_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(runtime: Runtime) -> None:
        sent = runtime.meter(12345678).security.sent
        sent._next = MAX_COUNTER + 1
        with pytest.raises(AssociationRefused):
            SecuredClient(TcpPort(runtime.endpoints[0].name), 49)

    config = RunConfig.model_validate(
        {
            "meters": [{"profile": "382M-secure", "installation": "constant"}],
            "endpoints": [{"kind": "tcp", "address": LOOPBACK}],
            "state": tmp_path / "state.sqlite",
        }
    )
    structlog.reset_defaults()  # a renderer that shows the local variables of every frame
    runtime = Runtime(config, time_source=SteppedTime(AT))
    await runtime.open()
    try:
        await asyncio.to_thread(fail, runtime)
    finally:
        await runtime.close()
    said = capsys.readouterr().out
    assert "a request failed" in said
    assert "CounterExhausted" in said
    assert_hidden(said)


def test_a_fault_is_described_by_type_and_place_and_its_words_only_where_they_may_be_shown() -> None:
    def fail(password: str) -> None:
        try:
            int(password)
        except ValueError as error:
            raise KeyError(password) from error

    with pytest.raises(KeyError) as caught:
        fail(WRONG_PASSWORD.decode())
    text = described(caught.value, message=False)
    assert "ValueError" in text
    assert text.endswith("KeyError")
    assert "in fail" in text
    assert_hidden(text)
    assert described(caught.value).endswith("KeyError: 'sesame-shut'")


def test_what_holds_secrets_says_nothing_of_them() -> None:
    secret = WRONG_PASSWORD
    holders: list[object] = [
        acse.read_aarq(AARQ)._replace(authentication_value=secret, user_information=secret),
        acse.Release(user_information=secret),
        InitiateRequest(0, 0, dedicated_key=secret),
        Exchange(b"", b"", secret, secret),
        Opened(secret, PLAIN),
        Block(True, 1, secret),
        AccessRequest(0, b"", [], [secret]),
        Parameterized(0xFA40, 0, secret),
        load_profile("382M").local,
        AssociationProfile(
            name="", client_sap=1, server_sap=1, mechanism="low", conformance=[], max_receive_pdu=12,
            password=secret.decode(),
        ),
    ]  # fmt: skip
    assert_hidden(" ".join(map(repr, holders)))
    assert "12345" not in repr(holders)


# --- what is recognised ---------------------------------------------------------------------------------

WRAPPED = bytes.fromhex("0001 0012 0010 0040")
AARQ = next(Client(b"12345").associate())
LN = bytes.fromhex("000f0000280000ff07")
METHOD = bytes.fromhex("000f0000280000ff02")
VALUE = b"\x09\x10" + SECRET
SET_SECRET = b"\xc1\x01\xc1" + LN + b"\x00" + VALUE
SET_LIST = b"\xc1\x04\xc1\x02" + bytes.fromhex("00080000010000ff0200") + LN + b"\x00\x02\x09\x02ab" + VALUE
_HEAD = bytes.fromhex("a109060760857405080101 8a020780 8b0760857405080201")
_TAIL = bytes.fromhex("be10040e01000000065f1f0400007e1f04b0")


def with_value(field: bytes) -> bytes:
    """An AARQ with this authentication value."""
    body = _HEAD + field + _TAIL
    return bytes((0x60, len(body))) + body


def value_first(field: bytes) -> bytes:
    """An AARQ that begins with it."""
    body = field + _HEAD + _TAIL
    return bytes((0x60, len(body))) + body


HIDDEN: list[tuple[str, bytes, bytes]] = [
    ("an AARQ", AARQ, b"12345"),
    ("an AARQ in the wrapper", WRAPPED + AARQ, b"12345"),
    ("a SET", bytes.fromhex("c101c1000f0000280000ff0700 0903") + b"abc", b"\x09\x03abc"),
    ("an ACTION", bytes.fromhex("c301c1000f0000280000ff0201 0903") + b"abc", b"\x09\x03abc"),
    ("a WRITE", bytes.fromhex("0601 02fa40 01 0903") + b"abc", b"\x09\x03abc"),
    ("a READ with parameters", bytes.fromhex("0501 04fa40 00 0903") + b"abc", b"\x09\x03abc"),
    ("a dedicated key", bytes.fromhex("be22042001 0110") + b"k" * 16, b"k" * 16),
    ("a SET with list", SET_LIST, b"\x09\x10" + SECRET),
    ("a first block of a SET", b"\xc1\x02\xc1" + LN + b"\x00\x01\x00\x00\x00\x01\x12" + VALUE, VALUE),
    ("a later block of a SET", b"\xc1\x03\xc1\x01\x00\x00\x00\x02\x12" + VALUE, VALUE),
    ("an ACTION with list", b"\xc3\x03\xc1\x01" + METHOD + b"\x01" + VALUE, VALUE),
    ("a first block of an ACTION", b"\xc3\x04\xc1" + METHOD + b"\x01\x00\x00\x00\x01\x12" + VALUE, VALUE),
    ("a later block of an ACTION", b"\xc3\x06\xc1\x01\x00\x00\x00\x02\x12" + VALUE, VALUE),
    ("an ACCESS that sets", b"\xd9\x40\x00\x00\x01\x00\x01\x02" + LN + b"\x01" + VALUE, VALUE),
    ("an ACCESS that acts", b"\xd9\x40\x00\x00\x01\x00\x01\x03" + METHOD + b"\x01" + VALUE, VALUE),
    ("a WRITE of two", bytes.fromhex("0602 02fa00 02fa40 02") + b"\x09\x01a" + VALUE, VALUE),
    ("an UnconfirmedWrite", bytes.fromhex("1601 02fa40 01") + VALUE, VALUE),
    ("a block of a WRITE", bytes.fromhex("0601 07010001 01") + VALUE, VALUE),
    ("a block of a READ", bytes.fromhex("0501 06010001 12") + VALUE, VALUE),
    ("a SET in general blocks", b"\xe0\x80\x00\x01\x00\x00\x1f" + SET_SECRET, VALUE),
    ("a SET that is cut off", b"\xe0\x40\x00\x01\x00\x00\x19" + SET_SECRET[:25], b"\x09\x10" + SECRET[:10]),
    ("a later general block", b"\xe0\x80\x00\x02\x00\x00\x0a" + SECRET[:10], SECRET[:10]),
    ("a SET authenticated only", b"\xc9\x30\x10\x00\x00\x00\x01" + SET_SECRET + bytes(12), VALUE),
    ("the same, general", b"\xdb\x08GRX00001\x30\x10\x00\x00\x00\x01" + SET_SECRET + bytes(12), VALUE),
    ("a signed SET", b"\xdf\x00\x00\x00\x00\x00\x1f" + SET_SECRET + b"\x40" + bytes(64), VALUE),
    ("Data protection", b"\xc1\x01\xc1\x00\x1e\x00\x00\x2b\x02\x00\xff\x02\x00" + VALUE, VALUE),
    ("an AARQ of long lengths", with_value(b"\xac\x81\x13\x80\x81\x10" + SECRET), SECRET),
    ("an AARQ with a bit string", with_value(b"\xac\x12\x81\x10" + SECRET), SECRET),
    ("an AARQ with an unknown type", with_value(b"\xac\x12\x82\x10" + SECRET), SECRET),
    ("an AARQ with the value first", value_first(b"\xac\x12\x80\x10" + SECRET), SECRET),
    ("an AARQ that ends early", with_value(b"\xac\x12\x80\x10" + SECRET)[:-22], SECRET[:12]),
    ("an RLRQ with a key", bytes.fromhex("6218 be16 0414 01 01 10") + SECRET + b"\x00", SECRET),
    ("a KMP frame of other stuffing", bytes.fromhex("801bc01bee0001303955aa0d"), bytes.fromhex("0001303955aa0d")),
    ("a KMP load profile", bytes.fromhex("803fa93039000055aa0d"), bytes.fromhex("3039000055aa0d")),
    ("a later segment in HDLC", bytes.fromhex("7ea01e212532aaaa") + VALUE + b"\xcc\xcc\x7e", VALUE + b"\xcc\xcc"),
    ("P1", b"\x01P1\x02(12345)\x03\x65", b"12345)\x03\x65"),
    ("P1 with parity", bytes.fromhex("81 50 b1 82 28 b1") + b")\x03e", b"\xb1)\x03e"),
    ("a KMP login", bytes.fromhex("803f92303955aa0d"), bytes.fromhex("303955aa0d")),
    ("a hexadecimal login", b"@FE92012345AB\r", b"012345AB\r"),
]


@pytest.mark.parametrize(("message", "secret"), [case[1:] for case in HIDDEN], ids=[case[0] for case in HIDDEN])
def test_what_is_secret_is_found(message: bytes, secret: bytes) -> None:
    hidden = redacted(message)
    assert secret not in hidden
    assert hidden.count(b"*") >= len(secret)
    assert hidden[: message.index(secret)] == message[: message.index(secret)], "what comes before is shown"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e",
        bytes.fromhex("c001c100030101010800ff0200"),
        bytes.fromhex("c001c1000f0000280000ff0200"),
        b"/?!\r\n",
        next(Client().associate()),
        WRAPPED + bytes.fromhex("c001c1000f0000280000ff0700"),
        WRAPPED + bytes.fromhex("c101c100080000010000ff0200 0903") + b"abc",
        WRAPPED + bytes.fromhex("c830 30 00000001") + bytes(40),
        b"\x06050\r\n",
        bytes.fromhex("803f1001000155aa0d"),
        bytes.fromhex("7ea0080321938f0f01"),
    ],
)
def test_nothing_else_is_hidden(message: bytes) -> None:
    assert secret_octets(message) == []


def test_later_blocks_and_segments_from_the_meter_are_shown() -> None:
    assert secret_octets(WRAPPED + b"\xe0\x80\x00\x02\x00\x00\x03abc", to_meter=False) == []
    assert secret_octets(bytes.fromhex("7ea01e252132aaaa") + VALUE + b"\xcc\xcc\x7e", to_meter=False) == []


@given(
    st.binary(max_size=80),
    st.booleans(),
    st.sampled_from([b"", WRAPPED, b"\x7e\xa0\x20\x21\x25\x10\xaa\xaa\xe6\xe6\x00"]),
)
def test_any_octets_are_looked_at(message: bytes, to_meter: bool, before: bytes) -> None:
    whole = before + message
    for part in secret_octets(whole, to_meter):
        assert 0 <= part.start <= part.stop <= len(whole)


@given(st.binary(min_size=12, max_size=60).map(lambda secret: secret[:-6] + b"secret"), st.data())
def test_no_cut_of_an_aarq_shows_its_password(secret: bytes, data: st.DataObject) -> None:
    aarq = WRAPPED + next(Client(secret).associate())
    end = data.draw(st.integers(aarq.index(secret) + len(secret), len(aarq)))
    assert secret not in redacted(aarq[:end])


def redacted(message: bytes) -> bytes:
    octets = bytearray(message)
    for part in secret_octets(message):
        octets[part] = b"*" * len(octets[part])
    return bytes(octets)


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
