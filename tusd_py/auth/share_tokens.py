"""Makes the tokens in the addresses of shares, and what identifies a receiver of one.

A token is the share's id (96 random bits) and a MAC of it (144 bits): a guess is refused before the
database is read, the owner can be shown the address again, and no database or backup has it. All
keys are derived from the server's secret, one for each purpose.
"""

import base64
import binascii
import hmac
import re
import secrets
from typing import Final

from blake3 import blake3

from tusd_py.clock import Clock
from tusd_py.domain.ids import ShareId
from tusd_py.domain.share import Receiver, Share

_ID_BYTES: Final = 12
_MAC_BYTES: Final = 18
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40}")
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_OPENED: Final = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{32})")


class ShareTokens:
    """Makes and checks tokens, cookies and entity tags of shares."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._token_key = _key(secret, "token")
        self._receiver_key = _key(secret, "receiver")
        self._opened_key = _key(secret, "opened")
        self._tag_key = _key(secret, "tag")

    def new_id(self) -> ShareId:
        """Return the id of a new share."""
        return ShareId(secrets.token_hex(_ID_BYTES))

    def token(self, share_id: ShareId) -> str:
        """Return the token in the share's address: 40 characters of base64url."""
        raw = bytes.fromhex(share_id)
        return base64.urlsafe_b64encode(raw + self._mac(raw)).decode()

    def read(self, token: str) -> ShareId | None:
        """Return the id of the share that a token is for; None if this server did not make it."""
        if _TOKEN.fullmatch(token) is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(token)
        except binascii.Error:
            return None
        share_id, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
        return ShareId(share_id.hex()) if hmac.compare_digest(mac, self._mac(share_id)) else None

    def new_cookie(self) -> str:
        """Return a random value by which a receiver is recognised."""
        return secrets.token_urlsafe(16)

    def is_cookie(self, value: str) -> bool:
        """Return whether ``new_cookie`` may have made a value."""
        return _COOKIE.fullmatch(value) is not None

    def receiver(self, share_id: ShareId, cookie: str, client: str) -> Receiver:
        """Return what identifies a receiver; neither an address nor a cookie is kept as it is.

        Args: client: what is known of a client without cookies; '' for others.
        """
        return Receiver(
            _hash(self._receiver_key, share_id, f"cookie {cookie}"),
            _hash(self._receiver_key, share_id, f"client {client}") if client else "",
        )

    def opened(self, share: Share, seconds: float) -> str:
        """Return a cookie's value that stands for the password for this number of seconds."""
        end = f"{int(self._clock.now() + seconds):x}"
        return f"{end}.{self._opened(share, end)}"

    def is_opened(self, share: Share, value: str) -> bool:
        """Return whether a value was made by ``opened`` for this share, and is still valid."""
        match = _OPENED.fullmatch(value)
        if match is None or not hmac.compare_digest(match[2], self._opened(share, match[1])):
            return False
        return int(match[1], 16) > self._clock.now()

    def tag(self, share_id: ShareId, file_hash: str) -> str:
        """Return an entity tag of a file that does not show its hash."""
        return _hash(self._tag_key, share_id, file_hash)

    def _mac(self, raw: bytes) -> bytes:
        return blake3(raw, key=self._token_key).digest(_MAC_BYTES)

    def _opened(self, share: Share, end: str) -> str:
        return _hash(self._opened_key, share.id, f"{end} {share.password_hash}")


def _key(secret: bytes, purpose: str) -> bytes:
    return blake3(secret, derive_key_context=f"tusd-py 2026-11-29 share {purpose}").digest()


def _hash(key: bytes, share_id: ShareId, text: str) -> str:
    return blake3(f"{share_id} {text}".encode("utf-8", "surrogateescape"), key=key).hexdigest(16)
