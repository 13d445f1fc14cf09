"""A run: meters, their endpoints, and the order in which all of it is opened and closed.

Opening: state file, time, meters, endpoints, control API. Closing, in this order: control API and endpoints (no more
requests), then what is still to be committed, then a snapshot of each meter, then the file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TextIO

from transports.connection import Endpoint
from transports.faults import FaultInjector, FaultRates, FaultyStream
from transports.hdlc import HdlcLine
from transports.iec62056_21 import Iec62056Line
from transports.pty import open_pty
from transports.serial_port import DEFAULT_SPEED, open_serial
from transports.stream import ByteStream, Stream
from transports.tcp import serve_tcp
from transports.trace import TracedStream, Tracer
from transports.udp import DatagramStream, serve_udp
from transports.wrapper import WrapperLine

from .assembly import build_meter, open_time
from .binding import ObjectModel
from .config import ControlConfig, EndpointConfig, RunConfig, split_address
from .readout import Readout
from .session import SessionHandler
from .store import Store
from .time_source import SteppedTime, TimeSource
from .virtual_meter import VirtualMeter

if TYPE_CHECKING:
    from .control.http_server import ControlServer

_INTERFACES = {"tcp": "module", "udp": "module", "rs485": "module", "optical": "optical"}


class Runtime:
    """Everything a run consists of. Use `open`, and `close` when done; both may raise `OSError` and `StoreError`."""

    def __init__(
        self, config: RunConfig, *, time_source: TimeSource | None = None, trace: TextIO | None = None
    ) -> None:
        self.config = config
        self.store: Store | None = None
        self.meters: dict[VirtualMeter, ObjectModel] = {}
        self.endpoints: list[Endpoint] = []
        self.control: ControlServer | None = None
        self._time_source = time_source
        self._tracer = None if trace is None else Tracer(trace)
        self._stack = AsyncExitStack()

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
            for endpoint_config in self.config.endpoints:
                endpoint = await self._open_endpoint(endpoint_config)
                self.endpoints.append(endpoint)
                self._stack.push_async_callback(endpoint.close)
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
        if self.store is None:
            return
        for meter in self.meters:
            self.store.save_snapshot(meter.snapshot()).result()

    def _open_time(self) -> TimeSource:
        """The time of the configuration, kept in the state file so that a restart goes on along it."""
        running = open_time(self.config, self.store)
        source = SteppedTime(running.now()) if self.config.stepped else running
        if self.store is not None:
            self.store.save_anchor(source.anchor).result()
        return source

    async def _open_control(self, config: ControlConfig, time_source: TimeSource) -> ControlServer:
        """The control API; what it is made of is imported only here."""
        try:
            from .control.application import control_application
            from .control.guard import Guard
            from .control.http_server import ControlServer
            from .control.site import Behind, Site
        except ModuleNotFoundError as error:
            raise ValueError(f"the control API needs {error.name}: pip install 'meter382[web]'") from error
        meters = {meter.serial_number: Behind(meter, model) for meter, model in self.meters.items()}
        token = None if config.token is None else config.token.get_secret_value()
        application = control_application(Site(meters, self.store, time_source), with_token=token is not None)
        return await ControlServer.open(Guard(application, token), *split_address(config.address))

    # --- endpoints ------------------------------------------------------------------------------

    async def _open_endpoint(self, config: EndpointConfig) -> Endpoint:
        serials = {meter.serial_number for meter in self.config.behind(config)}
        behind = {meter: model for meter, model in self.meters.items() if meter.serial_number in serials}
        handler = SessionHandler(behind, self.store, _INTERFACES[config.kind])
        if config.kind in ("tcp", "udp"):
            assert config.address is not None
            host, port = split_address(config.address)
            name = f"{config.kind}://{config.address}"
            if config.kind == "udp":
                return await serve_udp(host, port, self._around(lambda: self._datagrams(behind), config, name), handler)
            return await serve_tcp(host, port, self._around(lambda: self._stream(behind), config, name), handler)
        assert config.device is not None
        kind, _, link = config.device.partition(":")
        if kind == "pty":
            factory = self._around(lambda: self._stream(behind, baud=config.baud), config, config.device)
            return await open_pty(link or None, factory, handler, config.echo)
        factory = self._around(
            lambda: self._stream(behind, parity=True, baud=config.baud or DEFAULT_SPEED), config, config.device
        )
        return await open_serial(config.device, factory, handler, echo=config.echo)

    def _stream(
        self, behind: dict[VirtualMeter, ObjectModel], *, parity: bool = False, baud: int | None = None
    ) -> ByteStream:
        """What speaks all three protocols: HDLC to every meter, the wrapper to the only one, readouts of all.

        A meter without associations has its readout only.
        """
        hdlc, iec, wrapper = HdlcLine(), Iec62056Line(), None
        for meter, model in behind.items():
            attach_hdlc(hdlc, meter, model)
            iec.attach(meter, Readout(model, meter, parity=parity, initial_speed=baud))
            if len(behind) == 1 and model.profile.associations:
                wrapper = WrapperLine()
                wrapper.attach(meter, _logical_devices(model))
        with_dlms = any(model.profile.associations for model in behind.values())
        return Stream(hdlc if with_dlms else None, wrapper, iec)

    def _datagrams(self, behind: dict[VirtualMeter, ObjectModel]) -> ByteStream:
        ((meter, model),) = behind.items()
        wrapper = WrapperLine()
        wrapper.attach(meter, _logical_devices(model))
        return DatagramStream(wrapper)

    def _around(self, factory: Callable[[], ByteStream], config: EndpointConfig, name: str) -> Callable[[], ByteStream]:
        """The stream with the faults of the endpoint inside and the tracer of the run outside of them."""
        faults, tracer = config.faults, self._tracer

        def build() -> ByteStream:
            stream = factory()
            if faults is not None:
                rates = FaultRates(**faults.model_dump(exclude={"seed"}))
                stream = FaultyStream(
                    stream, FaultInjector(2 * faults.seed, rates), FaultInjector(2 * faults.seed + 1, rates)
                )
            return stream if tracer is None else TracedStream(stream, tracer, name)

        return build


def attach_hdlc(line: HdlcLine, meter: VirtualMeter, model: ObjectModel) -> None:
    """Put a meter on an HDLC line as its HDLC setup says."""
    settings = model.hdlc
    if settings is not None:
        line.attach(
            meter,
            lambda: settings.device_address(meter),
            _logical_devices(model),
            lambda: settings.parameters(meter),
        )


def _logical_devices(model: ObjectModel) -> Callable[[], frozenset[int]]:
    devices = model.profile.logical_devices
    return lambda: devices
