"""Makes of the path that a client sends with a file a path that is safe on every system.

Clients send it as ``relativePath``: the path of a file below the folder that a user chose, with
that folder's name, as Uppy does it.
"""

import re
import unicodedata
from typing import Final

from tusd_py.domain.filenames import portable_name

METADATA_KEY: Final = "relativePath"
MAX_PARTS: Final = 64
MAX_BYTES: Final = 1024
"""Longest path in UTF-8."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def safe_path(text: str) -> str:
    """Return a path like ``photos/2024/a.jpg``; '' if the text names no folder or is no safe path.

    Both kinds of slashes separate parts, and slashes at the beginning have no meaning: some clients
    send them. Each part is a name that every system accepts. A path with ``..`` or with a drive of
    Windows, and one that is too long, is none: its file has no folder.
    """
    parts = [part for part in composed(text).replace("\\", "/").split("/") if part not in ("", ".")]
    if not 1 < len(parts) <= MAX_PARTS or _DRIVE.fullmatch(parts[0]):
        return ""
    names = [portable_name(part) for part in parts]
    path = composed("/".join(names))
    # Of a part with dots only, such as .., nothing is left.
    return path if all(names) and len(path.encode()) <= MAX_BYTES else ""


def composed(text: str) -> str:
    """Return the text in one form (NFC): macOS sends names in another one."""
    return unicodedata.normalize("NFC", text)
