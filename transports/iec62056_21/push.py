"""When a port of mode D sends unasked: every interval, and not while it is used (382M 1107 description: mode D0)."""

from __future__ import annotations

from typing import Final

from .settings import Iec62056Settings

_AT_ONCE: Final = 0.0


class PushSchedule:
    """The times of one meter. An interval that is changed, and traffic on the port, begin it anew."""

    def __init__(self) -> None:
        self._interval_s = 0.0
        self._due: float | None = None

    def next_timer(self, settings: Iec62056Settings) -> float | None:
        """When `due` wants to be asked."""
        if not settings.pushes:
            return None if self._due is None else _AT_ONCE
        return _AT_ONCE if self._due is None or settings.d0_interval_s != self._interval_s else self._due

    def due(self, settings: Iec62056Settings, now: float) -> bool:
        """It is time; once for each interval."""
        if not settings.pushes:
            self._due = None
            return False
        if self._due is None or settings.d0_interval_s != self._interval_s:
            self._interval_s = settings.d0_interval_s
            self._due = now + self._interval_s
        elif now >= self._due:
            self._due += ((now - self._due) // self._interval_s + 1) * self._interval_s
            return True
        return False

    def postpone(self, now: float) -> None:
        """Somebody uses the port now."""
        if self._due is not None:
            self._due = now + self._interval_s
