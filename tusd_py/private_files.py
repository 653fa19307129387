"""Makes files and directories that only their owner may read, with every umask."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
OWNER_ONLY_UMASK: Final = 0o077
NEW_FILE: Final = (
    os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
"""Flags of ``os.open`` for a new file; it must not exist and must not be a link."""


def owner_only() -> None:
    """Set the umask so that only the owner can access files that this process makes.

    Libraries open files by themselves (SQLite, ffmpeg), so a mode in each call is not enough.
    """
    os.umask(OWNER_ONLY_UMASK)


def make_private_directory(path: Path) -> None:
    """Make a directory and its missing parents with mode 0700; existing ones are not changed.

    Raises: OSError.
    """
    try:
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    except FileNotFoundError:
        # With ``parents=True`` the parents would have the mode of the umask.
        make_private_directory(path.parent)
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def close_to_others(path: Path, mode: int) -> None:
    """Remove rights that are not in ``mode`` from a file or directory that already exists.

    An older version or another program may have made it. A file of another user and a link are
    not changed.
    """
    # By its name: closing a descriptor of a database would drop SQLite's locks (fcntl).
    with suppress(OSError):
        found = path.lstat().st_mode
        if not stat.S_ISLNK(found) and stat.S_IMODE(found) & ~mode:
            path.chmod(mode)


def make_private_file(path: Path) -> None:
    """Make an empty file with mode 0600, or set the mode of an existing one. Raises: OSError."""
    try:
        os.close(os.open(path, os.O_WRONLY | NEW_FILE, FILE_MODE))
    except FileExistsError:
        close_to_others(path, FILE_MODE)


def make_private_database(path: Path) -> None:
    """Prepare a file for SQLite, whose new journals have the database's mode. Raises: OSError."""
    make_private_file(path)
    for journal in ("-wal", "-shm", "-journal"):
        close_to_others(path.with_name(path.name + journal), FILE_MODE)


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 and replace one of the same name atomically. Raises: OSError."""
    with _draft(path, content) as draft:
        draft.replace(path)


def write_private_once(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 unless there is one of the same name.

    Of several processes that call it at once, all find the file of the same one, where the file
    system has hard links. Raises: OSError.
    """
    with _draft(path, content) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:
            if not path.exists():
                draft.replace(path)


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """Write a file beside ``path`` for the length of a block."""
    draft = path.with_name(f".{secrets.token_hex(8)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | NEW_FILE, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
