"""Handles names of files: what their extensions claim, and the names under which they are saved."""

import re
import unicodedata
from typing import Final

from tusd_py.domain.filetypes import by_extension
from tusd_py.domain.printable import is_hidden
from tusd_py.domain.rendition import ORIGINAL, WEB

MAX_NAME_BYTES: Final = 255
"""Longest name that file systems take, in bytes of UTF-8."""
_MAX_ENDING_BYTES: Final = 20
_END: Final = re.compile(r"[\s.]+$")
_FOREIGN: Final = re.compile(r'[<>:"|?*]')
"""Characters that Windows accepts in no name; a colon also names a stream of another file there."""
_DEVICES: Final = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE
)


def extension_of(filename: str) -> str:
    """Return the extension after the last dot, in lower case and normalised (NFKC); '' if none."""
    name = unicodedata.normalize("NFKC", filename)
    _, dot, ext = name.rpartition(".")
    return ext.lower() if dot and ext.isascii() and ext.isalnum() and len(ext) <= 10 else ""


def safe_name(filename: str) -> str:
    """Return a name under which a file can be saved and shown; '' if nothing is left.

    Characters that hide or reorder others are removed; spaces and joiners of every script are kept.
    A separator of folders becomes ``_``. A name of more than ``MAX_NAME_BYTES`` is cut in front of
    its ending.
    """
    shown = "".join(character for character in filename if not is_hidden(character))
    plain = shown.replace("/", "_").replace("\\", "_")
    stem, ending = _split(plain)
    return fitted(stem, ending)


def portable_name(filename: str) -> str:
    """Return a safe name that every system accepts; '' if nothing is left.

    No space is at its beginning, no dot or space at its end, and it is no device of Windows.
    """
    plain = _END.sub("", _FOREIGN.sub("_", safe_name(filename))).lstrip()
    if _DEVICES.fullmatch(plain.partition(".")[0].strip()):
        plain = f"_{plain}"
    return _END.sub("", safe_name(plain))


def fitted(stem: str, ending: str) -> str:
    """Return both parts of a name in at most ``MAX_NAME_BYTES``; the stem is cut at a character."""
    room = MAX_NAME_BYTES - len(ending.encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore')}{ending}"


def numbered(name: str, number: int) -> str:
    """Return ``movie (1).mp4`` for ``movie.mp4``."""
    stem, ending = _split(name)
    return fitted(stem, f" ({number}){ending}")


def download_name(filename: str, *, ext: str, rendition: str | None) -> str:
    """Return the name of a download, made of the name of the file and of what is downloaded.

    ``film.mkv`` gives ``film.mp4`` as web copy, ``film.poster.jpg`` as poster, and ``film.mkv`` as
    original. An ending that is no known extension stays: ``Lecture 1.2`` gives ``Lecture 1.2.mp4``.

    Args: ext: extension of what is downloaded, with its dot; '' if it has none.
        rendition: its name; None or ``original``: the file as it was sent, which keeps its name.
    Returns: a safe name.
    """
    plain = safe_name(filename) or "file"
    if rendition in (None, ORIGINAL):
        return plain
    plain = _END.sub("", plain) or plain
    stem, known = _split(plain)
    if by_extension(extension_of(known)) is None:
        stem, known = plain, ""
    label = "" if rendition == WEB else f".{rendition}"
    same = not label and extension_of(known) == ext.removeprefix(".")
    return fitted(stem, known if same else f"{label}{ext}")


def _split(name: str) -> tuple[str, str]:
    """Return the stem, and the ending with its dot; '' if there is no short one."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > _MAX_ENDING_BYTES:
        return name, ""
    return stem, f"{dot}{ending}"
