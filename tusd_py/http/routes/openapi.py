"""Serves ``/api/openapi.json``, the JSON API as OpenAPI 3.1, and its viewer ``/api/docs``.

``openapi.yaml`` is written by hand; tests compare it with the running server.
"""

import asyncio
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.http.mount import mount_path
from tusd_py.http.routes.pages import PageFiles


def routes(pages: PageFiles) -> list[BaseRoute]:
    """Return the routes of the description and its viewer.

    They are open to all, since they contain no data.
    """

    async def openapi(request: Request) -> Response:
        described = await asyncio.to_thread(description)
        servers = [{"url": mount_path(request.scope) or "/"}]
        return JSONResponse({**described, "servers": servers})

    async def viewer(request: Request) -> Response:
        return pages.html(request, "api.html")

    return [Route("/api/openapi.json", openapi), Route("/api/docs", viewer)]


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI document, with the installed version in it.

    It is read at the first request, since reading it takes a quarter of a second.
    """
    import yaml

    text = (files("tusd_py.http.routes") / "openapi.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    found["info"]["version"] = version("tusd-py")
    return found
