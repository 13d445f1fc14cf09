"""How an interface class is declared, and how an object of one is bound to a device.

A class is a declaration that reads like its page in the Blue Book: class id, version, numbered attributes
and methods. Everything else (attribute counts, object lists, access tables, registry tests) derives from it.

An object of the model is shared by every meter of a device profile. It therefore holds no values: each
attribute has a *source*, a function of the request's context (which names the meter), and where a client
may write a *sink*. What never changes is encoded once, when the model is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from obis import Obis

from .data_types import LOGICAL_NAME, DataType, FixedSize
from .errors import OtherReason
from .reader import Reader
from .rows import RowBuffer

Source = Callable[[Any], Any]
"""Context in, plain Python value out."""
Sink = Callable[[Any, Any], None]
"""Context and the decoded value in; raises a `ServiceError` to refuse it."""
SelectiveSource = Callable[[Any, int, Reader], "RowBuffer | bytes"]
"""Context, access selector and a reader at its parameters in; the encoded selection out."""
Invocation = Callable[[Any, Any], Any]
"""Context and the decoded parameter in; what the method returns out, None where its class declares nothing."""


class Attribute:
    """An attribute of an interface class: its index and, unless it is a CHOICE (None), its type."""

    __slots__ = ("index", "name", "type")

    def __init__(self, index: int, type_: DataType | None) -> None:
        self.index = index
        self.type = type_
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Method:
    """A method of an interface class: its index, the type of its parameter, and of what it returns, if anything."""

    __slots__ = ("index", "name", "parameter", "returns")

    def __init__(self, index: int, parameter: DataType, returns: DataType | None = None) -> None:
        self.index = index
        self.parameter = parameter
        self.returns = returns
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


CHOICE = None
"""The type of an attribute that each object fixes when it is built."""


class InterfaceClass:
    """Base of the declarations; `attributes` and `methods` are collected by index.

    `method_offset` is how far the short name of method 1 lies above the base name; a class without methods has none.
    """

    class_id: ClassVar[int]
    version: ClassVar[int]
    method_offset: ClassVar[int] = 0
    attributes: ClassVar[dict[int, Attribute]] = {}
    methods: ClassVar[dict[int, Method]] = {}

    def __init_subclass__(cls) -> None:
        # A version that only adds to the one before is declared as its subclass.
        declared = [value for base in reversed(cls.__mro__) for value in vars(base).values()]
        attributes = {value.index: value for value in declared if isinstance(value, Attribute)}
        cls.attributes = {1: LOGICAL_NAME_ATTRIBUTE} | attributes
        cls.methods = {value.index: value for value in declared if isinstance(value, Method)}


LOGICAL_NAME_ATTRIBUTE = Attribute(1, LOGICAL_NAME)
LOGICAL_NAME_ATTRIBUTE.name = "logical_name"


class Constant:
    """A value that no meter of the profile changes: encoded once."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class BoundAttribute:
    """One attribute of one object: `read(context)` gives its encoding, `write(context, reader)` takes a value."""

    __slots__ = ("attribute", "read", "select", "selectors", "sink", "source", "type")

    def __init__(
        self,
        attribute: Attribute,
        source: Source | Constant | None = None,
        sink: Sink | None = None,
        *,
        type_: DataType | None = None,
        select: SelectiveSource | None = None,
        selectors: tuple[int, ...] = (),
        encoded: Callable[[Any], RowBuffer | bytes] | None = None,
    ) -> None:
        declared = type_ or attribute.type
        if declared is None:
            raise ValueError(f"{attribute.name} is a CHOICE: the object must give its type")
        self.attribute = attribute
        self.type = declared
        self.source = source
        self.sink = sink
        self.select = select
        self.selectors = selectors
        self.read: Callable[[Any], RowBuffer | bytes] | None = encoded
        if encoded is None and source is not None:
            self.read = _encoder(declared, source)

    def write(self, context: Any, reader: Reader) -> None:
        """Decode a value of the attribute's type and hand it to the sink."""
        value = self.type.decode(reader)
        reader.end()
        assert self.sink is not None
        try:
            self.sink(context, value)
        except ValueError as error:  # a sink's word for "outside the range"
            raise OtherReason(str(error)) from error


def _encoder(type_: DataType, source: Source | Constant) -> Callable[[Any], bytes]:
    """The shortest function from context to encoding: this is the hot path of a GET."""
    if isinstance(source, Constant):
        octets = type_.encode(source.value)
        return lambda context: octets
    if isinstance(type_, FixedSize) and type(type_) is FixedSize:
        pack = type_.pack
        tag = type_.tag
        return lambda context: pack(tag, source(context))
    encode = type_.encode
    return lambda context: encode(source(context))


class CosemObject:
    """An object of the model: class, logical name, and how its attributes and methods are bound."""

    __slots__ = ("attributes", "interface_class", "logical_name", "methods", "name")

    def __init__(
        self,
        interface_class: type[InterfaceClass],
        logical_name: Obis,
        attributes: list[BoundAttribute],
        methods: Mapping[Method, Invocation] | None = None,
        name: str = "",
    ) -> None:
        self.interface_class = interface_class
        self.logical_name = logical_name
        self.name = name
        logical_name_attribute = BoundAttribute(LOGICAL_NAME_ATTRIBUTE, Constant(logical_name))
        self.attributes = {1: logical_name_attribute} | {bound.attribute.index: bound for bound in attributes}
        self.methods: dict[int, tuple[Method, Invocation]] = {
            method.index: (method, invocation) for method, invocation in (methods or {}).items()
        }
        missing = interface_class.attributes.keys() - self.attributes.keys()
        if missing:
            raise ValueError(f"{logical_name} ({interface_class.__name__}) binds no attribute {sorted(missing)}")

    def __repr__(self) -> str:
        return f"<{self.interface_class.__name__} {self.logical_name} {self.name}>"
