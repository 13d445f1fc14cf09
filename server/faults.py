"""What a log says of a fault of our own: its type and its places in our code, as text.

An exception itself is never handed to a logger: structlog's default renderer shows the local variables of every frame,
and there stand passwords, keys and deciphered requests. The message of an exception may quote a value too, so it is
shown only where the request held no secret.
"""

from __future__ import annotations

import traceback


def described(error: BaseException, *, message: bool = True) -> str:
    """The fault and those that led to it, latest last, each with its frames; without `message`, types alone."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        frames = "".join(traceback.format_tb(current.__traceback__))
        said = f": {current}" if message else ""
        parts.append(f"{frames}{type(current).__qualname__}{said}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(reversed(parts))
