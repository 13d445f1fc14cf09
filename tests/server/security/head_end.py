"""A head-end with keys: it opens the secured associations of a 382M-secure over the wrapper, or of a lab."""

from __future__ import annotations

import secrets
from typing import Any

from cosem.acse import Mechanism
from cosem.client import FULL_LN_CONFORMANCE, Client
from cosem.client_security import INITIATE, ClientSecurity
from cosem.initiate import Conformance
from cosem.security.elliptic import PrivateKey, PublicKey
from cosem.security.hls import Digest, Ecdsa, Gmac, HighLevelSecurity, ManufacturerSpecific
from cosem.security.invocation import ReceiveCounters, SendCounter
from cosem.security.key_establishment import AsymmetricKeys
from cosem.security.keys import KeyId, Keys
from cosem.security.security_context import How, SecurityContext
from cosem.security.suites import SUITES
from cosem.short_names.client import ShortNameClient
from server.device_profile import AssociationProfile, load_profile
from server.security.manufacturer_proof import prove
from server.security.secrets_at_rest import DOCUMENTED
from tests.server.clients import Port, WrapperClient
from transports.wrapper import WpduReader

PROFILE = load_profile("382M-secure")
ASSOCIATIONS = {item.client_sap: item for item in PROFILE.associations}
SECRET = b"MeterSecret-382M"
TITLE = b"GRX\x00\x00\x00\x00\x01"
METER_TITLE = b"KAME" + (12345678).to_bytes(4, "big")
_MECHANISMS = {
    "none": Mechanism.LOWEST,
    "low": Mechanism.LOW,
    "high": Mechanism.HIGH,
    "md5": Mechanism.HIGH_MD5,
    "sha1": Mechanism.HIGH_SHA1,
    "gmac": Mechanism.HIGH_GMAC,
    "sha256": Mechanism.HIGH_SHA256,
    "ecdsa": Mechanism.HIGH_ECDSA,
}


def documented(suite: int = 0, **replaced: bytes) -> Keys:
    """The documented keys of a suite, some replaced."""
    held = dict(DOCUMENTED[suite].keys) | {KeyId[name.upper()]: octets for name, octets in replaced.items()}
    return Keys(
        SUITES[suite],
        held[KeyId.GLOBAL_UNICAST],
        held[KeyId.AUTHENTICATION],
        held[KeyId.GLOBAL_BROADCAST],
        held[KeyId.MASTER],
    )


def client(
    client_sap: int,
    *,
    counter: int = 1,
    keys: Keys | None = None,
    secret: bytes = SECRET,
    title: bytes = TITLE,
    how: How = INITIATE,
    dedicated_key: bytes | None = None,
    signing: PrivateKey | None = None,
    meter_signing: PublicKey | None = None,
    max_pdu: int = 0xFFFF,
) -> Client | ShortNameClient:
    """A client of an association of the profile; `counter` is the first invocation counter it uses."""
    item: AssociationProfile = ASSOCIATIONS[client_sap]
    mechanism = _MECHANISMS[item.mechanism]
    ciphered = item.context.endswith("-ciphered")
    suite = next((setup.suite for setup in PROFILE.security_setups if setup.number == item.setup), 0)
    context = SecurityContext(
        keys or documented(suite),
        title,
        METER_TITLE,
        SendCounter(counter, lambda limit: None),
        ReceiveCounters({}, lambda channel, lowest: None),
        secrets.token_bytes,
        AsymmetricKeys(signing, None, meter_signing, None),
    )
    high: HighLevelSecurity | None = None
    if mechanism is Mechanism.HIGH:
        high = ManufacturerSpecific(lambda exchange: prove(secret, exchange))
    elif mechanism is Mechanism.HIGH_GMAC:
        high = Gmac(context)
    elif mechanism is Mechanism.HIGH_ECDSA:
        assert signing is not None
        assert meter_signing is not None
        high = Ecdsa(signing, meter_signing)
    elif mechanism > Mechanism.HIGH:
        high = Digest(mechanism, secret)
    security = ClientSecurity(mechanism, context, secrets.token_bytes, high, ciphered, how, INITIATE, dedicated_key)
    used = None if not ciphered and high is None else security
    password = secret if mechanism is Mechanism.LOW else None
    if item.context.startswith("SN"):
        return ShortNameClient(password, max_pdu, security=used)
    return Client(password, max_pdu, FULL_LN_CONFORMANCE | Conformance.GENERAL_PROTECTION, used)


class SecuredClient(WrapperClient):
    """A client of a secured association over the wrapper, associated; see `client` for what else it takes."""

    def __init__(self, port: Port, client_sap: int, **more: Any) -> None:
        self.client = client(client_sap, **more)  # type: ignore[assignment]
        self.port = port
        self._saps = client_sap, 16
        self._reader = WpduReader(0xFFFF)
        self.run(self.client.associate())


def counter(port: Port, setup: int = 0) -> int:
    """The invocation counter of a Security setup, as the public client reads it."""
    found: int = WrapperClient(port, 16, 1, None).get(1, f"0.0.43.1.{setup}.255")
    return found
