"""Gives the path at which this application is mounted in another one, for use in answers."""

from typing import Final
from urllib.parse import quote

from starlette.types import Scope

_SAFE: Final = "/-._~!$&'()*+,;=:@"
"""Characters that a path may have without percent-encoding (RFC 3986, 3.3)."""


def mount_path(scope: Scope) -> str:
    """Return the path of the mount, percent-encoded, without a slash at its end; '' for the root.

    ASGI's ``root_path`` is decoded, and where the mount has a parameter it contains text of the
    client. The result begins with exactly one slash: two would name another host (RFC 3986, 4.2).
    """
    path = quote(scope.get("root_path", ""), safe=_SAFE, errors="replace").strip("/")
    return f"/{path}" if path else ""
