"""Values in the meter's permanent memory: what clients write and no engine owns.

The model holds the default, encoded; the meter holds only what differs, by the octets of the descriptor:
what a client wrote, else what the configuration of the run says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosem.data_types import DataType, decode_all
from cosem.errors import OtherReason
from cosem.interface_class import Attribute, BoundAttribute
from cosem.xdlms import Descriptor
from metering import Configured
from obis import Obis

from ..virtual_meter import Remember


class MemoryCell:
    """One attribute in permanent memory: of this class and name, with a type and a default.

    Writing it is a change of configuration: `what` stands in the configuration logger.
    """

    def __init__(
        self,
        class_id: int,
        logical_name: Obis,
        attribute: Attribute,
        type_: DataType,
        default: Any,
        what: Configured = Configured.OBJECT,
    ) -> None:
        self.what = what
        self.key = Descriptor(class_id, logical_name, attribute.index).to_bytes()
        self.attribute = attribute
        self.type = type_
        self.default = type_.encode(default)

    def encoded(self, context: Any) -> bytes:
        """The present value, encoded."""
        return self.octets(context.meter)

    def value(self, meter: Any) -> Any:
        """The present value of a meter."""
        return decode_all(self.type, self.octets(meter))

    def octets(self, meter: Any) -> bytes:
        """The present value of a meter, encoded."""
        octets: bytes | None = meter.memory.get(self.key)
        return octets if octets is not None else meter.defaults.get(self.key, self.default)

    def write(self, context: Any, value: Any) -> None:
        """Keep a new value; raises `OtherReason` where it does not fit the type."""
        try:
            encoded = self.type.encode(value)
        except ValueError as error:
            raise OtherReason(str(error)) from error
        context.meter.configure(self.what, [Remember(self.key, encoded)])

    def bound(self, check: Callable[[Any], None] | None = None) -> BoundAttribute:
        """The attribute bound to this cell; `check` raises for a value outside the range."""

        def sink(context: Any, value: Any) -> None:
            if check is not None:
                check(value)
            self.write(context, value)

        return BoundAttribute(self.attribute, None, sink, type_=self.type, encoded=self.encoded)
