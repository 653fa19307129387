"""Reads the boxes of an MP4 or MOV file (ISO/IEC 14496-12, QuickTime File Format).

They show whether the file plays while it loads, whether it is encrypted, and whether it has boxes
that ffprobe does not report.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

CUT: Final = b"\0cut"
"""Used instead of the name of a box that is longer than the file."""
MAX_BOXES: Final = 100_000
"""Most boxes that are read, of the file itself and again of its indexes.

A fragmented recording of a day has about this many.
"""
_TOP: Final = frozenset(
    {
        b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp",
        b"pdin",
    }
)  # fmt: skip
_TO_SAMPLES: Final = (b"mdia", b"minf", b"stbl", b"stsd")
"""Path of boxes from a track to the kinds of its samples."""
_PROTECTED: Final = frozenset({b"encv", b"enca", b"enct", b"encs", b"drmi", b"drms"})
"""Kinds of samples that are encrypted (ISO/IEC 14496-12, 8.12; FairPlay).

ffprobe reports the kind that they would have without encryption.
"""
_IN_MOVIE: Final = frozenset(
    {b"mvhd", b"trak", b"udta", b"meta", b"iods", b"mvex", b"free", b"skip"}
)
_IN_USER_DATA: Final = frozenset(
    {
        b"meta", b"name", b"free", b"skip", b"chpl", b"loci", b"titl", b"auth", b"perf", b"gnre",
        b"dscp", b"albm", b"yrrc", b"cprt", b"date", b"WLOC", b"LOOP", b"SelO", b"AllF",
        b"\0\0\0\0",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Describes the order and kinds of the boxes of a file."""

    starts_fast: bool
    """Whether the index stands before the samples, so that playing begins with the first bytes."""
    is_fragmented: bool
    is_cut: bool
    """Whether the file ends within a box, so that its end is missing."""
    has_unknown: bool
    """Whether the file has a box that may hold something that no program reports."""
    is_protected: bool = False
    """Whether a track's samples are encrypted."""


def read_layout(path: Path) -> Layout:
    """Return the layout of a file, which may be of any kind. Raises: OSError."""
    order: list[bytes] = []
    unknown = is_cut = protected = False
    with path.open("rb") as file:
        end = file.seek(0, 2)
        known, tracks = _Walk(file), _Walk(file)
        for number, (name, start, size) in enumerate(_boxes(file, 0, end)):
            if name not in _TOP or number >= MAX_BOXES:
                unknown, is_cut = True, name == CUT
                break
            if name not in order:
                order.append(name)
            if name == b"moov":
                unknown = unknown or _has_unknown(known, start, start + size)
                protected = protected or _has_protected(tracks, start, start + size)
        unknown = unknown or known.is_over or tracks.is_over
    places = [order.index(name) for name in (b"moov", b"mdat") if name in order]
    return Layout(
        starts_fast=len(places) == 2 and places[0] < places[1],
        is_fragmented=b"moof" in order,
        is_cut=is_cut,
        is_protected=protected,
        has_unknown=unknown,
    )


class _Walk:
    """Reads boxes and the boxes in them, at most ``MAX_BOXES`` in all."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MAX_BOXES
        self.is_over = False
        """Whether there were more boxes than that."""

    def boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield the boxes of ``_boxes`` until the limit is reached."""
        for found in _boxes(self._file, start, end):
            if not self._left:
                self.is_over = True
                return
            self._left -= 1
            yield found


def _has_protected(walk: _Walk, start: int, end: int) -> bool:
    for name, at, size in walk.boxes(start, end):
        if name == b"trak" and not _PROTECTED.isdisjoint(_kinds_of_samples(walk, at, at + size)):
            return True
    return False


def _kinds_of_samples(walk: _Walk, start: int, end: int) -> set[bytes]:
    for wanted in _TO_SAMPLES:
        found = [(at, size) for name, at, size in walk.boxes(start, end) if name == wanted]
        if not found:
            return set()
        start, end = found[0][0], found[0][0] + found[0][1]
    # The entries follow the version and the number of entries, 8 bytes.
    return {name for name, _, _ in walk.boxes(start + 8, end)}


def _has_unknown(walk: _Walk, start: int, end: int) -> bool:
    for name, at, size in walk.boxes(start, end):
        if name not in _IN_MOVIE:
            return True
        if name == b"udta":
            for inner, _, _ in walk.boxes(at, at + size):
                if inner not in _IN_USER_DATA and not inner.startswith(b"\xa9"):
                    return True
    return False


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box, and the position and size of its content; b"" if it is no box."""
    at = start
    while at < end:
        file.seek(at)
        head = file.read(16)
        if len(head) >= 4 and head[:4] == b"\0\0\0\0" and end - at <= 8 and start:
            return  # the zero that ends user data
        if len(head) < 8:
            yield b"", at, end - at
            return
        size, name = struct.unpack_from(">I4s", head)
        header = 8
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
            header = 16
        elif size == 0:
            size = end - at
        if size < header or at + size > end:
            is_longer = name in _TOP and at + size > end
            yield (CUT if is_longer else b""), at, end - at
            return
        yield name, at + header, size - header
        at += size
