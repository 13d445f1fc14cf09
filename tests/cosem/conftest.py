"""Hypothesis runs the same examples every time: a failing test fails again."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("cosem", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("cosem")
