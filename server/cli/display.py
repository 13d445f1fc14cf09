"""`meter382 display`: the display of a meter in the terminal, live, with its button on the keyboard.

The meter is one of its own, or the one that a state file remembers; while it is shown here nobody else runs it, and
what the button does is kept in the file. Exit codes: 0 shown, 1 the meter cannot run (why, on standard error), 2 usage.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..store import Store
    from ..virtual_meter import VirtualMeter

_REFRESH_S: Final = 0.25
_BLINK_S: Final = 1.0
_KEYS: Final = "space: press the button   6: press it for 6 s   q: quit"


def display(
    profile: Annotated[str | None, typer.Argument(help="Device profile, by name or .toml file. Default: 382M.")] = None,
    type_number: Annotated[str | None, typer.Option(help="Type number; it chooses the profile.")] = None,
    serial_number: Annotated[int | None, typer.Option(help="Serial number, up to 8 digits.")] = None,
    state: Annotated[Path | None, typer.Option(help="State file of the meter. Default: a new meter.")] = None,
    start: Annotated[str | None, typer.Option(help="Time to start at, ISO 8601. Default: now.")] = None,
    speed: Annotated[float | None, typer.Option(help="How many times faster than real time.")] = None,
    installation: Annotated[str | None, typer.Option(help="What is drawn, as for `meter382 run`.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the household. Default: the serial number.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and leave.")] = False,
    at: Annotated[
        str | None, typer.Option(help="With --once: the time of the picture, ISO 8601. Default: now.")
    ] = None,
    press: Annotated[
        list[int] | None,
        typer.Option(help="With --once: press the button for so many seconds before; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: the segments as JSON.")] = False,
) -> None:
    """Show the display of a meter."""
    from ..config import FileError
    from ..store import StoreError
    from .run import run_configuration

    if not once and (at or press or as_json):
        _fail("--at, --press and --json go with --once", 2)
    meter = {
        "profile": profile,
        "type_number": type_number,
        "serial_number": serial_number,
        "installation": installation,
        "seed": seed,
    }
    options = {"state": state, "ephemeral": state is None or None, "start": at or start, "speed": speed}
    try:
        config = run_configuration(None, meter, [], options)
    except (FileError, ValueError) as error:
        _fail(str(error), 2)
    try:
        with ExitStack() as stack:
            shown, store = _open(stack, config, keep=not once or bool(press))
            if once:
                _print(shown, store, press or [], as_json)
            else:
                _live(shown, store)
    except (OSError, StoreError, ValueError) as error:
        _fail(str(error), 1)


def _open(stack: ExitStack, config: RunConfig, *, keep: bool) -> tuple[VirtualMeter, Store | None]:
    """The meter of this configuration; to `keep` it is to save what it has become when the stack is closed."""
    from ..assembly import build_meter, open_time
    from ..store import Store

    store = None if config.state is None else Store(config.state)
    if store is not None:
        stack.callback(store.close)
    source = open_time(config, store)
    meter, _ = build_meter(config.meters[0], source, store)
    if store is not None and keep:
        stack.callback(lambda: store.save_snapshot(meter.snapshot()).result())
    return meter, store


def _press(meter: VirtualMeter, store: Store | None, length_s: int) -> None:
    from metering.inputs import PressButton

    meter.apply(PressButton(length_s))
    if store is not None:
        store.commit(meter.take_pending()).result()


def _print(meter: VirtualMeter, store: Store | None, presses: list[int], as_json: bool) -> None:
    from metering.display import display as picture_of

    from ..markings import markings
    from .display_drawing import draw

    for length_s in presses:
        _press(meter, store, length_s)
    picture = picture_of(meter.engine, meter.now(), markings(meter))
    typer.echo(json.dumps(picture.to_dict()) if as_json else draw(picture))


def _live(meter: VirtualMeter, store: Store | None) -> None:
    """Redraw four times a second until somebody has enough."""
    from rich.live import Live
    from rich.text import Text

    from metering.display import display as picture_of

    from ..markings import markings
    from .display_drawing import draw

    def frame() -> Text:
        picture = picture_of(meter.engine, meter.now(), markings(meter))
        blink = time.monotonic() % _BLINK_S < _BLINK_S / 2
        return Text(f"{draw(picture, blink=blink)}\n {meter.profile.name} {meter.serial_number}   {_KEYS}")

    with _keys() as wait_for_key, Live(frame(), auto_refresh=False) as live:
        while True:
            try:
                key = wait_for_key()
            except KeyboardInterrupt:
                return
            if key == "q":
                return
            if key in (" ", "6"):
                _press(meter, store, 6 if key == "6" else 1)
            live.update(frame(), refresh=True)


@contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits a refresh for a key and gives it, or nothing; without a terminal there are no keys."""
    import select

    if not sys.stdin.isatty():

        def pause() -> str:
            time.sleep(_REFRESH_S)
            return ""

        yield pause
        return

    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)

    def wait_for_key() -> str:
        readable, _, _ = select.select([sys.stdin], [], [], _REFRESH_S)
        return os.read(sys.stdin.fileno(), 1).decode("latin-1") if readable else ""

    try:
        yield wait_for_key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _fail(message: str, code: int) -> None:
    typer.echo(f"meter382: {message}", err=True)
    raise typer.Exit(code)
