"""What a setting is: a number, a name, and two functions between a meter and plain JSON values.

`read` gives the present value. `plan` checks a new value as a whole and says what it changes; nothing has happened
then. A value that is wrong is a `ValueError` that names what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from metering import Configured, Meter
from metering.inputs import Input

from ..virtual_meter import Remember, VirtualMeter

REASON_CHARACTERS: Final = 100
"""Longest reason told to a client: a single message carries it on every protocol."""

Plain = Any
"""A JSON value."""
Change = Input | Remember
Read = Callable[[VirtualMeter], Plain]
Plan = Callable[[VirtualMeter, Plain], Sequence[Change]]


class SettingRefused(ValueError):
    """A setting was not changed, nor anything else; the text is for the one who asked, in printable ASCII."""

    def __init__(self, reason: str) -> None:
        text = reason.encode("ascii", "replace").decode()
        text = "".join(one if one.isprintable() else "?" for one in text)
        super().__init__(text if len(text) <= REASON_CHARACTERS else text[: REASON_CHARACTERS - 3] + "...")


class Legal(Enum):
    """Whether a setting is legal data."""

    NO = "no"
    SEALED = "sealed"
    """Changed only with a broken verification seal."""
    FIXED = "fixed"
    """Never changed."""


class Setting(NamedTuple):
    """One setting. The number is also its code in the configuration logger."""

    number: Configured
    name: str
    description: str
    allowed: str
    read: Read
    plan: Plan
    legal: Legal = Legal.NO


def of_engine(
    number: Configured,
    name: str,
    description: str,
    allowed: str,
    read: Callable[[Meter, int], Plain],
    plan: Callable[[Meter, int, Plain], Input | Sequence[Input]],
) -> Setting:
    """A setting that the engine keeps: both functions get it and the time; `plan` gives an input, or several."""

    def planned(meter: VirtualMeter, value: Plain) -> Sequence[Change]:
        inputs = plan(meter.engine, meter.now(), value)
        return [inputs] if isinstance(inputs, Input) else inputs

    return Setting(number, name, description, allowed, lambda meter: read(meter.engine, meter.now()), planned)


def whole(value: Plain, low: int, high: int) -> int:
    """An integer of this range; raises `ValueError`."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"value is {value!r}; allowed: {low}..{high}")
    return value


def integer(value: Plain) -> int:
    """An integer; raises `ValueError`. What range it has is for the input to say."""
    if type(value) is not int:
        raise ValueError(f"value is {value!r}; allowed: a whole number")
    return value


def truth(value: Plain) -> bool:
    """True or false; raises `ValueError`."""
    if type(value) is not bool:
        raise ValueError(f"value is {value!r}; allowed: true, false")
    return value


def text(value: Plain) -> str:
    """A text; raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError(f"value is {value!r}; allowed: a text")
    return value


def numbers(value: Plain, count: int, low: int, high: int) -> list[int]:
    """A list of so many integers of this range; raises `ValueError`."""
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"value is {value!r}; allowed: a list of {count} numbers")
    return [whole(one, low, high) for one in value]


def texts(value: Plain) -> tuple[str, ...]:
    """A list of texts; raises `ValueError`."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"value is {value!r}; allowed: a list of texts")
    return tuple(value)


def table(value: Plain, keys: Sequence[str]) -> dict[str, Plain]:
    """A table with exactly these keys; raises `ValueError`."""
    if not isinstance(value, dict):
        raise ValueError(f"value is {value!r}; allowed: a table of {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise ValueError(f"{key} is unknown; allowed: {', '.join(keys)}")
    for key in keys:
        if key not in value:
            raise ValueError(f"{key} is missing")
    return value
