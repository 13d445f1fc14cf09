"""Every captured push is rebuilt octet for octet by a meter set to what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cosem.data_types import ANY, decode_all
from cosem.reader import Reader
from cosem.security.envelopes import read_general
from cosem.security.invocation import ReceiveCounters, SendCounter
from cosem.security.keys import KeyId, Keys
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0
from metering import MWS_PER_WH, Energy
from metering.inputs import BreakSeal, SetLoad, SetRegister
from server.binding import Context
from server.push.config import PushConfig
from server.push.han_lists import BoundList, han_lists
from server.push.notification import data_notification
from server.push.pushes import ListPush
from transports.hdlc.address import ServerAddress
from transports.hdlc.frame import FrameCounters, FrameReceiver
from transports.hdlc.unnumbered import unnumbered_information

from ..conftest import Lab

CAPTURES = json.loads((Path(__file__).parent / "data" / "captures.json").read_text())
PLAIN = [capture for capture in CAPTURES if "plain" not in capture]
(CIPHERED,) = [capture for capture in CAPTURES if "plain" in capture]


def set_up(lab: Callable[..., Lab], capture: dict[str, Any], profile: str = "382M") -> Lab:
    """A meter set to the values of a capture."""
    local = datetime.fromisoformat(capture["local_time"])
    at = local - timedelta(hours=1)  # normal time in Denmark, Norway and Sweden
    bench = lab(
        at=at,
        commissioned=at - timedelta(hours=1),
        serial_number=capture["serial_number"],
        installation="idle",
        profile=profile,
    )
    meter = bench.meter
    identity = meter.profile.identity.model_copy(update={"type_number": capture["type_number"]})
    meter.profile = meter.profile.model_copy(update={"identity": identity})
    meter.apply(BreakSeal())
    for name, watt_hours in capture["registers"].items():
        meter.apply(SetRegister(Energy[name], watt_hours * MWS_PER_WH))
    meter.apply(SetLoad(*(tuple(capture[key]) for key in ("active_mw", "reactive_mvar", "voltage_mv"))))
    return bench


def notification(lab: Callable[..., Lab], capture: dict[str, Any]) -> bytes:
    """What it pushes. A value that was not measured at the same instant as the others is the captured one."""
    bench = set_up(lab, capture)
    context = Context(bench.model, bench.meter, "ccc")
    pushed = BoundList(capture["list"], bench.meter.engine.configuration)
    values = pushed.values(context)
    elements = han_lists().elements
    ids = [elements[key].id for key in pushed.list.elements]
    for name, value in capture["other_instant"].items():
        values[ids.index(name)] = value
    return data_notification(0, context, pushed.encode(values))


@pytest.mark.parametrize("capture", PLAIN, ids=[capture["name"] for capture in PLAIN])
def test_a_captured_push_is_rebuilt(lab: Callable[..., Lab], capture: dict[str, Any]) -> None:
    stations = han_lists().lists[capture["list"]]
    server = ServerAddress(stations.server_sap, None, 1)
    frame = unnumbered_information(stations.client_sap, server, notification(lab, capture))
    assert frame.hex() == capture["frame"]


def test_the_plain_content_of_the_push_of_radius_is_rebuilt(lab: Callable[..., Lab]) -> None:
    assert notification(lab, CIPHERED).hex() == CIPHERED["plain"]


def test_the_ciphered_push_of_radius_is_rebuilt(lab: Callable[..., Lab]) -> None:
    bench = set_up(lab, CIPHERED, "382M-secure")
    bench.meter.memory[b"security sent"] = CIPHERED["invocation_counter"].to_bytes(8, "big")
    bench.meter.security.setups[0].replace_keys(
        {
            KeyId.GLOBAL_UNICAST: bytes.fromhex(CIPHERED["encryption_key"]),
            KeyId.AUTHENTICATION: bytes.fromhex(CIPHERED["authentication_key"]),
        }
    )
    push = ListPush(bench.meter, bench.model, PushConfig(list=CIPHERED["list"], to="pty", security=0))
    outgoing = push.outgoing(0xFFFF)
    server = ServerAddress(outgoing.server_sap, None, 1)
    assert unnumbered_information(outgoing.client_sap, server, outgoing.apdu).hex() == CIPHERED["frame"]


@pytest.mark.parametrize(
    ("name", "energy_type", "connection", "count"),
    [
        ("norwegian-1", "A+A-R+R-", "3-phase", 25),
        ("norwegian-2", "A+A-R+R-", "3-phase", 35),
        ("norwegian-2", "A+", "1-phase", 15),
        ("danish-1", "A+A-R+R-", "3-phase", 65),
        ("danish-1", "A+A-R+R-", "1-phase", 37),
    ],
)
def test_what_a_variant_does_not_measure_is_not_pushed(
    lab: Callable[..., Lab], name: str, energy_type: str, connection: str, count: int
) -> None:
    bench = lab(metering={"energy_type": energy_type})
    order = replace(bench.meter.engine.configuration, connection=connection)
    body = BoundList(name, order).body(Context(bench.model, bench.meter, "ccc"))
    assert len(decode_all(ANY, body)) == count


def test_the_ciphered_push_of_radius_is_opened_with_its_published_keys() -> None:
    (frame,) = FrameReceiver(FrameCounters()).receive_data(bytes.fromhex(CIPHERED["frame"]), 0.0)
    apdu = frame.information[3:]
    title, content = read_general(Reader(apdu, 1))
    assert content.counter == CIPHERED["invocation_counter"]
    keys = Keys(SUITE_0, bytes.fromhex(CIPHERED["encryption_key"]), bytes.fromhex(CIPHERED["authentication_key"]))
    reader = SecurityContext(
        keys, b"HANPORT1", title, SendCounter(0, lambda _: None), ReceiveCounters({}, lambda *_: None), bytes
    )
    assert reader.open(apdu).apdu.hex() == CIPHERED["plain"]
