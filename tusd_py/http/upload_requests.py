"""Does what the endpoints of all upload protocols do alike for a request, and for its answer."""

from dataclasses import replace

from starlette.requests import HTTPConnection
from starlette.types import Scope

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.http.context import AppContext
from tusd_py.http.hook_request import hook_request
from tusd_py.http.mount import mount_path
from tusd_py.ingest.scope_extensions import TRAILERS
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head
from tusd_py.uploads.arrival import ArrivalListener
from tusd_py.uploads.body import Body
from tusd_py.uploads.create import Created, create
from tusd_py.uploads.create_once import create_once
from tusd_py.uploads.inspect import Inspected
from tusd_py.uploads.new_ids import new_upload_id
from tusd_py.uploads.receive import AppendResult


def head_of(scope: Scope, resource: str) -> Head:
    """Return the head of a request for a resource below the endpoint of uploads."""
    return Head(
        method=scope["method"],
        resource=resource,
        query=scope["query_string"].decode("latin-1"),
        # A copy of the fields: trailers must not change the head.
        fields=Fields(list(scope["headers"])),
        trailers=(scope.get("extensions") or {}).get(TRAILERS, {}).get("fields", ()),
    )


async def create_upload(
    context: AppContext,
    scope: Scope,
    caller: Caller,
    command: Create,
    body: Body,
    *,
    listener: ArrivalListener | None = None,
) -> Created:
    """Create an upload with a new id, or with that of the command's key.

    Raises: TooManyRequests, and what ``create`` and ``create_once`` raise.
    """
    await context.count_request(caller)
    forwarded = context.settings.hooks.forward_headers
    if forwarded:
        command = replace(command, request=hook_request(HTTPConnection(scope), forwarded))
    if command.key is not None:
        return await create_once(context.uploads, caller, command.key, command, body)
    return await create(context.uploads, caller, new_upload_id(), command, body, listener=listener)


def upload_address(context: AppContext, scope: Scope, fields: Fields, upload_id: UploadId) -> str:
    """Return the address of an upload as clients see it; see ``PublicAddress.origin_of``."""
    origin = context.address.origin_of(fields, scheme=scope["scheme"])
    return f"{origin or ''}{mount_path(scope)}{context.settings.base_path}{upload_id}"


def token_header(context: AppContext, result: Created | Inspected) -> dict[str, str]:
    """Return the header with the token of an upload; {} where there are no upload tokens.

    The body of a request has none: a token for one upload is not enough for its target.
    """
    upload = result.upload
    if upload.keeps_request:
        return {}
    return context.access.upload_token_header(
        upload.user_id, upload.id, upload.length, result.expires_at
    )


def inspected_token_header(
    context: AppContext, caller: Caller, inspected: Inspected
) -> dict[str, str]:
    """Return the header with the token of an upload whose offset a client requests.

    The token of a finished upload is not renewed.
    """
    if caller.upload_id is None or inspected.upload.state is UploadState.RECEIVING:
        return token_header(context, inspected)
    return {}


def renewed_token_header(
    context: AppContext, caller: Caller, command: Append, appended: AppendResult
) -> dict[str, str]:
    """Return the header with a token that expires as late as the upload does now.

    The token of a finished upload is not renewed.
    """
    if caller.upload_id is None or appended.expires_at is None:
        return {}
    length = caller.length if caller.length is not None else command.declared_length
    return context.access.upload_token_header(
        caller.user_id, caller.upload_id, length, appended.expires_at
    )
