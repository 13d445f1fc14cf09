"""The ASCII dialogue of IEC 62056-21, secondary station: sign-on, data readout in modes A to E, programming."""

from .dialogue import MeterPort
from .line import Iec62056Line
from .settings import Iec62056Settings

__all__ = ["Iec62056Line", "Iec62056Settings", "MeterPort"]
