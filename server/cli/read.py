"""`meter382 read`: read a meter, ours or any other."""

from __future__ import annotations

from typing import Annotated

import typer


def read(
    endpoint: Annotated[str, typer.Argument(help="HOST:PORT, hdlc://HOST:PORT, udp://HOST:PORT or a serial device.")],
) -> None:
    """Read a meter."""
    raise typer.Exit(2)
