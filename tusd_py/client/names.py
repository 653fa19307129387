"""Names of files that a server chose, made fit for a folder of the user's."""

import re
from email.message import Message
from typing import Final
from urllib.parse import unquote

from tusd_py.domain.printable import is_hidden

MAX_NAME_BYTES: Final = 200
"""Of UTF-8: file systems take 255, and a number may have to be put in."""
_MAX_SUFFIX: Final = 20
_EXTENDED: Final = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_FOREIGN: Final = re.compile(r'[<>:"|?*]')
"""What Windows takes in no name; a colon also names a stream of another file there."""
_DEVICES: Final = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE
)


def name_in(disposition: str) -> str:
    """The file name in a Content-Disposition, as ``safe_name`` makes it; '' if there is none."""
    message = Message()
    try:
        message["Content-Disposition"] = disposition
        plain = message.get_filename() or ""
    except (ValueError, LookupError):
        plain = ""
    # RFC 6266, 4.3: the extended form goes before the plain one.
    extended = _EXTENDED.search(disposition)
    return safe_name(unquote(extended[1]) if extended else plain)


def safe_name(name: str) -> str:
    """A name that stays in its folder, hides nothing and is good on any system.

    The last part of a path; no control or format characters, no dot at its beginning, no dot or space
    at its end, no device of Windows, at most ``MAX_NAME_BYTES``; '' where nothing is left.
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
    """``movie (1).mp4`` from ``movie.mp4``."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem} ({number}).{suffix}" if stem and dot else f"{name} ({number})"
