"""Reads the part of a file that shows its type."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 1 << 16
"""Most types are recognised by these first bytes of a file."""
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
"""Control characters except tabulators, ends of lines and pages, and escapes of terminals."""


@dataclass(frozen=True, slots=True)
class HeadReader:
    """Holds a file's first bytes, and can read others. Offsets, lengths and sizes are in bytes."""

    head: bytes
    size: int | None = None
    """Size of the whole file; None while more bytes may follow."""
    read: Callable[[int, int], bytes] | None = None
    """Returns the bytes from a start for a length, fewer at the end of the file."""

    def read_at(self, start: int, length: int) -> bytes | None:
        """Return the bytes from ``start``, fewer at the end of the file; None: unreadable."""
        if start < 0 or length < 0:
            return b""
        if start + length <= len(self.head) or self.size == len(self.head):
            return self.head[start : start + length]
        if self.read is None or self.size is None:
            return None
        # A place that the file itself names may lie beyond any file.
        return self.read(start, min(length, self.size - start)) if start < self.size else b""


def is_text(head: bytes) -> bool:
    """Return whether bytes can begin a text in UTF-8, or in UTF-16 with a byte order mark."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) & ~1].decode("utf-16", "replace")
    else:
        try:
            text = head.decode("utf-8")
        except UnicodeDecodeError as error:
            # The last character may be cut off.
            if error.start < len(head) - 3 or error.reason != "unexpected end of data":
                return False
            text = head[: error.start].decode("utf-8")
    return _CONTROLS.search(text) is None
