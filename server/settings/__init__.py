"""Settings: what software like METERTOOL may change in a meter; see README.md."""

from .catalogue import CATALOGUE
from .setting import Setting, SettingRefused
from .settings import INDEX, LAST_RESULT, Settings

__all__ = ["CATALOGUE", "INDEX", "LAST_RESULT", "Setting", "SettingRefused", "Settings"]
