"""OBIS codes: value type, text forms, names. Imports nothing of the other packages, does no I/O."""

from .names import describe
from .obis_code import Obis

__all__ = ["Obis", "describe"]
