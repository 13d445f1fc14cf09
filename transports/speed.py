"""Which of several speeds a serial line is spoken at: found by listening, sans-I/O.

Meters take a sign-on at 300 and at 9600 baud on the same port, HDLC at 9600 (382M 1107 description 2), KMP at 9600 or
1200, the hexadecimal protocol of the 685 at 1200. A port hears only one speed at a time; at another all it hears is
noise. The rules:
- The line rests at the first of the speeds.
- Noise makes it listen at the next one, once for each burst: what comes within half a second of noise is the
  rest of the same message and says nothing new.
- A message settles the speed for a minute: one burst behind it changes nothing, for any line is disturbed at times. A
  second one without a message between them, or any when the reader has closed its port, comes from somebody else.
- A speed that another chose, not noise, is settled, too (`settle`); from one that is none of its own the search goes
  on at rest.
- A minute after the last message or change the line is back at rest; where the reader has closed its port, five seconds
  after that, if nobody was heard meanwhile. `/?!` at 9600 baud is nothing at all to a port at 300, not even noise.

So a client is heard after a rest with its first request at 9600, with its second at 300, with its third at 1200, if it
leaves half a second of silence between them; whoever comes next at the same speed, with the first; at another, with the
second or third where the one before has closed its port, else one request later.
"""

from __future__ import annotations

from typing import Final

SPEEDS: Final = (9600, 300, 1200)
BURST_S: Final = 0.5
"""Shorter than any client waits before it asks again, longer than any gap inside a message."""
SETTLED_S: Final = 60.0
"""Longer than a readout at 300 baud and the 20 s after which an HDLC connection is given up."""
LEFT_S: Final = 5.0
"""Longer than a reader needs to open its port anew."""


class SpeedSearch:
    """Tell it of noise and of messages; `speed` is the baud to listen at.

    A speed `None` is that which the port has without more ado; alone it makes a search that only keeps what is settled.
    """

    def __init__(self, speeds: tuple[int | None, ...] = SPEEDS) -> None:
        self.speed = speeds[0]
        self._speeds = speeds
        self._settled_until: float | None = None
        self._burst_until: float | None = None
        self._rest_at: float | None = None

    def message(self, now: float) -> None:
        """A whole message of some protocol was heard."""
        self._settled_until = now + SETTLED_S
        self._burst_until = None
        self._follow_rest(now)

    def noise(self, now: float) -> None:
        """Octets were heard that begin no protocol."""
        inside = self._burst_until is not None and now < self._burst_until
        settled = self._settled_until is not None and now < self._settled_until
        self._burst_until = now + BURST_S
        if inside:
            return
        self._settled_until = None
        if not settled:
            following = self._speeds.index(self.speed) + 1 if self.speed in self._speeds else 0
            self.speed = self._speeds[following % len(self._speeds)]
            self._follow_rest(now)

    def settle(self, baud: int, now: float) -> None:
        """A message was heard at this speed."""
        self.speed = baud
        self.message(now)

    def unsettle(self, now: float) -> None:
        """Whoever was heard is gone, or comes back at once."""
        self._settled_until = None
        if self._rest_at is not None:
            self._rest_at = min(self._rest_at, now + LEFT_S)

    def rest(self) -> None:
        """Back to the first speed."""
        self.speed = self._speeds[0]
        self._settled_until = self._rest_at = None

    def next_timer(self) -> float | None:
        """When the line goes back to rest; `None` while it is there."""
        return self._rest_at

    def handle_timer(self, now: float) -> None:
        """Go back to rest when it is time."""
        if self._rest_at is not None and now >= self._rest_at:
            self.rest()

    def _follow_rest(self, now: float) -> None:
        self._rest_at = None if self.speed == self._speeds[0] else now + SETTLED_S
