"""A request costs a bounded number of octets read, and a bounded time, whatever service asks: counted, not timed."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.access_service import AccessKind, AccessRequest, Specification, read_access_response, write_access_request
from cosem.association import Association
from cosem.client import Client
from cosem.data_types import INTEGER, OCTET_STRING
from cosem.errors import OtherReason
from cosem.initiate import Conformance
from cosem.request_cost import RequestCost, RequestLimits
from cosem.short_names import apdus
from cosem.short_names.apdus import Parameterized, Variable
from cosem.xdlms import AttributeRequest, Descriptor

from .samples import CLASSIC, ENERGY, NOTE_VALUE, Device, associated
from .short_names import samples as short
from .short_names.samples import NAMES

OTHER = 250


class Counting(Device):
    """A device that counts how often its note is looked at and written."""

    looks = writes = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "note":
            self.looks += 1
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "note":
            self.writes += 1
        super().__setattr__(name, value)


class Ticking:
    """A clock that goes on by 0.4 s whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.4
        return self.now


def access(kind: AccessKind, count: int, data: bytes = b"\x00") -> bytes:
    specification = Specification(kind, AttributeRequest(NOTE_VALUE.to_bytes()))
    return write_access_request(AccessRequest(0x40000001, b"", [specification] * count, [data] * count))


@pytest.mark.parametrize("max_pdu", [200, 0xFFFF])
def test_an_access_reads_no_more_than_a_response_may_have(max_pdu: int) -> None:
    """A value that did not fit was read all the same: it counts as well."""
    device = Counting(note=bytes(0x8000))
    limits = RequestLimits(response_octets=0x40000)
    association, _ = associated(
        max_pdu,
        Conformance.ACCESS,
        device=device,
        conformance=Conformance.ACCESS,
        limits=limits,
        max_receive_pdu=0x1000,
    )
    device.looks = 0
    response = association.handle(access(AccessKind.GET, 60))
    assert response is not None
    results = [result.code for result in read_access_response(response).results]
    assert device.looks == 0x40000 // 0x8000
    assert results == ([0] if max_pdu == 0xFFFF else [OTHER]) + [OTHER] * 59


def test_a_list_reads_no_more_than_a_response_may_have() -> None:
    device = Counting(note=bytes(0x8000))
    association, _ = associated(device=device, limits=RequestLimits(response_octets=0x40000))
    device.looks = 0
    association.handle(next(Client().get_list([NOTE_VALUE] * 60)))
    assert device.looks == 0x40000 // 0x8000


def test_a_list_of_short_names_reads_no_more_than_a_response_may_have() -> None:
    device = Counting(note=bytes(0x8000))
    association, _ = short.associated(device=device, limits=RequestLimits(response_octets=0x40000))
    device.looks = 0
    association.handle(read(60))
    assert device.looks == 0x40000 // 0x8000


def read(count: int) -> bytes:
    names = [Variable(NAMES.name_of(NOTE_VALUE))] * count
    return bytes((apdus.READ_REQUEST,)) + apdus.write_accesses(names)


# --- time -------------------------------------------------------------------------------------------

RESET = Descriptor(3, ENERGY, 1)
ITEMS = 5
SERVED = 3
"""The clock goes from 0.4 to 1.6 s while four accesses ask it, and a request that began at 0.4 ends at 1.4."""
WRITTEN = OCTET_STRING.encode(b"x")


def listed(tag: int, choice: int, descriptor: Descriptor, behind: bytes = b"", value: bytes = b"") -> bytes:
    items = (descriptor.to_bytes() + behind) * ITEMS
    values = bytes((ITEMS,)) + value * ITEMS if value else b""
    return bytes((tag, choice, 0xC1, ITEMS)) + items + values


def writing() -> bytes:
    names = [Variable(NAMES.name_of(NOTE_VALUE))] * ITEMS
    return bytes((apdus.WRITE_REQUEST,)) + apdus.write_contents(names, [WRITTEN] * ITEMS)


def unconfirmed() -> bytes:
    return bytes((apdus.UNCONFIRMED_WRITE_REQUEST,)) + writing()[1:]


def invoking(kind: type[Parameterized] = Parameterized) -> bytes:
    name = NAMES.name_of(RESET, is_method=True)
    return bytes((apdus.READ_REQUEST,)) + apdus.write_accesses([kind(name, 0, INTEGER.encode(0))] * ITEMS)


REQUESTS: dict[str, tuple[bool, bytes, bytes | None]] = {
    "GET": (True, listed(0xC0, 3, NOTE_VALUE, b"\x00"), bytes.fromhex("01fa")),
    "SET": (True, listed(0xC1, 4, NOTE_VALUE, b"\x00", WRITTEN), bytes.fromhex("fa")),
    "ACTION": (True, listed(0xC3, 3, RESET, b"", INTEGER.encode(0)), bytes.fromhex("fa00")),
    "ACCESS get": (True, access(AccessKind.GET, ITEMS), bytes.fromhex("01fa")),
    "ACCESS set": (True, access(AccessKind.SET, ITEMS, WRITTEN), bytes.fromhex("02fa")),
    "READ": (False, read(ITEMS), bytes.fromhex("01fa")),
    "READ of methods": (False, invoking(), bytes.fromhex("01fa")),
    "WRITE": (False, writing(), bytes.fromhex("01fa")),
    "UnconfirmedWrite": (False, unconfirmed(), None),
}
"""Long names or short, a request of five accesses, and what the response has for one that was not done."""


def opened(long_names: bool, device: Device) -> Association:
    clock = Ticking()
    if not long_names:
        return short.associated(device=device, clock=clock)[0]
    services = CLASSIC | Conformance.ACCESS
    return associated(device=device, clock=clock, proposed=services, conformance=services)[0]


@pytest.mark.parametrize(("long_names", "request_", "refusal"), REQUESTS.values(), ids=REQUESTS)
def test_what_is_asked_for_after_the_time_of_a_request_is_not_done(
    long_names: bool, request_: bytes, refusal: bytes | None
) -> None:
    device = Counting()
    device.looks = device.writes = 0
    association = opened(long_names, device)
    for time in (1, 2):
        response = association.handle(request_)
        if refusal is not None:
            assert response is not None
            assert response.count(refusal) == ITEMS - SERVED
        assert device.looks + device.writes + len(device.invoked) == time * SERVED


def test_the_first_access_of_a_request_is_never_refused() -> None:
    cost = RequestCost(RequestLimits(response_octets=10, request_s=0.0), Ticking())
    for _ in range(3):
        cost.begin()
        cost.reading()
        cost.read(11)
        with pytest.raises(OtherReason, match="octets"):
            cost.reading()
        with pytest.raises(OtherReason, match="long"):
            cost.access()
