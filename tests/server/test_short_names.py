"""A 382M-secure read by short names: the same objects, values and rights as by logical names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosem.association import Association
from cosem.client import AccessFailed, Client, Exchange
from cosem.data_types import OCTET_STRING
from cosem.interface_classes import AssociationLn, AssociationSn, Data
from cosem.short_names.apdus import Variable
from cosem.short_names.base_names import RESERVED
from cosem.short_names.client import READ_BY_LOGICALNAME, ListedObject, ShortNameClient
from cosem.xdlms import Descriptor
from obis import Obis
from server.binding.model import Context, object_model
from server.time_source import SteppedTime
from tests.server.clients import TcpPort
from tests.server.running import LOOPBACK, running
from transports.wrapper import encode_wpdu

from .conftest import Lab
from .security.head_end import ASSOCIATIONS, SecuredClient, client

LONG, SHORT = 33, 65
"""HLS with MD5, in plain: with logical names, with short ones."""
CIPHERED = 85
SHORT_NAMES = [item.client_sap for item in ASSOCIATIONS.values() if item.context.startswith("SN")]


@pytest.fixture
def bench(lab: Callable[..., Lab]) -> Lab:
    return lab(profile="382M-secure")


def never(error: Exception, apdu: bytes) -> None:
    raise AssertionError(apdu.hex()) from error


def association(bench: Lab, sap: int) -> Association:
    context = Context(bench.model, bench.meter, "module")
    return Association(bench.model.definition(sap, 16, "module"), context, never)


def run(to: Association, exchange: Exchange) -> Any:
    request = next(exchange)
    while True:
        response = to.handle(request)
        assert response is not None
        try:
            request = exchange.send(response)
        except StopIteration as done:
            return done.value


def opened(bench: Lab, sap: int, **more: Any) -> tuple[Association, Any]:
    to, speaking = association(bench, sap), client(sap, **more)
    run(to, speaking.associate())
    return to, speaking


def read(to: Association, exchange: Exchange) -> Any:
    """The octets that were read, or the result where they may not be."""
    try:
        return run(to, exchange)
    except AccessFailed as failed:
        return failed.result


def test_every_attribute_reads_by_its_short_name_as_by_its_descriptor(bench: Lab) -> None:
    long_to, by_logical_name = opened(bench, LONG)
    short_to, by_short_name = opened(bench, SHORT)
    assert isinstance(by_logical_name, Client)
    assert isinstance(by_short_name, ShortNameClient)
    listed: list[ListedObject] = run(short_to, by_short_name.object_list())
    seen = {(item.class_id, item.logical_name) for item in listed}
    for visible in long_to.view.objects:
        declared, name = visible.object.interface_class, visible.object.logical_name
        assert issubclass(declared, AssociationLn) or (declared.class_id, name) in seen
    compared = 0
    for item in listed:
        if item.class_id == AssociationSn.class_id:
            continue
        found = next(one.object for one in short_to.view.objects if one.object.logical_name == item.logical_name)
        for index in found.attributes:
            descriptor = Descriptor(item.class_id, item.logical_name, index)
            by_descriptor = read(long_to, by_logical_name.get(descriptor))
            by_name = read(short_to, by_short_name.read(item.base_name + 8 * (index - 1)))
            assert by_name == by_descriptor, descriptor
            compared += 1
    assert compared > 500


def test_a_ciphered_client_reads_all_objects_in_blocks_and_lists(bench: Lab) -> None:
    to, speaking = opened(bench, CIPHERED, max_pdu=512)
    listed = run(to, speaking.object_list())
    wanted = [(item.class_id, item.logical_name, 1) for item in listed]
    declared = AssociationSn.read_by_logicalname
    names = run(to, speaking.invoke(READ_BY_LOGICALNAME, declared.parameter.encode(wanted)))
    assert names == b"\x01\x81" + bytes((len(listed),)) + b"".join(OCTET_STRING.encode(item[1]) for item in wanted)


@pytest.mark.parametrize("sap", SHORT_NAMES)
def test_an_object_has_one_base_name_in_every_association(sap: int) -> None:
    model = object_model("382M-secure")
    one, other = model.definitions[sap, 16].short_names, model.definitions[SHORT, 16].short_names
    assert one is not None
    assert other is not None
    view = model.definitions[sap, 16].view
    for visible in view.objects:
        descriptor = Descriptor(visible.object.interface_class.class_id, visible.object.logical_name, 1)
        assert one.name_of(descriptor) == other.name_of(descriptor)
    current = Descriptor(12, Obis.parse("0.0.40.0.0.255"), 1)
    assert one.name_of(current) == RESERVED[12, current.logical_name] == 0xFA00


def test_what_is_written_by_short_name_is_read_by_descriptor(bench: Lab) -> None:
    long_to, by_logical_name = opened(bench, LONG)
    short_to, by_short_name = opened(bench, SHORT)
    written = 0
    for visible in short_to.view.objects:
        descriptor = Descriptor(visible.object.interface_class.class_id, visible.object.logical_name, 2)
        mode = visible.attributes.get(2)
        if descriptor.class_id != 1 or mode is None or not (mode.readable and mode.writable):
            continue
        assert short_to.definition is not None
        assert short_to.definition.short_names is not None
        name = short_to.definition.short_names.name_of(descriptor)
        value = run(short_to, by_short_name.read(name))
        run(short_to, by_short_name.write(name, value))
        assert run(long_to, by_logical_name.get(descriptor)) == value
        written += 1
    assert written


def test_a_changed_secret_is_that_of_the_client_that_changed_it(bench: Lab) -> None:
    to, speaking = opened(bench, SHORT)
    change_secret = 0xFA00 + 0x40
    run(to, speaking.invoke(change_secret, OCTET_STRING.encode(b"another secret")))
    opened(bench, SHORT, secret=b"another secret")
    opened(bench, LONG)


def note_name() -> tuple[Descriptor, int]:
    """A Data object that may be written, and the short name of its value."""
    defined = object_model("382M-secure").definitions[71, 16]
    assert defined.short_names is not None
    for visible in defined.view.objects:
        mode = visible.attributes.get(2)
        if visible.object.interface_class is Data and mode is not None and mode.readable and mode.writable:
            descriptor = Descriptor(Data.class_id, visible.object.logical_name, 2)
            return descriptor, defined.short_names.name_of(descriptor)
    raise AssertionError("nothing to write")


async def test_an_unconfirmed_write_is_not_answered_and_outlives_a_restart(tmp_path: Path) -> None:
    _, name = note_name()
    meters, tcp = [{"profile": "382M-secure"}], [{"kind": "tcp", "address": LOOPBACK}]
    state = tmp_path / "state.sqlite"

    def value(octets: bytes) -> bytes:
        """Another value of the same type and size."""
        return octets[:-1] + bytes((octets[-1] ^ 1,))

    def write(endpoint: str) -> bytes:
        head_end = SecuredClient(TcpPort(endpoint), 71)
        speaking = head_end.client
        assert isinstance(speaking, ShortNameClient)
        written = value(head_end.run(speaking.read(name)))
        head_end.port.write(encode_wpdu(71, 16, speaking.write_unconfirmed([Variable(name)], [written])))
        assert head_end.run(speaking.read(name)) == written  # the next answer is that of the READ
        return written

    def read_again(endpoint: str) -> bytes:
        head_end = SecuredClient(TcpPort(endpoint), 71)
        assert isinstance(head_end.client, ShortNameClient)
        octets: bytes = head_end.run(head_end.client.read(name))
        return octets

    async with running(meters, tcp, SteppedTime(1_772_452_800), state=state) as runtime:
        written = await asyncio.to_thread(write, runtime.endpoints[0].name)
    async with running(meters, tcp, SteppedTime(1_772_452_800), state=state) as runtime:
        assert await asyncio.to_thread(read_again, runtime.endpoints[0].name) == written
