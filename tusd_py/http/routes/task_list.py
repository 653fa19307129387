"""Serves ``GET /api/file/upload/tasks`` (requirement S6): the caller's tasks, newest first."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import BackendError, ProtocolError
from tusd_py.http.context import AppContext
from tusd_py.http.routes.progress import NO_STORE
from tusd_py.tasks import json_views as frames
from tusd_py.tasks.from_records import task_of_history

MAX_SIZE: Final = 100
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route of the list."""

    async def tasks(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        user_id = caller.user_id
        page = _number(request, "page", default=1, largest=10**9)
        size = _number(request, "size", default=10, largest=MAX_SIZE)
        try:
            total, found = await context.threads.call(
                context.ports.tasks.list, user_id, page=page, size=size
            )
        except BackendError:
            total, rows = await context.threads.call(
                context.ports.catalog.uploads.histories, user_id, page=page, size=size
            )
            found = [task_of_history(row) for row in rows]
        entries = [frames.list_entry(task) for task in found]
        members = {"total": total, "page": page, "size": size, "tasks": entries}
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/tasks", tasks)]


def _number(request: Request, name: str, *, default: int, largest: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if _NUMBER.fullmatch(text) and text.isascii() else 0
    if not 1 <= number <= largest:
        raise ProtocolError(f"The parameter {name} must be a number from 1 to {largest}.")
    return number
