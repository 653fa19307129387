"""A client of the use cases, without a server between."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from support.bodies import scripted
from support.clock import FakeClock
from support.room import Process, fresh_id, policy

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.uploads.append import append
from tusd_py.uploads.create import create

T = TypeVar("T")
ME, OTHER = UserId(1), UserId(2)


class Harness:
    """One process, its loop, and short names for what clients do."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.process = Process(folder, self.clock, policy(**rules))
        self.run(self.room.background.__aenter__())

    @property
    def room(self):  # type: ignore[no-untyped-def]
        return self.process.room

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def body(self, *chunks: bytes, breaks_off: bool = False) -> AsgiBody:
        return AsgiBody(scripted(chunks, breaks_off=breaks_off), self.process.threads)

    def make(self, length: int | None, user: UserId = ME, **values: Any) -> UploadId:
        made = self.run(
            create(
                self.room, Caller(user), fresh_id(), Create(length=length, **values), self.body()
            )
        )
        return made.upload.id

    def send(
        self, upload_id: UploadId, offset: int, *chunks: bytes, user: UserId = ME, **values: Any
    ) -> int:
        command = Append(upload_id=upload_id, offset=offset, **values)
        return self.run(append(self.room, user, command, self.body(*chunks))).offset

    def upload(self, content: bytes, user: UserId = ME, **values: Any) -> UploadId:
        upload_id = self.make(len(content), user, **values)
        self.send(upload_id, 0, content, user=user)
        return upload_id

    def state(self, upload_id: UploadId) -> UploadState:
        found = self.process.ports.catalog.uploads.get(upload_id)
        assert found is not None
        return found.state

    def arrived(self, upload_id: UploadId) -> int:
        """Return the number of bytes on the disk, whichever process holds the upload."""
        return self.process.ports.stores.uploads.offset(upload_id)

    def restart(self) -> None:
        self.process = self.process.restarted()
        self.run(self.room.background.__aenter__())

    def close(self) -> None:
        self.run(self.room.background.__aexit__(None, None, None))
        pending = asyncio.all_tasks(self.loop)  # These tasks belong to processes that died.
        if pending:
            self.run(asyncio.wait(pending))  # type: ignore[arg-type]
        self.process.close()
        self.loop.close()
