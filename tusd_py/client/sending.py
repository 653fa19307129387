"""Send one request, once, and return its response, whatever it is."""

from collections.abc import Iterator

import httpx

from tusd_py.client.file_upload import Progress, ignore_progress
from tusd_py.client.messages import FileRange, Request, Response
from tusd_py.client.reading import read_range
from tusd_py.client.responses import read_answer


def send_request(
    http: httpx.Client,
    request: Request,
    progress: Progress = ignore_progress,
    *,
    follow: bool = False,
) -> Response:
    """Send a request and return the response.

    Args: progress: called with each offset up to which a file was sent; follow: follow redirects.
    Raises: httpx.TransportError; Refused, OSError: the file can't be read.
    """
    body = request.body
    content = _content(body, progress) if isinstance(body, FileRange) else body
    with http.stream(
        request.method,
        request.url,
        headers=request.headers,
        content=content,
        follow_redirects=follow,
    ) as response:
        return read_answer(response)


def _content(piece: FileRange, progress: Progress) -> Iterator[bytes]:
    with piece.file.open("rb", buffering=0) as source:
        for offset, content in read_range(source, piece):
            yield content
            progress(offset)
