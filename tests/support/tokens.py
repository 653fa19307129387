"""Tokens for tests: good ones, and every kind of bad one."""

from typing import Any

import jwt

from tusd_py.clock import SystemClock

SECRET = "9f2c61b07ad84e53a1c06e8f47d2b935"
OTHER_SECRET = "0a7be4c98d315f62b7e3d09461fa285c"
A_DAY = 86_400
"""Long, as some are made before the first test runs, and the last test may start much later."""


def token(user: object = 7, *, secret: str = SECRET, seconds: float = A_DAY, **claims: Any) -> str:
    """Return a session token for a number of seconds; ``secret`` and claims can make it invalid."""
    named = {"userId": user, "exp": int(SystemClock().now() + seconds), **claims}
    return jwt.encode(named, secret, algorithm="HS256")


def unsigned(user: int = 7) -> str:
    """Return a token with ``alg: none`` (RFC 7518, 3.6)."""
    return jwt.encode(
        {"userId": user, "exp": int(SystemClock().now() + A_DAY)}, None, algorithm="none"
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
