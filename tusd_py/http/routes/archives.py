"""Serves ``POST /api/file/upload/archives``, and the zip archives of the links that it makes.

A browser follows such a link without a header. The archive is made while it is sent.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from tusd_py.auth.archive_links import MAX_FILES, MAX_QUERY_BYTES, ArchiveLink
from tusd_py.clock import rfc3339
from tusd_py.domain.caller import Caller
from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.errors import ProtocolError, TaskNotFound
from tusd_py.domain.filenames import fitted, portable_name
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.http.context import AppContext
from tusd_py.http.download import content_disposition
from tusd_py.http.json_body import json_members
from tusd_py.http.link_seconds import link_seconds
from tusd_py.http.mount import mount_path
from tusd_py.http.routes.progress import NO_STORE
from tusd_py.http.routes.task_list import file_query
from tusd_py.uploads.archive import Archive, Selection, archive

PATH: Final = "/api/file/upload/archives/{token}"
MAX_SECONDS: Final = DAY_SECONDS
DEFAULT_SECONDS: Final = 600
_MAX_BODY_BYTES: Final = 16 << 10
_QUERY: Final = ("folder", "name", "state", "created_from", "created_before")


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the routes that make a link and that answer for one."""

    async def make(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        wanted = await json_members(request, most=_MAX_BODY_BYTES)
        link = _link(caller.user_id, wanted)
        token, end = context.archive_links.sign(
            link, link_seconds(wanted, default=DEFAULT_SECONDS, most=MAX_SECONDS)
        )
        found = await _archive(context, link)
        members = {
            "url": f"{mount_path(request.scope)}{PATH.format(token=token)}",
            "expires_at": rfc3339(end),
            "files": found.files,
            "unfinished": found.unfinished,
            "size": found.size,
        }
        return JSONResponse(members, headers=NO_STORE)

    async def follow(request: Request) -> Response:
        link = context.archive_links.read(request.path_params["token"])
        # Each request looks the files up.
        await context.count_request(Caller(link.user_id))
        found = await _archive(context, link)
        folder = link.query.get("folder", "").strip("/").rpartition("/")[2]
        headers = {
            "Accept-Ranges": "none",
            "Cache-Control": "no-store",
            "Content-Disposition": content_disposition(
                fitted(portable_name(folder) or "files", ".zip")
            ),
            "Content-Length": str(found.size),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type="application/zip")
        return _Counted(found, headers, context.archives.open_stream(link.user_id))

    return [
        Route("/api/file/upload/archives", make, methods=["POST"]),
        Route(PATH, follow),
    ]


class _Counted(Response):
    """Sends an archive, which counts as one of its user's meanwhile."""

    def __init__(
        self, found: Archive, headers: dict[str, str], counted: AbstractContextManager[None]
    ) -> None:
        super().__init__(headers=headers, media_type="application/zip")
        self._found = found
        self._fields = headers
        self._counted = counted

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._counted:
            pieces = await self._found.begin()
            answer = StreamingResponse(pieces, headers=self._fields, media_type=self.media_type)
            await answer(scope, receive, send)


async def _archive(context: AppContext, link: ArchiveLink) -> Archive:
    selection = Selection(user_id=link.user_id, chosen=link.ids or file_query(link.query))
    limit = context.settings.limits.archive_files
    return await archive(context.uploads, context.ports.objects, selection, limit=limit)


def _link(user_id: UserId, members: dict[str, Any]) -> ArchiveLink:
    """Return the link that a request wants. Raises: ProtocolError, TaskNotFound."""
    chosen = members.get("task_ids")
    if chosen is not None:
        return ArchiveLink(user_id=user_id, ids=_ids(chosen))
    query = {name: members[name] for name in _QUERY if members.get(name) is not None}
    if not all(isinstance(text, str) for text in query.values()):
        raise ProtocolError(f"The members {', '.join(_QUERY)} must be texts.")
    if len("".join(query.values()).encode()) > MAX_QUERY_BYTES:
        raise ProtocolError(f"The texts must have {MAX_QUERY_BYTES} bytes together at most.")
    file_query(query)
    return ArchiveLink(user_id=user_id, query=query)


def _ids(chosen: object) -> list[UploadId]:
    if not isinstance(chosen, list) or not 1 <= len(chosen) <= MAX_FILES:
        raise ProtocolError(f"The member task_ids must be a list of 1 to {MAX_FILES} ids.")
    ids = []
    for text in dict.fromkeys(map(str, chosen)):
        task_id = parse_upload_id(text)
        if task_id is None:
            raise TaskNotFound
        ids.append(task_id)
    return ids
