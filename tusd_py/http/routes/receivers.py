"""Serves ``/s/{token}``: a receiver without an account gets the one file of a share.

The token in the address is the whole right to it, together with a password if there is one. Pages
of other sites learn nothing here: no answer has cross-origin headers.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import (
    AsyncContentStream,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Route

from tusd_py.clock import rfc3339
from tusd_py.domain.errors import (
    BackendError,
    ProtocolError,
    ShareEnded,
    ShareNotFound,
    SharePasswordNeeded,
    SharePasswordWrong,
    ShareUsedUp,
    TooManyRequests,
    TusdError,
    UploadError,
)
from tusd_py.domain.file import main_object
from tusd_py.domain.filenames import download_name
from tusd_py.domain.share import Admission, Receiver, Share
from tusd_py.http.context import AppContext
from tusd_py.http.download import INLINE_TYPES, PLAYLIST_TYPES, download_response
from tusd_py.http.errors import problem_response
from tusd_py.http.receiver_page import Player, ReceiverPage, SharedFile
from tusd_py.http.share_access import PATH_OF_TOKEN, ShareAccess
from tusd_py.http.small_body import small_body
from tusd_py.protocol.download import download_command
from tusd_py.protocol.fields import Fields
from tusd_py.uploads.download import Content

log = logging.getLogger(__name__)

OPEN_PATH: Final = PATH_OF_TOKEN.partition("{")[0]
"""Beginning of the paths of receivers, who need no identity."""
LINK_SECONDS: Final = 300.0
"""Longest validity of a redirect to the object store, within which a download must begin."""
MAX_FORM_BYTES: Final = 4096
_PRIVATE: Final = {
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Header fields of every answer about a share: the address is a secret, and so is what it gives."""
_LATER_PART: Final = re.compile(r"bytes=(?:-|0*[1-9])")
"""Beginning of a Range whose first byte is not that of the file (RFC 9110, 14.1.2)."""
_PICTURES: Final = ("preview", "poster", "cover", "thumbnail")
"""Renditions that the page may show by itself, the largest first."""
_WHOLE: Final = "preview"
"""A rendition that has nearly all of a picture: seeing it would be a download without a count."""


def routes(context: AppContext, access: ShareAccess, page: ReceiverPage) -> list[BaseRoute]:
    """Return the routes of receivers."""
    receivers = _Receivers(context, access, page)
    return [
        Route(PATH_OF_TOKEN, receivers.answered(receivers.show), methods=["GET", "POST"]),
        Route(f"{PATH_OF_TOKEN}/download", receivers.answered(receivers.download)),
        Route(f"{PATH_OF_TOKEN}/play", receivers.answered(receivers.play)),
        Route(f"{PATH_OF_TOKEN}/picture", receivers.answered(receivers.picture)),
    ]


class _Receivers:
    def __init__(self, context: AppContext, access: ShareAccess, page: ReceiverPage) -> None:
        self._context = context
        self._access = access
        self._page = page
        self._repository = context.ports.catalog.shares

    def answered(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint with refusals as a page for browsers, and private answers."""

        async def route(request: Request) -> Response:
            try:
                answer = await endpoint(request)
            except TusdError as error:
                if _wants_page(request):
                    answer = self._page.notice(request, error)
                else:
                    answer = problem_response(error)
            answer.headers.update(_PRIVATE)
            return answer

        return route

    # -- the page

    async def show(self, request: Request) -> Response:
        share = await self._access.find(request)
        path = self._access.path(request, share.id)
        if request.method == "POST":
            return await self._open(request, share, path)
        if _wants_page(request) and not self._access.is_open(request, share):
            return self._page.password(request, path, error=None)
        await self._access.check_open(request, share)
        receiver, cookie = self._access.receiver(request, share.id)
        await self._check_left(share, receiver)
        file = await self._context.threads.call(self._file, share)
        if _wants_page(request):
            answer = self._page.file(request, share, file, path)
            # By it both clicks on the button, and the player, are one receiver.
            answer.headers.append(
                "Set-Cookie", self._access.receiver_cookie(request, share, cookie)
            )
            return answer
        return JSONResponse(_described(share, file, self._access.url(request, share.id)))

    async def _open(self, request: Request, share: Share, path: str) -> Response:
        if not share.password_hash:
            return RedirectResponse(path, status_code=303)
        try:
            await self._access.check_password(request, share, await _form_password(request))
        except (SharePasswordWrong, TooManyRequests) as error:
            if not _wants_page(request):
                raise
            return self._page.password(request, path, error=error)
        answer = RedirectResponse(path, status_code=303)
        answer.headers.append("Set-Cookie", self._access.opened_cookie(request, share))
        return answer

    def _file(self, share: Share) -> SharedFile:
        """Return what a receiver may see. Blocks. Raises: ShareEnded."""
        catalog = self._context.ports.catalog
        upload = catalog.uploads.get(share.upload_id)
        identity = None if upload is None else upload.file_identity
        file = catalog.objects.file(identity) if identity is not None else None
        if upload is None or file is None:
            raise ShareEnded
        main = main_object(file)
        return SharedFile(
            name=download_name(upload.filename, ext=main.ext, rendition=main.name),
            size=main.size,
            content_type=main.content_type,
            has_picture=self._picture_name(share, file.identity) is not None,
            player=_player(main.content_type),
        )

    # -- the bytes

    async def download(self, request: Request) -> Response:
        share = await self._access.find(request)
        try:
            await self._access.check_open(request, share)
        except SharePasswordNeeded:
            if not _wants_page(request):
                raise
            return RedirectResponse(self._access.path(request, share.id), status_code=303)
        return await self._send(request, share, inline=False)

    async def play(self, request: Request) -> Response:
        share = await self._access.find(request)
        await self._access.check_open(request, share)
        return await self._send(request, share, inline=True)

    async def _send(self, request: Request, share: Share, *, inline: bool) -> Response:
        receiver, cookie = self._access.receiver(request, share.id)
        await self._check_left(share, receiver, is_later_part="range" in request.headers)
        # A signed address can't be counted, and is valid after the link is revoked.
        redirects = share.downloads is None and not inline
        answer = await self._content(request, share, None, inline=inline, redirects=redirects)
        if request.method == "GET" and answer.status_code in (200, 206, 307):
            await self._admit(request, share, receiver, answer)
            answer.headers.append(
                "Set-Cookie", self._access.receiver_cookie(request, share, cookie)
            )
        return answer

    async def _content(
        self,
        request: Request,
        share: Share,
        rendition: str | None,
        *,
        inline: bool,
        redirects: bool = False,
    ) -> Response:
        fields = Fields(request.headers.raw)
        command = download_command(
            fields, share.upload_id, rendition=rendition, send_body=request.method != "HEAD"
        )
        left = share.expires_at - self._context.ports.clock.now()

        def adapt(content: Content) -> Content:
            if content.rendition is None:
                raise ShareEnded
            # The tag of the file is its hash, which may be all that a client needs to get it.
            tag = self._context.share_tokens.tag(share.id, content.etag)
            return replace(content, etag=tag)

        try:
            return await download_response(
                self._context,
                share.user_id,
                command,
                inline=inline,
                redirects=redirects,
                link_seconds=max(
                    1.0, min(LINK_SECONDS, left, self._context.settings.objects.link_expires)
                ),
                adapt=adapt,
            )
        except ShareEnded:
            raise
        except UploadError as error:
            raise ShareEnded from error

    async def _admit(
        self, request: Request, share: Share, receiver: Receiver, answer: Response
    ) -> None:
        """Count the receiver of an answer. Raises: ShareEnded, ShareUsedUp, TooManyRequests."""
        first, end, size = _sent_range(answer)
        if answer.status_code == 307:
            # The object store reads the range: the answer has none.
            is_later_part = _LATER_PART.match(request.headers.get("range", "")) is not None
        else:
            is_later_part = first > 0
        if not await self._context.threads.call(
            self._repository.may_continue, share.id, receiver, is_later_part=is_later_part
        ):
            await self._access.count_receiver(request)
        admission = await self._context.threads.call(
            self._repository.admit, share.id, receiver, is_later_part=is_later_part
        )
        if admission is Admission.ENDED:
            raise ShareEnded
        if admission is Admission.USED_UP:
            raise ShareUsedUp
        if admission is Admission.BEGUN:
            self._context.metrics.share_downloaded()
        noted = share.downloads is not None and receiver.client and end == size
        if noted and isinstance(answer, StreamingResponse):
            answer.body_iterator = self._noted(answer.body_iterator, share, receiver)

    async def _noted(
        self, pieces: AsyncContentStream, share: Share, receiver: Receiver
    ) -> AsyncContentStream:
        """Yield the pieces, and record when the last one was sent."""
        async for piece in pieces:
            yield piece
        try:
            await self._context.threads.call(self._repository.all_sent, share.id, receiver)
        except BackendError as error:
            log.warning("share.end.unrecorded", extra={"share": share.id, "reason": error.reason})

    async def _check_left(
        self, share: Share, receiver: Receiver, *, is_later_part: bool = False
    ) -> None:
        """Raise an error if the receiver can get nothing any longer. Raises: ShareUsedUp."""
        if share.is_used_up and not await self._context.threads.call(
            self._repository.may_continue, share.id, receiver, is_later_part=is_later_part
        ):
            raise ShareUsedUp

    # -- the picture

    async def picture(self, request: Request) -> Response:
        share = await self._access.find(request)
        await self._access.check_open(request, share)
        receiver, _ = self._access.receiver(request, share.id)
        await self._check_left(share, receiver)
        name = await self._context.threads.call(self._picture_of, share)
        return await self._content(request, share, name, inline=True)

    def _picture_of(self, share: Share) -> str:
        upload = self._context.ports.catalog.uploads.get(share.upload_id)
        identity = None if upload is None else upload.file_identity
        name = None if identity is None else self._picture_name(share, identity)
        if name is None:
            raise ShareNotFound
        return name

    def _picture_name(self, share: Share, identity: str) -> str | None:
        """Return the name of the rendition that is shown of a file; None if there is none."""
        there = {
            one.name: one.content_type
            for one in self._context.ports.catalog.objects.renditions(identity)
        }
        for name in _PICTURES:
            limited = share.downloads is not None and name == _WHOLE
            kind = there.get(name, "")
            if not limited and kind.startswith("image/") and kind in INLINE_TYPES:
                return name
        return None


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _player(content_type: str) -> Player | None:
    if content_type not in INLINE_TYPES - PLAYLIST_TYPES:
        return None
    family = content_type.partition("/")[0]
    return "video" if family == "video" else "audio" if family == "audio" else None


def _described(share: Share, file: SharedFile, url: str) -> dict[str, Any]:
    return {
        "filename": file.name,
        "size": file.size,
        "content_type": file.content_type,
        "expires_at": rfc3339(share.expires_at),
        "downloads_left": share.left,
        "download": f"{url}/download",
    }


def _sent_range(answer: Response) -> tuple[int, int, int]:
    """Return the first byte, the end and the size of what an answer has, in bytes."""
    part = answer.headers.get("content-range")
    if part is None:
        whole = int(answer.headers.get("content-length", "0"))
        return 0, whole, whole
    bounds, _, size = part.removeprefix("bytes ").partition("/")
    first, _, last = bounds.partition("-")
    return int(first), int(last) + 1, int(size)


async def _form_password(request: Request) -> str:
    """Return the field ``password`` of a form. Raises: ProtocolError, ClientDisconnected."""
    body = await small_body(request, MAX_FORM_BYTES)
    try:
        given = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=8)
    except ValueError as error:
        raise ProtocolError("The body must be a form.") from error
    return given.get("password", [""])[0]
