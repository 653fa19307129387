"""What a person sees who opens the server's address, and the process's own health."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.http.context import AppContext

WorkerAlive = Callable[[], bool]


def routes(context: AppContext, worker_alive: WorkerAlive | None) -> list[BaseRoute]:
    """``/`` and ``/healthz``."""

    async def home(_request: Request) -> Response:
        base_path = context.settings.base_path
        return PlainTextResponse(
            "tusd-py: resumable uploads\n\n"
            f"POST {base_path}                        create an upload (tus 1.0.0)\n"
            "POST /api/file/upload               upload by a form\n"
            "GET  /api/file/upload/tasks         your tasks\n"
            "GET  /api/file/upload/events        your tasks, live (Server-Sent Events)\n"
        )

    async def healthz(_request: Request) -> Response:
        alive = worker_alive() if worker_alive is not None else None
        worker = {None: "elsewhere", True: "alive", False: "dead"}[alive]
        status = "failing" if alive is False else "ok"
        return JSONResponse(
            {"status": status, "worker": worker}, status_code=503 if alive is False else 200
        )

    return [Route("/", home), Route("/healthz", healthz)]
