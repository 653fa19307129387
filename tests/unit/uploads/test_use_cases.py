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
from support.harness import ME, OTHER, Harness
from support.required import require
from support.room import fresh_id, stored_file
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
from tusd_py.storage.linux import allocate
from tusd_py.uploads.append import append
from tusd_py.uploads.download import download
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.recovery import recover, recover_one
from tusd_py.uploads.terminate import terminate

# -- owners (holes 6 and 10)


def test_an_upload_of_another_user_is_not_found(client: Harness) -> None:
    upload_id = client.make(10)
    commands: list[Coroutine[Any, Any, object]] = [
        inspect(client.room, OTHER, Inspect(upload_id=upload_id)),
        append(client.room, OTHER, Append(upload_id=upload_id, offset=0), client.body(b"x")),
        terminate(client.room, OTHER, Terminate(upload_id=upload_id)),
        download(client.room, client.process.ports.objects, OTHER, Download(upload_id=upload_id)),
        inspect(client.room, ME, Inspect(upload_id=fresh_id())),
    ]
    for command in commands:
        with pytest.raises(UploadNotFound) as refused:
            client.run(command)
        assert str(refused.value) == UploadNotFound.sentence
    assert client.run(inspect(client.room, ME, Inspect(upload_id=upload_id))).offset == 0


def test_another_user_does_not_interrupt_the_owners_body(client: Harness) -> None:
    upload_id = client.make(10)

    async def scene() -> int:
        live = LiveBody()
        live.send(b"12345")
        patch = asyncio.create_task(
            append(
                client.room,
                ME,
                Append(upload_id=upload_id, offset=0),
                AsgiBody(live.receive, client.process.threads),
            )
        )
        await until(lambda: client.arrived(upload_id) == 5)
        with pytest.raises(UploadNotFound):
            await inspect(client.room, OTHER, Inspect(upload_id=upload_id))
        live.send(b"67890")
        live.finish()
        return (await patch).offset

    assert client.run(scene()) == 10


def test_parts_of_others_can_not_be_concatenated(client: Harness) -> None:
    theirs = client.upload(b"secret", OTHER, kind=UploadKind.PARTIAL)
    with pytest.raises(InvalidConcatenation):
        client.make(None, kind=UploadKind.FINAL, parts=(theirs,), concat_header="final;x")


def test_equal_content_of_two_users_is_two_files(client: Harness) -> None:
    first, second = client.upload(b"same", ME), client.upload(b"same", OTHER)
    for upload_id in (first, second):
        assert client.process.ports.catalog.jobs.get(upload_id) is not None


# -- deadlines


def test_an_upload_expires_after_its_last_byte_and_is_collected_in_the_second_sweep(
    client: Harness,
) -> None:
    upload_id = client.make(10)
    path = stored_file(client.process.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    client.clock.advance(3599)
    assert client.run(inspect(client.room, ME, Inspect(upload_id=upload_id))).offset == 0
    client.clock.advance(2)
    with pytest.raises(UploadExpired):
        client.run(inspect(client.room, ME, Inspect(upload_id=upload_id)))
    with pytest.raises(UploadExpired):
        client.send(upload_id, 0, b"late")
    seen = client.run(maintain(client.room)).expired
    assert seen == (upload_id,)
    assert path.exists()
    client.run(collect_expired(client.room, seen))
    assert not path.exists()
    assert client.state(upload_id) is UploadState.EXPIRED
    with pytest.raises(UploadExpired):
        client.run(inspect(client.room, ME, Inspect(upload_id=upload_id)))


def test_a_clock_that_jumps_removes_no_upload_at_once(client: Harness) -> None:
    upload_id = client.make(10)
    client.clock.jump(2 * 365 * 86400)
    seen = client.run(maintain(client.room)).expired
    client.clock.jump(-2 * 365 * 86400)
    client.run(collect_expired(client.room, seen))
    assert client.state(upload_id) is UploadState.RECEIVING


def test_a_finished_upload_does_not_expire_but_a_finished_part_does(client: Harness) -> None:
    whole = client.upload(b"whole")
    part = client.upload(b"part", kind=UploadKind.PARTIAL, concat_header="partial")
    client.clock.advance(10 * 365 * 86400)
    seen = client.run(maintain(client.room)).expired
    client.run(collect_expired(client.room, seen))
    assert client.state(whole) is UploadState.FINISHED
    assert client.state(part) is UploadState.EXPIRED


def test_an_open_upload_is_examined_less_and_less_often(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is examined when it may be due: not by each sweep, and again once it expires."""
    upload_id = client.make(10)
    path = stored_file(client.process.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    looked, touched_at = [], type(client.room).touched_at

    def counted(room: Any, upload: Any) -> float:
        looked.append(client.clock.now())
        return touched_at(room, upload)

    monkeypatch.setattr(type(client.room), "touched_at", counted)
    begun_at = client.clock.now()
    for _ in range(59):
        assert client.run(maintain(client.room)).expired == ()
        client.clock.advance(61)
    assert len(looked) < 10, looked
    assert client.run(maintain(client.room)).expired == ()
    client.clock.advance(61)
    assert client.clock.now() > begun_at + 3600
    assert client.run(maintain(client.room)).expired == (upload_id,)


def test_a_sweep_finds_uploads_that_another_server_left_complete(client: Harness) -> None:
    upload_id = client.make(4)
    with client.process.ports.stores.uploads.writer(upload_id, length=4) as writer:
        writer.write([b"four"])
    path = stored_file(client.process.ports, upload_id)
    os.utime(path, (client.clock.now(), client.clock.now()))
    assert client.run(maintain(client.room)).complete == (), "a body may be under way"
    client.clock.advance(61)
    assert client.run(maintain(client.room)).complete == (upload_id,)
    assert client.run(recover_one(client.room, upload_id))
    assert client.state(upload_id) is UploadState.FINISHED
    client.clock.advance(3601)
    assert client.process.ports.catalog.uploads.due(10) == []


def test_an_upload_that_cannot_be_examined_does_not_delay_others(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [client.make(10) for _ in range(3)]
    for upload_id in uploads:
        path = stored_file(client.process.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
    touched_at = type(client.room).touched_at

    def fails_for_one(room: Any, upload: Any) -> float:
        if upload.id == uploads[0]:
            raise OSError(errno.EIO, "the disk reads it no longer")
        return touched_at(room, upload)

    monkeypatch.setattr(type(client.room), "touched_at", fails_for_one)
    client.clock.advance(3601)
    client.run(maintain(client.room))
    client.clock.advance(61)
    assert sorted(client.run(maintain(client.room)).expired) == sorted(uploads[1:])


def test_an_upload_that_cannot_be_removed_does_not_prevent_others_from_expiring(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [client.make(10) for _ in range(3)]
    store = client.process.ports.stores.uploads
    for upload_id in uploads:
        path = stored_file(client.process.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
    delete = store.delete

    def fails_for_one(upload_id: UploadId) -> None:
        if upload_id == uploads[0]:
            raise OSError(errno.EIO, "the disk writes it no longer")
        delete(upload_id)

    monkeypatch.setattr(store, "delete", fails_for_one)
    client.clock.advance(3700)
    client.run(collect_expired(client.room, uploads))
    assert [client.state(one) for one in uploads] == [UploadState.EXPIRED] * 3
    kept = [stored_file(client.process.ports, one).exists() for one in uploads]
    assert kept == [True, False, False]


def test_a_finish_that_failed_at_the_database_is_repeated_by_the_next_sweep(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = client.make(4)

    def away(*_: object, **__: object) -> None:
        raise BackendError

    monkeypatch.setattr(SqlUploads, "finish", away)
    with pytest.raises(BackendError):
        client.send(upload_id, 0, b"four")
    monkeypatch.undo()
    assert client.run(maintain(client.room)).complete == (upload_id,)
    assert client.run(recover_one(client.room, upload_id))


def test_an_unsettled_finish_is_kept_while_the_catalog_is_away(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = client.make(4)

    def away(*_: object, **__: object) -> None:
        raise BackendError

    monkeypatch.setattr(SqlUploads, "finish", away)
    monkeypatch.setattr(SqlUploads, "due", away)
    with pytest.raises(BackendError):
        client.send(upload_id, 0, b"four")
    with pytest.raises(BackendError):
        client.run(maintain(client.room))
    monkeypatch.undo()
    assert client.run(maintain(client.room)).complete == (upload_id,)
    assert client.run(maintain(client.room)).complete == ()


def test_the_reservation_of_a_server_that_died_is_set_to_the_bytes_that_are_stored(
    tmp_path: Path,
) -> None:
    client = Harness(tmp_path, quota=Quota(open_uploads=None, stored_bytes=1000))
    try:
        upload_id = client.make(None)
        client.send(upload_id, 0, b"12345")
        upload = client.process.ports.catalog.uploads.get(upload_id)
        assert upload is not None
        client.process.ports.catalog.uploads.reserve_quota(upload, end=700, ahead=0, limit=1000)
        path = stored_file(client.process.ports, upload_id)
        os.utime(path, (client.clock.now(), client.clock.now()))
        client.run(maintain(client.room))
        assert client.process.ports.catalog.uploads.usage(ME) == Usage(1, 700, 1), (
            "a body may be under way"
        )
        client.clock.advance(61)
        client.run(maintain(client.room))
        assert client.process.ports.catalog.uploads.usage(ME) == Usage(1, 5, 1)
    finally:
        client.close()


def test_space_that_a_crash_left_allocated_is_freed_later(client: Harness) -> None:
    upload_id = client.make(10 << 20)
    client.send(upload_id, 0, b"abc")
    store = client.room.stores.uploads
    path = stored_file(client.process.ports, upload_id)
    descriptor = os.open(path, os.O_WRONLY)
    allocated = allocate(descriptor, 3, 8 << 20)
    require(allocated, "this file system can't allocate ahead")
    os.close(descriptor)
    touched = client.clock.now()
    os.utime(path, (touched, touched))
    client.clock.advance(120)
    client.run(maintain(client.room))
    assert store.preallocated(upload_id) >= 8 << 20, "a body may be under way"
    client.clock.advance(1500)
    client.run(maintain(client.room))
    assert store.preallocated(upload_id) == 0
    assert (store.offset(upload_id), store.modified_at(upload_id)) == (3, touched)


# -- parts


def test_a_final_upload_waits_for_its_parts_and_is_finished_with_the_last(client: Harness) -> None:
    parts = [client.make(5, kind=UploadKind.PARTIAL), client.make(6, kind=UploadKind.PARTIAL)]
    final = client.make(None, kind=UploadKind.FINAL, parts=(parts[1], parts[0]))
    found = client.run(inspect(client.room, ME, Inspect(upload_id=final)))
    assert (found.offset, found.upload.length) == (None, 11)
    with pytest.raises(FinalUploadImmutable):
        client.send(final, 0, b"x")
    client.send(parts[0], 0, b"first")
    client.send(parts[1], 0, b"second")
    assert client.run(inspect(client.room, ME, Inspect(upload_id=final))).offset == 11
    job = client.process.ports.catalog.jobs.get(final)
    assert job is not None
    assert job.file_hash == blake3.blake3(b"secondfirst").hexdigest()
    assert [client.process.ports.catalog.jobs.get(part) for part in parts] == [None, None]


def test_a_final_upload_that_a_crash_kept_waiting_is_finished_at_start(client: Harness) -> None:
    part = client.make(4, kind=UploadKind.PARTIAL)
    final = client.make(None, kind=UploadKind.FINAL, parts=(part, part))
    client.process.ports.stores.uploads.writer(part, length=4).write([b"part"])
    client.process.ports.catalog.uploads.finish_partial(part, "x" * 64)
    client.restart()
    assert client.run(recover(client.room)) == 1
    assert client.state(final) is UploadState.FINISHED


def test_parts_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    client = Harness(tmp_path, max_size=10)
    part = client.upload(b"sixsix", kind=UploadKind.PARTIAL)
    with pytest.raises(MaxSizeExceeded):
        client.make(None, kind=UploadKind.FINAL, parts=(part, part))
    client.close()


# -- lengths, ends


def test_a_length_is_declared_once_and_not_below_the_offset(client: Harness) -> None:
    upload_id = client.make(None)
    client.send(upload_id, 0, b"12345")
    with pytest.raises(LengthConflict):
        client.send(upload_id, 5, declared_length=4, body_length=0)
    client.send(upload_id, 5, b"6", declared_length=10)
    with pytest.raises(LengthConflict):
        client.send(upload_id, 6, declared_length=11, body_length=0)
    assert client.send(upload_id, 6, b"7890") == 10
    assert client.state(upload_id) is UploadState.FINISHED


def test_deleting_a_finished_upload_cancels_its_job(client: Harness) -> None:
    upload_id = client.upload(b"job")
    client.run(terminate(client.room, ME, Terminate(upload_id=upload_id)))
    job = client.process.ports.catalog.jobs.get(upload_id)
    assert job is not None
    assert job.state is JobState.CANCELLED
    assert not stored_file(client.process.ports, upload_id).exists()
    with pytest.raises(UploadTerminated):
        client.run(terminate(client.room, ME, Terminate(upload_id=upload_id)))


def test_a_finished_upload_can_be_downloaded_and_an_unfinished_one_cannot(client: Harness) -> None:
    upload_id = client.upload(b"0123456789")
    unfinished = client.make(5)
    objects = client.process.ports.objects

    async def read(start: int, length: int) -> bytes:
        content = await download(client.room, objects, ME, Download(upload_id=upload_id))
        return b"".join([piece async for piece in await content.begin(start, length)])

    assert client.run(read(0, 10)) == b"0123456789"
    assert client.run(read(3, 4)) == b"3456"
    with pytest.raises(UploadUnfinished):
        client.run(download(client.room, objects, ME, Download(upload_id=unfinished)))
    client.process.ports.stores.uploads.delete(upload_id)
    with pytest.raises(UploadNotFound):
        client.run(read(0, 10))


@pytest.mark.parametrize("ending", ["newer request", "shutdown"])
def test_every_byte_that_had_arrived_is_kept_for_any_end_of_a_body(
    client: Harness, ending: str
) -> None:
    upload_id = client.make(100)

    async def scene() -> None:
        live = LiveBody()
        live.send(b"x" * 42)
        body = AsgiBody(live.receive, client.process.threads)
        patch = asyncio.create_task(
            append(client.room, ME, Append(upload_id=upload_id, offset=0), body)
        )
        await until(lambda: client.arrived(upload_id) == 42)
        if ending == "shutdown":
            client.room.close()
            with pytest.raises(ShuttingDown):
                await patch
            with pytest.raises(ShuttingDown):
                await append(
                    client.room, ME, Append(upload_id=upload_id, offset=42), client.body(b"y")
                )
        else:
            assert (await inspect(client.room, ME, Inspect(upload_id=upload_id))).offset == 42
            with pytest.raises(UploadLocked):
                await patch

    client.run(scene())
    assert client.process.ports.stores.uploads.offset(upload_id) == 42


def test_arrival_is_shown_from_zero_to_ten(client: Harness) -> None:
    upload_id = client.make(1000)
    seen: list[tuple[str, int]] = []
    client.process.ports.tasks.subscribe_task(
        upload_id, lambda task: seen.append((task.status.value, task.progress))
    )
    client.send(upload_id, 0, b"x" * 1000)
    wait_until(lambda: seen)
    assert seen[-1] == ("received", 10)
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)


def test_a_body_is_hashed_as_it_comes_and_not_read_again(
    client: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hole 18."""
    import os

    def refuse(*_: object) -> int:
        raise AssertionError("the file was read back")

    monkeypatch.setattr(os, "preadv", refuse)
    content = bytes(range(256)) * 5000
    upload_id = client.make(len(content))
    client.send(upload_id, 0, content[:700_000])
    client.send(upload_id, 700_000, content[700_000:])
    job = client.process.ports.catalog.jobs.get(upload_id)
    assert job is not None
    assert job.file_hash == blake3.blake3(content).hexdigest()
