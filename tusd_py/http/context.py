"""Defines the context that all routes share; it is passed by closure."""

import asyncio
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from tusd_py.auth.archive_links import ArchiveLinks
from tusd_py.auth.operator_links import OperatorLinks
from tusd_py.auth.rendition_links import RenditionLinks
from tusd_py.auth.share_tokens import ShareTokens
from tusd_py.domain.caller import Caller
from tusd_py.http.authentication import Access
from tusd_py.http.streams import StreamLimit
from tusd_py.monitoring.server_metrics import ServerMetrics
from tusd_py.ports import Ports
from tusd_py.protocol.origin import PublicAddress
from tusd_py.protocol.tus1 import Capabilities
from tusd_py.settings.model import Settings
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.tasks.streams import TaskStreams
from tusd_py.threads import Threads
from tusd_py.uploads.context import UploadContext


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """Holds the parts of the composed server that routes use."""

    settings: Settings
    address: PublicAddress
    ports: Ports
    capabilities: Capabilities
    """What the tus endpoint announces."""
    uploads: UploadContext
    threads: Threads
    task_streams: TaskStreams
    queue_positions: QueuePositions
    access: Access
    streams: StreamLimit
    archives: StreamLimit
    """Counts archives while they are sent, since each holds a list of its files."""
    links: RenditionLinks
    """Links to a file's renditions for players and pages that can send no header."""
    share_tokens: ShareTokens
    """Tokens in the addresses of links for receivers."""
    archive_links: ArchiveLinks
    """Links to archives of several files, for browsers that can send no header."""
    operator_links: OperatorLinks
    """Links to the operator's page where no authentication is set."""
    metrics: ServerMetrics
    running: asyncio.Event
    """Set while the lifespan runs."""
    stopping: asyncio.Event
    """Set when the server begins to stop: long answers end then."""

    async def count_request(self, caller: Caller) -> None:
        """Count a request that does not continue an upload. Raises: TooManyRequests."""
        if self.uploads.rate_limits is not None:
            await self.uploads.rate_limits.check_request(caller.user_id)

    async def owner(self, connection: HTTPConnection) -> Caller:
        """Return the caller of a request that concerns more than one upload of the user.

        Raises: UploadTokenOnly: the caller has a token for one upload only; and see
            ``Access.caller``.
        """
        caller = await self.access.caller(connection)
        caller.require_full_user()
        return caller
