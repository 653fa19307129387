"""The client for threads and scripts."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import urljoin

import httpx

from tusd_py.client.download import Fetch
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.events import SILENCE_SECONDS, Following
from tusd_py.client.options import Options, nothing
from tusd_py.client.plan import (
    FIRST_PAUSE_SECONDS,
    NOTHING,
    Answer,
    Ask,
    Broken,
    Pause,
    Piece,
    Progress,
    Sent,
    Steps,
    sentence_of,
)
from tusd_py.client.reading import PIECE_BYTES, read_piece
from tusd_py.client.stream import STREAM_PIECE_BYTES, StreamSending


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

    def upload_stream(
        self,
        stream: BinaryIO,
        metadata: Mapping[str, str] | None = None,
        *,
        progress: Progress = nothing,
    ) -> Sent:
        """Send what a stream gives, to its end, whose length nobody knows before; through breaks, but not
        through the end of this process: what was read is gone. Its BLAKE3 is told with the last bytes,
        so that what arrived is what was read.

        Raises: Refused, Unreachable, OSError.
        """
        sending = StreamSending(
            stream=stream,
            endpoint=self._endpoint,
            metadata=metadata or {},
            progress=progress,
            patience=self._options.patience(),
            piece_bytes=self._options.chunk_bytes or STREAM_PIECE_BYTES,
        )
        return self._run(sending.steps(), progress)

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
        content = _content(ask.body, progress) if isinstance(ask.body, Piece) else ask.body
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

    def sent(self, task_id: str) -> Sent:
        """A file that was sent before, to follow it or to get it back."""
        return Sent.known(self._endpoint, task_id)

    def tasks(self, page: int = 1, size: int = 20) -> dict[str, Any]:
        """``total`` and one page of the user's ``tasks``, newest first. Raises: Refused, Unreachable."""
        url = urljoin(self._endpoint, "../api/file/upload/tasks")
        try:
            told = self._http.get(url, params={"page": page, "size": size}, headers=self._headers)
        except httpx.TransportError as error:
            raise Unreachable(str(error)) from error
        answer = Answer(told.status_code, told.headers, told.content)
        if answer.status != 200:
            raise Refused(sentence_of(answer))
        found: dict[str, Any] = told.json()
        return found

    def download(self, sent: Sent, target: Path, *, progress: Progress = nothing) -> Path:
        """Get the stored file back, through breaks; ``target`` may be a directory, then it keeps its
        own name there. Nothing is there by that name until all of it is.

        Raises: Refused, Unreachable, OSError.
        """
        fetch, breaks = Fetch(target), 0
        while True:
            before = fetch.held()
            try:
                if self._fetch(sent, fetch, progress) and fetch.whole():
                    fetch.finish()
                    return fetch.target
            except httpx.TransportError:
                pass
            breaks = 0 if fetch.held() > before else breaks + 1
            if breaks > self._options.retries:
                raise Unreachable("the file can't be had to its end")
            time.sleep(
                min(FIRST_PAUSE_SECONDS * (1 << min(breaks, 16)), self._options.longest_pause)
            )

    def _fetch(self, sent: Sent, fetch: Fetch, progress: Progress) -> bool:
        """One answer's bytes; False: it had none."""
        headers = {**self._headers, **fetch.headers()}
        with self._http.stream("GET", sent.url, headers=headers, follow_redirects=True) as told:
            if told.status_code not in (200, 206):
                told.read()
            answer = Answer(
                told.status_code, told.headers, b"" if told.is_success else told.content
            )
            if answer.status >= 500:
                return False
            at = fetch.begins(answer, sentence_of)
            with fetch.part.open("r+b" if at else "wb") as file:
                file.seek(at)
                for piece in told.iter_bytes(PIECE_BYTES):
                    file.write(piece)
                    at += len(piece)
                    progress(at)
        return True

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
