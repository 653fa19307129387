"""Serves the address of the server itself: the page to a browser, a few lines of text to others.

The pages are built from ``page/source`` and are part of the package: neither node nor another
server is needed (``page/built/LICENCES.txt`` lists the libraries that they contain).
"""

import asyncio
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.domain.errors import PreconditionFailed, ResourceNotFound
from tusd_py.http.look import Look
from tusd_py.http.mount import mount_path
from tusd_py.page import BUILT, COMPONENT
from tusd_py.protocol.conditions import Verdict, conditions_of, evaluate
from tusd_py.protocol.encodings import accepts_gzip
from tusd_py.protocol.fields import Fields

_PAGES: Final = ("index.html", "admin.html", "api.html")
_TYPES: Final = {
    "page.js": "text/javascript",
    "admin.js": "text/javascript",
    "hash-worker.js": "text/javascript",
    "player.js": "text/javascript",
    "stream-worker.js": "text/javascript",
    "viewer.js": "text/javascript",
    "api.js": "text/javascript",
    "receiver.js": "text/javascript",
    "shares.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "page.css": "text/css",
    "admin.css": "text/css",
    "receiver.css": "text/css",
    "shares.css": "text/css",
    "LICENCES.txt": "text/plain",
}
_SCRIPTS: Final = ("tusd-upload.js", "tusd-upload.mjs")
"""Scripts of the web component, which is a package for npm in a folder of its own."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self'; connect-src 'self' blob:; worker-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Content policy of the pages: they load nothing from other servers.

They hash files with WebAssembly, and Uppy sets inline styles.
"""
LOGO_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Content policy of the logo: opened by itself, an SVG runs no script and loads nothing."""
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class PageFiles:
    """Holds the built pages, and the files that they load."""

    def __init__(
        self, base_path: str, look: Look, *, max_size: int, extensions: Sequence[str]
    ) -> None:
        """Write into the pages where the tus endpoint is, what it takes, and their look.

        Args: max_size: bytes of the largest file, 0: unlimited; extensions: those that are taken,
            none: all.
        """
        facts = {
            "endpoint": ("files/", base_path[1:]),
            "max-size": ("0", str(max_size)),
            "extensions": ("", " ".join(extensions)),
        }
        self._pages = {
            name: look.write_into(_with((BUILT / name).read_text("utf-8"), facts))
            for name in _PAGES
        }
        parts = {name: (BUILT / name, kind) for name, kind in _TYPES.items()}
        parts |= {name: (COMPONENT / name, "text/javascript") for name in _SCRIPTS}
        self._parts = {name: Part(file.read_bytes(), kind) for name, (file, kind) in parts.items()}
        self._parts["look.css"] = Part(look.css.encode(), "text/css")
        if look.logo is not None:
            self._parts["logo"] = Part(
                look.logo.content, look.logo.content_type, policy=LOGO_POLICY, compress=False
            )

    def html(self, request: Request, name: str) -> Response:
        """Return a page, with links that begin where this application is mounted."""
        below = f'<base href="{escape(mount_path(request.scope))}/">'
        text = self._pages[name].replace('<base href="/">', below)
        return Response(text, media_type="text/html", headers={**_HEADERS, "Vary": "Accept"})

    async def part(self, request: Request, name: str) -> Response:
        """Return a file that the pages load. Raises: ResourceNotFound, PreconditionFailed."""
        if name not in self._parts:
            raise ResourceNotFound
        return await self._parts[name].answer(Fields(request.headers.raw))


class Part:
    """Holds a file that pages load, as it is and compressed."""

    def __init__(
        self, content: bytes, kind: str, *, policy: str = _POLICY, compress: bool = True
    ) -> None:
        self._content = content
        self._compressed: bytes | None = None
        self._compress = compress
        self._kind = kind
        self._headers = {**_HEADERS, "Content-Security-Policy": policy}
        self._tag = hashlib.sha256(content).hexdigest()[:16]

    async def answer(self, fields: Fields) -> Response:
        """Return the answer to a request. Raises: PreconditionFailed."""
        headers = dict(self._headers)
        # Each encoding is a representation with a tag of its own (RFC 9110, 8.8.3).
        tag = f'"{self._tag}"'
        compressed = self._compress and accepts_gzip(fields)
        if compressed:
            tag = f'"{self._tag}-gzip"'
            headers["Content-Encoding"] = "gzip"
        if self._compress:
            headers["Vary"] = "Accept-Encoding"
        headers["ETag"] = tag
        verdict = evaluate(conditions_of(fields), tag)
        if verdict is Verdict.FAILED:
            raise PreconditionFailed
        if verdict is Verdict.NOT_MODIFIED:
            headers.pop("Content-Encoding", None)
            return Response(status_code=304, headers=headers)
        content = await self._gzipped() if compressed else self._content
        return Response(content, media_type=self._kind, headers=headers)

    async def _gzipped(self) -> bytes:
        """Return the compressed content, which is made once."""
        if self._compressed is None:
            self._compressed = await asyncio.to_thread(gzip.compress, self._content, mtime=0)
        return self._compressed


def routes(pages: PageFiles, base_path: str) -> list[BaseRoute]:
    """Return the routes of ``/`` and of the files that the pages load."""

    async def home(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(_lines(base_path))
        return pages.html(request, "index.html")

    async def part(request: Request) -> Response:
        return await pages.part(request, request.path_params["name"])

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
