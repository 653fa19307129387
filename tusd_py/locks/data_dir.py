"""Locks a data directory for one server process: two would both believe to be the only writer."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tusd_py.domain.errors import BackendError


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the directory while the block runs. The kernel frees it when the process dies.

    Raises: BackendError: another server holds it.
    """
    descriptor = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            sentence = "Another server uses this data directory."
            raise BackendError(sentence, reason=f"another server uses {data_dir}") from error
        yield
    finally:
        os.close(descriptor)
