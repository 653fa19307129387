"""Reserves space for the databases in the data directory.

SQLite needs space also to delete: nothing could be removed from a disk that is completely full. So
some files occupy blocks and inodes for it. When a transaction fails because the disk is full, one
of the files is removed and the transaction is repeated; the files are made again when there is
space.

The content of the files is never read. After a crash each of them exists or not, and several
processes may use them: only one process succeeds in removing a file.
"""

import errno
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")

PIECE_BYTES: Final = 128 << 10
"""Size of a file, about what the deletion of an upload writes.

Another program could use the rest of a larger one.
"""
PIECES: Final = 64
"""Number of files, 8 MiB in all: twice the size at which a database's log begins again."""
OPEN_BYTES: Final = 3 * PIECE_BYTES
"""Bytes that suffice to open the databases."""
SHARE: Final = 4
"""At most this part of the reserve (a quarter) is kept in files."""
LOG_SECONDS: Final = 60.0
_FULL: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
)
"""Errors that mean a full disk; SQLite raises the second one for an exhausted quota (EDQUOT)."""
_PERHAPS: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_FSYNC,
)
"""Errors that may mean a full disk, or something else."""


def is_full(error: BaseException) -> bool:
    """Return whether this error of SQLite, or one that caused it, means that the disk is full."""
    return any(code in _FULL for code in _codes(error))


def _codes(error: BaseException | None) -> Iterator[int]:
    while error is not None:
        # An error of SQLAlchemy contains the error of the driver.
        driver = getattr(error, "orig", error)
        code = getattr(driver, "sqlite_errorcode", None)
        if isinstance(code, int):
            yield code
        error = error.__cause__


class SpareSpace:
    """Manages the files in ``directory``. It is thread-safe."""

    def __init__(
        self,
        directory: Path,
        *,
        reserve: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the names of the files.

        Args: reserve: bytes that uploads leave free (``limits.disk_reserve``); 0: no files.
        """
        self._directory = directory
        pieces = min(PIECES, reserve // SHARE // PIECE_BYTES)
        self._paths = [directory / f"{number:02d}" for number in range(pieces)]
        self._monotonic = monotonic
        self._missing = False
        self._logged_at: float | None = None

    def retrying(self, transaction: Callable[[], T]) -> T:
        """Run a transaction; if the disk is full, remove a file and run it again.

        The transaction must have no effect when it fails. Raises: what the transaction raises.
        """
        while True:
            try:
                result = transaction()
            except Exception as error:
                if not self._helps(error) or not self._remove_piece():
                    raise
            else:
                if self._missing:
                    self.keep()
                return result

    def free_space(self) -> None:
        """Remove files until the databases can be opened, if the disk is full.

        SQLite maps a file into memory when it opens a database. If there is no block for one of its
        pages, the process ends (SIGBUS), while a write would raise an error: seen on ext4 with
        blocks of 1 KiB.
        """
        while self._free_bytes() < OPEN_BYTES and self._remove_piece():
            pass

    def _helps(self, error: Exception) -> bool:
        if is_full(error):
            return True
        return any(code in _PERHAPS for code in _codes(error)) and self._is_full()

    def _is_full(self) -> bool:
        try:
            status = os.statvfs(self._directory.parent)
        except OSError:
            return False
        no_files = status.f_files > 0 and status.f_favail == 0
        return no_files or status.f_bavail * status.f_frsize < PIECE_BYTES

    def _free_bytes(self) -> int:
        status = os.statvfs(self._directory.parent)
        return status.f_bavail * status.f_frsize

    def _remove_piece(self) -> bool:
        for path in reversed(self._paths):
            with suppress(FileNotFoundError):
                path.unlink()
                self._missing = True
                self._log("disk.spare.used")
                return True
        self._log("disk.spare.exhausted")
        return False

    def _log(self, event: str) -> None:
        now = self._monotonic()
        if self._logged_at is None or now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.error(event, extra={"directory": str(self._directory)})

    def keep(self) -> None:
        """Make the files that are missing, as far as there is space. Blocks.

        It raises nothing: a file that can't be made now is made later.
        """
        self._missing = True
        with suppress(OSError):
            if self._paths:
                self._directory.mkdir(mode=0o700, exist_ok=True)
            for path in self._paths:
                if not path.exists():
                    self._make(path)
            self._missing = False

    def _make(self, path: Path) -> None:
        """Make one file. Raises: OSError: there is no space for it and for a transaction."""
        if self._free_bytes() < 2 * PIECE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            _fill(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def _fill(descriptor: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, PIECE_BYTES)
        return
    # Random bytes: a file system with compression would allocate nothing for zeros.
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(secrets.token_bytes(PIECE_BYTES))


NO_SPARE_SPACE: Final = SpareSpace(Path(), reserve=0)
"""Reserves nothing."""
