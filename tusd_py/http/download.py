"""Answers GET and HEAD: with a file as an attachment or a rendition inline, whole or a range."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from tusd_py.domain.commands import Download
from tusd_py.domain.errors import PreconditionFailed, UploadNotFound
from tusd_py.domain.filenames import download_name
from tusd_py.domain.ids import UserId
from tusd_py.domain.rendition import ORIGINAL
from tusd_py.http.context import AppContext
from tusd_py.protocol.conditions import Verdict, allows_range, evaluate
from tusd_py.protocol.fields import http_date
from tusd_py.protocol.ranges import Unsatisfiable, parse_range
from tusd_py.uploads.download import Content, download

PLAYLIST_TYPES: Final = frozenset({"application/vnd.apple.mpegurl", "text/vtt"})
"""Types whose contents refer to other renditions by relative addresses.

With a redirect to the object store, these addresses would be wrong.
"""
INLINE_TYPES: Final = PLAYLIST_TYPES | {
    "application/json",
    "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav",
    "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp",
    "video/mp4", "video/ogg", "video/webm",
}  # fmt: skip
"""Types that browsers show inline without running a script.

The type of a rendition was determined from its content, never by a client.
"""


IN_PLACE: Final = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
)
"""Content policy of inline answers. A browser shows a film in a page that it makes itself, which
needs these sources."""


async def download_response(
    context: AppContext,
    user_id: UserId,
    command: Download,
    *,
    inline: bool = False,
    redirects: bool = True,
    link_seconds: float | None = None,
    adapt: Callable[[Content], Content] = lambda content: content,
) -> Response:
    """Answer a download of a user's finished upload.

    Args: link_seconds: how long a link to the object store is valid; None: as it is set. adapt:
        returns the content as it is answered. Others and Raises: see ``content_response`` and
        ``download``.
    """
    seconds = link_seconds or context.settings.objects.link_expires

    async def find_and_answer() -> Response:
        content = await download(context.uploads, context.ports.objects, user_id, command)
        return await content_response(
            adapt(content), command, link_seconds=seconds, inline=inline, redirects=redirects
        )

    try:
        return await find_and_answer()
    except UploadNotFound:
        # The pipeline moved the bytes to the object store after the catalog was read.
        return await find_and_answer()


async def content_response(
    content: Content,
    command: Download,
    *,
    link_seconds: float,
    inline: bool = False,
    redirects: bool = True,
) -> Response:
    """Stream a finished upload (checks C209 to C216), or redirect the client to its object.

    The answer is 304 when the client has the content, and 416 when the range begins after its end.
    The content is sent as opaque bytes, unless it is requested inline and has one of
    ``INLINE_TYPES``: a stored page or drawing must not run in our origin (ASVS 5.4.1, 5.4.2).

    Args: link_seconds: how long a link to the object store is valid; inline: whether the content is
        requested inline; redirects: whether a redirect is allowed, whose link is signed for GET
        only.
    Raises: PreconditionFailed; UploadNotFound: the pipeline has just moved the bytes;
        TransientError.
    """
    served = content.rendition
    name = download_name(
        content.upload.filename,
        ext=served.ext if served is not None else "",
        rendition=served.name if served is not None else None,
    )
    kind = served.content_type if served is not None else ""
    inline = inline and kind in INLINE_TYPES
    disposition = content_disposition(name, inline=inline)
    link = None
    if redirects and command.send_body and not (inline and kind in PLAYLIST_TYPES):
        link = await content.link(disposition, link_seconds)
    if link is not None:
        # The link works for a limited time, for every client that has it: no cache may keep it.
        headers = {"Location": link, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return Response(status_code=307, headers=headers)
    etag = f'"{content.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition,
        "Content-Security-Policy": IN_PLACE if inline else "sandbox; default-src 'none'",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    modified = _modified(content)
    if modified is not None:
        headers["Last-Modified"] = http_date(modified)
    verdict = evaluate(command.conditions, etag, modified)
    if verdict is Verdict.FAILED:
        raise PreconditionFailed
    if verdict is Verdict.NOT_MODIFIED:
        return Response(status_code=304, headers=headers)
    media_type = kind if inline else "application/octet-stream"
    if not command.send_body:
        headers["Content-Length"] = str(content.size)
        return Response(headers=headers, media_type=media_type)
    wanted = command.range_header if allows_range(command.conditions.if_range, etag) else None
    try:
        part = parse_range(wanted, content.size)
    except Unsatisfiable:
        headers["Content-Range"] = f"bytes */{content.size}"
        return Response(status_code=416, headers=headers)
    start, length = part if part is not None else (0, content.size)
    headers["Content-Length"] = str(length)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{content.size}"
    return StreamingResponse(
        await content.begin(start, length),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type=media_type,
    )


def _modified(content: Content) -> int | None:
    """Return when the client's file was last changed, if it is served as it was sent.

    What is made of a file may be made again, so it has no date (decision 49).
    """
    sent = content.rendition is None or content.rendition.name == ORIGINAL
    modified = content.upload.modified_at
    return int(modified) if sent and modified is not None else None


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return ``attachment`` or ``inline`` with a file name, in both forms of RFC 6266.

    Args: name: a name that ``download_name`` made.
    """
    how = "inline" if inline else "attachment"
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
