"""A Starlette application with uploads below /files-of-users, for users that a proxy has named.

uvicorn docs.examples.starlette_app:app
curl -i -H 'X-User: 7' http://127.0.0.1:8000/files-of-users/api/file/upload/tasks
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tusd_py import Settings, create_app
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import Unauthenticated
from tusd_py.domain.ids import UserId


async def current_user(connection: HTTPConnection) -> Caller:
    """Return the user that the proxy has authenticated; only the proxy may reach this server."""
    name = connection.headers.get("x-user", "")
    if not (name.isascii() and name.isdecimal()):
        raise Unauthenticated("The proxy in front must name the user in X-User.")
    return Caller(UserId(int(name)))


uploads = create_app(
    Settings(data_dir=Path(os.environ.get("DATA_DIR", "data"))), authenticate=current_user
)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Run the lifespan of the mounted application, which does not run by itself."""
    async with uploads.router.lifespan_context(uploads):
        yield


async def home(_request: Request) -> PlainTextResponse:
    """Return the application's own page."""
    return PlainTextResponse("Uploads are at /files-of-users/")


app = Starlette(routes=[Route("/", home), Mount("/files-of-users", uploads)], lifespan=lifespan)
