"""Association SN: what it says of the association, reading by logical name, the secret."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.acse import Mechanism
from cosem.association import Association
from cosem.data_types import ANY, INTEGER, LOGICAL_NAME, LONG_UNSIGNED, OCTET_STRING, Array, Structure, decode_all
from cosem.errors import DataAccessResult
from cosem.interface_classes import AssociationSn
from cosem.object_model import ObjectView
from cosem.reader import Reader
from cosem.short_names import apdus
from cosem.short_names.apdus import Parameterized, ReadResult, Variable
from cosem.short_names.association_sn import association_sn_object
from cosem.short_names.base_names import ShortNames, base_names
from obis import Obis

from ..samples import CAPTURE_OBJECTS, CLOCK, ENERGY, NOTE, PROFILE
from .samples import HIDDEN, NAMES, OBJECTS, aarq, associated, idle

READ_BY_LOGICAL_NAME, CHANGE_SECRET, REPLY_TO_HLS = 0xFA30, 0xFA40, 0xFA58
WANTED = Array(Structure(LONG_UNSIGNED, LOGICAL_NAME, INTEGER))


def read(association: Association, access: apdus.Access) -> ReadResult:
    response = association.handle(bytes((apdus.READ_REQUEST,)) + apdus.write_accesses([access]))
    assert response is not None
    (result,) = apdus.read_read_results(Reader(response, 1))
    return result


def read_by_logical_name(association: Association, *wanted: tuple[int, bytes, int]) -> Any:
    result = read(association, Parameterized(READ_BY_LOGICAL_NAME, 0, WANTED.encode(wanted)))
    return decode_all(ANY, result) if isinstance(result, bytes) else result


def test_it_is_where_clients_look_for_it_and_says_what_there_is() -> None:
    association, _ = associated()
    assert read(association, Variable(0xFA00)) == bytes.fromhex("09060000280000ff")
    assert read(association, Variable(0xFA08)) == NAMES.object_list
    assert read(association, Variable(0xFA10)) == NAMES.access_rights_list
    assert read(association, Variable(0xFA18)) == b"\x09\x06" + bytes(6)


def test_it_names_its_security_setup() -> None:
    setup = Obis.parse("0.0.43.0.1.255")
    item = association_sn_object(Mechanism.LOWEST, None, security_setup=setup)
    read_reference = item.attributes[AssociationSn.security_setup_reference.index].read
    assert read_reference is not None
    assert read_reference(None) == b"\x09\x06" + setup


def test_attributes_are_read_by_logical_name() -> None:
    association, device = associated()
    assert read_by_logical_name(association, (3, ENERGY, 2), (1, NOTE, 2), (3, ENERGY, 1)) == [
        19253,
        device.note,
        ENERGY,
    ]
    assert read_by_logical_name(association) == []


def test_index_0_gives_all_attributes_as_a_structure() -> None:
    association, device = associated()
    (everything,) = read_by_logical_name(association, (7, PROFILE, 0))
    assert everything == (
        PROFILE, [tuple(row) for row in device.rows], CAPTURE_OBJECTS, 900, 1, CAPTURE_OBJECTS[0], 20, 100,
    )  # fmt: skip


REFUSED = [
    ("an unknown name", (1, Obis.parse("9.9.9.9.9.255"), 2), DataAccessResult.OBJECT_UNDEFINED),
    ("another class", (1, CLOCK, 2), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
    ("an attribute that does not exist", (1, NOTE, 3), DataAccessResult.OBJECT_UNDEFINED),
    ("a negative index", (1, NOTE, -1), DataAccessResult.OBJECT_UNDEFINED),
    ("an attribute that may not be read", (1, HIDDEN, 2), DataAccessResult.READ_WRITE_DENIED),
    ("all attributes, one of which may not be read", (1, HIDDEN, 0), DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
    ("all attributes of an unknown name", (1, Obis.parse("9.9.9.9.9.255"), 0), DataAccessResult.OBJECT_UNDEFINED),
    ("all attributes of another class", (1, CLOCK, 0), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
]


@pytest.mark.parametrize(("wanted", "result"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_one_attribute_that_cannot_be_read_refuses_all(
    wanted: tuple[int, bytes, int], result: DataAccessResult
) -> None:
    association, device = associated()
    assert read_by_logical_name(association, (3, ENERGY, 2), wanted) is result
    assert device.reports == []


def test_a_changed_secret_is_in_force_with_the_next_association() -> None:
    association, device = idle(mechanism=Mechanism.LOW)
    association.handle(aarq(password=b"12345"))
    assert read(association, Parameterized(CHANGE_SECRET, 0, OCTET_STRING.encode(b"54321"))) == b"\x00"
    assert device.secret == b"54321"
    assert association.associated
    association.handle(aarq(password=b"12345"))
    assert not association.associated
    association.handle(aarq(password=b"54321"))
    assert association.associated


def test_without_high_level_security_there_is_nothing_to_reply_to() -> None:
    association, _ = associated()
    assert read(association, Parameterized(REPLY_TO_HLS, 0, b"\x09\x00")) is DataAccessResult.READ_WRITE_DENIED


@pytest.mark.parametrize("name", [0xFA20, 0xFA28, 0xFA38, 0xFA48, 0xFA50, 0xFA60])
def test_methods_of_older_versions_have_no_names(name: int) -> None:
    association, _ = associated()
    assert read(association, Parameterized(name, 0, b"\x00")) is DataAccessResult.OBJECT_UNDEFINED


def test_two_associations_of_a_device_have_one_name_for_an_object_and_each_its_own_list() -> None:
    bases = base_names(item.object for item in OBJECTS)
    fewer = [item for item in OBJECTS if item.object.logical_name != NOTE]
    names = ShortNames(ObjectView(fewer), bases)
    association, _ = associated(view=ObjectView(fewer), short_names=names)
    listed = decode_all(ANY, read(association, Variable(0xFA08)))  # type: ignore[arg-type]
    all_listed = decode_all(ANY, NAMES.object_list)
    assert [item for item in all_listed if bytes(item[3]) != NOTE] == listed
