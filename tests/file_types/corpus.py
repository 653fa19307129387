"""Reads the corpus: real files of many kinds, and what may be claimed of each."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader

PATH: Final = Path(__file__).with_name("corpus.zip")


@dataclass(frozen=True, slots=True)
class Entry:
    """Is one file of the corpus. ``kept`` are its bytes, or its first and last 64 KiB."""

    name: str
    extensions: tuple[str, ...]
    declared: tuple[str, ...]
    family: str
    program: str
    version: str
    source: str
    size: int
    kept: bytes

    @property
    def content(self) -> bytes:
        """The file; zeros stand for the bytes between those that are kept."""
        half = len(self.kept) // 2
        gap = bytes(self.size - len(self.kept))
        return self.kept[:half] + gap + self.kept[half:]

    def look(self) -> HeadReader:
        """Return a reader of the whole file."""
        content = self.content
        return HeadReader(
            content[:HEAD_BYTES], self.size, lambda start, length: content[start : start + length]
        )


@cache
def entries() -> tuple[Entry, ...]:
    """Return all files of the corpus."""
    return tuple(_entries())


def _entries() -> Iterator[Entry]:
    with zipfile.ZipFile(PATH) as archive:
        for row in json.loads(archive.read("manifest.json")):
            kept = archive.read(row.pop("file"))
            row["extensions"], row["declared"] = tuple(row["extensions"]), tuple(row["declared"])
            yield Entry(kept=kept, **row)
