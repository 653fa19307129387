"""``/api/file/upload/reprocess/{task_id}``: a stored file is processed again, and how far that has come."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import TaskNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.http.context import AppContext
from tusd_py.http.progress import NO_STORE, task_id_of
from tusd_py.uploads.reprocess import process_again, process_again_for_user, progress_of


def routes(context: AppContext) -> list[BaseRoute]:
    """The request and the look at it, for the task's owner and for operators."""

    async def reprocess(request: Request) -> Response:
        caller = await context.caller(request)
        if request.method == "POST":
            caller.check_whole_user()
        await context.admit(caller)
        task_id = task_id_of(request.path_params["task_id"])
        if request.method != "POST":
            members = await context.threads.call(_look, context, caller, task_id)
            return JSONResponse(members, headers=NO_STORE)
        members = await context.threads.call(_process_again, context, caller, task_id)
        return JSONResponse(members, status_code=202, headers=NO_STORE)

    path = "/api/file/upload/reprocess/{task_id}"
    return [Route(path, reprocess, methods=["GET", "POST"])]


def _process_again(context: AppContext, caller: Caller, task_id: UploadId) -> dict[str, Any]:
    _check_reach(context, caller, task_id)
    if _is_operator(context, caller):
        process_again(context.ports, task_id)
    else:
        daily = context.settings.limits.reprocessed_files
        process_again_for_user(context.ports, caller.user_id, task_id, daily=daily)
    return {"task_id": task_id, "state": "queued"}


def _look(context: AppContext, caller: Caller, task_id: UploadId) -> dict[str, Any]:
    _check_reach(context, caller, task_id)
    found = progress_of(context.ports.catalog.job(task_id))
    members: dict[str, Any] = {"task_id": task_id, "state": found.state}
    if found.error_code:
        members |= {"code": found.error_code, "error": found.error_msg}
    return members


def _check_reach(context: AppContext, caller: Caller, task_id: UploadId) -> None:
    """Raises: TaskNotFound: there is no such file, or it is another user's."""
    upload = context.ports.catalog.upload(task_id) if caller.reaches(task_id) else None
    alive = upload is not None and upload.state in (UploadState.FINISHED, UploadState.RECEIVING)
    if upload is None or not alive:
        raise TaskNotFound
    if upload.user_id != caller.user_id and not _is_operator(context, caller):
        raise TaskNotFound


def _is_operator(context: AppContext, caller: Caller) -> bool:
    return not context.access.anonymous and context.settings.auth.admin_role in caller.roles
