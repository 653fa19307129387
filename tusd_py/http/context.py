"""What every route works with, passed by closure."""

import asyncio
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from tusd_py.auth.operator_links import OperatorLinks
from tusd_py.auth.rendition_links import RenditionLinks
from tusd_py.domain.caller import Caller
from tusd_py.http.authentication import Access
from tusd_py.http.streams import StreamLimit
from tusd_py.monitoring.server_metrics import ServerMetrics
from tusd_py.ports import Ports
from tusd_py.protocol.tus1 import Capabilities
from tusd_py.settings.model import Settings
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.tasks.streams import TaskStreams
from tusd_py.threads import Threads
from tusd_py.uploads.context import UploadContext


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The composed server, as routes see it."""

    settings: Settings
    ports: Ports
    capabilities: Capabilities
    """What the tus endpoint announces."""
    uploads: UploadContext
    threads: Threads
    task_streams: TaskStreams
    queue_positions: QueuePositions
    access: Access
    streams: StreamLimit
    links: RenditionLinks
    """The way to a file's renditions for players and pages that send no header."""
    operator_links: OperatorLinks
    """The way to the operator's page where no authentication is set."""
    metrics: ServerMetrics
    running: asyncio.Event
    """Set while the lifespan runs."""
    stopping: asyncio.Event
    """Set once the server is to stop: long answers end."""

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who is asking. Raises: see ``Access.caller``."""
        return await self.access.caller(connection)

    async def admit(self, caller: Caller) -> None:
        """Count a request that is no part of an upload under way. Raises: TooManyRequests."""
        if self.uploads.rate_limits is not None:
            await self.uploads.rate_limits.check_request(caller.user_id)

    async def owner(self, connection: HTTPConnection) -> Caller:
        """Who is asking for something of a user's that is no single upload.

        Raises: UploadTokenOnly: who has one upload only; and see ``Access.caller``.
        """
        caller = await self.access.caller(connection)
        caller.require_full_user()
        return caller
