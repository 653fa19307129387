"""What a person sees who opens the server's address."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.http.context import AppContext


def routes(context: AppContext) -> list[BaseRoute]:
    """``/``."""

    async def home(_request: Request) -> Response:
        base_path = context.settings.base_path
        return PlainTextResponse(
            "tusd-py: resumable uploads\n\n"
            f"POST {base_path}                        create an upload (tus 1.0.0)\n"
            "POST /api/file/upload               upload by a form\n"
            "GET  /api/file/upload/tasks         your tasks\n"
            "GET  /api/file/upload/events        your tasks, live (Server-Sent Events)\n"
        )

    return [Route("/", home)]
