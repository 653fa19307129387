"""Tests bodies of uploads on real adapters, without a server."""

import asyncio
import errno
import hashlib
import os

import blake3
import pytest
from support.bodies import LiveBody
from support.ids import ME, OTHER
from support.uploads import UploadsInProcess
from support.waiting import until, wait_until

from tusd_py.domain.commands import Append, Checksum, Inspect
from tusd_py.domain.errors import (
    LengthConflict,
    ShuttingDown,
    StorageBusy,
    UploadLocked,
    UploadNotFound,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.storage.disk_writer import disk_errors
from tusd_py.storage.port import Reader
from tusd_py.uploads.append import append
from tusd_py.uploads.inspect import inspect


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
    wait_until(lambda: seen and seen[-1] == ("received", 10))
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


def test_bytes_whose_checksum_could_not_be_computed_are_not_part_of_the_hash(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, damaged = b"0123456789", b"0123x56789"
    upload_id = client.create(10)

    def checksum() -> Checksum:
        return Checksum(algorithm="sha256", digest=hashlib.sha256(whole).digest())

    def no_descriptor(_upload_id: UploadId) -> Reader:
        with disk_errors():
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(client.ports.stores.uploads, "reader", no_descriptor)
        with pytest.raises(StorageBusy):
            client.append(upload_id, 0, damaged, checksum=checksum)
    assert client.head(upload_id).offset == 0
    assert client.append(upload_id, 0, whole, checksum=checksum) == 10
    assert client.job(upload_id).file_hash == blake3.blake3(whole).hexdigest()
