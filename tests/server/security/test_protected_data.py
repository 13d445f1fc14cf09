"""Data protection and ciphered ACCESS of a 382M-secure on the wire; what was protected is not taken twice, ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cosem.access_service import AccessKind, AccessRequest, Specification
from cosem.client import AccessFailed
from cosem.data_protection import OBJECT_LIST, PARAMETERS, DataProtection
from cosem.data_types import DOUBLE_LONG_UNSIGNED, OCTET_STRING, decode_all
from cosem.errors import ActionResult
from cosem.initiate import Conformance
from cosem.security.protected_data import ProtectionParameters, ProtectionType, protect, unprotect
from cosem.security.security_context import SecurityContext
from cosem.xdlms import AttributeRequest, Descriptor
from obis import Obis
from server.runtime import Runtime

from .head_end import SecuredClient, counter
from .test_secured_meter import GMAC_CIPHERED, on_meter, port_of

PLAIN_GMAC = 35
NUMBER_2 = Descriptor(1, Obis.parse("1.1.0.0.2.255"), 2)
PROTECTION = Obis.parse("0.0.43.2.0.255")
BUFFER, OBJECTS, PARAMETERS_GET = (Descriptor(30, PROTECTION, index) for index in (2, 3, 4))
SET = Descriptor(30, PROTECTION, 2)
OBJECT = (1, NUMBER_2.logical_name, 2, 0, (0, None))
BOTH = ProtectionParameters(ProtectionType.AUTHENTICATION_AND_ENCRYPTION)


def keys_of(head_end: SecuredClient) -> SecurityContext:
    security = head_end.client.security
    assert security is not None
    return security.context


def opened(runtime: Runtime) -> SecuredClient:
    return SecuredClient(port_of(runtime), GMAC_CIPHERED, counter=counter(port_of(runtime)) + 1)


async def test_protected_values_are_set_once_also_after_a_restart(tmp_path: Path) -> None:
    def first(runtime: Runtime) -> bytes:
        head_end = opened(runtime)
        used, protected = protect(keys_of(head_end), b"\x02\x01" + DOUBLE_LONG_UNSIGNED.encode(4711), [BOTH])
        request: bytes = DataProtection.set_protected_attributes.parameter.encode(([OBJECT], used, protected))
        head_end.run(head_end.client.action(SET, request))
        assert head_end.get(1, str(NUMBER_2.logical_name)) == 4711
        head_end.run(head_end.client.set(NUMBER_2, DOUBLE_LONG_UNSIGNED.encode(1)))
        head_end.run(head_end.client.set(OBJECTS, OBJECT_LIST.encode([OBJECT])))
        head_end.run(head_end.client.set(PARAMETERS_GET, PARAMETERS.encode([BOTH])))
        return request

    def second(runtime: Runtime) -> tuple[Any, bytes]:
        head_end = opened(runtime)
        with pytest.raises(AccessFailed) as failure:
            head_end.run(head_end.client.action(SET, request))
        buffer = head_end.run(head_end.client.get_value(BUFFER, OCTET_STRING))
        return failure.value.result, unprotect(keys_of(head_end), buffer, [BOTH])

    path = tmp_path / "state.sqlite"
    request = await on_meter(path, first)
    result, values = await on_meter(path, second)
    assert result == ActionResult.OTHER_REASON
    assert values == b"\x02\x01" + DOUBLE_LONG_UNSIGNED.encode(1)


async def test_who_has_not_proved_itself_under_ciphering_cannot_use_it(tmp_path: Path) -> None:
    def work(runtime: Runtime) -> Any:
        head_end = SecuredClient(port_of(runtime), PLAIN_GMAC)
        request = DataProtection.get_protected_attributes.parameter.encode(([OBJECT], [BOTH]))
        results = []
        for exchange in (
            head_end.client.action(Descriptor(30, PROTECTION, 1), request),
            head_end.client.set(OBJECTS, OBJECT_LIST.encode([OBJECT])),
        ):
            with pytest.raises(AccessFailed) as failure:
                head_end.run(exchange)
            results.append(failure.value.result)
        return results, head_end.run(head_end.client.get_value(BUFFER, OCTET_STRING))

    results, buffer = await on_meter(tmp_path / "state.sqlite", work)
    assert results == [ActionResult.READ_WRITE_DENIED] * 2
    assert buffer == b""


async def test_a_ciphered_access_reads_and_writes(tmp_path: Path) -> None:
    def work(runtime: Runtime) -> Any:
        head_end = opened(runtime)
        head_end.client.conformance |= Conformance.ACCESS
        head_end.run(head_end.client.associate())
        target = AttributeRequest(NUMBER_2.to_bytes())
        specifications = [Specification(AccessKind.SET, target), Specification(AccessKind.GET, target)]
        value = DOUBLE_LONG_UNSIGNED.encode(4711)
        return head_end.run(head_end.client.access(AccessRequest(1, b"", specifications, [value, b"\x00"])))

    response = await on_meter(tmp_path / "state.sqlite", work)
    assert response.results == [(AccessKind.SET, 0), (AccessKind.GET, 0)]
    assert decode_all(DOUBLE_LONG_UNSIGNED, response.data[1]) == 4711
