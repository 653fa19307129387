"""Serves ``GET /api/file/upload/tasks`` (requirement S6): what the caller has, newest first.

The list is made of the catalog, which keeps it, with the newer states of the live view over it.
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.catalog.values import FileQuery, FileState, HistoryRow, ListPosition
from tusd_py.domain.errors import BackendError, ProtocolError
from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.task import Task
from tusd_py.http.context import AppContext
from tusd_py.http.routes.progress import NO_STORE
from tusd_py.tasks import json_views as frames
from tusd_py.tasks.from_records import newer_of, task_of_history

MAX_SIZE: Final = 100
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_ID_PREFIX: Final = re.compile(r"[0-9a-f]{1,32}")


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route of the list."""

    async def tasks(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        cursor = request.query_params.get("cursor")
        page = _number(request, "page", default=1, largest=10**9)
        size = _number(request, "size", default=10, largest=MAX_SIZE)
        position = ListPosition(skipped=(page - 1) * size)
        if cursor is not None:
            position = ListPosition(after=read_cursor(cursor))
        total, found, paths = await context.threads.call(
            _listed, context, caller.user_id, file_query(request.query_params), position, size
        )
        members: dict[str, Any] = {"total": total}
        if cursor is None:
            members["page"] = page
        members |= {
            "size": size,
            "tasks": [frames.list_entry(*one) for one in zip(found, paths, strict=True)],
        }
        members["next"] = cursor_behind(found[-1]) if len(found) == size else None
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/tasks", tasks)]


def _listed(
    context: AppContext, user_id: UserId, query: FileQuery, position: ListPosition, size: int
) -> tuple[int, Sequence[Task], Sequence[str]]:
    """Return the number of files, and one page with the files' paths. Blocks.

    Raises: BackendError: no catalog.
    """
    total, rows = context.ports.catalog.uploads.files(user_id, query, position, size=size)
    return total, with_newer_states(context, rows), [row.relative_path for row in rows]


def with_newer_states(context: AppContext, rows: Sequence[HistoryRow]) -> list[Task]:
    """Return the tasks of records, with the states of the view that are newer. Blocks."""
    try:
        shown = context.ports.tasks.get_all([row.task_id for row in rows])
    except BackendError:
        shown = {}
    return [newer_of(task_of_history(row), shown.get(row.task_id)) for row in rows]


def file_query(given: Mapping[str, str]) -> FileQuery:
    """Return what is searched by the parameters of the list. Raises: ProtocolError."""
    state = given.get("state")
    if state is not None and state not in set(FileState):
        raise ProtocolError(f"The parameter state must be one of {', '.join(FileState)}.")
    prefix = given.get("id")
    if prefix is not None and not _ID_PREFIX.fullmatch(prefix):
        raise ProtocolError("The parameter id must be the first hexadecimal digits of an id.")
    return FileQuery(
        id_prefix=prefix or "",
        name=given.get("name", ""),
        folder=given.get("folder", "").strip("/"),
        state=None if state is None else FileState(state),
        created_from=_time(given, "created_from"),
        created_before=_time(given, "created_before"),
    )


def _number(request: Request, name: str, *, default: int, largest: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if _NUMBER.fullmatch(text) and text.isascii() else 0
    if not 1 <= number <= largest:
        raise ProtocolError(f"The parameter {name} must be a number from 1 to {largest}.")
    return number


def _time(given: Mapping[str, str], name: str) -> float | None:
    """Return the unix seconds of a date or a time of RFC 3339; UTC if it names no zone."""
    text = given.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"The parameter {name} must be a date or a time.") from error


def cursor_behind(task: Task) -> str:
    """Return the cursor of the page that follows this task."""
    raw = struct.pack(">d", task.facts.created_at) + bytes.fromhex(task.facts.task_id)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(text: str) -> tuple[float, UploadId]:
    """Return the time of creation and the id that a cursor names. Raises: ProtocolError."""
    try:
        raw = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}".encode("ascii"))
        (created_at,) = struct.unpack(">d", raw[:8])
        task_id = parse_upload_id(raw[8:].hex())
    except (ValueError, binascii.Error, struct.error) as error:
        raise ProtocolError("The parameter cursor is none of this list.") from error
    if task_id is None or not math.isfinite(created_at):
        raise ProtocolError("The parameter cursor is none of this list.")
    return created_at, task_id
