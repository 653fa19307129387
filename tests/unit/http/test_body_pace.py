"""Tests that a body that a route reads ends when its client is silent."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from tusd_py.domain.errors import BodyTimeout
from tusd_py.http.body_pace import BodyPaceMiddleware

PIECE: Message = {"type": "http.request", "body": b"a", "more_body": True}
LAST: Message = {"type": "http.request", "body": b"b", "more_body": False}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def played(
    application: Callable[[Receive, Send], Awaitable[None]], *messages: Message, kind: str = "http"
) -> None:
    """Run an application whose client sends some messages and is silent afterwards."""

    async def scene() -> None:
        left = list(messages)

        async def receive() -> Message:
            if left:
                return left.pop(0)
            return await asyncio.Future()

        async def send(_message: Message) -> None:
            pass

        async def called(_scope: Scope, receive: Receive, send: Send) -> None:
            await application(receive, send)

        wrapped = BodyPaceMiddleware(called, idle_timeout=0.05, min_rate=0)
        await wrapped({"type": kind}, receive, send)

    asyncio.run(scene())


def test_a_silent_client_is_an_error_before_the_answer() -> None:
    async def reads(receive: Receive, _send: Send) -> None:
        assert await receive() == PIECE
        for _ in range(2):
            with pytest.raises(BodyTimeout):
                await receive()

    played(reads, PIECE)


def test_a_silent_client_is_gone_after_the_answer() -> None:
    async def answers(receive: Receive, send: Send) -> None:
        await send(START)
        assert await receive() == {"type": "http.disconnect"}

    played(answers)


def test_nothing_is_limited_after_the_last_byte() -> None:
    """An event stream waits for the end of its client as long as it takes."""

    async def listens(receive: Receive, _send: Send) -> None:
        assert await receive() == PIECE
        assert await receive() == LAST
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.2)

    played(listens, PIECE, LAST)


def test_a_websocket_has_no_body() -> None:
    async def listens(receive: Receive, _send: Send) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.2)

    played(listens, kind="websocket")
