"""`meter382 run`: meters up, endpoints printed, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..runtime import Runtime


def run(
    profile: Annotated[str | None, typer.Argument(help="Device profile, by name or .toml file. Default: 382M.")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file; options given here come before it.")] = None,
    serial_number: Annotated[int | None, typer.Option(help="Serial number, up to 8 digits.")] = None,
    type_number: Annotated[
        str | None, typer.Option(help="Type number, 684-38BL4C4010; it chooses the profile where none is named.")
    ] = None,
    configuration_numbers: Annotated[
        str | None, typer.Option(help="Configuration numbers 1 to 5, with commas: 21000002,22201011,1000,100,0.")
    ] = None,
    tcp: Annotated[list[str] | None, typer.Option(help="HOST:PORT for wrapper and HDLC; may be repeated.")] = None,
    udp: Annotated[list[str] | None, typer.Option(help="HOST:PORT for the wrapper over UDP; may be repeated.")] = None,
    ip101i: Annotated[
        list[str] | None,
        typer.Option(help="HOST[:PORT] of an IP101i module: channel A on PORT (1025), B on the next; may be repeated."),
    ] = None,
    optical: Annotated[str | None, typer.Option(help="Optical port: a serial DEVICE[@BAUD] or pty[:LINK].")] = None,
    rs485: Annotated[str | None, typer.Option(help="RS-485 line: a serial DEVICE[@BAUD] or pty[:LINK].")] = None,
    state: Annotated[
        Path | None, typer.Option(help="State file. Default: one per meter in the user's state folder.")
    ] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing on disk.")] = False,
    start: Annotated[str | None, typer.Option(help="Time to start at, ISO 8601. Default: now.")] = None,
    speed: Annotated[float | None, typer.Option(help="How many times faster than real time.")] = None,
    installation: Annotated[
        str | None,
        typer.Option(
            help="What is drawn: household, household-pv, household-electric, constant, idle, live or a .csv file."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the household. Default: the serial number.")] = None,
    trace: Annotated[
        str | None, typer.Option(help="Write everything on the wires to FILE, or - for standard output.")
    ] = None,
    control: Annotated[str | None, typer.Option(help="HOST:PORT of the control API; see `meter382 inject`.")] = None,
    control_token: Annotated[
        str | None,
        typer.Option(
            envvar="METER382_CONTROL_TOKEN",
            show_envvar=True,
            help="What every request to the control API must bring; needed where other machines can reach it.",
        ),
    ] = None,
    stepped: Annotated[
        bool, typer.Option("--stepped", help="Time stands still, and moves by the control API only.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per endpoint, for machines.")] = False,
) -> None:
    """Run a meter. Without options: a 382M on 127.0.0.1:4059 that remembers."""
    from ..config import FileError

    meter = {
        "profile": profile,
        "serial_number": serial_number,
        "type_number": type_number,
        "configuration_numbers": configuration_numbers,
        "installation": installation,
        "seed": seed,
    }
    endpoints: list[dict[str, Any]] = [
        *({"kind": "tcp", "address": address} for address in tcp or ()),
        *({"kind": "udp", "address": address} for address in udp or ()),
        *(channel for address in ip101i or () for channel in _channels(address)),
        *(_serial(kind, device) for kind, device in (("optical", optical), ("rs485", rs485)) if device),
    ]
    options: dict[str, Any] = {
        "state": state,
        "ephemeral": ephemeral or None,
        "start": start,
        "speed": speed,
        "trace": trace,
    }
    options |= {"stepped": stepped or None, "control": _control(control, control_token)}
    try:
        chosen = run_configuration(config, meter, endpoints, options)
    except (FileError, ValueError) as error:
        _fail(str(error), 2)
    _set_up_logging()
    with ExitStack() as stack:
        output: TextIO | None = None
        if chosen.trace == "-":
            output = sys.stdout
        elif chosen.trace is not None:
            try:
                output = stack.enter_context(open(chosen.trace, "a", encoding="utf-8"))
            except OSError as error:
                _fail(f"--trace {chosen.trace}: {error.strerror}", 2)
        try:
            asyncio.run(_serve(chosen, output, as_json))
        except _CannotRun as error:
            _fail(str(error), 1)


def _serial(kind: str, device: str) -> dict[str, Any]:
    """The endpoint of `DEVICE`, `DEVICE@BAUD` or `pty[:LINK]`."""
    path, at, baud = device.rpartition("@")
    if at and baud.isdigit() and not device.startswith("pty"):
        return {"kind": kind, "device": path, "baud": int(baud)}
    return {"kind": kind, "device": device}


def _channels(address: str) -> list[dict[str, Any]]:
    """Both channels of an IP101i module at `HOST[:PORT]`; what is no such thing is left to validation."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return [{"kind": "ip101i", "address": address, "channel": channel} for channel in "AB"]
    addresses = address, f"{host}:{int(port) + 1 if int(port) else 0}"
    pairs = zip("AB", addresses, strict=True)
    return [{"kind": "ip101i", "address": place, "channel": channel} for channel, place in pairs]


def _control(address: str | None, token: str | None) -> dict[str, str] | None:
    """What the options say of the control API; a token alone goes to the one that the configuration file opens."""
    said = {"address": address, "token": token}
    return {name: value for name, value in said.items() if value is not None} or None


class _CannotRun(Exception):
    """Why the run did not come up."""


def _fail(message: str, code: int) -> None:
    typer.echo(f"meter382: {message}", err=True)
    raise typer.Exit(code)


def run_configuration(
    path: Path | None, meter: dict[str, Any], endpoints: list[dict[str, Any]], options: dict[str, Any]
) -> RunConfig:
    """The file's configuration with the options laid over it; raises `FileError` or `ValueError`."""
    from pydantic import ValidationError

    from ..config import DEFAULT_ADDRESS, InstallationConfig, RunConfig, load_config

    base = load_config(path).model_dump(exclude_unset=True) if path is not None else {}
    meters: tuple[dict[str, Any], ...] = base.get("meters") or ({},)
    given = {name: value for name, value in meter.items() if value is not None}
    if given and len(meters) > 1:
        raise ValueError(f"{', '.join(given)}: the configuration has {len(meters)} meters, so it must be said there")
    if given:
        first = dict(meters[0])
        seed = given.pop("seed", None)
        if "installation" in given:
            given["installation"] = InstallationConfig.named(given["installation"]).model_dump(exclude_unset=True)
        first.update(given)
        if seed is not None:
            first["installation"] = {**first.get("installation", {}), "seed": seed}
        base["meters"] = (first,)
    if endpoints:
        base["endpoints"] = tuple(endpoints)
    if not base.get("endpoints"):
        base["endpoints"] = ({"kind": "tcp", "address": DEFAULT_ADDRESS},)
    chosen = {name: value for name, value in options.items() if value is not None}
    if "state" in chosen or "ephemeral" in chosen:
        base.pop("state", None)
        base.pop("ephemeral", None)
    if "control" in chosen:
        chosen["control"] = {**base.get("control", {}), **chosen["control"]}
        if "address" not in chosen["control"]:
            del chosen["control"]  # a token in the environment of a run without the API
    base.update(chosen)
    try:
        config = RunConfig.model_validate(base)
    except ValidationError as error:
        raise ValueError("; ".join(_say(fault) for fault in error.errors())) from None
    if config.state is None and not config.ephemeral:
        said = [meter["installation"], meter["seed"], options["start"]]
        named = [Path(str(item)).stem for item in said if item is not None]
        config = config.model_copy(update={"state": _default_state(config, named)})
    return config


def _say(fault: Any) -> str:
    names = {"address": "HOST:PORT", "device": "device"}
    place = [names.get(str(part), str(part)) for part in fault["loc"] if not isinstance(part, int)]
    return f"{'.'.join(place)}: {fault['msg'].removeprefix('Value error, ')}".lstrip(": ")


def _default_state(config: RunConfig, said: list[str]) -> Path:
    """A file in the user's state folder for each meter and whatever else of it was `said` on the command line."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "meter382"
    first = config.meters[0]
    parts = [Path(first.profile).stem, str(first.serial_number)]
    if len(config.meters) > 1:
        parts.append(f"and-{len(config.meters) - 1}")
    parts += [re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") for text in said]
    return folder / f"{'-'.join(parts)}.sqlite"


def _set_up_logging() -> None:
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _serve(config: RunConfig, trace: TextIO | None, as_json: bool) -> None:
    """Open, print, wait for a signal, close."""
    from ..runtime import Runtime
    from ..store import StoreError

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runtime = Runtime(config, trace=trace)
    try:
        await runtime.open()
    except (OSError, StoreError, ValueError) as error:
        raise _CannotRun(str(error)) from error
    try:
        _announce(runtime, config, as_json)
        await stop.wait()
    finally:
        await runtime.close()


def _announce(runtime: Runtime, config: RunConfig, as_json: bool) -> None:
    """One line for each endpoint, and for people how to read it."""
    meters = [(meter.profile.name, meter.serial_number) for meter in runtime.meters]
    for endpoint, said in zip(runtime.endpoints, config.endpoints, strict=True):
        behind = [item.serial_number for item in config.behind(said)]
        if as_json:
            typer.echo(json.dumps({"endpoint": endpoint.name, "kind": said.kind, "meters": behind}))
        else:
            names = ", ".join(f"{name} {serial}" for name, serial in meters if serial in behind)
            typer.echo(f"{names} on {endpoint.name}")
    for name in runtime.pushes.ports if runtime.pushes is not None else ():
        typer.echo(json.dumps({"endpoint": name, "kind": "push"}) if as_json else f"pushes on {name}")
    if runtime.control is not None:
        if as_json:
            serials = [serial for _, serial in meters]
            typer.echo(json.dumps({"endpoint": runtime.control.name, "kind": "control", "meters": serials}))
        else:
            typer.echo(f"control API on {runtime.control.name}, described at {runtime.control.name}/docs")
    if not as_json:
        dlms = any(meter.profile.associations for meter in runtime.meters)
        hint = f"meter382 read {_hint(runtime, config)} --password 12345" if dlms else "an optical head, IEC 62056-21"
        typer.echo(f"read it: {hint}      (stop with Ctrl-C)")
    sys.stdout.flush()


def _hint(runtime: Runtime, config: RunConfig) -> str:
    """The first endpoint as `meter382 read` takes it; several meters on it are told apart by HDLC address."""
    name = runtime.endpoints[0].name.split(" -> ")[0].removeprefix("pty:").removeprefix("serial:")
    first = config.endpoints[0]
    behind = config.behind(first)
    if len(behind) > 1 or first.kind == "ip101i":  # neither has the wrapper
        name = name.replace("tcp://", "hdlc://")
    return name if len(behind) == 1 else f"{name} --hdlc-address {config.hdlc_address(behind[0])}"
