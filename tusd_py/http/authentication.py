"""From a request's head to its caller: session token, upload token or ticket.

An upload token or a ticket is read here; anything else is the business of ``Authenticate``, which a
deployment may bring itself. Nothing of the body is read for it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from tusd_py.auth.jwks_cache import JwksCache, fetched
from tusd_py.auth.scoped_tokens import ScopedTokens
from tusd_py.auth.session import ClaimRules, SessionTokens
from tusd_py.clock import Clock
from tusd_py.domain.caller import EVERYBODY, Caller
from tusd_py.domain.errors import TokenInvalid, Unauthenticated
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.settings.sections import AuthSettings

Authenticate = Callable[[HTTPConnection], Awaitable[Caller]]
"""Who is asking, by the head of a request. Raises: Unauthenticated (401), another PolicyError (403),
a BackendError (503) to refuse. Must not block, and must not touch the body."""

UPLOAD_TOKEN: Final = "Upload-Token"  # noqa: S105  (a header's name)


async def anonymous(_connection: HTTPConnection) -> Caller:
    """Everybody is the same user: the embedded default (requirement S22)."""
    return EVERYBODY


class Access:
    """The ways in."""

    def __init__(
        self, authenticate: Authenticate, grants: ScopedTokens | None, *, by_tokens: bool
    ) -> None:
        """Without ``grants`` there are neither upload tokens nor tickets."""
        self._authenticate = authenticate
        self.scoped_tokens = grants
        self.anonymous = authenticate is anonymous
        """Whether nobody is asked who he is."""
        self.by_tokens = by_tokens
        """Whether each request needs a token in a header, which a page of another site can't know and a
        browser never adds by itself."""

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who is asking. Raises: TokenInvalid, TokenExpired, and what ``Authenticate`` raises."""
        if self.scoped_tokens is not None:
            headers = connection.headers
            token = headers.get(UPLOAD_TOKEN)
            if token is not None:
                return self.scoped_tokens.read_upload_token(token)
            token = bearer_token(headers)
            if token is not None and self.scoped_tokens.is_upload_token(token):
                return self.scoped_tokens.read_upload_token(token)
        return await self._authenticate(connection)

    async def listener(self, connection: HTTPConnection) -> Caller:
        """Who is asking for a stream, which a ticket in the query opens too: EventSource and
        WebSocket send no header of a page's choice. Raises: what ``caller`` raises."""
        if self.scoped_tokens is not None:
            ticket = connection.query_params.get("ticket")
            if ticket is not None:
                return self.scoped_tokens.read_ticket(ticket)
        return await self.caller(connection)

    def upload_token_header(
        self, user_id: UserId, upload_id: UploadId, length: int | None, expires_at: float | None
    ) -> dict[str, str]:
        """The header that gives an upload to whoever it is passed on to; {} where there are no tokens."""
        if self.scoped_tokens is None:
            return {}
        token = self.scoped_tokens.upload_token(user_id, upload_id, length, expires_at=expires_at)
        return {UPLOAD_TOKEN: token}


def bearer_token(headers: Headers) -> str | None:
    """The token of ``Authorization: Bearer`` (RFC 6750, 2.1); None: there is none.

    Raises: TokenInvalid: there are two, and picking one would be a guess.
    """
    found = headers.getlist("authorization")
    if len(found) > 1:
        raise TokenInvalid
    scheme, _, token = (found[0] if found else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def by_session_tokens(sessions: SessionTokens) -> Authenticate:
    """Authentication by the settings: a session token with every request."""

    async def authenticate(connection: HTTPConnection) -> Caller:
        token = bearer_token(connection.headers)
        if token is None:
            raise Unauthenticated
        return await sessions.caller(token)

    return authenticate


def open_access(settings: AuthSettings, clock: Clock, authenticate: Authenticate | None) -> Access:
    """The ways in that the settings ask for; ``authenticate`` takes the place of session tokens."""
    secret = settings.grant_secret()
    grants = ScopedTokens(secret, clock) if secret else None
    by_tokens = authenticate is None and settings.enabled
    return Access(authenticate or _by_settings(settings, clock), grants, by_tokens=by_tokens)


def _by_settings(settings: AuthSettings, clock: Clock) -> Authenticate:
    if not settings.enabled:
        return anonymous
    keys = None
    if settings.jwks_url:
        url = settings.jwks_url
        keys = JwksCache(lambda: fetched(url), clock, max_age=settings.jwks_max_age)
    rules = claim_rules(settings)
    secret = settings.access_secret.get_secret_value().encode() or None
    return by_session_tokens(SessionTokens(rules, clock, secret=secret, keys=keys))


def claim_rules(settings: AuthSettings) -> ClaimRules:
    """What the settings demand of a session token."""
    return ClaimRules(
        issuer=settings.issuer,
        audience=settings.audience,
        user_claim=settings.user_claim,
        role_claim=settings.role_claim,
        tenant_claim=settings.tenant_claim,
        priority_claim=settings.priority_claim,
    )
