"""Sessions of real meters with HLS-GMAC and ciphering, answered octet by octet.

What a meter draws at random and where its counter stands is taken from its AARE; everything else is ours to get right.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from cosem import acse
from cosem.acse import Mechanism
from cosem.association import Association
from cosem.data_types import OCTET_STRING
from cosem.initiate import Conformance
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Data
from cosem.security.invocation import SendCounter
from obis import Obis

from .security.meter import Meter, association, visible
from .security.samples import nothing, octets

NUMBER = CosemObject(
    Data,
    Obis.parse("0.0.96.1.0.255"),
    [BoundAttribute(Data.value, Constant(b"12000017"), type_=OCTET_STRING)],
)


class Session(NamedTuple):
    """Client's and server's title, what the server grants and takes, its counter, its AARE, and the exchanges."""

    client: str
    server: str
    conformance: int
    max_receive_pdu: int
    counter: int
    aare: bytes
    exchanges: list[tuple[bytes, bytes | None]]


SESSIONS = {
    "Elgama": Session(
        "4d454c0000000001", "4d454c6470b71b11", 0xFE1D, 239, 0x4F, octets("V165", "out"),
        [
            (octets("V165"), octets("V165", "out")),
            (octets("V169"), octets("V171")),
            (octets("V173"), octets("V173", "out")),
        ],
    ),
    "with a release": Session(
        "0000000000000000", "4b464d6410000002", 0x1E1D, 1224, 0x413A, octets("V244"),
        [
            (octets("V242"), octets("V244")),
            (octets("V246"), octets("V248")),
            (octets("V251"), None),
            (octets("V258"), octets("V260")),
        ],
    ),
}  # fmt: skip


def served(session: Session) -> Association:
    challenge = acse.read_aare(session.aare).authentication_value
    assert challenge is not None
    meter = Meter(clients=(bytes.fromhex(session.client),), system_title=bytes.fromhex(session.server))
    meter.random = lambda size: challenge
    meter.sent = SendCounter(session.counter, nothing)
    return association(
        meter,
        Mechanism.HIGH_GMAC,
        acse.ApplicationContext.LN_CIPHERED,
        visible(NUMBER),
        conformance=Conformance(session.conformance),
        max_receive_pdu=session.max_receive_pdu,
    )


@pytest.mark.parametrize("name", SESSIONS)
def test_a_captured_session_is_answered_octet_by_octet(name: str) -> None:
    session = SESSIONS[name]
    server = served(session)
    for request, response in session.exchanges:
        answer = server.handle(request)
        assert answer is not None
        if response is not None:
            assert answer.hex() == response.hex()


@pytest.mark.parametrize("name", SESSIONS)
def test_none_of_its_requests_is_answered_again(name: str) -> None:
    session = SESSIONS[name]
    server = served(session)
    for request, _ in session.exchanges[:2]:
        server.handle(request)
    again = server.handle(session.exchanges[1][0])
    assert again is not None
    assert again[:3] == bytes.fromhex("d80206")
