"""Read responses with limits, so that no server can fill the memory or delay a client without end.

Nothing is decompressed: every request has the Accept-Encoding identity.
"""

import socket
import ssl
import time
from typing import Final

import httpx

from tusd_py.bounded_http import is_plain
from tusd_py.client.errors import Refused
from tusd_py.client.file_upload import TransientFailure
from tusd_py.client.tus_requests import Response

MAX_ANSWER_BYTES: Final = 1 << 20
ANSWER_SECONDS: Final = 60.0
"""The time limit for the whole body of a response that is not a file."""


class _Body:
    """Collects the body of one response."""

    def __init__(self, response: httpx.Response) -> None:
        self.content = bytearray()
        self._plain = is_plain(response)
        self._deadline = time.monotonic() + ANSWER_SECONDS

    def take(self, piece: bytes) -> bool:
        """Add a piece and return whether to continue.

        A body that is too large, too slow or compressed becomes empty.
        """
        self.content += piece
        in_time = time.monotonic() <= self._deadline
        if self._plain and in_time and len(self.content) <= MAX_ANSWER_BYTES:
            return True
        self.content.clear()
        return False


def read_answer(response: httpx.Response) -> Response:
    """Return a response with its body. Raises: httpx.TransportError."""
    body = _Body(response)
    for piece in response.iter_raw():
        if not body.take(piece):
            break
    return Response(response.status_code, response.headers, bytes(body.content))


async def aread_answer(response: httpx.Response) -> Response:
    """Return a response with its body, as ``read_answer`` does."""
    body = _Body(response)
    async for piece in response.aiter_raw():
        if not body.take(piece):
            break
    return Response(response.status_code, response.headers, bytes(body.content))


def failure_of(error: httpx.TransportError) -> TransientFailure:
    """Turn an error of a connection into a TransientFailure.

    Raises: Refused: the request is wrong.
    """
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        raise Refused(f"the request can't be sent: {error}") from error
    reason = str(error) or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return TransientFailure(f"the host name can't be resolved: {reason}", permanent=True)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransientFailure(
                f"the certificate is not trusted: {cause.verify_message}", permanent=True
            )
        if isinstance(cause, ssl.SSLError):
            return TransientFailure(f"TLS failed: {reason}", permanent=True)
        cause = cause.__cause__ or cause.__context__
    return TransientFailure(reason)
