"""Randomness and trigonometry in integers, so that an installation is the same on every machine.

Random numbers are hashes of (seed, stream, counter): any minute's number is had without those before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..quantities import IntArray

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1

CIRCLE: Final = 36_000
"""Angles are hundredths of a degree."""
UNIT: Final = 1_000_000
"""A sine of one."""


def hashed(seed: int, stream: int, counters: IntArray) -> NDArray[np.uint64]:
    """64 random bits per counter: the splitmix64 output function over a Weyl sequence chosen by seed and stream."""
    start = (seed * 0xD1342543DE82EF95 + stream * 0x2545F4914F6CDD1D + _GOLDEN) & _MASK
    bits = counters.astype(np.uint64)
    bits *= np.uint64(_GOLDEN)
    bits += np.uint64(start)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    bits ^= bits >> np.uint64(31)
    return bits


def bit_field(bits: NDArray[np.uint64], low: int, width: int) -> IntArray:
    """`width` of the 64 bits, from bit `low` up, as integers 0 to 2 ** width - 1."""
    return ((bits >> np.uint64(low)) & np.uint64((1 << width) - 1)).astype(np.int64)


def uniform(bits: NDArray[np.uint64], low: int, width: int, first: int, last: int) -> IntArray:
    """Integers from `first` up to, not including, `last`, out of `width` bits."""
    return first + (bit_field(bits, low, width) * (last - first) >> width)


def sine(angle: IntArray) -> IntArray:
    """Sine in millionths of an angle in hundredths of a degree, within 0.2 %, by Bhaskara's rational formula."""
    half = CIRCLE // 2
    folded = angle % CIRCLE
    rising = np.where(folded > half, folded - half, folded)
    product = rising * (half - rising)
    value = 4 * product * UNIT // (5 * half * half // 4 - product)
    signed: IntArray = np.where(folded > half, -value, value)
    return signed


def cosine(angle: IntArray) -> IntArray:
    """Cosine in millionths of an angle in hundredths of a degree."""
    return sine(angle + CIRCLE // 4)
