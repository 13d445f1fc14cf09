"""One Security setup of a running meter: keys, certificates, policy and counters, for associations and for the object.

Every change goes through the meter (`keep_secrets` or `remember`), so it is journaled and a session answers only after
it is on disk. What is not secret (policy, counters, the client's title) stands in permanent memory, under keys that
begin like descriptors of no class.

What was accepted is kept by `KeptCounters`; a client that does not look the counter up is refused: an
AARE has no room for the number.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from cosem.security.certificates import Certificate, CertificateType, asymmetric_keys
from cosem.security.elliptic import PrivateKey
from cosem.security.errors import KeyRefused, SecurityError
from cosem.security.invocation import KeyName, SendCounter
from cosem.security.keys import KeyId, Keys
from cosem.security.policy import SecurityPolicy, strengthens
from cosem.security.security_context import SecurityContext
from cosem.security.suites import SUITES

from .kept_counters import KeptCounters
from .key_file import KeyFileError
from .secrets_at_rest import KEY_NAMES, PrivateKeyName, SetupSecrets

if TYPE_CHECKING:
    from ..profile_tables import SecuritySetupProfile
    from ..virtual_meter import VirtualMeter

log = structlog.get_logger("server")


class MeterSetup:
    """What a meter holds for one Security setup of its profile; see `cosem.security.layer.MeterSecurity`.

    Raises `KeyFileError` where the key file has keys that the suite cannot have.
    """

    random: Final = staticmethod(secrets.token_bytes)

    def __init__(self, meter: VirtualMeter, profile: SecuritySetupProfile, sent: SendCounter) -> None:
        self.profile = profile
        self.suite = SUITES[profile.suite]
        self._meter = meter
        self._sent = sent
        try:
            self.keys = _keys(self.suite.number, self._secrets)
            self._private = {name: self._key(octets) for name, octets in self._secrets.private.items()}
            self._certificates = self._read(self._secrets.certificates)
        except KeyRefused as refused:
            raise KeyFileError(
                f"{meter.key_file.path}: meter {meter.serial_number}, Security setup {profile.number}: {refused}"
            ) from None
        counted = {
            name: self._secrets.keys[key_id] for key_id, name in _COUNTED.items() if key_id in self._secrets.keys
        }
        self._received = KeptCounters(meter, profile.number, profile.clients, counted)
        stored = meter.memory.get(self._name(b"policy"))
        self.policy = SecurityPolicy.of(profile.version, profile.policy if stored is None else stored[0])
        """The policy in force now."""

    # --- what an association needs ------------------------------------------------------------------

    @property
    def system_title(self) -> bytes:
        """Our title: prefix and serial number, as captured meters have it."""
        return self._meter.system_title

    def context(self, client_title: bytes) -> SecurityContext:
        """Keys and counters for an association with this client; raises `SystemTitleRefused` for a title of ours."""
        asymmetric = asymmetric_keys(
            self.private_key(CertificateType.DIGITAL_SIGNATURE),
            self.private_key(CertificateType.KEY_AGREEMENT),
            self._certificates,
            client_title,
        )
        return SecurityContext(
            self.keys, self.system_title, client_title, self._sent, self._received.counters, self.random, asymmetric
        )

    def opened(self, client_title: bytes) -> None:
        """An association with this client is open."""
        if client_title != self.client_title:
            self._meter.remember(self._name(b"client"), client_title)

    def refused(self, client_title: bytes, error: SecurityError) -> None:
        """A protected APDU was refused."""
        log.warning(
            "a protected APDU was refused",
            meter=self._meter.serial_number,
            setup=self.profile.number,
            client=client_title.hex(),
            reason=str(error),
        )

    # --- what the Security setup object shows and changes --------------------------------------------

    @property
    def client_title(self) -> bytes:
        """Title of the client whose association was opened last; empty before the first."""
        return self._meter.memory.get(self._name(b"client"), b"")

    @property
    def invocation_counter(self) -> int:
        """The highest counter accepted from any client under the global unicast key: whoever goes on above it is
        accepted.
        """
        return self._received.highest

    def activate(self, policy: SecurityPolicy) -> None:
        """Put a policy in force; raises `ValueError` unless it keeps every requirement of the present one."""
        if not strengthens(policy, self.policy):
            raise ValueError("a policy is never lowered")
        self.policy = policy
        self._meter.remember(self._name(b"policy"), bytes((policy.value,)))

    def replace_keys(self, keys: Mapping[KeyId, bytes]) -> None:
        """Replace keys, all of them or none: raises `KeyRefused` for a wrong length.

        In force at once, so an answer under the old key is sealed before. Their clients may begin at any counter, but
        not under a key that stays the same or comes back: what was recorded under it would be accepted again.
        """
        for octets in keys.values():
            self.keys.cipher(octets)
        present = self._secrets.keys
        self._keep(self._secrets.with_keys(keys), *(KEY_NAMES[key_id] for key_id in keys))
        for key_id, octets in keys.items():
            self.keys.install(key_id, octets)
        for key_id, name in _COUNTED.items():
            if key_id in keys and keys[key_id] != present.get(key_id):
                self._received.replace_key(name, keys[key_id])

    @property
    def certificates(self) -> Sequence[bytes]:
        """All certificates in DER, authorities among them."""
        return self._secrets.certificates

    def private_key(self, usage: CertificateType) -> PrivateKey | None:
        """The private key in use for signature or key agreement."""
        return self._private.get(_PRIVATE[usage].used)

    def candidate(self, usage: CertificateType) -> PrivateKey | None:
        """A private key that was generated and has no certificate yet."""
        return self._private.get(_PRIVATE[usage].new)

    def keep_candidate(self, usage: CertificateType, key: PrivateKey) -> None:
        """Keep a generated private key, in place of the last one that got no certificate."""
        name = _PRIVATE[usage].new
        self._keep(self._secrets.with_private(name, key.to_octets()), name)
        self._private[name] = key

    def keep_certificates(self, certificates: Sequence[bytes], certified: CertificateType | None = None) -> None:
        """Keep these certificates and no others; the candidate for `certified` has one now and is in use.

        Raises `KeyRefused`, and then nothing changed. Counts with the next association.
        """
        read = self._read(certificates)
        changed = self._secrets.with_certificates(certificates)
        if certified is not None:
            used, new = _PRIVATE[certified]
            changed = changed.certified(used, new)
            self._private[used] = self._private.pop(new)
        self._keep(changed, "certificates")
        self._certificates = read

    # --- memory -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Write the exact counters: nothing comes any more."""
        self._received.settle()

    @property
    def _secrets(self) -> SetupSecrets:
        """What is stored: this meter's own, else what it was delivered with."""
        own = self._meter.secrets.setups.get(self.profile.number)
        return self._meter.key_file.delivered(self.profile.suite) if own is None else own

    def _key(self, scalar: bytes) -> PrivateKey:
        return PrivateKey.from_octets(self.suite, scalar)

    def _read(self, certificates: Sequence[bytes]) -> list[Certificate]:
        return [Certificate.from_octets(self.suite, octets) for octets in certificates]

    def _keep(self, changed: SetupSecrets, *names: str) -> None:
        what = f"Security setup {self.profile.number}: {', '.join(names)}"
        self._meter.keep_secrets(what, self._meter.secrets.with_setup(self.profile.number, changed))

    def _name(self, what: bytes) -> bytes:
        return b"security %d %b" % (self.profile.number, what)

    def __repr__(self) -> str:
        return f"MeterSetup({self.profile.number}, {self.suite})"


class _Names(NamedTuple):
    used: PrivateKeyName
    new: PrivateKeyName


_PRIVATE: Final = {
    CertificateType.DIGITAL_SIGNATURE: _Names(PrivateKeyName.SIGNING, PrivateKeyName.NEW_SIGNING),
    CertificateType.KEY_AGREEMENT: _Names(PrivateKeyName.AGREEMENT, PrivateKeyName.NEW_AGREEMENT),
}
_COUNTED: Final = {KeyId.GLOBAL_UNICAST: KeyName.UNICAST, KeyId.GLOBAL_BROADCAST: KeyName.BROADCAST}


def _keys(suite: int, stored: SetupSecrets) -> Keys:
    keys = stored.keys
    return Keys(
        SUITES[suite],
        keys[KeyId.GLOBAL_UNICAST],
        keys.get(KeyId.AUTHENTICATION, b""),
        keys.get(KeyId.GLOBAL_BROADCAST),
        keys[KeyId.MASTER],
    )
