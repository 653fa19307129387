"""Defines the refusals of a connection, before the application receives a request.

Each refusal is answered in the form of all others (RFC 9457, ``code``, ``error``) and ends its
connection: bytes that follow a message whose end is not known can't be read as a request.
"""

from collections.abc import Iterable
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tusd_py.problem import problem


class Refusal(Exception):
    """Is the base of all refusals; it is raised in the parser's callbacks to stop it at once."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "malformed_request"
    sentence: ClassVar[str] = "The request is not HTTP/1.1."
    error: ClassVar[str] = "请求格式错误"
    retry_seconds: ClassVar[int | None] = None

    def answer(self, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the whole answer, head and body."""
        body = problem(self.status, self.code, self.sentence, self.error)
        fields = [
            *default_headers,
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if self.retry_seconds is not None:
            fields.append((b"retry-after", b"%d" % self.retry_seconds))
        lines = [b"%s: %s\r\n" % field for field in fields]
        return b"".join((STATUS_LINE[self.status], *lines, b"\r\n", body))


class UpgradeRefused(Refusal):
    """Refuses a change of protocol other than a WebSocket handshake without a body.

    Source: RFC 9110, 7.8.
    """

    code = "upgrade_refused"
    sentence = (
        "This server changes the protocol for a WebSocket handshake alone: a GET of HTTP/1.1 "
        "without a body. Send the request again without the field Upgrade (curl: with --http1.1)."
    )
    error = "不支持的协议升级"


class TransferCodingRefused(Refusal):
    """Refuses a transfer coding other than chunked (RFC 9112, 6.1): it would not be decoded."""

    status = 501
    code = "unsupported_transfer_coding"
    sentence = "The field Transfer-Encoding may hold chunked and nothing else."
    error = "不支持的传输编码"


class HeadTooLarge(Refusal):
    """Refuses a head with more bytes or fields than the limits."""

    status = 431
    code = "head_too_large"
    sentence = "The request's header fields are too many or too long."
    error = "请求头过大"


class TrailersTooLarge(Refusal):
    """Refuses trailers or chunk extensions with more bytes or fields than the limits."""

    status = 431
    code = "trailers_too_large"
    sentence = "The request's trailers or chunk extensions are too many or too long."
    error = "请求尾部字段过大"


class TargetTooLong(Refusal):
    """Refuses a request target with more bytes than the limit."""

    status = 414
    code = "target_too_long"
    sentence = "The request's target is too long."
    error = "请求地址过长"


class HeadTimeout(Refusal):
    """Refuses a head that was not complete in time."""

    status = 408
    code = "head_timeout"
    sentence = "The request's header fields did not arrive in time."
    error = "请求超时"


class TooManyPipelined(Refusal):
    """Refuses a request when too many wait on one connection; those before it are answered."""

    status = 429
    code = "too_many_pipelined"
    sentence = "Too many requests wait on this connection; wait for answers before sending more."
    error = "请求过于频繁，请稍后再试"
    retry_seconds = 1


class ServerBusy(Refusal):
    """Refuses a connection beyond the limit, when all allowed connections serve requests."""

    status = 503
    code = "too_many_connections"
    sentence = "Too many connections are open; try again later."
    error = "服务器繁忙，请稍后再试"
    retry_seconds = 5
