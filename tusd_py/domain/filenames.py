"""Handles names of files: what their extensions claim, and the names of downloads."""

import unicodedata
from typing import Final

from tusd_py.domain.filetypes import by_extension
from tusd_py.domain.rendition import ORIGINAL, WEB

MAX_NAME_CHARACTERS: Final = 255
"""Longest name of a download."""


def extension_of(filename: str) -> str:
    """Return the extension after the last dot, in lower case and normalised (NFKC); '' if none."""
    name = unicodedata.normalize("NFKC", filename)
    _, dot, ext = name.rpartition(".")
    return ext.lower() if dot and ext.isascii() and ext.isalnum() and len(ext) <= 10 else ""


def download_name(filename: str, *, ext: str, rendition: str | None) -> str:
    """Return the name of a download, made of the name of the file and of what is downloaded.

    ``film.mkv`` gives ``film.mp4`` as web copy, ``film.poster.jpg`` as poster, and ``film.mkv`` as
    original. An ending that is no known extension stays: ``Lecture 1.2`` gives ``Lecture 1.2.mp4``.
    Control and format characters are removed, and a separator of folders becomes ``_``.

    Args: ext: extension of what is downloaded, with its dot; '' if it has none.
        rendition: its name; None or ``original``: the file as it was sent, which keeps its name.
    Returns: at most ``MAX_NAME_CHARACTERS``, of which the ending is kept.
    """
    shown = "".join(char for char in filename if char.isprintable())
    plain = shown.encode("utf-8", "replace").decode().replace("/", "_").replace("\\", "_") or "file"
    is_original = rendition in (None, ORIGINAL)
    if not is_original:
        plain = plain.rstrip(" .") or plain
    stem, ending = _parts(plain)
    if not is_original:
        label = "" if rendition == WEB else f".{rendition}"
        same = not label and extension_of(ending) == ext.removeprefix(".")
        ending = ending if same else f"{label}{ext}"
    return f"{stem[: MAX_NAME_CHARACTERS - len(ending)]}{ending}"


def _parts(name: str) -> tuple[str, str]:
    """Return the stem and the known extension with its dot; else the whole name and ''."""
    stem, dot, ending = name.rpartition(".")
    if stem and by_extension(extension_of(f".{ending}")) is not None:
        return stem, f"{dot}{ending}"
    return name, ""
