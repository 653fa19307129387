"""What a person sees who opens the server's address: the page to a browser, a few lines to others.

The page is built from ``page/source`` and comes with the package: neither node nor another server is
needed (``page/built/LICENCES.txt`` names what is in it).
"""

import hashlib
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import ResourceNotFound
from tusd_py.http.context import AppContext

_BUILT: Final = files("tusd_py.page") / "built"
_TYPES: Final = {
    "page.js": "text/javascript",
    "hash-worker.js": "text/javascript",
    "page.css": "text/css",
    "LICENCES.txt": "text/plain",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' blob:; worker-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""Nothing from elsewhere. WebAssembly hashes; Uppy sets styles at its elements."""
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}


def routes(context: AppContext) -> list[BaseRoute]:
    """``/`` and the files of the page."""
    base_path = context.settings.base_path
    page = (_BUILT / "index.html").read_text("utf-8")
    page = page.replace('data-endpoint="files/"', f'data-endpoint="{base_path[1:]}"')
    parts = {name: (_BUILT / name).read_bytes() for name in _TYPES}
    tags = {name: f'"{hashlib.sha256(held).hexdigest()[:16]}"' for name, held in parts.items()}

    async def home(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(_lines(base_path))
        below = f'<base href="{request.scope.get("root_path", "")}/">'
        html = page.replace('<base href="/">', below)
        headers = {**_HEADERS, "Cache-Control": "no-cache", "Vary": "Accept"}
        return Response(html, media_type="text/html", headers=headers)

    async def part(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in parts:
            raise ResourceNotFound
        headers = {**_HEADERS, "Cache-Control": "no-cache", "ETag": tags[name]}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(parts[name], media_type=_TYPES[name], headers=headers)

    return [Route("/", home), Route("/page/{name}", part)]


def _lines(base_path: str) -> str:
    return (
        "tusd-py: resumable uploads\n\n"
        f"POST {base_path}                        create an upload (tus 1.0.0)\n"
        "POST /api/file/upload               upload by a form\n"
        "GET  /api/file/upload/tasks         your tasks\n"
        "GET  /api/file/upload/events        your tasks, live (Server-Sent Events)\n"
    )
