"""Serves ``POST /api/file/upload`` (requirements S1 to S3): one file in a form.

The file is written and hashed while it arrives.
"""

import hashlib
import itertools
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.errors import (
    ClientDisconnected,
    MaxSizeExceeded,
    ProtocolError,
    TusdError,
    UploadTerminated,
)
from tusd_py.domain.filenames import safe_name
from tusd_py.domain.hook import HookRequest
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.http.accepted import accepted_members
from tusd_py.http.context import AppContext
from tusd_py.http.hook_request import hook_request
from tusd_py.http.routes.form_body import FormBody
from tusd_py.http.routes.form_file import FormFile
from tusd_py.ingest.scope_extensions import KEPT_REQUEST
from tusd_py.ingest.socket_body import body_of
from tusd_py.protocol.fields import metadata_header, parse_metadata
from tusd_py.uploads.append import append
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.create import create
from tusd_py.uploads.recovery import recover_one
from tusd_py.uploads.terminate import drop

PATH: Final = "/api/file/upload"
FORM_BYTES: Final = 64 * 1024
"""Bytes that a form may have besides its file.

A request is refused if its Content-Length exceeds the limit of a file plus this number.
"""

_ID_DIGITS: Final = 32


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route of the form upload."""

    async def upload(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        _check_length(context, request)
        form = FormFile(request.receive, request.headers.getlist("content-type"))
        content = await form.begin()
        rest = body_of(request.scope, request.receive, context.threads)
        body = FormBody(form, content, rest, context.threads)
        forwarded = hook_request(request, context.settings.hooks.forward_headers)
        upload_id, stored = await _place(context, request)
        if stored is None:
            stored = await _store(context, caller, upload_id, body, forwarded)
        headers = context.access.upload_token_header(caller.user_id, stored.id, stored.length, None)
        return JSONResponse(await accepted_members(context, stored), headers=headers)

    return [Route(PATH, upload, methods=["POST"])]


def _check_length(context: AppContext, request: Request) -> None:
    limit = context.uploads.policy.max_size
    text = request.headers.get("content-length", "0")
    if limit is not None and text.isdecimal() and int(text) > limit + FORM_BYTES:
        raise MaxSizeExceeded(limit)


async def _place(context: AppContext, request: Request) -> tuple[UploadId, Upload | None]:
    """Return the id of the file's upload, and the upload if the same request stored it before.

    Only a request whose body was kept can come again: its server crashed before the answer was
    kept. The id follows from that body, so a second attempt finds what the first one left.
    """
    kept = request.scope.get("extensions", {}).get(KEPT_REQUEST)
    if kept is None:
        return UploadId(secrets.token_hex(16)), None
    for attempt in itertools.count():
        digest = hashlib.sha256(f"{kept['id']} {attempt}".encode()).hexdigest()
        upload_id = UploadId(digest[:_ID_DIGITS])
        begun = await _settled(context.uploads, upload_id)
        if begun is None or begun.state is UploadState.FINISHED:
            return upload_id, begun
        if begun.state is UploadState.TERMINATED:
            raise UploadTerminated
    raise AssertionError  # The count has no end.


async def _settled(uploads: UploadContext, upload_id: UploadId) -> Upload | None:
    """Return an upload of an earlier attempt: it is finished if it is complete, else dropped."""
    get = uploads.catalog.uploads.get
    begun = await uploads.threads.call(get, upload_id)
    if begun is None or begun.state is not UploadState.RECEIVING:
        return begun
    await recover_one(uploads, upload_id)
    async with uploads.locked(upload_id):
        begun = await uploads.threads.call(get, upload_id)
        if begun is not None and begun.state is UploadState.RECEIVING:
            lost = (begun, UploadState.REJECTED, ClientDisconnected)
            await uploads.threads.call(drop, uploads, *lost)
    return await uploads.threads.call(get, upload_id)


async def _store(
    context: AppContext,
    caller: Caller,
    upload_id: UploadId,
    body: FormBody,
    forwarded: HookRequest | None,
) -> Upload:
    """Store the file of a form as a finished upload.

    The file of a form can't be resumed, so an upload that can't be finished is removed.
    Raises: what ``create`` and ``append`` raise; ProtocolError.
    """
    uploads = context.uploads
    header = _metadata_header(body.form)
    command = Create(
        length=None,
        metadata_header=header,
        metadata=parse_metadata(header),
        has_body=True,
        request=forwarded,
        keeps_id=True,
    )
    try:
        created = await create(uploads, caller, upload_id, command, body)
        offset = created.offset or 0
        end = Append(upload_id=upload_id, offset=offset, declared_length=offset, body_length=0)
        await append(uploads, caller.user_id, end, body)
        return await uploads.find(caller.user_id, upload_id)
    except TusdError as error:
        begun = await context.threads.call(uploads.catalog.uploads.get, upload_id)
        if begun is not None:
            await context.threads.call(drop, uploads, begun, UploadState.REJECTED, type(error))
        if body.problem is not None and isinstance(error, ClientDisconnected):
            raise ProtocolError(body.problem) from error
        raise


def _metadata_header(form: FormFile) -> str:
    """Return the file name and type of the form as Upload-Metadata, as other uploads have it."""
    pairs = (("filename", safe_name(form.filename)), ("filetype", form.filetype[:255]))
    return metadata_header({key: value for key, value in pairs if value})
