"""The optical port's ASCII dialogue, IEC 62056-21: sign-on and data readout in modes A and C, secondary station."""

from .dialogue import MeterPort
from .line import Iec62056Line
from .settings import Iec62056Settings

__all__ = ["Iec62056Line", "Iec62056Settings", "MeterPort"]
