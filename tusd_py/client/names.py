"""Make the file names that a server sends safe for a folder of the user."""

import re
from email.message import Message
from typing import Final
from urllib.parse import unquote

from tusd_py.domain.printable import is_hidden

MAX_NAME_BYTES: Final = 200
"""Bytes of UTF-8: file systems accept 255, and a number may be added."""
_MAX_SUFFIX: Final = 20
_EXTENDED: Final = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_FOREIGN: Final = re.compile(r'[<>:"|?*]')
"""Characters that Windows accepts in no name; a colon also names a stream of another file there."""
_DEVICES: Final = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE
)


def name_in(disposition: str) -> str:
    """Return the file name in a Content-Disposition, made safe; '' if there is none."""
    message = Message()
    try:
        message["Content-Disposition"] = disposition
        plain = message.get_filename() or ""
    except (ValueError, LookupError):
        plain = ""
    # RFC 6266, 4.3: the extended form has priority over the plain one.
    extended = _EXTENDED.search(disposition)
    return safe_name(unquote(extended[1]) if extended else plain)


def safe_name(name: str) -> str:
    """Return a name that stays in its folder, hides nothing and is valid on every system.

    The last part of a path; no control or format characters, no dot at its beginning, no dot or
    space at its end, no device of Windows, at most ``MAX_NAME_BYTES``; '' where nothing is left.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if not is_hidden(character))
    plain = _FOREIGN.sub("_", shown).strip().lstrip(". ").rstrip(". ")
    if plain.startswith(("-", "~")):
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    if not stem or len(suffix.encode()) > _MAX_SUFFIX:
        stem, dot, suffix = plain, "", ""
    kept = stem.encode()[: MAX_NAME_BYTES - len(suffix.encode()) - 1].decode("utf-8", "ignore")
    plain = f"{kept.rstrip('. ')}{dot}{suffix}"
    if _DEVICES.fullmatch(plain.partition(".")[0].strip()):
        plain = f"_{plain}"
    return plain


def numbered(name: str, number: int) -> str:
    """Return ``movie (1).mp4`` for ``movie.mp4``."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem} ({number}).{suffix}" if stem and dot else f"{name} ({number})"
