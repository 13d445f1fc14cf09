"""All secondary stations on one stream of octets: an RS-485 line, an optical head, a TCP connection.

Rules, in the order a received frame meets them (IEC 62056-46):
1. The source must be a client of one octet, neither NO_STATION nor ALL_STATION.
2. The lower half of the destination picks the device. One octet has no lower half and is accepted only while
   one device is attached, as is CALLING, which then means that device. ALL_STATION picks every device.
3. The upper half picks a logical device that the device says it has, or all of them.
4. What is for all gets no answer ever: UI and DISC with P=0 are taken, anything else is discarded.
5. What is for nobody here is counted and met with silence, and disturbs no connection.

Answers go out from the address the client used, CALLING replaced by the real lower address.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

from ..events import ApduReceived, Event, LinkConnected, LinkDisconnected
from .address import CLIENT_ALL_STATION, NO_STATION, ServerAddress
from .frame import Frame, FrameCounters, FrameReceiver, Kind
from .parameters import HdlcParameters
from .secondary import Action, HdlcSecondary, State

_DEFAULT_INTER_OCTET_TIMEOUT_S = HdlcParameters().inter_octet_timeout_s


@dataclass
class HdlcCounters(FrameCounters):
    """What happened on the line; `wrong_address` counts malformed addresses and frames for nobody here."""

    broadcasts: int = 0
    unpolled: int = 0
    llc_errors: int = 0
    frame_rejects: int = 0


class _Device:
    """A meter on the line: how to ask for its present addresses, and its connections."""

    def __init__(
        self,
        key: Hashable,
        lower_address: Callable[[], int],
        logical_devices: Callable[[], Collection[int]],
        parameters: Callable[[], HdlcParameters],
    ) -> None:
        self.key = key
        self.lower_address = lower_address
        self.logical_devices = logical_devices
        self.parameters = parameters
        self.stations: dict[tuple[int, int], HdlcSecondary] = {}  # (client, logical device), connected ones only


class HdlcLine:
    """The server's side of one HDLC line, sans-I/O.

    Give it octets with `receive_data`, call `handle_timer` when `next_timer` is due, and after either (and
    after links were used) send what `data_to_send` returns. `max_apdu_size` bounds reassembly.
    """

    def __init__(self, max_apdu_size: int = 4096) -> None:
        self.counters = HdlcCounters()
        self._max_apdu_size = max_apdu_size
        self._receiver = FrameReceiver(self.counters, _DEFAULT_INTER_OCTET_TIMEOUT_S)
        self._devices: dict[Hashable, _Device] = {}
        self._ended: list[bytes] = []  # answers of stations that exist no more, and what nobody asked for

    def attach(
        self,
        device: Hashable,
        lower_address: Callable[[], int],
        logical_devices: Callable[[], Collection[int]],
        parameters: Callable[[], HdlcParameters],
    ) -> None:
        """Put a meter on the line. Addresses are asked for with each frame, parameters with each SNRM."""
        self._devices[device] = _Device(device, lower_address, logical_devices, parameters)
        self._follow_inter_octet_timeout()

    def detach(self, device: Hashable) -> list[Event]:
        """Take a meter off the line; its connections end."""
        gone = self._devices.pop(device, None)
        if gone is None:
            return []
        return [self._end(gone, station, "detached") for station in list(gone.stations.values())]

    @property
    def idle(self) -> bool:
        """The line is between frames."""
        return self._receiver.idle

    def expects_frame(self, now: float) -> bool:
        """A frame has begun, or the last octet was a flag that may begin one."""
        return not self._receiver.idle or self._receiver.flag_pending(now)

    @property
    def connected(self) -> bool:
        """Somebody has a connection."""
        return any(device.stations for device in self._devices.values())

    @property
    def inactivity_timeout_s(self) -> float:
        """After which an unused connection ends, with the most patient meter; 0 means never."""
        timeouts = [device.parameters().inactivity_timeout_s for device in self._devices.values()]
        return 0.0 if 0 in timeouts else max(timeouts, default=0.0)

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets in any portions; returns what they brought about."""
        events = self._expire(now)
        for frame in self._receiver.receive_data(data, now):
            self._receive_frame(frame, now, events)
        return events

    def handle_timer(self, now: float) -> list[Event]:
        """End what has timed out: half a frame, an idle connection."""
        events = self._expire(now)
        for frame in self._receiver.handle_timer(now):
            self._receive_frame(frame, now, events)
        return events

    def next_timer(self) -> float | None:
        """When `handle_timer` is next due."""
        deadlines = [self._receiver.next_timer()]
        deadlines += [station.next_timer() for device in self._devices.values() for station in device.stations.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def data_to_send(self) -> bytes:
        """Everything that is to go out now, once."""
        chunks, self._ended = self._ended, []
        for device in self._devices.values():
            for station in device.stations.values():
                if station.output:
                    chunks += station.output
                    station.output.clear()
        return b"".join(chunks)

    def announce(self, frame: bytes) -> None:
        """Send a frame that nobody asked for; whether the line is free is for the caller to see."""
        self._ended.append(frame)

    def close(self, reason: str) -> list[Event]:
        """The stream is gone: every connection ends with this reason, nothing is answered."""
        return [
            self._end(device, station, reason)
            for device in self._devices.values()
            for station in list(device.stations.values())
        ]

    # --- frames -------------------------------------------------------------------------------------------

    def _receive_frame(self, frame: Frame, now: float, events: list[Event]) -> None:
        client = frame.source[0] >> 1
        if len(frame.source) != 1 or client in (NO_STATION, CLIENT_ALL_STATION):
            self.counters.wrong_address += 1
            return
        address = ServerAddress.decode(frame.destination)
        devices = self._devices_for(address)
        if not devices:
            self.counters.wrong_address += 1
        elif address.lower_is_all or address.upper_is_all:
            self._receive_broadcast(frame, devices, client, address, events)
        elif address.upper not in devices[0].logical_devices():
            self.counters.wrong_address += 1
        elif frame.kind is Kind.SNRM and not frame.poll:
            self.counters.unpolled += 1  # a connection nobody is told about helps nobody
        else:
            self._receive_individual(frame, devices[0], client, address, now, events)

    def _devices_for(self, address: ServerAddress) -> list[_Device]:
        if address.is_no_station:
            return []
        devices = list(self._devices.values())
        if address.lower_is_all:
            return devices
        if address.lower is None or address.lower_is_calling:
            return devices if len(devices) == 1 else []
        return [device for device in devices if device.lower_address() == address.lower][:1]

    def _receive_broadcast(
        self, frame: Frame, devices: list[_Device], client: int, address: ServerAddress, events: list[Event]
    ) -> None:
        if frame.poll or frame.kind not in (Kind.UI, Kind.DISC):
            self.counters.wrong_address += 1
            return
        self.counters.broadcasts += 1
        if frame.kind is Kind.DISC:
            events += [
                self._end(device, station, "DISC to all stations")
                for device in devices
                for (peer, upper), station in list(device.stations.items())
                if peer == client and (address.upper_is_all or upper == address.upper)
            ]

    def _receive_individual(
        self, frame: Frame, device: _Device, client: int, address: ServerAddress, now: float, events: list[Event]
    ) -> None:
        own_address = frame.destination
        if address.lower_is_calling:
            own_address = address._replace(lower=device.lower_address()).encode()
        key = client, address.upper
        known = device.stations.get(key)
        if known is None or frame.kind is Kind.SNRM:
            station = HdlcSecondary(device.key, client, address.upper, device.parameters(), self._max_apdu_size)
        else:
            station = known
        action = station.receive_frame(frame, own_address, now)
        if action is Action.REJECT:
            self.counters.frame_rejects += 1
        self.counters.llc_errors += station.llc_errors
        station.llc_errors = 0
        if known is not None and (station is not known or action is Action.DISCONNECT):
            reason = {Action.CONNECT: "new SNRM", Action.DISCONNECT: "DISC"}.get(action, "SNRM refused")
            events.append(self._end(device, known, reason))
        if action is Action.CONNECT:
            device.stations[key] = station
            self._follow_inter_octet_timeout()
            events.append(LinkConnected(station))
        elif station.link_state is State.NDM:
            self._ended += station.output
            station.output.clear()
        if station.delivered is not None:
            events.append(ApduReceived(station, station.delivered))

    def _end(self, device: _Device, station: HdlcSecondary, reason: str) -> LinkDisconnected:
        """Remove a connection; what it has already put out still goes."""
        station.end()
        self._ended += station.output
        station.output.clear()
        del device.stations[station.client_sap, station.server_sap]
        return LinkDisconnected(station, reason)

    def _follow_inter_octet_timeout(self) -> None:
        """The line waits as long as its most patient meter; asked when something changes, not for every read."""
        self._receiver.inter_octet_timeout_s = max(
            device.parameters().inter_octet_timeout_s for device in self._devices.values()
        )

    def _expire(self, now: float) -> list[Event]:
        return [
            self._end(device, station, "inactivity")
            for device in self._devices.values()
            for station in list(device.stations.values())
            if (deadline := station.next_timer()) is not None and now >= deadline
        ]
