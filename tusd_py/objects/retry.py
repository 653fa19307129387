"""Repeating a request to an object store: a few times, ever further apart (fault 28)."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tusd_py.objects.bucket import TransientBucketError

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES: Final = 5
LONGEST_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeating:
    """How often a request is made, and how long is waited between."""

    wait: Callable[[float], None]
    """Waits so many seconds; may raise to end it."""
    first_seconds: float = 0.5
    """The pause before the second try is a random share of this; each next one of twice as much."""

    def __call__(self, request: Callable[[], T], what: str) -> T:
        """Make the request; what it returns. Raises: what it raises; TransientBucketError: it never passed."""
        longest = self.first_seconds
        for tried in range(1, TRIES):
            try:
                return request()
            except TransientBucketError as error:
                pause = random.uniform(0.0, longest)  # noqa: S311  (full jitter)
                log.info(
                    "object.request.repeated",
                    extra={"request": what, "tried": tried, "reason": str(error)},
                )
                self.wait(pause)
                longest = min(2 * longest, LONGEST_SECONDS)
        return request()
