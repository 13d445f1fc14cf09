"""The objects a 382M serves against the object list of its protocol description, row by row and right by right.

`data/objects.csv` is that list (382M DLMS description, chapter 3); the column K382M marks what this meter has.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cosem import data_types
from cosem.data_types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, NULL, decode_all
from cosem.errors import DataAccessResult
from cosem.interface_classes import INTERFACE_CLASSES, AssociationLn, ProfileGeneric
from cosem.object_model import AccessMode
from cosem.units import Unit
from cosem.xdlms import Descriptor
from obis import Obis
from server.device_profile import available, load_profile

from .clients import result_of
from .conftest import Lab, Reader

DOCUMENTED = {
    (int(row["class_id"]), row["logical_name"]): row
    for row in csv.DictReader((Path(__file__).parent / "data" / "objects.csv").open(encoding="utf-8"))
    if row["K382M"] == "1"
}
TAGS = {"Unsigned8": 0x11, "Unsigned16": 0x12, "Unsigned32": 0x06, "Octet-String": 0x09, "Visible-String": 0x0A}
UNITS = {
    "kWh": (0, Unit.WH), "kvarh": (0, Unit.VARH), "W": (0, Unit.W), "var": (0, Unit.VAR), "A": (-2, Unit.A),
    "V": (0, Unit.V), "hour": (0, Unit.HOUR),
}  # fmt: skip
"""The unit of the example column, and what stands on the wire for it: whole Wh, hundredths of an ampere."""

TABLE_2_1 = {
    "0.0.22.0.0.255",
    "0.0.40.0.0.255",
    "0.0.41.0.0.255",
    "0.1.1.0.0.255",
    "1.1.0.0.0.255",
    "1.1.0.0.1.255",
    "1.1.0.0.2.255",
    "1.1.0.0.3.255",
    "1.1.0.2.0.255",
    "1.1.0.2.2.128",
    "1.1.0.130.1.255",
    "1.1.0.130.2.255",
    "1.1.96.1.0.255",
    "1.1.96.1.1.255",
}
"""What the public client sees (382M DLMS description, table 2-1; 1.1.0.0.4 is the OMNIPOWER's only)."""

PUBLIC, MODULE, OPTICAL, CCC = (16, 1, None), (18, 16, b"12345"), (19, 16, b"12345"), (20, 16, b"12345")
METERING_CLIENTS = [MODULE, OPTICAL, CCC]
ALL_CLIENTS = [PUBLIC, *METERING_CLIENTS]


class Listed(NamedTuple):
    """An element of an object list, as it came over the wire."""

    class_id: int
    version: int
    name: str
    attributes: dict[int, AccessMode]
    selectors: dict[int, Any]
    methods: frozenset[int]


def object_list(reader: Reader) -> dict[tuple[int, str], Listed]:
    """The object list of the reader's association, read with a GET."""
    octets = reader.octets(15, "0.0.40.0.0.255")
    elements = decode_all(data_types.ANY, octets)
    listed = {}
    for class_id, version, name, (attributes, methods) in elements:
        item = Listed(
            class_id,
            version,
            str(Obis(name)),
            {index: AccessMode(mode) for index, mode, _ in attributes},
            {index: selectors for index, _, selectors in attributes},
            frozenset(index for index, allowed in methods if allowed),
        )
        assert (class_id, item.name) not in listed
        listed[class_id, item.name] = item
    assert len(listed) == len(elements)
    return listed


@pytest.fixture
def bench(lab: Callable[..., Lab], request: pytest.FixtureRequest) -> Lab:
    return lab(profile=getattr(request, "param", "382M"))


# --- which objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", ["382M", "382L"], indirect=True)
@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_the_object_list_of_a_metering_client_is_the_documented_one(bench: Lab, client: tuple[Any, ...]) -> None:
    listed = object_list(bench.reader(*client))
    assert listed.keys() == DOCUMENTED.keys()
    for key, row in DOCUMENTED.items():
        assert listed[key].version == int(row["version"]), row


@pytest.mark.parametrize("bench", ["382M", "382L"], indirect=True)
def test_the_public_client_sees_table_2_1_and_nothing_else(bench: Lab) -> None:
    assert {name for _, name in object_list(bench.reader(*PUBLIC))} == TABLE_2_1


@pytest.mark.parametrize("client", ALL_CLIENTS)
def test_the_object_list_names_every_attribute_and_method_of_the_class(bench: Lab, client: tuple[Any, ...]) -> None:
    for item in object_list(bench.reader(*client)).values():
        declared = INTERFACE_CLASSES[item.class_id, item.version]
        assert item.attributes.keys() == declared.attributes.keys(), item
        assert item.methods <= declared.methods.keys(), item


@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_an_object_that_is_not_in_the_list_is_undefined(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    assert result_of(reader.octets, 3, "1.1.9.8.0.255") == DataAccessResult.OBJECT_UNDEFINED


def test_a_name_asked_for_with_another_class_is_inconsistent(bench: Lab) -> None:
    result = result_of(bench.reader().octets, 1, "1.1.1.8.0.255")
    assert result == DataAccessResult.OBJECT_CLASS_INCONSISTENT


# --- types and units ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", ["382M", "382L"], indirect=True)
def test_every_value_has_its_documented_type_on_the_wire(bench: Lab) -> None:
    reader = bench.reader()
    checked = 0
    for (class_id, name), row in DOCUMENTED.items():
        if row["value_type"] and row["access"] in ("R", "RW", "R(W)"):
            assert reader.octets(class_id, name)[0] == TAGS[row["value_type"]], row
            checked += 1
    assert checked > 140


def test_every_register_has_the_unit_of_its_example(bench: Lab) -> None:
    reader = bench.reader()
    for (class_id, name), row in DOCUMENTED.items():
        if class_id not in (3, 4) or row["access"] == "-":
            continue
        scaler, unit = UNITS[row["example"].split()[1]]
        if name.endswith(".128"):
            scaler = -1  # the verification registers are the energy with one more digit
        assert reader.get(class_id, name, 3) == (scaler, unit), row


@pytest.mark.parametrize("bench", [name for name in available() if load_profile(name).associations], indirect=True)
@pytest.mark.parametrize("client", ALL_CLIENTS)
def test_every_readable_attribute_reads_and_decodes_as_its_declared_type(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    definition = bench.model.definition(client[0], client[1], "module")
    assert definition is not None
    for visible in definition.view.objects:
        item = visible.object
        for index, mode in visible.attributes.items():
            if mode.readable:
                octets = reader.octets(item.interface_class.class_id, str(item.logical_name), index)
                is_object_list = item.attributes[index].attribute is AssociationLn.object_list  # a CHOICE deep inside
                decode_all(data_types.ANY if is_object_list else item.attributes[index].type, octets)


@pytest.mark.parametrize("client", ALL_CLIENTS)
def test_the_logical_name_attribute_is_the_logical_name(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    for item in object_list(reader).values():
        if item.attributes[1].readable:
            assert reader.get(item.class_id, item.name, 1) == Obis.parse(item.name)


# --- rights ---------------------------------------------------------------------------------------------


def documented_mode(access: str, client: tuple[Any, ...]) -> AccessMode:
    """The right on attribute 2 of a Data or Register; R(W) is written from the primary module port only."""
    if access == "R(W)":
        return AccessMode.READ_WRITE if client is MODULE else AccessMode.READ
    return {"-": AccessMode.NO_ACCESS, "R": AccessMode.READ, "W": AccessMode.WRITE, "RW": AccessMode.READ_WRITE}[access]


@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_rights_on_values_are_the_documented_ones(bench: Lab, client: tuple[Any, ...]) -> None:
    listed = object_list(bench.reader(*client))
    for key, row in DOCUMENTED.items():
        if row["access"]:
            assert listed[key].attributes[2] == documented_mode(row["access"], client), row


@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_of_a_logger_only_the_capture_period_of_two_is_writable(bench: Lab, client: tuple[Any, ...]) -> None:
    listed = object_list(bench.reader(*client))
    writable = {
        (name, index)
        for (class_id, name), item in listed.items()
        if class_id == ProfileGeneric.class_id
        for index, mode in item.attributes.items()
        if mode.writable
    }
    assert writable == {("1.1.99.1.0.255", 4), ("1.1.99.1.1.255", 4)}


@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_the_secret_of_an_association_is_write_only(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    item = object_list(reader)[AssociationLn.class_id, "0.0.40.0.0.255"]
    assert item.attributes[7] == AccessMode.WRITE
    assert all(not mode.writable for index, mode in item.attributes.items() if index != 7)
    assert result_of(reader.octets, 15, "0.0.40.0.0.255", 7) == DataAccessResult.READ_WRITE_DENIED


@pytest.mark.parametrize("bench", ["382M", "382L"], indirect=True)
def test_the_public_client_can_write_nothing_and_call_nothing(bench: Lab) -> None:
    for item in object_list(bench.reader(*PUBLIC)).values():
        assert not any(mode.writable for mode in item.attributes.values()), item
        assert not item.methods, item


@pytest.mark.parametrize("client", ALL_CLIENTS)
def test_what_the_list_does_not_let_read_is_denied(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    for item in object_list(reader).values():
        for index, mode in item.attributes.items():
            if not mode.readable:
                result = result_of(reader.octets, item.class_id, item.name, index)
                assert result == DataAccessResult.READ_WRITE_DENIED, (item.name, index)


@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_what_the_list_does_not_let_write_is_denied(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    for item in object_list(reader).values():
        for index, mode in item.attributes.items():
            if not mode.writable:
                write = reader.set, item.class_id, item.name, index, NULL, None
                assert result_of(*write) == DataAccessResult.READ_WRITE_DENIED, (item.name, index)
    assert not bench.meter.pending


# --- writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", ["382M", "382L"], indirect=True)
@pytest.mark.parametrize("client", METERING_CLIENTS)
def test_every_writable_attribute_takes_back_what_was_read(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    for item in object_list(reader).values():
        for index, mode in item.attributes.items():
            if mode == AccessMode.READ_WRITE:
                octets = reader.octets(item.class_id, item.name, index)
                descriptor = Descriptor(item.class_id, Obis.parse(item.name), index)
                reader.run(reader.client.set(descriptor, octets))
                assert reader.octets(item.class_id, item.name, index) == octets, (item.name, index)


def test_every_writable_attribute_refuses_a_value_of_another_type(bench: Lab) -> None:
    reader = bench.reader()
    refused = 0
    for item in object_list(reader).values():
        for index, mode in item.attributes.items():
            if mode.writable:
                write = reader.set, item.class_id, item.name, index, NULL, None
                assert result_of(*write) == DataAccessResult.TYPE_UNMATCHED, (item.name, index)
                refused += 1
    assert refused > 40
    assert not bench.meter.pending


def test_a_long_unsigned_is_no_double_long_unsigned(bench: Lab) -> None:
    reader = bench.reader()
    write = reader.set, 1, "1.1.0.0.2.255", 2, LONG_UNSIGNED, 7
    assert result_of(*write) == DataAccessResult.TYPE_UNMATCHED


def test_what_the_module_client_writes_the_others_and_the_public_read(bench: Lab) -> None:
    bench.reader(*MODULE).set(1, "1.1.0.0.2.255", 2, DOUBLE_LONG_UNSIGNED, 4711)
    for client in ALL_CLIENTS:
        assert bench.reader(*client).get(1, "1.1.0.0.2.255") == 4711


def test_two_meters_of_one_profile_share_no_values(lab: Callable[..., Lab]) -> None:
    first, second = lab(serial_number=1), lab(serial_number=2)
    assert first.model is second.model
    first.reader().set(1, "1.1.0.130.1.255", 2, DOUBLE_LONG_UNSIGNED, 99)
    assert second.reader().get(1, "1.1.0.130.1.255") == 0
    assert first.reader().get(1, "1.1.96.1.0.255") == 1
    assert second.reader().get(1, "1.1.96.1.0.255") == 2


# --- the objects about the association -------------------------------------------------------------------


def test_the_logical_device_name_is_kame_and_six_octets_of_serial_number(lab: Callable[..., Lab]) -> None:
    bench = lab(serial_number=0x01171739)
    names = bench.reader(*PUBLIC).get(17, "0.0.41.0.0.255")
    expected = bytes((75, 65, 77, 69, 0, 0, 1, 23, 23, 57))  # the form of 382M DLMS description, figure 14
    assert names == [(1, expected), (16, expected)]


@pytest.mark.parametrize("client", ALL_CLIENTS)
def test_the_association_object_names_its_own_partners(bench: Lab, client: tuple[Any, ...]) -> None:
    reader = bench.reader(*client)
    assert reader.get(15, "0.0.40.0.0.255", 3) == client[:2]
    assert reader.get(15, "0.0.40.0.0.255", 8) == 2


def test_a_new_password_counts_for_its_own_client_from_the_next_association_on(bench: Lab) -> None:
    bench.reader(*MODULE).set(15, "0.0.40.0.0.255", 7, data_types.OCTET_STRING, b"54321")
    assert bench.reader(18, 16, b"54321").get(1, "1.1.96.1.0.255") == 12345678
    with pytest.raises(Exception, match="association rejected"):
        bench.reader(*MODULE)
    assert bench.reader(*OPTICAL).get(1, "1.1.96.1.0.255") == 12345678


def test_hdlc_setup_has_the_documented_factory_values(bench: Lab) -> None:
    reader = bench.reader()
    values = [reader.get(23, "0.0.22.0.0.255", index) for index in range(2, 10)]
    assert values == [5, 1, 1, 512, 128, 500, 20, 32]  # 382M DLMS description, figure 16


@pytest.mark.parametrize(
    ("attribute", "type_", "value"),
    [
        (3, data_types.UNSIGNED, 0),
        (3, data_types.UNSIGNED, 8),
        (5, LONG_UNSIGNED, 31),
        (6, LONG_UNSIGNED, 2031),
        (7, LONG_UNSIGNED, 19),
        (9, LONG_UNSIGNED, 15),
        (9, LONG_UNSIGNED, 0x3FFE),
    ],
)
def test_hdlc_setup_refuses_what_no_link_can_have(
    bench: Lab, attribute: int, type_: data_types.DataType, value: int
) -> None:
    write = bench.reader().set, 23, "0.0.22.0.0.255", attribute, type_, value
    assert result_of(*write) == DataAccessResult.OTHER_REASON
