"""Keeps rows by key in memory that several processes share.

Rule 1: a row is found by 16 bytes of its key's hash, so that no two keys share a row. The hash also
names the bucket whose rows may be the key's. It is keyed by a secret of these processes: otherwise
clients could choose keys, such as addresses, that fill one bucket.
Rule 2: a bucket is changed under the lock of one byte of the file, which the kernel frees when its
holder dies.
Rule 3: a change takes microseconds. A process that was stopped within one must not stop the others:
after ``PAUSES`` they go on without the lock, and may lose a change of that bucket. The pauses are
counted, not their time: when all processes stand still together, as those of a container do that
has used its share of the processors, the holder goes on together with those that wait for it.
"""

import fcntl
import hashlib
import mmap
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from tusd_py.byte_locks import set_byte_lock, try_byte_lock
from tusd_py.shared_file import open_shared

ROWS: Final = 32
"""Rows of a bucket."""
YIELDS: Final = 20
"""Tries without a pause: as a rule the holder only has to be given a processor."""
PAUSES: Final = 100
PAUSE_SECONDS: Final = 0.0005
_DIGEST_BYTES: Final = 16
_FREE: Final = bytes(_DIGEST_BYTES)


class Bucket:
    """Is a bucket that this thread has locked, seen from one key."""

    def __init__(self, memory: mmap.mmap, start: int, digest: bytes, row_bytes: int) -> None:
        self.memory = memory
        self._start = start
        self._rows = start + ROWS * _DIGEST_BYTES
        self._digest = digest
        self._row_bytes = row_bytes

    def find(self) -> int | None:
        """Return where the key's row is in the memory; None: it has none."""
        return self._find(self._digest)

    def _find(self, digest: bytes) -> int | None:
        start = self._start
        while (place := self.memory.find(digest, start, self._rows)) >= 0:
            number, rest = divmod(place - self._start, _DIGEST_BYTES)
            if not rest:
                return self._rows + number * self._row_bytes
            start = place + 1
        return None

    def free(self) -> int | None:
        """Return where a row is that no key has; None: there is none."""
        return self._find(_FREE)

    def rows(self) -> range:
        """Return where all rows are."""
        return range(self._rows, self._rows + ROWS * self._row_bytes, self._row_bytes)

    def is_used(self, row: int) -> bool:
        """Return whether a key has the row."""
        place = self._digest_of(row)
        return self.memory[place : place + _DIGEST_BYTES] != _FREE

    def take(self, row: int) -> None:
        """Give the row to this key."""
        place = self._digest_of(row)
        self.memory[place : place + _DIGEST_BYTES] = self._digest

    def release(self, row: int) -> None:
        """Take the row from its key, and fill it with zeros."""
        place = self._digest_of(row)
        self.memory[place : place + _DIGEST_BYTES] = _FREE
        self.memory[row : row + self._row_bytes] = bytes(self._row_bytes)

    def _digest_of(self, row: int) -> int:
        return self._start + (row - self._rows) // self._row_bytes * _DIGEST_BYTES


class SharedTable:
    """Is a table in one file. For any thread of all processes that open it."""

    def __init__(self, path: Path, *, secret: bytes, buckets: int, row_bytes: int) -> None:
        """Open or make it; all processes name the same secret and sizes. Raises: OSError."""
        self._secret = secret
        self._row_bytes = row_bytes
        self._bucket_bytes = ROWS * (_DIGEST_BYTES + row_bytes)
        self._count = buckets
        self._file = open_shared(path, buckets * self._bucket_bytes)
        self._memory = mmap.mmap(self._file, buckets * self._bucket_bytes)
        # The kernel locks between processes; this, between the threads of one.
        self._mutex = threading.Lock()

    def locked(self, key: str) -> AbstractContextManager[Bucket]:
        """Hold the key's bucket during the block, which must not wait for anything."""
        digest = hashlib.blake2b(key.encode(), digest_size=_DIGEST_BYTES, key=self._secret).digest()
        return self._hold(int.from_bytes(digest[:8]) % self._count, digest)

    def buckets(self) -> Iterator[Bucket]:
        """Hold one bucket after another, and yield each; none of them is seen from a key."""
        for number in range(self._count):
            with self._hold(number, _FREE) as bucket:
                yield bucket

    @contextmanager
    def _hold(self, number: int, digest: bytes) -> Iterator[Bucket]:
        with self._mutex:
            taken = self._take(number)
            try:
                yield Bucket(self._memory, number * self._bucket_bytes, digest, self._row_bytes)
            finally:
                if taken:
                    set_byte_lock(self._file, fcntl.F_UNLCK, number)

    def _take(self, number: int) -> bool:
        for tries in range(YIELDS + PAUSES):
            if try_byte_lock(self._file, number):
                return True
            if tries < YIELDS:
                os.sched_yield()
            else:
                # The kernel's own wait for a lock has no limit, which rule 3 needs.
                time.sleep(PAUSE_SECONDS)
        return False

    def close(self) -> None:
        """Free all resources. The rows stay."""
        self._memory.close()
        os.close(self._file)
