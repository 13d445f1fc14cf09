"""Installations: what the premises behind the meter draw and feed, as pure functions of time."""

from .constant import ConstantInstallation, LiveInstallation
from .household import HouseholdInstallation
from .model import Installation, Load
from .replay import ReplayInstallation

__all__ = [
    "ConstantInstallation",
    "HouseholdInstallation",
    "Installation",
    "LiveInstallation",
    "Load",
    "ReplayInstallation",
]
