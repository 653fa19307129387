"""Tests that a request that waits for an upload's lock finds the state that its holder left."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from support.ids import ME
from support.uploads import UploadsInProcess

from tusd_py.domain.commands import Append, Inspect, Terminate
from tusd_py.domain.errors import OffsetMismatch, UploadExpired, UploadTerminated
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.upload import UploadState
from tusd_py.uploads import finish as finishing
from tusd_py.uploads import rehash as rehashing
from tusd_py.uploads.append import append
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.finish import finish
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.ownership_proof import prove
from tusd_py.uploads.terminate import drop, terminate

CONTENT = b"held already" * 100
End = Callable[[UploadsInProcess, UploadId], Awaitable[None]]


async def _finish(client: UploadsInProcess, upload_id: UploadId) -> None:
    """Store the whole content and finish, as the holder of the lock does."""
    with client.ports.stores.uploads.writer(upload_id, length=len(CONTENT)) as writer:
        writer.write([CONTENT])
    upload = client.ports.catalog.uploads.get(upload_id)
    assert upload is not None
    await finish(client.context, upload)


def _drop(state: UploadState) -> End:
    async def end(client: UploadsInProcess, upload_id: UploadId) -> None:
        upload = client.ports.catalog.uploads.get(upload_id)
        assert upload is not None
        await asyncio.to_thread(drop, client.context, upload, state, UploadTerminated)

    return end


@dataclass(frozen=True)
class Scene:
    """Holds the lock of an upload while a request comes and ``end`` happens."""

    client: UploadsInProcess
    upload_id: UploadId
    end: End

    def run(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Return what the request returns once the lock is free."""

        async def scene() -> object:
            waits = asyncio.Event()
            async with self.client.context.lock.hold(
                self.upload_id, on_release_requested=waits.set
            ):
                waiting = asyncio.ensure_future(request)
                await asyncio.wait_for(waits.wait(), 30)
                await self.end(self.client, self.upload_id)
            return await waiting

        return self.client.run(scene())


@pytest.fixture(params=["content is held", "content is new"])
def finished(request: pytest.FixtureRequest, client: UploadsInProcess) -> Scene:
    """Return an upload that is finished while the request waits."""
    if request.param == "content is held":
        client.store(CONTENT)  # A later upload of it keeps no bytes of its own.
    return Scene(client, client.create(len(CONTENT)), _finish)


def test_a_head_is_answered_by_the_length(finished: Scene) -> None:
    found = finished.run(
        inspect(finished.client.context, ME, Inspect(upload_id=finished.upload_id))
    )
    assert (found.offset, found.upload.state) == (len(CONTENT), UploadState.FINISHED)
    assert found.expires_at is None


def test_a_patch_is_answered_by_the_length(finished: Scene) -> None:
    client, upload_id = finished.client, finished.upload_id
    command = Append(upload_id=upload_id, offset=0)
    with pytest.raises(OffsetMismatch) as refused:
        finished.run(append(client.context, ME, command, client.body(CONTENT)))
    assert refused.value.current == len(CONTENT)
    assert client.append(upload_id, len(CONTENT), body_length=0) == len(CONTENT)


def test_a_proof_is_answered_by_the_length(finished: Scene) -> None:
    command = Append(upload_id=finished.upload_id, offset=0, proof=b"x" * 32)
    assert finished.run(prove(finished.client.context, ME, command)).offset == len(CONTENT)


def test_a_delete_removes_it_and_its_job(finished: Scene) -> None:
    client, upload_id = finished.client, finished.upload_id
    finished.run(terminate(client.context, ME, Terminate(upload_id=upload_id)))
    assert client.state(upload_id) is UploadState.TERMINATED
    job = client.ports.catalog.jobs.get(upload_id)
    assert job is None or job.state is JobState.CANCELLED


def test_expiry_does_not_remove_finished_uploads(finished: Scene) -> None:
    client = finished.client
    client.clock.advance(1e9)
    seen = client.run(maintain(client.context)).expired
    assert finished.upload_id in seen
    finished.run(collect_expired(client.context, seen))
    assert client.state(finished.upload_id) is UploadState.FINISHED


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (UploadState.TERMINATED, UploadTerminated),
        (UploadState.REJECTED, UploadTerminated),
        (UploadState.EXPIRED, UploadExpired),
    ],
)
@pytest.mark.parametrize("request_of", [
    lambda client, name: inspect(client.context, ME, Inspect(upload_id=name)),
    lambda client, name: append(
        client.context, ME, Append(upload_id=name, offset=0), client.body(CONTENT)
    ),
    lambda client, name: prove(client.context, ME, Append(upload_id=name, offset=0, proof=b"x" * 32)),
    lambda client, name: terminate(client.context, ME, Terminate(upload_id=name)),
], ids=["head", "patch", "proof", "delete"])  # fmt: skip
def test_an_upload_that_ended_is_reported_as_ended(
    client: UploadsInProcess,
    state: UploadState,
    error: type[Exception],
    request_of: Callable[[UploadsInProcess, UploadId], Coroutine[Any, Any, Any]],
) -> None:
    upload_id = client.create(len(CONTENT))
    with pytest.raises(error):
        Scene(client, upload_id, _drop(state)).run(request_of(client, upload_id))


def test_a_finish_after_its_answer_waits_for_the_lock(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction may remove the bytes, which a HEAD under the lock counts meanwhile."""
    client.store(CONTENT)
    upload_id = client.create(len(CONTENT))
    client.append(upload_id, 0, CONTENT[:1000])
    client.restart()
    monkeypatch.setattr(finishing, "REHASH_NOW_BYTES", 10)
    monkeypatch.setattr("tusd_py.uploads.receive.BATCH_REREAD_BYTES", 10)
    may_read, rehash = threading.Event(), rehashing.rehash

    def slow(*of_upload: Any) -> None:
        assert may_read.wait(30)
        rehash(*of_upload)

    monkeypatch.setattr(rehashing, "rehash", slow)
    assert client.append(upload_id, 1000, CONTENT[1000:]) == len(CONTENT)

    async def scene() -> None:
        waits = asyncio.Event()
        async with client.context.lock.hold(upload_id, on_release_requested=waits.set):
            may_read.set()
            await asyncio.wait_for(waits.wait(), 30)
            assert client.arrived(upload_id) == len(CONTENT)
            assert client.state(upload_id) is UploadState.RECEIVING
        found = await inspect(client.context, ME, Inspect(upload_id=upload_id))
        assert (found.offset, found.upload.state) == (len(CONTENT), UploadState.FINISHED)

    client.run(scene())


def test_a_finish_after_its_answer_does_not_change_a_deleted_upload(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = client.create(len(CONTENT))
    client.append(upload_id, 0, CONTENT[:1000])
    client.restart()
    monkeypatch.setattr(finishing, "REHASH_NOW_BYTES", 10)
    monkeypatch.setattr("tusd_py.uploads.receive.BATCH_REREAD_BYTES", 10)
    read_back, may_go_on, rehash = threading.Event(), threading.Event(), rehashing.rehash

    def then_wait(*of_upload: Any) -> None:
        rehash(*of_upload)
        read_back.set()
        assert may_go_on.wait(30)

    monkeypatch.setattr(rehashing, "rehash", then_wait)
    client.append(upload_id, 1000, CONTENT[1000:])

    async def scene() -> None:
        assert await asyncio.to_thread(read_back.wait, 30)
        await terminate(client.context, ME, Terminate(upload_id=upload_id))
        may_go_on.set()
        await client.context.background.__aexit__(None, None, None)
        await client.context.background.__aenter__()

    client.run(scene())
    assert client.state(upload_id) is UploadState.TERMINATED
    assert client.ports.catalog.jobs.get(upload_id) is None
