"""Recognises ZIP archives, and the documents that are ZIP archives.

Sources: PKWARE APPNOTE 6.3.10; ISO/IEC 29500-2 (Office Open XML); OASIS OpenDocument 1.3, part 2,
and EPUB 3.3 OCF, whose first entry is ``mimetype``, stored as it is.
"""

from collections.abc import Iterator
from typing import Final

from tusd_py.domain.filetypes import DOCX, EPUB, ODP, ODS, ODT, PPTX, XLSX, ZIP, FileType
from tusd_py.domain.signatures.head_reader import HeadReader

_LOCAL: Final = b"PK\x03\x04"
_CENTRAL: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_MAX_COMMENT_BYTES: Final = 0xFFFF
_MAX_DIRECTORY_BYTES: Final = 1 << 20
"""Bytes of a list of contents that are read at most."""
_MAX_LOCAL_HEADERS: Final = 64
"""Entries within which a document is recognised, if not by the list at the end."""
_FOLDERS: Final = ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX))
_CONTENT_TYPES: Final = b"[Content_Types].xml"
_NAMED: Final = {kind.mime.encode(): kind for kind in (ODT, ODS, ODP, EPUB)}


def archive(reader: HeadReader) -> FileType | None:
    """Return ZIP, or the document that the archive is, by the names of its contents."""
    head = reader.head
    if head.startswith(_END) and len(head) >= _END_BYTES:
        return ZIP
    if not head.startswith(_LOCAL):
        return None
    if head[30:38] == b"mimetype":
        start = 38 + int.from_bytes(head[28:30], "little")
        size = int.from_bytes(head[22:26], "little") or max(map(len, _NAMED))
        return _NAMED.get(head[start : start + size], ZIP)
    found = _document(list(_local_names(head)))
    return found or _document(list(_central_names(reader))) or ZIP


def _document(names: list[bytes]) -> FileType | None:
    if not any(name == _CONTENT_TYPES or name.startswith(b"_rels/") for name in names):
        return None
    for folder, kind in _FOLDERS:
        if any(name.startswith(folder) for name in names):
            return kind
    return None


def _local_names(head: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_MAX_LOCAL_HEADERS):
        header = head[at : at + 30]
        if at < 0 or len(header) < 30 or not header.startswith(_LOCAL):
            return
        packed, length, extra = (
            int.from_bytes(header[18:22], "little"),
            int.from_bytes(header[26:28], "little"),
            int.from_bytes(header[28:30], "little"),
        )
        yield head[at + 30 : at + 30 + length]
        after = at + 30 + length + extra
        # If the length follows the content, the next header must be searched.
        is_sized = not header[6] & 8 and packed != 0xFFFFFFFF
        at = after + packed if is_sized else head.find(_LOCAL, after)


def _central_names(reader: HeadReader) -> Iterator[bytes]:
    if reader.size is None:
        return
    length = min(reader.size, _END_BYTES + _MAX_COMMENT_BYTES)
    tail = reader.read_at(reader.size - length, length) or b""
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_BYTES:
        return
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    start = reader.size - length + end - size
    if start < 0:
        return
    directory = reader.read_at(start, min(size, _MAX_DIRECTORY_BYTES)) or b""
    at = 0
    while directory[at : at + 4] == _CENTRAL:
        lengths = [int.from_bytes(directory[at + n : at + n + 2], "little") for n in (28, 30, 32)]
        yield directory[at + 46 : at + 46 + lengths[0]]
        at += 46 + sum(lengths)
