"""At which speed the octets that come next are sent: what the driver knows, what a search finds, who came last.

The rules, the last that applies counts:
1. Without more ado a reader signs on at the initial speed of the meter's settings.
2. A `SpeedSearch` listens at one speed after the other and stays where a message was heard.
3. A driver that sees the speed its reader has set says so.
4. Who takes the line over from an IEC 62056-21 dialogue, or from HDLC that one has opened, was heard at the speed
   that dialogue had: it stays for a minute after the last message.
"""

from __future__ import annotations

from .iec62056_21.line import Iec62056Line
from .speed import SETTLED_S, SpeedSearch


class LineSpeed:
    """Keeps the line of IEC 62056-21 told of the speed; the dialogues on it change it for their own time."""

    def __init__(self, iec: Iec62056Line | None, search: SpeedSearch | None) -> None:
        self._iec = iec
        self._search = search
        self._given: int | None = None
        self._kept_until: float | None = None
        self._follow()

    @property
    def speed(self) -> int | None:
        """That of the dialogue that goes on, or of the next sign-on; `None` where nobody searches or signs on."""
        if self._iec is not None:
            return self._iec.speed
        return None if self._search is None else self._search.speed

    def given(self, baud: int | None) -> None:
        """The driver knows the speed, or that nobody does (`None`)."""
        self._given, self._kept_until = baud, None
        self._follow()

    def keep(self, baud: int, now: float) -> None:
        """The line was taken over while it had this speed."""
        self._kept_until = now + SETTLED_S
        if self._iec is not None:
            self._iec.set_line_speed(baud)

    def message(self, now: float) -> None:
        """A whole message of some protocol was heard."""
        if self._kept_until is not None:
            self._kept_until = now + SETTLED_S
        if self._search is not None:
            self._search.message(now)
            self._follow()

    def noise(self, now: float) -> None:
        """Octets were heard that belong to no message."""
        if self._search is not None and self._kept_until is None:
            self._search.noise(now)
            self._follow()

    def handle_timer(self, now: float) -> None:
        """Go back to rest when it is time."""
        if self._kept_until is not None and now >= self._kept_until:
            self._kept_until = None
            self._follow()
        if self._search is not None:
            self._search.handle_timer(now)
            self._follow()

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        deadlines = (self._kept_until, None if self._search is None else self._search.next_timer())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _follow(self) -> None:
        if self._iec is not None and self._kept_until is None:
            searched = None if self._search is None else self._search.speed
            self._iec.set_line_speed(searched if self._given is None else self._given)
