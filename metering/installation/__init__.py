"""Installations: what the premises behind the meter draw and feed, as pure functions of time."""

from .constant import ConstantInstallation, LiveInstallation
from .household import HouseholdInstallation
from .model import Ambient, Installation, Load
from .replay import ReplayInstallation

__all__ = [
    "Ambient",
    "ConstantInstallation",
    "HouseholdInstallation",
    "Installation",
    "LiveInstallation",
    "Load",
    "ReplayInstallation",
]
