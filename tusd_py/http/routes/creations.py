"""Serves ``POST /api/file/upload/creations``, which creates many uploads by one request.

Each entry has what the head of a creation of tus would have, is checked by the same rules, and
counts as one request. An entry that is refused does not affect the others.
"""

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.clock import rfc3339
from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create
from tusd_py.domain.errors import ProtocolError, TusdError
from tusd_py.domain.ids import UploadId
from tusd_py.http.context import AppContext
from tusd_py.http.errors import problem_members
from tusd_py.http.hook_request import hook_request
from tusd_py.http.json_body import json_members, whole_number
from tusd_py.http.routes.progress import NO_STORE
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.protocol.fields import MAX_NUMBER
from tusd_py.protocol.tus1 import creation_of
from tusd_py.uploads.create import create

MAX_ENTRIES: Final = 100
MAX_BODY_BYTES: Final = 256 << 10


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route that creates many uploads."""

    async def creations(request: Request) -> Response:
        caller = await context.owner(request)
        entries = _entries(await json_members(request, most=MAX_BODY_BYTES))
        created = await asyncio.gather(
            *(_answered(context, request, caller, entry) for entry in entries)
        )
        return JSONResponse({"uploads": created}, headers=NO_STORE)

    return [Route("/api/file/upload/creations", creations, methods=["POST"])]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Is what a client wants to create; ``metadata`` as in Upload-Metadata."""

    length: int
    metadata: str


def _entries(members: dict[str, Any]) -> list[_Entry]:
    """Return the entries of the body. Raises: ProtocolError."""
    entries = members.get("uploads")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES:
        raise ProtocolError(f"The member uploads must be a list of 1 to {MAX_ENTRIES} entries.")
    return [_entry(entry) for entry in entries]


def _entry(entry: object) -> _Entry:
    if not isinstance(entry, dict):
        raise ProtocolError("An entry of uploads must be a JSON object.")
    length, metadata = whole_number(entry.get("length")), entry.get("metadata", "")
    if length is None or not 0 <= length <= MAX_NUMBER:
        raise ProtocolError("The member length must be a number of bytes.")
    if not isinstance(metadata, str):
        raise ProtocolError("The member metadata must be a text.")
    return _Entry(length, metadata)


async def _answered(
    context: AppContext, request: Request, caller: Caller, entry: _Entry
) -> dict[str, Any]:
    """Return what becomes of an entry: a new upload, or the problem that refuses it."""
    try:
        await context.count_request(caller)
        return await _created(context, request, caller, _command(context, request, entry))
    except TusdError as error:
        return problem_members(error)


def _command(context: AppContext, request: Request, entry: _Entry) -> Create:
    """Return the creation that an entry describes. Raises: ProtocolError, MaxSizeExceeded."""
    command = creation_of(entry.length, entry.metadata, context.capabilities)
    forwarded = hook_request(request, context.settings.hooks.forward_headers)
    return command if forwarded is None else replace(command, request=forwarded)


async def _created(
    context: AppContext, request: Request, caller: Caller, command: Create
) -> dict[str, Any]:
    upload_id = UploadId(secrets.token_hex(16))
    no_body = AsgiBody(request.receive, context.threads)
    created = await create(context.uploads, caller, upload_id, command, no_body)
    upload = created.upload
    members: dict[str, Any] = {
        "task_id": upload.id,
        "offset": created.offset,
        "instant": upload.instant,
    }
    if created.expires_at is not None:
        members["expires_at"] = rfc3339(created.expires_at)
    token = context.access.upload_token_header(
        upload.user_id, upload.id, upload.length, created.expires_at
    )
    return members | ({"upload_token": token["Upload-Token"]} if token else {})
