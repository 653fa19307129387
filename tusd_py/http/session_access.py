"""Identifies the callers of requests by session tokens, as the settings say."""

from starlette.requests import HTTPConnection

from tusd_py.auth.jwks_cache import JwksCache
from tusd_py.auth.session import ClaimRules, SessionTokens
from tusd_py.clock import Clock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import Unauthenticated
from tusd_py.http.authentication import Authenticate, bearer_token
from tusd_py.settings.access import AuthSettings


def by_session_tokens(settings: AuthSettings, clock: Clock) -> Authenticate:
    """Return the authentication that needs a session token in every request."""
    secret = settings.access_secret.get_secret_value().encode() or None
    keys = _keys(settings, clock) if settings.jwks_url else None
    sessions = SessionTokens(claim_rules(settings), clock, secret=secret, keys=keys)

    async def authenticate(connection: HTTPConnection) -> Caller:
        token = bearer_token(connection.headers)
        if token is None:
            raise Unauthenticated
        return await sessions.caller(token)

    return authenticate


def _keys(settings: AuthSettings, clock: Clock) -> JwksCache:
    # Only this needs an HTTP client, which takes long to import.
    from tusd_py.auth.jwks_document import fetched

    url = settings.jwks_url
    return JwksCache(lambda: fetched(url), clock, max_age=settings.jwks_max_age)


def claim_rules(settings: AuthSettings) -> ClaimRules:
    """Return the rules by which session tokens are checked, from the settings."""
    return ClaimRules(
        issuer=settings.issuer,
        audience=settings.audience,
        user_claim=settings.user_claim,
        role_claim=settings.role_claim,
        tenant_claim=settings.tenant_claim,
        priority_claim=settings.priority_claim,
    )
