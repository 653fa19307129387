"""Serves ``/api/file/upload/shares``: a file's owner makes, lists and revokes links for receivers.

Receivers without an account use them at the addresses of ``receivers``.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.clock import rfc3339
from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.domain.errors import ProtocolError, ShareNotFound, UploadUnfinished
from tusd_py.domain.filenames import safe_name
from tusd_py.domain.ids import parse_share_id
from tusd_py.domain.share import Share
from tusd_py.http.context import AppContext
from tusd_py.http.json_body import json_members, whole_number
from tusd_py.http.routes.progress import NO_STORE, find_upload, task_id_of
from tusd_py.http.share_access import ShareAccess

PATH: Final = "/api/file/upload/shares"
LISTED: Final = 100
"""Most shares in one list."""
MOST_DOWNLOADS: Final = 1_000_000
PASSWORD_CHARACTERS: Final = 200


def routes(context: AppContext, access: ShareAccess) -> list[BaseRoute]:
    """Return the routes by which an owner makes, lists and revokes shares."""
    repository = context.ports.catalog.shares

    async def make(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["id"])
        wanted = await json_members(request)
        longest = int(context.settings.shares.longest)
        seconds = _number(wanted, "expires_in", longest) or min(WEEK_SECONDS, longest)
        downloads = _number(wanted, "downloads", MOST_DOWNLOADS)
        password = _password(wanted)
        upload = await find_upload(context, caller, task_id)
        if upload.file_identity is None:
            # What is not in the pool yet was not scanned for viruses either.
            raise UploadUnfinished
        share = Share(
            id=context.share_tokens.new_id(),
            user_id=caller.user_id,
            upload_id=task_id,
            downloads=downloads,
            password_hash=await access.hashed(password) if password else "",
            filename=upload.filename,
        )
        made = await context.threads.call(
            repository.add, share, seconds=seconds, limit=context.settings.shares.per_file
        )
        return JSONResponse(described(request, made), status_code=201, headers=NO_STORE)

    async def listed(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        of = request.query_params.get("task_id")
        task_id = None if of is None else task_id_of(of)
        found = await context.threads.call(
            repository.of_user, caller.user_id, upload_id=task_id, limit=LISTED
        )
        members = {"shares": [described(request, share) for share in found]}
        return JSONResponse(members, headers=NO_STORE)

    async def revoke(request: Request) -> Response:
        caller = await context.owner(request)
        await context.count_request(caller)
        share_id = parse_share_id(request.path_params["id"])
        if share_id is None or not await context.threads.call(
            repository.revoke, caller.user_id, share_id
        ):
            raise ShareNotFound
        return Response(status_code=204, headers=NO_STORE)

    def described(request: Request, share: Share) -> dict[str, Any]:
        return {
            "id": share.id,
            "url": access.url(request, share.id),
            "task_id": share.upload_id,
            "filename": safe_name(share.filename),
            "created_at": rfc3339(share.created_at),
            "expires_at": rfc3339(share.expires_at),
            "downloads": share.downloads,
            "downloaded": share.downloaded,
            "has_password": bool(share.password_hash),
        }

    async def one(request: Request) -> Response:
        # The id is that of the task for POST, that of the share for DELETE.
        return await (make if request.method == "POST" else revoke)(request)

    return [Route(PATH, listed), Route(f"{PATH}/{{id}}", one, methods=["POST", "DELETE"])]


def _number(members: dict[str, Any], name: str, most: int) -> int | None:
    """Return a whole number from 1 to ``most``; None if it is absent. Raises: ProtocolError."""
    if members.get(name) is None:
        return None
    number = whole_number(members[name])
    if number is None or not 1 <= number <= most:
        raise ProtocolError(f"The member {name} must be a number from 1 to {most}.")
    return number


def _password(members: dict[str, Any]) -> str:
    """Return the password that a share shall need; '' for none. Raises: ProtocolError."""
    password = members.get("password")
    if password is None:
        return ""
    if not isinstance(password, str) or not 1 <= len(password) <= PASSWORD_CHARACTERS:
        raise ProtocolError(
            f"The member password must be a text of 1 to {PASSWORD_CHARACTERS} characters."
        )
    return password
