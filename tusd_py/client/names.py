"""Make the file names that a server sends safe for a folder of the user."""

import re
from email.message import Message
from typing import Final
from urllib.parse import unquote

from tusd_py.domain.filenames import safe_name

_EXTENDED: Final = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_FOREIGN: Final = re.compile(r'[<>:"|?*]')
"""Characters that Windows accepts in no name; a colon also names a stream of another file there."""
_AT_ENDS: Final = re.compile(r"^[\s.]+|[\s.]+$")
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
    return local_name(unquote(extended[1]) if extended else plain)


def local_name(name: str) -> str:
    """Return a safe name that stays in its folder and is valid on every system.

    The last part of a path; no dot at its beginning, no dot or space at its end, no device of
    Windows; '' where nothing is left.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = _AT_ENDS.sub("", _FOREIGN.sub("_", safe_name(last)))
    if plain.startswith(("-", "~")) or _DEVICES.fullmatch(plain.partition(".")[0].strip()):
        plain = f"_{plain}"
    return _AT_ENDS.sub("", safe_name(plain))
