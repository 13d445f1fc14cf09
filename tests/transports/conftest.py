"""No test of a real socket or terminal waits for ever: what has not come in a minute is a failure that says where."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

_PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    def over(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"nothing came of it in {_PATIENCE_S:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S, 1.0)  # again: what a callback raises its loop only logs
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
