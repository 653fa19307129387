"""What survives a power cut: all that was synced, and perhaps what was not (fault 38)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from support.ids import fresh_id
from support.power_cut import PowerCutDisk, power_cut_disk

from tusd_py.domain.errors import StorageDamaged, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.storage.disk import DiskStore

MIB = 1 << 20
Durability = Literal["finish", "strict", "off"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PowerCutDisk]:
    with power_cut_disk(tmp_path) as disk:
        yield disk


def store_on(disk: PowerCutDisk, durability: Durability = "finish") -> DiskStore:
    return DiskStore(disk.path / "uploads", durability=durability)


def cut_and_restore(disk: PowerCutDisk, durability: Durability = "finish") -> DiskStore:
    disk.cut()
    disk.restore()
    return store_on(disk, durability)


def offset_or_gone(store: DiskStore, upload_id: UploadId) -> int | None:
    try:
        return store.offset(upload_id)
    except UploadNotFound:
        return None


@pytest.mark.parametrize("size", [1, 100_000, 3 * MIB], ids=["1 B", "100 kB", "3 MiB"])
def test_synced_bytes_survive_in_a_new_directory_too(disk: PowerCutDisk, size: int) -> None:
    store, upload_id, content = store_on(disk), fresh_id(), os.urandom(size)
    store.create(upload_id)
    with store.writer(upload_id, length=size) as writer:
        writer.write([content])
        writer.sync()
    store = cut_and_restore(disk)
    assert store.offset(upload_id) == size
    assert store.path(upload_id).read_bytes() == content
    assert list(store.ids()) == [upload_id]


def test_bytes_after_the_sync_may_vanish_but_never_change_what_was_synced(
    disk: PowerCutDisk,
) -> None:
    store, upload_id, content = store_on(disk), fresh_id(), os.urandom(2 * MIB)
    store.create(upload_id)
    with store.writer(upload_id, length=2 * MIB) as writer:
        writer.write([content[:MIB]])
        writer.sync()
        writer.write([content[MIB:]])
    store = cut_and_restore(disk)
    left = store.offset(upload_id)
    assert left >= MIB
    assert store.path(upload_id).read_bytes() == content[:left]
    with store.writer(upload_id, length=2 * MIB) as writer:
        writer.write([content[left:]])
        writer.sync()
    store = cut_and_restore(disk)
    assert store.path(upload_id).read_bytes() == content


def test_without_a_sync_the_cut_really_takes_bytes(disk: PowerCutDisk) -> None:
    store, upload_id = store_on(disk, "off"), fresh_id()
    store.create(upload_id)
    with store.writer(upload_id, length=MIB) as writer:
        writer.write([bytes(MIB)])
        writer.sync()
    store = cut_and_restore(disk)
    assert offset_or_gone(store, upload_id) in (None, 0), "otherwise these tests prove nothing"


def test_strict_keeps_what_was_created(disk: PowerCutDisk) -> None:
    store, upload_id = store_on(disk, "strict"), fresh_id()
    store.create(upload_id)
    store = cut_and_restore(disk, "strict")
    assert store.offset(upload_id) == 0


def test_a_kept_chunk_survives_once_synced(disk: PowerCutDisk) -> None:
    store, upload_id = store_on(disk), fresh_id()
    store.create(upload_id)
    with store.writer(upload_id, length=None) as writer:
        writer.write([b"abc"])
        writer.sync()
        store.begin_chunk(writer)
        writer.write([b"def"])
        store.commit_chunk(writer)
        writer.sync()
    store = cut_and_restore(disk)
    assert store.offset(upload_id) == 6


@pytest.mark.parametrize("pushed", [False, True], ids=["in the cache", "on the disk"])
def test_an_unverified_chunk_never_counts_after_a_cut(disk: PowerCutDisk, *, pushed: bool) -> None:
    store, upload_id = store_on(disk), fresh_id()
    store.create(upload_id)
    with store.writer(upload_id, length=None) as writer:
        writer.write([b"abc"])
        writer.sync()
        store.begin_chunk(writer)
        writer.write([b"wrong" * 100_000])
        if pushed:
            # The kernel does this by itself after some seconds, in any order of files.
            descriptor = os.open(writer.path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    store = cut_and_restore(disk)
    assert store.offset(upload_id) == 3
    with store.writer(upload_id, length=None) as writer:
        assert writer.offset == 3
    assert store.path(upload_id).read_bytes() == b"abc"


def test_a_concatenation_is_whole_or_not_there(disk: PowerCutDisk) -> None:
    store = store_on(disk)
    contents = [os.urandom(MIB), os.urandom(MIB // 3)]
    parts = [fresh_id(), fresh_id()]
    into = fresh_id()
    for upload_id, content in zip([*parts, into], [*contents, b""], strict=True):
        store.create(upload_id)
        with store.writer(upload_id, length=len(content)) as writer:
            writer.write([content])
            writer.sync()
    sum(store.concatenate(into, parts))
    store = cut_and_restore(disk)
    assert store.path(into).read_bytes() == b"".join(contents)


def test_a_disk_without_power_is_reported_as_damaged(disk: PowerCutDisk) -> None:
    store, upload_id = store_on(disk), fresh_id()
    store.create(upload_id)
    with store.writer(upload_id, length=None) as writer:
        writer.write([b"abc"])
        disk.cut()
        with pytest.raises(StorageDamaged):
            writer.write([b"def"])
        with pytest.raises(StorageDamaged):
            writer.sync()
    with pytest.raises(StorageDamaged):
        store.create(fresh_id())
    disk.restore()
    store = store_on(disk)
    assert offset_or_gone(store, upload_id) in (None, 0)
