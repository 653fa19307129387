"""Whether a server is better or worse than another: the ratios of their figures, and a word.

The two are compared in each round, since a machine that others share changes from minute to
minute, and the runs of one load in one round follow each other. The figure is the median of these
ratios. Its interval is that of the sign test, which supposes nothing about how the noise is
distributed: from five rounds it is the least and the most, and has the true median 94 times of
100.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CONFIDENCE: Final = 0.93
LEAST_ROUNDS: Final = 5


class Verdict(StrEnum):
    """What the interval of a ratio says."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within the noise"
    TOO_FEW = "too few rounds"


@dataclass(frozen=True)
class Ratio:
    """A median of ratios, with its interval."""

    median: float
    least: float
    most: float
    rounds: int

    def verdict(self, *, less_is_better: bool) -> Verdict:
        """Return a word: better or worse only if the whole interval is on one side of 1."""
        if self.rounds < LEAST_ROUNDS:
            return Verdict.TOO_FEW
        if self.least <= 1 <= self.most:
            return Verdict.NOISE
        return Verdict.BETTER if (self.most < 1) is less_is_better else Verdict.WORSE


def ratio(figures: Sequence[float], baseline: Sequence[float]) -> Ratio | None:
    """Compare two servers round by round; None if a figure is no number above 0."""
    pairs = list(zip(figures, baseline, strict=True))
    if not pairs or any(figure <= 0 or base <= 0 for figure, base in pairs):
        return None
    ratios = sorted(figure / base for figure, base in pairs)
    outside = _outside(len(ratios))
    # The median of logarithms: of an even number of rounds, that of A / B is 1 / that of B / A.
    middle = math.exp(statistics.median(math.log(value) for value in ratios))
    return Ratio(middle, ratios[outside], ratios[-1 - outside], len(ratios))


def _outside(rounds: int) -> int:
    """Return how many ratios on each side may be left out of the interval.

    Each ratio is above the true median by chance 1/2, so that more than ``outside`` of them are on
    both sides by the binomial distribution.
    """
    outside, beyond = 0, 0.0
    while outside < (rounds - 1) // 2:
        beyond += 2 * math.comb(rounds, outside) / 2**rounds
        # Without one more on each side it would be this.
        if 1 - beyond - 2 * math.comb(rounds, outside + 1) / 2**rounds < CONFIDENCE:
            break
        outside += 1
    return outside
