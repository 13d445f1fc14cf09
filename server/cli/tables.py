"""Tables on a terminal, as wide as a page in a file or a pipe; and as CSV."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal

_WIDTH: Final = 160
"""Columns of a table that goes into a file or a pipe."""


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = (), title: str | None = None
) -> None:
    """Print rows below headings; the columns `right` are set flush right, the first is never folded."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    if title is not None:  # a line of its own: a narrow table would fold it
        console.print(Text(title, style="table.title"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if number in right else "left"
        table.add_column(Text(heading), justify=justify, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def print_csv(parts: Iterable[Iterable[Sequence[str]]]) -> None:
    """Print rows, an empty line between two parts."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    for number, part in enumerate(parts):
        if number:
            writer.writerow([])
        writer.writerows(part)
