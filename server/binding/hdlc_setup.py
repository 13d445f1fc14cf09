"""The HDLC setup object and the link parameters it rules: written values count from the next SNRM on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosem.errors import OtherReason
from cosem.interface_class import CosemObject
from cosem.interface_classes import HdlcSetup
from metering import Configured
from obis import Obis
from transports.hdlc.parameters import HdlcParameters

from ..device_profile import HdlcDefaults
from .memory import MemoryCell


class HdlcSettings:
    """The cells of the HDLC setup of a device profile, and what a meter's link makes of them."""

    def __init__(self, logical_name: Obis, defaults: HdlcDefaults, name: str) -> None:
        declared = HdlcSetup.attributes
        values = {
            2: (defaults.comm_speed, 0, 9),
            3: (defaults.window_transmit, 1, 7),
            4: (defaults.window_receive, 1, 7),
            5: (defaults.max_info_transmit, 32, 2030),
            6: (defaults.max_info_receive, 32, 2030),
            7: (defaults.inter_octet_timeout_ms, 20, 6000),
            8: (defaults.inactivity_timeout_s, 0, 0xFFFF),
            9: (defaults.device_address, 0x10, 0x3FFD),
        }
        self._cells: dict[int, MemoryCell] = {}
        bound = []
        for index, (default, low, high) in values.items():
            type_ = declared[index].type
            assert type_ is not None
            cell = MemoryCell(HdlcSetup.class_id, logical_name, declared[index], type_, default, Configured.LOCAL_PORT)
            self._cells[index] = cell
            bound.append(cell.bound(_within(low, high)))
        self.object = CosemObject(HdlcSetup, logical_name, bound, name=name)

    def parameters(self, meter: Any) -> HdlcParameters:
        """What a meter brings to the negotiation of its next link."""
        read = {index: cell.value(meter) for index, cell in self._cells.items()}
        return HdlcParameters(
            window_transmit=read[3],
            window_receive=read[4],
            max_info_transmit=read[5],
            max_info_receive=read[6],
            inter_octet_timeout_s=read[7] / 1000,
            inactivity_timeout_s=float(read[8]),
        )

    def device_address(self, meter: Any) -> int:
        """The lower HDLC address of a meter."""
        return int(self._cells[9].value(meter))

    def set_device_address(self, meter: Any, address: int) -> None:
        """Give a meter the address that its configuration says; one that a client writes comes before it."""
        cell = self._cells[9]
        meter.defaults[cell.key] = cell.type.encode(address)


def _within(low: int, high: int) -> Callable[[Any], None]:
    def check(value: int) -> None:
        if not low <= value <= high:
            raise OtherReason(f"{value} is outside {low}..{high}")

    return check
