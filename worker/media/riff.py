"""Reads the layout of an AVI file by its chunks (Microsoft's RIFF and AVI, OpenDML 1.02): whether it holds any that
ffprobe does not report, as cameras write them."""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

MAX_CHUNKS: Final = 10_000
"""Outside of the frames; a file has some dozens."""
FILLING_BYTES: Final = 1 << 20
"""A longer filling is not looked through."""
_LISTS: Final = (b"RIFF", b"LIST")
_FILLING: Final = b"JUNK"
_FILLED: Final = re.compile(rb"(?:odmldmlh\xf8|\x04\0{7}[0-9]{2}[a-z]{2})?")
"""What a filling holds before its zeros: nothing, or the beginning of an index that ffmpeg did not need."""
_UNREAD: Final = (b"movi", b"INFO")
"""Lists that are known as a whole: the frames, and texts that are tags."""
_KNOWN: Final[Mapping[bytes, frozenset[bytes]]] = {
    b"": frozenset({b"AVI ", b"AVIX"}),
    b"AVI ": frozenset({b"hdrl", b"movi", b"INFO", b"idx1"}),
    b"AVIX": frozenset({b"movi", b"idx1"}),
    b"hdrl": frozenset({b"avih", b"strl", b"odml", b"IDIT", b"INFO"}),
    b"strl": frozenset({b"strh", b"strf", b"strn", b"indx", b"vprp"}),
    b"odml": frozenset({b"dmlh"}),
}
"""By the name of the list around: names of lists and chunks."""
_NAMES_OF_LISTS: Final = frozenset({*_KNOWN, *_UNREAD})


def has_unknown_chunks(path: Path) -> bool:
    """Return whether an AVI file has a part that may hold something which is nowhere else reported. Raises:
    OSError."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        waiting = [(b"", 0, end)]
        seen = 0
        while waiting:
            around, start, end = waiting.pop()
            for name, is_list, at, size in _chunks(file, start, end):
                seen += 1
                if seen > MAX_CHUNKS:
                    return True
                if name == _FILLING and not is_list:
                    if not _is_filling(file, at, size):
                        return True
                elif name not in _KNOWN[around] or is_list != (name in _NAMES_OF_LISTS):
                    return True
                elif is_list and name not in _UNREAD:
                    waiting.append((name, at, at + size))
    return False


def _is_filling(file: BinaryIO, at: int, size: int) -> bool:
    if size > FILLING_BYTES:
        return False
    file.seek(at)
    return _FILLED.fullmatch(file.read(size).rstrip(b"\0")) is not None


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, bool, int, int]]:
    """Yield each chunk's name (a list's own one), whether it is a list, and the place and the size of its
    content; b"" for what is no chunk."""
    at = start
    while at < end:
        file.seek(at)
        head = file.read(12)
        if len(head) < 8:
            yield b"", False, at, end - at
            return
        name, size = struct.unpack_from("<4sI", head)
        content = at + 8
        if content + size > end:
            yield b"", False, at, end - at
            return
        if name in _LISTS:
            if size < 4:
                yield b"", False, at, end - at
                return
            yield head[8:12], True, content + 4, size - 4
        else:
            yield name, False, content, size
        at = content + size + size % 2
