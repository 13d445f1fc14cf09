"""The IEC 62056-21 readout for the API: the data sets that an optical head reads, as the meter writes them.

For generations without DLMS these are all the registers that there are.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, Field

from ..iec62056_21 import Readout
from .run_site import Behind

_DATA_SET: Final = re.compile(r"(?P<id>[^(]*)\((?P<value>[^)*]*)(?:\*(?P<unit>[^)]*))?\)(?:\((?P<time>[^)]*)\))?")
"""Identification, value, unit and time of a data set (IEC 62056-21, 6.6)."""


class DataSet(BaseModel):
    """A data set; values are text, with the digits and decimals of the display."""

    id: str
    value: str
    unit: str = ""
    time: str = Field("", description="of a peak, as the meter writes it")


class ReadoutReading(BaseModel):
    """A whole readout."""

    identification: str
    data_sets: list[DataSet]


def readout_reading(behind: Behind) -> ReadoutReading:
    """What an optical head would read now."""
    readout = Readout(behind.model, behind.meter)
    found = [_DATA_SET.match(line) for line in readout.data_block().splitlines()]
    return ReadoutReading(
        identification=readout.identification(),
        data_sets=[DataSet.model_validate(one.groupdict(default="")) for one in found if one is not None],
    )
