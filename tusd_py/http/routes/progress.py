"""Serves ``GET /api/file/upload/progress/{task_id}`` (requirement S4).

The functions that find tasks and uploads are shared with other routes.
"""

import logging
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import BackendError, TaskNotFound, UploadNotFound
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.domain.rendition import Rendition
from tusd_py.domain.task import Task, TaskStatus
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.http.context import AppContext
from tusd_py.tasks import json_views as frames
from tusd_py.tasks.from_records import task_of_outcome, task_of_upload

log = logging.getLogger(__name__)

NO_STORE = {"Cache-Control": "no-store"}


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the progress route."""

    async def progress(request: Request) -> Response:
        caller = await context.access.caller(request)
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["task_id"])
        task = await find_task(context, caller, task_id)
        placed = await context.queue_positions.with_position(task)
        members = frames.progress(placed)
        if task.status is TaskStatus.PENDING:
            members |= await context.threads.call(arrived, context, task_id)
        members |= await _place(context, task_id)
        members |= await _of_file(context, task)
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/progress/{task_id}", progress)]


def arrived(context: AppContext, task_id: UploadId) -> dict[str, int]:
    """Return the bytes that have arrived, without the lock: a body that arrives is not ended.

    Blocks.
    """
    try:
        return {"offset": context.ports.stores.uploads.offset(task_id)}
    except UploadNotFound:
        return {}


async def _place(context: AppContext, task_id: UploadId) -> dict[str, str]:
    """Return the file's path below the folder that was sent, which only the catalog has."""
    try:
        upload = await context.threads.call(context.ports.catalog.uploads.get, task_id)
    except BackendError as error:
        log.warning("task.path.unavailable", extra={"task_id": task_id, "reason": error.reason})
        return {}
    return {} if upload is None else {"relative_path": upload.relative_path}


async def _of_file(context: AppContext, task: Task) -> dict[str, Any]:
    """Return the facts of a completed task's file and the names of its renditions."""
    if task.status is not TaskStatus.COMPLETED or not task.repository_id:
        return {}
    try:
        found = await context.threads.call(
            _file_of, context.ports.catalog.objects, task.repository_id
        )
    except BackendError as error:
        log.warning(
            "task.file.unavailable", extra={"task_id": task.facts.task_id, "reason": error.reason}
        )
        return {}
    return {} if found is None else frames.of_file(*found)


def _file_of(objects: ObjectRepository, identity: str) -> tuple[File, Sequence[Rendition]] | None:
    file = objects.file(identity)
    return None if file is None else (file, objects.renditions(identity))


def task_id_of(text: str) -> UploadId:
    """Return the task id in a path. Raises: TaskNotFound: no task can have that id."""
    task_id = parse_upload_id(text)
    if task_id is None:
        raise TaskNotFound
    return task_id


async def find_task(context: AppContext, caller: Caller, task_id: UploadId) -> Task:
    """Return the caller's task from the view of tasks, or from the records of the catalog.

    Raises: TaskNotFound: there is none, or it belongs to another user (hole 10);
        BackendError: the catalog can't be read (hole 12).
    """
    if not caller.can_access(task_id):
        raise TaskNotFound
    task = await _shown(context, task_id) or await recorded(context, task_id)
    if task is None or task.facts.user_id != caller.user_id:
        raise TaskNotFound
    return task


async def find_upload(
    context: AppContext, caller: Caller, task_id: UploadId, *, of_any_user: bool = False
) -> Upload:
    """Return a task's upload as the catalog has it, complete or not.

    Args: of_any_user: whether the upload may belong to another user than the caller.
    Raises: TaskNotFound: there is none, it was deleted, or it is another user's; BackendError.
    """
    if not caller.can_access(task_id):
        raise TaskNotFound
    upload = await context.threads.call(context.ports.catalog.uploads.get, task_id)
    if upload is None or upload.state not in (UploadState.RECEIVING, UploadState.FINISHED):
        raise TaskNotFound
    if upload.user_id != caller.user_id and not of_any_user:
        raise TaskNotFound
    return upload


async def _shown(context: AppContext, task_id: UploadId) -> Task | None:
    try:
        return await context.threads.call(context.ports.tasks.get, task_id)
    except BackendError as error:
        log.warning("task.view.unavailable", extra={"task_id": task_id, "reason": error.reason})
        return None


async def recorded(context: AppContext, task_id: UploadId) -> Task | None:
    """Return the task from the records of the catalog only. Raises: BackendError."""
    return await context.threads.call(recorded_now, context, task_id)


def recorded_now(context: AppContext, task_id: UploadId) -> Task | None:
    """Return what ``recorded`` returns. Blocks."""
    outcome = context.ports.catalog.uploads.outcome(task_id)
    if outcome is not None:
        return task_of_outcome(outcome)
    upload = context.ports.catalog.uploads.get(task_id)
    if upload is None or upload.state is not UploadState.RECEIVING:
        return None
    if upload.kind is UploadKind.PARTIAL:
        return None
    try:
        return task_of_upload(upload, context.ports.stores.uploads.offset(task_id))
    except UploadNotFound:
        return None
