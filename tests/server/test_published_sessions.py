"""The two sessions that the 382M DLMS description publishes, byte for byte against a meter set up to match."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from metering import DataQuality, LoggerStatus
from transports.crc import check_octets

from .conftest import Lab

SESSIONS = json.loads((Path(__file__).parent / "data" / "382m_dlms_sessions.json").read_text())
FIRST_ROW = datetime(2013, 10, 24, 22, 0, tzinfo=UTC)  # midnight of 25 October, daylight saving time
AT = FIRST_ROW + timedelta(hours=15, minutes=20)
MISSING = {37, 38, 39}
"""Three of the 62 quarters up to 15:15 have no row; the publication leaves out the blocks 3 to 6 they lie in."""


def meter_of_the_publication(lab: Callable[..., Lab]) -> Lab:
    """Meter 12345679, its load profile of 25 October 2013 as far as the publication shows it."""
    bench = lab(AT, AT, serial_number=12345679)
    profile = bench.meter.engine.load_profile(bench.meter.now())
    last_rows = {60: (0x0002E30D, 0, 0x0D2F, 1), 61: (0x000343F8, 0, 0x0EE9, 1)}
    for slot in range(62):
        if slot in MISSING:
            continue
        readings = last_rows.get(slot, (3, 0, 0, 1))
        outage = DataQuality.POWER_OUTAGE | DataQuality.UNDER_VOLTAGE
        profile.mark(LoggerStatus(0), DataQuality(0) if slot in last_rows else outage)
        normal_time = int(FIRST_ROW.timestamp()) + slot * 900 + 3600
        profile.capture(np.array([normal_time]), np.array(readings, dtype=np.int64)[:, None] * 3_600_000)
    return bench


@pytest.mark.parametrize("session", SESSIONS, ids=[session["title"] for session in SESSIONS])
def test_a_published_session_is_reproduced_byte_for_byte(session: dict[str, object], lab: Callable[..., Lab]) -> None:
    exchange = meter_of_the_publication(lab).hdlc()
    frames = session["frames"]
    assert isinstance(frames, list)
    answer = b""
    block = 0
    for frame in frames:
        octets = bytes.fromhex(frame["hex"])
        if frame["from"] == "server":
            assert answer.hex() == frame["hex"]
            continue
        if octets[11:14] == b"\xc0\x02\x81":
            wanted = int.from_bytes(octets[14:18], "big")
            while block < wanted - 1:  # the blocks that the publication leaves out
                block += 1
                answer = exchange(next_block_request(block, answer))
            block = wanted
        answer = exchange(octets)


def next_block_request(number: int, last_answer: bytes) -> bytes:
    """The client's Get-Request-Next frame for a block that is not printed, numbered from the meter's last frame."""

    send, receive = (last_answer[5] >> 5) & 7, ((last_answer[5] >> 1) + 1) & 7
    head = bytes.fromhex("a0132125") + bytes((receive << 5 | 0x10 | send << 1,))
    body = bytes.fromhex("e6e600c00281") + number.to_bytes(4, "big")
    head += check_octets(head)
    return b"\x7e" + head + body + check_octets(head + body) + b"\x7e"


def test_the_load_profile_travels_in_seven_blocks_of_ten_capture_slots(lab: Callable[..., Lab]) -> None:
    bench = meter_of_the_publication(lab)
    buffer = bench.model.definitions[18, 16].view.readers[bytes.fromhex("0007010163 0100ff0200")]
    rows = buffer(bench.reader().association.context)
    cuts = list(rows.cuts(497))
    assert len(cuts) == 7
    assert [(end - begin) // 46 for begin, end in zip([2, *cuts], cuts, strict=False)] == [10, 10, 10, 7, 10, 10, 2]
