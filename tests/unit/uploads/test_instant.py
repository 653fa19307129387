"""Tests of instant uploads on real adapters."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import blake3
import pytest
from support import kinds
from support.catalog import STORED
from support.ids import ME, OTHER, fresh_id
from support.tus import metadata
from support.uploads import UploadsInProcess

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create
from tusd_py.domain.errors import (
    HashConflict,
    HashMismatch,
    LengthExceeded,
    OffsetMismatch,
    UploadLocked,
    UploadNotFound,
)
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskStatus
from tusd_py.protocol.fields import parse_metadata
from tusd_py.uploads.create import Created, create

CONTENT = bytes(range(256)) * 512
HASH = blake3.blake3(CONTENT).hexdigest()


def named(**values: str) -> dict[str, Any]:
    """Return the fields of a creation with this Upload-Metadata."""
    header = metadata(**values)
    return {"metadata_header": header, "metadata": parse_metadata(header)}


def begin(client: UploadsInProcess, *chunks: bytes, **values: Any) -> Created:
    """Create an upload of the content's length, and send the chunks with it."""
    return client.creation(values.pop("length", len(CONTENT)), *chunks, **values)


@pytest.fixture
def born(client: UploadsInProcess) -> UploadId:
    client.store(CONTENT)
    return begin(client, declared_hash=HASH).upload.id


def test_an_upload_of_content_that_its_owner_has_is_complete_at_creation(
    client: UploadsInProcess,
) -> None:
    client.store(CONTENT)
    made = begin(client, declared_hash=HASH)
    assert (made.offset, made.upload.instant) == (len(CONTENT), True)
    assert client.head(made.upload.id).offset == len(CONTENT)
    task = client.ports.tasks.get(made.upload.id)
    assert task is not None
    assert (task.status, task.progress, task.oss_path) == (
        TaskStatus.COMPLETED, 100, STORED.path,
    )  # fmt: skip
    with pytest.raises(UploadNotFound):
        client.ports.stores.uploads.offset(made.upload.id)
    counts = client.context.counts
    assert (counts.created, counts.finished, counts.instant, counts.instant_bytes) == (
        2, 2, 1, len(CONTENT),
    )  # fmt: skip


@pytest.mark.parametrize("chunks", [(), (CONTENT[:5],), (CONTENT,)], ids=["none", "some", "all"])
@pytest.mark.parametrize("held", [True, False], ids=["held", "not held at that moment"])
def test_two_servers_that_create_one_upload_by_its_key_at_once_make_one(
    client: UploadsInProcess, chunks: tuple[bytes, ...], held: bool
) -> None:
    client.store(CONTENT)
    upload_id = fresh_id()

    def creation(declared_hash: str | None) -> Created:
        command = Create(
            length=len(CONTENT), has_body=bool(chunks), declared_hash=declared_hash, key="key"
        )
        body = client.body(*chunks)
        return client.run(create(client.context, Caller(ME), upload_id, command, body))

    first = creation(HASH)
    assert first.upload.instant
    with pytest.raises(UploadLocked):
        creation(HASH if held else None)
    assert client.head(upload_id).offset == len(CONTENT)
    with pytest.raises(UploadNotFound):
        client.ports.stores.uploads.offset(upload_id)


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
    client: UploadsInProcess, user: UserId, values: dict[str, Any]
) -> None:
    client.store(CONTENT)
    made = begin(client, user=user, **values)
    assert (made.offset, made.upload.instant) == (0, False)


def test_instant_uploads_can_be_disabled(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, instant=False) as client:
        client.store(CONTENT)
        assert begin(client, declared_hash=HASH).offset == 0


def test_the_body_of_an_instant_creation_is_read_and_discarded(client: UploadsInProcess) -> None:
    client.store(CONTENT)
    received = client.context.counts.received_bytes
    made = begin(client, CONTENT[:100], CONTENT[100:], declared_hash=HASH)
    assert (made.offset, made.upload.instant) == (len(CONTENT), True)
    assert client.context.counts.received_bytes == received


@pytest.mark.parametrize("offset", [0, 7, len(CONTENT)])
def test_a_patch_of_an_instant_upload_returns_its_length(
    client: UploadsInProcess, born: UploadId, offset: int
) -> None:
    assert client.append(born, offset, CONTENT[offset:]) == len(CONTENT)
    assert client.append(born, offset) == len(CONTENT)


def test_a_patch_beyond_the_end_is_refused(client: UploadsInProcess, born: UploadId) -> None:
    with pytest.raises(OffsetMismatch) as raised:
        client.append(born, len(CONTENT) + 1, b"x")
    assert raised.value.current == len(CONTENT)


def test_under_the_policy_count_a_patch_returns_the_offset_of_its_own_bytes(
    client: UploadsInProcess,
) -> None:
    client.store(CONTENT)
    born = begin(client, declared_hash=HASH, **named(instant="count")).upload.id
    assert client.append(born, 0, CONTENT[:1000]) == 1000
    assert client.append(born, 1000, CONTENT[1000:]) == len(CONTENT)
    with pytest.raises(LengthExceeded):
        client.append(born, 1, CONTENT)


def test_under_the_policy_refuse_a_patch_from_zero_is_refused(client: UploadsInProcess) -> None:
    client.store(CONTENT)
    born = begin(client, declared_hash=HASH, **named(instant="refuse")).upload.id
    with pytest.raises(OffsetMismatch) as raised:
        client.append(born, 0, CONTENT)
    assert raised.value.current == len(CONTENT)
    assert client.append(born, len(CONTENT)) == len(CONTENT)


def test_an_instant_upload_belongs_to_its_owner(client: UploadsInProcess, born: UploadId) -> None:
    with pytest.raises(UploadNotFound):
        client.append(born, 0, CONTENT, user=OTHER)


def test_a_hash_that_is_declared_later_completes_the_upload(client: UploadsInProcess) -> None:
    client.store(CONTENT)
    begun = begin(client, CONTENT[:1000]).upload.id
    received = client.context.counts.received_bytes
    assert client.append(begun, 1000, CONTENT[1000:], declared_hash=HASH) == len(CONTENT)
    assert client.context.counts.received_bytes == received
    assert client.context.counts.instant_bytes == len(CONTENT) - 1000
    assert client.head(begun).offset == len(CONTENT)
    assert client.append(begun, 2000, CONTENT[2000:]) == len(CONTENT), "a chunk sent earlier"
    with pytest.raises(UploadNotFound):
        client.ports.stores.uploads.offset(begun)


def test_a_hash_that_is_declared_later_is_verified_at_the_end(client: UploadsInProcess) -> None:
    begun = begin(client, CONTENT[:1000]).upload.id
    assert client.append(begun, 1000, CONTENT[1000:2000], declared_hash="0" * 64) == 2000
    with pytest.raises(HashConflict):
        client.append(begun, 2000, declared_hash=HASH)
    with pytest.raises(HashMismatch):
        client.append(begun, 2000, CONTENT[2000:])


@pytest.mark.parametrize(
    "again",
    [lambda client: begin(client, declared_hash=HASH), lambda client: begin(client, CONTENT)],
)
def test_a_file_exists_until_its_last_upload_is_deleted(
    client: UploadsInProcess, again: Callable[[UploadsInProcess], Created]
) -> None:
    first, second = client.store(CONTENT), again(client).upload.id
    catalog = client.ports.catalog
    client.delete(first)
    assert list(catalog.objects.keys()) == [STORED.object_key]
    client.delete(second)
    assert list(catalog.objects.keys()) == []
    assert begin(client, declared_hash=HASH).offset == 0


def test_under_a_white_list_a_file_without_a_recorded_type_keeps_its_extension(
    tmp_path: Path,
) -> None:
    with UploadsInProcess(tmp_path, allowed_extensions=("txt", "log")) as client:
        text = b"words " * 100
        client.store(text, **named(filename="a.txt"))
        declared = {"length": len(text), "declared_hash": blake3.blake3(text).hexdigest()}
        assert begin(client, **declared, **named(filename="b.txt")).upload.instant
        assert not begin(client, **declared, **named(filename="b.log")).upload.instant


def test_under_a_white_list_the_content_must_fit_the_new_name(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, allowed_extensions=("mp4", "mov", "avi")) as client:
        film = kinds.box_file(b"isom", b"avc1") + bytes(500)
        stored = replace(STORED, facts={"type": "mp4"})
        client.store(film, stored=stored, **named(filename="a.mp4"))
        declared = {"length": len(film), "declared_hash": blake3.blake3(film).hexdigest()}
        assert begin(client, **declared, **named(filename="b.mov")).upload.instant
        assert not begin(client, **declared, **named(filename="b.avi")).upload.instant
