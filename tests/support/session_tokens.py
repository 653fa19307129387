"""Session tokens that are signed and verified in the process of the test."""

import asyncio
from typing import Any

import jwt
from support.tokens import SECRET

from tusd_py.auth.session import ClaimRules, SessionTokens
from tusd_py.clock import SystemClock
from tusd_py.domain.caller import Caller

RULES = ClaimRules(issuer="", audience="")


def sessions(rules: ClaimRules = RULES, **keys: Any) -> SessionTokens:
    return SessionTokens(rules, SystemClock(), **{"secret": SECRET.encode(), "keys": None, **keys})


def caller(tokens: SessionTokens, token: str) -> Caller:
    return asyncio.run(tokens.caller(token))


def now() -> int:
    return int(SystemClock().now())


def signed(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    return jwt.encode(claims, secret, algorithm="HS256", headers=header or None)
