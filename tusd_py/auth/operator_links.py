"""Identifies the operator of a server without authentication: by one-time links and their cookies.

A link is a random key; its hash is the name of an empty file in ``operator/`` of the data
directory, and removing that file uses the link up. So a user who may write there can make a link
for a running server, and of several servers that share the directory exactly one accepts it. A
request from the server's own machine proves nothing: a proxy, a web page or another user may send
it.
"""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.private_files import DIRECTORY_MODE, FILE_MODE, NEW_FILE, write_private_once

LINK_SECONDS: Final = DAY_SECONDS
COOKIE_SECONDS: Final = DAY_SECONDS
_SECRET_BYTES: Final = 32
_KEY: Final = re.compile(r"([0-9a-f]{1,12})\.[A-Za-z0-9_-]{43}")
_COOKIE: Final = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{64})")


def page_link(base_url: str, key: str) -> str:
    """Return the address that a link's key opens.

    ``base_url``: the server's, without a final slash.
    """
    return f"{base_url}/admin?key={key}"


class OperatorLinks:
    """Makes links and cookies of one data directory.

    Methods block on the disk; they raise OSError.
    """

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self.directory = data_dir / "operator"
        self._clock = clock

    def prepare(self) -> None:
        """Create the directory and the secret that signs cookies, as the server's user."""
        self.directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        self._secret()

    def derived_secret(self, purpose: str) -> bytes:
        """Return a secret for another purpose; servers that share the directory have the same."""
        self.prepare()
        return hmac.digest(self._secret(), purpose.encode(), "sha256")

    def new_key(self) -> str:
        """Return the key of a new link, valid for one use within ``LINK_SECONDS``."""
        self.directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        self._remove_expired()
        key = f"{self._expiry(LINK_SECONDS)}.{secrets.token_urlsafe(32)}"
        os.close(os.open(self._place(key), NEW_FILE, FILE_MODE))
        return key

    def use_key(self, key: str) -> bool:
        """Use a link up. Return whether it was valid."""
        match = _KEY.fullmatch(key)
        if match is None:
            return False
        try:
            self._place(key).unlink()
        except FileNotFoundError:
            return False
        return self._is_ahead(match[1])

    def cookie_name(self) -> str:
        """Return the cookie's name, one for each data directory: ports of a host share cookies."""
        return f"tusd_py_operator_{hashlib.sha256(self._secret()).hexdigest()[:8]}"

    def new_cookie(self) -> str:
        """Return the value of a cookie that is valid for ``COOKIE_SECONDS``."""
        expiry = self._expiry(COOKIE_SECONDS)
        return f"{expiry}.{self._signature(expiry)}"

    def is_cookie(self, value: str) -> bool:
        """Return whether a value was made by ``new_cookie`` and is still valid."""
        match = _COOKIE.fullmatch(value)
        if match is None or not hmac.compare_digest(match[2], self._signature(match[1])):
            return False
        return self._is_ahead(match[1])

    def _place(self, key: str) -> Path:
        return self.directory / f"link-{hashlib.sha256(key.encode()).hexdigest()}"

    def _expiry(self, seconds: float) -> str:
        return f"{int(self._clock.now() + seconds):x}"

    def _is_ahead(self, expiry: str) -> bool:
        return int(expiry, 16) > self._clock.now()

    def _signature(self, expiry: str) -> str:
        return hmac.digest(self._secret(), f"operator {expiry}".encode(), "sha256").hex()

    def _remove_expired(self) -> None:
        for place in self.directory.glob("link-*"):
            try:
                if place.stat().st_mtime + LINK_SECONDS < self._clock.now():
                    place.unlink()
            except FileNotFoundError:
                continue

    def _secret(self) -> bytes:
        """Read the secret each time: another server that shares the directory may have made it."""
        place = self.directory / "secret"
        with suppress(FileNotFoundError):
            found = place.read_bytes()
            if len(found) == _SECRET_BYTES:
                return found
            # A power failure has kept the name and lost the content.
            place.unlink()
        write_private_once(place, secrets.token_bytes(_SECRET_BYTES))
        return place.read_bytes()
