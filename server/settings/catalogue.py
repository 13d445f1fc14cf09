"""All settings by their numbers, in the order in which they are listed and saved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .identification import IDENTIFICATION
from .setting import Setting

CATALOGUE: Final[Mapping[int, Setting]] = MappingProxyType(
    {int(setting.number): setting for setting in (*IDENTIFICATION,)}
)
"""Every setting by its number."""
