"""Tests of instant uploads on real adapters."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import blake3
import pytest
from support import kinds
from support.bodies import scripted
from support.catalog import STORED, claim
from support.clock import FakeClock
from support.room import Process, fresh_id, policy
from support.tus import metadata

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create, Inspect, Terminate
from tusd_py.domain.errors import (
    HashConflict,
    HashMismatch,
    LengthExceeded,
    OffsetMismatch,
    UploadNotFound,
)
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskStatus
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.protocol.fields import parse_metadata
from tusd_py.uploads.append import append
from tusd_py.uploads.create import Created, create
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.terminate import terminate

T = TypeVar("T")
ME, OTHER = UserId(1), UserId(2)
CONTENT = bytes(range(256)) * 512
HASH = blake3.blake3(CONTENT).hexdigest()


def named(**values: str) -> dict[str, Any]:
    """Return the fields of a creation with this Upload-Metadata."""
    header = metadata(**values)
    return {"metadata_header": header, "metadata": parse_metadata(header)}


class Client:
    """Runs the requests of users in one process."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.process = Process(folder, FakeClock(), policy(**rules))
        self.room = self.process.room

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def body(self, *chunks: bytes) -> AsgiBody:
        return AsgiBody(scripted(chunks), self.process.threads)

    def make(self, *chunks: bytes, user: UserId = ME, **values: Any) -> Created:
        command = Create(**{"length": len(CONTENT), "has_body": bool(chunks), **values})
        return self.run(create(self.room, Caller(user), fresh_id(), command, self.body(*chunks)))

    def send(
        self, upload_id: UploadId, offset: int, *chunks: bytes, user: UserId = ME, **values: Any
    ) -> int:
        command = Append(upload_id=upload_id, offset=offset, **values)
        return self.run(append(self.room, user, command, self.body(*chunks))).offset

    def offset(self, upload_id: UploadId) -> int | None:
        return self.run(inspect(self.room, ME, Inspect(upload_id=upload_id))).offset

    def store(self, user: UserId = ME, **values: Any) -> UploadId:
        """Upload the whole content, and complete its job."""
        upload_id = self.make(CONTENT, user=user, **values).upload.id
        catalog = self.process.ports.catalog
        job = claim(catalog, owner="w")
        assert job is not None
        catalog.jobs.complete(upload_id, fence=job.fence, stored=STORED)
        return upload_id

    def close(self) -> None:
        self.process.close()
        self.loop.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    made = Client(tmp_path)
    yield made
    made.close()


@pytest.fixture
def born(client: Client) -> UploadId:
    client.store()
    return client.make(declared_hash=HASH).upload.id


def test_an_upload_of_content_that_its_owner_has_is_complete_at_creation(client: Client) -> None:
    client.store()
    made = client.make(declared_hash=HASH)
    assert (made.offset, made.upload.instant) == (len(CONTENT), True)
    assert client.offset(made.upload.id) == len(CONTENT)
    task = client.process.ports.tasks.get(made.upload.id)
    assert task is not None
    assert (task.status, task.progress, task.oss_path) == (
        TaskStatus.COMPLETED, 100, STORED.path,
    )  # fmt: skip
    with pytest.raises(UploadNotFound):
        client.process.ports.stores.uploads.offset(made.upload.id)
    counts = client.room.counts
    assert (counts.created, counts.finished, counts.instant, counts.instant_bytes) == (
        2, 2, 1, len(CONTENT),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("user", "values"),
    [
        (OTHER, {"declared_hash": HASH}),
        (ME, {"declared_hash": HASH, "length": len(CONTENT) - 1}),
        (ME, {"declared_hash": HASH, "length": None}),
        (ME, {"declared_hash": "0" * 64}),
        (ME, {}),
    ],
    ids=["others", "other length", "deferred length", "other hash", "no hash"],
)
def test_all_other_uploads_begin_empty(
    client: Client, user: UserId, values: dict[str, Any]
) -> None:
    client.store()
    made = client.make(user=user, **values)
    assert (made.offset, made.upload.instant) == (0, False)


def test_instant_uploads_can_be_disabled(tmp_path: Path) -> None:
    client = Client(tmp_path, instant=False)
    client.store()
    assert client.make(declared_hash=HASH).offset == 0
    client.close()


def test_the_body_of_an_instant_creation_is_read_and_discarded(client: Client) -> None:
    client.store()
    received = client.room.counts.received_bytes
    made = client.make(CONTENT[:100], CONTENT[100:], declared_hash=HASH)
    assert (made.offset, made.upload.instant) == (len(CONTENT), True)
    assert client.room.counts.received_bytes == received


@pytest.mark.parametrize("offset", [0, 7, len(CONTENT)])
def test_a_patch_of_an_instant_upload_returns_its_length(
    client: Client, born: UploadId, offset: int
) -> None:
    assert client.send(born, offset, CONTENT[offset:]) == len(CONTENT)
    assert client.send(born, offset) == len(CONTENT)


def test_a_patch_beyond_the_end_is_refused(client: Client, born: UploadId) -> None:
    with pytest.raises(OffsetMismatch) as raised:
        client.send(born, len(CONTENT) + 1, b"x")
    assert raised.value.current == len(CONTENT)


def test_under_the_policy_count_a_patch_returns_the_offset_of_its_own_bytes(client: Client) -> None:
    client.store()
    born = client.make(declared_hash=HASH, **named(instant="count")).upload.id
    assert client.send(born, 0, CONTENT[:1000]) == 1000
    assert client.send(born, 1000, CONTENT[1000:]) == len(CONTENT)
    with pytest.raises(LengthExceeded):
        client.send(born, 1, CONTENT)


def test_under_the_policy_refuse_a_patch_from_zero_is_refused(client: Client) -> None:
    client.store()
    born = client.make(declared_hash=HASH, **named(instant="refuse")).upload.id
    with pytest.raises(OffsetMismatch) as raised:
        client.send(born, 0, CONTENT)
    assert raised.value.current == len(CONTENT)
    assert client.send(born, len(CONTENT)) == len(CONTENT)


def test_an_instant_upload_belongs_to_its_owner(client: Client, born: UploadId) -> None:
    with pytest.raises(UploadNotFound):
        client.send(born, 0, CONTENT, user=OTHER)


def test_a_hash_that_is_declared_later_completes_the_upload(client: Client) -> None:
    client.store()
    begun = client.make(CONTENT[:1000]).upload.id
    received = client.room.counts.received_bytes
    assert client.send(begun, 1000, CONTENT[1000:], declared_hash=HASH) == len(CONTENT)
    assert client.room.counts.received_bytes == received
    assert client.room.counts.instant_bytes == len(CONTENT) - 1000
    assert client.offset(begun) == len(CONTENT)
    assert client.send(begun, 2000, CONTENT[2000:]) == len(CONTENT), "a chunk sent earlier"
    with pytest.raises(UploadNotFound):
        client.process.ports.stores.uploads.offset(begun)


def test_a_hash_that_is_declared_later_is_verified_at_the_end(client: Client) -> None:
    begun = client.make(CONTENT[:1000]).upload.id
    assert client.send(begun, 1000, CONTENT[1000:2000], declared_hash="0" * 64) == 2000
    with pytest.raises(HashConflict):
        client.send(begun, 2000, declared_hash=HASH)
    with pytest.raises(HashMismatch):
        client.send(begun, 2000, CONTENT[2000:])


@pytest.mark.parametrize(
    "again", [lambda client: client.make(declared_hash=HASH), lambda client: client.make(CONTENT)]
)
def test_a_file_exists_until_its_last_upload_is_deleted(
    client: Client, again: Callable[[Client], Created]
) -> None:
    first, second = client.store(), again(client).upload.id
    catalog = client.process.ports.catalog
    client.run(terminate(client.room, ME, Terminate(upload_id=first)))
    assert list(catalog.objects.keys()) == [STORED.object_key]
    client.run(terminate(client.room, ME, Terminate(upload_id=second)))
    assert list(catalog.objects.keys()) == []
    assert client.make(declared_hash=HASH).offset == 0


def test_under_a_white_list_a_file_without_a_recorded_type_keeps_its_extension(
    tmp_path: Path,
) -> None:
    client = Client(tmp_path, allowed=("txt", "log"))
    a_txt = named(filename="a.txt")
    text = b"words " * 100
    digest = blake3.blake3(text).hexdigest()
    made = client.make(text, length=len(text), **a_txt).upload
    catalog = client.process.ports.catalog
    job = claim(catalog, owner="w")
    assert job is not None
    catalog.jobs.complete(made.id, fence=job.fence, stored=STORED)
    declared = {"length": len(text), "declared_hash": digest}
    assert client.make(**declared, **named(filename="b.txt")).upload.instant
    assert not client.make(**declared, **named(filename="b.log")).upload.instant
    client.close()


def test_under_a_white_list_the_content_must_fit_the_new_name(tmp_path: Path) -> None:
    client = Client(tmp_path, allowed=("mp4", "mov", "avi"))
    film = kinds.box_file(b"isom", b"avc1") + bytes(500)
    made = client.make(film, length=len(film), **named(filename="a.mp4")).upload
    catalog = client.process.ports.catalog
    job = claim(catalog, owner="w")
    assert job is not None
    catalog.jobs.complete(made.id, fence=job.fence, stored=replace(STORED, facts={"type": "mp4"}))
    declared = {"length": len(film), "declared_hash": blake3.blake3(film).hexdigest()}
    assert client.make(**declared, **named(filename="b.mov")).upload.instant
    assert not client.make(**declared, **named(filename="b.avi")).upload.instant
    client.close()
