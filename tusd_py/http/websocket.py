"""``/api/file/upload/ws/{task_id}`` (S5): a snapshot at once, each change, a clean close."""

from contextlib import aclosing
from typing import Final

import anyio
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tusd_py.domain.errors import TusdError
from tusd_py.domain.ids import UploadId
from tusd_py.http.context import AppContext
from tusd_py.http.errors import respond
from tusd_py.http.progress import find_task, recorded, task_id_of
from tusd_py.tasks import frames

NORMAL: Final = 1000
GOING_AWAY: Final = 1001


def routes(context: AppContext) -> list[BaseRoute]:
    """The WebSocket route."""

    async def follow(websocket: WebSocket) -> None:
        try:
            caller = await context.access.listener(websocket)
            await context.admit(caller)
            task_id = task_id_of(websocket.path_params["task_id"])
            await find_task(context, caller, task_id)
        except TusdError as error:
            await websocket.send_denial_response(respond(error))
            return
        await websocket.accept()
        with context.figures.listening("websocket"):
            async with anyio.create_task_group() as group:
                # Nobody is asked to speak; we only want to know when they leave.
                group.start_soon(_until_gone, websocket, group.cancel_scope)
                await _tell(context, websocket, task_id)
                group.cancel_scope.cancel()

    return [WebSocketRoute("/api/file/upload/ws/{task_id}", follow)]


async def _tell(context: AppContext, websocket: WebSocket, task_id: UploadId) -> None:
    tasks = context.following.task(task_id, record=lambda: recorded(context, task_id))
    try:
        async with aclosing(tasks) as states:  # type: ignore[type-var]
            async for task in states:
                await websocket.send_json(frames.notification(task))
        await websocket.close(GOING_AWAY if context.stopping.is_set() else NORMAL)
    except (WebSocketDisconnect, RuntimeError):
        return


async def _until_gone(websocket: WebSocket, scope: anyio.CancelScope) -> None:
    try:
        while True:
            await websocket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        scope.cancel()
