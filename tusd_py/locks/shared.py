"""Locks uploads between server processes that share a directory: the kernel holds the locks.

Rule 1: within a process ``LocalLock`` decides; only its holder sends requests to other processes.
Rule 2: between processes an upload is one byte of one file, locked by this process (an open file
description lock). The kernel never gives it to two, frees it when its holder dies in any way, and
keeps it for a holder that merely sleeps: a process that was stopped for minutes and continues
within a write is still the only writer. On NFS the server of the directory keeps the same promises.
Rule 3: a request that finds the byte taken requests its release over the bus, and tries again until
it gets the byte or the time limit ends. Without the bus the holder ends with its body, or by
idling.
Rule 4: a process that does not hold the byte ignores requests to release it: its own request may
come back to it over the bus, and must not end the request that it was made for.
"""

import asyncio
import fcntl
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from typing_extensions import override

from tusd_py.byte_locks import set_byte_lock, try_byte_lock
from tusd_py.domain.errors import BackendError, UploadLocked
from tusd_py.domain.ids import UploadId
from tusd_py.locks.local import TIMEOUT_SECONDS, LocalLock
from tusd_py.locks.port import Lock, ReleaseRequests

log = logging.getLogger(__name__)

TRY_SECONDS: Final = 0.01
REQUEST_SECONDS: Final = 0.5
"""Interval at which the request to release is repeated: the bus may lose it unnoticed."""


class SharedLock(Lock):
    """Implements ``locks.port.Lock`` among processes that share the file ``path``."""

    def __init__(
        self, path: Path, bus: ReleaseRequests, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Open the file. Raises: OSError: it cannot be opened."""
        self._local = LocalLock(timeout_seconds=timeout_seconds)
        self._held: set[UploadId] = set()
        """Uploads whose byte this process has."""
        self._timeout = timeout_seconds
        self._bus = bus
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def hold(
        self, upload_id: UploadId, *, on_release_requested: Callable[[], None]
    ) -> AsyncIterator[None]:
        """See ``locks.port.Lock.hold``."""
        self._listen()
        async with self._local.hold(upload_id, on_release_requested=on_release_requested):
            await self._take(upload_id)
            self._held.add(upload_id)
            try:
                yield
            finally:
                self._held.remove(upload_id)
                # Unlocking never waits.
                self._set(upload_id, fcntl.F_UNLCK)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._bus.subscribe(self._on_release_request)
            self._loop = loop

    def _on_release_request(self, upload_id: UploadId) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._release_held, upload_id)

    def _release_held(self, upload_id: UploadId) -> None:
        if upload_id in self._held:
            self._local.request_release(upload_id)

    async def _take(self, upload_id: UploadId) -> None:
        if await self._try_for(upload_id):
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        request_at = loop.time()
        while loop.time() < deadline:
            if loop.time() >= request_at and await self._request_release(upload_id):
                request_at = loop.time() + REQUEST_SECONDS
            await asyncio.sleep(TRY_SECONDS)
            if await self._try_for(upload_id):
                return
        raise UploadLocked

    async def _try_for(self, upload_id: UploadId) -> bool:
        """Try once, in a thread if servers of several machines share the file over a network."""
        if not self._bus.blocks:
            return self._try(upload_id)
        attempt = asyncio.ensure_future(asyncio.to_thread(self._try, upload_id))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            # The next in the line may lock the same byte, so a lock of this thread is freed first.
            await asyncio.wait([attempt])
            if not attempt.exception() and attempt.result():
                self._set(upload_id, fcntl.F_UNLCK)
            raise

    async def _request_release(self, upload_id: UploadId) -> bool:
        """Return False if the request was lost at once, so that it is repeated at the next try."""
        try:
            if self._bus.blocks:
                return await asyncio.to_thread(self._bus.request_release, upload_id)
            return self._bus.request_release(upload_id)
        except BackendError as error:
            log.warning("lock.ask.failed", extra={"upload_id": upload_id, "reason": error.reason})
            return True

    def _try(self, upload_id: UploadId) -> bool:
        try:
            return try_byte_lock(self._file, _place(upload_id))
        except OSError as error:
            raise BackendError from error

    def _set(self, upload_id: UploadId, kind: int) -> None:
        set_byte_lock(self._file, kind, _place(upload_id))

    @override
    def close(self) -> None:
        self._bus.close()
        os.close(self._file)


def _place(upload_id: UploadId) -> int:
    """Return the upload's byte, among 2^62.

    Two uploads on one byte would only wait for each other.
    """
    digest = hashlib.blake2b(upload_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 2
