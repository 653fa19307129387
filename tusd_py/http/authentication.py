"""Finds the caller of a request from its head: by a session token, an upload token or a ticket.

Upload tokens and tickets are read here; ``Authenticate`` reads everything else, and an application
can supply its own. The body of the request is not read.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from tusd_py.auth.scoped_tokens import ScopedTokens
from tusd_py.clock import Clock
from tusd_py.domain.caller import EVERYBODY, Caller
from tusd_py.domain.errors import TokenInvalid
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.settings.access import AuthSettings

Authenticate = Callable[[HTTPConnection], Awaitable[Caller]]
"""Return the caller of a request from its head.

It must not block, and must not read the body. Raises, in order to refuse the request:
Unauthenticated (401), another PolicyError (403), a BackendError (503).
"""

UPLOAD_TOKEN: Final = "Upload-Token"  # noqa: S105  (a header's name)


async def anonymous(_connection: HTTPConnection) -> Caller:
    """Return the same user for every request, as in the embedded default (requirement S22)."""
    return EVERYBODY


class Access:
    """Finds the callers of requests, and issues upload tokens."""

    def __init__(
        self, authenticate: Authenticate, scoped_tokens: ScopedTokens | None, *, by_tokens: bool
    ) -> None:
        """Without ``scoped_tokens`` there are neither upload tokens nor tickets."""
        self._authenticate = authenticate
        self.scoped_tokens = scoped_tokens
        self.anonymous = authenticate is anonymous
        """Whether requests are not authenticated."""
        self.by_tokens = by_tokens
        """Whether each request needs a token in a header.

        A page of another site can't know the token, and a browser never adds it by itself.
        """

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Return the caller of a request.

        Raises: TokenInvalid, TokenExpired, and what ``Authenticate`` raises.
        """
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
        """Return the caller of a request for a stream, which can have a ticket in its query.

        With EventSource and WebSocket a page can't set a header. Raises: what ``caller`` raises.
        """
        if self.scoped_tokens is not None:
            ticket = connection.query_params.get("ticket")
            if ticket is not None:
                return self.scoped_tokens.read_ticket(ticket)
        return await self.caller(connection)

    def upload_token_header(
        self, user_id: UserId, upload_id: UploadId, length: int | None, expires_at: float | None
    ) -> dict[str, str]:
        """Return the header with the token of an upload; {} where there are no upload tokens.

        A client that has the token can access this one upload.
        """
        if self.scoped_tokens is None:
            return {}
        token = self.scoped_tokens.upload_token(user_id, upload_id, length, expires_at=expires_at)
        return {UPLOAD_TOKEN: token}


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer`` (RFC 6750, 2.1); None if it is missing.

    Raises: TokenInvalid: the header is there twice, and the choice of one would be a guess.
    """
    found = headers.getlist("authorization")
    if len(found) > 1:
        raise TokenInvalid
    scheme, _, token = (found[0] if found else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def open_access(settings: AuthSettings, clock: Clock, authenticate: Authenticate | None) -> Access:
    """Return the access by the settings; ``authenticate`` takes the place of session tokens."""
    secret = settings.grant_secret()
    scoped_tokens = ScopedTokens(secret, clock) if secret else None
    by_tokens = authenticate is None and settings.enabled
    return Access(authenticate or _by_settings(settings, clock), scoped_tokens, by_tokens=by_tokens)


def _by_settings(settings: AuthSettings, clock: Clock) -> Authenticate:
    if not settings.enabled:
        return anonymous
    # Only a server with users needs a library of tokens and a cryptographic one.
    from tusd_py.http.session_access import by_session_tokens

    return by_session_tokens(settings, clock)
