"""Tests which uploads expire, and when they are removed."""

import errno
import os

import pytest
from support.uploads import UploadsInProcess, stored_file

from tusd_py.domain.errors import (
    UploadExpired,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadKind, UploadState
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.maintain import maintain


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


def test_a_part_is_removed_an_hour_after_its_whole_is_finished(client: UploadsInProcess) -> None:
    def part() -> UploadId:
        return client.upload(b"part", kind=UploadKind.PARTIAL, concat_header="partial")

    def join(*parts: UploadId) -> UploadId:
        header = f"final;{' '.join(parts)}"
        return client.create(None, kind=UploadKind.FINAL, parts=parts, concat_header=header)

    def sweep() -> None:
        """Examine everything, as the second of two sweeps does."""
        for _ in range(2):
            client.clock.advance(61)
            client.run(
                collect_expired(client.context, client.run(maintain(client.context)).expired)
            )

    joined, awaited, single = part(), part(), part()
    unfinished = client.create(4, kind=UploadKind.PARTIAL, concat_header="partial")
    whole = join(joined, awaited)
    waiting = join(awaited, unfinished)
    client.clock.advance(3000)
    sweep()
    assert {client.state(one) for one in (joined, awaited, single)} == {UploadState.FINISHED}
    client.clock.advance(3600)
    client.append(unfinished, 0, b"pa")
    sweep()
    client.clock.advance(3600)
    sweep()
    assert client.state(joined) is UploadState.EXPIRED
    assert not stored_file(client.ports, joined).exists()
    assert client.state(whole) is UploadState.FINISHED
    assert client.state(awaited) is UploadState.FINISHED, "another upload still needs it"
    assert client.state(single) is UploadState.FINISHED
    client.append(unfinished, 2, b"rt")
    assert client.state(waiting) is UploadState.FINISHED
    for _ in range(2):
        client.clock.advance(3700)
        sweep()
    assert client.state(awaited) is UploadState.EXPIRED
    assert client.state(unfinished) is UploadState.EXPIRED
    assert client.state(single) is UploadState.FINISHED


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
