"""All settings by their numbers, in the order in which they are listed and saved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .counting import COUNTING
from .identification import IDENTIFICATION
from .legal import LEGAL
from .recording import RECORDING
from .setting import Setting
from .showing import DISPLAY
from .switching import SWITCHING

_ALL: Final[tuple[Setting, ...]] = (*IDENTIFICATION, *DISPLAY, *RECORDING, *COUNTING, *SWITCHING, *LEGAL)

CATALOGUE: Final[Mapping[int, Setting]] = MappingProxyType({int(setting.number): setting for setting in _ALL})
"""Every setting by its number."""
