"""What OSS and S3 promise of large objects (requirements S19, S25): ``objects.remote``."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import blake3
import httpx
import pytest
from support.multipart_state import MemoryMultipartState

from tusd_py.domain.errors import LeaseLost
from tusd_py.domain.multipart import Part
from tusd_py.objects.bucket import Bucket, ObjectInfo, UploadGone
from tusd_py.objects.keys import object_key
from tusd_py.objects.parts import PartReader, Span
from tusd_py.objects.remote import RemoteObjects
from tusd_py.objects.s3 import S3Bucket

MIB = 1 << 20
STEP = 5 * MIB
"""The least size of a part that S3 takes."""
CONTENT = os.urandom(3 * STEP + 1000)
HASH = blake3.blake3(CONTENT).hexdigest()
KEY = object_key(HASH, ".bin")


class StoppingState(MemoryMultipartState):
    """A state whose worker dies, or has lost its job, when this many parts have arrived."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def add(self, part: Part) -> None:
        with self.mutex:
            if not self.left:
                raise LeaseLost
            self.left -= 1
        super().add(part)


@pytest.fixture(params=["oss", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    found: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return found


@pytest.fixture
def store(bucket: Bucket) -> RemoteObjects:
    return RemoteObjects(bucket, smallest_part=STEP, threads=2, first_pause=0.01)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def put(store: RemoteObjects, source: Path, state: MemoryMultipartState) -> list[int]:
    progress: list[int] = []
    store.put_file(
        KEY,
        source,
        content_hash=HASH,
        content_type="video/mp4",
        multipart_state=state,
        progress=progress.append,
    )
    return progress


def stopped_after(store: RemoteObjects, source: Path, parts: int) -> StoppingState:
    state = StoppingState(parts)
    with pytest.raises(LeaseLost):
        put(store, source, state)
    assert len(state.added) == parts
    state.left, state.added = 100, []
    return state


def whole(store: RemoteObjects) -> bool:
    found = store.head(KEY)
    return found is not None and b"".join(store.read(KEY, 0, found.size)) == CONTENT


def test_a_large_object_goes_in_parts(store: RemoteObjects, source: Path) -> None:
    state = MemoryMultipartState()
    progress = put(store, source, state)
    assert sorted(state.added) == [1, 2, 3, 4]
    assert progress == sorted(progress)
    assert progress[-1] == len(CONTENT)
    assert len(set(progress)) > 20
    assert state.load() is None
    assert whole(store)
    assert b"".join(store.read(KEY, STEP - 10, 20)) == CONTENT[STEP - 10 : STEP + 10]


def test_another_worker_sends_only_what_is_missing(store: RemoteObjects, source: Path) -> None:
    state = stopped_after(store, source, 2)
    assert store.head(KEY) is None
    held = state.load()
    assert held is not None
    there = {part.number for part in held.parts}
    progress = put(store, source, state)
    assert set(state.added) == {1, 2, 3, 4} - there
    assert progress[0] > 0
    assert whole(store)
    assert list(store.incomplete_uploads()) == []


def test_a_part_that_the_store_has_lost_is_sent_again(
    store: RemoteObjects, bucket: Bucket, source: Path, tmp_path: Path
) -> None:
    state = stopped_after(store, source, 2)
    held = state.load()
    assert held is not None
    other = tmp_path / "other"
    other.write_bytes(bytes(STEP))
    lost = held.parts[0].number
    with PartReader(other, Span(lost, 0, STEP)) as body:
        bucket.put_part(KEY, held.upload_id, lost, body)
    put(store, source, state)
    assert lost in state.added
    assert whole(store)


def test_an_aborted_upload_begins_again(store: RemoteObjects, bucket: Bucket, source: Path) -> None:
    state = stopped_after(store, source, 3)
    held = state.load()
    assert held is not None
    bucket.abort(KEY, held.upload_id)
    put(store, source, state)
    assert sorted(state.added) == [1, 2, 3, 4]
    assert whole(store)


def test_an_upload_that_was_completed_elsewhere_is_done(store: RemoteObjects, source: Path) -> None:
    state = stopped_after(store, source, 1)
    zombie = MemoryMultipartState()
    zombie.multipart = state.load()
    put(store, source, zombie)
    put(store, source, state)
    assert state.added == []
    assert state.load() is None
    assert whole(store)


class OpaqueTags(S3Bucket):
    """A bucket of a store whose ETags look like MD5s, and are none."""

    tags: ClassVar[dict[str, str]] = {}

    def _hidden(self, tag: str) -> str:
        opaque = hashlib.md5(tag.encode()).hexdigest() + tag[32:]
        self.tags[opaque] = tag
        return opaque

    def head(self, key: str) -> ObjectInfo | None:
        found = super().head(key)
        return found and replace(found, checksum=self._hidden(found.checksum))

    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        part = super().put_part(key, upload_id, number, body)
        return replace(part, etag=self._hidden(part.etag))

    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        parts = super().list_parts(key, upload_id)
        return {number: (self._hidden(tag), size) for number, (tag, size) in parts.items()}

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        shown = [replace(part, etag=self.tags[part.etag]) for part in parts]
        super().complete(key, upload_id, shown)


def test_an_object_whose_tag_is_no_checksum_is_not_sent_again(
    s3_bucket: S3Bucket, source: Path
) -> None:
    """The parts that were sent show how the store makes its tags: the size decides."""
    s3_bucket.__class__ = OpaqueTags
    store = RemoteObjects(s3_bucket, smallest_part=STEP, threads=2, first_pause=0.01)
    state = stopped_after(store, source, 1)
    zombie = MemoryMultipartState()
    zombie.multipart = state.load()
    put(store, source, zombie)
    put(store, source, state)
    assert state.added == []
    assert state.load() is None
    assert whole(store)


def test_an_upload_completed_while_its_parts_are_sent_is_done(
    store: RemoteObjects, source: Path
) -> None:
    first = stopped_after(store, source, 1)
    # Each thread adds parts, and one of them is the first.
    others = iter([first])

    class Overtaken(MemoryMultipartState):
        def add(self, part: Part) -> None:
            super().add(part)
            for other in others:
                put(store, source, other)

    late = Overtaken()
    late.multipart = first.load()
    put(store, source, late)
    assert next(others, None) is None
    assert whole(store)
    assert list(store.incomplete_uploads()) == []


def test_other_bytes_than_before_begin_again_and_leave_nothing(
    store: RemoteObjects, source: Path, tmp_path: Path
) -> None:
    state = stopped_after(store, source, 2)
    other = tmp_path / "other"
    other.write_bytes(os.urandom(2 * STEP))
    digest = blake3.blake3(other.read_bytes()).hexdigest()
    store.put_file(
        object_key(digest, ""),
        other,
        content_hash=digest,
        content_type="x/y",
        multipart_state=state,
    )
    assert sorted(state.added) == [1, 2]
    assert list(store.incomplete_uploads()) == []


@pytest.mark.parametrize("size", [len(CONTENT), 1000], ids=["parts", "whole"])
def test_an_object_with_other_bytes_under_the_key_is_replaced(
    store: RemoteObjects, bucket: Bucket, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT[:size])
    digest = blake3.blake3(CONTENT[:size]).hexdigest()
    key = object_key(digest, "")
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"x" + CONTENT[1:size])
    with PartReader(damaged, Span(1, 0, size)) as body:
        bucket.put(key, body, "x/y")
    state = MemoryMultipartState()
    store.put_file(key, source, content_hash=digest, content_type="x/y", multipart_state=state)
    assert b"".join(store.read(key, 0, size)) == CONTENT[:size]


def test_an_object_that_is_there_is_not_sent_again(store: RemoteObjects, source: Path) -> None:
    put(store, source, MemoryMultipartState())
    state = MemoryMultipartState()
    put(store, source, state)
    assert state.added == []


def test_a_lost_lease_in_the_middle_ends_the_put(store: RemoteObjects, source: Path) -> None:
    def lost(done: int) -> None:
        if done > STEP:
            raise LeaseLost

    state = MemoryMultipartState()
    with pytest.raises(LeaseLost):
        store.put_file(
            KEY,
            source,
            content_hash=HASH,
            content_type="x/y",
            multipart_state=state,
            progress=lost,
        )
    assert store.head(KEY) is None
    assert len(state.added) < 4


def test_what_was_begun_is_listed_and_may_be_abandoned(store: RemoteObjects, source: Path) -> None:
    state = stopped_after(store, source, 1)
    (left,) = store.incomplete_uploads()
    held = state.load()
    assert held is not None
    assert (left.key, left.upload_id) == (KEY, held.upload_id)
    store.abort_upload(left)
    store.abort_upload(left)
    assert list(store.incomplete_uploads()) == []


def test_what_is_not_ours_is_not_seen(
    store: RemoteObjects, bucket: Bucket, source: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"foreign")
    for key in ("pool/readme.txt", "pool/00/something", "elsewhere"):
        with PartReader(foreign, Span(1, 0, 7)) as body:
            bucket.put(key, body, "text/plain")
        bucket.create_upload(key, "text/plain")
    assert list(store.entries()) == []
    assert list(store.incomplete_uploads()) == []


def test_an_abandoned_upload_is_gone_for_the_bucket(
    store: RemoteObjects, bucket: Bucket, source: Path
) -> None:
    stopped_after(store, source, 1)
    (left,) = store.incomplete_uploads()
    store.abort_upload(left)
    with pytest.raises(UploadGone):
        bucket.list_parts(left.key, left.upload_id)


def test_a_link_gives_the_object_to_its_holder(store: RemoteObjects, source: Path) -> None:
    put(store, source, MemoryMultipartState())
    disposition = "attachment; filename=\"a b.mp4\"; filename*=UTF-8''%E8%A7%86.mp4"
    link = store.link(KEY, disposition=disposition, seconds=60)
    assert link is not None
    answer = httpx.get(link, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["Content-Disposition"] == disposition
    assert httpx.get(link.partition("?")[0]).status_code == 403
    assert httpx.get(link.replace("a%20b", "evil")).status_code == 403


def test_links_can_be_forgone(bucket: Bucket) -> None:
    store = RemoteObjects(bucket, links=False)
    assert store.link(KEY, disposition="attachment", seconds=60) is None


def test_the_recorded_address_is_the_objects(store: RemoteObjects, bucket: Bucket) -> None:
    assert store.url(KEY) == f"{bucket.address}/{KEY}"
    assert "?" not in store.url(KEY)
