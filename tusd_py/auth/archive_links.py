"""Signs links that give a zip archive of several files to any holder, until they expire."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tusd_py.auth.token_kind import TokenKind
from tusd_py.clock import Clock
from tusd_py.domain.errors import TokenInvalid
from tusd_py.domain.ids import UploadId, UserId

MAX_FILES: Final = 250
"""How many chosen files fit into an address of 8 KiB, which is what proxies pass on."""
MAX_QUERY_BYTES: Final = 1600
"""Longest query in UTF-8, for the same reason: in an address it needs up to four times as much."""
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLink:
    """States what a link gives: chosen files, or those that a query of the list finds."""

    user_id: UserId
    ids: Sequence[UploadId] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the list, which have no meaning where files are chosen."""


class ArchiveLinks:
    """Signs links, and verifies them."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._kind = TokenKind(secret, "archive")

    def sign(self, link: ArchiveLink, seconds: int) -> tuple[str, int]:
        """Return the token of a link for this number of seconds, and its end in unix seconds."""
        end = int(self._clock.now()) + seconds
        packed = base64.b64encode(bytes.fromhex("".join(link.ids))).decode()
        claims = {"sub": str(link.user_id), "ids": packed, "query": dict(link.query), "exp": end}
        return self._kind.sign(claims), end

    def read(self, token: str) -> ArchiveLink:
        """Return what a token gives. Raises: TokenInvalid, TokenExpired."""
        claims = self._kind.claims(token)
        try:
            digits = base64.b64decode(claims["ids"], validate=True).hex()
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise TokenInvalid from error
        width = 2 * _ID_BYTES
        ids = [UploadId(digits[at : at + width]) for at in range(0, len(digits), width)]
        return ArchiveLink(user_id=UserId(int(claims["sub"])), ids=ids, query=claims["query"])
