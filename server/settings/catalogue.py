"""All settings in the order of their numbers, in which they are listed.

Written in this order, no setting needs one that comes later: a tariff table comes before the mode that wants one.
"""

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

CATALOGUE: Final[Mapping[int, Setting]] = MappingProxyType(
    {int(setting.number): setting for setting in sorted(_ALL, key=lambda setting: setting.number)}
)
"""Every setting by its number."""
