"""A condition that has to hold for a while before it counts, and to be gone for a while before it is over."""

from __future__ import annotations

from typing import Any

import numpy as np

from .view import Condition, View


class Tracker:
    """A condition that becomes active after `on_s` seconds and inactive after `off_s` without it."""

    def __init__(self, on_s: int, off_s: int) -> None:
        self.on_s = on_s
        self.off_s = off_s
        self.active = False
        self.since: int | None = None
        """Since when the condition has been other than `active` says."""

    def _changing(self, condition: Condition | None, view: View) -> Condition | None:
        if condition is None:
            return np.ones(view.line.steps, dtype=np.bool_) if self.active else None
        return ~condition if self.active else condition

    def first(self, condition: Condition | None, view: View) -> int | None:
        """When `active` changes; a condition of None is nowhere fulfilled."""
        changing = self._changing(condition, view)
        return None if changing is None else view.held(changing, self.since, self.off_s if self.active else self.on_s)

    def carry(self, condition: Condition | None, view: View) -> None:
        """Take this stretch in."""
        changing = self._changing(condition, view)
        self.since = None if changing is None else view.holding_since(changing, self.since)

    def turned(self, now: int) -> bool:
        """Whether `active` changes at this instant; it has, then."""
        if self.since is None or now - self.since < (self.off_s if self.active else self.on_s):
            return False
        self.active, self.since = not self.active, None
        return True

    def state(self) -> list[Any]:
        """Active or not, and since when not."""
        return [self.active, self.since]

    def restore(self, values: list[Any]) -> None:
        """Take over what `state` gave."""
        self.active, self.since = values
