"""The meter behind IEC 62056-21: what it signs on with, reads out, and lets be read and written in programming mode."""

from .readout import Readout

__all__ = ["Readout"]
