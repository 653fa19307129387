"""Tests of the use cases on real adapters, without a server."""

import asyncio
import errno
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import blake3
import pytest
from support.bodies import LiveBody
from support.ids import ME, OTHER, fresh_id
from support.required import require
from support.uploads import UploadsInProcess, stored_file
from support.waiting import until, wait_until

from tusd_py.catalog.uploads import SqlUploads
from tusd_py.domain.commands import Append, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    BackendError,
    FinalUploadImmutable,
    InvalidConcatenation,
    LengthConflict,
    MaxSizeExceeded,
    ShuttingDown,
    UploadExpired,
    UploadLocked,
    UploadNotFound,
    UploadTerminated,
    UploadUnfinished,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.upload import UploadKind, UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.storage.disk_space import allocate
from tusd_py.uploads.append import append
from tusd_py.uploads.download import download
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.recovery import recover, recover_one
from tusd_py.uploads.terminate import terminate

# -- owners (holes 6 and 10)


def test_an_upload_of_another_user_is_not_found(client: UploadsInProcess) -> None:
    upload_id = client.create(10)
    commands: list[Coroutine[Any, Any, object]] = [
        inspect(client.context, OTHER, Inspect(upload_id=upload_id)),
        append(client.context, OTHER, Append(upload_id=upload_id, offset=0), client.body(b"x")),
        terminate(client.context, OTHER, Terminate(upload_id=upload_id)),
        download(client.context, client.ports.objects, OTHER, Download(upload_id=upload_id)),
        inspect(client.context, ME, Inspect(upload_id=fresh_id())),
    ]
    for command in commands:
        with pytest.raises(UploadNotFound) as refused:
            client.run(command)
        assert str(refused.value) == UploadNotFound.sentence
    assert client.head(upload_id).offset == 0


def test_another_user_does_not_interrupt_the_owners_body(client: UploadsInProcess) -> None:
    upload_id = client.create(10)

    async def scene() -> int:
        live = LiveBody()
        live.send(b"12345")
        patch = asyncio.create_task(
            append(
                client.context,
                ME,
                Append(upload_id=upload_id, offset=0),
                AsgiBody(live.receive, client.threads),
            )
        )
        await until(lambda: client.arrived(upload_id) == 5)
        with pytest.raises(UploadNotFound):
            await inspect(client.context, OTHER, Inspect(upload_id=upload_id))
        live.send(b"67890")
        live.finish()
        return (await patch).offset

    assert client.run(scene()) == 10


def test_parts_of_others_can_not_be_concatenated(client: UploadsInProcess) -> None:
    theirs = client.upload(b"secret", OTHER, kind=UploadKind.PARTIAL)
    with pytest.raises(InvalidConcatenation):
        client.create(None, kind=UploadKind.FINAL, parts=(theirs,), concat_header="final;x")


def test_equal_content_of_two_users_is_two_files(client: UploadsInProcess) -> None:
    first, second = client.upload(b"same", ME), client.upload(b"same", OTHER)
    for upload_id in (first, second):
        assert client.ports.catalog.jobs.get(upload_id) is not None


# -- deadlines


def test_an_upload_expires_after_its_last_byte_and_is_collected_in_the_second_sweep(
    client: UploadsInProcess,
) -> None:
    upload_id = client.create(10)
    path = stored_file(client.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    client.clock.advance(3599)
    assert client.head(upload_id).offset == 0
    client.clock.advance(2)
    with pytest.raises(UploadExpired):
        client.head(upload_id)
    with pytest.raises(UploadExpired):
        client.append(upload_id, 0, b"late")
    seen = client.run(maintain(client.context)).expired
    assert seen == (upload_id,)
    assert path.exists()
    client.run(collect_expired(client.context, seen))
    assert not path.exists()
    assert client.state(upload_id) is UploadState.EXPIRED
    with pytest.raises(UploadExpired):
        client.head(upload_id)


def test_a_clock_that_jumps_removes_no_upload_at_once(client: UploadsInProcess) -> None:
    upload_id = client.create(10)
    client.clock.jump(2 * 365 * 86400)
    seen = client.run(maintain(client.context)).expired
    client.clock.jump(-2 * 365 * 86400)
    client.run(collect_expired(client.context, seen))
    assert client.state(upload_id) is UploadState.RECEIVING


def test_a_finished_upload_does_not_expire_but_a_finished_part_does(
    client: UploadsInProcess,
) -> None:
    whole = client.upload(b"whole")
    part = client.upload(b"part", kind=UploadKind.PARTIAL, concat_header="partial")
    client.clock.advance(10 * 365 * 86400)
    seen = client.run(maintain(client.context)).expired
    client.run(collect_expired(client.context, seen))
    assert client.state(whole) is UploadState.FINISHED
    assert client.state(part) is UploadState.EXPIRED


def test_an_open_upload_is_examined_less_and_less_often(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is examined when it may be due: not by each sweep, and again once it expires."""
    upload_id = client.create(10)
    path = stored_file(client.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    looked, touched_at = [], type(client.context).touched_at

    def counted(context: Any, upload: Any) -> float:
        looked.append(client.clock.now())
        return touched_at(context, upload)

    monkeypatch.setattr(type(client.context), "touched_at", counted)
    begun_at = client.clock.now()
    for _ in range(59):
        assert client.run(maintain(client.context)).expired == ()
        client.clock.advance(61)
    assert len(looked) < 10, looked
    assert client.run(maintain(client.context)).expired == ()
    client.clock.advance(61)
    assert client.clock.now() > begun_at + 3600
    assert client.run(maintain(client.context)).expired == (upload_id,)


def test_a_sweep_finds_uploads_that_another_server_left_complete(client: UploadsInProcess) -> None:
    upload_id = client.create(4)
    with client.ports.stores.uploads.writer(upload_id, length=4) as writer:
        writer.write([b"four"])
    path = stored_file(client.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    assert client.run(maintain(client.context)).complete == (), "a body may be under way"
    client.clock.advance(61)
    assert client.run(maintain(client.context)).complete == (upload_id,)
    assert client.run(recover_one(client.context, upload_id))
    assert client.state(upload_id) is UploadState.FINISHED
    client.clock.advance(3601)
    assert client.ports.catalog.uploads.due(10) == []


def test_an_upload_that_cannot_be_examined_does_not_delay_others(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [client.create(10) for _ in range(3)]
    for upload_id in uploads:
        path = stored_file(client.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
    touched_at = type(client.context).touched_at

    def fails_for_one(context: Any, upload: Any) -> float:
        if upload.id == uploads[0]:
            raise OSError(errno.EIO, "the disk reads it no longer")
        return touched_at(context, upload)

    monkeypatch.setattr(type(client.context), "touched_at", fails_for_one)
    client.clock.advance(3601)
    client.run(maintain(client.context))
    client.clock.advance(61)
    assert sorted(client.run(maintain(client.context)).expired) == sorted(uploads[1:])


def test_an_upload_that_cannot_be_removed_does_not_prevent_others_from_expiring(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [client.create(10) for _ in range(3)]
    store = client.ports.stores.uploads
    for upload_id in uploads:
        path = stored_file(client.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
    delete = store.delete

    def fails_for_one(upload_id: UploadId) -> None:
        if upload_id == uploads[0]:
            raise OSError(errno.EIO, "the disk writes it no longer")
        delete(upload_id)

    monkeypatch.setattr(store, "delete", fails_for_one)
    client.clock.advance(3700)
    client.run(collect_expired(client.context, uploads))
    assert [client.state(one) for one in uploads] == [UploadState.EXPIRED] * 3
    kept = [stored_file(client.ports, one).exists() for one in uploads]
    assert kept == [True, False, False]


def test_a_finish_that_failed_at_the_database_is_repeated_by_the_next_sweep(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = client.create(4)

    def away(*_: object, **__: object) -> None:
        raise BackendError

    monkeypatch.setattr(SqlUploads, "finish", away)
    with pytest.raises(BackendError):
        client.append(upload_id, 0, b"four")
    monkeypatch.undo()
    assert client.run(maintain(client.context)).complete == (upload_id,)
    assert client.run(recover_one(client.context, upload_id))


def test_an_unsettled_finish_is_kept_while_the_catalog_is_away(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = client.create(4)

    def away(*_: object, **__: object) -> None:
        raise BackendError

    monkeypatch.setattr(SqlUploads, "finish", away)
    monkeypatch.setattr(SqlUploads, "due", away)
    with pytest.raises(BackendError):
        client.append(upload_id, 0, b"four")
    with pytest.raises(BackendError):
        client.run(maintain(client.context))
    monkeypatch.undo()
    assert client.run(maintain(client.context)).complete == (upload_id,)
    assert client.run(maintain(client.context)).complete == ()


def test_the_reservation_of_a_server_that_died_is_set_to_the_bytes_that_are_stored(
    tmp_path: Path,
) -> None:
    with UploadsInProcess(tmp_path, quota=Quota(open_uploads=None, stored_bytes=1000)) as client:
        upload_id = client.create(None)
        client.append(upload_id, 0, b"12345")
        upload = client.ports.catalog.uploads.get(upload_id)
        assert upload is not None
        client.ports.catalog.uploads.reserve_quota(upload, end=700, ahead=0, limit=1000)
        path = stored_file(client.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
        client.run(maintain(client.context))
        assert client.ports.catalog.uploads.usage(ME) == Usage(1, 700, 1), "a body may be under way"
        client.clock.advance(61)
        client.run(maintain(client.context))
        assert client.ports.catalog.uploads.usage(ME) == Usage(1, 5, 1)


def test_space_that_a_crash_left_allocated_is_freed_later(client: UploadsInProcess) -> None:
    upload_id = client.create(10 << 20)
    client.append(upload_id, 0, b"abc")
    store = client.context.stores.uploads
    path = stored_file(client.ports, upload_id)
    descriptor = os.open(path, os.O_WRONLY)
    allocated = allocate(descriptor, 3, 8 << 20)
    require(allocated, "this file system can't allocate ahead")
    os.close(descriptor)
    touched = client.clock.now()
    os.utime(path, (touched, touched))
    client.clock.advance(120)
    client.run(maintain(client.context))
    assert store.preallocated(upload_id) >= 8 << 20, "a body may be under way"
    client.clock.advance(1500)
    client.run(maintain(client.context))
    assert store.preallocated(upload_id) == 0
    assert (store.offset(upload_id), store.modified_at(upload_id)) == (3, touched)


# -- parts


def test_a_final_upload_waits_for_its_parts_and_is_finished_with_the_last(
    client: UploadsInProcess,
) -> None:
    parts = [client.create(5, kind=UploadKind.PARTIAL), client.create(6, kind=UploadKind.PARTIAL)]
    final = client.create(None, kind=UploadKind.FINAL, parts=(parts[1], parts[0]))
    found = client.head(final)
    assert (found.offset, found.upload.length) == (None, 11)
    with pytest.raises(FinalUploadImmutable):
        client.append(final, 0, b"x")
    client.append(parts[0], 0, b"first")
    client.append(parts[1], 0, b"second")
    assert client.head(final).offset == 11
    job = client.job(final)
    assert job.file_hash == blake3.blake3(b"secondfirst").hexdigest()
    assert [client.ports.catalog.jobs.get(part) for part in parts] == [None, None]


def test_a_final_upload_that_a_crash_kept_waiting_is_finished_at_start(
    client: UploadsInProcess,
) -> None:
    part = client.create(4, kind=UploadKind.PARTIAL)
    final = client.create(None, kind=UploadKind.FINAL, parts=(part, part))
    client.ports.stores.uploads.writer(part, length=4).write([b"part"])
    client.ports.catalog.uploads.finish_partial(part, "x" * 64)
    client.restart()
    assert client.run(recover(client.context)) == 1
    assert client.state(final) is UploadState.FINISHED


def test_parts_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, max_size=10) as client:
        part = client.upload(b"sixsix", kind=UploadKind.PARTIAL)
        with pytest.raises(MaxSizeExceeded):
            client.create(None, kind=UploadKind.FINAL, parts=(part, part))


# -- lengths, ends


def test_a_length_is_declared_once_and_not_below_the_offset(client: UploadsInProcess) -> None:
    upload_id = client.create(None)
    client.append(upload_id, 0, b"12345")
    with pytest.raises(LengthConflict):
        client.append(upload_id, 5, declared_length=4, body_length=0)
    client.append(upload_id, 5, b"6", declared_length=10)
    with pytest.raises(LengthConflict):
        client.append(upload_id, 6, declared_length=11, body_length=0)
    assert client.append(upload_id, 6, b"7890") == 10
    assert client.state(upload_id) is UploadState.FINISHED


def test_deleting_a_finished_upload_cancels_its_job(client: UploadsInProcess) -> None:
    upload_id = client.upload(b"job")
    client.delete(upload_id)
    job = client.job(upload_id)
    assert job.state is JobState.CANCELLED
    assert not stored_file(client.ports, upload_id).exists()
    with pytest.raises(UploadTerminated):
        client.delete(upload_id)


def test_a_finished_upload_can_be_downloaded_and_an_unfinished_one_cannot(
    client: UploadsInProcess,
) -> None:
    upload_id = client.upload(b"0123456789")
    unfinished = client.create(5)
    objects = client.ports.objects

    async def read(start: int, length: int) -> bytes:
        content = await download(client.context, objects, ME, Download(upload_id=upload_id))
        return b"".join([piece async for piece in await content.begin(start, length)])

    assert client.run(read(0, 10)) == b"0123456789"
    assert client.run(read(3, 4)) == b"3456"
    with pytest.raises(UploadUnfinished):
        client.run(download(client.context, objects, ME, Download(upload_id=unfinished)))
    client.ports.stores.uploads.delete(upload_id)
    with pytest.raises(UploadNotFound):
        client.run(read(0, 10))


@pytest.mark.parametrize("ending", ["newer request", "shutdown"])
def test_every_byte_that_had_arrived_is_kept_for_any_end_of_a_body(
    client: UploadsInProcess, ending: str
) -> None:
    upload_id = client.create(100)

    async def scene() -> None:
        live = LiveBody()
        live.send(b"x" * 42)
        body = AsgiBody(live.receive, client.threads)
        patch = asyncio.create_task(
            append(client.context, ME, Append(upload_id=upload_id, offset=0), body)
        )
        await until(lambda: client.arrived(upload_id) == 42)
        if ending == "shutdown":
            client.context.close()
            with pytest.raises(ShuttingDown):
                await patch
            with pytest.raises(ShuttingDown):
                await append(
                    client.context, ME, Append(upload_id=upload_id, offset=42), client.body(b"y")
                )
        else:
            assert (await inspect(client.context, ME, Inspect(upload_id=upload_id))).offset == 42
            with pytest.raises(UploadLocked):
                await patch

    client.run(scene())
    assert client.ports.stores.uploads.offset(upload_id) == 42


def test_arrival_is_shown_from_zero_to_ten(client: UploadsInProcess) -> None:
    upload_id = client.create(1000)
    seen: list[tuple[str, int]] = []
    client.ports.tasks.subscribe_task(
        upload_id, lambda task: seen.append((task.status.value, task.progress))
    )
    client.append(upload_id, 0, b"x" * 1000)
    wait_until(lambda: seen)
    assert seen[-1] == ("received", 10)
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)


def test_a_body_is_hashed_as_it_comes_and_not_read_again(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hole 18."""
    import os

    def refuse(*_: object) -> int:
        raise AssertionError("the file was read back")

    monkeypatch.setattr(os, "preadv", refuse)
    content = bytes(range(256)) * 5000
    upload_id = client.create(len(content))
    client.append(upload_id, 0, content[:700_000])
    client.append(upload_id, 700_000, content[700_000:])
    job = client.job(upload_id)
    assert job.file_hash == blake3.blake3(content).hexdigest()
