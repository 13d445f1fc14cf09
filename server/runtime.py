"""A run: meters, their endpoints, and the order in which all of it is opened and closed.

Opening: state file, time, meters, endpoints, pushes, control API. Closing, in this order: control API, pushes and
endpoints (no more requests), then what is still to be committed, then a snapshot of each meter, then the file.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TextIO

import structlog

from cosem.held_octets import HeldOctets
from transports.admission import Admission
from transports.connection import Endpoint
from transports.echo import EchoStream
from transports.faults import FaultInjector, FaultRates, FaultyStream
from transports.hdlc import HdlcLine
from transports.iec62056_21 import Iec62056Line
from transports.pacing import PacedStream
from transports.serial_port import open_serial
from transports.speed import SPEEDS, SpeedSearch
from transports.stream import ByteStream, Stream
from transports.tcp import serve_tcp
from transports.tracer import FROM_METER, TO_METER, TracedStream, Tracer
from transports.udp import DatagramStream, serve_udp
from transports.wrapper import WrapperLine

from .assembly import build_meter, open_time
from .binding import ObjectModel
from .config import ControlConfig, EndpointConfig, RunConfig, is_loopback, split_address
from .iec62056_21 import Readout
from .kmp.port import frame_lines
from .push.destinations import Destinations, OwnLine
from .push.service import PushService
from .security.redaction import secret_octets
from .session_handler import SessionHandler
from .store import Store
from .time_source import Reached, RunningTime, SteppedTime, TimeSource
from .virtual_meter import VirtualMeter

if TYPE_CHECKING:
    from .control.http_server import ControlServer

log = structlog.get_logger("server")

_INTERFACES = {"tcp": "module", "udp": "module", "ip101i": "module", "rs485": "module", "optical": "optical"}


class Runtime:
    """Everything a run consists of. Use `open`, and `close` when done; both may raise `OSError` and `StoreError`."""

    def __init__(
        self, config: RunConfig, *, time_source: TimeSource | None = None, trace: TextIO | None = None
    ) -> None:
        self.config = config
        self.store: Store | None = None
        self.meters: dict[VirtualMeter, ObjectModel] = {}
        self.endpoints: list[Endpoint] = []
        self.pushes: PushService | None = None
        self.control: ControlServer | None = None
        self._time_source = time_source
        self._tracer = None if trace is None else Tracer(trace, secret=secret_octets)
        self._stack = AsyncExitStack()
        self._admission = Admission(config.limits.of_peers)
        self.held = HeldOctets(config.limits.held_octets)

    async def open(self) -> None:
        """Open all of it; what is open already is closed again where something fails."""
        try:
            if self.config.state is not None and not self.config.ephemeral:
                self.store = Store(self.config.state)
                self._stack.callback(self.store.close)
            if self._time_source is None:
                self._time_source = self._open_time()
            for meter_config in self.config.meters:
                meter, model = build_meter(meter_config, self._time_source, self.store)
                self.meters[meter] = model
            self._stack.callback(self._save)
            self._keep_keys()
            destinations = Destinations(self._traced)
            for endpoint_config in self.config.endpoints:
                endpoint = await self._open_endpoint(endpoint_config, destinations.own_lines)
                self.endpoints.append(endpoint)
                self._stack.push_async_callback(endpoint.close)
                for meter_config in self.config.behind(endpoint_config):
                    self.meter(meter_config.serial_number).on_configured.append(partial(_look_again, endpoint))
            self.pushes = PushService(
                self.meters,
                self.config.push,
                destinations,
                self.store,
                self._time_source,
                most_octets=self.config.limits.push_octets,
            )
            self._stack.push_async_callback(self.pushes.close)
            await self.pushes.open()
            if self.config.control is not None:
                self.control = await self._open_control(self.config.control, self._time_source)
                self._stack.push_async_callback(self.control.close)
        except BaseException:
            await self._stack.aclose()
            raise

    async def close(self) -> None:
        """Close all of it."""
        await self._stack.aclose()

    def meter(self, serial_number: int) -> VirtualMeter:
        """The meter with this serial number; raises `KeyError`."""
        for meter in self.meters:
            if meter.serial_number == serial_number:
                return meter
        raise KeyError(serial_number)

    def _save(self) -> None:
        """A snapshot of each meter; where the disk takes none, the journal still has everything acknowledged."""
        if self.store is None:
            return
        for meter in self.meters:
            meter.settle()
            try:
                self.store.save_snapshot(meter.snapshot()).result()
            except sqlite3.Error as error:
                log.error("no snapshot could be written", meter=meter.serial_number, error=str(error))

    def _keep_keys(self) -> None:
        """Let the key file have the keys that meters were delivered with; say so where everybody knows them."""
        secured = [meter for meter in self.meters if meter.profile.security_setups]
        if secured and self.store is not None:
            self.store.commit([]).result()
        if secured and secured[0].key_file.documented:
            log.warning(
                "meters are delivered with documented test keys: whoever reads the documentation knows them",
                meters=len(secured),
                keys=str(secured[0].key_file.path or "not kept"),
            )

    def _open_time(self) -> TimeSource:
        """The time of the configuration, kept in the state file so that a restart goes on along it."""
        running = open_time(self.config, self.store)
        if self.config.stepped:
            stepped = SteppedTime(running.now())
            if self.store is not None:
                self.store.keep_time(stepped.anchor).result()
            return stepped
        if self.store is not None:
            self._stack.callback(_TimeKeeper(running, self.store).stop)
        return running

    async def _open_control(self, config: ControlConfig, time_source: TimeSource) -> ControlServer:
        """The control API; what it is made of is imported only here."""
        try:
            from .control.application import control_application
            from .control.guard import Guard
            from .control.http_server import ControlServer
            from .control.run_site import Behind, Site
        except ModuleNotFoundError as error:
            raise ValueError(f"the control API needs {error.name}: pip install 'meter382[web]'") from error
        meters = {meter.serial_number: Behind(meter, model) for meter, model in self.meters.items()}
        token = None if config.token is None else config.token.get_secret_value()
        application = control_application(Site(meters, self.store, time_source), with_token=token is not None)
        return await ControlServer.open(Guard(application, token), *split_address(config.address))

    # --- endpoints ------------------------------------------------------------------------------

    async def _open_endpoint(self, config: EndpointConfig, own_lines: list[OwnLine]) -> Endpoint:
        """Open an endpoint; a serial one is put on `own_lines`, where its meters may push."""
        serials = {meter.serial_number for meter in self.config.behind(config)}
        behind = {meter: model for meter, model in self.meters.items() if meter.serial_number in serials}
        if config.address is not None and not is_loopback(config.where[0]):
            log.warning("an endpoint can be reached from other machines", endpoint=f"{config.kind}://{config.address}")
        interface = "ccc" if config.channel == "B" else _INTERFACES[config.kind]
        handler = SessionHandler(behind, self.store, interface, self.config.limits.of_requests, self.held)
        if config.kind == "udp":
            name = f"udp://{config.address}"
            factory = self._around(lambda: self._datagrams(behind), config, name)
            return await serve_udp(*config.where, factory, handler, self.config.limits.udp_peers)
        if config.kind == "tcp" or config.kind == "ip101i":
            is_line = config.pace or config.kind == "ip101i"
            stream = partial(
                self._stream,
                behind,
                interface,
                parity=config.parity or "auto",
                line_time="both" if config.pace else "none",
                baud=(config.baud or SPEEDS[0]) if config.pace else None,
                lossless=not is_line,
                with_wrapper=config.kind == "tcp",
            )
            name = f"{config.kind}://{config.address}"
            factory = self._around(stream, config, name)
            return await serve_tcp(*config.where, factory, handler, self.config.limits.unread_s, self._admission)
        assert config.device is not None
        make = partial(
            self._stream,
            behind,
            interface,
            parity=config.parity or ("none" if config.is_pty else "even"),
            line_time="received" if config.is_pty and not config.pace else "both",
            baud=config.baud,
            search=config.baud is None and (config.strict_speed or not config.is_pty),
            with_wrapper=False,
        )
        line = _Newest(make)
        factory = self._around(line, config, config.device)
        if config.is_pty:
            link = config.device.partition(":")[2]
            try:
                from transports.pseudo_terminal import open_pty
            except (ImportError, AttributeError) as error:
                raise OSError(f"{config.device}: pseudo-terminals need Linux ({error})") from error
            endpoint = await open_pty(link or None, factory, handler, config.strict_speed)
        else:
            endpoint = await open_serial(config.device, factory, handler)
        own_lines.append(OwnLine(frozenset(behind), lambda: line.stream, endpoint))
        return endpoint

    def _stream(
        self,
        behind: dict[VirtualMeter, ObjectModel],
        interface: str,
        *,
        parity: Literal["auto", "even", "none"] = "none",
        line_time: Literal["both", "received", "none"] = "both",
        baud: int | None = None,
        lossless: bool = False,
        search: bool = False,
        with_wrapper: bool,
    ) -> Stream:
        """What speaks all protocols: HDLC to every meter, wrapper and KMP to the only one, readouts of all.

        A meter without associations has no HDLC. KMP to several meters would be answered by all at once. The wrapper
        is spoken over TCP only: on a device its two first octets would be noise more often than not.
        `search` lets a serial line find the speed of its clients; otherwise it is `baud`.
        """
        hdlc, iec, wrapper = HdlcLine(self.config.limits.apdu_octets), Iec62056Line(), None
        kmp, kmp_hex = frame_lines(behind)
        for meter, model in behind.items():
            attach_hdlc(hdlc, meter, model)
            port = Readout(model, meter, interface=interface, parity=parity, line_time=line_time, initial_speed=baud)
            iec.attach(meter, port)
            if with_wrapper and len(behind) == 1 and model.profile.associations:
                wrapper = self._wrapper(meter, model)
        with_dlms = any(model.profile.associations for model in behind.values())
        search_speed = SpeedSearch() if search else None
        return Stream(hdlc if with_dlms else None, wrapper, iec, kmp, kmp_hex, lossless=lossless, search=search_speed)

    def _datagrams(self, behind: dict[VirtualMeter, ObjectModel]) -> ByteStream:
        ((meter, model),) = behind.items()
        return DatagramStream(self._wrapper(meter, model, self.config.limits.udp_apdu_octets))

    def _wrapper(self, meter: VirtualMeter, model: ObjectModel, datagram_octets: int | None = None) -> WrapperLine:
        limits = self.config.limits
        wrapper = WrapperLine(limits.apdu_octets, limits.associations_per_connection, datagram_octets)
        wrapper.attach(meter, _logical_devices(model))
        return wrapper

    def _traced(self, stream: ByteStream, name: str) -> ByteStream:
        return stream if self._tracer is None else TracedStream(stream, self._tracer, name)

    def _around(self, factory: Callable[[], ByteStream], config: EndpointConfig, name: str) -> Callable[[], ByteStream]:
        """The stream with what its endpoint has around it, in the order of `transports/stream_around.py`.

        On a paced line a message is traced as what comes is read, and as what goes out begins to leave.
        """
        faults, tracer = config.faults, self._tracer
        wrapper = config.kind in ("tcp", "udp")

        def build() -> ByteStream:
            stream = factory()
            if faults is not None:
                rates = FaultRates(**faults.model_dump(exclude={"seed"}))
                stream = FaultyStream(
                    stream, FaultInjector(2 * faults.seed, rates), FaultInjector(2 * faults.seed + 1, rates)
                )
            if not config.pace:
                if tracer is not None:
                    stream = TracedStream(stream, tracer, name, datagrams=config.kind == "udp", wrapper=wrapper)
                return EchoStream(stream) if config.echo else stream
            stream = stream if tracer is None else TracedStream(stream, tracer, name, [FROM_METER], wrapper=wrapper)
            stream = PacedStream(stream, config.baud or SPEEDS[0], config.echo)
            return stream if tracer is None else TracedStream(stream, tracer, name, [TO_METER], wrapper=wrapper)

        return build


class _Newest:
    """Makes the streams of a serial line, one after the other, and knows the present one."""

    def __init__(self, make: Callable[[], Stream]) -> None:
        self.stream: Stream | None = None
        self._make = make

    def __call__(self) -> Stream:
        self.stream = self._make()
        return self.stream


def _look_again(endpoint: Endpoint) -> None:
    """Let silent ports notice that mode D was switched on or off: soon, since a request is being served."""
    loop = asyncio.get_running_loop()
    for connection in endpoint.connections:
        loop.call_soon(connection.flush)


def attach_hdlc(line: HdlcLine, meter: VirtualMeter, model: ObjectModel) -> None:
    """Put a meter on an HDLC line as its HDLC setup says; without supply it has no logical device to speak to."""
    settings = model.hdlc
    devices, nobody = model.profile.logical_devices, frozenset[int]()
    if settings is not None:
        line.attach(
            meter,
            lambda: settings.device_address(meter),
            lambda: devices if meter.powered else nobody,
            lambda: settings.parameters(meter),
        )


def _logical_devices(model: ObjectModel) -> Callable[[], frozenset[int]]:
    devices = model.profile.logical_devices
    return lambda: devices


_KEEP_EVERY_S: Final = 5.0
_KEEP_AHEAD_S: Final = 10.0


class _TimeKeeper:
    """Keeps in the store how far the meters of a run can have lived: ahead while it runs, exactly at its end.

    Only a run faster than the machine's time needs it; of any other the anchor says enough.
    """

    def __init__(self, running: RunningTime, store: Store) -> None:
        self._anchor = running.anchor
        self._store = store
        self._timer: asyncio.TimerHandle | None = None
        if self._anchor.speed > 1:
            self._ahead()

    def _ahead(self) -> None:
        self._keep(time.time() + _KEEP_AHEAD_S)
        self._timer = asyncio.get_running_loop().call_later(_KEEP_EVERY_S, self._ahead)

    def _keep(self, wall: float) -> Future[None]:
        return self._store.keep_time(self._anchor, Reached(wall, self._anchor.at(wall)))

    def stop(self) -> None:
        """The run ends now."""
        if self._timer is not None:
            self._timer.cancel()
        if error := self._keep(time.time()).exception():
            log.error("the time reached could not be written", error=str(error))
