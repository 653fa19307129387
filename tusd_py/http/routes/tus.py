"""Serves the tus endpoint: one ASGI application below the configured path, before the router.

Most requests go to this endpoint, and small ones must be cheap: router, route and exception
middleware would be a third of the cost of a request before a use case begins.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from starlette._utils import get_route_path
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Discover, Download, Inspect, Terminate
from tusd_py.domain.errors import TusdError, UnsupportedVersion, UploadUnfinished
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import UploadState
from tusd_py.http.context import AppContext
from tusd_py.http.download import download_response
from tusd_py.http.errors import problem_response, without_length
from tusd_py.http.hook_request import hook_request
from tusd_py.http.mount import mount_path
from tusd_py.ingest.scope_extensions import TRAILERS
from tusd_py.ingest.socket_body import body_of
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head
from tusd_py.protocol.tus1 import (
    VERSION,
    Capabilities,
    UploadFacts,
    discovery_headers,
    inspection_headers,
    is_plain_head,
    parse_request,
    progress_headers,
)
from tusd_py.uploads.append import append
from tusd_py.uploads.body import Body
from tusd_py.uploads.create import Created, create
from tusd_py.uploads.inspect import Inspected, inspect
from tusd_py.uploads.receive import AppendResult
from tusd_py.uploads.terminate import terminate

_ALWAYS: Final[Mapping[str, str]] = {
    "Tus-Resumable": VERSION,
    "X-Content-Type-Options": "nosniff",
}


class TusEndpoint:
    """Answers every request below the endpoint's path (requirement K2)."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._uploads = context.uploads
        self._capabilities = context.capabilities
        self._capabilities_with_trailers = context.capabilities.with_trailers()
        # A proxy drops trailers: nginx does (docs/protocol.md).
        self._sees_trailers = not context.settings.behind_proxy
        self._base_path = context.settings.base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request: parse its head, run the use case, send the answer or the error."""
        head = self._head(scope)
        try:
            response = await self._answer(scope, receive, head)
        except TusdError as error:
            response = problem_response(error, tus_head=_is_tus_head(head))
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _head(self, scope: Scope) -> Head:
        path = get_route_path(scope)
        resource = path.removeprefix(self._base_path) if path != self._base_path[:-1] else ""
        # A copy of the fields: trailers must not change the head.
        return Head(
            method=scope["method"],
            resource=resource,
            query=scope["query_string"].decode("latin-1"),
            fields=Fields(list(scope["headers"])),
            trailers=scope.get("extensions", {}).get(TRAILERS, {}).get("fields", ()),
        )

    def _capabilities_on(self, scope: Scope) -> Capabilities:
        """Return the capabilities for this request's connection."""
        trailers = self._sees_trailers and TRAILERS in scope.get("extensions", {})
        return self._capabilities_with_trailers if trailers else self._capabilities

    async def _answer(self, scope: Scope, receive: Receive, head: Head) -> Response:
        able = self._capabilities_on(scope)
        command = parse_request(head, able)
        if isinstance(command, Discover):
            return Response(status_code=204, headers=discovery_headers(able))
        caller = await self._context.access.caller(HTTPConnection(scope))
        caller.check_command(command)
        user_id = caller.user_id
        body = body_of(scope, receive, self._context.threads)
        match command:
            case Create():
                await self._context.count_request(caller)
                return await self._create(scope, head, command, caller, body)
            case Append():
                appended = await append(self._uploads, user_id, command, body)
                facts = UploadFacts(
                    offset=appended.offset,
                    length=None,
                    expires_at=appended.expires_at,
                    challenge=appended.challenge,
                )
                headers = progress_headers(facts) | self._renewed(caller, command, appended)
                return Response(status_code=204, headers=headers)
            case Inspect():
                inspected = await inspect(self._uploads, user_id, command)
                headers = inspection_headers(_facts(inspected))
                unfinished = inspected.upload.state is UploadState.RECEIVING
                if caller.upload_id is None or unfinished:
                    headers |= self._token(inspected)
                return without_length(Response(headers=headers))
            case Terminate():
                await terminate(self._uploads, user_id, command)
                return Response(status_code=204)
            case Download():
                return await self._download(head, user_id, command)

    async def _download(self, head: Head, user_id: UserId, command: Download) -> Response:
        try:
            return await download_response(self._context, user_id, command)
        except UploadUnfinished:
            if not is_plain_head(head):
                raise
            # The HEAD of an upload that is still arriving is that of tus.
            return problem_response(UnsupportedVersion(), tus_head=True)

    def _token(self, result: Created | Inspected) -> dict[str, str]:
        upload = result.upload
        return self._context.access.upload_token_header(
            upload.user_id, upload.id, upload.length, result.expires_at
        )

    def _renewed(self, caller: Caller, command: Append, appended: AppendResult) -> dict[str, str]:
        """Return the header with a token that expires as late as the upload does now.

        The token of a finished upload is not renewed.
        """
        if caller.upload_id is None or appended.expires_at is None:
            return {}
        length = caller.length if caller.length is not None else command.declared_length
        return self._context.access.upload_token_header(
            caller.user_id, caller.upload_id, length, appended.expires_at
        )

    async def _create(
        self, scope: Scope, head: Head, command: Create, caller: Caller, body: Body
    ) -> Response:
        upload_id = UploadId(secrets.token_hex(16))
        forwarded = self._context.settings.hooks.forward_headers
        request = hook_request(HTTPConnection(scope), forwarded)
        if request is not None:
            command = replace(command, request=request)
        created = await create(self._uploads, caller, upload_id, command, body)
        origin = self._context.address.origin_of(head.fields, scheme=scope["scheme"])
        path = f"{mount_path(scope)}{self._base_path}{created.upload.id}"
        facts = replace(_facts(created), challenge=created.challenge)
        headers = {"Location": f"{origin or ''}{path}", **progress_headers(facts)}
        headers |= self._token(created)
        return Response(status_code=201, headers=headers)


def _is_tus_head(head: Head) -> bool:
    override = head.fields.joined("X-HTTP-Method-Override") or ""
    return "HEAD" in (head.method, override.upper()) and not is_plain_head(head)


def _facts(result: Created | Inspected) -> UploadFacts:
    return UploadFacts(
        offset=result.offset,
        length=result.upload.length,
        metadata_header=result.upload.metadata_header,
        concat_header=result.upload.concat_header,
        expires_at=result.expires_at,
        instant=result.upload.instant,
    )


@dataclass(frozen=True, slots=True)
class _Label:
    """Is the label of a route in metrics (``RequestMetrics``)."""

    path: str


class TusDispatch:
    """Wraps the router, and calls the endpoint before it."""

    def __init__(self, app: ASGIApp, endpoint: TusEndpoint, base_path: str) -> None:
        self._app = app
        self._endpoint = endpoint
        self._base_path = base_path
        self._collection = _Label(base_path[:-1])
        self._below = _Label(f"{base_path}{{resource:path}}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the endpoint, or to the router."""
        if scope["type"] == "http":
            path = get_route_path(scope)
            if path.startswith(self._base_path):
                scope["route"] = self._below
                await self._endpoint(scope, receive, send)
                return
            if path == self._collection.path:
                scope["route"] = self._collection
                await self._endpoint(scope, receive, send)
                return
        await self._app(scope, receive, send)
