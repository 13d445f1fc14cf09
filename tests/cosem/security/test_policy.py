"""Security policies of both versions: what they require, what satisfies them, what strengthens them."""

from __future__ import annotations

import itertools

import pytest

from cosem.security.policy import Direction, Protection, SecurityPolicy, required, satisfies, strengthens

A, E, S = Protection.AUTHENTICATED, Protection.ENCRYPTED, Protection.SIGNED
REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE

REQUIRED = [
    (0, 0, Protection.NONE, Protection.NONE),
    (0, 1, A, A),
    (0, 2, E, E),
    (0, 3, A | E, A | E),
    (1, 0x00, Protection.NONE, Protection.NONE),
    (1, 0x04, A, Protection.NONE),
    (1, 0x08, E, Protection.NONE),
    (1, 0x10, S, Protection.NONE),
    (1, 0x20, Protection.NONE, A),
    (1, 0x40, Protection.NONE, E),
    (1, 0x80, Protection.NONE, S),
    (1, 0x6C, A | E, A | E),
    (1, 0xFC, A | E | S, A | E | S),
]
POLICIES = [SecurityPolicy.of(0, value) for value in range(4)] + [
    SecurityPolicy.of(1, value) for value in range(0, 0x100, 4)
]
PROTECTIONS = [Protection(value) for value in range(8)]


@pytest.mark.parametrize(("version", "value", "request_", "response"), REQUIRED)
def test_a_policy_requires_what_its_bits_say(
    version: int, value: int, request_: Protection, response: Protection
) -> None:
    policy = SecurityPolicy.of(version, value)
    assert (required(policy, REQUEST), required(policy, RESPONSE)) == (request_, response)


@pytest.mark.parametrize(("version", "value"), [(0, -1), (0, 4), (1, 1), (1, 2), (1, 0x6F), (1, 0x100), (2, 0)])
def test_a_value_that_the_version_does_not_have_is_no_policy(version: int, value: int) -> None:
    with pytest.raises(ValueError, match="no security policy"):
        SecurityPolicy.of(version, value)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("direction", Direction)
def test_exactly_the_supersets_of_what_is_required_satisfy(policy: SecurityPolicy, direction: Direction) -> None:
    needed = required(policy, direction)
    for protection in PROTECTIONS:
        assert satisfies(protection, policy, direction) == (needed & protection == needed)


def test_a_policy_is_strengthened_only_by_one_that_lets_nothing_new_pass() -> None:
    for old, new in itertools.product(POLICIES, repeat=2):
        passes_anew = any(
            satisfies(protection, new, direction) and not satisfies(protection, old, direction)
            for protection in PROTECTIONS
            for direction in Direction
        )
        assert strengthens(new, old) == (not passes_anew)


def test_encryption_alone_does_not_strengthen_authentication_alone() -> None:
    assert not strengthens(SecurityPolicy.of(0, 2), SecurityPolicy.of(0, 1))
    assert not strengthens(SecurityPolicy.of(0, 0), SecurityPolicy.of(0, 3))
