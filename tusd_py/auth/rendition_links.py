"""Signs links that give one file's renditions to any holder, until they expire.

A link is an address with a token, for players and pages that can send no header. It cannot be
withdrawn before its end, except by deleting the file.
"""

from dataclasses import dataclass

from tusd_py.auth.token_kind import TokenKind
from tusd_py.clock import Clock
from tusd_py.domain.errors import TokenInvalid
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.rendition import is_rendition_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """States what a link gives."""

    user_id: UserId
    upload_id: UploadId
    rendition: str | None
    """Name of the rendition; None: all of them.

    Renditions whose names begin with this name and a hyphen are included: parts of a playlist, the
    map of a storyboard.
    """

    def is_for(self, name: str) -> bool:
        """Return whether the link gives the rendition of this name."""
        return (
            self.rendition is None
            or name == self.rendition
            or name.startswith(f"{self.rendition}-")
        )


class RenditionLinks:
    """Signs links, and verifies them."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._kind = TokenKind(secret, "link")

    def sign(self, link: Link, seconds: int) -> tuple[str, int]:
        """Return the token of a link for this number of seconds, and its end in unix seconds."""
        end = int(self._clock.now()) + seconds
        claims = {
            "sub": str(link.user_id),
            "upload": link.upload_id,
            "rendition": link.rendition,
            "exp": end,
        }
        return self._kind.sign(claims), end

    def read(self, token: str) -> Link:
        """Return what a token gives. Raises: TokenInvalid, TokenExpired."""
        claims = self._kind.claims(token)
        upload_id = parse_upload_id(str(claims.get("upload")))
        name = claims.get("rendition")
        if upload_id is None or not (name is None or is_rendition_name(str(name))):
            raise TokenInvalid
        return Link(user_id=UserId(int(claims["sub"])), upload_id=upload_id, rendition=name)
