"""Tokens for tests: good ones, and every kind of bad one."""

from typing import Any

import jwt

from tusd_py.clock import SystemClock

SECRET = "9f2c61b07ad84e53a1c06e8f47d2b935"
OTHER_SECRET = "0a7be4c98d315f62b7e3d09461fa285c"
A_DAY = 86_400
"""Some are made before the first test runs, and a slow machine's last one is far behind."""


def token(user: object = 7, *, secret: str = SECRET, seconds: float = A_DAY, **claims: Any) -> str:
    """A session token that is good for so long; ``secret`` and claims may spoil it."""
    named = {"userId": user, "exp": int(SystemClock().now() + seconds), **claims}
    return jwt.encode(named, secret, algorithm="HS256")


def unsigned(user: int = 7) -> str:
    """``alg: none`` (RFC 7518, 3.6)."""
    return jwt.encode(
        {"userId": user, "exp": int(SystemClock().now() + A_DAY)}, None, algorithm="none"
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
