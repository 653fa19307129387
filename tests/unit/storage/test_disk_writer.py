"""Tests of writing when system calls fail or write less (faults 33, 35, 36)."""

import errno
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tusd_py.domain.errors import StorageBusy, StorageDamaged, StorageFull, TusdError
from tusd_py.domain.ids import UploadId
from tusd_py.storage import disk_writer
from tusd_py.storage.disk import DiskStore
from tusd_py.storage.disk_writer import MAX_VECTOR, DiskWriter

real_pwritev = os.pwritev


def fails(number: int) -> Callable[..., Any]:
    def failing(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    return failing


@pytest.fixture
def writer(store: DiskStore, upload_id: UploadId) -> Any:
    with store.writer(upload_id, length=None) as opened:
        yield opened


class Calls:
    """Stands in for ``os.pwritev``: takes ``at_most`` bytes a call, fails from call ``fail_at``."""

    def __init__(self, *, at_most: int = 1 << 30, fail_at: int = -1, number: int = 0) -> None:
        self.at_most, self.fail_at, self.number = at_most, fail_at, number
        self.vectors: list[int] = []

    def __call__(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        if len(self.vectors) == self.fail_at:
            raise OSError(self.number, os.strerror(self.number))
        self.vectors.append(len(buffers))
        taken: list[memoryview] = []
        left = self.at_most
        for buffer in buffers:
            taken.append(buffer[:left])
            left -= len(taken[-1])
        return real_pwritev(descriptor, taken, offset)


@pytest.mark.parametrize("at_most", [1, 2, 3, 5, 7])
def test_short_writes_are_repeated_until_all_is_written(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    monkeypatch.setattr(os, "pwritev", Calls(at_most=at_most))
    writer.write([b"abc", b"d", b"", memoryview(b"efgh")])
    assert writer.offset == 8
    assert writer.path.read_bytes() == b"abcdefgh"


def test_chunks_are_written_together_within_the_limits_of_the_system(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls()
    monkeypatch.setattr(os, "pwritev", calls)
    writer.write([b"ab"] * (2 * MAX_VECTOR + 3))
    assert calls.vectors == [MAX_VECTOR, MAX_VECTOR, 3]


def test_an_empty_write_makes_no_system_call(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwritev", fails(errno.EIO))
    writer.write([])
    writer.write([b"", b""])
    assert writer.offset == 0


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EFBIG, StorageFull),
        (errno.EIO, StorageDamaged),
        (errno.EROFS, StorageDamaged),
    ],
    ids=["full", "quota", "file too large", "input/output error", "read-only"],
)
def test_a_write_that_fails_half_way_keeps_the_prefix_and_moves_the_offset(
    store: DiskStore,
    upload_id: UploadId,
    writer: DiskWriter,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[TusdError],
) -> None:
    monkeypatch.setattr(os, "pwritev", Calls(at_most=2, fail_at=2, number=number))
    with pytest.raises(error):
        writer.write([b"abc", b"defgh"])
    assert writer.offset == 4
    assert store.offset(upload_id) == 4
    monkeypatch.undo()
    writer.write([b"efgh"])
    assert writer.path.read_bytes() == b"abcdefgh"


def test_a_write_of_zero_bytes_is_an_error_and_no_endless_loop(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwritev", lambda *_: 0)
    with pytest.raises(StorageDamaged):
        writer.write([b"abc"])


def test_a_failed_sync_is_never_repeated_on_the_same_descriptor(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abc"])
    monkeypatch.setattr(os, "fdatasync", fails(errno.EIO))
    with pytest.raises(StorageDamaged):
        writer.sync()
    monkeypatch.setattr(os, "fdatasync", lambda _: pytest.fail("synced again"))
    with pytest.raises(StorageDamaged):
        writer.sync()
    with pytest.raises(StorageDamaged):
        writer.write([b"def"])


def test_a_failed_sync_cuts_off_the_bytes_that_it_should_have_saved(
    store: DiskStore, upload_id: UploadId, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abc"])
    writer.sync()
    writer.write([b"def"])
    monkeypatch.setattr(os, "fdatasync", fails(errno.EIO))
    with pytest.raises(StorageDamaged):
        writer.sync()
    assert writer.offset == store.offset(upload_id) == 3


def test_bytes_that_were_synced_and_cut_off_do_not_return_as_zeros(
    store: DiskStore, upload_id: UploadId, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abcdef"])
    writer.sync()
    writer.truncate(3)
    writer.write([b"x"])
    monkeypatch.setattr(os, "fdatasync", fails(errno.EIO))
    with pytest.raises(StorageDamaged):
        writer.sync()
    assert writer.path.read_bytes() == b"abc"


def test_bytes_of_an_earlier_descriptor_are_not_trusted_after_a_failed_sync(
    store: DiskStore, upload_id: UploadId, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abc"])
    with store.writer(upload_id, length=None) as later:
        monkeypatch.setattr(os, "fdatasync", fails(errno.EIO))
        with pytest.raises(StorageDamaged):
            later.sync()
    assert store.offset(upload_id) == 0


def test_a_sync_fails_when_the_directory_can_not_be_synced(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abc"])
    monkeypatch.setattr(os, "fsync", fails(errno.EIO))
    with pytest.raises(StorageDamaged):
        writer.sync()


def test_a_failed_sync_is_raised_even_if_the_file_cannot_be_cut(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write([b"abc"])
    monkeypatch.setattr(os, "fdatasync", fails(errno.EIO))
    monkeypatch.setattr(os, "ftruncate", fails(errno.EROFS))
    with pytest.raises(StorageDamaged):
        writer.sync()
    assert writer.offset == 3


def test_the_directory_is_synced_once_and_again_after_a_mark(
    store: DiskStore, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("directory"))
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.append("file"))
    writer.sync()
    writer.sync()
    assert synced == ["file", "directory", "file"]
    store.begin_chunk(writer)
    writer.sync()
    store.commit_chunk(writer)
    writer.sync()
    assert synced[3:] == ["file", "directory"] * 2


def test_writeback_of_dirty_pages_starts_while_bytes_arrive(
    writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[tuple[int, int]] = []
    monkeypatch.setattr(disk_writer, "PUSH_BYTES", 10)
    monkeypatch.setattr(
        disk_writer, "start_writeback", lambda _, start, length: pushed.append((start, length))
    )
    for _ in range(5):
        writer.write([b"sixsix"])
    writer.truncate(20)
    writer.write([b"0123456789"])
    assert pushed == [(0, 12), (12, 12), (20, 10)]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_without_a_free_descriptor_nothing_is_cut_off(
    store: DiskStore, upload_id: UploadId, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with store.writer(upload_id, length=None) as writer:
        writer.write([b"abc"])
        with monkeypatch.context() as patched:
            patched.setattr(os, "open", fails(number))
            with pytest.raises(StorageBusy):
                writer.sync()
        writer.write([b"def"])
        writer.sync()
    monkeypatch.setattr(os, "open", fails(number))
    with pytest.raises(StorageBusy):
        store.offset(upload_id)
    with pytest.raises(StorageBusy):
        store.writer(upload_id, length=None)
    assert store.path(upload_id).stat().st_size == 6
