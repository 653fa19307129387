"""Answers requests of draft-ietf-httpbis-resumable-upload, on the same uploads as tus."""

from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    HashMismatch,
    TusdError,
    UnsupportedVersion,
    UploadComplete,
    UploadExpired,
    UploadTerminated,
    UploadUnfinished,
)
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.target import TargetRequest
from tusd_py.domain.upload import UploadKind, UploadProtocol, UploadState
from tusd_py.http.accepted import accepted_members
from tusd_py.http.context import AppContext
from tusd_py.http.download import download_response
from tusd_py.http.errors import problem_response
from tusd_py.http.interim import InterimResponses, sends_interim
from tusd_py.http.targets import Targets
from tusd_py.http.upload_requests import (
    create_upload,
    inspected_token_header,
    renewed_token_header,
    token_header,
    upload_address,
)
from tusd_py.ingest.socket_body import body_of
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head, names_head
from tusd_py.protocol.ietf.answers import (
    DraftFacts,
    digest_field,
    draft_status,
    limit_field,
    problem_members,
    state_fields,
)
from tusd_py.protocol.ietf.requests import parse_draft_request
from tusd_py.protocol.ietf.versions import UNNAMED, Version, version_of
from tusd_py.uploads.append import append
from tusd_py.uploads.inspect import Inspected, inspect
from tusd_py.uploads.terminate import terminate


class DraftEndpoint:
    """Answers the requests below the endpoint's path that speak the draft."""

    def __init__(self, context: AppContext, targets: Targets) -> None:
        self._context = context
        self._uploads = context.uploads
        self._targets = targets

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        head: Head,
        target: TargetRequest | None = None,
    ) -> None:
        """Handle one request: parse its head, run the use case, send the answer or the error.

        Args: target: the request to another endpoint whose body is to be kept.
        """
        version = version_of(head.fields)
        try:
            response = await self._answer(scope, receive, send, head, version, target=target)
        except TusdError as error:
            response = self._refusal(error, head, version)
        for name, value in {**version.own_fields(), "X-Content-Type-Options": "nosniff"}.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        head: Head,
        version: Version,
        *,
        target: TargetRequest | None,
    ) -> Response:
        command = parse_draft_request(head, version, self._uploads.policy.max_size)
        if isinstance(command, Create) and target is not None:
            command = _keeping(command, target)
        caller = await self._context.access.caller(HTTPConnection(scope))
        caller.check_command(command)
        match command:
            case Create() | Append():
                request = _BodyRequest(
                    context=self._context,
                    scope=scope,
                    receive=receive,
                    send=send,
                    fields=head.fields,
                    version=version,
                    targets=self._targets,
                )
                return await request.answer(caller, command)
            case Inspect():
                return await self._inspect(caller, command.upload_id, version)
            case Terminate():
                await self._terminate(caller.user_id, command, version)
                return Response(status_code=204)
            case Download():
                return await self._download(caller, command, version)

    async def _inspect(self, caller: Caller, upload_id: UploadId, version: Version) -> Response:
        try:
            return await offset_response(self._context, caller, upload_id, version)
        except UploadTerminated:
            kept = await self._targets.kept(caller.user_id, upload_id)
            if kept is None:
                raise
            fields = {"Cache-Control": "no-store", **state_fields(version, kept.facts)}
            return Response(status_code=204, headers=fields | _limits(self._context, version, None))

    async def _terminate(self, user_id: UserId, command: Terminate, version: Version) -> None:
        with suppress(UploadExpired, UploadTerminated):
            known = await self._uploads.known_upload(user_id, command.upload_id)
            if version.number is None and known.protocol is UploadProtocol.TUS:
                raise UnsupportedVersion
        await terminate(self._uploads, user_id, command)

    async def _download(self, caller: Caller, command: Download, version: Version) -> Response:
        try:
            return await download_response(self._context, caller.user_id, command)
        except UploadUnfinished:
            if not version.offset_by_get:
                raise
            return await offset_response(self._context, caller, command.upload_id, version)

    def _refusal(self, error: TusdError, head: Head, version: Version) -> Response:
        response = problem_response(
            error,
            tus_head=names_head(head),
            status=draft_status(error),
            members=problem_members(error),
        )
        fields: dict[str, str] = {}
        if version.completes(head.fields) is not None:
            # A refusal of the whole file is the target's answer: there is nothing to resume.
            fields |= version.completeness(complete=isinstance(error, HashMismatch))
        if response.status_code == 413:
            fields |= _limits_of_new(self._context, version)
        response.headers.update(fields)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class _BodyRequest:
    """Answers one request with content: a creation or an append."""

    context: AppContext
    scope: Scope
    receive: Receive
    send: Send
    fields: Fields
    version: Version
    targets: Targets

    async def answer(self, caller: Caller, command: Create | Append) -> Response:
        """Run the use case, with 104s where they may be sent."""
        interim = None
        if sends_interim(self.context.settings, self.scope, self.fields, self.version):
            creation_fields = self._creation_fields if isinstance(command, Create) else None
            interim = InterimResponses(self.send, self.version, creation_fields)
        try:
            if isinstance(command, Create):
                return await self._create(caller, command, interim)
            return await self._append(caller, command, interim)
        finally:
            if interim is not None:
                await interim.close()

    def _creation_fields(self, upload_id: UploadId) -> dict[str, str]:
        address = upload_address(self.context, self.scope, self.fields, upload_id)
        return {"Location": address, **_limits_of_new(self.context, self.version)}

    async def _create(
        self, caller: Caller, command: Create, interim: InterimResponses | None
    ) -> Response:
        context, scope = self.context, self.scope
        body = body_of(scope, self.receive, context.threads)
        created = await create_upload(context, scope, caller, command, body, listener=interim)
        upload = created.upload
        if created.complete and upload.keeps_request:
            return (await self.targets.answer(scope, caller, upload.id)).response(self.version)
        facts = DraftFacts(offset=created.offset or 0, complete=created.complete)
        headers = {
            "Location": upload_address(context, scope, self.fields, upload.id),
            **state_fields(self.version, facts),
            **_limits(context, self.version, created.expires_at),
            **token_header(context, created),
        }
        if created.complete:
            return await self._final(caller.user_id, upload.id, headers)
        return Response(status_code=201, headers=headers)

    async def _append(
        self, caller: Caller, command: Append, interim: InterimResponses | None
    ) -> Response:
        context, upload_id = self.context, command.upload_id
        body = body_of(self.scope, self.receive, context.threads)
        try:
            known = await context.uploads.known_upload(caller.user_id, upload_id)
            if known.keeps_request:
                # The end of a body that was complete before a crash brings its answer.
                command = replace(command, repeats=True)
            appended = await append(
                context.uploads, caller.user_id, command, body, listener=interim
            )
        except UploadTerminated:
            return await self._answer_again(caller, command)
        if appended.complete and known.keeps_request:
            answered = await self.targets.answer(self.scope, caller, upload_id)
            return answered.response(self.version)
        facts = DraftFacts(offset=appended.offset, complete=appended.complete)
        headers = {
            **state_fields(self.version, facts),
            **_limits(context, self.version, appended.expires_at),
            **renewed_token_header(context, caller, command, appended),
        }
        if appended.complete:
            headers["Location"] = upload_address(context, self.scope, self.fields, upload_id)
            return await self._final(caller.user_id, upload_id, headers)
        return Response(status_code=self.version.appended, headers=headers)

    async def _answer_again(self, caller: Caller, command: Append) -> Response:
        """Answer with the final answer of a target once more.

        Raises: UploadTerminated: there is none; UploadComplete: the request is no repetition.
        """
        kept = await self.targets.kept(caller.user_id, command.upload_id)
        if kept is None:
            raise UploadTerminated
        is_end = command.completes and (command.offset, command.body_length) == (kept.size, 0)
        if not (self.version.repeats and is_end):
            raise UploadComplete
        return kept.response(self.version)

    async def _final(
        self, user_id: UserId, upload_id: UploadId, headers: dict[str, str]
    ) -> Response:
        """Answer the request that completed an upload, or its repetition, in the same way."""
        upload = await self.context.uploads.find(user_id, upload_id)
        if upload.wants_sha256 and upload.sha256 is not None:
            headers |= digest_field(upload.sha256)
        members = await accepted_members(self.context, upload)
        return JSONResponse(members, status_code=201, headers=headers)


def _keeping(command: Create, target: TargetRequest) -> Create:
    """Return the creation of an upload that keeps the body of a request as it is."""
    return replace(
        command, kind=UploadKind.PARTIAL, target=target, declared_hash=None, wants_sha256=False
    )


async def offset_response(
    context: AppContext, caller: Caller, upload_id: UploadId, version: Version
) -> Response:
    """Answer the retrieval of an offset. Raises: what ``inspect`` raises, UploadUnfinished."""
    inspected = await inspect(context.uploads, caller.user_id, Inspect(upload_id=upload_id))
    headers = {
        "Cache-Control": "no-store",
        **state_fields(version, _facts(inspected)),
        **_limits(context, version, inspected.expires_at),
        **inspected_token_header(context, caller, inspected),
    }
    return Response(status_code=204, headers=headers)


async def complete_fields(
    context: AppContext, user_id: UserId, upload_id: UploadId
) -> dict[str, str]:
    """Return what the answer to a HEAD of a complete upload of the draft has besides its file's."""
    known = await context.uploads.known_upload(user_id, upload_id)
    if known.protocol is UploadProtocol.TUS:
        return {}
    size = (await context.uploads.find(user_id, upload_id)).size
    # The body of a request is complete when its target has answered.
    facts = DraftFacts(offset=size, complete=not known.keeps_request, length=size)
    return state_fields(UNNAMED, facts)


def discovered_limits(context: AppContext, fields: Fields) -> dict[str, str]:
    """Return the limits of new uploads for the answer to OPTIONS."""
    version = version_of(fields)
    return {**_limits_of_new(context, version), **version.own_fields()}


def _limits_of_new(context: AppContext, version: Version) -> dict[str, str]:
    policy = context.uploads.policy
    return limit_field(version, policy.max_size, policy.expires_after)


def _limits(context: AppContext, version: Version, expires_at: float | None) -> dict[str, str]:
    """Return the limits of an upload that expires at this time (unix seconds; None: never)."""
    left = None if expires_at is None else expires_at - context.uploads.clock.now()
    return limit_field(version, context.uploads.policy.max_size, left)


def _facts(inspected: Inspected) -> DraftFacts:
    """Return the facts: the body of a request is complete when its target has answered.

    Raises: UploadUnfinished: it is a final upload that waits for its parts.
    """
    if inspected.offset is None:
        raise UploadUnfinished
    return DraftFacts(
        offset=inspected.offset,
        complete=inspected.upload.state is UploadState.FINISHED
        and not inspected.upload.keeps_request,
        length=inspected.upload.length,
    )
