"""Computes the pauses between attempts.

Callers wait in different ways: on an event that a shutdown sets, on the event loop, by a time in a
row of the catalog, or by a step that a generator yields. So a pause is a number of seconds, and
nothing here waits (decision 42).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Backoff:
    """Holds the pauses after the first failure, the second and so on; the last pause repeats."""

    pauses: Sequence[float]
    """Pauses in seconds; there is at least one."""
    spread: tuple[float, float] = (1.0, 1.0)
    """Limits of the random factor of a pause.

    With it, callers that failed at the same time do not try again at the same time.
    """

    @classmethod
    def doubling(
        cls, first: float, longest: float, *, spread: tuple[float, float] = (1.0, 1.0)
    ) -> Self:
        """Return pauses that double from ``first`` up to ``longest`` (seconds)."""
        pauses = [min(first, longest)]
        while 0 < pauses[-1] < longest:
            pauses.append(min(2 * pauses[-1], longest))
        return cls(pauses, spread)

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after this number of failures in a row (from 1)."""
        seconds = self.pauses[min(failures, len(self.pauses)) - 1]
        low, high = self.spread
        return seconds if low == high == 1 else seconds * random.uniform(low, high)  # noqa: S311
