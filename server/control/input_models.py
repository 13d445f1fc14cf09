"""Inputs as JSON: for every kind in `metering.inputs` a model made from its dataclass, and the way back.

The API speaks in W, var, V, A, Wh and in ISO 8601; the engine in mW, mvar, mV, mA, mWs and UTC seconds. So a field
`active_mw` is `active_w` here, with fractions that are rounded to the engine's integers, and a field that holds an
instant is a date and time. What a value may be stands in the input's own checks, and only there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, create_model

from metering import MWS_PER_WH
from metering.inputs import Input, input_from_dict

from ..config import Moment

_UNITS: Final = {"mw": ("w", 1000), "mvar": ("var", 1000), "mv": ("v", 1000), "ma": ("a", 1000),
                 "mws": ("wh", MWS_PER_WH)}  # fmt: skip
"""Last part of a field's name in the engine: last part here, and how many of the engine's units make one of these."""
_INSTANTS: Final = frozenset({"clock"})
"""Fields that hold a UTC second."""
_LARGEST: Final = 1e12
"""Far beyond what any input allows, and safe to multiply."""


def _within_reason(value: float) -> float:
    if abs(value) > _LARGEST:
        raise ValueError(f"allowed: at most {_LARGEST:g}")
    return value


def _representable(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a date and time of the years 1 to 9999 expected") from None


Instant = Annotated[Moment, AfterValidator(_representable)]
"""ISO 8601; without an offset it is UTC, and in UTC it arrives."""
_REAL: Final = Annotated[float, Strict(), Field(allow_inf_nan=False), AfterValidator(_within_reason)]
_Conversion = Callable[[Any], Any]


class InputFault(ValueError):
    """A value that no meter takes: the field as the API names it (None: the whole input), and what is allowed."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field


class _Field(NamedTuple):
    """A field of an input: its name in the engine, and how a value gets there and back."""

    name: str
    to_engine: _Conversion
    from_engine: _Conversion
    factor: int | None = None
    """How many units of the engine make one outside, where the units differ."""


class InputModel(NamedTuple):
    """A kind of input: its JSON model, and what leads from it to the engine's input."""

    kind: str
    summary: str
    model: type[BaseModel]
    fields: dict[str, _Field]

    @property
    def is_complete_without_values(self) -> bool:
        """Whether nothing has to be said."""
        return not any(field.is_required() for field in self.model.model_fields.values())

    def build(self, body: BaseModel) -> Input:
        """The input; raises `InputFault`."""
        values: dict[str, Any] = {"kind": self.kind}
        for name, field in self.fields.items():
            values[field.name] = field.to_engine(getattr(body, name))
        try:
            return input_from_dict(values)
        except ValueError as error:
            raise self._fault(str(error)) from error

    def _fault(self, message: str) -> InputFault:
        """The engine's complaint, which begins with the name of the field, in the names and units used here."""
        for name, field in self.fields.items():
            if re.match(rf"{field.name}\b", message):
                if field.factor is not None:
                    message = _outside_units(message.removeprefix(field.name), field.factor)
                    return InputFault(name, f"{name}{message.replace('integers', 'numbers')}")
                return InputFault(name, message)
        return InputFault(next(iter(self.fields)) if len(self.fields) == 1 else None, message)


def input_model(kind: type[Input]) -> InputModel:
    """The model of one kind of input."""
    hints = get_type_hints(kind)
    converted: dict[str, _Field] = {}
    declared: dict[str, Any] = {}
    for item in fields(kind):
        name, annotation, field, title = _outside(item.name, hints[item.name])
        converted[name] = field
        if item.default is not MISSING:
            default = field.from_engine(item.default)
        elif item.default_factory is not MISSING:
            default = field.from_engine(item.default_factory())
        else:
            default = ...
        declared[name] = (annotation, Field(default, description=title))
    summary = re.sub(r"\bm(?=(W|var|V|A)\b)", "", inspect.cleandoc(kind.__doc__ or kind.kind))
    model = create_model(kind.__name__, __config__=ConfigDict(extra="forbid"), __doc__=summary, **declared)
    return InputModel(kind.kind, summary, model, converted)


def _outside(name: str, annotation: Any) -> tuple[str, Any, _Field, str | None]:
    """What a field is outside: its name, its type, its conversions, and what is to be said of it."""
    stem, _, unit = name.rpartition("_")
    if stem and unit in _UNITS:
        outside, factor = _UNITS[unit]
        said = "L1, L2, L3" if get_origin(annotation) is tuple else None
        field = _Field(name, _each(lambda value: round(value * factor)), _each(lambda value: value / factor), factor)
        return f"{stem}_{outside}", _mapped(annotation, _REAL), field, said
    if name in _INSTANTS:
        field = _Field(name, lambda moment: int(moment.timestamp()), lambda second: datetime.fromtimestamp(second, UTC))
        return name, Instant, field, "ISO 8601; without an offset it is UTC"
    return name, _mapped(annotation, Annotated[int, Strict()]), _Field(name, _same, _same), None


def _outside_units(message: str, factor: int) -> str:
    """The text with its whole numbers divided by this."""

    def divided(number: re.Match[str]) -> str:
        return f"{(Decimal(number[0]) / factor).normalize():f}"

    return re.sub(r"(?<!\w)(?<!\d\.)-?\d+(?!\w)", divided, message)


def _same(value: Any) -> Any:
    return value


def _each(convert: _Conversion) -> _Conversion:
    """The conversion of a number, of none, or of each in a tuple."""

    def every(value: Any) -> Any:
        if value is None:
            return None
        return tuple(map(every, value)) if isinstance(value, tuple) else convert(value)

    return every


def _mapped(annotation: Any, integer: Any) -> Any:
    """The annotation with `integer` for int, and nothing turned into something else on the quiet."""
    if annotation is int:
        return integer
    if annotation in (bool, str, float):
        return Annotated[annotation, Strict()]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return tuple[tuple(item if item is ... else _mapped(item, integer) for item in arguments)]  # type: ignore[misc]
    if origin is not None and type(None) in arguments:
        return Union[tuple(_mapped(item, integer) for item in arguments)]  # noqa: UP007 - made at run time
    return annotation
