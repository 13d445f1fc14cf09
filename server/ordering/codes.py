"""Order codes: printed fields of fixed width, each with a table of what may stand in it and what that orders.

The tables are data (`type_numbers.toml`, `configuration_numbers.toml`, `modules.csv`). A row of a table holds
`when` the facts that are known so far say so: a current range may need a meter without breaker. A wrong code
raises `OrderError`, which names field, position and what is allowed.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER: Final = Path(__file__).parent
Facts = dict[str, Any]


class OrderError(ValueError):
    """A code that cannot be ordered: `field` at `position` holds `found`; `allowed` are the codes and their texts.

    `because` are the facts that other codes ordered and this field depends on.
    """

    def __init__(
        self, what: str, field: CodeField, position: str, found: str, allowed: Mapping[str, str], because: str = ""
    ) -> None:
        self.field = field.name
        self.position = position
        self.found = found
        self.allowed = dict(allowed)
        said = ", ".join(f"{code} ({text})" if text else code for code, text in allowed.items()) or "nothing"
        super().__init__(
            f"{what}: {field.name} ({position}) is {found!r}; allowed: {said}{because and f' [{because}]'}"
        )


class _Row(BaseModel):
    """Base of the tables' rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Code(BaseModel):
    """One code of a field. What is not named here is a fact that the code orders."""

    model_config = ConfigDict(extra="allow", frozen=True)
    code: str
    text: str
    when: dict[str, list[Any]] = Field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        """What this code orders."""
        return dict(self.model_extra or {})

    def holds(self, facts: Facts) -> bool:
        """No known fact speaks against this code; a fact that is not known speaks against nothing."""
        return all(name not in facts or facts[name] in values for name, values in self.when.items())


class CodeField(_Row):
    """One field: a table of codes, the manufacturer's own table of numbers (`any`), or just a `pattern`."""

    key: str
    name: str
    position: str = ""
    group: bool = False
    codes: tuple[Code, ...] = ()
    table: str = ""
    any: str = ""
    pattern: str = ""
    width: int = 1
    """Characters of a field that has no codes."""

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        if sum(map(bool, (self.codes, self.table, self.any, self.pattern))) != 1:
            raise ValueError(f"field {self.key}: one of codes, table, any, pattern")
        return self

    @cached_property
    def rows(self) -> tuple[Code, ...]:
        """The table of codes; empty where any number is one."""
        return _table(self.table) if self.table else self.codes

    def characters(self) -> int:
        """How many characters it has."""
        return len(self.rows[0].code) if self.rows else self.width

    def decode(self, what: str, position: str, found: str, facts: Facts) -> Decoded:
        """What the characters `found` order, given the facts known so far. Raises `OrderError`."""
        if not self.rows:
            pattern = self.pattern or rf"[0-9]{{{len(found)}}}"
            if not re.fullmatch(pattern, found):
                allowed = "0" * len(found) + ".." + "9" * len(found) if self.any else pattern
                raise OrderError(what, self, position, found, {allowed: self.any})
            text = f"{self.any} {found}" if self.any else "its table is not public"
            return Decoded(self.key, self.name, position, found, text, {self.key: found} if self.any else {})
        possible = {row.code: row for row in self.rows if row.holds(facts)}
        if found not in possible:
            codes = {code: row.text for code, row in possible.items()}
            raise OrderError(what, self, position, found, codes, self._because(facts))
        row = possible[found]
        return Decoded(self.key, self.name, position, found, row.text, row.facts)

    def _because(self, facts: Facts) -> str:
        """`generation M, without breaker`: the facts that the codes of this field depend on."""
        names = dict.fromkeys(name for row in self.rows for name in row.when if name in facts)
        said = {True: "with {}", False: "without {}", None: "without {}"}
        return ", ".join(said.get(facts[name], "{} " + str(facts[name])).format(name) for name in names)


class Decoded(NamedTuple):
    """One field of a number: where it stands, what stands there and what it means."""

    key: str
    name: str
    position: str
    code: str
    text: str
    facts: Facts


def load_tables(name: str) -> dict[str, Any]:
    """One of the TOML files beside this one."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def _table(name: str) -> tuple[Code, ...]:
    """The modules: code, article letters, name, the generations that take one, and what it brings."""
    rows = csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines())
    return tuple(
        Code.model_validate(
            {
                "code": row["code"],
                "text": f"{row['name']} ({row['letters']})" if row["letters"] else row["name"],
                "when": {"generation": list(row["generations"])},
                "module_communicates": bool(row["communicates"]),
                "tariff_module": int(row["tariffs"]) if row["tariffs"] else None,
            }
        )
        for row in rows
    )
