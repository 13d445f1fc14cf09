"""How a meter is ordered: type numbers, configuration numbers, nameplates. The tables are data beside the code."""

from .codes import Decoded, OrderError
from .configuration_numbers import ConfigurationFacts, ConfigurationNumbers
from .nameplate import Nameplate, NameplateData, nameplate
from .type_number import EnergyTypeCode, TypeFacts, TypeNumber

__all__ = [
    "ConfigurationFacts",
    "ConfigurationNumbers",
    "Decoded",
    "EnergyTypeCode",
    "Nameplate",
    "NameplateData",
    "OrderError",
    "TypeFacts",
    "TypeNumber",
    "nameplate",
]
