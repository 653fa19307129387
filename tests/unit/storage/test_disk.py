"""Tests of the disk store's files, and of their state after errors."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from support.ids import fresh_id
from support.required import require
from support.small_disk import free_bytes

from tusd_py.domain.errors import StorageDamaged, StorageFull, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.storage import disk, disk_space, linux
from tusd_py.storage.disk import DiskStore

MIB = 1 << 20


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if not path.is_dir())


class TestFiles:
    def test_only_the_owner_can_read_what_is_stored(
        self, store: DiskStore, root: Path, upload_id: UploadId
    ) -> None:
        path = store.path(upload_id)
        assert path == root / upload_id[:2] / upload_id
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_an_upload_is_not_created_twice(self, store: DiskStore, upload_id: UploadId) -> None:
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
        with pytest.raises(StorageDamaged):
            store.create(upload_id)
        assert store.offset(upload_id) == 3

    def test_links_are_not_followed(self, store: DiskStore, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.write_bytes(b"other bytes")
        linked = fresh_id()
        store.path(linked).symlink_to(target)
        with pytest.raises(StorageDamaged):
            store.writer(linked, length=None)
        with pytest.raises(StorageDamaged):
            store.create(linked)
        with pytest.raises(StorageDamaged):
            store.reader(linked)
        assert target.read_bytes() == b"other bytes"

    def test_other_files_in_the_directory_are_not_listed(
        self, store: DiskStore, root: Path, upload_id: UploadId
    ) -> None:
        (root / "README").write_text("stranger")
        (root / upload_id[:2] / "notes.txt").write_text("stranger")
        (root / upload_id[:2] / upload_id.upper()).write_text("stranger")
        elsewhere = f"{(int(upload_id[:2], 16) + 1) % 256:02x}"
        (root / elsewhere / upload_id).write_text("stranger")
        assert list(store.ids()) == [upload_id]

    def test_a_writer_of_another_store_is_refused(self, store: DiskStore) -> None:
        stranger: Any = object()
        with pytest.raises(TypeError):
            store.begin_chunk(stranger)


class TestDurability:
    @pytest.fixture
    def synced(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Record the names of the files and directories that are synced."""
        log: list[str] = []

        def record(descriptor: int) -> None:
            log.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)

        monkeypatch.setattr(os, "fsync", record)
        monkeypatch.setattr(os, "fdatasync", record)
        return log

    def test_finish_syncs_at_the_end_only(self, root: Path, synced: list[str]) -> None:
        store, upload_id = DiskStore(root, durability="finish"), fresh_id()
        synced.clear()
        store.create(upload_id)
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
            assert synced == []
            writer.sync()
        assert synced == [upload_id, upload_id[:2]]

    def test_strict_syncs_what_it_creates(self, root: Path, synced: list[str]) -> None:
        store, upload_id = DiskStore(root, durability="strict"), fresh_id()
        synced.clear()
        store.create(upload_id)
        assert synced == [upload_id, upload_id[:2]]

    def test_off_syncs_nothing(self, root: Path, synced: list[str]) -> None:
        store, upload_id = DiskStore(root, durability="off"), fresh_id()
        store.create(upload_id)
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
            writer.sync()
        sum(store.concatenate(upload_id, [upload_id]))
        assert synced == []

    def test_the_directories_themselves_are_made_durable(
        self, root: Path, synced: list[str]
    ) -> None:
        DiskStore(root, durability="finish")
        assert synced == [root.name, root.parent.name]

    def test_a_concatenation_is_synced_before_and_after_its_rename(
        self, store: DiskStore, upload_id: UploadId, synced: list[str]
    ) -> None:
        sum(store.concatenate(upload_id, [upload_id]))
        assert synced == [f"{upload_id}.draft", upload_id[:2]]


class TestMarker:
    def test_the_marker_is_always_complete(self, store: DiskStore, upload_id: UploadId) -> None:
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
            store.begin_chunk(writer)
        marker = store.path(upload_id).with_suffix(".unverified")
        assert marker.is_symlink(), "a link comes into being together with its content"
        assert str(marker.readlink()) == "3"

    def test_a_marker_without_a_length_is_damage(
        self, store: DiskStore, upload_id: UploadId
    ) -> None:
        store.path(upload_id).with_suffix(".unverified").symlink_to("elsewhere")
        with pytest.raises(StorageDamaged):
            store.offset(upload_id)

    def test_a_marker_beyond_the_data_counts_the_data(
        self, store: DiskStore, upload_id: UploadId
    ) -> None:
        store.path(upload_id).with_suffix(".unverified").symlink_to("10")
        assert store.offset(upload_id) == 0
        with store.writer(upload_id, length=None) as writer:
            assert writer.offset == 0

    def test_a_crash_within_a_rollback_is_repaired_by_the_next_writer(
        self, store: DiskStore, upload_id: UploadId, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
            store.begin_chunk(writer)
            writer.write([b"wrong"])

            def dies(*_: object, **__: object) -> None:
                raise KeyboardInterrupt

            monkeypatch.setattr(Path, "unlink", dies)
            with pytest.raises(KeyboardInterrupt):
                store.rollback_chunk(writer)
            monkeypatch.undo()
        assert store.offset(upload_id) == 3
        with store.writer(upload_id, length=None) as writer:
            assert writer.offset == 3
        assert names(store.path(upload_id).parent) == [upload_id]


class TestSpace:
    @pytest.fixture
    def allocated(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
        """Record start and length of each allocation ahead."""
        log: list[tuple[int, int]] = []
        real = disk_space.allocate

        def record(descriptor: int, start: int, length: int) -> bool:
            log.append((start, length))
            return real(descriptor, start, length)

        monkeypatch.setattr(disk_space, "allocate", record)
        return log

    @pytest.mark.parametrize("length", [None, 100 * MIB])
    def test_one_byte_does_not_reserve_the_declared_length(
        self, store: DiskStore, upload_id: UploadId, length: int | None
    ) -> None:
        with store.writer(upload_id, length=length) as writer:
            writer.write([b"a"])
            assert store.path(upload_id).stat().st_blocks * 512 <= 64 << 10

    def test_a_file_reserves_as_much_ahead_as_its_body_has_brought(
        self, store: DiskStore, upload_id: UploadId, allocated: list[tuple[int, int]]
    ) -> None:
        with store.writer(upload_id, length=None) as writer:
            for _ in range(200):
                writer.write([bytes(MIB)])
        assert allocated == [
            (MIB, 2 * MIB), (3 * MIB, 4 * MIB), (7 * MIB, 8 * MIB), (15 * MIB, 16 * MIB),
            (31 * MIB, 32 * MIB), (63 * MIB, 64 * MIB), (127 * MIB, 65 * MIB), (192 * MIB, 65 * MIB),
        ]  # fmt: skip

    @pytest.mark.parametrize("length", [None, 100 * MIB])
    def test_unused_space_is_freed_at_the_end_of_the_body(
        self,
        store: DiskStore,
        upload_id: UploadId,
        allocated: list[tuple[int, int]],
        length: int | None,
    ) -> None:
        with store.writer(upload_id, length=length) as writer:
            for _ in range(9):
                writer.write([bytes(MIB)])
        assert allocated
        assert store.offset(upload_id) == 9 * MIB
        assert store.path(upload_id).stat().st_blocks * 512 < 10 * MIB

    def test_no_more_is_reserved_than_the_declared_length(
        self, store: DiskStore, upload_id: UploadId, allocated: list[tuple[int, int]]
    ) -> None:
        with store.writer(upload_id, length=12 * MIB) as writer:
            for _ in range(12):
                writer.write([bytes(MIB)])
        assert max(start + length for start, length in allocated) == 12 * MIB

    def test_space_that_a_crash_left_is_freed_without_a_change_of_the_times(
        self, store: DiskStore, upload_id: UploadId
    ) -> None:
        with store.writer(upload_id, length=None) as writer:
            writer.write([b"abc"])
        path = store.path(upload_id)
        assert not store.preallocated(upload_id)
        descriptor = os.open(path, os.O_WRONLY)
        allocated = disk_space.allocate(descriptor, 3, 8 * MIB)
        require(allocated, "this file system can't allocate ahead")
        os.close(descriptor)
        os.utime(path, (1000, 1000))
        assert store.preallocated(upload_id) >= 8 * MIB
        store.release_preallocated(upload_id)
        assert not store.preallocated(upload_id)
        assert path.stat().st_blocks * 512 < MIB
        assert store.modified_at(upload_id) == 1000
        assert path.read_bytes() == b"abc"

    def test_a_length_beyond_the_free_space_is_refused_and_reserves_nothing(
        self, store: DiskStore, upload_id: UploadId
    ) -> None:
        before = store.path(upload_id).stat().st_blocks
        with pytest.raises(StorageFull):
            store.writer(upload_id, length=free_bytes(store.path(upload_id).parent) * 2)
        assert store.path(upload_id).stat().st_blocks == before
        assert store.offset(upload_id) == 0

    def test_an_allocation_that_fails_half_way_is_freed(
        self, store: DiskStore, upload_id: UploadId, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = linux.fallocate
        assert real is not None

        def runs_out(descriptor: int, mode: int, start: object, length: object) -> int:
            real(descriptor, mode, start, length)
            linux.ctypes.set_errno(errno.ENOSPC)
            return -1

        monkeypatch.setattr(linux, "fallocate", runs_out)
        with store.writer(upload_id, length=8 * MIB) as writer:
            for _ in range(2):
                writer.write([bytes(MIB)])
            assert store.path(upload_id).stat().st_blocks * 512 < 3 * MIB
        assert store.path(upload_id).read_bytes() == bytes(2 * MIB)

    @pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
    def test_a_file_system_without_preallocation_can_be_used(
        self,
        store: DiskStore,
        upload_id: UploadId,
        monkeypatch: pytest.MonkeyPatch,
        number: int,
    ) -> None:
        def refuses(*_: object) -> int:
            linux.ctypes.set_errno(number)
            return -1

        monkeypatch.setattr(linux, "fallocate", refuses)
        with store.writer(upload_id, length=8 * MIB) as writer:
            writer.write([b"abc"])
        assert store.offset(upload_id) == 3

    def test_a_libc_without_these_calls_can_be_used(
        self, store: DiskStore, upload_id: UploadId, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(linux, "fallocate", linux.function("no_such_function"))
        monkeypatch.setattr(linux, "sync_file_range", linux.function("no_such_function"))
        with store.writer(upload_id, length=40 * MIB) as writer:
            writer.write([bytes(MIB)] * 33)
            writer.sync()
        assert store.offset(upload_id) == 33 * MIB


class TestConcatenation:
    @pytest.fixture
    def both(self, store: DiskStore) -> list[UploadId]:
        parts = [fresh_id(), fresh_id()]
        for part, content in zip(parts, (b"one" * 1000, b"two" * 2000), strict=True):
            store.create(part)
            with store.writer(part, length=None) as writer:
                writer.write([content])
        return parts

    def test_the_draft_of_a_broken_attempt_is_overwritten(
        self, store: DiskStore, upload_id: UploadId, both: list[UploadId]
    ) -> None:
        store.path(upload_id).with_suffix(".draft").write_bytes(b"x" * 100_000)
        assert sum(store.concatenate(upload_id, both)) == 9000
        assert store.path(upload_id).read_bytes() == b"one" * 1000 + b"two" * 2000
        assert names(store.path(upload_id).parent).count(f"{upload_id}.draft") == 0

    @pytest.mark.parametrize(
        ("number", "error"),
        [(errno.ENOSPC, StorageFull), (errno.EIO, StorageDamaged)],
        ids=["full", "input/output error"],
    )
    def test_a_copy_that_fails_leaves_no_draft(
        self,
        store: DiskStore,
        upload_id: UploadId,
        both: list[UploadId],
        monkeypatch: pytest.MonkeyPatch,
        number: int,
        error: type[Exception],
    ) -> None:
        def fails(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "copy_file_range", fails)
        with pytest.raises(error):
            sum(store.concatenate(upload_id, both))
        assert not store.path(upload_id).with_suffix(".draft").exists()
        assert store.offset(upload_id) == 0

    @pytest.mark.parametrize("number", [errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS])
    def test_without_copy_file_range_the_copy_uses_sendfile(
        self,
        store: DiskStore,
        upload_id: UploadId,
        both: list[UploadId],
        monkeypatch: pytest.MonkeyPatch,
        number: int,
    ) -> None:
        def refuses(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "copy_file_range", refuses)
        assert sum(store.concatenate(upload_id, both)) == 9000
        assert store.path(upload_id).read_bytes() == b"one" * 1000 + b"two" * 2000

    def test_a_part_is_copied_in_steps(
        self,
        store: DiskStore,
        upload_id: UploadId,
        both: list[UploadId],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(disk, "COPY_STEP_BYTES", 700)
        assert sum(store.concatenate(upload_id, both)) == 9000
        assert store.path(upload_id).read_bytes() == b"one" * 1000 + b"two" * 2000

    def test_a_part_that_shrinks_meanwhile_is_damage(
        self,
        store: DiskStore,
        upload_id: UploadId,
        both: list[UploadId],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(os, "copy_file_range", lambda *_: 0)
        with pytest.raises(StorageDamaged):
            sum(store.concatenate(upload_id, both))
        assert store.offset(upload_id) == 0

    def test_an_upload_is_deleted_with_its_draft(
        self, store: DiskStore, upload_id: UploadId
    ) -> None:
        store.path(upload_id).with_suffix(".draft").write_bytes(b"x")
        assert store.delete(upload_id)
        assert names(store.path(upload_id).parent) == []


def test_a_store_whose_directory_is_missing_raises_an_error(
    store: DiskStore, tmp_path: Path
) -> None:
    (tmp_path / "uploads").rename(tmp_path / "moved")
    with pytest.raises(UploadNotFound):
        store.offset(fresh_id())
