"""Settings: what software like METERTOOL may change in a meter; see README.md."""

from .setting import Setting, SettingRefused
from .settings import Settings

__all__ = ["Setting", "SettingRefused", "Settings"]
