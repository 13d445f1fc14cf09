"""At which speed the octets that come next are sent: what the driver knows, what a search finds, who came last.

The rules, the last that applies counts:
1. Without more ado a reader signs on at the initial speed of the meter's settings.
2. A `SpeedSearch` listens at one speed after the other and stays where a message was heard.
3. Who takes the line over from an IEC 62056-21 dialogue, or from HDLC that one has opened, was heard at the speed
   that dialogue had: it stays for a minute after the last message, unless noise says otherwise.
4. A driver that sees the speed its reader has set says so.
"""

from __future__ import annotations

from .iec62056_21.line import Iec62056Line
from .speed import SpeedSearch


class LineSpeed:
    """Keeps the line of IEC 62056-21 told of the speed; the dialogues on it change it for their own time."""

    def __init__(self, iec: Iec62056Line | None, search: SpeedSearch | None) -> None:
        self._iec = iec
        self._search = search or SpeedSearch((None,))
        self._given: int | None = None
        self._follow()

    @property
    def speed(self) -> int | None:
        """That of the dialogue that goes on, or of the next sign-on; `None` where nobody searches or signs on."""
        return self._search.speed if self._iec is None else self._iec.speed

    def given(self, baud: int | None) -> None:
        """The driver knows the speed, or that nobody does (`None`)."""
        self._given = baud
        self._search.rest()
        self._follow()

    def keep(self, baud: int, now: float) -> None:
        """The line was taken over while it had this speed."""
        self._search.settle(baud, now)
        self._follow()

    def message(self, now: float) -> None:
        """A whole message of some protocol was heard."""
        self._search.message(now)
        self._follow()

    def noise(self, now: float) -> None:
        """Octets were heard that belong to no message."""
        self._search.noise(now)
        self._follow()

    def reader_left(self, now: float) -> None:
        """Whoever was heard has closed its port."""
        self._search.unsettle(now)

    def handle_timer(self, now: float) -> None:
        """Go back to rest when it is time."""
        self._search.handle_timer(now)
        self._follow()

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        return self._search.next_timer()

    def _follow(self) -> None:
        if self._iec is not None:
            self._iec.set_line_speed(self._search.speed if self._given is None else self._given)
