"""The requests so far, for tests that examine what was sent."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One request that was decided.

    ``bytes`` of its body arrived; ``status`` is None when it got no answer.
    """

    operation: str
    bucket: str
    key: str
    part_number: int | None
    bytes: int
    status: int | None


class Calls:
    """The calls, in the order of their answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        """Record one call."""
        with self._lock:
            self._calls.append(call)

    def all(self, operation: str | None = None) -> list[Call]:
        """Return all calls, or those of one operation."""
        with self._lock:
            return [call for call in self._calls if operation in {None, call.operation}]

    def clear(self) -> None:
        """Drop all calls."""
        with self._lock:
            self._calls.clear()
