"""Small JSON bodies of requests."""

import json
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from tusd_py.domain.errors import ClientDisconnected, ProtocolError

MAX_BODY_BYTES: Final = 4096


async def json_members(request: Request) -> dict[str, Any]:
    """The members of the object in the body; {} when there is no body.

    Raises: ProtocolError: it is larger than ``MAX_BODY_BYTES``, or no JSON object;
        ClientDisconnected.
    """
    body = await _body(request)
    if not body:
        return {}
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The body must be JSON, or empty.") from error
    if not isinstance(members, dict):
        raise ProtocolError("The body must be a JSON object, or empty.")
    return members


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise ProtocolError(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:
        raise ClientDisconnected from error
    return body
