"""Wait for a condition, never for a fixed time."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], timeout: float = 60.0) -> T:
    """Poll until the condition holds, and return what it found."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        threading.Event().wait(0.02)
    return found


async def until(condition: Callable[[], object], *, timeout: float = 60.0) -> None:
    """Poll until the condition holds; the loop is free meanwhile."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.02)
