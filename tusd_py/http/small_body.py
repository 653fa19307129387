"""Reads bodies of requests that are small enough to be held as a whole."""

from starlette.requests import ClientDisconnect, Request

from tusd_py.domain.errors import ClientDisconnected, ProtocolError


async def small_body(request: Request, most: int) -> bytes:
    """Return the body.

    Raises: ProtocolError: it is larger than ``most`` bytes; ClientDisconnected.
    """
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise ProtocolError(f"The body is larger than {most} bytes.")
    except ClientDisconnect as error:
        raise ClientDisconnected from error
    return body
