"""Security policy of Security setup, versions 0 and 1: what protection each direction must have.

Version 0 is an enumeration of what applies to both directions. Version 1 is a set of bits, three a direction; its
two lowest bits are reserved and stay 0 (Blue Book, class 64).

| bit of version 1 | 2 | 3 | 4 | 5 | 6 | 7 |
|---|---|---|---|---|---|---|
| request | authenticated | encrypted | signed | | | |
| response | | | | authenticated | encrypted | signed |

A policy is a floor: more protection than required is always accepted, and `security_activate` may only add
(`strengthens`). So the values 1 and 2 of version 0 do not follow each other: the step would drop authentication.
"""

from __future__ import annotations

from enum import Enum, IntFlag
from typing import Final, NamedTuple


class Protection(IntFlag):
    """How an APDU is protected; the bits are those of version 1 for one direction."""

    NONE = 0
    AUTHENTICATED = 1
    ENCRYPTED = 2
    SIGNED = 4


class Direction(Enum):
    """Request or response; the value is where its bits begin in version 1."""

    REQUEST = 2
    RESPONSE = 5


_RESERVED: Final = 0b11
_ALL: Final = 0b111


class SecurityPolicy(NamedTuple):
    """The value of security_policy and the version of the class that gives it its meaning; make it with `of`."""

    version: int
    value: int

    @classmethod
    def of(cls, version: int, value: int) -> SecurityPolicy:
        """A policy of version 0 or 1; raises `ValueError` where the version has no such value."""
        known = 0 <= value <= 3 if version == 0 else 0 <= value <= 0xFF and not value & _RESERVED
        if version not in (0, 1) or not known:
            raise ValueError(f"{value} is no security policy of version {version}")
        return cls(version, value)


def required(policy: SecurityPolicy, direction: Direction) -> Protection:
    """The least protection that an APDU of this direction must have."""
    if policy.version == 0:  # bit 0 authenticated, bit 1 encrypted: the values are the sets
        return Protection(policy.value)
    return Protection(policy.value >> direction.value & _ALL)


def satisfies(protection: Protection, policy: SecurityPolicy, direction: Direction) -> bool:
    """Whether an APDU protected like this may pass."""
    return int(required(policy, direction)) & ~int(protection) == 0


def strengthens(new: SecurityPolicy, old: SecurityPolicy) -> bool:
    """Whether going from `old` to `new` keeps every requirement; a policy strengthens itself."""
    return all(required(old, direction) & ~required(new, direction) == 0 for direction in Direction)
