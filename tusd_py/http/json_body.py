"""Reads small JSON bodies of requests, and numbers in them."""

from typing import Any, Final

from starlette.requests import Request

from tusd_py.domain.errors import ProtocolError
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from tusd_py.http.small_body import small_body

MAX_BODY_BYTES: Final = 4096


async def json_members(request: Request, *, most: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Return the members of the object in the body; {} when there is no body.

    Raises: ProtocolError: the body is larger than ``most`` bytes, or is no JSON object;
        ClientDisconnected.
    """
    body = await small_body(request, most)
    if not body:
        return {}
    try:
        return read_json_object(body)
    except NotAJsonObject as error:
        raise ProtocolError("The body must be a JSON object, or empty.") from error


def whole_number(member: object) -> int | None:
    """Return the number of a member; None: it is none, or has a fraction.

    JSON may write a whole number with a fraction of zero.
    """
    if isinstance(member, bool) or not isinstance(member, int | float) or member % 1 != 0:
        return None
    return int(member)
