"""The symmetric keys of one security context (Green Book 9.2.3.3.7, Blue Book class 64).

They may be replaced while associations are open: whoever protects an APDU asks `Keys` for the key at that moment, so
an old key is dead as soon as `install` returns. No key is ever shown: `repr` names what is there.

A key change does not touch counters. The one we send with goes on (it may never repeat under a key that comes back),
those we accept start anew, or where the key was left: `ReceiveCounters.replaced`.
"""

from __future__ import annotations

from enum import IntEnum

from .errors import KeyRefused
from .gcm import BlockCipherKey
from .suites import Suite


class KeyId(IntEnum):
    """key_id of key_transfer and key_agreement."""

    GLOBAL_UNICAST = 0
    GLOBAL_BROADCAST = 1
    AUTHENTICATION = 2
    MASTER = 3


class Keys:
    """GUEK, GBEK, GAK and KEK of one suite. An empty `authentication` key is one that is not used."""

    __slots__ = ("_master", "authentication", "broadcast", "suite", "unicast")

    def __init__(
        self,
        suite: Suite,
        unicast: bytes,
        authentication: bytes = b"",
        broadcast: bytes | None = None,
        master: bytes | None = None,
    ) -> None:
        self.suite = suite
        self.broadcast: BlockCipherKey | None = None
        self.authentication = b""
        self._master: bytes | None = None
        self.unicast = self.cipher(unicast)
        if authentication:
            self.install(KeyId.AUTHENTICATION, authentication)
        if broadcast is not None:
            self.install(KeyId.GLOBAL_BROADCAST, broadcast)
        if master is not None:
            self.install(KeyId.MASTER, master)

    def install(self, key_id: KeyId, octets: bytes) -> None:
        """Replace one key, from now on; raises `KeyRefused` for the wrong length, and then nothing changed."""
        cipher = self.cipher(octets)
        if key_id is KeyId.GLOBAL_UNICAST:
            self.unicast = cipher
        elif key_id is KeyId.GLOBAL_BROADCAST:
            self.broadcast = cipher
        elif key_id is KeyId.AUTHENTICATION:
            self.authentication = octets
        else:
            self._master = octets

    def cipher(self, octets: bytes) -> BlockCipherKey:
        """A dedicated, wrapped or agreed key of this suite made ready; raises `KeyRefused` for its length."""
        if len(octets) != self.suite.key_size:
            raise KeyRefused(f"a key of {len(octets)} octets ({self.suite} has keys of {self.suite.key_size})")
        return BlockCipherKey(octets)

    @property
    def master(self) -> bytes:
        """The key encrypting key; raises `KeyRefused` where there is none."""
        if self._master is None:
            raise KeyRefused("there is no master key")
        return self._master

    def __repr__(self) -> str:
        held = {
            "unicast": self.unicast,
            "broadcast": self.broadcast,
            "authentication": self.authentication,
            "master": self._master,
        }
        return f"Keys({self.suite}: {', '.join(name for name, key in held.items() if key)})"
