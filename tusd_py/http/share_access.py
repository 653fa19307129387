"""Decides who gets a share: by its token, its password, and as which receiver.

Guesses of tokens are counted by address, wrong passwords by address and by share. A right password
gives back what it was charged, so that a receiver may use it in every request.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import Final, ParamSpec

from starlette.requests import Request

from tusd_py.auth.share_passwords import hash_password, is_password
from tusd_py.domain.errors import (
    ShareEnded,
    ShareNotFound,
    SharePasswordNeeded,
    SharePasswordWrong,
    TooManyRequests,
)
from tusd_py.domain.ids import ShareId
from tusd_py.domain.rate import Rate
from tusd_py.domain.share import CONTINUE_SECONDS, Receiver, Share
from tusd_py.http.context import AppContext
from tusd_py.http.mount import mount_path
from tusd_py.protocol.address import client_address
from tusd_py.protocol.fields import Fields

P = ParamSpec("P")

GUESSES: Final = Rate(30, 60.0)
"""Addresses of shares that do not exist, by one client address."""
NEW_RECEIVERS: Final = Rate(120, 60.0)
"""Receivers that begin a download, by one client address: each is kept for a day.

A cookie says nothing about this: a client can make one for each request.
"""
TRIES_OF_ADDRESS: Final = Rate(10, 600.0)
"""Wrong passwords of one client address, for all shares together."""
TRIES_OF_SHARE: Final = Rate(30, 3600.0)
"""Wrong passwords for one share, of all clients: 5,040 in a week."""
HASHES_AT_ONCE: Final = 2
"""Passwords that are hashed at the same time; each takes 16 MiB."""
OPENED_SECONDS: Final = CONTINUE_SECONDS
_RECEIVER: Final = "tusd_receiver"
_OPENED: Final = "tusd_opened"
_PATH: Final = "/s/"
PATH_OF_TOKEN: Final = _PATH + "{token}"


class ShareAccess:
    """Finds shares by requests of receivers."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._tokens = context.share_tokens
        self._limiter = context.ports.rate_limiter
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return the hash of a new share's password."""
        async with self._hashing:
            return await self._context.threads.call(hash_password, password)

    async def find(self, request: Request) -> Share:
        """Return the live share of a request's token, whether its password is given or not.

        Raises: ShareNotFound: this server did not make the token; ShareEnded: it did;
            TooManyRequests: the address has sent too many tokens that do not exist.
        """
        share_id = self._tokens.read(request.path_params["token"])
        if share_id is None:
            await self._count(f"guesses:{self._address(request)}", GUESSES)
            raise ShareNotFound
        share = await self._context.threads.call(self._context.ports.catalog.shares.get, share_id)
        if share is None:
            raise ShareEnded
        return share

    async def check_open(self, request: Request, share: Share) -> None:
        """Raise an error unless the share needs no password, or the request has the right one.

        It may be in a cookie that stands for it, or in Authorization: Basic with any user.

        Raises: SharePasswordNeeded, SharePasswordWrong, TooManyRequests.
        """
        if self.is_open(request, share):
            return
        password = _basic_password(request)
        if password is None:
            raise SharePasswordNeeded
        await self.check_password(request, share, password)

    def is_open(self, request: Request, share: Share) -> bool:
        """Return whether the share needs no password, or a cookie stands for it."""
        return not share.password_hash or self._tokens.is_opened(
            share, request.cookies.get(_OPENED, "")
        )

    async def check_password(self, request: Request, share: Share, password: str) -> None:
        """Raise an error for a wrong password. Raises: SharePasswordWrong, TooManyRequests."""
        by_address = f"passwords:{self._address(request)}"
        by_share = f"passwords:{share.id}"
        await self._count(by_address, TRIES_OF_ADDRESS)
        await self._count(by_share, TRIES_OF_SHARE)
        async with self._hashing:
            right = await self._context.threads.call(is_password, password, share.password_hash)
        if not right:
            raise SharePasswordWrong
        await self._give_back(by_address, TRIES_OF_ADDRESS)
        await self._give_back(by_share, TRIES_OF_SHARE)

    def receiver(self, request: Request, share_id: ShareId) -> tuple[Receiver, str]:
        """Return the receiver that sends a request, and the cookie by which it is recognised."""
        cookie = request.cookies.get(_RECEIVER, "")
        if self._tokens.is_cookie(cookie):
            return self._tokens.receiver(share_id, cookie, ""), cookie
        cookie = self._tokens.new_cookie()
        fields = Fields(request.headers.raw)
        # What a client sends as the address of others makes it only more different from them.
        known = (
            request.client.host if request.client else "",
            fields.joined("X-Forwarded-For") or "",
            fields.joined("User-Agent") or "",
        )
        return self._tokens.receiver(share_id, cookie, "\n".join(known)), cookie

    async def count_receiver(self, request: Request) -> None:
        """Count a receiver that begins a download. Raises: TooManyRequests."""
        await self._count(f"receivers:{self._address(request)}", NEW_RECEIVERS)

    def receiver_cookie(self, request: Request, share: Share, value: str) -> str:
        """Return the Set-Cookie by which a receiver is recognised."""
        return self._cookie(request, share, _RECEIVER, value, CONTINUE_SECONDS)

    def opened_cookie(self, request: Request, share: Share) -> str:
        """Return the Set-Cookie that stands for the password."""
        value = self._tokens.opened(share, OPENED_SECONDS)
        return self._cookie(request, share, _OPENED, value, OPENED_SECONDS)

    def _cookie(self, request: Request, share: Share, name: str, value: str, seconds: float) -> str:
        # A semicolon would begin another attribute (RFC 6265, 4.1.1).
        path = self.path(request, share.id).replace(";", "%3B")
        fields = Fields(request.headers.raw)
        origin = self._context.address.origin_of(fields, scheme=request.url.scheme)
        secure = "; Secure" if (origin or "").startswith("https:") else ""
        return (
            f"{name}={value}; Path={path}; Max-Age={int(seconds)}; HttpOnly; SameSite=Lax{secure}"
        )

    def path(self, request: Request, share_id: ShareId) -> str:
        """Return the path of the share's page, with that of the mount."""
        return f"{mount_path(request.scope)}{_PATH}{self._tokens.token(share_id)}"

    def url(self, request: Request, share_id: ShareId) -> str:
        """Return the address of the share's page; only its path if the origin is not known."""
        fields = Fields(request.headers.raw)
        origin = self._context.address.origin_of(fields, scheme=request.url.scheme)
        return f"{origin or ''}{self.path(request, share_id)}"

    def _address(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        fields = Fields(request.headers.raw)
        return client_address(fields, peer, trusted=self._context.address.trusted)

    async def _count(self, key: str, rate: Rate) -> None:
        wait = await self._charge(
            self._limiter.try_acquire, key, cost=rate.cost(1), burst=rate.seconds
        )
        if wait:
            raise TooManyRequests(wait)

    async def _give_back(self, key: str, rate: Rate) -> None:
        await self._charge(self._limiter.consume, key, cost=-rate.cost(1), burst=rate.seconds)

    async def _charge(self, meter: Callable[P, float], *args: P.args, **kwargs: P.kwargs) -> float:
        if self._limiter.blocks:
            return await self._context.threads.call(meter, *args, **kwargs)
        return meter(*args, **kwargs)


def _basic_password(request: Request) -> str | None:
    """Return the password of ``Authorization: Basic`` (RFC 7617); None if there is none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[2]
