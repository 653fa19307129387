"""Counts within one process."""

import threading
from collections import Counter

from typing_extensions import override

from tusd_py.counts.port import Counts


class LocalCounts(Counts):
    """Keeps counts in memory (``counts.port.Counts``)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._mutex = threading.Lock()

    @override
    def acquire(self, key: str, limit: int) -> bool:
        with self._mutex:
            if self._counts[key] >= limit:
                return False
            self._counts[key] += 1
            return True

    @override
    def release(self, key: str) -> None:
        with self._mutex:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    @override
    def close(self) -> None:
        pass
