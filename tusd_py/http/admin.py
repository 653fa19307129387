"""``/admin``: the operator's page, and what it asks (S23).

For who has the role ``auth.admin_role``. Where nobody is asked who he is: for people at the server's own
machine, whom no proxy brings, and whose browser was not led here by another page.
"""

import asyncio
import ipaddress
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import LoopbackOnly, NotRetryable, ProtocolError, RoleMissing
from tusd_py.domain.ids import parse_upload_id
from tusd_py.http.context import AppContext
from tusd_py.http.home import PageFiles
from tusd_py.http.json_body import json_members
from tusd_py.http.progress import NO_STORE
from tusd_py.monitoring.asking import in_thread
from tusd_py.monitoring.overview import Overview
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.origin import through_proxy
from tusd_py.uploads.reopen import reopen_failed

PATHS: Final = ("/admin", "/api/admin/overview", "/api/admin/retry")
"""No page of another origin reads them or writes to them: they carry no cross-origin marks."""


def routes(context: AppContext, page: PageFiles) -> list[BaseRoute]:
    """The page, the overview and the retry."""
    seen = Overview(context.ports)

    async def shell(request: Request) -> Response:
        # Holds no data; a browser's navigation can't carry a token.
        if context.access.anonymous:
            await _check_operator(context, request)
        return page.html(request, "admin.html")

    async def overview(request: Request) -> Response:
        await _check_operator(context, request)
        found = await asyncio.wrap_future(in_thread(seen.look))
        return JSONResponse(found, headers=NO_STORE)

    async def retry(request: Request) -> Response:
        await _check_operator(context, request)
        name = await _asked_for(request)
        if not await context.threads.call(_retry, context, name):
            raise NotRetryable
        return JSONResponse({"id": name}, headers=NO_STORE)

    return [
        Route("/admin", shell),
        Route("/api/admin/overview", overview),
        Route("/api/admin/retry", retry, methods=["POST"]),
    ]


async def _check_operator(context: AppContext, request: Request) -> None:
    """Raises: LoopbackOnly, RoleMissing, and what ``AppContext.owner`` raises."""
    caller = await context.owner(request)
    role = context.settings.auth.admin_role
    if context.access.anonymous:
        if not from_this_machine(request):
            raise LoopbackOnly
    elif role not in caller.roles:
        raise RoleMissing(role)


async def _asked_for(request: Request) -> str:
    """The failed job or message to try again. Raises: ProtocolError."""
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
        return reopen_failed(context.ports, task_id) is not None
    return bool(context.ports.queue.settle_dead_letters([name], again=True))


def from_this_machine(request: Request) -> bool:
    """Whether a person at this machine asks, as far as a request's head can tell: the connection is a
    local one, no proxy speaks for somebody else, the browser means this machine (no name that was
    bent to its address) and no other page sent it.
    """
    client = request.client.host if request.client else ""
    host = request.url.hostname or ""
    fields = Fields(request.headers.raw)
    led = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return _loopback(client) and _loopback(host) and not led and not through_proxy(fields)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
