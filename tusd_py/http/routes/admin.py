"""Serves ``/admin``, the operator's page, and the routes that it calls (requirement S23).

They are for users with the role ``auth.admin_role``. Where no authentication is set, they are for
browsers in which a one-time link was opened (``OperatorLinks``); the link gave them a cookie.
"""

import asyncio
import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.auth.operator_links import COOKIE_SECONDS
from tusd_py.domain.errors import NotRetryable, OperatorLinkNeeded, ProtocolError, RoleMissing
from tusd_py.domain.ids import parse_upload_id
from tusd_py.http.context import AppContext
from tusd_py.http.json_body import json_members
from tusd_py.http.mount import mount_path
from tusd_py.http.routes.pages import PageFiles
from tusd_py.http.routes.progress import NO_STORE, task_id_of
from tusd_py.jobs.failed_jobs import reopen_failed
from tusd_py.monitoring.overview import Overview
from tusd_py.monitoring.probes import run_detached
from tusd_py.protocol.fields import Fields

log = logging.getLogger(__name__)

PATHS: Final = ("/admin", "/api/admin/overview", "/api/admin/retry", "/api/admin/reprocess")
"""Paths whose answers have no cross-origin headers: only pages of this origin may use them."""


def routes(context: AppContext, page: PageFiles) -> list[BaseRoute]:
    """Return the routes of the page, the overview, the retry and the reprocessing."""
    reader = Overview(context.ports)

    async def shell(request: Request) -> Response:
        # The page itself holds no data; a browser that navigates can't send a token.
        if context.access.anonymous:
            key = request.query_params.get("key")
            if key is not None and request.method == "GET":
                return await _enter(context, request, key)
            await _check_operator(context, request)
        return page.html(request, "admin.html")

    async def overview(request: Request) -> Response:
        await _check_operator(context, request)
        found = await asyncio.wrap_future(run_detached(reader.read))
        return JSONResponse(found, headers=NO_STORE)

    async def retry(request: Request) -> Response:
        await _check_operator(context, request)
        name = await _named_id(request)
        if not await context.threads.call(_retry, context, name):
            raise NotRetryable
        context.uploads.wake_workers()
        return JSONResponse({"id": name}, headers=NO_STORE)

    async def again(request: Request) -> Response:
        await _check_operator(context, request)
        name = await _named_id(request)
        await context.threads.call(context.ports.catalog.jobs.add_reprocess_job, task_id_of(name))
        context.uploads.wake_workers()
        return JSONResponse({"id": name}, status_code=202, headers=NO_STORE)

    return [
        Route("/admin", shell),
        Route("/api/admin/reprocess", again, methods=["POST"]),
        Route("/api/admin/overview", overview),
        Route("/api/admin/retry", retry, methods=["POST"]),
    ]


async def _check_operator(context: AppContext, request: Request) -> None:
    """Raise an error if the caller is no operator.

    Raises: OperatorLinkNeeded, RoleMissing, and what ``AppContext.owner`` raises.
    """
    caller = await context.owner(request)
    role = context.settings.auth.admin_role
    if context.access.anonymous:
        if not await context.threads.call(_holds_cookie, context, request):
            raise OperatorLinkNeeded
    elif role not in caller.roles:
        raise RoleMissing(role)


def _holds_cookie(context: AppContext, request: Request) -> bool:
    links = context.operator_links
    return links.is_cookie(request.cookies.get(links.cookie_name(), ""))


async def _enter(context: AppContext, request: Request, key: str) -> Response:
    """Invalidate a link, and answer with a cookie and a redirect to the page without the key.

    Raises: OperatorLinkNeeded: the link is not valid, and the browser has no cookie.
    """
    links = context.operator_links
    below = mount_path(request.scope)
    headers = {**NO_STORE, "Referrer-Policy": "no-referrer"}
    answer = RedirectResponse(f"{below}/admin", status_code=303, headers=headers)
    if not await context.threads.call(links.use_key, key):
        # A browser in which a used link is opened again may have its cookie already.
        await _check_operator(context, request)
        return answer
    fields = Fields(request.headers.raw)
    origin = context.address.origin_of(fields, scheme=request.url.scheme)
    answer.set_cookie(
        await context.threads.call(links.cookie_name),
        await context.threads.call(links.new_cookie),
        max_age=COOKIE_SECONDS,
        # A semicolon would begin another attribute (RFC 6265, 4.1.1).
        path=f"{below}/".replace(";", "%3B"),
        secure=(origin or "").startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    log.info("operator.entered")
    return answer


async def _named_id(request: Request) -> str:
    """Return the id of the failed job or message that a request names. Raises: ProtocolError."""
    # A form of another page can't send this type.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ProtocolError("The header Content-Type must be that of JSON.")
    name = (await json_members(request)).get("id")
    if not isinstance(name, str):
        raise ProtocolError("The member id must name a failed job or a message.")
    return name


def _retry(context: AppContext, name: str) -> bool:
    task_id = parse_upload_id(name)
    if task_id is not None:
        return reopen_failed(context.ports.catalog, context.ports.tasks, task_id) is not None
    return bool(context.ports.queue.settle_dead_letters([name], again=True))
