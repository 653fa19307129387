"""The answer to GET: the file as an attachment, whole or a range, never rendered in place."""

from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from tusd_py.domain.filenames import download_name
from tusd_py.protocol.ranges import Unsatisfiable, parse_range
from tusd_py.uploads.download import Content


async def send_content(
    content: Content, range_header: str | None, *, link_seconds: float
) -> Response:
    """Stream a finished upload (C209-C216), or send the client where its object is; 416 when the range
    begins behind its end.

    Opaque bytes whatever they are: a stored page or drawing must not run in our origin
    (ASVS 5.4.1, 5.4.2). Args: link_seconds: how long a link is good for.
    """
    served = content.rendition
    name = download_name(
        content.upload.filename,
        ext=served.ext if served is not None else "",
        rendition=served.name if served is not None else None,
    )
    disposition = content_disposition(name)
    link = await content.link(disposition, link_seconds)
    if link is not None:
        # The link is good for an hour or so and for whoever has it: nobody may keep this answer.
        headers = {"Location": link, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return Response(status_code=307, headers=headers)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{content.etag}"',
        "X-Content-Type-Options": "nosniff",
    }
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
        media_type="application/octet-stream",
    )


def content_disposition(name: str) -> str:
    """Return ``attachment`` with a name as ``download_name`` makes it, in both forms of RFC 6266."""
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
