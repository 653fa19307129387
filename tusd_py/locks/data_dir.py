"""Locks a data directory for one server process: two would both believe to be the only writer."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import BackendError

ORPHANS_SECONDS: Final = 30.0
"""Time for which a new server waits for the processes of a parent that was killed."""
_TRY_SECONDS: Final = 0.1


@contextmanager
def exclusive(data_dir: Path) -> Iterator[int]:
    """Hold the directory while the block runs, and yield the descriptor that holds it.

    Processes that inherit the descriptor hold the directory too. The kernel frees it when the last
    of them dies.

    Raises: BackendError: another server holds it.
    """
    descriptor = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + ORPHANS_SECONDS
        while not _try_lock(descriptor):
            if _holder_lives(descriptor) or time.monotonic() > deadline:
                sentence = "Another server uses this data directory."
                raise BackendError(sentence, reason=f"another server uses {data_dir}")
            # A wait of the kernel for the lock would have no limit of time.
            time.sleep(_TRY_SECONDS)
        with suppress(OSError):  # the disk is full
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_lives(descriptor: int) -> bool:
    """Return whether the process that took the lock lives; else only its children hold it."""
    holder = os.pread(descriptor, 20, 0)
    if not holder.isdigit():
        return True
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
