"""Write downloads to a file, which appears when it is complete, or to a stream."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from typing_extensions import override

from tusd_py.client.errors import Refused
from tusd_py.domain.filenames import numbered
from tusd_py.private_files import NEW_FILE

MAX_NUMBER: Final = 1000
_BINARY: Final = getattr(os, "O_BINARY", 0)


class Target(Protocol):
    """Receives the bytes of a download."""

    def open(self, name: str) -> None:
        """Open the target, before the first byte and again after ``truncate``.

        Args: name: the server's, made safe. Raises: OSError.
        """
        ...

    def write(self, piece: bytes) -> None:
        """Append bytes. Raises: OSError."""
        ...

    def truncate(self) -> None:
        """Remove what was written. Raises: Refused: this is impossible; OSError."""
        ...


class FileTarget(Target):
    """Writes a temporary file in the same folder, which is renamed at the end."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Check the path.

        Args: path: a file, or a folder in which the file gets the server's name, or that name with
            a number; overwrite: replace a file that ``path`` names; one with the server's name is
            never replaced.
        Raises: FileExistsError: the file exists and must not be replaced.
        """
        self._named = None if path.is_dir() else path
        self._folder = path if path.is_dir() else path.parent
        self._overwrite = overwrite
        self._server_name = ""
        self._part: Path | None = None
        self._descriptor = -1
        if self._named is not None:
            _check_free(self._named, overwrite=overwrite)

    @override
    def open(self, name: str) -> None:
        self._server_name = name
        if self._part is None:
            part = self._folder / f".tusd-py-{secrets.token_hex(8)}.part"
            self._descriptor = os.open(part, os.O_WRONLY | NEW_FILE | _BINARY, 0o666)
            self._part = part

    @override
    def write(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    @override
    def truncate(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def finish(self, modified: float | None = None) -> Path:
        """Give the file its name and return its path. Raises: FileExistsError, OSError.

        Args: modified: unix seconds of the file's last change; None: now.
        """
        if self._part is None:
            raise ValueError("nothing was opened")
        if modified is not None:
            with suppress(OSError):  # Some file systems keep no time of that range.
                os.utime(self._part, (modified, modified))
        os.close(self._descriptor)
        self._descriptor = -1
        if self._named is not None:
            _check_free(self._named, overwrite=self._overwrite)
            if self._overwrite:
                self._part.replace(self._named)
            else:
                _put(self._part, self._named)
            return self._named
        for number in range(MAX_NUMBER):
            name = numbered(self._server_name, number) if number else self._server_name
            with suppress(FileExistsError):
                _put(self._part, self._folder / name)
                return self._folder / name
        raise FileExistsError(
            errno.EEXIST, os.strerror(errno.EEXIST), str(self._folder / self._server_name)
        )

    def abandon(self) -> None:
        """Remove the temporary file; do nothing after ``finish``."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._part is not None:
            self._part.unlink(missing_ok=True)


class StreamTarget(Target):
    """Writes to a stream such as standard output, which can't be truncated."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    @override
    def open(self, name: str) -> None:
        pass

    @override
    def write(self, piece: bytes) -> None:
        self._stream.write(piece)

    @override
    def truncate(self) -> None:
        raise Refused("the download would have to restart, which a stream can't")


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite or not (path.is_symlink() or path.is_file()):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _put(part: Path, target: Path) -> None:
    """Give the file its name if that is free. Raises: FileExistsError, OSError."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # The file system has no hard links: reserve the name first, then rename.
        os.close(os.open(target, os.O_WRONLY | NEW_FILE, 0o600))
        part.replace(target)
    else:
        part.unlink()
