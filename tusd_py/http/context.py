"""What every route works with, passed by closure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from tusd_py.domain.caller import EVERYBODY, Caller
from tusd_py.monitoring.server_figures import ServerFigures
from tusd_py.ports import Ports
from tusd_py.protocol.tus1 import Capabilities
from tusd_py.settings import Settings
from tusd_py.tasks.follow import Following
from tusd_py.threads import Threads
from tusd_py.uploads.room import UploadRoom

Authenticate = Callable[[HTTPConnection], Awaitable[Caller]]
"""Who is asking. Raises a TusdError to refuse."""


async def anonymous(_connection: HTTPConnection) -> Caller:
    """Everybody is the same user: the embedded default (S22)."""
    return EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The composed server, as routes see it."""

    settings: Settings
    ports: Ports
    able: Capabilities
    """What the tus endpoint announces."""
    uploads: UploadRoom
    threads: Threads
    following: Following
    authenticate: Authenticate
    figures: ServerFigures
    stopping: asyncio.Event
    """Set once the server is to stop: long answers end."""

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who is asking. Raises: what the deployment's authentication raises."""
        return await self.authenticate(connection)
