"""Reads the chunks of an AVI file (Microsoft's RIFF and AVI, OpenDML 1.02).

They show whether the file has chunks that ffprobe does not report, such as those of cameras.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

MAX_CHUNKS: Final = 10_000
"""Most chunks outside of the frames; a file has some dozens."""
FILLING_BYTES: Final = 1 << 20
"""Longest filling that is read; a longer one counts as unknown."""
_LISTS: Final = (b"RIFF", b"LIST")
_FILLING: Final = b"JUNK"
_FILLED: Final = re.compile(rb"(?:odmldmlh\xf8|\x04\0{7}[0-9]{2}[a-z]{2})?")
"""Bytes of a filling before its zeros: none, or the start of an index that ffmpeg did not need."""
_UNREAD: Final = (b"movi", b"INFO")
"""Lists whose chunks are not read: the frames, and the texts that are tags."""
_KNOWN: Final[Mapping[bytes, frozenset[bytes]]] = {
    b"": frozenset({b"AVI ", b"AVIX"}),
    b"AVI ": frozenset({b"hdrl", b"movi", b"INFO", b"idx1"}),
    b"AVIX": frozenset({b"movi", b"idx1"}),
    b"hdrl": frozenset({b"avih", b"strl", b"odml", b"IDIT", b"INFO"}),
    b"strl": frozenset({b"strh", b"strf", b"strn", b"indx", b"vprp"}),
    b"odml": frozenset({b"dmlh"}),
}
"""Names of the lists and chunks that are known, by the name of the list that holds them."""
_NAMES_OF_LISTS: Final = frozenset({*_KNOWN, *_UNREAD})


def has_unknown_chunks(path: Path) -> bool:
    """Return whether an AVI file has a part that may hold something that no program reports.

    Raises: OSError.
    """
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
    """Yield the name of each chunk, whether it is a list, and the position and size of its content.

    The name of a list is its own, not LIST. For bytes that are no chunk the name is b"".
    """
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
