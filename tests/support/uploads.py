"""The harness for uploads in the process of the test: the use cases on real adapters in a directory.

Over HTTP, ``support.tus`` has the same words.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from support.bodies import scripted
from support.catalog import STORED, complete
from support.clock import FakeClock
from support.ids import ME, fresh_id
from support.migrated import put_catalog

from tusd_py.background_tasks import BackgroundTasks
from tusd_py.catalog.values import StoredContent
from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Inspect, Terminate
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import Job
from tusd_py.domain.upload import UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.storage.running_hash import RunningHashes
from tusd_py.threads import Threads
from tusd_py.uploads.append import append
from tusd_py.uploads.context import UploadContext, UploadPolicy
from tusd_py.uploads.create import Created, create
from tusd_py.uploads.inspect import Inspected, inspect
from tusd_py.uploads.terminate import terminate
from tusd_py.wiring import open_ports

T = TypeVar("T")
POLICY = UploadPolicy(
    max_size=1 << 24, expires_after=3600.0, idle_timeout=30.0, min_rate=0, durability="off"
)


def stored_file(ports: Ports, upload_id: UploadId) -> Path:
    """Return the path at which the disk store keeps the bytes of an upload."""
    return Path(ports.stores.uploads.location(upload_id))


class UploadsInProcess:
    """What one server process has in memory, a loop, and short names for what clients do.

    ``rules`` are fields of ``POLICY`` with other values. For a test of something that happens at the same time,
    ``run`` runs a scene that calls the use cases with ``context`` and a ``body``.
    """

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.woken = 0
        """Number of times that workers were woken."""
        # As the policy: no test cuts the power here.
        self._settings = Settings(data_dir=folder, durability=POLICY.durability)
        self._policy = replace(POLICY, **rules)
        self._open()

    def _open(self) -> None:
        put_catalog(self._settings.data_dir)
        self.ports = open_ports(self._settings, clock=self.clock)
        self.threads = Threads()
        self.context = UploadContext(
            policy=self._policy,
            stores=self.ports.stores,
            catalog=self.ports.catalog,
            tasks=self.ports.tasks,
            lock=self.ports.lock,
            running_hashes=RunningHashes(),
            threads=self.threads,
            clock=self.clock,
            background=BackgroundTasks(),
            wake_workers=self._wake,
        )
        self.run(self.context.background.__aenter__())

    def _wake(self) -> None:
        self.woken += 1

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def body(self, *chunks: bytes, breaks_off: bool = False) -> AsgiBody:
        return AsgiBody(scripted(chunks, breaks_off=breaks_off), self.threads)

    def creation(
        self, length: int | None, *chunks: bytes, user: UserId = ME, **values: Any
    ) -> Created:
        """Create an upload, with the first bytes if there are any, and return the whole answer."""
        command = Create(length=length, has_body=bool(chunks), **values)
        work = create(self.context, Caller(user), fresh_id(), command, self.body(*chunks))
        return self.run(work)

    def create(
        self, length: int | None, *chunks: bytes, user: UserId = ME, **values: Any
    ) -> UploadId:
        return self.creation(length, *chunks, user=user, **values).upload.id

    def append(
        self,
        upload_id: UploadId,
        offset: int,
        *chunks: bytes,
        user: UserId = ME,
        breaks_off: bool = False,
        **values: Any,
    ) -> int:
        """Send the chunks as one body and return the new offset."""
        command = Append(upload_id=upload_id, offset=offset, **values)
        body = self.body(*chunks, breaks_off=breaks_off)
        return self.run(append(self.context, user, command, body)).offset

    def head(self, upload_id: UploadId, user: UserId = ME) -> Inspected:
        return self.run(inspect(self.context, user, Inspect(upload_id=upload_id)))

    def delete(self, upload_id: UploadId, user: UserId = ME) -> None:
        self.run(terminate(self.context, user, Terminate(upload_id=upload_id)))

    def upload(self, content: bytes, user: UserId = ME, **values: Any) -> UploadId:
        """Create an upload and send the whole content: it is finished, and its job is queued."""
        upload_id = self.create(len(content), user=user, **values)
        self.append(upload_id, 0, content, user=user)
        return upload_id

    def store(
        self, content: bytes, user: UserId = ME, *, stored: StoredContent = STORED, **values: Any
    ) -> UploadId:
        """Upload the whole content and complete its job: it is in the pool."""
        upload_id = self.upload(content, user, **values)
        complete(self.ports.catalog, upload_id, stored)
        return upload_id

    def state(self, upload_id: UploadId) -> UploadState:
        found = self.ports.catalog.uploads.get(upload_id)
        assert found is not None
        return found.state

    def job(self, upload_id: UploadId) -> Job:
        found = self.ports.catalog.jobs.get(upload_id)
        assert found is not None
        return found

    def arrived(self, upload_id: UploadId) -> int:
        """Return the number of bytes on the disk, whichever process holds the upload."""
        return self.ports.stores.uploads.offset(upload_id)

    def restart(self) -> None:
        """Forget what the process had in memory, as its death does, and start another one."""
        self._close_process()
        self._open()

    def _close_process(self) -> None:
        self.threads.close()
        self.ports.close()

    def close(self) -> None:
        self.run(self.context.background.__aexit__(None, None, None))
        pending = asyncio.all_tasks(self.loop)  # These tasks belong to processes that died.
        if pending:
            self.run(asyncio.wait(pending))  # type: ignore[arg-type]
        self._close_process()
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
