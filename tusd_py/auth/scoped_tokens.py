"""Signs upload tokens and tickets.

An upload token gives one upload to its holder; a ticket opens one stream within a minute. Both are
JWTs of their own type, each under a key of its own that is derived from the secret: neither can be
used as the other or as a session token (RFC 8725, 3.11 and 3.12).
"""

from typing import Final

from tusd_py.auth.token_kind import TokenKind
from tusd_py.clock import Clock
from tusd_py.domain.caller import Caller
from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.domain.ids import UploadId, UserId

TICKET_SECONDS: Final = 60
ENDLESS_UPLOAD_SECONDS: Final = WEEK_SECONDS
"""How long a token is valid for an upload without an end: a finished one, or if none expires."""


class ScopedTokens:
    """Signs upload tokens and tickets, and verifies them."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._uploads = TokenKind(secret, "upload")
        self._tickets = TokenKind(secret, "ticket")

    def upload_token(
        self,
        user_id: UserId,
        upload_id: UploadId,
        length: int | None,
        *,
        expires_at: float | None,
    ) -> str:
        """Return a token for one upload, valid as long as the upload can wait for its next byte.

        Args: length: in bytes; None while it is deferred. expires_at: of the upload, in unix
            seconds.
        """
        end = expires_at or self._clock.now() + ENDLESS_UPLOAD_SECONDS
        claims = {"sub": str(user_id), "upload": upload_id, "length": length, "exp": int(end)}
        return self._uploads.sign(claims)

    def is_upload_token(self, token: str) -> bool:
        """Return whether a token claims to be an upload token, which is not verified here."""
        return token.startswith(self._uploads.prefix)

    def read_upload_token(self, token: str) -> Caller:
        """Return the caller of one upload. Raises: TokenInvalid, TokenExpired."""
        claims = self._uploads.claims(token)
        return Caller(
            user_id=UserId(int(claims["sub"])),
            upload_id=UploadId(claims["upload"]),
            length=claims["length"],
        )

    def ticket(self, caller: Caller) -> str:
        """Return a ticket that opens a stream for the caller within ``TICKET_SECONDS``."""
        end = int(self._clock.now()) + TICKET_SECONDS
        return self._tickets.sign(
            {"sub": str(caller.user_id), "task": caller.upload_id, "exp": end}
        )

    def read_ticket(self, token: str) -> Caller:
        """Return the caller for whom a stream is opened. Raises: TokenInvalid, TokenExpired."""
        claims = self._tickets.claims(token)
        return Caller(user_id=UserId(int(claims["sub"])), upload_id=claims["task"])
