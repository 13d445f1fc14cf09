"""What one push of one meter is: its content, its timing, its destination, its protection.

`ListPush` sends a list of the customer's port as the configuration says. `SetupPush` sends what its Push setup object
says at that moment; the configuration only gives what nobody has written yet. What of a push_object_list its client may
not read is pushed as null-data (ours): a push opens no attribute to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from cosem.association import Association
from cosem.data_types import NULL
from cosem.object_model import ObjectView
from cosem.push_setup import PushObject, Transport, Window
from cosem.reader import encode_length
from cosem.rows import RowBuffer
from cosem.security.policy import Direction, Protection, required
from obis import Obis

from ..binding import Context, ObjectModel
from ..binding.push_setup import PushSettings
from ..config import is_loopback
from ..faults import described
from ..profile_tables import AssociationProfile
from ..virtual_meter import VirtualMeter
from .config import MqttConfig, PushConfig, Target
from .destinations import Outgoing, PushFailed, PushRefused
from .han_lists import BoundList, Stations
from .notification import data_notification, protect
from .process import Repetition, Schedule, Timing

log = structlog.get_logger("server")

_BOTH: Final = Protection.AUTHENTICATED | Protection.ENCRYPTED
_STRUCTURE: Final = b"\x02"
_NO_SELECTION: Final = b"\x00"
_INVOKE_IDS: Final = 1 << 24
_KINDS: Final = {Transport.TCP: "tcp", Transport.UDP: "udp", Transport.HDLC: "hdlc", Transport.MQTT: "mqtt"}


class Push(Protocol):
    """One push of one meter."""

    name: str
    schedule: Schedule | None
    alarm: bool
    """Whether an alarm triggers it."""
    looks: bool
    """Whether anything that the meter does by itself triggers it."""

    def timing(self) -> Timing:
        """Of its attempts."""

    def windows(self) -> list[Window]:
        """In which it may be sent."""

    def windows_written(self) -> bytes:
        """The same as it was written, which costs less."""

    def target(self) -> Target:
        """Where to; raises `PushFailed`."""

    def mqtt(self, target: Target) -> MqttConfig:
        """What a broker there is told."""

    def outgoing(self, most_octets: int) -> Outgoing:
        """What is to be sent now; raises `PushFailed`, and `PushRefused` where it would be longer than that."""

    def watched(self) -> tuple[bytes, ...]:
        """Values whose change triggers it, encoded."""


class _Base:
    """What both kinds have in common."""

    def __init__(self, meter: VirtualMeter, model: ObjectModel, config: PushConfig) -> None:
        self.config = config
        self.name = config.name
        self.alarm = config.alarm
        self.looks = config.alarm or bool(config.watch)
        self.meter = meter
        self.model = model
        self.context = Context(model, meter, "ccc")
        self._watched = [_value_reader(model, name) for name in config.watch]

    def watched(self) -> tuple[bytes, ...]:
        """Values whose change triggers it, encoded."""
        return tuple(read(self.context) for read in self._watched)

    def mqtt(self, target: Target) -> MqttConfig:
        """What a broker there is told: user and password only where the configuration names it."""
        return self.config.mqtt if target == self.config.target else self.config.mqtt.of_a_stranger

    def _outgoing(self, client_sap: int, server_sap: int, apdu: bytes, most_octets: int) -> Outgoing:
        if len(apdu) > most_octets:
            raise _too_long(most_octets)
        address = 0 if self.model.hdlc is None else self.model.hdlc.device_address(self.meter)
        return Outgoing(self.meter, address, client_sap, server_sap, apdu)


class ListPush(_Base):
    """A list of the customer's port."""

    def __init__(self, meter: VirtualMeter, model: ObjectModel, config: PushConfig) -> None:
        super().__init__(meter, model, config)
        assert config.list is not None
        self._bound = BoundList(config.list, meter.engine.configuration)
        own = self._bound.list
        offset_s = own.offset_s if config.offset_s is None else config.offset_s
        self.schedule: Schedule | None = Schedule(config.every_s or own.every_s, offset_s)

    def timing(self) -> Timing:
        """As the configuration says."""
        pause_s = self.config.repetition_delay_s
        return Timing(self.config.randomisation_s, self.config.retries, Repetition(pause_s, 100, pause_s))

    def windows(self) -> list[Window]:
        """Always."""
        return []

    def windows_written(self) -> bytes:
        """Nothing."""
        return b""

    def target(self) -> Target:
        """As the configuration says."""
        target = self.config.target
        assert target is not None
        return target

    def outgoing(self, most_octets: int) -> Outgoing:
        """The list now."""
        config, own = self.config, self._bound.list
        apdu = data_notification(0, self.context, self._bound.body(self.context))  # every captured one has number 0
        stations: Stations = own
        if config.security is not None:
            apdu = protect(apdu, self.meter, config.security, _BOTH)
            stations = own.ciphered or own
        client_sap, server_sap = config.client_sap or stations.client_sap, config.server_sap or stations.server_sap
        return self._outgoing(client_sap, server_sap, apdu, most_octets)


class SetupPush(_Base):
    """A Push setup object; its `config` may be empty."""

    def __init__(
        self, meter: VirtualMeter, model: ObjectModel, settings: PushSettings, config: PushConfig | None
    ) -> None:
        super().__init__(meter, model, config or PushConfig(setup=str(settings.logical_name)))
        self.settings = settings
        self.schedule = None
        if self.config.every_s is not None:
            self.schedule = Schedule(self.config.every_s, self.config.offset_s or 0)
        self._invoke_id = 0
        if config is not None:
            self._set_defaults(config)

    def _set_defaults(self, config: PushConfig) -> None:
        pause_s = config.repetition_delay_s
        delay = (pause_s, 100, pause_s) if self.settings.version == 2 else pause_s
        said: dict[str, Any] = {
            "randomisation_start_interval": config.randomisation_s,
            "number_of_retries": config.retries,
            "repetition_delay": delay,
        }
        transports = {kind: transport for transport, kind in _KINDS.items()} | {"mqtts": Transport.MQTT}
        if (target := config.target) is not None and target.kind in transports:
            address = f"{target.host}:{target.port}" if target.host else ""
            said["send_destination_and_method"] = (transports[target.kind], address.encode(), 0)
        if config.client_sap is not None and self.settings.version:
            said["push_client_sap"] = config.client_sap
        for name, value in said.items():
            self.settings.set_default(self.meter, name, value)

    def timing(self) -> Timing:
        """As the object says."""
        settings, meter = self.settings, self.meter
        pauses = Repetition(*settings.repetition_delay(meter))
        return Timing(settings.randomisation_s(meter), settings.retries(meter), pauses)

    def windows(self) -> list[Window]:
        """As the object says."""
        return self.settings.windows(self.meter)

    def windows_written(self) -> bytes:
        """Its octets."""
        return self.settings.windows_written(self.meter)

    def target(self) -> Target:
        """As the object says. What a client has written must be on this machine, or a host of the configuration."""
        if self.config.target is not None and self.settings.is_as_configured(self.meter):
            return self.config.target
        transport, address, _ = self.settings.destination(self.meter)
        kind = _KINDS[Transport(transport)]
        if kind == "hdlc":
            return Target("hdlc")
        try:
            target = Target.parse(f"{kind}://{address.decode('ascii')}")
        except ValueError as error:
            raise PushFailed(f"send_destination_and_method: {error}") from None
        configured = self.config.target
        if configured is not None and configured.kind == "mqtts" and configured[1:] == target[1:]:
            return configured  # the object has no name for TLS
        own = (configured.host,) if configured is not None else ()
        if not is_loopback(target.host) and target.host not in (*self.config.hosts, *own):
            raise PushFailed(f"send_destination_and_method: {target.host} is not among the hosts of the configuration")
        return target

    def outgoing(self, most_octets: int) -> Outgoing:
        """What push_object_list names, now, as the association of push_client_SAP would have read it."""
        client = self._client()
        context = Context(self.model, self.meter, "ccc")
        definition = self.model.definitions[client.client_sap, client.server_sap]
        Association(definition, context, self._report)  # what a client of it would have, as sources see it
        elements, room = [], most_octets
        for wanted in self.settings.objects(self.meter):
            elements.append(self._element(definition.view, context, wanted, room))
            room -= len(elements[-1])
        self._invoke_id = (self._invoke_id + 1) % _INVOKE_IDS
        body = _STRUCTURE + encode_length(len(elements)) + b"".join(elements)
        apdu = data_notification(self._invoke_id, context, body)
        setup, protection = self._protection(client)
        if setup is not None:
            apdu = protect(apdu, self.meter, setup, protection)
        return self._outgoing(client.client_sap, self.config.server_sap or client.server_sap, apdu, most_octets)

    def _client(self) -> AssociationProfile:
        """The association that the push is for; unless anybody said which, the public client's."""
        sap = self.settings.client_sap(self.meter) or self.config.client_sap
        for item in self.model.profile.associations:
            if item.client_sap == sap or (sap is None and item.public):
                return item
        raise PushFailed(f"there is no association of push_client_SAP {sap}")

    def _protection(self, client: AssociationProfile) -> tuple[int | None, Protection]:
        """Security setup and protection: what the configuration says, else what the association asks of responses."""
        if self.config.security is not None:
            return self.config.security, _BOTH
        if client.setup is None or not client.context.endswith("-ciphered"):
            return None, Protection.NONE
        setup = self.meter.security.setups[client.setup]
        return client.setup, required(setup.policy, Direction.RESPONSE)

    def _element(self, view: ObjectView, context: Context, wanted: PushObject, room: int) -> bytes:
        """One element of the body; attribute 0 is all attributes as a structure. Raises `PushRefused` beyond `room`."""
        if wanted.attribute:
            return self._attribute(view, context, wanted, room)
        for item in view.objects:
            if (item.object.interface_class.class_id, item.object.logical_name) == wanted[:2]:
                indices = sorted(item.object.attributes)
                parts = [self._attribute(view, context, wanted._replace(attribute=index), room) for index in indices]
                return _STRUCTURE + encode_length(len(parts)) + b"".join(parts)
        return NULL.encode(None)

    def _attribute(self, view: ObjectView, context: Context, wanted: PushObject, room: int) -> bytes:
        descriptor = (
            wanted.class_id.to_bytes(2, "big") + wanted.logical_name + wanted.attribute.to_bytes(1, signed=True)
        )
        read = view.readers.get(descriptor + _NO_SELECTION)
        try:
            value = NULL.encode(None) if read is None else read(context)
        except Exception as error:
            self._report(error, descriptor)
            return NULL.encode(None)
        if len(value.data if isinstance(value, RowBuffer) else value) > room:
            raise _too_long(room)
        return _octets(value)

    def _report(self, error: Exception, octets: bytes) -> None:
        fault = described(error)
        log.error("a value could not be pushed", meter=self.meter.serial_number, attribute=octets.hex(), fault=fault)


def _too_long(most_octets: int) -> PushRefused:
    return PushRefused(f"more octets than may be pushed ({most_octets})")


def _octets(value: RowBuffer | bytes) -> bytes:
    return bytes(value.data) if isinstance(value, RowBuffer) else value


def _value_reader(model: ObjectModel, name: str) -> Callable[[Any], bytes]:
    """The encoder of attribute 2 of an object; raises `ValueError`."""
    wanted = Obis.parse(name)
    for item in model.objects:
        if item.logical_name == wanted and (read := item.attributes[2].read) is not None:
            return lambda context: _octets(read(context))
    raise ValueError(f"watch: the profile has no value {name}")
