"""Keep the servers that a user has logged in to, with a token for each.

The file can be read by its owner only. The first server is the default one.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tusd_py.private_files import FILE_MODE, close_to_others, make_private_directory, write_private


class UnreadableLogins(Exception):
    """Raised when the file of logins is there, but has not the form that this module writes."""


@dataclass(frozen=True, slots=True)
class Login:
    """A server's tus endpoint, and the token for it; None where the server needs none."""

    url: str
    token: str | None = None


def logins_file() -> Path:
    """Return the file, below ``$XDG_CONFIG_HOME`` or ``~/.config``."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # A relative path is to be ignored (XDG Base Directory Specification).
    folder = base if base.is_absolute() else Path.home() / ".config"
    return folder / "tusd-py" / "logins.json"


class Logins:
    """Reads and writes the file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def all(self) -> list[Login]:
        """Return all logins, the default one first. Raises: UnreadableLogins, OSError."""
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return []
        close_to_others(self.file, FILE_MODE)
        try:
            return [_login_of(entry) for entry in json.loads(content)["servers"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableLogins(str(self.file)) from error

    def default(self) -> Login | None:
        """Return the login that commands use without an address. Raises: as ``all``."""
        return next(iter(self.all()), None)

    def token_for(self, url: str) -> str | None:
        """Return the token of this endpoint, and of no other one. Raises: as ``all``."""
        return next((one.token for one in self.all() if one.url == url), None)

    def keep(self, login: Login) -> None:
        """Keep a login as the default one, in place of an earlier one. Raises: as ``all``."""
        self._write([login, *(one for one in self.all() if one.url != login.url)])

    def forget(self, url: str) -> bool:
        """Remove the login of an endpoint; False if there is none. Raises: as ``all``."""
        before = self.all()
        after = [one for one in before if one.url != url]
        if len(after) == len(before):
            return False
        self._write(after)
        return True

    def _write(self, logins: list[Login]) -> None:
        make_private_directory(self.file.parent)
        servers = [{"url": one.url, "token": one.token} for one in logins]
        write_private(self.file, json.dumps({"servers": servers}, indent=2).encode() + b"\n")


def _login_of(entry: Any) -> Login:  # noqa: ANN401
    """Return an entry of the file. Raises: KeyError, TypeError."""
    url, token = entry["url"], entry["token"]
    if not isinstance(url, str) or not isinstance(token, str | None):
        raise TypeError("a login has texts")
    return Login(url, token)
