"""One loop over the declared interface classes, and how objects of them are bound."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cosem.acse import Mechanism
from cosem.association_object import association_object, sap_assignment_object
from cosem.data_types import DOUBLE_LONG_UNSIGNED, OCTET_STRING, UNSIGNED, decode_all
from cosem.errors import OtherReason, ReadWriteDenied, TypeUnmatched
from cosem.interface_class import BoundAttribute, Constant, CosemObject, InterfaceClass
from cosem.interface_classes import (
    INTERFACE_CLASSES,
    OBJECT_LIST_ELEMENT,
    AssociationLn,
    Clock,
    Data,
    HdlcSetup,
    Register,
)
from cosem.reader import Reader
from cosem.units import Unit
from obis import Obis

from .samples import associated

NAME = Obis.parse("1.1.1.8.0.255")

# Attributes and methods as the Blue Book counts them.
COUNTS = {
    (1, 0): (2, 0), (3, 0): (3, 1), (4, 0): (5, 1), (7, 1): (8, 2), (8, 0): (9, 6), (12, 2): (4, 8), (15, 0): (8, 2),
    (15, 1): (9, 2), (15, 2): (11, 2), (15, 3): (11, 2), (17, 0): (2, 1), (23, 1): (9, 0), (64, 0): (5, 2),
    (64, 1): (6, 8),
    (30, 0): (6, 3), (40, 0): (7, 1), (40, 1): (10, 1), (40, 2): (13, 2),
}  # fmt: skip
RESERVED = {(12, 2): {1, 2, 4, 6, 7}}
"""Methods that older versions of a class had."""


def test_every_class_is_counted_here() -> None:
    assert COUNTS.keys() == INTERFACE_CLASSES.keys()


@pytest.mark.parametrize("declared", INTERFACE_CLASSES.values(), ids=lambda declared: declared.__name__)
class TestEveryClass:
    def test_is_registered_under_its_own_number(self, declared: type[InterfaceClass]) -> None:
        assert INTERFACE_CLASSES[declared.class_id, declared.version] is declared

    def test_numbers_its_members_without_gaps(self, declared: type[InterfaceClass]) -> None:
        attributes, methods = COUNTS[declared.class_id, declared.version]
        assert list(declared.attributes) == list(range(1, attributes + 1))
        reserved = RESERVED.get((declared.class_id, declared.version), set())
        assert list(declared.methods) == [index for index in range(1, methods + 1) if index not in reserved]

    def test_has_short_names_for_its_methods_above_those_of_its_attributes(
        self, declared: type[InterfaceClass]
    ) -> None:
        if declared.methods:
            assert declared.method_offset % 8 == 0
            assert declared.method_offset >= 8 * len(declared.attributes)

    def test_begins_with_its_logical_name(self, declared: type[InterfaceClass]) -> None:
        first = declared.attributes[1]
        assert first.name == "logical_name"
        assert first.type is not None
        assert first.type.encode(NAME) == b"\x09\x06" + NAME

    def test_names_its_class_version_and_page(self, declared: type[InterfaceClass]) -> None:
        assert f"(class {declared.class_id}, version {declared.version})" in (declared.__doc__ or "")
        assert re.search(r"Blue Book 4(\.\d+)+", declared.__doc__ or "")

    def test_names_its_members_as_the_blue_book_does(self, declared: type[InterfaceClass]) -> None:
        for member in (*declared.attributes.values(), *declared.methods.values()):
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", member.name), member.index


def test_an_object_binds_every_attribute_of_its_class() -> None:
    value = BoundAttribute(Register.value, Constant(1), type_=DOUBLE_LONG_UNSIGNED)
    with pytest.raises(ValueError, match=r"1\.1\.1\.8\.0\.255 \(Register\) binds no attribute \[3\]"):
        CosemObject(Register, NAME, [value])


def test_a_choice_needs_a_type_from_its_object() -> None:
    with pytest.raises(ValueError, match="value is a CHOICE"):
        BoundAttribute(Data.value, Constant(1))


def test_a_constant_is_encoded_once() -> None:
    bound = BoundAttribute(Data.value, Constant(b"KAM"), type_=OCTET_STRING)
    assert bound.read is not None
    assert bound.read(None) is bound.read(object())


def test_an_object_prints_its_class_and_name() -> None:
    served = CosemObject(Data, NAME, [BoundAttribute(Data.value, Constant(1), type_=UNSIGNED)], name="A+")
    assert repr(served) == "<Data 1.1.1.8.0.255 A+>"


def _write(encoded: str, sink: Any = lambda device, value: None) -> None:
    BoundAttribute(Data.value, None, sink, type_=UNSIGNED).write(None, Reader(bytes.fromhex(encoded)))


def test_a_written_value_reaches_the_sink_decoded() -> None:
    written: list[int] = []
    _write("11ff", lambda device, value: written.append(value))
    assert written == [255]


def test_a_written_value_of_another_type_is_type_unmatched() -> None:
    with pytest.raises(TypeUnmatched):
        _write("0fff")


def test_a_value_error_of_a_sink_is_other_reason() -> None:
    with pytest.raises(OtherReason):
        _write("11ff", lambda device, value: int("no number"))


# --- the objects of the association ---------------------------------------------------------------


def test_the_association_object_says_who_speaks_and_by_what_mechanism() -> None:
    served = association_object(Obis.parse("0.0.40.0.0.255"), 18, 16, Mechanism.LOW, None)
    reads = {index: bound.read for index, bound in served.attributes.items() if bound.read is not None}
    assert set(reads) == {1, 2, 3, 4, 5, 6, 8}
    assert reads[3](None) == bytes.fromhex("02020f12120010")
    assert reads[6](None) == bytes.fromhex("090760857405080201")
    assert served.methods == {}
    association, device = associated()
    assert (reads[4](device), reads[8](device)) == (bytes.fromhex("090760857405080101"), b"\x16\x02")
    association.reset()
    assert reads[8](device) == b"\x16\x00"


def test_from_version_one_the_association_names_its_security_setup_from_version_two_its_users() -> None:
    setup = Obis.parse("0.0.43.0.1.255")
    for version, indexes in ((1, range(9, 10)), (2, range(9, 12)), (3, range(9, 12))):
        served = association_object(
            Obis.parse("0.0.40.0.0.255"), 1, 1, Mechanism.HIGH_GMAC, None, version=version, security_setup=setup
        )
        reads = {index: bound.read for index, bound in served.attributes.items() if bound.read is not None}
        assert [index for index in reads if index > 8] == list(indexes)
        assert reads[9](None) == b"\x09\x06" + setup
        assert set(served.methods) == {1}
        assert served.interface_class.version == version


def test_the_sap_list_may_only_be_written_back_as_it_is() -> None:
    served = sap_assignment_object(Obis.parse("0.0.41.0.0.255"), lambda device: [(1, b"one"), (16, b"sixteen")])
    bound = served.attributes[2]
    assert bound.read is not None
    encoded = bound.read(None)
    assert isinstance(encoded, bytes)
    assert decode_all(bound.type, encoded) == [(1, b"one"), (16, b"sixteen")]
    bound.write(None, Reader(encoded))
    with pytest.raises(ReadWriteDenied):
        bound.write(None, Reader(b"\x01\x00"))


def test_declarations_are_looked_up_by_name() -> None:
    assert AssociationLn.secret.index == 7
    assert Clock.shift_time.index == 6
    assert HdlcSetup.device_address.index == 9


def test_every_unit_has_a_symbol_of_its_own() -> None:
    symbols = [unit.symbol for unit in Unit]
    assert len(set(symbols)) == len(symbols)
    assert (Unit(30).symbol, Unit(27).symbol, Unit(255).symbol) == ("Wh", "W", "")


def test_an_object_list_element_comes_back_with_and_without_selectors() -> None:
    attributes = [(1, 1, ()), (2, 3, (1, 2))]
    element = (7, 1, bytes(6), (attributes, [(1, True)]))
    assert decode_all(OBJECT_LIST_ELEMENT, OBJECT_LIST_ELEMENT.encode(element)) == element
