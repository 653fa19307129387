"""Serves ``POST /api/file/upload/creations``, which creates many uploads by one request.

Each entry has what the head of a creation of tus would have, is checked by the same rules, and
counts as one request. An entry that is refused does not affect the others. One that has a key can
be sent again, if the answer was lost: it is created once.
"""

import asyncio
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.clock import rfc3339
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import ProtocolError, TusdError
from tusd_py.http.context import AppContext
from tusd_py.http.errors import problem_members
from tusd_py.http.json_body import json_members, whole_number
from tusd_py.http.routes.progress import NO_STORE
from tusd_py.http.upload_requests import create_upload, token_header
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.protocol.fields import MAX_NUMBER
from tusd_py.protocol.tus1 import creation_of

MAX_ENTRIES: Final = 100
MAX_BODY_BYTES: Final = 256 << 10
_KEY: Final = re.compile(r"[0-9A-Za-z_-]{16,64}")


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
    key: str | None
    """What the client calls this creation by."""


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
    key = entry.get("key")
    if "key" in entry and not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise ProtocolError("The member key must be 16 to 64 letters, digits, - or _.")
    return _Entry(length, metadata, key)


async def _answered(
    context: AppContext, request: Request, caller: Caller, entry: _Entry
) -> dict[str, Any]:
    """Return what becomes of an entry: a new upload, or the problem that refuses it."""
    try:
        return await _created(context, request, caller, entry)
    except TusdError as error:
        return problem_members(error)


async def _created(
    context: AppContext, request: Request, caller: Caller, entry: _Entry
) -> dict[str, Any]:
    """Create the upload of an entry. Raises: what ``creation_of`` and ``create_upload`` raise."""
    command = creation_of(entry.length, entry.metadata, context.capabilities)
    command = replace(command, key=entry.key)
    no_body = AsgiBody(request.receive, context.threads)
    created = await create_upload(context, request.scope, caller, command, no_body)
    members: dict[str, Any] = {
        "task_id": created.upload.id,
        "offset": created.offset,
        "instant": created.upload.instant,
    }
    if created.expires_at is not None:
        members["expires_at"] = rfc3339(created.expires_at)
    token = token_header(context, created)
    return members | ({"upload_token": token["Upload-Token"]} if token else {})
