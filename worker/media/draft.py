"""Takes a program's output from its folder, only if it consists of the expected plain files.

A hostile input may have taken over the program: a name in the folder may be a link to another file,
a device, or a hard link to a file that the program did not make.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class NotOnePlainFile(Exception):
    """Raised when an output folder has other than the expected files; its text is for the log."""


def take_draft(folder: Path, name: str, target: Path, *, largest: int) -> int:
    """Move the only file of ``folder`` to ``target``, and return its size; see ``take_drafts``."""
    return take_drafts(folder, {name: target}, largest=largest)[name]


def take_drafts(folder: Path, targets: Mapping[str, Path], *, largest: int) -> dict[str, int]:
    """Move each file of ``folder`` to its target, which programs in a sandbox can't reach.

    Call this after the program and its children have ended.
    Args: targets: the target of every entry of the folder, by name. largest: most bytes of each
        file.
    Returns: the size in bytes of each file, more than 0. The files are synced.
    Raises: NotOnePlainFile: no link was followed, nothing was opened for writing or kept; OSError.
    """
    names = os.listdir(folder)  # noqa: PTH208  (names, not paths)
    if set(names) != set(targets):
        raise NotOnePlainFile(f"{len(names)} entries")
    taken: list[Path] = []
    sizes = {}
    try:
        for name, target in targets.items():
            if not stat.S_ISREG((folder / name).lstat().st_mode):
                raise NotOnePlainFile("no regular file")
            # A rename moves a link itself. After it no program in a sandbox can reach the file.
            (folder / name).rename(target)
            taken.append(target)
            sizes[name] = _size_of_plain(target, largest)
    except BaseException:
        for target in taken:
            with suppress(OSError):
                target.unlink()
        raise
    return sizes


def _size_of_plain(path: Path, largest: int) -> int:
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise NotOnePlainFile(error.strerror or "it can't be opened") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotOnePlainFile("no regular file")
        if found.st_nlink != 1 or found.st_uid != os.geteuid():
            raise NotOnePlainFile("another file's second name")
        if not 0 < found.st_size <= largest:
            raise NotOnePlainFile(f"{found.st_size} bytes")
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
        return found.st_size
    finally:
        os.close(descriptor)
