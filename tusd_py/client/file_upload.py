"""Sending one file by tus 1.0, going on after every break: what to ask next, and what answers mean.

Sans-I/O save the file itself: a generator that yields requests and pauses, and is sent answers, so that
the blocking client and the asynchronous one are the same. Whoever runs it throws ``TransientFailure`` into it when
a connection fails.
"""

import base64
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from tusd_py.backoff import Backoff
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.origin import same_origin, upload_address
from tusd_py.client.proof import nonce_of, proof
from tusd_py.client.resume_store import ResumeStore, SavedUpload
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

FIRST_PAUSE_SECONDS: Final = 0.5
TUS: Final = {"Tus-Resumable": "1.0.0"}
BODY: Final = {"Content-Type": "application/offset+octet-stream"}
MAX_SENTENCE: Final = 500
_MAX_DIGITS: Final = 18
"""Of a number of bytes that a server states: less than 2^63."""
_TRANSIENT_STATUS: Final = (409, 423, 429)

Progress = Callable[[int], None]
"""Told the offset in bytes, as far as it is known or sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """A part of a file, as a request's body. In bytes."""

    file: Path
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: FileRange | bytes | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing, for a number of seconds."""

    seconds: float
    reason: str = field(default="", compare=False)
    """A sentence without a full stop: what broke."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; ``headers`` without regard to case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


NO_RESPONSE: Final = Response(0, {})
"""What a pause is answered with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    """A file that has arrived. ``task_id`` is the last part of its address."""

    url: str
    token: str | None = None
    """Opens this upload and its task, where the server gives such tokens."""
    resumed_at: int
    """Bytes that were there before, 0 for a fresh upload."""
    instant: bool = False
    """The server held the content: nothing had to be sent."""

    @classmethod
    def known(cls, endpoint: str, task_id: str) -> "UploadResult":
        """One that arrived before, by its id."""
        return cls(url=f"{endpoint}{task_id}", resumed_at=0)

    def address(self, rendition: str | None) -> str:
        """Return where the file is downloaded: the rendition of this name, or None: its main object."""
        return (
            self.url if rendition is None else f"{self.url}?{urlencode({'rendition': rendition})}"
        )

    @property
    def task_id(self) -> str:
        """By which its processing is followed."""
        return self.url.rstrip("/").rpartition("/")[2]


class TransientFailure(Exception):
    """Something that may pass: look where we are, then go on."""

    def __init__(
        self,
        sentence: str,
        retry_after: float = 0.0,
        *,
        answered: bool = False,
        permanent: bool = False,
    ) -> None:
        """``retry_after``: seconds that the server asks for; ``answered``: it was an answer of the server's;
        ``permanent``: nothing that passes by itself, such as an unknown host name."""
        super().__init__(sentence)
        self.retry_after = retry_after
        self.answered = answered
        self.permanent = permanent


class _TokenExpired(Exception):
    """The upload's own token is not taken any longer."""


UploadPlan = Generator[Request | Sleep, Response, UploadResult]
RequestPlan = Generator[Request, Response, int]


@dataclass(slots=True, kw_only=True)
class RetryPolicy:
    """How long a client goes on after breaks."""

    retries: int
    """Breaks in a row, without a byte between them."""
    longest_pause: float
    """Seconds; pauses double up to it."""
    retries_at_first: int = 3
    """Breaks in a row while the server has never answered."""
    max_retry_after: float = 600.0
    """Seconds; a server that asks for more (Retry-After) is not waited for."""
    reached: bool = False
    """Whether the server has ever answered."""
    _failures: int = 0

    def pause(self, broken: TransientFailure, *, moved: bool) -> Sleep:
        """Before the next try; ``moved``: bytes arrived since the last break. Raises: Unreachable."""
        self.reached = self.reached or broken.answered or moved
        if broken.retry_after > self.max_retry_after:
            asked = f"{broken}, and asks to come back in {broken.retry_after:.0f} s"
            raise Unreachable(asked) from broken
        self._failures = 0 if moved else self._failures + 1
        limit = self.retries if self.reached else min(self.retries, self.retries_at_first)
        if self._failures > limit or (broken.permanent and not self.reached):
            raise Unreachable(str(broken)) from broken
        backoff = Backoff.doubling(FIRST_PAUSE_SECONDS, self.longest_pause)
        pause = backoff.pause(self._failures + 1)
        return Sleep(max(broken.retry_after, pause), str(broken))


@dataclass(slots=True, kw_only=True)
class FileUpload:
    """One file on its way to one endpoint."""

    file: Path
    endpoint: str
    metadata: Mapping[str, str]
    resume_store: ResumeStore
    progress: Progress
    retry_policy: RetryPolicy
    chunk_bytes: int | None
    size: int = 0
    _instant: bool = False
    _saved: SavedUpload | None = None
    _furthest: int = -1
    """The largest offset that was known at the last break."""
    _restarts: int = 0

    def plan(self) -> UploadPlan:
        """From where an earlier run stopped, if there was one, to the end.

        Raises: Refused, Unreachable, OSError.
        """
        self.size = self.file.stat().st_size
        self._saved, offset, resumed_at = self.resume_store.get(self.file, self.endpoint), None, -1
        if self._saved is not None and not same_origin(self.endpoint, self._saved.url):
            self._saved = None
        while True:
            try:
                if self._saved is None:
                    offset = yield from self._create()
                if offset is None:
                    offset = yield from self._fetch_offset()
                    if offset < 0:
                        self._restart()
                        offset = None
                        continue
                resumed_at = offset if resumed_at < 0 else resumed_at
                self.progress(offset)
                if offset >= self.size:
                    break
                offset = yield from self._append(offset)
            except _TokenExpired:
                # The user's own token goes on, if that is still good.
                self._saved, offset = self._saved and SavedUpload(self._saved.url), None
            except TransientFailure as broken:
                moved = offset is not None and offset > self._furthest
                self._furthest = max(self._furthest, -1 if offset is None else offset)
                yield self.retry_policy.pause(broken, moved=moved)
                offset = None
        self.resume_store.forget(self.file, self.endpoint)
        begun = self._saved or SavedUpload("")
        return UploadResult(
            url=begun.url,
            token=begun.token,
            resumed_at=max(resumed_at, 0),
            instant=self._instant,
        )

    def _restart(self) -> None:
        """The server does not know the upload any longer. Raises: Refused: time after time."""
        self._restarts += 1
        if self._restarts > self.retry_policy.retries:
            raise Refused("the server forgets the upload each time that it is made")
        self._saved, self._furthest = None, -1

    def _create(self) -> RequestPlan:
        """Make the upload, and show that we have the file, if that is asked: the offset."""
        metadata = metadata_header(self.metadata)
        headers = {**TUS, "Upload-Length": str(self.size), "Upload-Metadata": metadata}
        if "filehash" in self.metadata:
            headers["Upload-Instant"] = "challenge"
        made = yield Request(method="POST", url=self.endpoint, headers=headers)
        raise_for_status(made, 201)
        url = upload_address(self.endpoint, made.headers.get("location"))
        self._saved = SavedUpload(url, made.headers.get("upload-token"))
        self._instant = made.headers.get("upload-instant") == "1"
        self.resume_store.put(self.file, self.endpoint, self._saved)
        nonce = nonce_of(made.headers.get("upload-challenge"))
        if nonce is None:
            return offset_of(made, self.size, absent="0")
        shown = {"Upload-Offset": "0", "Upload-Proof": proof(self.file, self.size, nonce)}
        told = yield self._request("PATCH", {**BODY, **shown})
        raise_for_status(told, 204)
        offset = offset_of(told, self.size)
        self._instant = offset == self.size
        return offset

    def _fetch_offset(self) -> RequestPlan:
        """Where the server is; -1 when it does not know the upload any longer."""
        told = yield self._request("HEAD", {})
        self._check_token(told)
        if told.status in (403, 404, 410):
            return -1
        raise_for_status(told, 200, 204)
        return offset_of(told, self.size)

    def _append(self, offset: int) -> RequestPlan:
        length = min(self.size - offset, self.chunk_bytes or self.size)
        headers = {**BODY, "Upload-Offset": str(offset), "Content-Length": str(length)}
        piece = FileRange(file=self.file, offset=offset, length=length)
        told = yield self._request("PATCH", headers, piece)
        self._check_token(told)
        raise_for_status(told, 204)
        reached = offset_of(told, self.size)
        if reached <= offset:
            raise TransientFailure("the server took nothing of what was sent", answered=True)
        return reached

    def _request(
        self, method: str, headers: Mapping[str, str], body: FileRange | None = None
    ) -> Request:
        begun = self._saved or SavedUpload("")
        token = {"Upload-Token": begun.token} if begun.token else {}
        return Request(method=method, url=begun.url, headers={**TUS, **headers, **token}, body=body)

    def _check_token(self, told: Response) -> None:
        if told.status == 401 and self._saved is not None and self._saved.token is not None:
            raise _TokenExpired


def metadata_header(metadata: Mapping[str, str]) -> str:
    """``Upload-Metadata`` (tus 1.0.0, creation)."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" if value else key
        for key, value in metadata.items()
    )


def raise_for_status(answer: Response, *expected: int) -> None:
    """Raises: Broken: it may pass; Refused: it will not."""
    status = answer.status
    if status in expected:
        return
    if status in _TRANSIENT_STATUS or status >= 500:
        raise transient_failure(answer)
    raise Refused(refusal_text(answer))


def transient_failure(answer: Response) -> TransientFailure:
    """An answer that may be another one later."""
    wait = answer.headers.get("retry-after", "")
    seconds = float(wait) if wait.isdecimal() else 0.0
    return TransientFailure(f"the server answered {answer.status}", seconds, answered=True)


def refusal_text(answer: Response) -> str:
    """What a refusal says."""
    if 300 <= answer.status < 400:
        return f"the server answered {answer.status}: redirects are not followed"
    try:
        found = read_json_object(answer.content).get("detail")
    except NotAJsonObject:
        found = None
    if isinstance(found, str) and found:
        return found[:MAX_SENTENCE]
    if answer.status < 300:
        return f"the server answered {answer.status}: is this a tus endpoint?"
    return f"the server answered {answer.status}"


def byte_count(text: str) -> int | None:
    """Return the number of bytes that a header field states; None when it is no such number."""
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        return int(text)
    return None


def offset_of(answer: Response, size: int | None, *, absent: str = "") -> int:
    """``Upload-Offset``, in bytes. ``size``: of the file, None where it is not known yet.

    Raises: Refused: there is none, or it is beyond the file's end.
    """
    offset = byte_count(answer.headers.get("upload-offset", absent))
    if offset is None:
        raise Refused("the server did not say how much of the file it has: is this a tus endpoint?")
    if size is not None and offset > size:
        raise Refused("the server says that it has more of the file than there is")
    return offset
