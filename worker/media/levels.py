"""Levels of H.264: the sizes and rates that a decoder of each accepts (ITU-T H.264, table A-1)."""

import math
from fractions import Fraction
from typing import Final, Literal

Level = Literal["3.0", "3.1", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.2"]

LIMITS: Final[dict[Level, tuple[int, int]]] = {
    "3.0": (1_620, 40_500),
    "3.1": (3_600, 108_000),
    "4.0": (8_192, 245_760),
    "4.1": (8_192, 245_760),
    "4.2": (8_704, 522_240),
    "5.0": (22_080, 589_824),
    "5.1": (36_864, 983_040),
    "5.2": (36_864, 2_073_600),
    "6.0": (139_264, 4_177_920),
    "6.2": (139_264, 16_711_680),
}
"""Largest picture in macroblocks of 16 x 16 pixels, and most macroblocks per second."""


def fitted(
    width: int, height: int, level: Level, *, max_side: int, max_short_side: int
) -> tuple[int, int]:
    """Return the largest even size of the same shape within a level and two limits in pixels.

    A limit of 0 means none. Both sides are at least 2.
    """
    largest, _ = LIMITS[level]
    share = 1.0
    if max_side:
        share = min(share, max_side / max(width, height))
    if max_short_side:
        share = min(share, max_short_side / min(width, height))
    # A side is at most the square root of 8 times the largest picture.
    share = min(share, 16 * math.isqrt(8 * largest) / max(width, height))
    found = _even(width * share), _even(height * share)
    while _blocks(*found) > largest and max(found) > 16:
        share *= 0.99
        found = _even(width * share), _even(height * share)
    return found


def fastest(width: int, height: int, level: Level, *, max_rate: float) -> Fraction:
    """Return the highest frame rate of a size within a level and a limit (0: none)."""
    _, blocks = LIMITS[level]
    rate = Fraction(blocks, max(1, _blocks(width, height)))
    return min(rate, Fraction(max_rate).limit_denominator(1001)) if max_rate else rate


def _even(side: float) -> int:
    return max(2, int(side + 1e-9) // 2 * 2)


def _blocks(width: int, height: int) -> int:
    return math.ceil(width / 16) * math.ceil(height / 16)
