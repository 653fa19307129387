"""Where this application is mounted in another one, as an answer may say it."""

from typing import Final
from urllib.parse import quote

from starlette.types import Scope

_SAFE: Final = "/-._~!$&'()*+,;=:@"
"""What a path may have as it is (RFC 3986, 3.3)."""


def mount_path(scope: Scope) -> str:
    """Return the path of the mount, percent-encoded, without a slash at its end; '' for the root.

    ASGI's ``root_path`` is decoded, and is the client's text where the mount has a parameter. It begins
    with one slash here: two would name another host (RFC 3986, 4.2).
    """
    path = quote(scope.get("root_path", ""), safe=_SAFE, errors="replace").strip("/")
    return f"/{path}" if path else ""
