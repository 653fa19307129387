"""uvicorn's HTTP protocol with two repairs that uploads need.

1. Trailers are kept apart from headers: httptools reports both by one callback, and uvicorn would
   append a trailer to the list that the application reads its headers from (C68).
2. Bytes that were received are handed over before the disconnect that followed them: uvicorn drops
   up to 64 KiB when the client goes away while the application is busy (C55).
"""

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

TRAILERS = "tusd_py.trailers"
"""Scope extension: the list of trailers, filled by the time the body is complete."""


class _PatientCycle(RequestResponseCycle):
    """A request whose body outlives its connection."""

    async def receive(self) -> "ASGIReceiveEvent":
        if self.disconnected and self.body and not self.response_complete:
            body, self.body = bytes(self.body), bytearray()
            # The end of the body, if it came, stays true although the client has left.
            return {"type": "http.request", "body": body, "more_body": self.more_body}
        message = await super().receive()
        if message["type"] == "http.disconnect" and self.body and not self.response_complete:
            return await self.receive()
        return message


class TusHttpProtocol(HttpToolsProtocol):
    """Speaks HTTP/1.1 to one client."""

    _trailers: list[tuple[bytes, bytes]] | None = None

    def on_message_begin(self) -> None:
        """A new request: headers first."""
        self._trailers = None
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer once the head is complete."""
        if self._trailers is not None:
            self._trailers.append((name.lower(), value))
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete; the application starts at the loop's next turn."""
        self._trailers = []
        extensions: dict[str, Any] = {TRAILERS: {"fields": self._trailers}}
        self.scope["extensions"] = extensions
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.__class__ = _PatientCycle


def check_internals() -> None:
    """Whether this uvicorn still has what the repairs rely on. Raises: RuntimeError."""
    needed = {
        HttpToolsProtocol: ("on_message_begin", "on_header", "on_headers_complete"),
        RequestResponseCycle: ("receive", "run_asgi"),
    }
    for kind, names in needed.items():
        for name in names:
            if not asyncio.iscoroutinefunction(getattr(kind, name, None)) and not callable(
                getattr(kind, name, None)
            ):
                raise RuntimeError(f"uvicorn's {kind.__name__} has no {name}")
