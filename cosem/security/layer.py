"""Between an association and its services: requests are made plain and checked, responses protected.

| an association needs | for |
|---|---|
| `MeterSecurity` | challenges, titles and keys; shared by all associations of one Security setup |
| `Guard` | counting failures, locking |

Both are the server's: it keeps keys, counters and failures where a restart finds them.
"""

from __future__ import annotations

from typing import Protocol

from .errors import SecurityError
from .policy import SecurityPolicy
from .security_context import SecurityContext


class MeterSecurity(Protocol):
    """What a meter holds for the associations of one Security setup.

    Counters that move and titles that are noted are the server's to make durable before the response goes out.
    """

    @property
    def system_title(self) -> bytes:
        """Our title: eight octets."""

    @property
    def policy(self) -> SecurityPolicy:
        """The policy in force now."""

    def random(self, size: int) -> bytes:
        """Octets of a source fit for challenges and keys."""

    def context(self, client_title: bytes) -> SecurityContext:
        """Keys and counters for an association with this client; raises `SystemTitleRefused` for one not known."""

    def opened(self, client_title: bytes) -> None:
        """An association with this client is open: it is the client_system_title of the Security setup."""

    def refused(self, client_title: bytes, error: SecurityError) -> None:
        """A protected APDU was refused, a replay among others: for log and event logger."""


class Guard(Protocol):
    """Counts what fails to prove itself to one association; delays and locks as the meter is set."""

    @property
    def locked(self) -> bool:
        """Whether nobody is let in now, right or wrong; what is tried meanwhile is not looked at."""

    def failed(self) -> None:
        """A wrong password, proof or tag of an AARQ."""

    def succeeded(self) -> None:
        """A right one."""
