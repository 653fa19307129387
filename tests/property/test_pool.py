"""Any order of uploads, claims, deletions, jobs and collections, at two servers.

No object is lost, none is left over, and the store holds exactly what users have.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.catalog import claim
from support.clock import FakeClock
from support.multipart_state import MemoryMultipartState
from support.uploads import stored_file

from tusd_py.catalog.values import StoredContent
from tusd_py.domain.errors import LeaseLost, QuotaExceeded, TransientError
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.ownership_proof import Question, Terms
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.upload import FinishedContent, Upload, UploadState
from tusd_py.objects.keys import object_key
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports

CONTENTS = [b"one", b"another"]
USERS = [UserId(1), UserId(2)]
LEASE_SECONDS = 1e9
QUOTA_BYTES = 25
QUOTA = Quota(open_uploads=None, stored_bytes=QUOTA_BYTES)
OF_ONE_OTHER = Terms(tenant=None, owners=1, challenges_per_hour=1000, filename=None)
QUESTION = Question(bytes(32), bytes(32))
users, contents, servers = st.sampled_from(USERS), st.sampled_from(CONTENTS), st.integers(0, 1)
picks = st.integers(0, 7)
ends = st.sampled_from([UploadState.TERMINATED, UploadState.EXPIRED, UploadState.REJECTED])


def digest(content: bytes) -> str:
    return blake3.blake3(content).hexdigest()


def key_of(content: bytes) -> str:
    return object_key(digest(content), ".bin")


class PoolMachine(RuleBasedStateMachine):
    """Two servers on one catalog and one object store; jobs and the janitor stop half-way."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        clock = FakeClock()
        opened = Settings(data_dir=self.directory)
        self.servers: list[Ports] = [open_ports(opened, clock=clock) for _ in range(2)]
        self.objects = self.servers[0].objects
        self.uploads: dict[UploadId, tuple[UserId, bytes]] = {}
        """The uploads that are not deleted."""
        self.queued: list[UploadId] = []
        self.claimed: dict[UploadId, int] = {}
        """The fence by job in progress; the job is in ``put`` when its object is put.
        """
        self.put: set[UploadId] = set()
        self.condemned: list[str] = []
        """Keys that a janitor is about to remove."""
        self.bytes_of: dict[UploadId, bytes] = {}
        self.made = 0

    def teardown(self) -> None:
        for ports in self.servers:
            ports.close()
        shutil.rmtree(self.directory)

    def catalog(self, server: int) -> Any:
        return self.servers[server].catalog

    @rule(user=users, content=contents, server=servers)
    def send(self, user: UserId, content: bytes, server: int) -> None:
        upload = self._fresh(user, content)
        if self._added(server, upload):
            self._arrived(server, upload, content)

    @rule(user=users, content=contents, server=servers)
    def send_of_unknown_length(self, user: UserId, content: bytes, server: int) -> None:
        """Send a body of unknown length.

        What is accepted is counted at every moment; a body that does not fit as a whole is refused.
        """
        catalog, size = self.catalog(server), len(content)
        upload = replace(self._fresh(user, content), length=None)
        room, files = QUOTA_BYTES - self._has(user), self._files(user) + 1
        catalog.uploads.add(upload, QUOTA)
        given = catalog.uploads.reserve_quota(upload, end=size, ahead=5, limit=QUOTA_BYTES)
        assert min(size, room) <= given <= room
        assert catalog.uploads.usage(user) == Usage(1, QUOTA_BYTES - room + given, files)
        if given < size:
            assert catalog.uploads.close(upload.id, UploadState.TERMINATED)
            return
        catalog.uploads.set_reserved(upload.id, size)
        assert catalog.uploads.usage(user) == Usage(1, QUOTA_BYTES - room + size, files)
        assert catalog.uploads.declare_length(upload, size, QUOTA)
        self._arrived(server, replace(upload, length=size), content)

    def _arrived(self, server: int, upload: Upload, content: bytes) -> None:
        user = upload.user_id
        source = self.servers[server].stores.uploads
        source.create(upload.id)
        with source.writer(upload.id, length=None) as writer:
            writer.write([content])
        finished = self.catalog(server).uploads.finish(
            FinishedContent(
                upload_id=upload.id, user_id=user, scope=owner_scope(user), filename="",
                filetype="",
                file_hash=digest(content), file_size=len(content), temp_path="", created_at=1.0,
            ),
            is_video=False,
        )  # fmt: skip
        self.uploads[upload.id] = (user, content)
        self.bytes_of[upload.id] = content
        if finished.file is None:
            self.queued.append(upload.id)

    def _added(self, server: int, upload: Upload) -> bool:
        """Count an added upload: it is within the quota, and never beyond it."""
        fits = self._has(upload.user_id) + upload.size <= QUOTA_BYTES
        try:
            self.catalog(server).uploads.add(upload, QUOTA)
        except QuotaExceeded:
            assert not fits
            return False
        assert fits
        return True

    def _has(self, user: UserId) -> int:
        return sum(len(content) for owner, content in self.uploads.values() if owner == user)

    def _files(self, user: UserId) -> int:
        return sum(owner == user for owner, _ in self.uploads.values())

    def _fresh(self, user: UserId, content: bytes) -> Upload:
        self.made += 1
        return Upload(
            id=UploadId(f"{self.made:032x}"), user_id=user, length=len(content),
            declared_hash=digest(content),
            created_at=1.0,
        )  # fmt: skip

    @rule(user=users, content=contents, server=servers)
    def claim(self, user: UserId, content: bytes, server: int) -> None:
        upload = self._fresh(user, content)
        fits = self._has(user) + len(content) <= QUOTA_BYTES
        try:
            file = self.catalog(server).uploads.add_instant(upload, owner_scope(user), QUOTA)
        except QuotaExceeded:
            assert self._holds(user, content)
            assert not fits
            return
        assert (file is not None) == self._holds(user, content)
        assert fits or file is None
        if file is not None:
            self.uploads[upload.id] = (user, content)

    @rule(user=users, content=contents, server=servers)
    def prove(self, user: UserId, content: bytes, server: int) -> None:
        """Prove a file: it is given if another owner holds it, whatever else happens."""
        catalog = self.catalog(server)
        upload = self._fresh(user, content)
        if not self._added(server, upload):
            return
        catalog.ownership.add_questions(digest(content), [QUESTION])
        catalog.ownership.challenge(upload, OF_ONE_OTHER, QUESTION)
        file = catalog.ownership.prove(upload, OF_ONE_OTHER, QUESTION.answer)
        assert (file is not None) == any(
            self._holds(other, content) for other in USERS if other != user
        )
        if file is None:
            assert catalog.uploads.close(upload.id, UploadState.TERMINATED)
        else:
            self.uploads[upload.id] = (user, content)

    def _holds(self, user: UserId, content: bytes) -> bool:
        """Return whether the pipeline has completed one of the user's uploads of the content."""
        return any(
            owned == (user, content)
            and upload_id not in self.queued
            and upload_id not in self.claimed
            for upload_id, owned in self.uploads.items()
        )

    @precondition(lambda self: self.uploads)
    @rule(pick=picks, server=servers, state=ends)
    def delete(self, pick: int, server: int, state: UploadState) -> None:
        upload_id = sorted(self.uploads)[pick % len(self.uploads)]
        assert self.catalog(server).uploads.close(upload_id, state)
        del self.uploads[upload_id]
        if upload_id in self.queued:
            self.queued.remove(upload_id)

    @precondition(lambda self: self.queued)
    @rule(server=servers)
    def begin_job(self, server: int) -> None:
        job = claim(self.catalog(server), owner="w", seconds=LEASE_SECONDS)
        assert job is not None
        task_id = job.task_id
        assert task_id in self.queued
        if not self.catalog(server).objects.claim(key_of(self.bytes_of[task_id])):
            self.catalog(server).jobs.release(task_id, fence=job.fence)
            return
        self.queued.remove(task_id)
        self.claimed[task_id] = job.fence

    @precondition(lambda self: self.claimed)
    @rule(pick=picks)
    def put_object(self, pick: int) -> None:
        self._put(sorted(self.claimed)[pick % len(self.claimed)])

    def _put(self, task_id: UploadId) -> None:
        content = self.bytes_of[task_id]
        self.objects.put_file(
            key_of(content), stored_file(self.servers[0], task_id),
            content_hash=digest(content), content_type="x/y",
            multipart_state=MemoryMultipartState(),
        )  # fmt: skip
        self.put.add(task_id)

    @precondition(lambda self: self.put)
    @rule(pick=picks, server=servers)
    def record(self, pick: int, server: int) -> None:
        there = sorted(self.put)
        self._record(there[pick % len(there)], server)

    def _record(self, task_id: UploadId, server: int) -> None:
        content = self.bytes_of[task_id]
        stored = StoredContent(
            object_key=key_of(content), path="/x", stored_hash=digest(content),
            stored_size=len(content), content_type="x/y", ext=".bin",
        )  # fmt: skip
        fence = self.claimed.pop(task_id)
        self.put.discard(task_id)
        try:
            self.catalog(server).jobs.complete(task_id, fence=fence, stored=stored)
        except LeaseLost:
            assert task_id not in self.uploads, "only the job of a deleted upload is removed"
        except TransientError:
            self.catalog(server).jobs.release(task_id, fence=fence)
            self.queued.append(task_id)

    @rule(server=servers)
    def condemn(self, server: int) -> None:
        for key, _ in sorted(self.objects.entries()):
            if self.catalog(server).objects.condemn(key):
                self.condemned.append(key)

    @precondition(lambda self: self.condemned)
    @rule(server=servers)
    def remove_condemned(self, server: int) -> None:
        for key in self.condemned:
            self.objects.delete(key)
            self.catalog(server).objects.removed(key)
        self.condemned.clear()

    @invariant()
    def what_users_have_is_counted(self) -> None:
        for user in USERS:
            assert self.catalog(1).uploads.usage(user) == Usage(
                0, self._has(user), self._files(user)
            )

    @invariant()
    def what_users_have_is_there(self) -> None:
        for upload_id, (_, content) in self.uploads.items():
            found = self.catalog(0).uploads.get(upload_id)
            assert found.state is UploadState.FINISHED
            if upload_id in self.queued or upload_id in self.claimed:
                assert self.servers[0].stores.uploads.offset(upload_id) == len(content)
                continue
            file = self.catalog(0).objects.file(found.file_identity)
            assert file is not None
            assert b"".join(self.objects.read(file.object_key, 0, file.stored_size)) == content

    @precondition(lambda self: self.queued)
    @rule(server=servers)
    def work(self, server: int) -> None:
        """Let a worker process a job from its beginning to its end."""
        before = set(self.claimed)
        self.begin_job(server)
        for task_id in set(self.claimed) - before:
            self._put(task_id)
            self._record(task_id, server)

    @rule()
    def quiet(self) -> None:
        """End all that was begun; then the store has only what users have."""
        self.remove_condemned(0)
        while self.queued or self.claimed:
            if self.queued:
                self.work(0)
            for task_id in sorted(self.claimed):
                self._put(task_id)
                self._record(task_id, 1)
        self.condemn(1)
        self.remove_condemned(0)
        had = set(self.uploads.values())
        assert {key for key, _ in self.objects.entries()} == {key_of(c) for _, c in had}
        assert sorted(self.catalog(0).objects.keys()) == sorted(key_of(c) for _, c in had)
        self.what_users_have_is_there()


PoolMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=60)
TestPool = PoolMachine.TestCase
