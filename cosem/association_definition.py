"""What a device profile says of one association; its meters share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import acse
from .acse import ApplicationContext
from .initiate import NO_SERVICES, Conformance
from .object_model import ObjectView
from .security.hls import Exchange
from .security.layer import Guard, MeterSecurity
from .short_names.base_names import ShortNames


@dataclass(frozen=True)
class AssociationDefinition:
    """One association of a device profile, shared by all its meters.

    `conformance` is what the AARE may return; `tolerated` are services that are served although the AARE
    never returns their bit. `secret(context)` gives the password of low level security, or the secret of mechanisms
    3, 4 and 6. `context` is the application context: how objects are named, and whether APDUs are ciphered.
    """

    client_sap: int
    server_sap: int
    mechanism: acse.Mechanism
    conformance: Conformance
    max_receive_pdu: int
    view: ObjectView
    secret: Callable[[Any], bytes]
    tolerated: Conformance = NO_SERVICES
    context: ApplicationContext = ApplicationContext.LN
    security: Callable[[Any], MeterSecurity] | None = None
    """What high level security and ciphering need of the meter; none without them."""
    guard: Callable[[Any], Guard] | None = None
    """Who counts failures; None where they do not matter."""
    proof: Callable[[Any, Exchange], bytes] | None = None
    """The manufacturer's function of mechanism 2: proves `Exchange` from the side that it names own."""
    users: Mapping[int, str] = field(default_factory=dict)
    """The users of the client, by the number that the AARQ must name; where empty, it may name any."""
    short_names: ShortNames | None = None
    """The short names of the view; None where names are long."""

    def __post_init__(self) -> None:
        if self.security is None and (self.mechanism >= acse.Mechanism.HIGH or self.context.ciphered):
            raise ValueError(f"client {self.client_sap} has {self.mechanism.name} in {self.context.name}, no security")
        if (self.proof is None) is (self.mechanism is acse.Mechanism.HIGH):
            raise ValueError(f"client {self.client_sap}: mechanism 2, and only that, needs a proof")
        if (self.short_names is None) is not self.context.long_names:
            raise ValueError(f"client {self.client_sap}: short names, and only those, need their table")
