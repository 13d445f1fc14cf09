"""Installations: what the premises behind the meter draw and feed, as pure functions of time."""

from .constant import ConstantInstallation, LiveInstallation
from .model import Installation, Load

__all__ = ["ConstantInstallation", "Installation", "LiveInstallation", "Load"]
