"""The answer to GET: a file as an attachment, or a rendition in place, whole or a range."""

from enum import Enum
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from tusd_py.domain.filenames import download_name
from tusd_py.protocol.ranges import Unsatisfiable, parse_range
from tusd_py.uploads.download import Content

PLAYLIST_TYPES: Final = frozenset({"application/vnd.apple.mpegurl", "text/vtt"})
"""They name other renditions relative to their own address: a link to the object store would break that."""
INLINE_TYPES: Final = PLAYLIST_TYPES | {
    "application/json",
    "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav",
    "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp",
    "video/mp4", "video/ogg", "video/webm",
}  # fmt: skip
"""Types that browsers show in place without running anything. Which one a rendition has was decided by
its content, never by a client."""


IN_PLACE: Final = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
)
"""A browser shows a film in a page of its own making, which needs these."""


class Presentation(Enum):
    """How a browser is to take a download."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


async def send_content(
    content: Content,
    range_header: str | None,
    *,
    link_seconds: float,
    presentation: Presentation = Presentation.ATTACHMENT,
    redirects: bool = True,
    if_none_match: str | None = None,
) -> Response:
    """Stream a finished upload (C209-C216), or send the client where its object is; 416 when the range
    begins behind its end.

    Opaque bytes whatever they are, unless they are wanted in place and of ``INLINE_TYPES``: a stored page
    or drawing must not run in our origin (ASVS 5.4.1, 5.4.2).
    Args: link_seconds: how long a link to the object store is valid; redirects: whether there may be one;
        if_none_match: the field's value; 304 where it names this content (RFC 9110, 13.1.2).
    """
    served = content.rendition
    name = download_name(
        content.upload.filename,
        ext=served.ext if served is not None else "",
        rendition=served.name if served is not None else None,
    )
    kind = served.content_type if served is not None else ""
    inline = presentation is Presentation.INLINE and kind in INLINE_TYPES
    disposition = content_disposition(name, inline=inline)
    link = None
    if redirects and not (inline and kind in PLAYLIST_TYPES):
        link = await content.link(disposition, link_seconds)
    if link is not None:
        # The link is good for an hour or so and for whoever has it: nobody may keep this answer.
        headers = {"Location": link, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return Response(status_code=307, headers=headers)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition,
        "Content-Security-Policy": IN_PLACE if inline else "sandbox; default-src 'none'",
        "ETag": f'"{content.etag}"',
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and headers["ETag"] in if_none_match.replace("W/", "").split(", "):
        return Response(status_code=304, headers=headers)
    try:
        part = parse_range(range_header, content.size)
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
        media_type=kind if inline else "application/octet-stream",
    )


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return ``attachment`` or ``inline`` with a name as ``download_name`` makes it, in both forms of
    RFC 6266."""
    how = Presentation.INLINE if inline else Presentation.ATTACHMENT
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"{how.value}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
