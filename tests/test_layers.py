"""The layers of the architecture, read from the imports of every module.

| package | imports of ours |
|---|---|
| `obis`, `transports` | none |
| `metering`, `cosem` | `obis` |
| `conformance` | `obis`, `cosem`, `transports` |
| `server` | all |

Event loops and sockets belong to the drivers of `transports` and to `server` (the tester of `conformance` is a
program too); no core reads a clock.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "obis": set(),
    "transports": set(),
    "metering": {"obis"},
    "cosem": {"obis"},
    "conformance": {"obis", "cosem", "transports"},
    "server": {"obis", "cosem", "transports", "metering", "conformance"},
}
SANS_IO = ("obis", "metering", "cosem")
IO_MODULES = {"asyncio", "select", "selectors", "socket", "ssl", "termios", "threading", "time"}
DRIVERS = {
    f"transports/{name}.py" for name in ("connection", "descriptor", "pseudo_terminal", "serial_port", "tcp", "udp")
}
CLOCKS = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}}


class Import(NamedTuple):
    """One import statement: what it names, how many dots stand before it, and where."""

    name: str
    level: int
    line: int

    @property
    def top(self) -> str:
        """The first part of the name."""
        return self.name.split(".")[0]


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(path: Path) -> list[Import]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, 0, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(Import(node.module or "", node.level, node.lineno))
    return found


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_package_of_the_distribution_has_its_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= MAY_IMPORT.keys()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    crossings = [
        f"{where(path, item.line)} imports {item.name}"
        for path in modules(package)
        for item in imports_of(path)
        if item.level == 0 and item.top in MAY_IMPORT.keys() - {package} - MAY_IMPORT[package]
    ]
    assert crossings == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_inside_a_package_are_relative_and_stay_inside(package: str) -> None:
    wrong = []
    for path in modules(package):
        depth = len(path.relative_to(ROOT).parts) - 1
        wrong += [
            where(path, item.line)
            for item in imports_of(path)
            if (item.level == 0 and item.top == package) or item.level > depth
        ]
    assert wrong == []


@pytest.mark.parametrize("package", SANS_IO)
def test_the_core_knows_no_event_loop_no_socket_and_no_clock(package: str) -> None:
    found = [
        f"{where(path, item.line)} imports {item.name}"
        for path in modules(package)
        for item in imports_of(path)
        if item.level == 0 and item.top in IO_MODULES
    ]
    assert found == []


@pytest.mark.parametrize("package", [*SANS_IO, "transports"])
def test_time_is_an_argument(package: str) -> None:
    read = [
        f"{where(path, node.lineno)} calls {node.func.value.id}.{node.func.attr}"
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.attr in CLOCKS.get(node.func.value.id, ())
    ]
    assert read == []


def test_only_the_drivers_of_the_transports_do_io() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in modules("transports")
        for item in imports_of(path)
        if item.level == 0 and item.top in IO_MODULES
    }
    assert found == DRIVERS


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    clashes = {
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path in modules(package)
        if path.stem in sys.stdlib_module_names and not path.stem.startswith("__")
    }
    assert clashes == set()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_module_says_what_it_is(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT)) for path in modules(package) if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
