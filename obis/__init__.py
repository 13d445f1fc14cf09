"""OBIS codes: value type, text forms, names. Imports nothing of the other packages, does no I/O."""

from .code import Obis
from .names import describe

__all__ = ["Obis", "describe"]
