"""Read who a session token is for, to show it; only the server can verify it."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says about itself; '' and None where it says nothing that can be read."""

    user: str = ""
    ends: datetime | None = None


def token_claims(token: str) -> TokenClaims:
    """Return the user and the end of a JSON Web Token (RFC 7519); other tokens have none."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = read_json_object(base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}"))
    except (ValueError, NotAJsonObject):
        return TokenClaims()
    user = next((claims[name] for name in ("userId", "sub") if claims.get(name)), "")
    return TokenClaims(str(user), _moment(claims.get("exp")))


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
