"""Files and directories that only their owner may read, whatever the process's umask is."""

import os
import secrets
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
OWNER_ONLY_UMASK: Final = 0o077
NEW_FILE: Final = (
    os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
"""Flags of ``os.open`` for a file that must not be there, nor be a link."""


def owner_only() -> None:
    """Give everything that this process makes from now on to its owner alone.

    Libraries open files by themselves (SQLite, ffmpeg), so a mode at each call is not enough.
    """
    os.umask(OWNER_ONLY_UMASK)


def make_private_directory(path: Path) -> None:
    """Make a directory of mode 0700 with its parents; one that is there is left as it is. Raises: OSError."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in the place of what has its name, in one step. Raises: OSError."""
    draft = path.with_name(f".{secrets.token_hex(8)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | NEW_FILE, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
