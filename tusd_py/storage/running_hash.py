"""Computes the BLAKE3 of a file that still grows.

Two threads may use one running hash: that of the body, which feeds what it just wrote, and one that
catches up by reading the file. One mutex holds the state; these rules keep both right:

Rule 1: the file is the truth, the state a cache: bytes are in the file before they are fed, so what
``update`` leaves out can always be read.
Rule 2: ``update`` never waits. If the mutex is taken, it leaves its bytes out, records that
(``_left``) and tries once more after that. A catch-up clears ``_left`` before it reads the limit,
and reads ``_left`` again after it released the mutex. So either the second try succeeds, or the
thread that held the mutex then sees ``_left`` and checks again: no bytes are missed between the
two, and after a catch-up has reached the limit the next ``update`` finds ``hashed`` at its own
start, or beyond (it skips the overlap).
Rule 3: bytes that may be rolled back (between ``savepoint`` and ``commit`` or ``rollback``) come
from ``update`` alone. ``limit`` counts verified bytes only (as ``UploadStore.offset`` does), so a
catch-up may continue to read below the mark. The state is saved when the first such byte is fed,
not at ``savepoint``.
Rule 4: ``savepoint``, ``rollback`` and ``commit`` wait for the mutex, for one step of a catch-up at
most. The order with the store: ``begin_chunk``, ``savepoint``, bytes; ``commit_chunk``, ``commit``;
``rollback_chunk``, ``rollback``.
Rule 5: a file that is shorter than the state was cut: the state is void, and catching up starts at
zero.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import blake3

from tusd_py.domain.ids import UploadId
from tusd_py.storage.port import Reader

STEP_BYTES: Final = 8 << 20
"""Bytes read at once while catching up (measured: 2.4 GiB/s, 1.6 with 1 MiB).

Other threads can get the mutex between steps.
"""
MAX_RUNNING_HASHES: Final = 10_000
"""A state is 2 KB; the one that is unused for longest is dropped, and then costs a re-read."""


class RunningHash:
    """Holds the hash state of one upload in this process."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._mutex = threading.Lock()
        self._hasher = blake3.blake3(max_threads=1)
        self._left = False
        self._marked = False
        self._verified: tuple[blake3.blake3, int] | None = None
        """State and length to roll back to; None while no unverified byte was hashed."""
        self.hashed = 0
        """Number of bytes of the file that the state covers."""
        self.reread_bytes = 0
        """Number of bytes that catching up has read from the file."""

    def update(self, offset: int, chunks: Sequence[bytes | memoryview]) -> None:
        """Hash bytes that were just written to the file at ``offset`` (zero-based). Never waits."""
        if not self._mutex.acquire(blocking=False):
            self._left = True
            if not self._mutex.acquire(blocking=False):
                return
        try:
            for chunk in chunks:
                self._take(offset, memoryview(chunk))
                offset += len(chunk)
        finally:
            self._mutex.release()

    def _take(self, offset: int, chunk: memoryview) -> None:
        end = offset + len(chunk)
        if not offset <= self.hashed < end:
            return
        if self._marked and self._verified is None:
            self._verified = (self._hasher.copy(), self.hashed)
        self._hasher.update(chunk[self.hashed - offset :])
        self.hashed = end

    def catch_up(self, limit: Callable[[], int], stopped: Callable[[], bool]) -> bool:
        """Read the file until the state covers ``limit()`` bytes, which may grow meanwhile.

        Args: limit: verified bytes of the file; called with the mutex held.
        Returns: whether the limit was reached; False if ``stopped`` was true, or the file is
            shorter than its limit.
        Raises: UploadNotFound, StorageDamaged; what ``limit`` raises.
        """
        behind = self._distance(limit)
        if behind <= 0 and not self._left:
            return True
        with self._open_reader() as reader:
            return self._read_on(reader, limit, stopped)

    def _distance(self, limit: Callable[[], int]) -> int:
        with self._mutex:
            self._left = False
            return self._behind(limit())

    def _read_on(
        self, reader: Reader, limit: Callable[[], int], stopped: Callable[[], bool]
    ) -> bool:
        buffer = memoryview(bytearray(STEP_BYTES))
        while not stopped():
            with self._mutex:
                self._left = False
                behind = self._behind(limit())
                if behind > 0 and not self._step(reader, buffer[:behind]):
                    return False
            if behind <= 0 and not self._left:
                return True
        return False

    def _behind(self, limit: int) -> int:
        if limit < self.hashed and self._verified is None:
            self._hasher = blake3.blake3(max_threads=1)
            self.hashed = 0
        return limit - self.hashed

    def _step(self, reader: Reader, buffer: memoryview) -> bool:
        count = reader.read_into(self.hashed, buffer)
        self._hasher.update(buffer[:count])
        self.hashed += count
        self.reread_bytes += count
        return count > 0

    def savepoint(self) -> None:
        """Let the bytes that are fed from now on be rolled back."""
        with self._mutex:
            self._marked = True
            self._verified = None

    def rollback(self) -> None:
        """Return to the state of ``savepoint``, since the bytes after it were rolled back."""
        with self._mutex:
            if self._verified is not None:
                self._hasher, self.hashed = self._verified
            self._marked, self._verified = False, None

    def commit(self) -> None:
        """Keep the bytes since ``savepoint``."""
        with self._mutex:
            self._marked, self._verified = False, None

    def hexdigest(self, length: int) -> str:
        """Return the BLAKE3 of the file's ``length`` bytes, 64 hexadecimal digits.

        Raises: ValueError: the state does not cover exactly these.
        """
        with self._mutex:
            if self.hashed != length:
                raise ValueError(f"hashed {self.hashed} bytes, not {length}")
            return self._hasher.hexdigest()


class RunningHashes:
    """Holds the running hashes of one process, by upload: at most ``limit``.

    The one that is unused for longest is dropped. If a body still feeds it, that has no effect; the
    next request gets a new one.
    """

    def __init__(self, limit: int = MAX_RUNNING_HASHES) -> None:
        self._limit = limit
        self._mutex = threading.Lock()
        self._hashes: OrderedDict[UploadId, RunningHash] = OrderedDict()
        self.reread_bytes = 0
        """Number of bytes that all of them have read from files."""

    def get(self, upload_id: UploadId, open_reader: Callable[[UploadId], Reader]) -> RunningHash:
        """Return the running hash of an upload; without one, a new one at zero is made."""
        with self._mutex:
            running = self._hashes.get(upload_id)
            if running is None:
                running = self._hashes[upload_id] = RunningHash(partial(open_reader, upload_id))
            self._hashes.move_to_end(upload_id)
            while len(self._hashes) > self._limit:
                self._hashes.popitem(last=False)
            return running

    def caught_up(self, count: int) -> None:
        """Add the number of bytes that one of them has read from its file."""
        with self._mutex:
            self.reread_bytes += count

    def drop(self, upload_id: UploadId) -> None:
        """Drop the running hash of the upload. Idempotent."""
        with self._mutex:
            self._hashes.pop(upload_id, None)
