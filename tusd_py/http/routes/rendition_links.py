"""Serves ``POST /api/file/upload/links/{task_id}``, and the links to renditions that it makes.

A page or a player that can send no header gets a finished file's renditions by a link, inline and
in ranges. Only types of a fixed list, none of which can contain a script, are shown inline.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.auth.rendition_links import Link
from tusd_py.clock import rfc3339
from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.domain.errors import RenditionNotFound
from tusd_py.domain.rendition import is_rendition_name
from tusd_py.http.context import AppContext
from tusd_py.http.download import download_response
from tusd_py.http.json_body import json_members
from tusd_py.http.link_seconds import link_seconds
from tusd_py.http.mount import mount_path
from tusd_py.http.routes.progress import NO_STORE, find_task, task_id_of
from tusd_py.protocol.download import download_command
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.rendition import rendition_name

PATH: Final = "/api/file/upload/media/{token}"
MAX_SECONDS: Final = WEEK_SECONDS
DEFAULT_SECONDS: Final = 3600


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the routes that make a link and that answer for one."""

    async def make(request: Request) -> Response:
        # A link may be valid for longer than the token of an upload.
        caller = await context.owner(request)
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["task_id"])
        wanted = await json_members(request)
        await find_task(context, caller, task_id)
        link = Link(user_id=caller.user_id, upload_id=task_id, rendition=_rendition(wanted))
        members = link_members(context, link, seconds_of(wanted), mount_path(request.scope))
        return JSONResponse(members, headers=NO_STORE)

    async def follow(request: Request) -> Response:
        link = context.links.read(request.path_params["token"])
        query = request.scope["query_string"].decode("latin-1")
        name = rendition_name(query) or link.rendition
        if name is not None and not link.is_for(name):
            raise RenditionNotFound
        command = download_command(
            Fields(request.headers.raw),
            link.upload_id,
            rendition=name,
            send_body=request.method != "HEAD",
        )
        answer = await download_response(
            context,
            link.user_id,
            command,
            inline="download" not in request.query_params,
            redirects="stream" not in request.query_params,
        )
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    return [
        Route("/api/file/upload/links/{task_id}", make, methods=["POST"]),
        Route(PATH, follow),
    ]


def link_members(context: AppContext, link: Link, seconds: int, mount: str) -> dict[str, Any]:
    """Return a signed link as JSON members. Args: mount: where the application is mounted."""
    token, end = context.links.sign(link, seconds)
    url = f"{mount}{PATH.format(token=token)}"
    if link.rendition is not None:
        url += f"?rendition={link.rendition}"
    return {"url": url, "expires_at": rfc3339(end), "rendition": link.rendition}


def _rendition(members: dict[str, Any]) -> str | None:
    """Return the rendition that a link shall be for; None: all. Raises: RenditionNotFound."""
    name = members.get("rendition")
    if name is not None and not (isinstance(name, str) and is_rendition_name(name)):
        raise RenditionNotFound
    return name


def seconds_of(members: dict[str, Any]) -> int:
    """Return how long a link shall be valid. Raises: ProtocolError."""
    return link_seconds(members, default=DEFAULT_SECONDS, most=MAX_SECONDS)
