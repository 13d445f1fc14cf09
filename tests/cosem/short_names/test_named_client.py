"""The client that is asked with descriptors where names are short."""

from __future__ import annotations

from typing import Any

import pytest

from cosem.association import Association
from cosem.client import AccessFailed
from cosem.data_types import DOUBLE_LONG_UNSIGNED, INTEGER, OCTET_STRING
from cosem.errors import DataAccessResult
from cosem.interface_classes import AssociationSn
from cosem.object_model import AccessMode, ObjectView
from cosem.short_names.named_client import NamedClient
from cosem.xdlms import Descriptor
from obis import Obis

from ..samples import BUFFER, ENERGY, ENERGY_VALUE, NOTE, NOTE_VALUE, ROW, Device, run
from .samples import VIEW_SN, idle
from .test_read_service import ENTRIES_1_TO_2


def opened() -> tuple[Association, Device, NamedClient]:
    association, device = idle()
    client = NamedClient()
    run(association, client.associate())
    return association, device, client


def test_descriptors_are_read_written_and_invoked() -> None:
    association, device, client = opened()
    assert run(association, client.get(ENERGY_VALUE))[0] == DOUBLE_LONG_UNSIGNED.encode(19253)
    rows = run(association, client.get(BUFFER, 2, ENTRIES_1_TO_2))[0]
    assert rows == b"\x01\x02" + b"".join(ROW.encode(row) for row in device.rows[:2])
    run(association, client.set(NOTE_VALUE, OCTET_STRING.encode(b"new")))
    assert device.note == b"new"
    assert run(association, client.action(Descriptor(3, ENERGY, 1), INTEGER.encode(4)))[0] == b"\x00"
    assert device.invoked == [("reset", 4)]


def test_the_object_list_is_read_once_an_association() -> None:
    association, _, client = opened()
    assert len(run(association, client.get(ENERGY_VALUE))[1]) == 2
    assert len(run(association, client.get(NOTE_VALUE))[1]) == 1
    run(association, client.associate())
    assert len(run(association, client.get(NOTE_VALUE))[1]) == 2


def test_objects_come_with_the_rights_of_the_association() -> None:
    association, _, client = opened()
    listed: dict[tuple[int, Obis], Any] = {
        (class_id, name): rights for class_id, _, name, rights in run(association, client.objects_with_rights())[0]
    }
    assert len(listed) == len(VIEW_SN.objects)
    assert listed[1, NOTE] == ([(1, 1, None), (2, 3, None)], [])
    assert listed[3, ENERGY][1] == [(1, 1)]


def test_where_rights_are_not_told_every_attribute_is_worth_a_try() -> None:
    view = ObjectView(
        item._replace(attributes={1: AccessMode.READ, 2: AccessMode.READ})
        if item.object.interface_class is AssociationSn
        else item
        for item in VIEW_SN.objects
    )
    association, _ = idle(view=view)
    client = NamedClient()
    run(association, client.associate())
    listed = {(item[0], item[2]): item[3] for item in run(association, client.objects_with_rights())[0]}
    assert listed[3, ENERGY] == ([(1, 1, None), (2, 1, None), (3, 1, None)], [])
    assert listed[9, Obis.parse("0.0.10.0.0.255")] == ([(1, 1, None)], [])


NOWHERE = Obis.parse("9.9.9.9.9.255")


def test_what_is_not_listed_or_has_no_such_method_fails_before_anything_is_asked() -> None:
    association, device, client = opened()
    for exchange in (
        client.get(Descriptor(1, NOWHERE, 2)),
        client.set(Descriptor(1, NOWHERE, 2), b"\x00"),
        client.action(Descriptor(1, NOTE, 1)),
        client.action(Descriptor(9, Obis.parse("0.0.10.0.0.255"), 1)),  # a class that is not declared
    ):
        with pytest.raises(AccessFailed) as failed:
            run(association, exchange)
        assert failed.value.result is DataAccessResult.OBJECT_UNDEFINED
    assert device.invoked == []
