"""What this server signs itself: upload tokens and tickets.

An upload token gives one upload to whoever has it; a ticket opens one stream within a minute. Both
are JWTs of their own type, each under a key of its own derived from the secret: neither can be taken
for the other or for a session token (RFC 8725, 3.11 and 3.12).
"""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from blake3 import blake3
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from tusd_py.access.session import MAX_TOKEN_CHARACTERS
from tusd_py.clock import Clock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import TokenExpired, TokenInvalid
from tusd_py.domain.ids import UploadId, UserId

TICKET_SECONDS: Final = 60
ENDLESS_UPLOAD_SECONDS: Final = 7 * 86400.0
"""How long a token is good for whose upload has no end: a finished one, or where none expires."""


class _Kind:
    """One type of token: its header, its audience and its key."""

    def __init__(self, secret: bytes, name: str) -> None:
        self._key = blake3(secret, derive_key_context=f"tusd-py 2026-11-26 {name}").digest()
        self._audience = f"tusd-py:{name}"
        self._header = {"typ": f"{name}+jwt"}
        self.prefix = f"{self.sign({}).partition('.')[0]}."
        """How every token of this type begins, and no other."""

    def sign(self, claims: Mapping[str, object]) -> str:
        named = {"aud": self._audience, **claims}
        return jwt.encode(named, self._key, algorithm="HS256", headers=self._header)

    def claims(self, token: str) -> Mapping[str, Any]:
        """Raises: TokenInvalid, TokenExpired."""
        if len(token) > MAX_TOKEN_CHARACTERS or not token.startswith(self.prefix):
            raise TokenInvalid
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=self._audience,
                options={"require": ["exp", "sub"]},
            )
        except ExpiredSignatureError as error:
            raise TokenExpired from error
        except (PyJWTError, ValueError) as error:
            raise TokenInvalid from error


class Grants:
    """Signs upload tokens and tickets, and reads them again."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._uploads = _Kind(secret, "upload")
        self._tickets = _Kind(secret, "ticket")

    def upload_token(
        self,
        user_id: UserId,
        upload_id: UploadId,
        length: int | None,
        *,
        expires_at: float | None,
    ) -> str:
        """One upload for whoever has the token, as long as the upload can wait for its next byte.

        Args: length: in bytes, None while it is deferred; expires_at: of the upload, unix seconds.
        """
        end = expires_at or self._clock.now() + ENDLESS_UPLOAD_SECONDS
        claims = {"sub": str(user_id), "upload": upload_id, "length": length, "exp": int(end)}
        return self._uploads.sign(claims)

    def is_upload_token(self, token: str) -> bool:
        """Whether a token claims to be one; whether it is, ``read_upload_token`` tells."""
        return token.startswith(self._uploads.prefix)

    def read_upload_token(self, token: str) -> Caller:
        """Who holds the upload. Raises: TokenInvalid, TokenExpired."""
        claims = self._uploads.claims(token)
        return Caller(
            user_id=UserId(int(claims["sub"])),
            upload_id=UploadId(claims["upload"]),
            length=claims["length"],
        )

    def ticket(self, caller: Caller) -> str:
        """What opens a stream in the caller's place, within ``TICKET_SECONDS``."""
        end = int(self._clock.now()) + TICKET_SECONDS
        return self._tickets.sign(
            {"sub": str(caller.user_id), "task": caller.upload_id, "exp": end}
        )

    def read_ticket(self, token: str) -> Caller:
        """In whose place a stream is opened. Raises: TokenInvalid, TokenExpired."""
        claims = self._tickets.claims(token)
        return Caller(user_id=UserId(int(claims["sub"])), upload_id=claims["task"])
