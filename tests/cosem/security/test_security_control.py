"""The security control octet: every octet read and written, and which are accepted."""

from __future__ import annotations

import pytest

from cosem.security.errors import CompressionRefused, DecipheringError
from cosem.security.policy import Protection
from cosem.security.security_control import SecurityControl, check
from cosem.security.suites import SUITES, Suite


def test_every_octet_is_read_and_written_back() -> None:
    for octet in range(0x100):
        assert SecurityControl.from_octet(octet).to_octet() == octet


@pytest.mark.parametrize(
    ("octet", "text"),
    [
        (0x10, "suite 0 A"),
        (0x21, "suite 1 E"),
        (0x72, "suite 2 AE broadcast"),
        (0xB0, "suite 0 AE compressed"),
        (0x0F, "suite 15 unprotected"),
    ],
)
def test_it_prints_as_one_readable_line(octet: int, text: str) -> None:
    assert str(SecurityControl.from_octet(octet)) == text


@pytest.mark.parametrize("suite", SUITES.values())
def test_only_protection_of_the_suite_in_force_is_accepted(suite: Suite) -> None:
    fine = []
    for octet in range(0x100):
        try:
            check(octet, suite)
        except (DecipheringError, CompressionRefused):
            continue
        fine.append(octet - suite.number)
    assert fine == [0x10, 0x20, 0x30, 0x50, 0x60, 0x70]


def test_its_protection_is_bits_4_and_5() -> None:
    a, e = Protection.AUTHENTICATED, Protection.ENCRYPTED
    assert [SecurityControl.from_octet(octet).protection for octet in (0x41, 0x10, 0x22, 0x70)] == [0, a, e, a | e]


def test_compression_is_answered_as_a_service_that_is_not_supported() -> None:
    with pytest.raises(CompressionRefused) as refused:
        check(0xB0, SUITES[0])
    assert refused.value.response() == bytes.fromhex("d80102")
