"""Secrets that a configuration needs: in the file itself only where nobody else reads it, or kept apart from it.

| in a table | the secret is |
|---|---|
| `password = "…"` | in the configuration, which must be of mode 0600 or stricter |
| `password_file = "…"` | the first line of a file of its own, of that mode and of this user or root |
| `password_env = "…"` | the value of an environment variable |

A file that others can read is refused, not warned of: whoever could read it may have.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final

from ..toml_file import FileError, line_of

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST: Final = 4096
_ROOT: Final = 0


def open_to_others(status: os.stat_result) -> str | None:
    """The mode of a file that others can reach, as it is written; None where they cannot."""
    mode = stat.S_IMODE(status.st_mode)
    return f"{mode:04o}" if mode & _OTHERS else None


def read_secret(path: Path) -> str:
    """The first line of a file; raises `ValueError`, which never quotes it."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{path}: not a file")
            if status.st_uid not in (os.geteuid(), _ROOT):
                raise ValueError(f"{path}: holds a secret and belongs to another user (chown it)")
            if mode := open_to_others(status):
                raise ValueError(f"{path}: holds a secret and can be reached by others, mode {mode} (chmod 600 it)")
            octets = file.read(_LONGEST)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    try:
        secret = octets.decode("utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    if not secret:
        raise ValueError(f"{path}: its first line is empty")
    return secret


def with_secret(table: Any, key: str) -> Any:
    """The table with the secret `key` that its `KEY_file` or `KEY_env` names; raises `ValueError`.

    What is no table is left to validation.
    """
    if not isinstance(table, dict):
        return table
    ways = [way for way in (key, f"{key}_file", f"{key}_env") if table.get(way) is not None]
    if len(ways) > 1:
        raise ValueError(f"{' and '.join(ways)}: one of them is enough")
    if not ways or ways == [key]:
        return table
    named = table[ways[0]]
    rest = {name: value for name, value in table.items() if name != ways[0]}
    if not isinstance(named, str | Path):
        raise ValueError(f"{ways[0]}: a name expected")
    if ways[0] == f"{key}_file":
        return {**rest, key: read_secret(Path(named))}
    if not (secret := os.environ.get(str(named))):
        raise ValueError(f"{ways[0]}: the environment has no {named}")
    return {**rest, key: secret}


def refuse_open_secrets(values: dict[str, Any], path: Path) -> None:
    """Raise `FileError` with a line for each secret in a configuration that others can read."""
    mode = open_to_others(path.stat())
    if mode is None:
        return
    tables: list[tuple[list[str | int], Any, str]] = [(["control"], values.get("control"), "token")]
    pushes = values.get("push")
    for number, push in enumerate(pushes if isinstance(pushes, list) else []):
        tables.append((["push", number, "mqtt"], push.get("mqtt") if isinstance(push, dict) else None, "password"))
    lines = path.read_text(encoding="utf-8").splitlines()
    faults = []
    for place, table, key in tables:
        if isinstance(table, dict) and key in table:
            line = line_of(lines, [*place, key])
            faults.append(
                f"{path}:{line or 1}: {'.'.join(map(str, [*place, key]))}: a secret, and others can read this file, "
                f"mode {mode} (chmod 600 it, or {key}_file, or {key}_env)"
            )
    if faults:
        raise FileError("\n".join(faults))
