"""Run an application in a uvicorn of the test, on this loop, with our connection class."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol
from tusd_py.settings.limits import ConnectionSettings

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
NEVER: Final = 3600.0


def limits(**values: Any) -> ConnectionSettings:
    """Return limits of connections; times that are not given never end."""
    times = dict.fromkeys(("head_timeout", "idle_timeout", "send_timeout"), NEVER)
    return ConnectionSettings(**{**times, **values})


@asynccontextmanager
async def serving(
    app: App,
    *,
    connections: ConnectionSettings | None = None,
    stop_seconds: float = TusHttpProtocol.stop_seconds,
    **config: Any,
) -> AsyncIterator[int]:
    """Serve the application for the length of a block and yield its port."""
    limits = connections or ConnectionSettings()
    own = {"limits": limits, "stop_seconds": stop_seconds}
    http = type("Limited", (TusHttpProtocol,), own)
    config = {"http": http, "timeout_graceful_shutdown": 1, **config}
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None, **config))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
