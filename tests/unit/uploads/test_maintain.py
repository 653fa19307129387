"""Tests when open uploads are examined, and what is corrected."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from support.ids import ME
from support.required import require
from support.uploads import UploadsInProcess, stored_file

from tusd_py.catalog.uploads import SqlUploads
from tusd_py.domain.errors import (
    BackendError,
)
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.upload import UploadState
from tusd_py.storage.disk_space import allocate
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.recovery import recover_one


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
