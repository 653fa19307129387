"""Plan the upload of one file, which resumes after every failure.

The plan does no I/O except reading the file: it is a generator that yields requests and pauses and
receives responses, so that the blocking and the asynchronous client share it. Its runner throws
``TransientFailure`` into it when a connection fails.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlencode

from tusd_py.backoff import Backoff
from tusd_py.client.errors import Refused, TransientFailure, Unreachable
from tusd_py.client.hashing import file_hash
from tusd_py.client.messages import FileRange, Request, Response
from tusd_py.client.origin import same_origin
from tusd_py.client.proof import nonce_of, proof
from tusd_py.client.resumable import Limits, ResumableProtocol, Standing
from tusd_py.client.resume_store import FileVersion, ResumeStore, SavedUpload

FIRST_PAUSE_SECONDS: Final = 0.5
DISCOVERY_BYTES: Final = 64 << 20
"""The server is requested for its limits before a file of this size is hashed."""

Progress = Callable[[int], None]
"""A callback for the offset in bytes that the server has, or that was sent."""


def ignore_progress(_offset: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """A pause of a number of seconds."""

    seconds: float
    reason: str = field(default="", compare=False)
    """What failed: a sentence without a full stop."""


NO_RESPONSE: Final = Response(0, {})
"""The response to a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    """Describes a file that has arrived; ``task_id`` is the last part of its address."""

    url: str
    token: str | None = None
    """The upload token, which opens this upload and its task, if the server gives such tokens."""
    resumed_at: int
    """Bytes that had arrived before this run; 0 for a new upload."""
    instant: bool = False
    """Whether the server held the content, so that nothing was sent."""

    @classmethod
    def known(cls, endpoint: str, task_id: str) -> "UploadResult":
        """Return a file that arrived before, by its task."""
        return cls(url=f"{endpoint}{quote(task_id, safe='')}", resumed_at=0)

    def address(self, rendition: str | None) -> str:
        """Return the address of a rendition by its name; None: of the main object."""
        return (
            self.url if rendition is None else f"{self.url}?{urlencode({'rendition': rendition})}"
        )

    @property
    def task_id(self) -> str:
        """The id of the task by which the processing is followed."""
        return unquote(self.url.rstrip("/").rpartition("/")[2])


class _TokenExpired(Exception):
    """Raised when the server no longer accepts the upload token."""


UploadPlan = Generator[Request | Sleep, Response, UploadResult]
RequestPlan = Generator[Request, Response, Standing]


@dataclass(slots=True)
class Contact:
    """Remembers whether the server has ever answered a client, which its requests share."""

    made: bool = False


@dataclass(slots=True, kw_only=True)
class RetryPolicy:
    """Decides how long a client continues after failures."""

    retries: int
    """Failures in a row, without a byte between them."""
    longest_pause: float
    """Seconds; pauses double up to it."""
    retries_at_first: int = 0
    """Failures in a row while the server has never answered."""
    max_retry_after: float = 600.0
    """Seconds; the client gives up when the server states a longer Retry-After."""
    contact: Contact = field(default_factory=Contact)
    _failures: int = 0
    _reached: bool = False
    """Whether the server has answered since this file began, even if another one was given up."""

    def pause(self, failure: TransientFailure, *, moved: bool) -> Sleep:
        """Return the pause before the next try.

        Args: moved: bytes arrived since the last failure. Raises: Unreachable.
        """
        if failure.retry_after > self.max_retry_after:
            sentence = f"{failure}, with a Retry-After of {failure.retry_after:.0f} s"
            raise Unreachable(sentence) from failure
        self._failures = 0 if moved else self._failures + 1
        self._reached = self._reached or moved or self.contact.made
        limit = self.retries if self._reached else min(self.retries, self.retries_at_first)
        if self._failures > limit or (failure.permanent and not self._reached):
            # The next file of this client need not wait as long.
            self.contact.made = False
            raise Unreachable(str(failure)) from failure
        backoff = Backoff.doubling(FIRST_PAUSE_SECONDS, self.longest_pause)
        pause = backoff.pause(self._failures + 1)
        return Sleep(max(failure.retry_after, pause), str(failure))


@dataclass(slots=True, kw_only=True)
class FileUpload:
    """Sends one file to one endpoint."""

    file: Path
    endpoint: str
    protocol: ResumableProtocol
    metadata: Mapping[str, str]
    resume_store: ResumeStore
    progress: Progress
    retry_policy: RetryPolicy
    chunk_bytes: int | None
    instant: bool = False
    """Hash the file first, so that bytes that the server holds need not be sent."""
    hashed: Progress = ignore_progress
    size: int = 0
    _version: FileVersion = field(init=False)
    """The version of the file when the plan began."""
    _was_instant: bool = False
    _limits: Limits = field(default_factory=Limits)
    _saved: SavedUpload | None = None
    _furthest: int = -1
    """The largest offset that was known at the last failure."""
    _restarts: int = 0

    def plan(self) -> UploadPlan:
        """Send the file to its end, from where an earlier run stopped if there was one.

        Raises: Refused, Unreachable, OSError.
        """
        yield from self._begin()
        standing, resumed_at = None, -1
        while True:
            try:
                if self._saved is None:
                    standing = yield from self._create()
                if standing is None:
                    standing = yield from self._find_standing()
                    if standing is None:
                        self._restart()
                        continue
                resumed_at = standing.offset if resumed_at < 0 else resumed_at
                self.progress(standing.offset)
                if standing.complete:
                    break
                standing = yield from self._append(standing.offset)
            except _TokenExpired:
                # The user's own token may still be valid.
                self._saved, standing = self._saved and SavedUpload(self._saved.url), None
            except TransientFailure as failure:
                reached = -1 if standing is None else standing.offset
                moved = reached > self._furthest
                self._furthest = max(self._furthest, reached)
                yield self.retry_policy.pause(failure, moved=moved)
                standing = None
        self.resume_store.forget(self.file, self._version, self.endpoint)
        return UploadResult(
            url=self._begun.url,
            token=self._begun.token,
            resumed_at=max(resumed_at, 0),
            instant=self._was_instant,
        )

    def _begin(self) -> Generator[Request | Sleep, Response, None]:
        """Look at the file and at what an earlier run has left; hash the file if that may help."""
        self._version = FileVersion.of(self.file)
        self.size = self._version.size
        if self._version.changed >= 0:
            seconds, rest = divmod(self._version.changed, 10**9)
            self.metadata = {"mtime": f"{seconds}.{rest:09d}", **self.metadata}
        if not self.size:
            self._check_empty()
        self._saved = self.resume_store.get(self.file, self._version, self.endpoint)
        if self._saved is not None and not same_origin(self.endpoint, self._saved.url):
            self._saved = None
        if self.instant and self._saved is None and self.size and "filehash" not in self.metadata:
            yield from self._hash()

    def _hash(self) -> Generator[Request | Sleep, Response, None]:
        """Add the hash to the metadata; a large file is hashed only if the server would take it.

        Raises: Refused, Unreachable, OSError.
        """
        while self.size >= DISCOVERY_BYTES:
            try:
                answer = yield self.protocol.limits_request(self.endpoint)
            except TransientFailure as failure:
                yield self.retry_policy.pause(failure, moved=False)
                continue
            self.protocol.limits(answer).check(self.size)
            break
        digest = file_hash(self.file, self.hashed)
        self.metadata = {**self.metadata, "filehash": f"blake3:{digest}"}

    def _restart(self) -> None:
        """Create the upload again, since the server does not know it.

        Raises: Refused: too often.
        """
        self._restarts += 1
        if self._restarts > self.retry_policy.retries:
            raise Refused("the server loses the upload each time after its creation")
        self._saved, self._furthest = None, -1

    def _create(self) -> RequestPlan:
        """Create the upload, send an ownership proof if required, and return the standing."""
        instant = "filehash" in self.metadata
        made = yield self.protocol.creation(
            self.endpoint, self.size, self.metadata, instant=instant
        )
        created = self.protocol.created(made, self.endpoint, self.size)
        self._saved, self._was_instant = created.saved, created.instant
        self._limits = self.protocol.limits(made)
        self.resume_store.put(self.file, self._version, self.endpoint, self._saved)
        nonce = nonce_of(made.headers.get("upload-challenge"))
        if nonce is None:
            return created.standing
        shown = {"Upload-Proof": proof(self.file, self.size, nonce)}
        answer = yield self.protocol.append(self._saved, 0, b"", last=False, more=shown)
        standing = self.protocol.appended(answer, 0, last=False, size=self.size)
        self._was_instant = standing.complete
        return standing

    def _find_standing(self) -> Generator[Request, Response, Standing | None]:
        """Return how far the upload is; None if the server does not know it."""
        answer = yield self.protocol.offset_request(self._begun)
        self._check_token(answer)
        if answer.status in (403, 404, 410):
            return None
        standing = self.protocol.found(answer, self.size)
        self._limits = self.protocol.limits(answer)
        return standing

    def _check_empty(self) -> None:
        """Check that nothing is lost. Raises: Refused: the file has bytes, as those of /proc do."""
        with self.file.open("rb") as source:
            if source.read(1):
                raise Refused("the file has bytes but no length; send it by standard input")

    def _append(self, offset: int) -> RequestPlan:
        if FileVersion.of(self.file) != self._version:
            raise Refused("the file was changed while it was sent; another try begins again")
        left = self.size - offset
        length = min(left, self._limits.piece_bytes(self.chunk_bytes or left))
        piece = FileRange(file=self.file, offset=offset, length=length)
        answer = yield self.protocol.append(self._begun, offset, piece, last=length == left)
        self._check_token(answer)
        standing = self.protocol.appended(
            answer, offset + length, last=length == left, size=self.size
        )
        standing.check_progress(offset)
        return standing

    @property
    def _begun(self) -> SavedUpload:
        return self._saved or SavedUpload("")

    def _check_token(self, answer: Response) -> None:
        if answer.status == 401 and self._saved is not None and self._saved.token is not None:
            raise _TokenExpired
