"""Every object store keeps these promises (``objects.port``)."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import blake3
import pytest
from support.multipart_state import MemoryMultipartState

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import BackendError, OutOfResources, PermanentError, TransientError
from tusd_py.objects import local
from tusd_py.objects.bucket import Bucket
from tusd_py.objects.keys import object_key
from tusd_py.objects.local import LocalObjects
from tusd_py.objects.port import UNREACHABLE, ObjectStore
from tusd_py.objects.remote import RemoteObjects

CONTENT = bytes(range(256)) * 1000
HASH = blake3.blake3(CONTENT).hexdigest()
KEY = object_key(HASH, ".bin")


@pytest.fixture(params=["local", "oss", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalObjects(tmp_path / "objects")
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return RemoteObjects(bucket, first_pause=0.01)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def put(store: ObjectStore, source: Path, **values: object) -> list[int]:
    progress: list[int] = []
    stored = store.put_file(
        KEY,
        source,
        content_hash=HASH,
        content_type="x/y",
        multipart_state=MemoryMultipartState(),
        progress=progress.append,
    )
    assert (stored.key, stored.size) == (KEY, len(CONTENT))
    return progress


def read(store: ObjectStore, start: int = 0, length: int = len(CONTENT)) -> bytes:
    return b"".join(store.read(KEY, start, length))


def test_an_object_is_read_back_whole_and_in_part(store: ObjectStore, source: Path) -> None:
    assert store.head(KEY) is None
    progress = put(store, source)
    assert progress[-1] == len(CONTENT)
    assert progress == sorted(progress)
    found = store.head(KEY)
    assert found is not None
    assert found.size == len(CONTENT)
    assert read(store) == CONTENT
    assert read(store, 100, 50) == CONTENT[100:150]
    assert [key for key, _ in store.entries()] == [KEY]


def test_the_source_is_left_untouched_and_may_go(store: ObjectStore, source: Path) -> None:
    put(store, source)
    assert source.read_bytes() == CONTENT
    source.unlink()
    assert read(store) == CONTENT


def test_an_empty_object_is_stored(store: ObjectStore, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    digest = blake3.blake3(b"").hexdigest()
    key = object_key(digest, "")
    store.put_file(
        key, empty, content_hash=digest, content_type="x/y", multipart_state=MemoryMultipartState()
    )
    found = store.head(key)
    assert found is not None
    assert found.size == 0
    assert list(store.read(key, 0, 0)) == []


def test_nothing_is_left_of_a_put(store: ObjectStore, source: Path) -> None:
    put(store, source)
    assert list(store.incomplete_uploads()) == []


def test_every_entry_is_listed_with_its_time(store: ObjectStore, tmp_path: Path) -> None:
    keys = set()
    for number in range(5):
        path = tmp_path / f"{number}"
        path.write_text(f"{number}")
        digest = blake3.blake3(path.read_bytes()).hexdigest()
        keys.add(object_key(digest, ".txt"))
        store.put_file(
            object_key(digest, ".txt"),
            path,
            content_hash=digest,
            content_type="text/plain",
            multipart_state=MemoryMultipartState(),
        )
    found = dict(store.entries())
    assert set(found) == keys
    now = SystemClock().now()
    assert all(abs(changed_at - now) < 120 for changed_at in found.values())


def test_a_put_can_be_repeated(store: ObjectStore, source: Path) -> None:
    put(store, source)
    put(store, source)
    assert len(list(store.entries())) == 1


def test_an_object_is_deleted_once(store: ObjectStore, source: Path) -> None:
    put(store, source)
    assert store.delete(KEY)
    assert not store.delete(KEY)
    assert store.head(KEY) is None
    with pytest.raises(FileNotFoundError):
        read(store)


def test_a_missing_source_is_reported_as_missing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put(store, tmp_path / "nothing")


@pytest.mark.parametrize(
    "key", ["../x", "/etc/passwd", "pool/aa/x", "pool/../../x", "", KEY + "/..", KEY.upper()]
)
def test_only_keys_of_ours_are_taken(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="object key"):
        store.head(key)


def test_a_store_knows_whose_its_objects_are(store: ObjectStore, source: Path) -> None:
    assert store.owner() is None
    for identity in ("one", "another"):
        store.set_owner(identity)
        assert store.owner() == identity
    put(store, source)
    assert [key for key, _ in store.entries()] == [KEY]


def test_an_address_discloses_no_path_of_the_server(store: ObjectStore, tmp_path: Path) -> None:
    assert str(tmp_path) not in store.url(KEY)
    assert KEY in store.url(KEY)


# -- the local store alone


def broken_link(number: int) -> Callable[..., None]:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return link


def test_another_file_system_gets_a_verified_copy(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local.os, "link", broken_link(errno.EXDEV))
    store = LocalObjects(tmp_path / "objects")
    put(store, source)
    assert read(store) == CONTENT
    source.write_bytes(b"x" + CONTENT[1:])
    store.delete(KEY)
    with pytest.raises(PermanentError) as damaged:
        put(store, source)
    assert damaged.value.reason_code == "corrupt"
    assert store.head(KEY) is None
    assert list((tmp_path / "objects" / "drafts").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, OutOfResources), (errno.EIO, TransientError)]
)
def test_a_disk_in_trouble_leaves_no_object(
    tmp_path: Path,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[Exception],
) -> None:
    monkeypatch.setattr(local.os, "link", broken_link(number))
    store = LocalObjects(tmp_path / "objects")
    with pytest.raises(error):
        put(store, source)
    assert store.head(KEY) is None


def test_a_torn_object_is_replaced(tmp_path: Path, source: Path) -> None:
    store = LocalObjects(tmp_path / "objects")
    put(store, source)
    path = tmp_path / "objects" / KEY
    path.unlink()
    path.write_bytes(CONTENT[:10])
    put(store, source)
    assert read(store) == CONTENT


def test_drafts_of_a_crash_are_unfinished_puts(tmp_path: Path, source: Path) -> None:
    store = LocalObjects(tmp_path / "objects")
    (tmp_path / "objects" / "drafts" / "left").write_bytes(b"x")
    (left,) = store.incomplete_uploads()
    store.abort_upload(left)
    store.abort_upload(left)
    assert list(store.incomplete_uploads()) == []


def test_nothing_is_copied_on_one_file_system(tmp_path: Path, source: Path) -> None:
    store = LocalObjects(tmp_path / "objects")
    put(store, source)
    assert (tmp_path / "objects" / KEY).stat().st_ino == source.stat().st_ino


def test_a_store_that_could_take_an_object_passes_its_check(
    store: ObjectStore, source: Path
) -> None:
    store.check()
    put(store, source)
    store.check()
    assert [key for key, _ in store.entries()] == [KEY]


def test_a_store_whose_directory_is_gone_can_not_be_reached(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path / "objects")
    (tmp_path / "objects" / "drafts").rmdir()
    with pytest.raises(BackendError, match=UNREACHABLE):
        store.check()
