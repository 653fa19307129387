"""Find the files that the arguments of ``tusd-py upload`` name.

An argument is a file, a folder, a pattern or standard input.
"""

import glob
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STDIN: Final = Path("-")
_OF_SYSTEMS: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Files and folders that systems make by themselves; those of macOS and Linux begin with a dot."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to send.

    ``relative_path`` is its path below the folder that was named, with that folder's name, as Uppy
    sends it; it is '' for a file that was named itself.
    """

    path: Path
    relative_path: str = ""
    is_hidden: bool = False
    """Whether it, or a folder between it and the one that was named, is hidden."""
    failure: OSError | None = None
    """Why the files of a folder could not be found; nothing is sent then."""

    @property
    def is_stream(self) -> bool:
        """Whether its length is known only at its end: standard input, a pipe, a device."""
        if self.failure is not None:
            return False
        return self.path == STDIN or (self.path.exists() and not self.path.is_file())


def sources_of(arguments: Sequence[Path]) -> list[Source]:
    """Return each file once, in the order of the arguments; files of a folder are sorted by name.

    Links in folders are omitted, since they may lead anywhere. A name that does not exist stays:
    sending it reports the error, as a folder that can't be read reports its own.
    """
    found: dict[Path, Source] = {}
    for argument in arguments:
        try:
            for source in _named(argument):
                known = found.get(source.path)
                # A file that is named itself is meant, hidden or not.
                if known is None or known.is_hidden:
                    found[source.path] = source
        except OSError as error:
            found[argument] = Source(argument, failure=error)
    return list(found.values())


def _named(argument: Path) -> Iterator[Source]:
    if argument == STDIN or argument.is_file():
        yield Source(argument)
    elif argument.is_dir():
        yield from _below(argument)
    elif matches := _matching(argument):
        for match in matches:
            yield from _named(match)
    else:
        yield Source(argument)


def _matching(pattern: Path) -> list[Path]:
    if not glob.has_magic(str(pattern)):
        return []
    start = Path(pattern.anchor)
    return sorted(start.glob(str(pattern.relative_to(start))))


def _below(folder: Path) -> Iterator[Source]:
    name = folder.resolve().name
    failures: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=failures.append):
        folders.sort()
        for file in sorted(files):
            path = Path(place) / file
            if path.is_file() and not path.is_symlink():
                below = path.relative_to(folder)
                # The same words as those of the page: slashes, and composed letters (NFC).
                sent = unicodedata.normalize("NFC", (Path(name) / below).as_posix())
                yield Source(path, sent, is_hidden=any(_is_hidden(part) for part in below.parts))
    for failure in failures:
        yield Source(Path(failure.filename), failure=failure)


def _is_hidden(name: str) -> bool:
    """Return whether systems hide a file of this name, or make it by themselves."""
    return name.startswith(".") or name.lower() in _OF_SYSTEMS
