"""Answers requests of tus 1.0, and downloads."""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Discover, Download, Inspect, Terminate
from tusd_py.domain.errors import TusdError, UnsupportedVersion, UploadUnfinished
from tusd_py.domain.upload import UploadProtocol
from tusd_py.http.context import AppContext
from tusd_py.http.download import download_response
from tusd_py.http.empty_response import EmptyResponse
from tusd_py.http.errors import problem_response, without_length
from tusd_py.http.routes.ietf import complete_fields, discovered_limits, offset_response
from tusd_py.http.upload_requests import (
    create_upload,
    inspected_token_header,
    renewed_token_header,
    token_header,
    upload_address,
)
from tusd_py.ingest.scope_extensions import TRAILERS
from tusd_py.ingest.socket_body import body_of
from tusd_py.protocol.head import Head, names_head
from tusd_py.protocol.ietf.versions import UNNAMED
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
from tusd_py.uploads.create import Created
from tusd_py.uploads.inspect import Inspected, inspect
from tusd_py.uploads.terminate import terminate

_ALWAYS: Final = (
    (b"tus-resumable", VERSION.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
)


class TusEndpoint:
    """Answers every request below the endpoint's path (requirement K2)."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._uploads = context.uploads
        self._capabilities = context.capabilities
        self._capabilities_with_trailers = context.capabilities.with_trailers()
        # A proxy drops trailers: nginx does (docs/protocol.md).
        self._sees_trailers = not context.settings.behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send, head: Head) -> None:
        """Handle one request: parse its head, run the use case, send the answer or the error."""
        try:
            response = await self._answer(scope, receive, head)
        except TusdError as error:
            response = problem_response(error, tus_head=_is_tus_head(head))
        fields = response.raw_headers
        names = [name for name, _ in fields]
        fields.extend([field for field in _ALWAYS if field[0] not in names])
        await response(scope, receive, send)

    def _capabilities_on(self, scope: Scope) -> Capabilities:
        """Return the capabilities for this request's connection."""
        trailers = self._sees_trailers and TRAILERS in scope.get("extensions", {})
        return self._capabilities_with_trailers if trailers else self._capabilities

    async def _answer(self, scope: Scope, receive: Receive, head: Head) -> Response:
        able = self._capabilities_on(scope)
        command = parse_request(head, able)
        if isinstance(command, Discover):
            headers = discovery_headers(able) | discovered_limits(self._context, head.fields)
            return Response(status_code=204, headers=headers)
        caller = await self._context.access.caller(HTTPConnection(scope))
        caller.check_command(command)
        user_id = caller.user_id
        body = body_of(scope, receive, self._context.threads)
        match command:
            case Create():
                created = await create_upload(self._context, scope, caller, command, body)
                facts = _facts(created, created.challenge)
                address = upload_address(self._context, scope, head.fields, created.upload.id)
                headers = {"Location": address, **progress_headers(facts)}
                headers |= token_header(self._context, created)
                return EmptyResponse(201, headers)
            case Append():
                appended = await append(self._uploads, user_id, command, body)
                facts = UploadFacts(
                    offset=appended.offset,
                    length=None,
                    expires_at=appended.expires_at,
                    challenge=appended.challenge,
                )
                headers = progress_headers(facts)
                headers |= renewed_token_header(self._context, caller, command, appended)
                return EmptyResponse(204, headers)
            case Inspect():
                inspected = await inspect(self._uploads, user_id, command)
                headers = inspection_headers(_facts(inspected))
                headers |= inspected_token_header(self._context, caller, inspected)
                return without_length(Response(headers=headers))
            case Terminate():
                await terminate(self._uploads, user_id, command)
                return Response(status_code=204)
            case Download():
                return await self._download(head, caller, command)

    async def _download(self, head: Head, caller: Caller, command: Download) -> Response:
        """Answer a download; a HEAD or GET without tus may mean the offset of a draft's upload."""
        user_id, upload_id = caller.user_id, command.upload_id
        try:
            response = await download_response(self._context, user_id, command)
        except UploadUnfinished:
            if "Tus-Resumable" not in head.fields:
                known = await self._uploads.known_upload(user_id, upload_id)
                if known.protocol is UploadProtocol.IETF:
                    return await offset_response(self._context, caller, upload_id, UNNAMED)
            if not is_plain_head(head):
                raise
            # The HEAD of an upload that is still arriving is that of tus.
            return problem_response(UnsupportedVersion(), tus_head=True)
        if is_plain_head(head) and command.rendition is None:
            response.headers.update(await complete_fields(self._context, user_id, upload_id))
        return response


def _is_tus_head(head: Head) -> bool:
    return names_head(head) and not is_plain_head(head)


def _facts(result: Created | Inspected, challenge: bytes | None = None) -> UploadFacts:
    return UploadFacts(
        offset=result.offset,
        length=result.upload.length,
        metadata_header=result.upload.metadata_header,
        concat_header=result.upload.concat_header,
        expires_at=result.expires_at,
        instant=result.upload.instant,
        challenge=challenge,
    )
