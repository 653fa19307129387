"""Send files from an event loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from tusd_py.client.errors import TransientFailure
from tusd_py.client.event_stream import aread_events
from tusd_py.client.events import SILENCE_SECONDS, TaskFollower
from tusd_py.client.file_upload import (
    NO_RESPONSE,
    Contact,
    Progress,
    Sleep,
    UploadPlan,
    UploadResult,
    ignore_progress,
)
from tusd_py.client.messages import FileRange, Request, Response
from tusd_py.client.options import Options
from tusd_py.client.reading import read_range
from tusd_py.client.responses import aread_answer, failure_of

_ENDED: Final = (0, b"")


class AsyncClient:
    """Does what ``Client`` does, with disk access in threads.

    Any number of uploads at a time are possible::

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
        """Take the same arguments as ``Client``. Raises: ValueError."""
        self._options = options or Options()
        self._endpoint, self._headers = self._options.endpoint(endpoint, token)
        self._contact = Contact()
        self._owned = http is None
        self._http = http or httpx.AsyncClient(
            timeout=self._options.timeout, verify=self._options.verify
        )

    async def upload(
        self,
        file: Path,
        metadata: Mapping[str, str] | None = None,
        *,
        instant: bool = True,
        progress: Progress = ignore_progress,
        hashed: Progress = ignore_progress,
    ) -> UploadResult:
        """Do as ``Client.upload`` does; ``hashed`` and ``progress`` may be called in threads."""
        plan = self._options.plan(
            file,
            self._endpoint,
            metadata,
            self._contact,
            instant=instant,
            progress=progress,
            hashed=hashed,
        )
        return await self._run(plan, progress)

    async def _pause(self, pause: Sleep) -> None:
        """Announce a pause after a failure, and wait for its length."""
        if pause.reason:
            self._options.on_pause(pause)
        await asyncio.sleep(pause.seconds)

    async def _run(self, plan: UploadPlan, progress: Progress) -> UploadResult:
        step = await asyncio.to_thread(_send, plan, None)
        while not isinstance(step, UploadResult):
            if isinstance(step, Sleep):
                await self._pause(step)
                step = await asyncio.to_thread(_send, plan, NO_RESPONSE)
                continue
            try:
                answer = await self._send_request(step, progress)
            except httpx.TransportError as error:
                step = await asyncio.to_thread(_throw, plan, failure_of(error))
            else:
                step = await asyncio.to_thread(_send, plan, answer)
        return step

    async def _send_request(self, request: Request, progress: Progress) -> Response:
        content = (
            _content(request.body, progress)
            if isinstance(request.body, FileRange)
            else request.body
        )
        headers = self._headers.to(request.url, request.headers)
        async with self._http.stream(
            request.method, request.url, headers=headers, content=content, follow_redirects=False
        ) as response:
            self._contact.made = True
            return await aread_answer(response)

    async def follow(self, sent: UploadResult) -> AsyncIterator[dict[str, Any]]:
        """Yield the states of a task, as ``Client.follow`` does."""
        following = TaskFollower(
            self._endpoint,
            sent.task_id,
            sent.token,
            self._contact,
            retries_at_first=self._options.retries_at_first,
        )
        while not following.is_finished:
            failure = None
            try:
                async for state in self._states(following):
                    yield state
            except httpx.TransportError as error:
                failure = failure_of(error)
            if not following.is_finished:
                await self._pause(following.pause_after_failure(failure))

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
        """Return the last state of a task, as ``Client.wait`` does."""
        last: dict[str, Any] = {}
        async for state in self.follow(sent):
            last = state
        return last

    async def aclose(self) -> None:
        """Close the connections of this client."""
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _send(plan: UploadPlan, answer: Response | None) -> Request | Sleep | UploadResult:
    """Send a response to the plan; StopIteration can't pass from a thread to the event loop."""
    try:
        return next(plan) if answer is None else plan.send(answer)
    except StopIteration as end:
        sent: UploadResult = end.value
        return sent


def _throw(plan: UploadPlan, failure: TransientFailure) -> Request | Sleep | UploadResult:
    try:
        return plan.throw(failure)
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
