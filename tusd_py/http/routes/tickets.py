"""Serves ``POST /api/file/upload/tickets``: a ticket opens a stream without a header.

With EventSource and WebSocket a page can't set a header, and addresses are written to logs. So the
page exchanges its token for a ticket, which expires after a minute.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.auth.scoped_tokens import TICKET_SECONDS
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import TaskNotFound
from tusd_py.http.context import AppContext
from tusd_py.http.json_body import json_members
from tusd_py.http.routes.progress import NO_STORE, find_task, task_id_of


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the ticket route; [] where there are no tickets."""
    scoped_tokens = context.access.scoped_tokens
    if scoped_tokens is None:
        return []

    async def ticket(request: Request) -> Response:
        caller = await context.access.caller(request)
        await context.count_request(caller)
        wanted = _task_id(await json_members(request))
        if wanted is not None:
            task_id = task_id_of(wanted)
            await find_task(context, caller, task_id)
            caller = Caller(user_id=caller.user_id, upload_id=task_id)
        members = {"ticket": scoped_tokens.ticket(caller), "expires_in": TICKET_SECONDS}
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/tickets", ticket, methods=["POST"])]


def _task_id(members: dict[str, Any]) -> str | None:
    task_id = members.get("task_id")
    if task_id is not None and not isinstance(task_id, str):
        raise TaskNotFound
    return task_id
