"""What an association sees: rights, the precedence of errors, the object list."""

from __future__ import annotations

import pytest

from cosem.acse import Mechanism
from cosem.association_object import association_object
from cosem.data_types import ANY, UNSIGNED, decode_all
from cosem.errors import ObjectClassInconsistent, ObjectUndefined, ReadWriteDenied, ServiceError
from cosem.interface_class import BoundAttribute, Constant, CosemObject
from cosem.interface_classes import Data
from cosem.object_model import AccessMode, ObjectView, VisibleObject
from cosem.xdlms import Descriptor
from obis import Obis

from .samples import ASSOCIATION, CLOCK, DISCONNECTOR, ENERGY, LOGICAL_DEVICE_NAME, NOTE, PROFILE, VIEW

UNKNOWN = Obis.parse("9.9.9.9.9.9")


@pytest.mark.parametrize(
    ("mode", "readable", "writable"),
    [
        (AccessMode.NO_ACCESS, False, False),
        (AccessMode.READ, True, False),
        (AccessMode.WRITE, False, True),
        (AccessMode.READ_WRITE, True, True),
    ],
)
def test_rights_are_the_numbers_of_the_object_list(mode: AccessMode, readable: bool, writable: bool) -> None:
    assert (mode.readable, mode.writable) == (readable, writable)


REFUSED_READS: list[tuple[str, Descriptor, type[ServiceError]]] = [
    ("an unknown object", Descriptor(1, UNKNOWN, 2), ObjectUndefined),
    ("an unknown object of an unknown class", Descriptor(999, UNKNOWN, 2), ObjectUndefined),
    ("another class", Descriptor(3, LOGICAL_DEVICE_NAME, 2), ObjectClassInconsistent),
    ("an attribute too many", Descriptor(1, NOTE, 3), ObjectUndefined),
    ("attribute 0", Descriptor(1, NOTE, 0), ObjectUndefined),
    ("attribute 64", Descriptor(15, ASSOCIATION, 0x40), ObjectUndefined),
    ("the secret", Descriptor(15, ASSOCIATION, 7), ReadWriteDenied),
]


@pytest.mark.parametrize(("descriptor", "error"), [row[1:] for row in REFUSED_READS], ids=[r[0] for r in REFUSED_READS])
def test_a_refused_read_says_why(descriptor: Descriptor, error: type[ServiceError]) -> None:
    assert descriptor.to_bytes() + b"\x00" not in VIEW.readers
    with pytest.raises(error):
        VIEW.readable(descriptor.to_bytes())


REFUSED_WRITES: list[tuple[str, Descriptor, type[ServiceError]]] = [
    ("an unknown object", Descriptor(1, UNKNOWN, 2), ObjectUndefined),
    ("another class", Descriptor(3, NOTE, 2), ObjectClassInconsistent),
    ("an attribute too many", Descriptor(1, NOTE, 3), ObjectUndefined),
    ("a name", Descriptor(1, NOTE, 1), ReadWriteDenied),
    ("a value that is only read", Descriptor(3, ENERGY, 2), ReadWriteDenied),
]


@pytest.mark.parametrize(
    ("descriptor", "error"), [row[1:] for row in REFUSED_WRITES], ids=[row[0] for row in REFUSED_WRITES]
)
def test_a_refused_write_says_why(descriptor: Descriptor, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        VIEW.writable(descriptor.to_bytes())


REFUSED_CALLS: list[tuple[str, Descriptor, type[ServiceError]]] = [
    ("an unknown object", Descriptor(1, UNKNOWN, 1), ObjectUndefined),
    ("another class", Descriptor(9, CLOCK, 1), ObjectClassInconsistent),
    ("a method too many", Descriptor(3, ENERGY, 2), ObjectUndefined),
    ("a method that is not visible", Descriptor(70, DISCONNECTOR, 1), ReadWriteDenied),
    ("a method that the object does not have", Descriptor(8, CLOCK, 1), ReadWriteDenied),
]


@pytest.mark.parametrize(("descriptor", "error"), [row[1:] for row in REFUSED_CALLS], ids=[r[0] for r in REFUSED_CALLS])
def test_a_refused_call_says_why(descriptor: Descriptor, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        VIEW.callable(descriptor.to_bytes())


def test_the_hot_path_holds_exactly_what_may_be_read() -> None:
    expected = {
        Descriptor(visible.object.interface_class.class_id, visible.object.logical_name, index).to_bytes() + b"\x00"
        for visible in VIEW.objects
        for index, mode in visible.attributes.items()
        if mode.readable
    }
    assert VIEW.readers.keys() == expected


def test_the_object_list_says_class_version_name_and_rights_of_every_object() -> None:
    listed = {bytes(element[2]): element for element in decode_all(ANY, VIEW.object_list)}
    assert listed.keys() == {bytes(visible.object.logical_name) for visible in VIEW.objects}
    class_id, version, _, (attributes, methods) = listed[bytes(ASSOCIATION)]
    assert (class_id, version) == (15, 0)
    assert [(index, mode) for index, mode, _ in attributes] == [(n, 2 if n == 7 else 1) for n in range(1, 9)]
    assert methods == [(1, False), (2, False)]
    assert listed[bytes(ENERGY)][3] == ([(1, 1, None), (2, 1, None), (3, 1, None)], [(1, True)])
    assert listed[bytes(PROFILE)][3][0][1] == (2, 1, [1, 2])
    assert listed[bytes(NOTE)][3][0][1] == (2, 3, None)


def _data(source: object, sink: object) -> CosemObject:
    return CosemObject(Data, NOTE, [BoundAttribute(Data.value, source, sink, type_=UNSIGNED)])  # type: ignore[arg-type]


def test_a_readable_attribute_without_source_is_a_fault_of_the_profile() -> None:
    with pytest.raises(ValueError, match="readable in the profile but has no source"):
        ObjectView([VisibleObject(_data(None, print), {2: AccessMode.READ})])


def test_a_writable_attribute_without_sink_is_a_fault_of_the_profile() -> None:
    with pytest.raises(ValueError, match="writable in the profile but has no sink"):
        ObjectView([VisibleObject(_data(Constant(1), None), {2: AccessMode.WRITE})])


# As version 0 to 2 and as version 3 of Association LN have it.
CODES = [
    (AccessMode.NO_ACCESS, 0, 0),
    (AccessMode.READ, 1, 1),
    (AccessMode.READ | AccessMode.AUTHENTICATED_REQUEST, 4, 5),
    (AccessMode.WRITE | AccessMode.AUTHENTICATED_REQUEST, 5, 6),
    (AccessMode.READ_WRITE | AccessMode.AUTHENTICATED_REQUEST, 6, 7),
    (AccessMode.READ_WRITE | AccessMode.ENCRYPTED_RESPONSE, 3, 0x43),
    (AccessMode.AUTHENTICATED_REQUEST, 0, 4),
]


@pytest.mark.parametrize(("mode", "enumerated", "bits"), CODES)
def test_rights_that_need_protection_are_enumerated_or_bits(mode: AccessMode, enumerated: int, bits: int) -> None:
    assert (mode.enumerated, int(mode)) == (enumerated, bits)


@pytest.mark.parametrize(
    ("version", "attribute", "methods"), [(0, 4, [True, False]), (1, 4, [2, 0]), (2, 4, [2, 0]), (3, 5, [5, 0])]
)
def test_the_object_list_has_rights_as_the_version_of_its_association_object_does(
    version: int, attribute: int, methods: list[int]
) -> None:
    current = association_object(ASSOCIATION, 1, 1, Mechanism.HIGH_MD5, None, version=version)
    needs = AccessMode.AUTHENTICATED_REQUEST
    view = ObjectView([VisibleObject(current, {3: AccessMode.READ | needs}, frozenset({1}), {1: needs})])
    ((_, found, _, (attributes, listed)),) = decode_all(ANY, view.object_list)
    assert found == version
    assert attributes[2] == (3, attribute, None)
    assert [mode for _, mode in listed] == methods
