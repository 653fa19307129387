"""The BLAKE3 of a file that is still growing.

Rule 1: the file is the truth, the hash state a cache: bytes are in the file before they are fed.
Rule 2: ``feed`` never waits. While a catch-up holds the state, fed bytes are left for it to read.
Rule 3: a catch-up ends only when it is level with the file under the mutex, so that the next
``feed`` finds ``hashed`` at its own start, or beyond it if the catch-up read those bytes already.
Rule 4: between ``mark`` and ``settle``/``rewind`` nothing but fed bytes moves the state: a catch-up
must not read bytes that may be taken back.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import blake3

from tusd_py.domain.ids import UploadId

STEP_BYTES: Final = 8 << 20
"""Read at once while catching up; between steps others get at the state."""
MAX_FOLLOWERS: Final = 10_000
"""A state is 2 KB; the one unused for longest goes first and costs a re-read."""


class Follower:
    """Hash state of one upload in this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._hasher = blake3.blake3()
        self._marked: tuple[blake3.blake3, int] | None = None
        self.hashed = 0
        """Bytes of the file that the state covers."""

    def feed(self, offset: int, chunks: Sequence[bytes | memoryview]) -> None:
        """Hash bytes that were just written to the file at ``offset`` (zero-based)."""
        if not self._mutex.acquire(blocking=False):
            return
        try:
            for chunk in chunks:
                end = offset + len(chunk)
                if offset <= self.hashed < end:
                    self._hasher.update(memoryview(chunk)[self.hashed - offset :])
                    self.hashed = end
                offset = end
        finally:
            self._mutex.release()

    def catch_up(self, limit: Callable[[], int], stopped: Callable[[], bool]) -> bool:
        """Read the file until the state covers ``limit()`` bytes, which may grow meanwhile.

        Returns: whether it is level; False when ``stopped`` said so, or a chunk is unverified.
        Raises: OSError: the file can't be read.
        """
        descriptor = -1
        buffer = memoryview(bytearray())
        try:
            while not stopped():
                with self._mutex:
                    behind = limit() - self.hashed
                    if behind <= 0:
                        return True
                    if self._marked is not None:
                        return False
                    if descriptor < 0:
                        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                        buffer = memoryview(bytearray(min(STEP_BYTES, behind)))
                    count = os.preadv(descriptor, [buffer[:behind]], self.hashed)
                    if count == 0:
                        return False
                    self._hasher.update(buffer[:count])
                    self.hashed += count
            return False
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def mark(self) -> None:
        """The bytes fed from now on may be taken back."""
        with self._mutex:
            self._marked = (self._hasher.copy(), self.hashed)

    def rewind(self) -> None:
        """They were taken back."""
        with self._mutex:
            if self._marked is not None:
                self._hasher, self.hashed = self._marked
                self._marked = None

    def settle(self) -> None:
        """They are there to stay."""
        with self._mutex:
            self._marked = None

    def hexdigest(self, length: int) -> str:
        """BLAKE3 of the file's ``length`` bytes, 64 hex digits.

        Raises: ValueError: the state does not cover exactly these.
        """
        with self._mutex:
            if self.hashed != length:
                raise ValueError(f"hashed {self.hashed} bytes, not {length}")
            return self._hasher.hexdigest()


class Followers:
    """The followers of one process, by upload."""

    def __init__(self, limit: int = MAX_FOLLOWERS) -> None:
        self._limit = limit
        self._mutex = threading.Lock()
        self._followers: OrderedDict[UploadId, Follower] = OrderedDict()

    def get(self, upload_id: UploadId, path: Path) -> Follower:
        """The upload's follower; a new one at zero when there is none."""
        with self._mutex:
            follower = self._followers.get(upload_id)
            if follower is None:
                follower = self._followers[upload_id] = Follower(path)
            self._followers.move_to_end(upload_id)
            while len(self._followers) > self._limit:
                self._followers.popitem(last=False)
            return follower

    def drop(self, upload_id: UploadId) -> None:
        """Forget the upload. Idempotent."""
        with self._mutex:
            self._followers.pop(upload_id, None)
