"""Passes kept bodies to the endpoints that their requests were for, and keeps what these answer.

The endpoint, the target, gets one ordinary request when the body is complete. Who sends it is known
from the request that completed the body, so that no credentials are kept.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import UploadNotFound
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.target import TargetAnswer, TargetRequest
from tusd_py.domain.upload import Upload
from tusd_py.http.interim import sends_interim
from tusd_py.http.mount import mount_path
from tusd_py.ingest.scope_extensions import KEPT_REQUEST, RESUMABLE
from tusd_py.protocol.head import Head
from tusd_py.protocol.ietf.answers import DraftFacts, state_fields
from tusd_py.protocol.ietf.requests import speaks_draft
from tusd_py.protocol.ietf.versions import Version, version_of
from tusd_py.settings.model import Settings
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.download import begin_reading, stored_pieces

MAX_ANSWER_BYTES: Final = 60 << 10
"""Most bytes of an answer's body: MySQL's BLOB ends at 64 KiB."""
_NOT_FINAL: Final = frozenset({401, 408, 423, 425, 429})
"""Statuses that say nothing of the content: the same request may be answered otherwise later."""
_SECRET: Final = frozenset({"set-cookie", "upload-token"})
"""Fields of an answer that are not recorded."""
_OF_BODY: Final = (b"content-", b"upload-")
_OF_MESSAGE: Final = frozenset(
    {b"transfer-encoding", b"trailer", b"te", b"expect", b"repr-digest", b"want-repr-digest",
     b"x-http-method-override", b"idempotency-key"}
)  # fmt: skip
"""Fields that belong to the request that brought the last bytes, with those of ``_OF_BODY``."""


@dataclass(frozen=True, slots=True)
class OuterEndpoints:
    """Holds the endpoints that can be targets of the application in which the server is mounted."""

    app: ASGIApp
    paths: frozenset[str]
    scope: Scope
    """The request as it came to that application."""
    target: TargetRequest | None
    """The request to one of the endpoints whose body the server keeps now."""


def keeps_body(settings: Settings, scope: Scope, head: Head) -> bool:
    """Return whether the body of a request to a target is kept, so that it can be resumed.

    It is kept only for a client that learns the address of the upload.
    """
    if head.method not in ("POST", "PUT") or not speaks_draft(head):
        return False
    version = version_of(head.fields)
    completes = version.completes(head.fields)
    if completes is None:
        return False
    return not completes or sends_interim(settings, scope, head.fields, version)


def target_of(head: Head, path: str) -> TargetRequest:
    """Return the request to the endpoint at this path, which is decoded."""
    encoded = quote(path)
    return TargetRequest(
        method=head.method,
        path=f"{encoded}?{head.query}" if head.query else encoded,
        content_type=head.fields.joined("Content-Type") or "",
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """Holds the answer of a target to a body of ``size`` bytes."""

    answer: TargetAnswer
    size: int

    @property
    def is_final(self) -> bool:
        """Whether the answer is kept: a failure of the server says nothing of the content."""
        return self.answer.status < 500 and self.answer.status not in _NOT_FINAL

    @property
    def facts(self) -> DraftFacts:
        """The state of the upload: it is complete when the final answer is known."""
        return DraftFacts(offset=self.size, complete=self.is_final, length=self.size)

    def response(self, version: Version) -> Response:
        """Return the response to the client."""
        response = Response(self.answer.body, self.answer.status)
        response.raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in self.answer.fields
        ]
        response.headers.update(state_fields(version, self.facts))
        return response


class Targets:
    """Answers for the targets of uploads that keep the bodies of requests."""

    def __init__(self, uploads: UploadContext, app: ASGIApp, paths: Collection[str]) -> None:
        """``app`` has the server's own endpoints, at ``paths``."""
        self._uploads = uploads
        self._app = app
        self._paths = paths

    async def kept(self, user_id: UserId, upload_id: UploadId) -> Answered | None:
        """Return the final answer that a target gave; None: it gave none, or to another user."""
        return await self._uploads.threads.call(self._kept, user_id, upload_id)

    def _kept(self, user_id: UserId, upload_id: UploadId) -> Answered | None:
        upload = self._uploads.catalog.uploads.get(upload_id)
        if upload is None or upload.user_id != user_id:
            return None
        answer = self._uploads.catalog.uploads.target_answer(upload_id)
        return None if answer is None else Answered(answer, upload.size)

    async def answer(self, scope: Scope, caller: Caller, upload_id: UploadId) -> Answered:
        """Return the answer of the target of a complete body, which gets it if it has not answered.

        The upload's lock is held meanwhile. A final answer is recorded, and the body is removed.

        Args: scope: of the request that completed the body, by the same user.
        Raises: UploadTokenOnly: a token for one upload is not enough for another endpoint;
            UploadNotFound, UploadExpired, UploadTerminated, UploadLocked.
        """
        caller.require_full_user()
        async with self._uploads.locked(upload_id):
            kept = await self.kept(caller.user_id, upload_id)
            if kept is not None:
                return kept
            upload = await self._uploads.find(caller.user_id, upload_id)
            answered = Answered(await self._pass(scope, upload), upload.size)
            if answered.is_final:
                await self._uploads.threads.call(self._keep, upload_id, answered.answer)
        return answered

    def _keep(self, upload_id: UploadId, answer: TargetAnswer) -> None:
        """Record the answer, then remove the body: the janitor finds it after a crash between."""
        fields = tuple(field for field in answer.fields if field[0].lower() not in _SECRET)
        kept = replace(answer, fields=fields)
        self._uploads.catalog.uploads.keep_target_answer(upload_id, kept)
        self._uploads.stores.uploads.delete(upload_id)
        self._uploads.catalog.uploads.source_removed(upload_id)

    async def _pass(self, scope: Scope, upload: Upload) -> TargetAnswer:
        """Send the request to its target. Raises: UploadNotFound: its target is not known."""
        uploads = self._uploads
        target = await uploads.threads.call(uploads.catalog.uploads.target, upload.id)
        if target is None:
            raise UploadNotFound

        def pieces() -> Iterator[bytes]:
            return stored_pieces(uploads.stores.uploads, upload.id, 0, upload.size)

        content = await begin_reading(uploads, pieces)
        recorder = _Recorder()
        try:
            app, base = self._place_of(target, scope)
            await app(_request(base, target, upload), _receiver(content), recorder.send)
        finally:
            if isinstance(content, AsyncGenerator):
                await content.aclose()
        return recorder.answer()

    def _place_of(self, target: TargetRequest, scope: Scope) -> tuple[ASGIApp, Scope]:
        """Return the application of a target, and the request as it came to that application.

        Raises: LookupError: another server, or another configuration, had the target. What its
            absence would be answered with must not become the final answer.
        """
        path = unquote(target.path.partition("?")[0])
        outer: OuterEndpoints | None = (scope.get("extensions") or {}).get(RESUMABLE)
        if outer is not None and path in outer.paths:
            return outer.app, outer.scope
        if path in self._paths:
            return self._app, scope
        raise LookupError("the target of a kept request is not served here")


def _request(scope: Scope, target: TargetRequest, upload: Upload) -> dict[str, Any]:
    """Return the scope of the ordinary request."""
    path, _, query = target.path.partition("?")
    fields = [
        (name, value)
        for name, value in scope["headers"]
        if name not in _OF_MESSAGE and not name.startswith(_OF_BODY)
    ]
    fields.append((b"content-length", str(upload.size).encode()))
    fields.append((b"idempotency-key", f'"{upload.id}"'.encode()))
    if target.content_type:
        fields.append((b"content-type", target.content_type.encode("latin-1")))
    return {
        **scope,
        "method": target.method,
        "path": f"{scope.get('root_path', '')}{unquote(path)}",
        "raw_path": f"{mount_path(scope)}{path}".encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": fields,
        "extensions": {KEPT_REQUEST: {"id": upload.id}},
    }


def _receiver(content: AsyncIterator[bytes]) -> Receive:
    """Return the ``receive`` of a request with this body, whose client stays."""
    is_over = False

    async def receive() -> Message:
        nonlocal is_over
        piece = await anext(content, b"")
        if piece:
            return {"type": "http.request", "body": piece, "more_body": True}
        if is_over:
            # An endpoint that waits for the end of the connection waits until it has answered.
            await asyncio.Event().wait()
        is_over = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


class _Recorder:
    """Takes the messages of an answer."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if len(self._body) > MAX_ANSWER_BYTES:
                raise ValueError("the answer of a target is too long to be kept")

    def answer(self) -> TargetAnswer:
        fields = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._start["headers"]
        )
        return TargetAnswer(status=self._start["status"], fields=fields, body=bytes(self._body))
