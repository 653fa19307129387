"""Send and download files from threads and scripts."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.download import MAX_REDIRECTS, REDIRECTS, Download
from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.event_stream import read_events
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
from tusd_py.client.json_api import JsonApi
from tusd_py.client.messages import Request, Response
from tusd_py.client.options import Options
from tusd_py.client.origin import redirected_address, same_origin
from tusd_py.client.responses import failure_of, read_answer
from tusd_py.client.resume_store import FileVersion
from tusd_py.client.sending import send_request
from tusd_py.client.stream import STREAM_PIECE_BYTES, StreamUpload
from tusd_py.client.targets import FileTarget, StreamTarget


class Client:
    """Sends files to one endpoint, from any number of threads, and follows their tasks.

    For example::

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
        """Use an endpoint.

        Args: token: sent as Authorization to the endpoint's origin (scheme, host, port) and nowhere
            else; http: the caller's own httpx client, which is not closed here.

        Raises: ValueError: the endpoint is no http or https address.
        """
        self._options = options or Options()
        self._endpoint, self._headers = self._options.endpoint(endpoint, token)
        self._contact = Contact()
        self._owned = http is None
        self._http = http or httpx.Client(
            timeout=self._options.timeout, verify=self._options.verify
        )
        self._api = JsonApi(self._http, self._endpoint, self._headers, self._contact)

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

        Args: metadata: in addition to the name and the type of the file; instant: hash first, and
            do not send bytes that the server holds for this user, or for which it accepts an
            ownership proof; progress, hashed: called with the bytes that arrived, and those that
            are hashed.
        Raises: Refused, Unreachable, OSError.
        """
        plan = self._options.plan(
            file,
            self._endpoint,
            metadata,
            self._contact,
            instant=instant,
            progress=progress,
            hashed=hashed,
        )
        return self._run(plan, progress)

    def upload_stream(
        self,
        stream: BinaryIO,
        metadata: Mapping[str, str] | None = None,
        *,
        progress: Progress = ignore_progress,
    ) -> UploadResult:
        """Send the bytes of a stream, whose length need not be known, until its end.

        The upload resumes after failures, but not after the end of this process, since what was
        read can't be read again. The BLAKE3 is sent with the last bytes, so that the server
        compares it.

        Raises: Refused, Unreachable, OSError.
        """
        sending = StreamUpload(
            stream=stream,
            endpoint=self._endpoint,
            protocol=self._options.protocol,
            metadata=metadata or {},
            progress=progress,
            retry_policy=self._options.retry_policy(self._contact),
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

    def _pause(self, pause: Sleep) -> None:
        """Announce a pause after a failure, and block the caller's thread for its length.

        This client promises to block. KeyboardInterrupt ends the pause.
        """
        if pause.reason:
            self._options.on_pause(pause)
        time.sleep(pause.seconds)

    def _take(self, plan: UploadPlan, step: Request | Sleep, progress: Progress) -> Request | Sleep:
        if isinstance(step, Sleep):
            self._pause(step)
            return plan.send(NO_RESPONSE)
        try:
            answer = self._send_request(step, progress)
        except httpx.TransportError as error:
            return plan.throw(failure_of(error))
        return plan.send(answer)

    def _send_request(self, request: Request, progress: Progress) -> Response:
        headers = self._headers.to(request.url, request.headers)
        response = send_request(self._http, replace(request, headers=headers), progress)
        self._contact.made = True
        return response

    def follow(self, sent: UploadResult) -> Iterator[dict[str, Any]]:
        """Yield the states of its task, each new one once, until it is completed or failed.

        Raises: Refused, Unreachable.
        """
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
                yield from self._states(following)
            except httpx.TransportError as error:
                failure = failure_of(error)
            if not following.is_finished:
                self._pause(following.pause_after_failure(failure))

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
        """Wait for the last state of its task and return it. Raises: Refused, Unreachable."""
        return deque(self.follow(sent), maxlen=1)[-1]

    def known_upload(self, task_id: str) -> UploadResult:
        """Return an earlier upload by its task, to follow it or to download the file."""
        return UploadResult.known(self._endpoint, task_id)

    def tasks(
        self, page: int = 1, size: int = 20, selected: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return ``total``, one page of the user's ``tasks``, newest first, and ``next``.

        Args: selected: ``name`` (a part of it), ``id`` (its first digits), ``state`` (receiving,
            processing, completed, failed), ``created_from``, ``created_before``; ``cursor``:
            ``next`` of the page before, instead of ``page``.
        Raises: Refused, Unreachable.
        """
        params = {"page": str(page), "size": str(size), **(selected or {})}
        return self._api.listed("tasks", "tasks", params)

    def find(self, start: str) -> dict[str, Any]:
        """Return the file of the user's list whose id begins with ``start``, as ``tasks`` has it.

        Raises: Refused: there is none, or there are several; Unreachable.
        """
        return self._api.found(start)

    def delete(self, sent: UploadResult) -> None:
        """Delete an upload, complete or not, and its file. Raises: Refused, Unreachable."""
        self._api.delete_upload(sent.url)

    def share(
        self,
        sent: UploadResult,
        *,
        expires_in: int | None = None,
        downloads: int | None = None,
        password: str | None = None,
    ) -> dict[str, Any]:
        """Make a link to a finished file for receivers without an account, and return it.

        Args: expires_in: seconds; downloads: after how many the link ends; None: as the server
            does it by default.
        Raises: Refused, Unreachable.
        """
        given = {"expires_in": expires_in, "downloads": downloads, "password": password}
        wanted = {name: value for name, value in given.items() if value is not None}
        return self._api.create_share(sent.task_id, wanted)

    def shares(self, sent: UploadResult | None = None) -> list[dict[str, Any]]:
        """Return the live links to a file; None: to all files. Raises: Refused, Unreachable."""
        return self._api.shares(None if sent is None else sent.task_id)

    def revoke_share(self, share_id: str) -> None:
        """End a link at once. Raises: Refused: there is no such link; Unreachable."""
        self._api.revoke_share(share_id)

    def renditions(self, sent: UploadResult) -> dict[str, Any]:
        """Return the ``facts`` of a finished file and its ``renditions``, the main object first.

        Raises: Refused: it is not finished, or does not exist; Unreachable.
        """
        return self._api.listed(f"renditions/{sent.task_id}", "renditions", {})

    def download(
        self,
        sent: UploadResult,
        target: Path,
        *,
        rendition: str | None = None,
        overwrite: bool = False,
        progress: Progress = ignore_progress,
    ) -> Path:
        """Download the stored file, and resume after failures.

        The file has its name only after all of its bytes arrived.

        Args: target: a file, or a folder in which the file keeps its own name, made safe, or that
            name with a number; rendition: the name of a rendition, None: the main object;
            overwrite: replace the file that ``target`` names; no other file is ever replaced.
        Returns: the path of the file.
        Raises: FileExistsError, Refused, Unreachable, OSError.
        """
        file = FileTarget(target, overwrite=overwrite)
        try:
            fetched = Download(file)
            self._fetch_all(sent.address(rendition), fetched, progress)
            return file.finish(fetched.modified)
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
        """Write the stored file to a stream, and resume after failures.

        Raises: Refused, Unreachable, OSError.
        """
        self._fetch_all(sent.address(rendition), Download(StreamTarget(stream)), progress)

    def _fetch_all(self, address: str, fetch: Download, progress: Progress) -> None:
        patience = self._options.retry_policy(self._contact)
        while True:
            try:
                self._fetch(address, fetch, progress)
                fetch.verify()
            except httpx.TransportError as error:
                failure = failure_of(error)
            except TransientFailure as error:
                failure = error
            else:
                return
            pause = patience.pause(failure, moved=fetch.has_progressed())
            self._pause(pause)

    def _fetch(self, address: str, fetch: Download, progress: Progress) -> None:
        """Take the bytes of one response and follow redirects.

        Credentials are sent to the endpoint's origin only.
        """
        own = True
        headers = self._headers.to(address, fetch.headers())
        for _ in range(MAX_REDIRECTS + 1):
            request = self._http.build_request("GET", address, headers=headers)
            if not own:
                # The caller's own httpx client may add these.
                for name in ("Authorization", "Cookie"):
                    request.headers.pop(name, None)
            auth = httpx.USE_CLIENT_DEFAULT if own else None
            response = self._http.send(request, stream=True, follow_redirects=False, auth=auth)
            self._contact.made = True
            try:
                if response.status_code not in REDIRECTS:
                    self._take_content(response, fetch, progress, own=own)
                    return
                address = redirected_address(address, response.headers.get("location"))
            finally:
                response.close()
            if not own or not same_origin(self._endpoint, address):
                own, headers = False, {**IDENTITY, **fetch.headers()}
        raise Refused("the server redirects the download too often")

    def _take_content(
        self, response: httpx.Response, fetch: Download, progress: Progress, *, own: bool
    ) -> None:
        fetch.begin_response(response, _refusal(response), own=own)
        for piece in response.iter_raw():
            progress(fetch.write(piece))

    def has_saved_upload(self, file: Path) -> bool:
        """Return whether an earlier run began to send the file. Raises: OSError."""
        saved = self._options.resume_store.get(file, FileVersion.of(file), self._endpoint)
        return saved is not None

    def close(self) -> None:
        """Close the connections of this client."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refusal(response: httpx.Response) -> Response:
    """Return the response, with its body only if it is a refusal."""
    if response.is_success:
        return Response(response.status_code, response.headers)
    return read_answer(response)
