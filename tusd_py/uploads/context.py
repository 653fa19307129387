"""Holds what every use case of uploads needs: the ports, the policy and the open bodies."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, TypeVar
from weakref import WeakValueDictionary

from typing_extensions import override

from tusd_py.background_tasks import BackgroundTasks
from tusd_py.catalog.port import Catalog, Repositories
from tusd_py.clock import Clock
from tusd_py.domain.errors import (
    BackendError,
    ShuttingDown,
    UploadExpired,
    UploadNotFound,
    UploadTerminated,
)
from tusd_py.domain.hook import HookRequest, UploadChange
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.ownership_proof import OwnershipPolicy
from tusd_py.domain.quota import Quota
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus
from tusd_py.domain.upload import (
    InstantPatch,
    Upload,
    UploadKind,
    UploadProtocol,
    UploadState,
    keeps_request,
)
from tusd_py.locks.port import Lock
from tusd_py.storage.port import Stores
from tusd_py.storage.running_hash import RunningHash, RunningHashes
from tusd_py.tasks.port import TaskView
from tusd_py.threads import Result, Threads, capture
from tusd_py.uploads.body import CancelToken, Throttle
from tusd_py.uploads.counts import UploadCounters
from tusd_py.uploads.programs import EffectKind, Program, UploadBatcher, execute, notify
from tusd_py.uploads.rate_limit import UserRateLimits

log = logging.getLogger(__name__)
T = TypeVar("T")

_BEGUN: Final = TaskChange(status=TaskStatus.PENDING, progress=0, offset=0)
MAX_KNOWN_UPLOADS: Final = 10_000
"""Most uploads whose owner and kind are kept in memory: some 200 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """Holds the rules of the deployment.

    Sizes are in bytes, times in seconds; None means no limit.
    """

    max_size: int | None
    expires_after: float | None
    idle_timeout: float
    min_rate: float
    """Lowest rate in bytes a second over each ``idle_timeout``; 0: any."""
    durability: Literal["finish", "strict", "off"]
    instant: bool = True
    """Whether a declared hash of content that its owner has completes an upload."""
    ownership_proofs: OwnershipPolicy | None = None
    """When a proof completes an upload whose content another owner has; None: never."""
    instant_patch: InstantPatch = InstantPatch.JUMP
    allowed_extensions: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    """Names that a client may choose by the metadata key ``profile``; empty: the key is ignored."""
    quota: Quota | None = None
    """Limits of one owner; None: no limit."""
    max_parts: int = 1000
    """Parts that a final upload may name."""

    def limit_of_reservation(self, upload: Upload) -> int | None:
        """Return the bytes that the owner may have, if the upload needs a ``QuotaReservation``.

        An upload of known length is counted by its length; without a quota nothing is counted.
        """
        if upload.length is not None or self.quota is None:
            return None
        return self.quota.stored_bytes


@dataclass(frozen=True, slots=True)
class KnownUpload:
    """Holds the owner, kind and protocol of an upload, and whether it is an instant one."""

    user_id: UserId
    kind: UploadKind
    protocol: UploadProtocol
    instant: bool

    @property
    def keeps_request(self) -> bool:
        """Whether the upload is the body of a request to another endpoint."""
        return keeps_request(self.kind, self.protocol)


@dataclass(slots=True, kw_only=True)
class UploadContext:
    """Holds the ports of the upload use cases, in one process on one event loop."""

    policy: UploadPolicy
    stores: Stores
    catalog: Catalog
    tasks: TaskView
    lock: Lock
    running_hashes: RunningHashes
    threads: Threads
    clock: Clock
    background: BackgroundTasks
    wake_workers: Callable[[], None]
    """Called from any thread once a job is queued."""
    rate_limits: UserRateLimits | None = None
    """Rates of users; None: no limit."""
    before_create: Callable[[Upload, HookRequest | None], Awaitable[UploadChange | None]] | None = (
        None
    )
    """Called before an upload is created, which it may change; what it raises refuses the upload.
    """
    on_bytes: Callable[[Upload, int], None] | None = None
    """Called on the event loop with an upload and its offset while a body arrives."""
    creating: set[UploadId] = field(default_factory=set)
    """Uploads that are created by a key in this process at the moment."""
    batcher: UploadBatcher = field(init=False)
    counts: UploadCounters = field(default_factory=UploadCounters)
    closing: bool = False
    unsettled: set[UploadId] = field(default_factory=set)
    """Uploads whose finish may have failed here: the next sweep includes them, due or not."""
    _known_uploads: OrderedDict[UploadId, KnownUpload] = field(default_factory=OrderedDict)
    """Facts about recent uploads that do not change."""
    _bodies: set[CancelToken] = field(default_factory=set)
    _copying: WeakValueDictionary[UserId, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def __post_init__(self) -> None:
        batches = self.catalog.batches_commits
        self.batcher = UploadBatcher(self.threads, self._execute_all, batches_commits=batches)

    def exclusive(self, upload_id: UploadId) -> AbstractAsyncContextManager[CancelToken]:
        """Hold the upload's lock for a body.

        The token is cancelled when a newer request needs the upload, or when the server stops.
        Raises: UploadLocked; ShuttingDown: the server is stopping already.
        """
        return _Exclusive(self, upload_id)

    def locked(self, upload_id: UploadId) -> AbstractAsyncContextManager[None]:
        """Hold the upload's lock for work that is not interrupted. Raises: UploadLocked."""
        return self.lock.hold(upload_id, on_release_requested=_ignore)

    @contextmanager
    def cancelled_at_shutdown(self, cancel: CancelToken) -> Iterator[None]:
        """Cancel the body of the block when the server stops.

        Raises: ShuttingDown: the server is stopping already.
        """
        self.begin_body(cancel)
        try:
            yield
        finally:
            self.end_body(cancel)

    def begin_body(self, cancel: CancelToken) -> None:
        """Cancel the body when the server stops. Raises: ShuttingDown: it is stopping already."""
        if self.closing:
            raise ShuttingDown
        self._bodies.add(cancel)

    def end_body(self, cancel: CancelToken) -> None:
        """Note that the body has ended."""
        self._bodies.discard(cancel)

    def throttle(self, user_id: UserId) -> Throttle | None:
        """Return the limit of the user's byte rate; None: there is no limit."""
        return None if self.rate_limits is None else self.rate_limits.throttle(user_id)

    async def wait_for_credit(self, user_id: UserId) -> None:
        """Wait until the user's byte rate allows a further body."""
        if self.rate_limits is not None:
            await self.rate_limits.wait_for_credit(user_id)

    def copying(self, user_id: UserId) -> asyncio.Lock:
        """Return the lock that is held while one of the user's final uploads is copied.

        All final uploads of a user together take one turn among those of all users.
        """
        return self._copying.setdefault(user_id, asyncio.Lock())

    def close(self) -> None:
        """Cancel every body, keeping its bytes, and refuse further ones: the server is stopping."""
        self.closing = True
        for cancel in self._bodies:
            cancel.shut_down()

    def running_hash(self, upload: Upload) -> RunningHash:
        """Return the upload's running hash, with the bytes that this process has hashed."""
        return self.running_hashes.get(upload.id, self.stores.uploads.reader)

    def read_bytes(self, upload_id: UploadId, start: int, length: int) -> bytes:
        """Return bytes of an upload, fewer at its end. Blocks.

        Raises: UploadNotFound, StorageDamaged.
        """
        with self.stores.uploads.reader(upload_id) as reader:
            return reader.read(start, length)

    def unhashed_bytes(self, upload: Upload, offset: int) -> int:
        """Return how many of the upload's bytes before ``offset`` this process has not hashed."""
        return offset - self.running_hash(upload).hashed

    async def find(self, user_id: UserId, upload_id: UploadId) -> Upload:
        """Return the caller's upload. Raises: what ``read`` raises."""
        return await self.threads.call(self.read, user_id, upload_id)

    def read(
        self, user_id: UserId, upload_id: UploadId, catalog: Repositories | None = None
    ) -> Upload:
        """Return the caller's upload if clients may still use it. Blocks.

        Raises: UploadNotFound: it does not exist, or belongs to another user (hole 10);
            UploadTerminated, UploadExpired.
        """
        upload = (catalog or self.catalog).uploads.get(upload_id)
        if upload is None or upload.user_id != user_id:
            raise UploadNotFound
        if upload.state in (UploadState.TERMINATED, UploadState.REJECTED):
            raise UploadTerminated
        if upload.state is UploadState.EXPIRED:
            raise UploadExpired
        return upload

    async def known_upload(self, user_id: UserId, upload_id: UploadId) -> KnownUpload:
        """Return what is known of the caller's upload, as a rule without a query of the catalog.

        Raises: what ``read`` raises, save that an upload may have ended meanwhile.
        """
        known = self._known_uploads.get(upload_id)
        if known is None:
            upload = await self.find(user_id, upload_id)
            return self.remember(upload)
        if known.user_id != user_id:
            raise UploadNotFound
        return known

    def remember(self, upload: Upload) -> KnownUpload:
        """Keep what ``known_upload`` returns in memory. It is called on the event loop."""
        known = self._known_uploads[upload.id] = KnownUpload(
            upload.user_id, upload.kind, upload.protocol, upload.instant
        )
        if len(self._known_uploads) > MAX_KNOWN_UPLOADS:
            self._known_uploads.popitem(last=False)
        return known

    def check_disk(self, upload: Upload) -> None:
        """Check that the disk has room for a new upload. Blocks.

        No space is reserved: bytes that other uploads declared and did not send yet are not
        counted, and each body stops at the disk reserve by itself.

        Raises: StorageFull.
        """
        self.stores.uploads.check_room(upload.length or 0, new=True)

    def offset(self, upload: Upload) -> int:
        """Return how many bytes an upload has. Blocks.

        This is its length once it is finished, since its bytes may be in the pool by then; else the
        bytes in the store. The caller holds its lock, and has read the upload under it.

        Raises: UploadNotFound.
        """
        if upload.state is UploadState.FINISHED:
            return upload.size
        return self.stores.uploads.offset(upload.id)

    def expires_at(self, upload: Upload, touched_at: float | None = None) -> float | None:
        """Return when an unfinished upload expires, in unix seconds; None: never. Blocks (stat)."""
        if self.policy.expires_after is None:
            return None
        if upload.state is UploadState.FINISHED and upload.kind is not UploadKind.PARTIAL:
            return None
        if touched_at is None:
            touched_at = self.touched_at(upload)
        return touched_at + self.policy.expires_after

    def is_expired(self, upload: Upload) -> bool:
        """Return whether an unfinished upload is past its time. Blocks (stat)."""
        after, now = self.policy.expires_after, self.clock.now()
        if after is None or upload.created_at + after >= now:
            return False  # Its last byte is not older than its creation.
        expires_at = self.expires_at(upload)
        return expires_at is not None and expires_at < now

    def touched_at(self, upload: Upload) -> float:
        """Return the unix seconds of the last byte, or of the creation. Blocks (stat)."""
        try:
            touched = self.stores.uploads.modified_at(upload.id)
        except UploadNotFound:
            touched = upload.created_at
        return max(upload.created_at, touched)

    def run(self, program: Program[T]) -> T:
        """Run the program of one upload outside a batch. Blocks. Raises: what it raises."""
        return execute(program, self._execute_all)

    def _execute_all(self, kind: EffectKind, items: Sequence[Any]) -> Sequence[Result]:
        match kind:
            case EffectKind.READ:
                return self.catalog.read_all(items)
            case EffectKind.FSYNC:
                return [capture(work) for work in items]
            case EffectKind.COMMIT:
                return self.catalog.commit_all(items)
            case EffectKind.NOTIFY:
                self._put(items)
                return [Result()] * len(items)

    def begun_program(self, upload: Upload) -> Program[None]:
        """Publish a new upload to its owner's subscribers."""
        yield from self.task_program(upload, 0, _BEGUN)

    def task_program(
        self, upload: Upload, offset: int, change: TaskChange, file_hash: str = ""
    ) -> Program[None]:
        """Publish a change of the task as ``publish`` does, as a program.

        Args: file_hash: of an upload that was finished a moment ago.
        """
        if upload.kind is not UploadKind.PARTIAL:
            yield from notify(self._facts(upload, offset, file_hash), change)

    def publish(self, upload: Upload, offset: int, change: TaskChange) -> None:
        """Publish a change of the upload's task. Blocks.

        An error of the view is logged, not raised: later changes repair it.
        """
        if upload.kind is not UploadKind.PARTIAL:
            self._put([(self._facts(upload, offset), change)])

    def _facts(self, upload: Upload, offset: int, file_hash: str = "") -> TaskFacts:
        return TaskFacts(
            task_id=upload.id,
            user_id=upload.user_id,
            filename=upload.filename,
            file_size=upload.length if upload.length is not None else offset,
            created_at=upload.created_at,
            file_hash=file_hash or upload.file_hash or "",
            temp_path=self.stores.uploads.location(upload.id),
        )

    def _put(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> None:
        try:
            self.tasks.put_all(changes)
        except BackendError:
            tasks = [facts.task_id for facts, _ in changes]
            log.warning("task.put.failed", extra={"tasks": tasks}, exc_info=True)


class _Exclusive(AbstractAsyncContextManager[CancelToken]):
    """Holds an upload's lock for one body; see ``UploadContext.exclusive``."""

    def __init__(self, context: UploadContext, upload_id: UploadId) -> None:
        self._context = context
        self._cancel = cancel = CancelToken()
        self._hold = context.lock.hold(upload_id, on_release_requested=cancel.cancel)

    @override
    async def __aenter__(self) -> CancelToken:
        await self._hold.__aenter__()
        try:
            self._context.begin_body(self._cancel)
        except ShuttingDown:
            await self._hold.__aexit__(None, None, None)
            raise
        return self._cancel

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.end_body(self._cancel)
        await self._hold.__aexit__(kind, error, trace)


def _ignore() -> None:
    """Keep the lock although another request needs it."""
