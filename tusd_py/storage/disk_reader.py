"""Reads the data file of an upload."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from typing_extensions import override

from tusd_py.storage.disk_writer import disk_errors
from tusd_py.storage.port import Reader


class DiskReader(Reader):
    """Reads a data file, which the kernel keeps while it is open, even if it is deleted."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises: UploadNotFound, StorageBusy, StorageDamaged."""
        with disk_errors():
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    @override
    def read(self, start: int, length: int) -> bytes:
        with disk_errors():
            return os.pread(self._descriptor, length, start)

    @override
    def read_into(self, start: int, buffer: memoryview) -> int:
        with disk_errors():
            return os.preadv(self._descriptor, [buffer], start)

    @override
    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    @override
    def __enter__(self) -> Self:
        return self

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
