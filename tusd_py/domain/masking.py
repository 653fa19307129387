"""Hides secrets in texts that are shown or logged: a URL may hold a user, a password or a token."""

import re
from typing import Final

MASK: Final = "********"

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_CLOSING: Final = "\"'<>()[]{},;.:?!\\"
"""Characters at the end of a URL that belong to the sentence or the literal around it."""
_PLAIN_AUTHORITY: Final = re.compile(r"(\[[^\]]*\]|[^:@]*)(:[0-9]*)?")
_LINK: Final = re.compile(
    r"(?:(?<=/s/)[A-Za-z0-9_-]{40}|(?<=/media/)ey[\w.-]{40,}|(?<=/archives/)ey[\w.-]{40,})(?![\w-])",
    re.ASCII,
)
"""The token in the path of a link (``auth``), which is the whole right to what it gives."""
_BEFORE_TOKENS: Final = ("/s/", "/media/", "/archives/")
"""What precedes such a token: the search for it alone takes 5 µs for a line of the log."""
_TARGET: Final = re.compile(r"(?<![\w:/])(/[^\s?\"'<>]*)\?[^\s\"'<>]+")
"""A path with a query, as HTTP libraries write it into their errors."""
_CREDENTIALS: Final = re.compile(r"(?<![^\s\"'=(\[])[^\s\"'=(\[:@/]*:(?!//)[^\s@]+@(?=[\w\[])")
"""``user:password@`` without a scheme, as in ``user:password@tcp(host:3306)/database``."""


def masked(text: str) -> str:
    """Return the text with ``********`` for user, password, query and fragment of each URL in it.

    Queries of paths, tokens of links and ``user:password`` before ``@host`` are replaced too.
    Other paths are kept: an address whose path is a secret must not be set where it is shown.
    """
    if any(part in text for part in _BEFORE_TOKENS):
        text = _LINK.sub(MASK, text)
    if "://" in text:
        text = _URL.sub(_masked_match, text)
    if "?" in text:
        text = _TARGET.sub(rf"\1?{MASK}", text)
    return _CREDENTIALS.sub(f"{MASK}@", text) if "@" in text else text


def masked_value(text: str) -> str:
    """Return the whole value of a setting, masked; a password in it may hold any character."""
    if "://" in text:
        return _masked_url(text)
    user, at, host = text.rpartition("@")
    kept, _, query = (host if at and ":" in user else text).partition("?")
    hidden = f"?{MASK}" if "=" in query else f"?{query}" if query else ""
    return f"{MASK}@{kept}{hidden}" if at and ":" in user else f"{kept}{hidden}"


def _masked_match(found: re.Match[str]) -> str:
    url = found[0].rstrip(_CLOSING)
    return _masked_url(url) + found[0][len(url) :]


def _masked_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and not _PLAIN_AUTHORITY.fullmatch(authority):
        # The last @: a password that is not escaped may hold an @, a slash or a question mark.
        rest = MASK + rest[rest.rindex("@") :]
    kept = re.split(r"[?#]", rest, maxsplit=1)[0]
    hidden = f"{rest[len(kept)]}{MASK}" if len(kept) < len(rest) else ""
    return f"{scheme}://{kept}{hidden}"
