"""Every captured push is rebuilt octet for octet by a meter set to what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cosem.reader import Reader
from cosem.security.envelopes import read_general
from cosem.security.invocation import ReceiveCounters, SendCounter
from cosem.security.keys import Keys
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITE_0
from metering import MWS_PER_WH, Energy
from metering.inputs import BreakSeal, SetLoad, SetRegister
from server.binding import Context
from server.push.han_lists import BoundList, han_lists
from server.push.notification import data_notification
from transports.hdlc.address import ServerAddress
from transports.hdlc.frame import FrameCounters, FrameReceiver
from transports.hdlc.unnumbered import unnumbered_information

CAPTURES = json.loads((Path(__file__).parent / "data" / "captures.json").read_text())
PLAIN = [capture for capture in CAPTURES if "plain" not in capture]
(CIPHERED,) = [capture for capture in CAPTURES if "plain" in capture]


def notification(lab: Callable[..., Any], capture: dict[str, Any]) -> bytes:
    """What a meter set to the values of a capture pushes."""
    local = datetime.fromisoformat(capture["local_time"])
    at = local - timedelta(hours=1)  # normal time in Denmark, Norway and Sweden
    bench = lab(
        at=at, commissioned=at - timedelta(hours=1), serial_number=capture["serial_number"], installation="idle"
    )
    meter = bench.meter
    identity = meter.profile.identity.model_copy(update={"type_number": capture["type_number"]})
    meter.profile = meter.profile.model_copy(update={"identity": identity})
    meter.apply(BreakSeal())
    for name, watt_hours in capture["registers"].items():
        meter.apply(SetRegister(Energy[name], watt_hours * MWS_PER_WH))
    meter.apply(SetLoad(*(tuple(capture[key]) for key in ("active_mw", "reactive_mvar", "voltage_mv"))))
    context = Context(bench.model, meter, "ccc")
    pushed = BoundList(capture["list"], meter.engine.configuration)
    values = pushed.values(context)
    for name, value in capture["other_instant"].items():
        elements = han_lists().elements
        ids = [elements[key].id for key in pushed.list.elements]
        values[ids.index(name)] = value
    return data_notification(0, context, pushed.encode(values))


@pytest.mark.parametrize("capture", PLAIN, ids=[capture["name"] for capture in PLAIN])
def test_a_captured_push_is_rebuilt(lab: Callable[..., Any], capture: dict[str, Any]) -> None:
    stations = han_lists().lists[capture["list"]]
    server = ServerAddress(stations.server_sap, None, 1)
    frame = unnumbered_information(stations.client_sap, server, notification(lab, capture))
    assert frame.hex() == capture["frame"]


def test_the_ciphered_push_of_radius_is_rebuilt(lab: Callable[..., Any]) -> None:
    plain = notification(lab, CIPHERED)
    assert plain.hex() == CIPHERED["plain"]


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
