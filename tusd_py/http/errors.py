"""Maps errors to HTTP statuses, and writes the body of every refusal.

The statuses are chosen by what clients do with them (docs/decisions): tus-js-client gives up on 4xx
other than 409 and 423, and starts from zero when the answer to a HEAD is neither 2xx nor 423.
Bodies are RFC 9457 problems with two more members: ``code``, which is stable, and ``error`` of the
original API.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tusd_py.domain import errors as e
from tusd_py.problem import NO_MEMBERS, problem
from tusd_py.problem import problem_members as members_of_problem

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 5
_OPEN_UPLOADS_RETRY_SECONDS: Final = 60
"""Pause after which a refused creation can be tried again.

A client must finish or delete an upload first; when that happens is unknown.
"""

STATUS: Final[Mapping[type[e.TusdError], int]] = {
    e.TusdError: 500,
    e.ProtocolError: 400,
    e.MalformedHeader: 400,
    e.UnsupportedVersion: 412,
    e.WrongContentType: 415,
    e.UnsupportedContentEncoding: 415,
    e.UnsupportedChecksumAlgorithm: 400,
    e.InvalidConcatenation: 400,
    e.MethodNotAllowed: 405,
    e.ResourceNotFound: 404,
    e.PreconditionFailed: 412,
    e.UploadError: 409,
    e.UploadNotFound: 404,
    e.RenditionNotFound: 404,
    e.ShareNotFound: 404,
    e.ShareEnded: 410,
    e.ShareUsedUp: 410,
    e.UploadExpired: 410,
    e.UploadTerminated: 410,
    e.NotRetryable: 409,
    e.AlreadyProcessing: 409,
    e.OriginalMissing: 409,
    e.OffsetMismatch: 409,
    e.LengthExceeded: 413,
    e.HashConflict: 400,
    e.LengthConflict: 400,
    e.UploadComplete: 400,
    e.FinalUploadImmutable: 403,
    e.PartialNotFinished: 400,
    e.PartRemoved: 400,
    e.ChecksumMismatch: 460,
    e.HashMismatch: 460,
    e.UploadLocked: 423,
    e.UploadUnfinished: 409,
    e.BodyTimeout: 500,
    e.ClientDisconnected: 400,
    e.PolicyError: 403,
    e.Unauthenticated: 401,
    e.TokenInvalid: 401,
    e.TokenExpired: 401,
    e.UploadTokenOnly: 403,
    e.HookRefused: 403,
    e.RoleMissing: 403,
    e.OperatorLinkNeeded: 403,
    e.MaxSizeExceeded: 413,
    e.QuotaExceeded: 413,
    e.TooManyRequests: 429,
    e.TooManyUploads: 429,
    e.TooManyFiles: 413,
    e.TooManyParts: 413,
    e.ArchiveTooLarge: 413,
    e.TooManyStreams: 429,
    e.TooManyShares: 409,
    e.SharePasswordNeeded: 401,
    e.SharePasswordWrong: 401,
    e.TooManyArchives: 429,
    e.MetadataTooLarge: 431,
    e.TypeNotAllowed: 400,
    e.TypeMismatch: 400,
    e.ProfileNotAllowed: 400,
    e.OriginNotAllowed: 403,
    e.HostNotAllowed: 421,
    e.TaskNotFound: 404,
    e.BackendError: 503,
    e.KeysUnavailable: 503,
    e.LifespanMissing: 503,
    e.HookUnavailable: 503,
    e.ScannerUnavailable: 503,
    e.StorageFull: 507,
    e.StorageBusy: 503,
    e.StorageDamaged: 500,
    e.ShuttingDown: 503,
    e.PipelineError: 500,
    e.TransientError: 503,
    e.OutOfResources: 503,
    e.PermanentError: 500,
    e.LeaseLost: 500,
}
"""Status of each error class. A test checks that every class has its own row."""

_CLOSING: Final = (e.UploadLocked, e.BodyTimeout, e.ShuttingDown, e.ClientDisconnected)
"""Errors after which the connection closes: the rest of the body is still being sent, or will
never arrive."""

_LOGGED_ELSEWHERE: Final = (e.BodyTimeout, e.ShuttingDown, e.StorageFull)
"""Errors that are not logged here.

They are not faults of the server, or they are logged once and not for each refused request: a log
on a full disk must not grow with each refusal.
"""

_ORIGINAL_TEXTS: Final[Mapping[type[e.TusdError], str]] = {
    e.TypeNotAllowed: "文件格式不支持",
    e.TypeMismatch: "文件格式不支持",
    e.TaskNotFound: "任务不存在或已过期",
    e.QuotaExceeded: "存储空间不足",
    e.TooManyRequests: "请求过于频繁，请稍后再试",
    e.TooManyUploads: "未完成的上传过多，请稍后再试",
    e.TooManyFiles: "文件数量已达上限",
    e.TooManyParts: "分片数量过多",
    e.ArchiveTooLarge: "打包的文件过多",
    e.TooManyArchives: "同时下载的压缩包过多，请稍后再试",
    e.TooManyStreams: "同时打开的进度连接过多，请稍后再试",
}


def status_of(error: e.TusdError) -> int:
    """Return the status of an error: the row of its class, or of the nearest ancestor.

    An application that refuses an upload may have its own.
    """
    if isinstance(error, e.HookRefused) and error.status is not None:
        return error.status
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def is_tus_head(scope: Scope) -> bool:
    """Return whether a request is a HEAD of tus. Others get the head of the answer to GET."""
    return scope["method"] == "HEAD" and any(
        name == b"tus-resumable" for name, _ in scope["headers"]
    )


def status_for_tus_head(status: int) -> int:
    """Return the status for a HEAD of tus: 423 for what may pass, so that no client restarts."""
    return 423 if status >= 500 or status == 429 else status


def original_text(error: e.TusdError) -> str:
    """Return the member ``error``: the text of the original API (requirements S3, S4).

    An error that the original API does not have gets its detail.
    """
    if isinstance(error, e.MaxSizeExceeded):
        return f"文件过大，最大支持{size_text(error.limit)}"
    return _ORIGINAL_TEXTS.get(type(error), error.detail)


def size_text(size: int) -> str:
    """Return a size as the original API writes it: ``10GB`` for 10 GiB.

    The unit is the largest one that divides the size.
    """
    for unit, name in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{name}"
    return f"{size}B"


def error_headers(error: e.TusdError, status: int) -> dict[str, str]:
    """Return the header fields that belong to an error and its status."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if isinstance(error, e.UnsupportedVersion):
        headers["Tus-Version"] = "1.0.0"
    if isinstance(error, e.OffsetMismatch):
        headers["Upload-Offset"] = str(error.current)
    if isinstance(error, e.ChecksumMismatch):
        headers["Upload-Offset"] = str(error.offset)
    if isinstance(error, e.MaxSizeExceeded):
        headers["Tus-Max-Size"] = str(error.limit)
    if isinstance(error, e.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, e.Unauthenticated):
        # RFC 6750, 3.1: no error is named where no token was sent.
        token_sent = isinstance(error, e.TokenInvalid | e.TokenExpired)
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if token_sent else "Bearer"
    if isinstance(error, e.SharePasswordNeeded):
        headers["WWW-Authenticate"] = 'Basic realm="link", charset="UTF-8"'
    wait = _wait_seconds(error, status)
    if wait is not None:
        headers["Retry-After"] = str(wait)
    if isinstance(error, _CLOSING):
        headers["Connection"] = "close"
    return headers


def _wait_seconds(error: e.TusdError, status: int) -> int | None:
    if isinstance(error, e.TooManyRequests):
        return math.ceil(error.wait_seconds)
    if isinstance(error, e.TooManyUploads):
        return _OPEN_UPLOADS_RETRY_SECONDS
    if isinstance(error, e.TooManyStreams | e.TooManyArchives):
        return _RETRY_SECONDS
    return _RETRY_SECONDS if status in (423, 503, 507) else None


def problem_response(
    error: e.TusdError,
    *,
    tus_head: bool = False,
    status: int | None = None,
    members: Mapping[str, Any] = NO_MEMBERS,
) -> Response:
    """Return the answer to a refused request.

    Args: tus_head: whether the request is a HEAD of an upload protocol. Its answer is made for it
        alone, while the server sends the head of the answer to GET for every other HEAD.
        status: another one than that of the error's class. members: see ``problem``.
    """
    status = status or status_of(error)
    _log(error, status)
    if tus_head:
        status = status_for_tus_head(status)
        return without_length(Response(status_code=status, headers=error_headers(error, status)))
    if isinstance(error, e.HookRefused) and error.body is not None:
        media_type, text = error.body
        return Response(text, status, error_headers(error, status), media_type)
    return Response(
        problem(status, error.code, error.detail, original_text(error), members),
        status_code=status,
        headers=error_headers(error, status),
        media_type="application/problem+json",
    )


def problem_members(error: e.TusdError) -> dict[str, str | int]:
    """Return the problem of one of several things that a request was about."""
    status = status_of(error)
    _log(error, status)
    return members_of_problem(status, error.code, error.detail, original_text(error))


def _log(error: e.TusdError, status: int) -> None:
    if status >= 500 and not isinstance(error, _LOGGED_ELSEWHERE):
        facts = {"code": error.code, "reason": error.reason or error.detail}
        log.error("request.failed", extra=facts, exc_info=error)


def without_length(answer: Response) -> Response:
    """Return an answer to a HEAD of tus without Content-Length.

    The field would be that of the answer to GET (RFC 9110, 8.6).
    """
    del answer.headers["Content-Length"]
    return answer


async def refuse(error: e.TusdError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or the handshake of a WebSocket, with a refusal."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(problem_response(error))
    else:
        await problem_response(error, tus_head=is_tus_head(scope))(scope, receive, send)
