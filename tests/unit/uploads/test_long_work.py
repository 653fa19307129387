"""Tests that long work on any number of uploads delays no other request."""

import asyncio
import os
import threading
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import blake3
import pytest
from support.ids import ME, OTHER, fresh_id
from support.uploads import UploadsInProcess

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.errors import StorageFull
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.storage.port import Concatenation
from tusd_py.storage.running_hash import RunningHash
from tusd_py.threads import BODY_THREADS, CALL_THREADS
from tusd_py.uploads import concatenate as concatenating
from tusd_py.uploads import finish as finishing
from tusd_py.uploads import rehash as rehashing
from tusd_py.uploads.append import append
from tusd_py.uploads.create import create
from tusd_py.uploads.recovery import recover

MANY = max(BODY_THREADS, CALL_THREADS) + 2


def a_part(client: UploadsInProcess, content: bytes, user: UserId = ME) -> UploadId:
    return client.upload(content, user, kind=UploadKind.PARTIAL, concat_header="partial")


async def join(
    client: UploadsInProcess, part: UploadId, user: UserId = ME, **more: Any
) -> UploadId:
    command = Create(length=None, kind=UploadKind.FINAL, parts=(part,), **more)
    made = await create(client.context, Caller(user), fresh_id(), command, client.body())
    return made.upload.id


class Gate:
    """Delays a blocking call until it is opened."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._open = threading.Event()
        self.reached = threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.reached.set()
        assert self._open.wait(60)
        return self._call(*arguments)

    def open(self) -> None:
        self._open.set()


async def another_user_uploads(client: UploadsInProcess) -> None:
    """Upload a file of another user in two chunks."""
    made = await create(client.context, Caller(OTHER), fresh_id(), Create(length=6), client.body())
    for offset in (0, 3):
        command = Append(upload_id=made.upload.id, offset=offset)
        await append(client.context, OTHER, command, client.body(b"abc"))
    assert client.state(made.upload.id) is UploadState.FINISHED


async def while_held_up(client: UploadsInProcess, part: UploadId, gate: Gate, **more: Any) -> None:
    finals = [asyncio.create_task(join(client, part, **more)) for _ in range(MANY)]
    try:
        assert await asyncio.to_thread(gate.reached.wait, 30)
        async with asyncio.timeout(30):
            await another_user_uploads(client)
        assert not any(final.done() for final in finals)
    finally:
        gate.open()
        for upload_id in await asyncio.gather(*finals):
            assert client.state(upload_id) is UploadState.FINISHED


def test_bodies_are_not_delayed_while_many_final_uploads_are_copied(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = a_part(client, b"part" * 1000)
    gate = Gate(os.copy_file_range)
    monkeypatch.setattr(os, "copy_file_range", gate)
    client.run(while_held_up(client, part, gate))


def test_calls_are_not_delayed_while_many_final_uploads_are_reread(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash of a final upload that declares one must be verified before the answer."""
    content = b"part" * 1000
    part = a_part(client, content)
    gate = Gate(rehashing.rehash)
    monkeypatch.setattr(finishing, "REHASH_IN_CALL_BYTES", 1000)
    monkeypatch.setattr(rehashing, "rehash", gate)
    client.run(while_held_up(client, part, gate, declared_hash=blake3.blake3(content).hexdigest()))


def test_uploads_are_reread_in_turn(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A re-read whose slice is over continues in the next slice."""
    content = os.urandom(3000)
    part = a_part(client, content)
    monkeypatch.setattr(finishing, "REHASH_IN_CALL_BYTES", 1000)
    monkeypatch.setattr(rehashing, "REHASH_SLICE_SECONDS", 0.0)
    monkeypatch.setattr("tusd_py.storage.running_hash.STEP_BYTES", 1000)
    slices, read_on = [], RunningHash._read_on

    def counted(*arguments: Any) -> bool:
        slices.append(1)
        return read_on(*arguments)

    monkeypatch.setattr(RunningHash, "_read_on", counted)
    final = client.run(join(client, part))
    job = client.ports.catalog.jobs.get(final)
    assert len(slices) > 1
    assert job is not None
    assert job.file_hash == blake3.blake3(content).hexdigest()


def test_the_copies_of_one_user_take_one_turn_among_all_users(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = a_part(client, b"m" * 5000), a_part(client, b"t" * 5000, OTHER)
    monkeypatch.setattr("tusd_py.storage.disk.COPY_STEP_BYTES", 1000)
    monkeypatch.setattr(concatenating, "SLICE_BYTES", 1000)
    gate = Gate(os.copy_file_range)
    monkeypatch.setattr(os, "copy_file_range", gate)
    waiting, slices, copied = asyncio.Event(), list[UserId](), concatenating._copied

    def watched(store: Concatenation, upload: Upload) -> Generator[bool, None, None]:
        if upload.user_id == OTHER:
            waiting.set()

        def counted() -> Generator[bool, None, None]:
            for more in copied(store, upload):
                slices.append(upload.user_id)
                yield more

        return counted()

    monkeypatch.setattr(concatenating, "_copied", watched)

    async def scene() -> None:
        copies = [asyncio.create_task(join(client, mine, ME)) for _ in range(4)]
        assert await asyncio.to_thread(gate.reached.wait, 30)
        copies.append(asyncio.create_task(join(client, theirs, OTHER)))
        await waiting.wait()
        gate.open()
        await asyncio.gather(*copies)

    client.run(scene())
    last = len(slices) - 1 - slices[::-1].index(OTHER)
    assert (ME, ME) not in pairwise(slices[: last + 1]), slices


def test_a_final_upload_without_room_on_the_disk_waits_and_is_not_copied(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may fit later. If all parts are finished already, it is refused and leaves nothing."""
    waiting = client.create(None, kind=UploadKind.PARTIAL)
    final = client.run(join(client, waiting))
    whole = a_part(client, b"whole")

    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(type(client.context), "check_disk", full)
    monkeypatch.setattr(os, "copy_file_range", lambda *_: pytest.fail("copied"))
    client.append(waiting, 0, b"abc", declared_length=3)
    assert client.state(final) is UploadState.RECEIVING
    known = set(client.ports.stores.uploads.ids())
    with pytest.raises(StorageFull):
        client.run(join(client, whole))
    assert set(client.ports.stores.uploads.ids()) == known
    monkeypatch.undo()
    assert client.run(recover(client.context)) == 1
    assert client.state(final) is UploadState.FINISHED
