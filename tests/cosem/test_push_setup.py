"""Values of Push setup objects, in every version of the class."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosem.data_types import decode_all
from cosem.errors import TypeUnmatched
from cosem.push_setup import PUSH_SETUPS, PushObject, Transport, push_objects

NAMES = st.binary(min_size=6, max_size=6)
OBJECTS = st.lists(st.builds(PushObject, st.integers(0, 0xFFFF), NAMES, st.integers(-128, 127), st.just(0)), max_size=8)


@pytest.mark.parametrize("version", PUSH_SETUPS)
@given(objects=OBJECTS)
def test_a_push_object_list_is_read_as_it_was_written(version: int, objects: list[PushObject]) -> None:
    type_ = PUSH_SETUPS[version].attributes[2].type
    assert type_ is not None
    octets = type_.encode([item.to_structure(version) for item in objects])
    assert push_objects(decode_all(type_, octets)) == objects


@pytest.mark.parametrize(
    ("version", "octets"),
    [
        (0, "0101 0204 120008 0906 0001010000ff 0f02 120000"),
        (1, "0101 0205 120008 0906 0001010000ff 0f02 120000 0202 1600 00"),
        (2, "0101 0206 120008 0906 0001010000ff 0f02 120000 0202 1600 00 0100"),
    ],
)
def test_the_clock_stands_in_a_push_object_list_as_these_octets(version: int, octets: str) -> None:
    type_ = PUSH_SETUPS[version].attributes[2].type
    assert type_ is not None
    clock = PushObject(8, bytes.fromhex("0001010000ff"), 2)
    assert type_.encode([clock.to_structure(version)]) == bytes.fromhex(octets)
    assert push_objects(decode_all(type_, bytes.fromhex(octets))) == [clock]


@pytest.mark.parametrize(
    "octets",
    [
        "0101 0206 120008 0906 0001010000ff 0f02 120000 0202 1601 0202 0900 0900 0100",
        "0101 0204 120008 0906 0001010000ff 0f02 120000",
        "0101 0206 120008 0905 0001010000 0f02 120000 0202 1600 00 0100",
    ],
)
def test_what_is_no_push_object_of_version_2_does_not_match(octets: str) -> None:
    type_ = PUSH_SETUPS[2].attributes[2].type
    assert type_ is not None
    with pytest.raises(TypeUnmatched):
        decode_all(type_, bytes.fromhex(octets))


@pytest.mark.parametrize(
    "item",
    [
        (8, bytes(6), 2, 1),
        (8, bytes(6), 2, 0, (1, None)),
        (8, bytes(6), 2, 0, (0, None), [(8, bytes(6), 2, 0)]),
    ],
)
def test_parts_of_attributes_are_not_pushed(item: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="whole attributes"):
        push_objects([item])


def test_mqtt_is_a_transport_of_the_manufacturers_range() -> None:
    assert 200 <= Transport.MQTT <= 255
