"""Verifies session tokens: JWTs of users, by a shared secret or an issuer's keys (requirement S22).

Rule 1: the origin of a key decides the algorithm that it is used with, never the token (RFC 8725,
3.1).
Rule 2: no answer contains what is wrong with a forged token.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt import PyJWK
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from tusd_py.auth.jwks_cache import JwksCache
from tusd_py.auth.subject import priority_of, roles_of, tenant_of, user_id_of
from tusd_py.auth.token_kind import MAX_TOKEN_CHARACTERS
from tusd_py.clock import Clock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import TokenExpired, TokenInvalid

LEEWAY_SECONDS: Final = 30
MAX_CACHED: Final = 1024
"""Verified tokens that are cached: verifying one takes 30 us, finding it takes 1 us."""
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """States what a token must contain, and which of its claims name the user."""

    issuer: str = ""
    audience: str = ""
    user_claim: str = ""
    """Empty: ``userId``, as in the original API, else ``sub``."""
    role_claim: str = "role"
    tenant_claim: str = "tenant"
    priority_claim: str = ""
    """Empty: every user has the same priority."""


@dataclass(frozen=True, slots=True)
class _CachedCaller:
    caller: Caller
    expires_at: float
    kid: str | None
    key: PyJWK | bytes


class SessionTokens:
    """Identifies callers by their tokens, on one event loop."""

    def __init__(
        self, rules: ClaimRules, clock: Clock, *, secret: bytes | None, keys: JwksCache | None
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._secret = secret
        self._keys = keys
        self._seen: OrderedDict[str, _CachedCaller] = OrderedDict()

    async def caller(self, token: str) -> Caller:
        """Return the caller of a token. Raises: TokenInvalid, TokenExpired, KeysUnavailable."""
        seen = self._seen.get(token)
        if seen is not None and self._clock.now() < seen.expires_at + LEEWAY_SECONDS:
            # When a key is withdrawn, its tokens become invalid too.
            by_secret = isinstance(seen.key, bytes)
            if by_secret or (self._keys and await self._keys.key(seen.kid) is seen.key):
                return seen.caller
        header = unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        key: bytes | PyJWK
        if algorithm == "HS256" and self._secret is not None:
            key = self._secret
        elif self._keys is not None and (kid is None or isinstance(kid, str)):
            key = await self._keys.key(kid)
        else:
            raise TokenInvalid
        claims = verified_claims(token, key, self._rules)
        caller = caller_of(claims, self._rules)
        self._seen[token] = _CachedCaller(caller, float(claims["exp"]), kid, key)
        if len(self._seen) > MAX_CACHED:
            self._seen.popitem(last=False)
        return caller


def unverified_header(token: str) -> Mapping[str, Any]:
    """Return the header of a token, only to find its key. Raises: TokenInvalid."""
    if len(token) > MAX_TOKEN_CHARACTERS or not _COMPACT.fullmatch(token):
        raise TokenInvalid
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError) as error:
        raise TokenInvalid from error
    if "crit" in header:
        # RFC 7515, 4.1.11: an extension that must be understood and is not.
        raise TokenInvalid
    return header


def verified_claims(token: str, key: bytes | PyJWK, rules: ClaimRules) -> Mapping[str, Any]:
    """Return the claims of a token that this key signed and that is in force.

    Raises: TokenInvalid; TokenExpired: genuine, but expired.
    """
    algorithm = "HS256" if isinstance(key, bytes) else key.algorithm_name
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            leeway=LEEWAY_SECONDS,
            issuer=rules.issuer or None,
            audience=rules.audience or None,
            options={
                "require": ["exp"],
                "verify_iss": bool(rules.issuer),
                "verify_aud": bool(rules.audience),
                # A user may be a number here, other than RFC 7519 requires for sub.
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except ExpiredSignatureError as error:
        raise TokenExpired from error
    except (PyJWTError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise TokenInvalid from error


def caller_of(claims: Mapping[str, Any], rules: ClaimRules) -> Caller:
    """Return the user of verified claims. Raises: TokenInvalid: no user that can own an upload."""
    names = (rules.user_claim,) if rules.user_claim else ("userId", "sub")
    claim = next((claims[name] for name in names if claims.get(name) is not None), None)
    issuer = claims.get("iss")
    return Caller(
        user_id=user_id_of(claim, issuer if isinstance(issuer, str) else ""),
        tenant=tenant_of(claims, rules.tenant_claim),
        priority=priority_of(claims, rules.priority_claim),
        roles=roles_of(claims, rules.role_claim),
    )


def session_token(
    secret: bytes,
    rules: ClaimRules,
    *,
    user_id: int | str,
    role: str | None = None,
    tenant: str | None = None,
    issued_at: float,
    life_seconds: float,
) -> str:
    """Return a token that ``verified_claims`` accepts, for a user by number or by name.

    Without ``user_claim`` a number is in ``userId`` and a name in ``sub``, as issuers do it.
    """
    claims: dict[str, object] = {
        rules.user_claim or ("userId" if isinstance(user_id, int) else "sub"): user_id,
        "iat": int(issued_at),
        "exp": int(issued_at + life_seconds),
    }
    more = {
        "iss": rules.issuer,
        "aud": rules.audience,
        rules.role_claim: role,
        rules.tenant_claim: tenant,
    }
    claims |= {name: value for name, value in more.items() if value}
    return jwt.encode(claims, secret, algorithm="HS256")
