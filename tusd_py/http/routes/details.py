"""Serves ``POST /api/file/upload/details``: what a list shows of its tasks, many in one request.

Each has its progress and, once it is complete, its renditions and a link to them.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.auth.rendition_links import Link
from tusd_py.domain.errors import BackendError, ProtocolError, UploadUnfinished
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.task import Task, TaskStatus
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.http.context import AppContext
from tusd_py.http.json_body import json_members
from tusd_py.http.mount import mount_path
from tusd_py.http.routes.progress import NO_STORE, arrived, recorded_now
from tusd_py.http.routes.rendition_links import link_members, seconds_of
from tusd_py.http.routes.renditions import described
from tusd_py.tasks import json_views as frames

MAX_TASKS: Final = 100
"""As many as a page of the list has."""


class _Found(NamedTuple):
    """Is a task with what the catalog has of it."""

    task: Task
    relative_path: str
    offset: dict[str, int]
    renditions: dict[str, Any] | None


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route of the details."""

    async def details(request: Request) -> Response:
        # A link may be valid for longer than the token of an upload.
        caller = await context.owner(request)
        await context.count_request(caller)
        wanted = await json_members(request)
        ids, seconds = _task_ids(wanted), seconds_of(wanted)
        mount = mount_path(request.scope)
        base = f"{mount}{context.settings.base_path}"
        entries = []
        for one in await context.threads.call(_find, context, caller.user_id, ids, base):
            task = await context.queue_positions.with_position(one.task)
            entry: dict[str, Any] = {
                "progress": {
                    **frames.progress(task),
                    "relative_path": one.relative_path,
                    **one.offset,
                }
            }
            if one.renditions is not None:
                link = Link(user_id=caller.user_id, upload_id=task.facts.task_id, rendition=None)
                entry["renditions"] = one.renditions
                entry["link"] = link_members(context, link, seconds, mount)
            entries.append(entry)
        return JSONResponse({"tasks": entries}, headers=NO_STORE)

    return [Route("/api/file/upload/details", details, methods=["POST"])]


def _task_ids(members: dict[str, Any]) -> Sequence[UploadId]:
    """Return the ids that can be those of tasks. Raises: ProtocolError: no list, or a long one."""
    given = members.get("task_ids")
    if (
        not isinstance(given, list)
        or len(given) > MAX_TASKS
        or not all(isinstance(one, str) for one in given)
    ):
        raise ProtocolError(f"The member task_ids must be a list of at most {MAX_TASKS} ids.")
    found = (parse_upload_id(one) for one in given)
    return list(dict.fromkeys(one for one in found if one is not None))


def _find(
    context: AppContext, user_id: UserId, ids: Sequence[UploadId], base: str
) -> Sequence[_Found]:
    """Return those of the tasks that the user has. Blocks. Raises: BackendError: no catalog."""
    try:
        shown = context.ports.tasks.get_all(ids)
    except BackendError:
        shown = {}
    uploads = context.ports.catalog.uploads.get_all(ids)
    found = []
    for task_id in ids:
        upload = uploads.get(task_id)
        if upload is None or upload.user_id != user_id:
            continue
        # The list has those that were refused or expired, with their reason.
        if upload.state is UploadState.TERMINATED:
            continue
        task = shown.get(task_id) or recorded_now(context, task_id)
        if task is None:
            continue
        offset = arrived(context, task_id) if task.status is TaskStatus.PENDING else {}
        renditions = _renditions(context, task, upload, f"{base}{task_id}")
        found.append(_Found(task, upload.relative_path, offset, renditions))
    return found


def _renditions(
    context: AppContext, task: Task, upload: Upload, base: str
) -> dict[str, Any] | None:
    """Return the renditions of a completed task; None if there is no file of it. Blocks."""
    if task.status is not TaskStatus.COMPLETED:
        return None
    try:
        return described(context.ports.catalog.objects, upload, base)
    except UploadUnfinished:
        return None
