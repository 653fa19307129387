"""Check addresses: a client never follows what a server names to another origin.

An origin is scheme, host and port (RFC 6454, 4). Credentials are for the origin that the caller
gave.
"""

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urljoin

import httpx

from tusd_py.client.errors import Refused

MAX_ADDRESS: Final = 8192
"""The most characters of an address that a server names."""
MAX_PORT: Final = 65535
_PORTS: Final = {"http": 80, "https": 443}


class OriginHeaders:
    """Holds the headers of requests to the endpoint's origin, including credentials."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._headers = headers

    def to(self, address: str, more: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a request to an address, with ``more``.

        Raises: Refused: the address is of another origin.
        """
        if not same_origin(self._endpoint, address):
            raise Refused(f"the credentials are for another server than {address[:200]}")
        return {**self._headers, **more}


def checked_endpoint(text: str) -> tuple[str, str | None]:
    """Return the endpoint's address with a slash at its end, and the ``Authorization`` in it.

    User and password are removed from the address; they make the ``Authorization`` (RFC 7617).

    Raises: ValueError: it is not an http or https address.
    """
    url = _parsed(text)
    if url is None or url.query or url.fragment:
        raise ValueError("must be the address of a tus endpoint such as https://example.org/files/")
    basic = None
    if url.userinfo:
        user, _, password = url.userinfo.decode("ascii").partition(":")
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
    path = url.raw_path if url.raw_path.endswith(b"/") else url.raw_path + b"/"
    return str(url.copy_with(userinfo=b"", raw_path=path)), basic


def checked_access(text: str, token: str | None) -> tuple[str, dict[str, str]]:
    """Return the endpoint's address, and the ``Authorization`` of requests to its origin, if any.

    It is the token, or else the user and the password in the address.

    Raises: ValueError: it is not an http address, or the token can't be in a header.
    """
    address, basic = checked_endpoint(text)
    authorization = f"Bearer {checked_token(token)}" if token else basic
    return address, {"Authorization": authorization} if authorization else {}


def checked_token(token: str) -> str:
    """Return the token without spaces around it. Raises: ValueError: a header can't contain it."""
    stripped = token.strip()
    if not (stripped.isascii() and stripped.isprintable()) or " " in stripped:
        raise ValueError("the token must consist of printable ASCII without spaces")
    return stripped


def same_origin(one: str, other: str) -> bool:
    """Return whether both are http or https addresses of the same scheme, host and port."""
    first, second = _parsed(one), _parsed(other)
    return first is not None and second is not None and _origin(first) == _origin(second)


def upload_address(endpoint: str, location: str | None) -> str:
    """Return the address of an upload that the server at ``endpoint`` names in ``Location``.

    Raises: Refused: there is none, or it is of another origin or contains a user.
    """
    if not location:
        raise Refused("the server named no address for the upload: is this a tus endpoint?")
    address = joined_address(endpoint, location)
    if address is None or not same_origin(endpoint, address):
        raise Refused(
            "the server named an address of another origin for the upload, where nothing is sent: "
            f"{location[:200]}"
        )
    return address


def redirected_address(address: str, location: str | None) -> str:
    """Return the target of a redirect of a download, which may be another origin.

    Raises: Refused: there is no target, its scheme is neither http nor https, or it is http after
        https.
    """
    found = joined_address(address, location) if location else None
    if found is None:
        raise Refused("the server redirects the download to no http or https address")
    if address.startswith("https:") and not found.startswith("https:"):
        raise Refused("the server redirects the download from https to http, which is refused")
    return found


def joined_address(base: str, location: str) -> str | None:
    """Return the address that a server names; None if it is no plain http or https address."""
    if len(location) > MAX_ADDRESS or not location.isprintable():
        return None
    try:
        url = _parsed(urljoin(base, location))
    except ValueError:
        return None
    if url is None or url.userinfo:
        return None
    return str(url.copy_with(fragment=None))


def _parsed(text: str) -> httpx.URL | None:
    """Parse an address with the parser of the client that connects, so that both agree."""
    try:
        url = httpx.URL(text)
        known = url.scheme in _PORTS and bool(url.raw_host) and (url.port or 0) <= MAX_PORT
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return None
    return url if known else None


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host.lower(), url.port or _PORTS[url.scheme]
