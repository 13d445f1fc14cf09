"""Why a command is refused: the text of the error message.

The manufacturer says only that it begins with ER and has up to 32 characters (IEC 1107 description 7.5.2); the texts
are ours.
"""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """The error messages there are."""

    INTERNAL = "ER00 INTERNAL ERROR"
    UNKNOWN = "ER01 UNKNOWN IDENTIFICATION"
    READ_ONLY = "ER02 READ ONLY"
    FORMAT = "ER03 FORMAT"
    VALUE = "ER04 VALUE REFUSED"
    PASSWORD = "ER05 PASSWORD REQUIRED"
    COMMAND = "ER06 COMMAND NOT SUPPORTED"
    MODE = "ER07 NOT IN THIS MODE"
    SETTING = "ER08 SETTING REFUSED"


class Refusal(Exception):
    """A command that gets an error message."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
