"""What a meter keeps secret, as values: the keys of its Security setups, and passwords that clients wrote.

Values are never shown: `repr` names what is there, and errors of reading say where something is wrong, not what
stands there. What a meter was delivered with is not kept meter by meter: only what is different is (`MeterSecrets`
is empty until a key or password changes).

As JSON a Security setup is an object of hexadecimal texts; `certificates` is an array of DER:

    {"unicast": "…", "authentication": "…", "broadcast": "…", "master": "…", "signing": "…", "certificates": ["…"]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from cosem.security.keys import KeyId
from cosem.security.suites import SUITES


class PrivateKeyName(StrEnum):
    """The private keys of a Security setup; a new one waits for its certificate before it is used."""

    SIGNING = "signing"
    AGREEMENT = "agreement"
    NEW_SIGNING = "new_signing"
    NEW_AGREEMENT = "new_agreement"


KEY_NAMES: Final = {
    KeyId.GLOBAL_UNICAST: "unicast",
    KeyId.GLOBAL_BROADCAST: "broadcast",
    KeyId.AUTHENTICATION: "authentication",
    KeyId.MASTER: "master",
}
_NEEDED: Final = (KeyId.GLOBAL_UNICAST, KeyId.MASTER)


class SecretsFault(ValueError):
    """Something in stored secrets is wrong: where, and what is expected. Never what stands there."""


@dataclass(frozen=True, repr=False)
class SetupSecrets:
    """The secrets of one Security setup: symmetric keys, scalars of private keys, and its certificates (DER)."""

    keys: Mapping[KeyId, bytes]
    private: Mapping[PrivateKeyName, bytes] = field(default_factory=dict)
    certificates: tuple[bytes, ...] = ()

    def with_keys(self, keys: Mapping[KeyId, bytes]) -> SetupSecrets:
        """The same with some keys replaced."""
        return replace(self, keys={**self.keys, **keys})

    def of_suite(self, suite: int, where: str) -> SetupSecrets:
        """The same, when each symmetric key has the length of the suite's; else raises `SecretsFault`."""
        size = SUITES[suite].key_size if suite in SUITES else 0
        for key_id, octets in self.keys.items():
            if len(octets) != size:
                raise SecretsFault(f"{where}.{KEY_NAMES[key_id]}: {len(octets)} octets, {size} expected")
        return self

    def with_private(self, name: PrivateKeyName, scalar: bytes) -> SetupSecrets:
        """The same with another private key."""
        return replace(self, private={**self.private, name: scalar})

    def with_certificates(self, certificates: Sequence[bytes]) -> SetupSecrets:
        """The same with these certificates and no others."""
        return replace(self, certificates=tuple(certificates))

    def certified(self, name: PrivateKeyName, new: PrivateKeyName) -> SetupSecrets:
        """The same with the private key `new` in use as `name`."""
        private = {key: scalar for key, scalar in self.private.items() if key is not new}
        return replace(self, private={**private, name: self.private[new]})

    def to_json(self) -> dict[str, Any]:
        """For the key file."""
        values: dict[str, Any] = {KEY_NAMES[key_id]: octets.hex() for key_id, octets in sorted(self.keys.items())}
        values |= {name.value: octets.hex() for name, octets in self.private.items()}
        if self.certificates:
            values["certificates"] = [octets.hex() for octets in self.certificates]
        return values

    @classmethod
    def from_json(cls, values: Any, where: str) -> SetupSecrets:
        """From the key file; `where` names the place in errors. Raises `SecretsFault`."""
        table = _table(values, where)
        names = {name: key_id for key_id, name in KEY_NAMES.items()}
        keys: dict[KeyId, bytes] = {}
        private: dict[PrivateKeyName, bytes] = {}
        certificates: tuple[bytes, ...] = ()
        for name, value in table.items():
            if name == "certificates" and isinstance(value, list):
                certificates = tuple(_octets(item, f"{where}.certificates.{at}") for at, item in enumerate(value))
            elif name in names:
                keys[names[name]] = _octets(value, f"{where}.{name}")
            elif name in PrivateKeyName.__members__.values():
                private[PrivateKeyName(name)] = _octets(value, f"{where}.{name}")
            else:
                raise SecretsFault(f"{where}: unknown key {name!r}")
        for key_id in _NEEDED:
            if key_id not in keys:
                raise SecretsFault(f"{where}: {KEY_NAMES[key_id]} is missing")
        return cls(keys, private, certificates)

    def __repr__(self) -> str:
        return f"SetupSecrets({', '.join(self.to_json())})"


@dataclass(frozen=True, repr=False)
class MeterSecrets:
    """What of one meter's secrets is no longer as delivered: Security setups by number, passwords by client and server
    SAP.
    """

    setups: Mapping[int, SetupSecrets] = field(default_factory=dict)
    passwords: Mapping[tuple[int, int], bytes] = field(default_factory=dict)

    def with_setup(self, number: int, secrets: SetupSecrets) -> MeterSecrets:
        """The same with another Security setup."""
        return replace(self, setups={**self.setups, number: secrets})

    def with_password(self, client_sap: int, server_sap: int, password: bytes) -> MeterSecrets:
        """The same with another password."""
        return replace(self, passwords={**self.passwords, (client_sap, server_sap): password})

    def to_json(self) -> dict[str, Any]:
        """For the key file."""
        return {
            "setups": {str(number): secrets.to_json() for number, secrets in self.setups.items()},
            "passwords": {f"{client}/{server}": value.hex() for (client, server), value in self.passwords.items()},
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> MeterSecrets:
        """From the key file; raises `SecretsFault`."""
        table = _table(values, where)
        if unknown := table.keys() - {"setups", "passwords"}:
            raise SecretsFault(f"{where}: unknown key {min(unknown)!r}")
        setups = {
            _number(number, f"{where}.setups"): SetupSecrets.from_json(item, f"{where}.setups.{number}")
            for number, item in _table(table.get("setups", {}), f"{where}.setups").items()
        }
        passwords = {}
        for name, value in _table(table.get("passwords", {}), f"{where}.passwords").items():
            client, _, server = name.partition("/")
            place = f"{where}.passwords"
            passwords[_number(client, place), _number(server, place)] = _octets(value, f"{place}.{name}")
        return cls(setups, passwords)

    def __repr__(self) -> str:
        return f"MeterSecrets(setups {list(self.setups)}, passwords of {list(self.passwords)})"


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SecretsFault(f"{where}: an object expected")
    return value


def _octets(value: Any, where: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise SecretsFault(f"{where}: hexadecimal octets expected") from None


def _number(text: str, where: str) -> int:
    if not text.isdecimal():
        raise SecretsFault(f"{where}: names are numbers")
    return int(text)


def _documented(size: int) -> SetupSecrets:
    return SetupSecrets(
        {
            KeyId.GLOBAL_UNICAST: bytes(range(size)),
            KeyId.GLOBAL_BROADCAST: bytes(range(0x40, 0x40 + size)),
            KeyId.AUTHENTICATION: bytes(0xD0 + octet % 0x30 for octet in range(size)),
            KeyId.MASTER: bytes(0x11 * (octet % 16) for octet in range(size)),
        }
    )


DOCUMENTED: Final[Mapping[int, SetupSecrets]] = {
    number: _documented(suite.key_size) for number, suite in SUITES.items()
}
"""The test keys a meter is delivered with, by suite: 00 01 02 … and D0 D1 D2 … as in the examples of the Green Book,
for key transfer 00 11 22 …; the broadcast key is ours. Whoever reads this knows them.
"""
