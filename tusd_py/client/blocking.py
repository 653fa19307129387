"""The client for threads and scripts."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import urljoin

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.download import MAX_REDIRECTS, REDIRECTS, Download
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.event_stream import read_events
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
    refusal_text,
)
from tusd_py.client.headers import failure_of, read_answer
from tusd_py.client.options import Options, ignore_progress
from tusd_py.client.origin import redirected_address, same_origin
from tusd_py.client.reading import read_range
from tusd_py.client.stream import STREAM_PIECE_BYTES, StreamUpload
from tusd_py.client.targets import FileTarget, StreamTarget
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object


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
        """``token``: sent as Authorization to the endpoint's origin (scheme, host, port) and nowhere
        else; ``http``: a client of one's own, which is not closed here.

        Raises: ValueError: the endpoint is no http or https address.
        """
        self._options = options or Options()
        self._endpoint, self._headers = self._options.endpoint(endpoint, token)
        self._owned = http is None
        self._http = http or httpx.Client(timeout=self._options.timeout)

    def upload(
        self,
        file: Path,
        metadata: Mapping[str, str] | None = None,
        *,
        instant: bool = True,
        progress: Progress = ignore_progress,
        hashed: Progress = ignore_progress,
    ) -> UploadResult:
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
        progress: Progress = ignore_progress,
    ) -> UploadResult:
        """Send what a stream gives, to its end, whose length nobody knows before; through breaks, but not
        through the end of this process: what was read is gone. Its BLAKE3 is told with the last bytes,
        so that what arrived is what was read.

        Raises: Refused, Unreachable, OSError.
        """
        sending = StreamUpload(
            stream=stream,
            endpoint=self._endpoint,
            metadata=metadata or {},
            progress=progress,
            retry_policy=self._options.retry_policy(),
            piece_bytes=self._options.chunk_bytes or STREAM_PIECE_BYTES,
        )
        return self._run(sending.plan(), progress)

    def _run(self, plan: UploadPlan, progress: Progress) -> UploadResult:
        try:
            step = next(plan)
            while True:
                step = self._take(plan, step, progress)
        except StopIteration as end:
            sent: UploadResult = end.value
            return sent

    def _take(self, plan: UploadPlan, step: Request | Sleep, progress: Progress) -> Request | Sleep:
        if isinstance(step, Sleep):
            self._options.on_pause(step)
            time.sleep(step.seconds)
            return plan.send(NO_RESPONSE)
        try:
            answer = self._answer(step, progress)
        except httpx.TransportError as error:
            return plan.throw(failure_of(error))
        return plan.send(answer)

    def _answer(self, ask: Request, progress: Progress) -> Response:
        content = _content(ask.body, progress) if isinstance(ask.body, FileRange) else ask.body
        headers = self._headers.to(ask.url, ask.headers)
        with self._http.stream(
            ask.method, ask.url, headers=headers, content=content, follow_redirects=False
        ) as response:
            return read_answer(response)

    def follow(self, sent: UploadResult) -> Iterator[dict[str, Any]]:
        """Its task's states, each new one once, until it is completed or failed.

        Raises: Refused, Unreachable.
        """
        following = TaskFollower(
            self._endpoint,
            sent.task_id,
            sent.token,
            retries_at_first=self._options.retries_at_first,
        )
        while not following.is_finished:
            broken = None
            try:
                yield from self._states(following)
            except httpx.TransportError as error:
                broken = failure_of(error)
            if not following.is_finished:
                time.sleep(following.pause_after_failure(broken))

    def _states(self, following: TaskFollower) -> Iterator[dict[str, Any]]:
        headers = self._headers.to(following.url, following.headers())
        with self._http.stream(
            "GET",
            following.url,
            headers=headers,
            timeout=SILENCE_SECONDS,
            follow_redirects=False,
        ) as response:
            if not following.accept_response(_refusal(response)):
                return
            for event in read_events(response):
                state = following.take(event)
                if state is not None:
                    yield state
                if following.is_finished:
                    return

    def wait(self, sent: UploadResult) -> dict[str, Any]:
        """Its task's last state. Raises: Refused, Unreachable."""
        return deque(self.follow(sent), maxlen=1)[-1]

    def known_upload(self, task_id: str) -> UploadResult:
        """A file that was sent before, to follow it or to get it back."""
        return UploadResult.known(self._endpoint, task_id)

    def tasks(self, page: int = 1, size: int = 20) -> dict[str, Any]:
        """``total`` and one page of the user's ``tasks``, newest first. Raises: Refused, Unreachable."""
        return self._listed("tasks", "tasks", {"page": page, "size": size})

    def renditions(self, sent: UploadResult) -> dict[str, Any]:
        """Return a finished file's ``facts`` and its ``renditions``, the main object first.

        Raises: Refused: it is not finished, or not there; Unreachable.
        """
        return self._listed(f"renditions/{sent.task_id}", "renditions", {})

    def _listed(self, path: str, member: str, params: dict[str, int]) -> dict[str, Any]:
        """Return the answer of a list's address; ``member`` is the list in it."""
        url = urljoin(self._endpoint, f"../api/file/upload/{path}")
        try:
            with self._http.stream(
                "GET", url, params=params, headers=self._headers.to(url, {}), follow_redirects=False
            ) as response:
                answer = read_answer(response)
        except httpx.TransportError as error:
            raise Unreachable(str(failure_of(error))) from error
        if answer.status != 200:
            raise Refused(refusal_text(answer))
        return _list_in(answer, member)

    def download(
        self,
        sent: UploadResult,
        target: Path,
        *,
        rendition: str | None = None,
        overwrite: bool = False,
        progress: Progress = ignore_progress,
    ) -> Path:
        """Get the stored file back, through breaks. Nothing is there by its name until all of it is.

        Args: rendition: which one; None: the main object; target: a file, or a folder in which it keeps its own name, made safe, or that name with
            a number; overwrite: replace the file that ``target`` names; nothing else ever is.
        Returns: where it is.
        Raises: FileExistsError, Refused, Unreachable, OSError.
        """
        file = FileTarget(target, overwrite=overwrite)
        try:
            self._fetch_all(sent.address(rendition), Download(file), progress)
            return file.finish()
        finally:
            file.abandon()

    def download_to(
        self,
        sent: UploadResult,
        stream: BinaryIO,
        *,
        rendition: str | None = None,
        progress: Progress = ignore_progress,
    ) -> None:
        """Write the stored file to a stream, through breaks. Raises: Refused, Unreachable, OSError."""
        self._fetch_all(sent.address(rendition), Download(StreamTarget(stream)), progress)

    def _fetch_all(self, address: str, fetch: Download, progress: Progress) -> None:
        patience = self._options.retry_policy()
        while True:
            try:
                self._fetch(address, fetch, progress)
                fetch.verify()
            except httpx.TransportError as error:
                broken = failure_of(error)
            except TransientFailure as error:
                broken = error
            else:
                return
            pause = patience.pause(broken, moved=fetch.has_progressed())
            self._options.on_pause(pause)
            time.sleep(pause.seconds)

    def _fetch(self, address: str, fetch: Download, progress: Progress) -> None:
        """One answer's bytes, over redirects; credentials never leave the endpoint's origin."""
        own = True
        headers = self._headers.to(address, fetch.headers())
        for _ in range(MAX_REDIRECTS + 1):
            request = self._http.build_request("GET", address, headers=headers)
            if not own:
                # Those of a client that the caller made.
                for name in ("Authorization", "Cookie"):
                    request.headers.pop(name, None)
            auth = httpx.USE_CLIENT_DEFAULT if own else None
            response = self._http.send(request, stream=True, follow_redirects=False, auth=auth)
            try:
                if response.status_code not in REDIRECTS:
                    self._take_content(response, fetch, progress, own=own)
                    return
                address = redirected_address(address, response.headers.get("location"))
            finally:
                response.close()
            if not own or not same_origin(self._endpoint, address):
                own, headers = False, {**IDENTITY, **fetch.headers()}
        raise Refused("the server redirects the download again and again")

    def _take_content(
        self, response: httpx.Response, fetch: Download, progress: Progress, *, own: bool
    ) -> None:
        fetch.begin_response(response, _refusal(response), own=own)
        for piece in response.iter_raw():
            progress(fetch.write(piece))

    def has_saved_upload(self, file: Path) -> bool:
        """Whether an earlier run began to send the file. Raises: OSError."""
        return self._options.resume_store.get(file, self._endpoint) is not None

    def close(self) -> None:
        """Close its connections."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refusal(response: httpx.Response) -> Response:
    """An answer, with its body only where that is a refusal's."""
    if response.is_success:
        return Response(response.status_code, response.headers)
    return read_answer(response)


def _list_in(answer: Response, member: str) -> dict[str, Any]:
    """Return an answer's members, of which one is a list of objects. Raises: Refused."""
    try:
        members = read_json_object(answer.content)
    except NotAJsonObject:
        members = {}
    entries = members.get(member)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(f"the server's answer is no list of {member}")
    return members


def _content(piece: FileRange, progress: Progress) -> Iterator[bytes]:
    with piece.file.open("rb", buffering=0) as source:
        for offset, content in read_range(source, piece):
            yield content
            progress(offset)
