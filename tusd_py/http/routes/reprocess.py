"""Serves ``/api/file/upload/reprocess/{task_id}``: a stored file is processed again."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.caller import Caller
from tusd_py.domain.ids import UploadId
from tusd_py.http.context import AppContext
from tusd_py.http.routes.progress import NO_STORE, find_upload, task_id_of
from tusd_py.jobs.reprocess import progress_of, reprocess_for_user


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route; POST starts it, GET reads its state. For the task's owner and operators."""

    async def reprocess(request: Request) -> Response:
        caller = await context.access.caller(request)
        if request.method == "POST":
            caller.require_full_user()
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["task_id"])
        operator = _is_operator(context, caller)
        await find_upload(context, caller, task_id, of_any_user=operator)
        if request.method == "POST":
            await _reprocess(context, caller, task_id, counted=not operator)
            context.uploads.wake_workers()
            members = {"task_id": task_id, "state": "queued"}
            return JSONResponse(members, status_code=202, headers=NO_STORE)
        found = progress_of(await context.threads.call(context.ports.catalog.jobs.get, task_id))
        members = {"task_id": task_id, "state": found.state}
        if found.error_code:
            members |= {"code": found.error_code, "error": found.error_msg}
        return JSONResponse(members, headers=NO_STORE)

    path = "/api/file/upload/reprocess/{task_id}"
    return [Route(path, reprocess, methods=["GET", "POST"])]


async def _reprocess(
    context: AppContext, caller: Caller, task_id: UploadId, *, counted: bool
) -> None:
    ports = context.ports
    if not counted:
        await context.threads.call(ports.catalog.jobs.add_reprocess_job, task_id)
        return
    daily = context.settings.limits.reprocessed_files
    await context.threads.call(
        reprocess_for_user,
        ports.catalog.jobs,
        ports.rate_limiter,
        caller.user_id,
        task_id,
        daily=daily,
    )


def _is_operator(context: AppContext, caller: Caller) -> bool:
    return not context.access.anonymous and context.settings.auth.admin_role in caller.roles
