"""Limits rates within one process."""

import threading
from collections import OrderedDict
from typing import Final

from typing_extensions import override

from tusd_py.clock import Clock
from tusd_py.domain.rate import charged
from tusd_py.rate_limits.port import RateLimiter

MAX_KEYS: Final = 100_000
"""The key that was charged longest ago is dropped first; a key takes about 200 bytes."""


class LocalRateLimiter(RateLimiter):
    """Keeps rates in memory (``rate_limits.port.RateLimiter``)."""

    blocks = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paid_until: OrderedDict[str, float] = OrderedDict()
        self._mutex = threading.Lock()

    @override
    def consume(self, key: str, *, cost: float, burst: float) -> float:
        return self._take(key, cost, burst, strict=False)

    @override
    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
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

    @override
    def close(self) -> None:
        pass
