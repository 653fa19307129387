"""Read responses with limits, so that no server can fill the memory or delay a client without end.

Nothing is decompressed: every request has the Accept-Encoding identity.
"""

import os
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final

import httpx

from tusd_py.bounded_http import is_plain
from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.messages import Response

MAX_ANSWER_BYTES: Final = 1 << 20
ANSWER_SECONDS: Final = 60.0
"""The time limit for the whole body of a response that is not a file."""


_SENTENCES: Final = (
    (httpx.ConnectTimeout, "no connection was made in time"),
    (httpx.ConnectError, "no server answers there"),
    (httpx.ReadTimeout, "no answer came in time"),
    (httpx.WriteTimeout, "the server took no bytes in time"),
    (httpx.ReadError, "the connection was cut"),
    (httpx.WriteError, "the connection was cut"),
    (httpx.CloseError, "the connection was cut"),
)


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
        # The text goes on with the value of the field, which may be a secret.
        raise Refused(f"the request can't be sent: {str(error).partition(' b')[0]}") from error
    reason = str(error)
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return TransientFailure(
                f"the host name can't be resolved: {cause.strerror}", permanent=True
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransientFailure(
                f"the certificate is not trusted: {cause.verify_message}", permanent=True
            )
        if isinstance(cause, ssl.SSLError):
            return TransientFailure(f"TLS failed: {error}", permanent=True)
        if isinstance(cause, OSError) and cause.errno:
            reason = os.strerror(cause.errno)
    sentence = next((text for kind, text in _SENTENCES if isinstance(error, kind)), "")
    both = ": ".join(part for part in (sentence, reason) if part)
    return TransientFailure(both or type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what caused it; of a group, all of its errors and their causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            for member in cause.exceptions:
                yield from _causes(member)
        cause = cause.__cause__ or cause.__context__
