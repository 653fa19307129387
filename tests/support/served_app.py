"""The application served in the process of the test, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from tusd_py import Settings, create_app
from tusd_py.http.context import AppContext


@dataclass(frozen=True)
class ServedApp:
    client: httpx.AsyncClient
    context: AppContext


@asynccontextmanager
async def served_app(
    settings: Settings, *, mount: str = "", host: str = "localhost", **more: Any
) -> AsyncIterator[ServedApp]:
    """Serve the application for the length of a block, below a path of another one if given.

    ``more`` are arguments of ``create_app``.
    """
    app = create_app(settings, **more)
    outer = Starlette(routes=[Mount(mount, app)]) if mount else app
    transport = httpx.ASGITransport(outer)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client,
    ):
        yield ServedApp(client, app.state.context)
