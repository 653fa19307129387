"""Separates the content of a form's file from what follows it, without a copy (RFC 2046, 5.1.1).

The content does not go through the parser, which needs 50 ms for 64 KiB that contain many
beginnings of delimiters. What follows does, to find out whether it holds another file: one of the
two would be lost. Of it ``BEHIND_FILE_BYTES`` are examined.
"""

import ctypes
from collections.abc import Sequence
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

BEHIND_FILE_BYTES: Final = 64 * 1024
"""Most bytes behind the file in which another file is looked for."""
NOT_WHOLE: Final = "The body is not a whole multipart form."
_memmem: Final = getattr(ctypes.CDLL(None), "memmem", None)
"""Searches in memory; None where the C library has no such function.

A view has no ``find``: a copy and its search cost 0.17 CPU seconds per GiB, this 0.08.
"""
if _memmem is not None:
    _memmem.restype = ctypes.c_void_p
    _memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)


class MalformedForm(Exception):
    """Is raised when bytes can't be the rest of the form; its text is for the client."""


class FormContent:
    """Takes the bytes of a form from its file's first byte on. It is used by one thread at a time.

    The parser gets what follows the file; its callbacks call ``note_second`` and ``note_end``.
    """

    def __init__(self, boundary: bytes, behind: MultipartParser, *, chosen: bool) -> None:
        """``chosen``: the part names a file; a browser sends no name and no byte for none."""
        self._delimiter = b"\r\n--" + boundary
        self._parser = behind
        self._chosen = chosen
        self._tail = b""
        """Last bytes that were taken, which may be the first bytes of the delimiter."""
        self._room = BEHIND_FILE_BYTES
        self._has_second = False
        self.is_whole = False
        """Whether the file's last byte was taken."""
        self.is_over = False
        """Whether what may still come does not matter."""

    def note_second(self) -> None:
        """Note that another file follows."""
        self._has_second = True

    def note_end(self) -> None:
        """Note that the form ends."""
        self.is_over = True

    def take(self, chunks: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
        """Return those of the next bytes that belong to the file. Raises: MalformedForm."""
        pieces: list[bytes | memoryview] = []
        for chunk in chunks:
            behind = chunk if self.is_whole else self._take_content(chunk, pieces)
            if behind and not self.is_over:
                self._examine(bytes(behind[: self._room]))
        return pieces

    def _take_content(
        self, chunk: bytes | memoryview, pieces: list[bytes | memoryview]
    ) -> bytes | memoryview:
        """Add what belongs to the file to ``pieces``, and return what is behind the file."""
        size = len(self._delimiter)
        at = 0
        if self._tail:
            # The delimiter has one CR, its first byte: no other delimiter begins within the tail.
            at = max(0, size + 2 - len(self._tail))
            held = self._tail + bytes(chunk[:at])
            if held.startswith(self._delimiter) or self._delimiter.startswith(held):
                return self._end(held, chunk[at:])
            pieces.append(self._tail)
            self._tail = b""
            self._chosen = True
        at = _find(chunk, self._delimiter)
        if at < 0:
            # Only the last CR can begin it.
            last = bytes(chunk[max(0, len(chunk) - size + 1) :])
            at = last.rfind(b"\r")
            begins = at >= 0 and self._delimiter.startswith(last[at:])
            at = len(chunk) - (len(last) - at if begins else 0)
        if at:
            pieces.append(chunk[:at])
            self._chosen = True
        return self._end(bytes(chunk[at : at + size + 2]), chunk[at + size + 2 :])

    def _end(self, held: bytes, rest: bytes | memoryview) -> bytes:
        """End the file if ``held`` is a delimiter and the two bytes behind it, else keep it.

        Returns: what is behind the file: the delimiter, without its line end, and the rest.
        """
        size = len(self._delimiter)
        if len(held) < size + 2:
            self._tail = held
            return b""
        behind = held[size:]
        if behind not in (b"\r\n", b"--") and behind[:1] not in (b" ", b"\t"):
            raise MalformedForm(NOT_WHOLE)
        if not self._chosen:
            raise MalformedForm("The form has no file: none was chosen.")
        self.is_whole = True
        return held[2:] + bytes(rest[: self._room])

    def _examine(self, data: bytes) -> None:
        """Look for another file; what is malformed here does not matter, the file being whole."""
        self._room -= len(data)
        try:
            self._parser.write(data)
        except FormParserError:
            self.is_over = True
        if self._has_second:
            raise MalformedForm("The form has more than one file in its field named file.")
        if self._room <= 0:
            self.is_over = True


def _find(chunk: bytes | memoryview, delimiter: bytes) -> int:
    """Return where the delimiter is in the chunk; -1: nowhere."""
    if isinstance(chunk, bytes) or chunk.readonly or _memmem is None:
        return bytes(chunk).find(delimiter)
    if not chunk:
        return -1
    begin = ctypes.addressof(ctypes.c_char.from_buffer(chunk))
    found = _memmem(begin, len(chunk), delimiter, len(delimiter))
    return -1 if found is None else int(found) - begin
