"""Limits rates within one process."""

import threading
from collections import OrderedDict
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.rate import charged

MAX_KEYS: Final = 100_000
"""The key that was charged longest ago is dropped first; a key takes about 200 bytes."""


class LocalRateLimiter:
    """Keeps rates in memory (``rate_limits.port.RateLimiter``)."""

    blocks = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paid_until: OrderedDict[str, float] = OrderedDict()
        self._mutex = threading.Lock()

    def consume(self, key: str, *, cost: float, burst: float) -> float:
        """See ``RateLimiter.consume``."""
        return self._take(key, cost, burst, strict=False)

    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        """See ``RateLimiter.try_acquire``."""
        return self._take(key, cost, burst, strict=True)

    def _take(self, key: str, cost: float, burst: float, *, strict: bool) -> float:
        with self._mutex:
            paid_until = self._paid_until.get(key, float("-inf"))
            until, wait = charged(paid_until, self._clock.monotonic(), cost=cost, burst=burst)
            if not (strict and wait):
                self._paid_until[key] = until
                self._paid_until.move_to_end(key)
                if len(self._paid_until) > MAX_KEYS:
                    self._paid_until.popitem(last=False)
            return wait

    def close(self) -> None:
        """See ``RateLimiter.close``."""
