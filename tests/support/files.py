"""Files in folders that a running server changes at the same time.

``Path.rglob`` raises an error when a folder vanishes while it is listed; these functions do not.
"""

import os
from contextlib import suppress
from pathlib import Path


def files_in(*folders: Path) -> list[Path]:
    """Return the files in these folders and the folders below, without those that vanish."""
    return [
        Path(parent, name)
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
    ]


def bytes_in(*folders: Path) -> int:
    """Return the sum of the sizes of these files, in bytes."""
    return sum(map(size_of, files_in(*folders)))


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it is gone."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
