"""Where a download goes: a file that appears when it is whole, or a stream."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from typing_extensions import override

from tusd_py.client.errors import Refused
from tusd_py.client.names import numbered
from tusd_py.private_files import NEW_FILE

MAX_NUMBER: Final = 1000
_BINARY: Final = getattr(os, "O_BINARY", 0)


class Target(Protocol):
    """What takes the bytes of a download."""

    def open(self, name: str) -> None:
        """Bytes follow from the first on; ``name``: the server's, safe. Again after ``truncate``. Raises: OSError."""
        ...

    def write(self, piece: bytes) -> None:
        """Behind those that are there. Raises: OSError."""
        ...

    def truncate(self) -> None:
        """Forget what was written. Raises: Refused: it can't be taken back; OSError."""
        ...


class FileTarget(Target):
    """A file, written under a name of its own in the same folder, which is put in place at the end."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """``path``: a file, or a folder, in which the file keeps the server's name, or that with a number.
        ``overwrite``: a file that was named is replaced; one with the server's name never is.

        Raises: FileExistsError: it is there and must not be replaced.
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

    def finish(self) -> Path:
        """Put the file in its place. Returns: where that is. Raises: FileExistsError, OSError."""
        if self._part is None:
            raise ValueError("nothing was opened")
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
        """Remove what was begun; nothing after ``finish``."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._part is not None:
            self._part.unlink(missing_ok=True)


class StreamTarget(Target):
    """A stream such as standard output, which can't begin again once bytes were written."""

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
        raise Refused("the download would have to begin again, which a stream can't")


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite or not (path.is_symlink() or path.is_file()):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _put(part: Path, target: Path) -> None:
    """Give the file its name, unless something has it. Raises: FileExistsError, OSError."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links: the name is taken first, then filled.
        os.close(os.open(target, os.O_WRONLY | NEW_FILE, 0o600))
        part.replace(target)
    else:
        part.unlink()
