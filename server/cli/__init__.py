"""The command line: `meter382 run`, `read`, `tool`, `inject`, `display`, `profiles`, `type`, `config check`."""

from __future__ import annotations

import typer

from .config import config_app
from .display import display
from .inject import inject
from .profiles import profiles
from .read import read
from .run import run
from .tool import tool
from .type import explain_type

app = typer.Typer(
    name="meter382",
    help="A virtual Kamstrup 382 electricity meter: DLMS/COSEM and IEC 62056-21 on the wire, a meter behind it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(read)
app.command()(inject)
app.command()(display)
app.command()(tool)
app.command()(profiles)
app.command("type")(explain_type)
app.add_typer(config_app, name="config")


def main() -> None:
    """Entry point of the `meter382` command."""
    app()
