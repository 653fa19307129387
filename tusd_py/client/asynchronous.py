"""The client for event loops."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from tusd_py.client.event_stream import aread_events
from tusd_py.client.events import SILENCE_SECONDS, TaskFollower
from tusd_py.client.file_upload import (
    NO_RESPONSE,
    FileRange,
    Progress,
    Request,
    Response,
    Sleep,
    TransientFailure,
    UploadPlan,
    UploadResult,
)
from tusd_py.client.headers import aread_answer, failure_of
from tusd_py.client.options import Options, ignore_progress
from tusd_py.client.reading import read_range

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
        progress: Progress = ignore_progress,
        hashed: Progress = ignore_progress,
    ) -> UploadResult:
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

    async def _run(self, plan: UploadPlan, progress: Progress) -> UploadResult:
        step = await asyncio.to_thread(_send, plan, None)
        while not isinstance(step, UploadResult):
            if isinstance(step, Sleep):
                self._options.on_pause(step)
                await asyncio.sleep(step.seconds)
                step = await asyncio.to_thread(_send, plan, NO_RESPONSE)
                continue
            try:
                answer = await self._answer(step, progress)
            except httpx.TransportError as error:
                step = await asyncio.to_thread(_throw, plan, failure_of(error))
            else:
                step = await asyncio.to_thread(_send, plan, answer)
        return step

    async def _answer(self, ask: Request, progress: Progress) -> Response:
        content = _content(ask.body, progress) if isinstance(ask.body, FileRange) else ask.body
        headers = self._headers.to(ask.url, ask.headers)
        async with self._http.stream(
            ask.method, ask.url, headers=headers, content=content, follow_redirects=False
        ) as response:
            return await aread_answer(response)

    async def follow(self, sent: UploadResult) -> AsyncIterator[dict[str, Any]]:
        """See ``Client.follow``."""
        following = TaskFollower(
            self._endpoint,
            sent.task_id,
            sent.token,
            retries_at_first=self._options.retries_at_first,
        )
        while not following.is_finished:
            broken = None
            try:
                async for state in self._states(following):
                    yield state
            except httpx.TransportError as error:
                broken = failure_of(error)
            if not following.is_finished:
                await asyncio.sleep(following.pause_after_failure(broken))

    async def _states(self, following: TaskFollower) -> AsyncIterator[dict[str, Any]]:
        headers = self._headers.to(following.url, following.headers())
        async with self._http.stream(
            "GET",
            following.url,
            headers=headers,
            timeout=SILENCE_SECONDS,
            follow_redirects=False,
        ) as response:
            refused = response.status_code != 200
            if not following.accept_response(
                await aread_answer(response) if refused else Response(200, response.headers)
            ):
                return
            async for event in aread_events(response):
                state = following.take(event)
                if state is not None:
                    yield state
                if following.is_finished:
                    return

    async def wait(self, sent: UploadResult) -> dict[str, Any]:
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


def _send(plan: UploadPlan, answer: Response | None) -> Request | Sleep | UploadResult:
    """StopIteration can't leave a thread as it is."""
    try:
        return next(plan) if answer is None else plan.send(answer)
    except StopIteration as end:
        sent: UploadResult = end.value
        return sent


def _throw(plan: UploadPlan, broken: TransientFailure) -> Request | Sleep | UploadResult:
    try:
        return plan.throw(broken)
    except StopIteration as end:
        sent: UploadResult = end.value
        return sent


async def _content(piece: FileRange, progress: Progress) -> AsyncIterator[bytes]:
    source = await asyncio.to_thread(piece.file.open, "rb", buffering=0)
    try:
        pieces = read_range(source, piece)
        while True:
            offset, content = await asyncio.to_thread(next, pieces, _ENDED)
            if not content:
                return
            yield content
            progress(offset)
    finally:
        source.close()
