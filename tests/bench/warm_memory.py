"""Memory that the host has given already, kept for a run.

A host gives a virtual machine its memory page by page at the first use, which costs four times as
much as a page that is there, and takes back what was free for two seconds. Which run meets such
pages would be chance. So memory is used before each run, kept until it begins, and then given back
in small steps, just ahead of what the run takes.
"""

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from machine import memory

STEP: Final = 32 << 20
AHEAD: Final = 256 << 20
"""So much is free, and not yet cold, at any time."""
SPARE: Final = 1 << 30
"""So much of what is available is left to others."""
_PAUSE_SECONDS: Final = 0.01
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE, which mmap does not name


class WarmMemory:
    """Memory of this process, of which the kernel can have some."""

    def __init__(self, size: int) -> None:
        self.size = max(min(size, memory("MemAvailable") - SPARE), STEP) // STEP * STEP
        self._pages = mmap.mmap(-1, self.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        # Whole blocks, as the kernel gives them to the page cache.
        self._pages.madvise(mmap.MADV_HUGEPAGE)
        self._pages.madvise(_POPULATE_WRITE)
        self._given = 0

    def close(self) -> None:
        self._pages.close()

    @contextmanager
    def given(self) -> Iterator[None]:
        """Give it back in steps, as processes take memory, while the block runs."""
        done = threading.Event()
        thread = threading.Thread(target=self._give, args=(done,))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _give(self, done: threading.Event) -> None:
        free = memory("MemFree")
        while self._given < self.size and not done.is_set():
            taken = free + self._given - memory("MemFree")
            while self._given < min(taken + AHEAD, self.size):
                self._pages.madvise(mmap.MADV_DONTNEED, self._given, STEP)
                self._given += STEP
            done.wait(_PAUSE_SECONDS)
