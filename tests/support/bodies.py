"""Request bodies as a server would deliver them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tusd_py.uploads.body import DrainResult


def scripted(
    chunks: Sequence[bytes], *, breaks_off: bool = False
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return an ASGI ``receive`` that gives the chunks, then its end or a disconnect, and waits."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    end = {"type": "http.request", "body": b"", "more_body": False}
    messages.append({"type": "http.disconnect"} if breaks_off else end)
    remaining = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(remaining, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        await asyncio.sleep(0)
        return message

    return receive


class WholeBody:
    """A body that had arrived with its request's head (``uploads.body.Body``)."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def whole(self) -> bytes:
        return self._content

    async def drain(self, *_: object, **__: object) -> DrainResult:
        raise AssertionError("it is here already")


class LiveBody:
    """An ASGI ``receive`` that the test feeds step by step: ``send``, ``finish``, ``hang_up``."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, data: bytes) -> None:
        self._queue.put_nowait({"type": "http.request", "body": data, "more_body": True})

    def finish(self) -> None:
        self._queue.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def hang_up(self) -> None:
        self._queue.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        return await self._queue.get()
