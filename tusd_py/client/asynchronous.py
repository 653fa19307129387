"""The client for event loops."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from tusd_py.client.events import SILENCE_SECONDS, Following
from tusd_py.client.file_upload import (
    NOTHING,
    Answer,
    Ask,
    Broken,
    Pause,
    Piece,
    Progress,
    Sent,
    Steps,
)
from tusd_py.client.headers import aread_answer, aread_lines, broken_by
from tusd_py.client.options import Options, nothing
from tusd_py.client.reading import read_piece

_ENDED: Final = (0, b"")


class AsyncClient:
    """As ``Client``; what touches the disk is done in threads. Any number of uploads at a time::

    async with AsyncClient("https://example.org/files/", token=token) as client:
        async with asyncio.TaskGroup() as group:
            for file in files:
                group.create_task(client.upload(file))
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: str | None = None,
        options: Options | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """See ``Client``. Raises: ValueError."""
        self._options = options or Options()
        self._endpoint, self._headers = self._options.endpoint(endpoint, token)
        self._owned = http is None
        self._http = http or httpx.AsyncClient(timeout=self._options.timeout)

    async def upload(
        self,
        file: Path,
        metadata: Mapping[str, str] | None = None,
        *,
        instant: bool = True,
        progress: Progress = nothing,
        hashed: Progress = nothing,
    ) -> Sent:
        """See ``Client.upload``; ``hashed`` and ``progress`` are called in threads, too."""
        plan = await asyncio.to_thread(
            self._options.plan,
            file,
            self._endpoint,
            metadata,
            instant=instant,
            progress=progress,
            hashed=hashed,
        )
        return await self._run(plan, progress)

    async def _run(self, plan: Steps, progress: Progress) -> Sent:
        step = await asyncio.to_thread(_sent, plan, None)
        while not isinstance(step, Sent):
            if isinstance(step, Pause):
                self._options.paused(step)
                await asyncio.sleep(step.seconds)
                step = await asyncio.to_thread(_sent, plan, NOTHING)
                continue
            try:
                answer = await self._answer(step, progress)
            except httpx.TransportError as error:
                step = await asyncio.to_thread(_thrown, plan, broken_by(error))
            else:
                step = await asyncio.to_thread(_sent, plan, answer)
        return step

    async def _answer(self, ask: Ask, progress: Progress) -> Answer:
        content = _content(ask.body, progress) if isinstance(ask.body, Piece) else ask.body
        headers = self._headers.to(ask.url, ask.headers)
        async with self._http.stream(
            ask.method, ask.url, headers=headers, content=content, follow_redirects=False
        ) as response:
            return await aread_answer(response)

    async def follow(self, sent: Sent) -> AsyncIterator[dict[str, Any]]:
        """See ``Client.follow``."""
        following = Following(
            self._endpoint,
            sent.task_id,
            sent.token,
            breaks_at_first=self._options.retries_at_first,
        )
        while not following.over:
            broken = None
            try:
                async for state in self._states(following):
                    yield state
            except httpx.TransportError as error:
                broken = broken_by(error)
            if not following.over:
                await asyncio.sleep(following.broke(broken))

    async def _states(self, following: Following) -> AsyncIterator[dict[str, Any]]:
        headers = self._headers.to(following.url, following.headers())
        async with self._http.stream(
            "GET",
            following.url,
            headers=headers,
            timeout=SILENCE_SECONDS,
            follow_redirects=False,
        ) as response:
            refused = response.status_code != 200
            if not following.answered(
                await aread_answer(response) if refused else Answer(200, response.headers)
            ):
                return
            async for line in aread_lines(response):
                state = following.take(line)
                if state is not None:
                    yield state
                if following.over:
                    return

    async def wait(self, sent: Sent) -> dict[str, Any]:
        """See ``Client.wait``."""
        last: dict[str, Any] = {}
        async for state in self.follow(sent):
            last = state
        return last

    async def aclose(self) -> None:
        """Close its connections."""
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _sent(plan: Steps, answer: Answer | None) -> Ask | Pause | Sent:
    """StopIteration can't leave a thread as it is."""
    try:
        return next(plan) if answer is None else plan.send(answer)
    except StopIteration as end:
        sent: Sent = end.value
        return sent


def _thrown(plan: Steps, broken: Broken) -> Ask | Pause | Sent:
    try:
        return plan.throw(broken)
    except StopIteration as end:
        sent: Sent = end.value
        return sent


async def _content(piece: Piece, progress: Progress) -> AsyncIterator[bytes]:
    source = await asyncio.to_thread(piece.file.open, "rb", buffering=0)
    try:
        pieces = read_piece(source, piece)
        while True:
            offset, content = await asyncio.to_thread(next, pieces, _ENDED)
            if not content:
                return
            yield content
            progress(offset)
    finally:
        source.close()
