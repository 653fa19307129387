"""Gives the files of an archive names that no system can mix up when it unpacks them."""

from collections.abc import Sequence

from tusd_py.domain.filenames import numbered
from tusd_py.domain.relative_path import folder_of


def unique_paths(paths: Sequence[str]) -> list[str]:
    """Return the paths in the same order, each different from all others and from all folders.

    The second ``a.txt`` of a folder becomes ``a (1).txt``. Paths that differ in large and small
    letters only count as equal: some systems would write one file over the other.

    Args: paths: safe ones, as ``safe_path`` makes them, or single names.
    """
    taken = {folder.casefold() for path in paths for folder in _folders_of(path)}
    numbers: dict[str, int] = {}
    unique = []
    for path in paths:
        found = path
        while found.casefold() in taken:
            numbers[path] = numbers.get(path, 0) + 1
            folder = folder_of(path)
            name = numbered(path.rpartition("/")[2], numbers[path])
            found = f"{folder}/{name}" if folder else name
        taken.add(found.casefold())
        unique.append(found)
    return unique


def _folders_of(path: str) -> list[str]:
    folders = []
    while path := folder_of(path):
        folders.append(path)
    return folders
