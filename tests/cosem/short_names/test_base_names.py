"""Base names: reserved ones, those that we choose, and what a short name stands for."""

from __future__ import annotations

import pytest

from cosem.data_types import ANY, INTEGER, UNSIGNED, decode_all
from cosem.errors import ObjectUndefined
from cosem.interface_class import BoundAttribute, Constant, CosemObject, InterfaceClass, Method
from cosem.interface_classes import Clock, Data, HdlcSetup, Register
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.short_names.base_names import RESERVED, STEP, ShortNames, base_names
from cosem.xdlms import Descriptor
from obis import Obis

from ..samples import CLOCK, DISCONNECTOR, ENERGY, LOGICAL_DEVICE_NAME, NOTE, SAPS
from .samples import HIDDEN, NAMES, OBJECTS, VIEW_SN

CURRENT = Obis.parse("0.0.40.0.0.255")


def data_object(number: int) -> CosemObject:
    return CosemObject(
        Data,
        Obis(bytes((0, 0, 128, number >> 8, number & 0xFF, 255))),
        [BoundAttribute(Data.value, Constant(0), type_=UNSIGNED)],
    )


@pytest.mark.parametrize(
    ("descriptor", "base"),
    [
        (Descriptor(12, CURRENT, 1), 0xFA00),
        (Descriptor(17, SAPS, 1), 0xFC00),
        (Descriptor(1, LOGICAL_DEVICE_NAME, 1), 0xFD00),
    ],
)
def test_special_objects_have_the_names_of_the_blue_book(descriptor: Descriptor, base: int) -> None:
    assert NAMES.name_of(descriptor) == base


def test_the_script_table_of_broadcasts_has_its_name() -> None:
    assert RESERVED[9, Obis.parse("0.0.10.0.125.255")] == 0xFB00


def test_names_of_attributes_and_methods_follow_the_pages_of_the_classes() -> None:
    base = NAMES.name_of(Descriptor(Clock.class_id, CLOCK, 1))
    assert NAMES.name_of(Descriptor(Clock.class_id, CLOCK, 2)) == base + 0x08
    assert NAMES.name_of(Descriptor(Clock.class_id, CLOCK, 9)) == base + 0x40
    assert NAMES.name_of(Descriptor(Clock.class_id, CLOCK, 1), is_method=True) == base + 0x60
    assert NAMES.name_of(Descriptor(Clock.class_id, CLOCK, 6), is_method=True) == base + 0x88
    energy = NAMES.name_of(Descriptor(Register.class_id, ENERGY, 1))
    assert NAMES.name_of(Descriptor(Register.class_id, ENERGY, 1), is_method=True) == energy + 0x28
    assert NAMES.name_of(Descriptor(12, CURRENT, 3), is_method=True) == 0xFA30
    assert NAMES.name_of(Descriptor(12, CURRENT, 5), is_method=True) == 0xFA40
    assert NAMES.name_of(Descriptor(12, CURRENT, 8), is_method=True) == 0xFA58


def test_every_attribute_and_method_has_one_name_and_every_name_a_place() -> None:
    expected = {
        (Descriptor(item.interface_class.class_id, item.logical_name, index), is_method)
        for item in (visible.object for visible in OBJECTS)
        for is_method, members in ((False, item.attributes), (True, item.interface_class.methods))
        for index in members
    }
    found = {}
    for name in range(0x10000):
        try:
            descriptor, is_method = NAMES.find(name)
        except ObjectUndefined:
            continue
        assert name % STEP == 0
        found[name] = (Descriptor.from_bytes(descriptor), is_method)
    assert set(found.values()) == expected
    assert len(found) == len(expected)


def test_names_are_the_same_every_time_and_for_whoever_sees_a_part() -> None:
    items = [visible.object for visible in OBJECTS]
    assert base_names(items) == base_names(items)
    bases = base_names(items)
    part = ShortNames(ObjectView(OBJECTS[3:]), bases)
    clock = Descriptor(Clock.class_id, CLOCK, 2)
    assert part.name_of(clock) == NAMES.name_of(clock)
    with pytest.raises(ObjectUndefined):
        part.name_of(Descriptor(1, NOTE, 2))


def test_an_object_that_comes_twice_has_one_name() -> None:
    assert len(base_names([data_object(1), data_object(1), data_object(2)])) == 2


def test_names_stay_below_those_that_are_reserved() -> None:
    fitting = (0xFA00 - 0x100) // 0x10
    bases = base_names(data_object(number) for number in range(fitting))
    assert max(bases.values()) == 0xFA00 - 0x10
    with pytest.raises(ValueError, match="more short names than there are"):
        base_names(data_object(number) for number in range(fitting + 1))


def test_a_class_whose_methods_have_no_place_fails_when_the_program_starts() -> None:
    class Odd(InterfaceClass):
        """A class without offset."""

        class_id = 8192
        version = 0
        reset = Method(1, INTEGER)

    odd = CosemObject(Odd, NOTE, [], {Odd.reset: print})
    with pytest.raises(ValueError, match="no offset of their short names"):
        ShortNames(ObjectView([VisibleObject(odd, {})]), base_names([odd]))


def test_names_that_overlap_fail_when_the_program_starts() -> None:
    first, second = data_object(1), data_object(2)
    view = ObjectView([VisibleObject(first, {}), VisibleObject(second, {})])
    bases = {(1, first.logical_name): 0x100, (1, second.logical_name): 0x108}
    with pytest.raises(ValueError, match="0x0108 stands for two things"):
        ShortNames(view, bases)


def test_the_object_list_says_base_class_version_and_name() -> None:
    listed = {bytes(name): (base, class_id, version) for base, class_id, version, name in decode_all(
        ANY, NAMES.object_list
    )}  # fmt: skip
    assert len(listed) == len(VIEW_SN.objects)
    assert listed[CURRENT] == (0xFA00 - 0x10000, 12, 2)
    assert listed[NOTE] == (NAMES.name_of(Descriptor(1, NOTE, 1)), 1, 0)


def test_the_access_rights_list_says_what_the_association_may() -> None:
    rights = {base & 0xFFFF: (attributes, methods) for base, attributes, methods in decode_all(
        ANY, NAMES.access_rights_list
    )}  # fmt: skip
    assert rights[NAMES.name_of(Descriptor(1, NOTE, 1))] == ([(1, 1, None), (2, 3, None)], [])
    assert rights[NAMES.name_of(Descriptor(1, HIDDEN, 1))] == ([(1, 1, None), (2, 2, None)], [])
    assert rights[NAMES.name_of(Descriptor(3, ENERGY, 1))][1] == [(1, 1)]
    assert rights[NAMES.name_of(Descriptor(70, DISCONNECTOR, 1))][1] == [(1, 0)]
    assert rights[0xFA00][1] == [(3, 1), (5, 1), (8, 0)]
    buffer = rights[NAMES.name_of(Descriptor(7, Obis.parse("1.0.99.1.0.255"), 1))][0][1]
    assert buffer == (2, AccessMode.READ, [1, 2])


def test_classes_without_methods_take_their_attributes_only() -> None:
    setup = CosemObject(
        HdlcSetup,
        Obis.parse("0.0.22.0.0.255"),
        [BoundAttribute(attribute, Constant(1)) for index, attribute in HdlcSetup.attributes.items() if index > 1],
    )
    assert list(base_names([setup, data_object(1)]).values()) == [0x100, 0x148]
