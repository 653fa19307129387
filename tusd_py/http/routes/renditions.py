"""Serves ``GET /api/file/upload/renditions/{task_id}``: a finished file's renditions and facts."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.domain.errors import UploadUnfinished
from tusd_py.domain.file import main_object
from tusd_py.domain.rendition import Rendition
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.http.context import AppContext
from tusd_py.http.mount import mount_path
from tusd_py.http.routes.progress import NO_STORE, find_upload, task_id_of


def routes(context: AppContext) -> list[BaseRoute]:
    """Return the route of the list of renditions."""

    async def renditions(request: Request) -> Response:
        caller = await context.access.caller(request)
        await context.count_request(caller)
        task_id = task_id_of(request.path_params["task_id"])
        upload = await find_upload(context, caller, task_id)
        base = f"{mount_path(request.scope)}{context.settings.base_path}{task_id}"
        members = await context.threads.call(described, context.ports.catalog.objects, upload, base)
        return JSONResponse(members, headers=NO_STORE)

    return [Route("/api/file/upload/renditions/{task_id}", renditions)]


def described(objects: ObjectRepository, upload: Upload, base: str) -> dict[str, Any]:
    """Return a finished upload's renditions as JSON members, the main object first. Blocks.

    Args: base: path of the upload's address.
    Raises: UploadUnfinished: the file is not in the pool yet.
    """
    if upload.state is not UploadState.FINISHED:
        raise UploadUnfinished
    file = objects.file(upload.file_identity) if upload.file_identity is not None else None
    if file is None:
        raise UploadUnfinished
    main = main_object(file)
    others = objects.renditions(file.identity)
    return {
        "task_id": upload.id,
        "filename": upload.filename,
        "file_size": file.size,
        "file_hash": file.hash,
        "facts": file.facts,
        "main": main.name,
        "renditions": [_entry(one, base) for one in (main, *others)],
    }


def _entry(rendition: Rendition, base: str) -> dict[str, Any]:
    return {
        "name": rendition.name,
        "content_type": rendition.content_type,
        "size": rendition.size,
        "hash": rendition.hash,
        "oss_path": rendition.path,
        "url": f"{base}?{urlencode({'rendition': rendition.name})}",
        "facts": rendition.facts,
    }
