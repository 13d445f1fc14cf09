"""The secrets of all meters of a run, in one file beside the state file that only its owner can read.

```json
{"format": 1,
 "delivered": {"0": {"unicast": "…", "master": "…"}, "1": …, "2": …},
 "meters": {"12345678": {"setups": {"0": …}, "passwords": {"18/16": "…"}}}}
```

`delivered` are the keys, by suite, that every meter has until they are replaced: documented test keys, unless somebody
writes others there while no meter runs. `meters` holds what is different, as `secrets_at_rest` describes it.

Rules. A file that others may read or write, that belongs to somebody else, is a link or has anything in it that is not
understood is refused, and then no meter runs. A change replaces the file as a whole: written beside it, flushed to
disk, renamed, and the folder flushed; so after a crash there is the old file or the new one. The store's thread does
that before it commits the journal entry of the change (`Store.commit`), so what was acknowledged is there. Without a
path nothing is kept.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from .secrets_at_rest import DOCUMENTED, MeterSecrets, SecretsFault, SetupSecrets

_FORMAT: Final = 1
_MODE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_AS_DELIVERED: Final = MeterSecrets()


class KeyFileError(ValueError):
    """The key file cannot be used: what is wrong and what to do."""


class _Document(NamedTuple):
    """What the file says; never changed, so the store's thread may write it while the event loop makes the next."""

    delivered: Mapping[int, SetupSecrets]
    meters: Mapping[int, MeterSecrets]

    def text(self) -> str:
        values = {
            "format": _FORMAT,
            "delivered": {str(suite): secrets.to_json() for suite, secrets in self.delivered.items()},
            "meters": {str(serial): secrets.to_json() for serial, secrets in self.meters.items()},
        }
        return json.dumps(values, indent=1) + "\n"

    def __repr__(self) -> str:
        return f"<secrets of {len(self.meters)} meters>"


class KeyFile:
    """The secrets of the meters of a run; raises `KeyFileError` for a file that cannot be trusted or understood."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._present = _Document(DOCUMENTED, {})
        self._written: _Document | None = self._present  # a file is made when there is something to keep
        self._is_new = True
        if path is not None and (text := _read(path)) is not None:
            self._present = self._written = _parse(text, path)
            self._is_new = False

    @property
    def documented(self) -> bool:
        """Whether some keys that meters are delivered with are those that everybody can read in the documentation."""
        return any(self._present.delivered.get(suite) == secrets for suite, secrets in DOCUMENTED.items())

    def delivered(self, suite: int) -> SetupSecrets:
        """The keys of a suite that meters are delivered with; raises `KeyFileError` where the file has none."""
        try:
            return self._present.delivered[suite]
        except KeyError:
            raise KeyFileError(f"{self.path}: delivered: no keys of suite {suite}") from None

    def of_meter(self, serial_number: int) -> MeterSecrets:
        """What of a meter's secrets is no longer as delivered."""
        return self._present.meters.get(serial_number, _AS_DELIVERED)

    def put(self, serial_number: int, secrets: MeterSecrets) -> None:
        """Replace the secrets of a meter, at once in memory; on disk with the next `write`."""
        self._present = self._present._replace(meters={**self._present.meters, serial_number: secrets})

    def keep_delivered(self) -> None:
        """A meter needs its keys: with the next `write` they are in the file, where others can be put."""
        if self._is_new:
            self._written = None

    def write(self) -> None:
        """Bring the file up to date, if it is not; done when it is on disk. Called by one thread; raises `OSError`."""
        document = self._present
        if self.path is None or document is self._written:
            return
        _replace(self.path, document.text().encode())
        self._written, self._is_new = document, False

    def __repr__(self) -> str:
        return f"KeyFile({self.path}, {self._present!r})"


def _read(path: Path) -> str | None:
    """The text of the file, None where there is none; raises `KeyFileError` unless it is ours alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    try:
        _trust(path, os.fstat(descriptor))
        with open(descriptor, encoding="utf-8", closefd=False) as file:
            return file.read()
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: not UTF-8") from None
    finally:
        os.close(descriptor)


def _trust(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path}: not a file")
    if status.st_uid != os.geteuid():
        raise KeyFileError(f"{path}: holds keys and belongs to another user (chown it)")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(f"{path}: holds keys and can be reached by others, mode {mode:04o} (chmod 600 it)")


def _parse(text: str, path: Path) -> _Document:
    try:
        values: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise KeyFileError(f"{path}:{error.lineno}: {error.msg}") from None
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise KeyFileError(f"{path}: no key file of format {_FORMAT}")
    if values.keys() != {"format", "delivered", "meters"}:
        raise KeyFileError(f"{path}: format, delivered and meters expected, and nothing else")
    try:
        return _Document(
            {
                int(suite): SetupSecrets.from_json(secrets, f"delivered.{suite}").of_suite(
                    int(suite), f"delivered.{suite}"
                )
                for suite, secrets in values["delivered"].items()
            },
            {
                int(serial): MeterSecrets.from_json(secrets, f"meters.{serial}")
                for serial, secrets in values["meters"].items()
            },
        )
    except SecretsFault as fault:
        raise KeyFileError(f"{path}: {fault}") from None
    except (AttributeError, ValueError):
        raise KeyFileError(f"{path}: delivered has suites, meters has serial numbers") from None


def _replace(path: Path, content: bytes) -> None:
    """Replace a file so that a crash leaves the old one or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)  # of a run that was killed while it wrote
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
