"""``POST /api/file/upload/tickets``: what opens a stream without a header.

EventSource and WebSocket let a page set no header, and an address ends up in logs: so the page
changes its token for a ticket that is of no use a minute later.
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
    """The ticket route; none where there are no tickets."""
    grants = context.access.scoped_tokens
    if grants is None:
        return []

    async def ticket(request: Request) -> Response:
        caller = await context.caller(request)
        await context.admit(caller)
        asked = _task_id(await json_members(request))
        if asked is not None:
            task_id = task_id_of(asked)
            await find_task(context, caller, task_id)
            caller = Caller(user_id=caller.user_id, upload_id=task_id)
        members = {"ticket": grants.ticket(caller), "expires_in": TICKET_SECONDS}
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/tickets", ticket, methods=["POST"])]


def _task_id(members: dict[str, Any]) -> str | None:
    task_id = members.get("task_id")
    if task_id is not None and not isinstance(task_id, str):
        raise TaskNotFound
    return task_id
