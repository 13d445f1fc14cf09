"""`meter382 config`: look at configuration files without running them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

config_app = typer.Typer(help="Configuration files.", no_args_is_help=True)


@config_app.callback()
def _group() -> None:
    """Configuration files."""


@config_app.command()
def check(file: Annotated[Path, typer.Argument(help="Configuration file, TOML.")]) -> None:
    """Check a configuration file; each fault is one line: file, line, key, what is allowed."""
    from ..assembly import build_installation, order
    from ..binding import object_model
    from ..config import FileError, load_config
    from ..device_profile import load_profile

    try:
        config = load_config(file)
        for meter in config.meters:
            object_model(meter.profile, meter.metering.energy_type)
            build_installation(meter.installation, meter.serial_number)
            profile = load_profile(meter.profile, meter.type_number, meter.configuration_numbers)
            order(profile, meter, int(time.time()))
    except (FileError, ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{file}: {len(config.meters)} meters, {len(config.endpoints)} endpoints, nothing wrong")
