"""Make the file names that a server sends safe for a folder of the user."""

import re
from email.message import Message
from typing import Final
from urllib.parse import unquote

from tusd_py.domain.filenames import portable_name, safe_name

_EXTENDED: Final = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_AT_START: Final = re.compile(r"^[\s.]+")


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
    return local_name(unquote(extended[1]) if extended else plain)


def local_name(name: str) -> str:
    """Return a safe name that stays in its folder and is valid on every system.

    The last part of a path; no dot at its beginning, no dot or space at its end, no device of
    Windows; '' where nothing is left.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = portable_name(_AT_START.sub("", safe_name(last)))
    return portable_name(f"_{plain}") if plain.startswith(("-", "~")) else plain
