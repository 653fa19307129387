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


async def who(connection: HTTPConnection) -> Caller:
    """The user that the proxy in front has authenticated; nobody else must be able to reach us."""
    name = connection.headers.get("x-user", "")
    if not (name.isascii() and name.isdecimal()):
        raise Unauthenticated("The proxy in front must say who is asking.")
    return Caller(UserId(int(name)))


uploads = create_app(Settings(data_dir=Path(os.environ.get("DATA_DIR", "data"))), authenticate=who)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """A mounted application's lifespan does not run by itself."""
    async with uploads.router.lifespan_context(uploads):
        yield


async def home(_request: Request) -> PlainTextResponse:
    """The application's own page."""
    return PlainTextResponse("Uploads are at /files-of-users/")


app = Starlette(routes=[Route("/", home), Mount("/files-of-users", uploads)], lifespan=lifespan)
