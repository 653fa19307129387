"""Serves the address of the server itself: the page to a browser, a few lines of text to others.

The pages are built from ``page/source`` and are part of the package: neither node nor another
server is needed (``page/built/LICENCES.txt`` lists the libraries that they contain).
"""

import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import PreconditionFailed, ResourceNotFound
from tusd_py.http.mount import mount_path
from tusd_py.protocol.conditions import Verdict, conditions_of, evaluate
from tusd_py.protocol.fields import Fields

_BUILT: Final = files("tusd_py.page") / "built"
_PAGES: Final = ("index.html", "admin.html", "api.html")
_TYPES: Final = {
    "page.js": "text/javascript",
    "admin.js": "text/javascript",
    "hash-worker.js": "text/javascript",
    "stream-worker.js": "text/javascript",
    "api.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "page.css": "text/css",
    "admin.css": "text/css",
    "LICENCES.txt": "text/plain",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self'; connect-src 'self' blob:; worker-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Content policy of the pages: they load nothing from other servers.

They hash files with WebAssembly, and Uppy sets inline styles.
"""
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class PageFiles:
    """Holds the built pages, and the files that they load."""

    def __init__(self, base_path: str, *, max_size: int, extensions: Sequence[str]) -> None:
        """Write into the pages where the tus endpoint is, and what it takes.

        Args: max_size: bytes of the largest file, 0: unlimited; extensions: those that are taken,
            none: all.
        """
        facts = {
            "endpoint": ("files/", base_path[1:]),
            "max-size": ("0", str(max_size)),
            "extensions": ("", " ".join(extensions)),
        }
        self._pages = {name: _with((_BUILT / name).read_text("utf-8"), facts) for name in _PAGES}
        self._parts = {name: (_BUILT / name).read_bytes() for name in _TYPES}
        self._tags = {
            name: f'"{hashlib.sha256(held).hexdigest()[:16]}"' for name, held in self._parts.items()
        }

    def html(self, request: Request, name: str) -> Response:
        """Return a page, with links that begin where this application is mounted."""
        below = f'<base href="{escape(mount_path(request.scope))}/">'
        text = self._pages[name].replace('<base href="/">', below)
        return Response(text, media_type="text/html", headers={**_HEADERS, "Vary": "Accept"})

    def part(self, request: Request, name: str) -> Response:
        """Return a file that the pages load. Raises: ResourceNotFound, PreconditionFailed."""
        if name not in self._parts:
            raise ResourceNotFound
        headers = {**_HEADERS, "ETag": self._tags[name]}
        verdict = evaluate(conditions_of(Fields(request.headers.raw)), self._tags[name])
        if verdict is Verdict.FAILED:
            raise PreconditionFailed
        if verdict is Verdict.NOT_MODIFIED:
            return Response(status_code=304, headers=headers)
        return Response(self._parts[name], media_type=_TYPES[name], headers=headers)


def routes(pages: PageFiles, base_path: str) -> list[BaseRoute]:
    """Return the routes of ``/`` and of the files that the pages load."""

    async def home(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(_lines(base_path))
        return pages.html(request, "index.html")

    async def part(request: Request) -> Response:
        return pages.part(request, request.path_params["name"])

    return [Route("/", home), Route("/page/{name}", part)]


def _with(page: str, facts: Mapping[str, tuple[str, str]]) -> str:
    """Return the page with other values of its data attributes, each given as (present, other)."""
    for name, (present, other) in facts.items():
        page = page.replace(f'data-{name}="{present}"', f'data-{name}="{escape(other)}"')
    return page


def _lines(base_path: str) -> str:
    return (
        "tusd-py: resumable uploads\n\n"
        f"POST {base_path}                        create an upload (tus 1.0.0)\n"
        "POST /api/file/upload               upload by a form\n"
        "GET  /api/file/upload/tasks         your tasks\n"
        "GET  /api/file/upload/events        your tasks, live (Server-Sent Events)\n"
        "GET  /admin                         queue, workers, failures (for operators)\n"
    )
