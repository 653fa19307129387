"""The client for threads and scripts."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

from tusd_py.client.events import SILENCE_SECONDS, Following
from tusd_py.client.options import Options, nothing
from tusd_py.client.plan import NOTHING, Answer, Ask, Broken, Pause, Piece, Progress, Sent, Steps
from tusd_py.client.reading import read_piece


class Client:
    """Sends files to one endpoint, any number at a time from as many threads, and follows what becomes
    of them::

        with Client("https://example.org/files/", token=token) as client:
            sent = client.upload(Path("movie.mp4"))
            print(client.wait(sent)["status"])
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: str | None = None,
        options: Options | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """``token``: who is sending, where the server asks; ``http``: a client of one's own, which is not
        closed here."""
        self._options = options or Options()
        self._endpoint = self._options.endpoint(endpoint)
        self._owned = http is None
        self._http = http or httpx.Client(timeout=self._options.timeout)
        self._headers = self._options.headers(token)

    def upload(
        self,
        file: Path,
        metadata: Mapping[str, str] | None = None,
        *,
        instant: bool = True,
        progress: Progress = nothing,
        hashed: Progress = nothing,
    ) -> Sent:
        """Send a file, from where an earlier run stopped if there was one.

        Args: metadata: beside the name and the type of the file; instant: hash first, and send nothing
            of what the server holds for this user, or of what it lets us prove that we have; progress,
            hashed: told the bytes that arrived, and those that are hashed.
        Raises: Refused, Unreachable, OSError.
        """
        plan = self._options.plan(
            file, self._endpoint, metadata, instant=instant, progress=progress, hashed=hashed
        )
        return self._run(plan, progress)

    def _run(self, plan: Steps, progress: Progress) -> Sent:
        try:
            step = next(plan)
            while True:
                step = self._take(plan, step, progress)
        except StopIteration as end:
            sent: Sent = end.value
            return sent

    def _take(self, plan: Steps, step: Ask | Pause, progress: Progress) -> Ask | Pause:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return plan.send(NOTHING)
        try:
            answer = self._answer(step, progress)
        except httpx.TransportError as error:
            return plan.throw(Broken(str(error) or type(error).__name__))
        return plan.send(answer)

    def _answer(self, ask: Ask, progress: Progress) -> Answer:
        content = None if ask.body is None else _content(ask.body, progress)
        headers = {**self._headers, **ask.headers}
        told = self._http.request(ask.method, ask.url, headers=headers, content=content)
        return Answer(told.status_code, told.headers, told.content)

    def follow(self, sent: Sent) -> Iterator[dict[str, Any]]:
        """Its task's states, each new one once, until it is completed or failed. Raises: Unreachable."""
        following = Following(self._endpoint, sent.task_id, sent.token)
        while not following.over:
            with suppress(httpx.TransportError):
                yield from self._states(following)
            if not following.over:
                time.sleep(following.broke())

    def _states(self, following: Following) -> Iterator[dict[str, Any]]:
        headers = {**self._headers, **following.headers()}
        with self._http.stream(
            "GET", following.url, headers=headers, timeout=SILENCE_SECONDS
        ) as response:
            if response.status_code != 200:
                return
            for line in response.iter_lines():
                state = following.take(line)
                if state is not None:
                    yield state
                if following.over:
                    return

    def wait(self, sent: Sent) -> dict[str, Any]:
        """Its task's last state. Raises: Unreachable."""
        return list(self.follow(sent))[-1]

    def knows(self, file: Path) -> bool:
        """Whether an earlier run began to send the file. Raises: OSError."""
        return self._options.remembered.get(file, self._endpoint) is not None

    def close(self) -> None:
        """Close its connections."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _content(piece: Piece, progress: Progress) -> Iterator[bytes]:
    with piece.file.open("rb", buffering=0) as source:
        for offset, content in read_piece(source, piece):
            yield content
            progress(offset)
