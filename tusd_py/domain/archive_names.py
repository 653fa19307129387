"""Gives the files of an archive names that no system can mix up when it unpacks them."""

from bisect import bisect_left
from collections.abc import Sequence

from tusd_py.domain.filenames import numbered


def unique_paths(paths: Sequence[str]) -> list[str]:
    """Return the paths in the same order, each different from all others and from all folders.

    The second ``a.txt`` of a folder becomes ``a (1).txt``. Paths that differ in large and small
    letters only count as equal: some systems would write one file over the other.

    Args: paths: safe ones, as ``safe_path`` makes them, or single names.
    """
    folded = sorted(path.casefold() for path in paths)
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    unique = []
    for path in paths:
        found = path
        while found.casefold() in taken or _is_folder(found.casefold(), folded):
            # Paths that would get the same names share their numbers: otherwise thousands of them
            # would each try all names that the others have.
            shared = _numbered(path, 1).casefold()
            numbers[shared] = numbers.get(shared, 0) + 1
            found = _numbered(path, numbers[shared])
        taken.add(found.casefold())
        unique.append(found)
    return unique


def _is_folder(path: str, paths: Sequence[str]) -> bool:
    """Return whether any of the sorted paths is below this one.

    They are not split: deep paths of thousands of files would need hundreds of MB.
    """
    beginning = f"{path}/"
    place = bisect_left(paths, beginning)
    return place < len(paths) and paths[place].startswith(beginning)


def _numbered(path: str, number: int) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{numbered(name, number)}"
