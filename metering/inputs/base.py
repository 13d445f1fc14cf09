"""What every input is: a frozen record that knows its kind, checks its values and becomes JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Input:
    """One change from outside; raises `ValueError` where a value is not allowed."""

    kind: ClassVar[str]
    physical: ClassVar[bool] = False
    """Whether it happens to the meter even when that is off; all else reaches a running meter only."""

    legal: ClassVar[bool] = False
    """Whether it changes legal data, which takes a broken verification seal."""

    def to_dict(self) -> dict[str, object]:
        """`{"kind": …}` and the fields, as JSON knows them."""
        values: dict[str, object] = {"kind": self.kind}
        for item in fields(self):
            value = getattr(self, item.name)
            values[item.name] = list(value) if isinstance(value, tuple) else value
        return values


def within(name: str, value: int, low: int, high: int) -> None:
    """Raise `ValueError` unless `value` is an integer from `low` to `high`."""
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}; allowed: {low}..{high}")
