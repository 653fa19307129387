"""``POST /api/file/upload/tickets``: what opens a stream without a header.

EventSource and WebSocket let a page set no header, and an address ends up in logs: so the page
changes its token for a ticket that is of no use a minute later.
"""

import json
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.access.grants import TICKET_SECONDS
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import ClientDisconnected, ProtocolError, TaskNotFound
from tusd_py.http.context import AppContext
from tusd_py.http.progress import NO_STORE, find_task, task_id_of

MAX_BODY_BYTES: Final = 4096


def routes(context: AppContext) -> list[BaseRoute]:
    """The ticket route; none where there are no tickets."""
    grants = context.access.grants
    if grants is None:
        return []

    async def ticket(request: Request) -> Response:
        caller = await context.caller(request)
        await context.admit(caller)
        asked = _task_id(await _body(request))
        if asked is not None:
            task_id = task_id_of(asked)
            await find_task(context, caller, task_id)
            caller = Caller(user_id=caller.user_id, upload_id=task_id)
        members = {"ticket": grants.ticket(caller), "expires_in": TICKET_SECONDS}
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/tickets", ticket, methods=["POST"])]


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise ProtocolError("The body is larger than a request for a ticket can be.")
    except ClientDisconnect as error:
        raise ClientDisconnected from error
    return body


def _task_id(body: bytes) -> str | None:
    if not body:
        return None
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The body must be JSON, or empty.") from error
    if not isinstance(members, dict):
        raise ProtocolError("The body must be a JSON object, or empty.")
    task_id = members.get("task_id")
    if task_id is not None and not isinstance(task_id, str):
        raise TaskNotFound
    return task_id
