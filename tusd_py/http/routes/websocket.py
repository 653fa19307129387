"""Serves ``/api/file/upload/ws/{task_id}`` (requirement S5): a snapshot, each change, a close.

The snapshot is sent at once. A client only receives: its first message closes the connection with
1008 (RFC 6455, 7.4.1), and a client that does not read is disconnected.
``ingest.websocket_protocol`` limits the frames.
"""

from contextlib import ExitStack, aclosing, suppress
from typing import Final

import anyio
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tusd_py.domain.errors import TusdError
from tusd_py.domain.ids import UploadId
from tusd_py.http.context import AppContext
from tusd_py.http.errors import problem_response
from tusd_py.http.routes.events import SEND_TIMEOUT_SECONDS
from tusd_py.http.routes.progress import find_task, recorded, task_id_of
from tusd_py.tasks import json_views as frames

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the WebSocket route."""

    async def follow(websocket: WebSocket) -> None:
        with ExitStack() as open_streams:
            try:
                caller = await context.access.listener(websocket)
                await context.count_request(caller)
                task_id = task_id_of(websocket.path_params["task_id"])
                await find_task(context, caller, task_id)
                open_streams.enter_context(context.streams.open_stream(caller.user_id))
            except TusdError as error:
                await websocket.send_denial_response(problem_response(error))
                return
            open_streams.enter_context(context.metrics.stream_opened("websocket"))
            await websocket.accept()
            async with anyio.create_task_group() as group:
                group.start_soon(_until_it_ends, websocket, group.cancel_scope)
                await _send_states(context, websocket, task_id)
                group.cancel_scope.cancel()

    return [WebSocketRoute("/api/file/upload/ws/{task_id}", follow)]


async def _send_states(context: AppContext, websocket: WebSocket, task_id: UploadId) -> None:
    tasks = context.task_streams.task(task_id, record=lambda: recorded(context, task_id))
    try:
        async with aclosing(tasks) as states:  # type: ignore[type-var]
            async for task in states:
                with anyio.fail_after(SEND_TIMEOUT_SECONDS):
                    await websocket.send_json(frames.notification(task))
        await websocket.close(GOING_AWAY if context.stopping.is_set() else NORMAL)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return


async def _until_it_ends(websocket: WebSocket, scope: anyio.CancelScope) -> None:
    """Wait until the client disconnects or sends a message, which closes the connection (1008)."""
    message = await websocket.receive()
    scope.cancel()
    if message["type"] == "websocket.receive":
        with anyio.move_on_after(SEND_TIMEOUT_SECONDS, shield=True), suppress(RuntimeError):
            await websocket.close(POLICY_VIOLATION, "this stream takes no messages")
