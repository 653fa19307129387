"""Gives an application that decides about an upload the chosen header fields of its request."""

from collections.abc import Collection

from starlette.requests import HTTPConnection

from tusd_py.domain.hook import HookRequest


def hook_request(connection: HTTPConnection, names: Collection[str]) -> HookRequest | None:
    """Return what ``pre-create`` gets of a request; None if no header field is to be forwarded."""
    if not names:
        return None
    scope = connection.scope
    query = scope["query_string"].decode("latin-1")
    return HookRequest(
        method=scope["method"],
        uri=f"{scope['path']}?{query}" if query else scope["path"],
        remote_addr=connection.client.host if connection.client is not None else "",
        headers={
            name: tuple(values) for name in names if (values := connection.headers.getlist(name))
        },
    )
