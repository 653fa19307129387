"""Signs tokens of this server, one type for each purpose.

Each type has a header, an audience and a key of its own that is derived from the secret: none can
be used as another one or as a session token (RFC 8725, 3.11 and 3.12).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from blake3 import blake3

from tusd_py.domain.errors import TokenExpired, TokenInvalid

MAX_TOKEN_CHARACTERS: Final = 8192


class TokenKind:
    """Signs and verifies one type of token, with its header, audience and key.

    A server without users may never see one, so that the library of tokens is imported here.
    """

    def __init__(self, secret: bytes, name: str) -> None:
        self._key = blake3(secret, derive_key_context=f"tusd-py 2026-11-26 {name}").digest()
        self._audience = f"tusd-py:{name}"
        self._header = {"typ": f"{name}+jwt"}

    @cached_property
    def prefix(self) -> str:
        """Return the beginning of every token of this type, and of no other."""
        return f"{self.sign({}).partition('.')[0]}."

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token with these claims."""
        import jwt

        named = {"aud": self._audience, **claims}
        return jwt.encode(named, self._key, algorithm="HS256", headers=self._header)

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token of this type. Raises: TokenInvalid, TokenExpired."""
        import jwt
        from jwt.exceptions import ExpiredSignatureError, PyJWTError

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
