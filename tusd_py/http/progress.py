"""``GET /api/file/upload/progress/{task_id}`` (S4), and the look-up other routes share."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import BackendError, TaskNotFound
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.task import Task
from tusd_py.http.context import AppContext
from tusd_py.tasks import frames

NO_STORE = {"Cache-Control": "no-store"}


def routes(context: AppContext) -> list[BaseRoute]:
    """The progress route."""

    async def progress(request: Request) -> Response:
        user_id = await context.caller(request)
        task_id = task_id_of(request.path_params["task_id"])
        members = await find_progress(context, user_id, task_id)
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/progress/{task_id}", progress)]


def task_id_of(text: str) -> UploadId:
    """A task id from a path. Raises: TaskNotFound: no task can have that name."""
    task_id = parse_upload_id(text)
    if task_id is None:
        raise TaskNotFound
    return task_id


async def find_progress(context: AppContext, user_id: UserId, task_id: UploadId) -> dict[str, Any]:
    """The task's progress from the live view, else from the durable record.

    Raises: TaskNotFound: there is none, or it is somebody else's (the seed's hole 10);
        BackendError: nobody knows (hole 12).
    """
    task = await find_task(context, user_id, task_id)
    if task is not None:
        return frames.progress(task)
    row = await context.threads.call(context.ports.catalog.history, task_id)
    if row is None or row.user_id != user_id:
        raise TaskNotFound
    return frames.progress_of_history(row)


async def find_task(context: AppContext, user_id: UserId, task_id: UploadId) -> Task | None:
    """The caller's task as the live view has it; None when the view can't tell.

    Raises: TaskNotFound: it is somebody else's.
    """
    try:
        task = await context.threads.call(context.ports.tasks.get, task_id)
    except BackendError:
        return None
    if task is not None and task.facts.user_id != user_id:
        raise TaskNotFound
    return task
